"""Reports: one page of numbers, sentences and figures about a cube."""
