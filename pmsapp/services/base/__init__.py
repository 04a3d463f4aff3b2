"""What every service may use: transactions, audit, errors, encrypted columns, metrics."""
