"""The two-tower network, and what is kept of past issues to train it on."""
