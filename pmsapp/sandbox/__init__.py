"""A training clinic and the three vendors' servers in front of it, over real HTTP. Shares no code with the product."""
