"""The medirecords adapter."""
