"""Reading the texts and instants of a vendor."""
