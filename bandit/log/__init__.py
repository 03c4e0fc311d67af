"""What was sent and what came back: issues, archives, tracking events and the filter that reads them."""
