"""The parts of the profile model: the prior from attributes, articles' appeal, and clicks."""
