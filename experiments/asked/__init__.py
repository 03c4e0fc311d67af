"""From the command line to the work: what is asked, what of it is known, and where it goes."""
