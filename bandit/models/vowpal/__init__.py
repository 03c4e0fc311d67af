"""Everything that touches Vowpal Wabbit."""
