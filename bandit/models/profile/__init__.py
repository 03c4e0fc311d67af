"""The parts of the profile model."""
