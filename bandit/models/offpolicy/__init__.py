"""Learning from a log alone: what is kept of it, what is fitted to it, and what is chosen."""
