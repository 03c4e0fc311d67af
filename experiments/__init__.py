"""Experiments: the only package that imports hydra, and the only one that may import everything."""
