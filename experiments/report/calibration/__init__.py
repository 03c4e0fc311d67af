"""The page that `experiments.calibrate` leaves, and its figures."""
