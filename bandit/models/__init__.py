"""What policies learn with: the arithmetic behind `bandit.policies`, none of which knows a policy."""
