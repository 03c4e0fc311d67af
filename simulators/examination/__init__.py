"""Examination models: which slots of an opened newsletter are looked at."""
