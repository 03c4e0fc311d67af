"""The command that makes an archive of a log of choices."""
