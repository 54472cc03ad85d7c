"""Planning: what a lazy result costs before it is computed, and the tiles it is computed in."""
