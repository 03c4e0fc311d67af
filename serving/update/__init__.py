"""From a bundle and a log to the next bundle, by the issues that are new."""
