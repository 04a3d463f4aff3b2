"""Gentu (Magentus): app-wide tokens, pairing per practice, appointments read practitioner by practitioner."""
