"""Linear click models: their forms, their posteriors, and how they learn."""
