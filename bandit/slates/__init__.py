"""From a plan to slates: what the editor leaves open, how exploration shares it out, the one walk down the slots."""
