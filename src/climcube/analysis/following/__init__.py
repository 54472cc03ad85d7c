"""Marine heatwaves day by day: a state that new days update."""
