"""Logs of choices, from one tool's format to another's: the command of that name."""
