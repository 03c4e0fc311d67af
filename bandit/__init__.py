"""Letterbandit: choose and order newsletter articles for each member, with exact propensities."""
