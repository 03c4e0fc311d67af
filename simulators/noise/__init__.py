"""What real logs add to the truth, and hide."""
