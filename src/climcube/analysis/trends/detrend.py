"""Departures from each cell's own line or parabola in time."""

from __future__ import annotations

import xarray as xr

from climcube.analysis.trends.common import float_type, label_of
from climcube.cubes.subject import examine, finish_array
from climcube.errors import ParameterError
from climcube.lift.series import Output, lift_series

__all__ = ["detrend"]

_SHAPES = {1: "linear", 2: "quadratic"}


def detrend(cube: xr.DataArray, *, degree: int = 1, keep_mean: bool = False) -> xr.DataArray:
    """Remove the least-squares line (or parabola) in real time from every cell's series.

    Parameters
    ----------
    cube : DataArray
        As for `climcube.trend`; if Dask, with time in one chunk.
    degree : {1, 2}
        Of the polynomial that is removed: a line or a parabola.
    keep_mean : bool
        Add the mean of the valid values back. By default the result has mean zero, as that of
        ``scipy.signal.detrend``, CDO's ``detrend`` and xclim's has.

    Returns
    -------
    DataArray
        Dimensions, order, cell chunks and name of the cube; float32 for float32 cubes, else
        float64. Units: a difference in the cube's units; the cube's own with ``keep_mean``.
        Lazy where the cube is.

    Raises
    ------
    AxisError, UnitsError
        As for `climcube.trend`.
    ParameterError
        A degree other than 1 or 2.
    ChunkError
        Chunks cut time.
    CubeError
        The cube does not hold numbers, or (at compute) holds an infinite value.

    Notes
    -----
    Missing values stay missing and gaps keep their length. A cell with fewer than
    ``degree + 2`` valid values becomes NaN. Times are real ones (see `climcube.trend`), computed
    in float64 from the first one on.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import climcube as cc
    >>> time = xr.date_range("1951-01-01", periods=60, freq="YS")
    >>> sst = xr.DataArray(15 + 0.02 * np.arange(60), dims="time", coords={"time": time},
    ...                    attrs={"units": "degC"})
    >>> bool(abs(cc.detrend(sst)).max() < 1e-12)
    True
    >>> round(float(cc.detrend(sst, keep_mean=True)[0]), 2)
    15.59
    """
    if isinstance(degree, bool) or degree not in _SHAPES:
        raise ParameterError("degree out of range", where=f"degree={degree!r}", expected="1 or 2")
    subject = examine(cube, "detrend")
    axis, plain = subject.axis, subject.cube
    units = subject.absolute() if keep_mean else subject.units.difference()
    text = f"{label_of(plain)}, {_SHAPES[degree]} trend removed (detrended)"
    times = axis.decimal_year - axis.decimal_year[0]
    name = "detrended"
    result = lift_series(
        "climcube.kernels.detrending:remove_polynomial",
        [(plain, axis.name)],
        [Output(name, axis.name, float_type(plain), {"long_name": text, **units})],
        tables=(times / max(float(times[-1]), 1e-9), degree, bool(keep_mean)),
        purpose="detrend",
    )[name].rename(plain.name)
    parameters = {"degree": degree, "keep_mean": keep_mean}
    return finish_array(result, "detrend", parameters, [cube], subject.quantified)
