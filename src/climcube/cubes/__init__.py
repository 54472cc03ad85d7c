"""Cubes: plain xarray objects with known axes, units, calendar and chunks."""
