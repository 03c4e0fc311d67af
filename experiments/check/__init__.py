"""Contracts of policies, simulators, encoders and estimators, and the command that asks them."""
