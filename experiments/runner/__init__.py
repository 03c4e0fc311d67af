"""Running one policy on one simulator, and many such units side by side."""
