"""One card: its panel, its form, and what staff do to it there."""
