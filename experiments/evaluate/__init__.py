"""What a policy would have earned on a log: value, difference to what was sent, and diagnostics."""
