"""The halaxy adapter."""
