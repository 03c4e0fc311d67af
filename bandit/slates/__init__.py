"""From a plan to slates: what the editor leaves open, how to explore, the walk down the slots."""
