"""Sending an issue: who gets what, and how it is written down."""
