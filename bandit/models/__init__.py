"""What policies learn with: the arithmetic behind `bandit.policies`. None of it knows a policy."""
