"""An index of pages: a line and a thumbnail each."""
