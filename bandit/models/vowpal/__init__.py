"""Everything that touches Vowpal Wabbit: options, text, models as bytes, questions and lessons."""
