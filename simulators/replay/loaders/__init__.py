"""Real logs as tables in this project's words. Each loader validates, and accounts for every row it did not keep."""
