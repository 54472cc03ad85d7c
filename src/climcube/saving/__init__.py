"""Saving: a lazy result becomes a store or a file, complete or not at all."""
