"""What staff change on a card, and what they decide."""
