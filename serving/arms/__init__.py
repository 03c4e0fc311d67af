"""Experiments inside the sends: several bundles choose, each for its own members."""
