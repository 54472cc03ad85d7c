"""Bytes: where they are, how they are read as stored, and how what was written gets in place."""
