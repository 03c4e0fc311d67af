"""Published figures beside ours: the command that makes docs/evidence.md."""
