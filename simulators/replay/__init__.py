"""Real logs as a place to try policies."""
