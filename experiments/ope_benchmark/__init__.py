"""What off-policy estimators are worth, each on the ground that it was published on."""
