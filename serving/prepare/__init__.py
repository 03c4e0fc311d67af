"""From an association's own files to its first bundle: `python -m serving.prepare`."""
