"""Logs of choices in the formats of other tools: theirs into ours, and ours into theirs.

A file becomes `decisions.Decision`, one for each choice, and these become a file, arrays for
`bandit.ope.single`, or the table that a mapping reads.
"""
