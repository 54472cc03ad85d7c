"""climcube."""
