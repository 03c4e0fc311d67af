"""From a provider's file to records of one form, whatever the provider calls things."""
