"""Real logs as tables in this project's words. Each loader accounts for every row it dropped."""
