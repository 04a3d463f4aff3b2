"""The gentu adapter."""
