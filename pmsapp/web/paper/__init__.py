"""What is printed: the run sheet on paper, the hand-over at the end of the day, and the downtime copy's content."""
