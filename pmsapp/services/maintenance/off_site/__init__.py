"""Backups that leave the machine: one sealed archive, and the way it goes."""
