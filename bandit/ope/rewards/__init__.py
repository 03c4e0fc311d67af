"""Models of clicks for doubly robust estimators; none has seen what it is corrected by."""
