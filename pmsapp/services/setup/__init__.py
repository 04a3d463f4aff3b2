"""Setting a connection up: what was typed and chosen so far, what the vendor answered, and what will appear."""
