"""Numbers only: loops over one series, or parts of a mergeable reduction.

Nothing here knows a label, an axis, a unit or a calendar, and nothing here imports climcube,
xarray, dask, pandas or pint.
"""
