"""The explorer: a page on which a cube's heatwaves are looked at, cell by cell and day by day."""
