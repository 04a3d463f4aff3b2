"""What is proved for every vendor alike, through the real services."""
