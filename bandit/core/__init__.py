"""What everything rests on: tables of the data path, rules, keyed draws, exact products, files."""
