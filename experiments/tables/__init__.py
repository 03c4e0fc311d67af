"""From finished units to tables."""
