"""The simulated association, one file for each of its parts."""
