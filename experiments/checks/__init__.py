"""Checks of how far the simulator can be believed."""
