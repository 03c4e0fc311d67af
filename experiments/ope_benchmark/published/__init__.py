"""Grounds on which others have published figures, beside which docs/evidence.md puts ours."""
