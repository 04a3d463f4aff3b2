"""Use-cases. Each takes plain arguments and owns its transaction."""
