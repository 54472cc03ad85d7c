"""Stores with versions, in Icechunk repositories."""
