"""How each policy's time and memory grow with members, articles, slots and dimensions of text."""
