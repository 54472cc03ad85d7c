"""Slopes, change and their significance: what is moving, and how far to believe it."""
