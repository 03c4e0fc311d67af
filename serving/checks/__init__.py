"""What must be true of a bundle before it is believed, beside its digests."""
