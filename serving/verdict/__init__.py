"""The verdict on an experiment inside the sends: what it found, and whether to stop."""
