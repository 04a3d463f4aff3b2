"""Timings of the sync job beside a hand-tuned floor, in one run. `make bench` prints the table."""
