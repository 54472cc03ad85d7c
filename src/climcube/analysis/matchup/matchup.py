"""Observations beside the values of a cube."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from climcube.analysis.matchup.gather import weighted_values
from climcube.analysis.matchup.layout import Layout
from climcube.analysis.matchup.options import MatchOptions, require_flags
from climcube.analysis.matchup.profiles import described, read_observations
from climcube.analysis.matchup.result import as_dataset
from climcube.analysis.matchup.search import search
from climcube.cubes.subject import finish, plain_cube
from climcube.cubes.units import Units
from climcube.errors import VariableError

__all__ = ["matchup"]


def matchup(
    cube: xr.DataArray,
    profiles: Any,
    *,
    method: str | Mapping[str, str] = "nearest",
    distance: float | None = None,
    time_tolerance: Any = None,
    depth_tolerance: float | None = None,
    variable: str | None = None,
    units: str | None = None,
    qc: Sequence[int] | None = (1, 2),
) -> xr.Dataset:
    """Return the cube's value for every observation, their difference and its statistics.

    Parameters
    ----------
    cube
        Latitude and longitude, 1-D, 2-D or unstructured; time and depth, where it has them;
        NumPy or Dask in any chunks; plain or pint-quantified. Pass the whole Dataset where
        time and level bounds travel with it.
    profiles
        Argo netCDF file (or a pattern or list of them), an `argopy` or any other Dataset, by
        profile and level or by point; a pandas table, a mapping of columns, a .csv or .parquet
        file. Columns are found by the usual names (lon, longitude, LONGITUDE, JULD, time,
        depth, PRES ...) or CF standard names. They are read into memory.
    method : {"nearest", "linear", "nearest_valid"} or mapping
        Value of the nearest cell, or interpolated linearly in longitude, latitude, time and
        depth; or one of both for each of them: ``{"space": "linear", "time": "nearest"}``
        (left out: nearest). ``"nearest_valid"``, of space, is the nearest cell within
        ``distance`` that has a value at that time and depth (beside the coast).
    distance
        Largest distance between observation and centre of the nearest cell, in km. Default: the
        observation lies in a cell of the grid. ``"nearest_valid"`` needs one.
    time_tolerance
        Largest distance to the middle of the period that the nearest sample stands for, as
        ``"12h"``. Default: the observation lies in that period.
    depth_tolerance
        Largest distance to the nearest level, in metres. Default: the observation lies in a
        layer, half-way to the next levels; for a cube without levels, or with one, 10 m.
    variable
        What was observed: name of a column. Default: the one called as the cube or its
        standard name, else the usual ones of such a quantity (TEMP, PSAL, sst ...).
    units
        Of the observations; default as their attributes say. Where those say nothing, Argo's
        TEMP is in degC, and other columns are in the cube's own units.
    qc
        Quality flags (Argo reference table 2) of value, pressure, time and place to accept,
        where a table has them; ``None`` takes all.

    Returns
    -------
    Dataset
        By ``obs``, one row an observation that has a value, in the order given: ``cube``,
        ``observation``, ``difference`` (cube - observation); ``distance`` (km),
        ``time_difference`` (hours), ``depth_difference`` (m) to the nearest cell and its
        ``cell_lon``, ``cell_lat``, ``cell_time``, ``cell_depth``; ``flag``, why there is no
        value. Coordinates are place and time observed, and ``profile``, ``level`` and ``row``
        of origin, from 0. Over all pairs, without dimension: ``n``, ``bias`` (mean difference),
        ``rmse``, ``stdev`` (of the difference, ddof 0, so that rmse^2 = bias^2 + stdev^2),
        Pearson's ``correlation``, and ``n_missing``. All in the cube's units. Values, flags and
        statistics are lazy where the cube is, and reading touches each chunk that is needed once;
        coordinates are read at once, and once: what is to be read of the cube follows from them
        (of a curved grid that takes some 120 bytes a cell meanwhile: 1.6 GB for 13 million).

    Notes
    -----
    - Observations that lie nowhere in the cube, and those whose cell has no value (land), are
      NaN, with a ``flag``; so is an interpolation with a missing neighbour of any weight. At the
      ends of an axis and beside gaps, where there is no second neighbour, the value of the one
      cell holds up to the cell's edge.
    - On grids with 2-D coordinates ``"linear"`` is bilinear within the four centres that the point
      lies between, in the plane that touches the sphere there; beyond the outermost centres, and
      beside cells without a place, the value of the nearest cell holds.
    - A point midway between two centres belongs to the eastern, northern, deeper, later one.
      Longitudes are taken modulo 360.
    - Daily samples stand for their calendar day, monthly ones for their month, annual ones for
      their year, unless time bounds say otherwise or ``cell_methods`` says ``time: point``: an
      observation of 28 January belongs to January, even if that is labelled 1 January.
    - Observations have the standard calendar. In other calendars they keep their date, 29
      February being the 28th where there is none; in ``360_day`` their month, and the share of
      it that is over.
    - In Argo profiles of the modes A and D the adjusted values count, else the raw ones.
      Pressure becomes depth by TEOS-10 if `gsw` is installed, else by Saunders and Fofonoff
      (1976); levels in dbar are compared with pressure.
    - Rows repeated in all of place, time and value count once. ``comment`` says what was left out.

    Raises
    ------
    CubeError
        No observation is left, none lies within the cube, or places are impossible.
    VariableError
        Columns are missing or ambiguous.
    UnitsError
        Units do not fit.
    AxisError
        The cube's axes are missing or out of order.
    ParameterError
        An argument that is not understood; linear interpolation on an unstructured grid; a grid
        that does not say how far its cells reach; ``"nearest_valid"`` without a distance, or with
        one that holds more than 1,000 cells.
    StoreError
        A file that is not there or cannot be read.

    Examples
    --------
    >>> import climcube as cc, pandas as pd
    >>> sst = cc.testing.synthetic_ocean(years=2, shape=(4, 6)).sst
    >>> cell = sst.isel(time=10, lat=1, lon=2)
    >>> buoy = pd.DataFrame({"lon": [float(cell.lon) - 360], "lat": [float(cell.lat)],
    ...                      "time": [cell.time.values], "sst": [float(cell) - 0.5]})
    >>> found = cc.matchup(sst, buoy)
    >>> int(found.n), round(float(found.bias), 3)
    (1, 0.5)
    """
    options = MatchOptions.of(method, distance, time_tolerance, depth_tolerance)
    flags = require_flags(qc)
    plain, quantified = _one_variable(cube)
    layout = Layout.of(plain)
    measured = Units.of(plain)
    observations = read_observations(profiles, variable, flags, plain, units)
    matches = search(cube, layout, observations, options)
    candidates = matches.horizontal.candidates
    choices = None if candidates is None else candidates.distance.shape[1]
    values = weighted_values(layout.cube, *matches.corners(), choices)
    result = as_dataset(plain, measured, observations, matches, values)
    parameters = {
        "profiles": described(profiles), "method": method, "distance": distance,
        "time_tolerance": None if time_tolerance is None else str(time_tolerance),
        "depth_tolerance": depth_tolerance, "variable": observations.name, "units": units,
        "qc": flags,
    }  # fmt: skip
    return finish(result, "matchup", parameters, [cube], quantified)


def _one_variable(cube: Any) -> tuple[xr.DataArray, Any]:
    try:
        return plain_cube(cube, "matchup")
    except VariableError as error:  # variable=... names a column of the observations here
        raise VariableError(
            error.what,
            where=error.where,
            found=error.found,
            remedy="pass cube['...'], one of these",
        ) from None
