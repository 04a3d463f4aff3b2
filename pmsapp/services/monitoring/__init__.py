"""What is wrong, who is told, and what runs by itself."""
