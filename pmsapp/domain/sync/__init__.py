"""What a read means for the cards."""
