"""One question, one yaml and one page each: the case against segmentation, asked fairly."""
