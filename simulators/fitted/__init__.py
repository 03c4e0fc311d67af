"""An association fitted to a log."""
