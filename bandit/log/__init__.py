"""What was sent and what came back: issues, archives, tracking events and what they mean."""
