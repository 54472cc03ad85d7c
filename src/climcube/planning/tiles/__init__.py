"""From a lazy result to what is computed together: prepared, cut into tiles, laid out in files."""
