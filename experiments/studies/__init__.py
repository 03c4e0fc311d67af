"""What each study makes of its units: a few dozen lines, in the file of its name."""
