"""One member's profile in words, and why each article is in the slate."""
