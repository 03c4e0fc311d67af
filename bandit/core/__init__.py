"""What everything else rests on: the tables of the data path, the editor's rules, keyed draws, exact products, checks, files."""
