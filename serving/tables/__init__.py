"""Tables that other systems wrote: read in pieces, checked, and refused by file, row and value."""
