"""Observations beside the cube: which cell each one belongs to, and how far they are apart."""
