"""Cold start: how soon a newsletter is good, for whom it is worse, and where that changes."""
