"""Linear click models."""
