"""Whether a log may be believed: what is tested before there is an answer, and what is refused."""
