"""The two-tower network and what it is trained on."""
