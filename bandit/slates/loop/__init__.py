"""What the compiled loop of a slot rests on."""
