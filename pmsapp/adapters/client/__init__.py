"""HTTP towards a vendor: sessions, repeats, rate limit, pages, tokens, errors."""
