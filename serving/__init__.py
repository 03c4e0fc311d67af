"""What runs in production: bundles, and tonight's slates. Imports bandit only."""
