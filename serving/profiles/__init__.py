"""Members' tastes by named topics, for people who do not send: how strong, how sure, since when."""
