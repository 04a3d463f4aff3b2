"""What every page shares: the frame, labels, fields and formatting."""
