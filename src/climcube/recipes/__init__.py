"""Recipes: many files in, one store out, checked on the way."""
