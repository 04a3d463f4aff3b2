"""What is kept on one patient, who looked at it, and how long it stays."""
