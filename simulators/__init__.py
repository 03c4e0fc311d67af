"""Simulators stand where the e-mail stands: they import bandit, and bandit never imports them."""
