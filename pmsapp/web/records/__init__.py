"""Pages about records: the log of who did what, how long data stay, what is kept on one patient."""
