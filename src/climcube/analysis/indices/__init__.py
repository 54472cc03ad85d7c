"""Ocean indices and heat stress: what a region, or a reef, is known by."""
