"""What every fake vendor shares: the hub of clinics, faults, traffic records."""
