"""How well the hygiene filter tells people from machines: python -m experiments.machines"""
