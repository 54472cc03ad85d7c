"""How fast climates move, and where species can live."""
