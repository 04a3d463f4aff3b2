"""Help: a page for every code and every badge, guides for reception and the manager, and a search over all of it."""
