"""Users, passwords, sessions and keys for programs."""
