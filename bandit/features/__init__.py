"""How members and articles become feature matrices."""
