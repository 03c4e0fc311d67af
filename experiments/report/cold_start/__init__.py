"""Cold start, and whom a policy leaves better or worse off: sections of the report, and a page."""
