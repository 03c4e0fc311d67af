"""Which requests of a tracking log were made by machines, and how sure that is."""
