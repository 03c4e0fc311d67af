"""Members and articles to feature matrices."""
