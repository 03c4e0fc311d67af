"""What tracking in real e-mail adds to the truth about an issue, and what it hides."""
