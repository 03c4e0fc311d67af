"""Pages and figures made from tables."""
