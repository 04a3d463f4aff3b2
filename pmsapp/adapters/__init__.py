"""Everything that knows a vendor. No web framework, no database."""
