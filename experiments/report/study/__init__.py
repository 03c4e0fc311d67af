"""The page of a study: a sentence on top, a figure, the table folded."""
