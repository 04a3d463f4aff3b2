"""One practitioner on one day: read it, decide, write it, record how it went."""
