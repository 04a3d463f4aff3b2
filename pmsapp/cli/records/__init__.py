"""Commands about records: who did what, who looked, what is kept on one patient, a breach."""
