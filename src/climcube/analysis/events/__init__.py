"""Marine heatwaves of every cell: definition, baselines, results, event table."""
