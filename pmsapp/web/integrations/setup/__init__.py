"""The five steps of connecting a practice, each a page of its own that can be left and taken up again."""
