"""Data: provinces, each a list of halls that are played at once."""
