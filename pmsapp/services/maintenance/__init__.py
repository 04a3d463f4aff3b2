"""Care of the database: upgrade, backup, restore, keys, retention."""
