"""Learning from a log alone."""
