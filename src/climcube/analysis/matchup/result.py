"""What a match-up gives back: both values, how far they are apart, and statistics."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.analysis.matchup.gather import one_task
from climcube.analysis.matchup.observations import Observations
from climcube.analysis.matchup.places import Candidates
from climcube.analysis.matchup.search import Matches
from climcube.cubes.subject import own_units
from climcube.cubes.units import Units
from climcube.lift.common import Tables

__all__ = ["STATISTICS", "as_dataset", "compare"]

Floats = npt.NDArray[np.float64]

STATISTICS = ("n", "n_missing", "bias", "rmse", "stdev", "correlation")
_FLAGS = ("matched", "outside_area", "outside_time", "outside_depth", "missing_in_cube")
MISSING = _FLAGS.index("missing_in_cube")


def compare(values: Floats, observed: Floats) -> Floats:
    """Return the `STATISTICS` of values beside those observed, over the rows that have both."""
    valid = np.isfinite(values)
    a, b = values[valid], observed[valid]
    n = len(a)
    if not n:
        return np.array([0.0, np.nan, np.nan, np.nan, np.nan])
    difference = a - b
    bias = difference.mean()
    spread, square = difference.std(), np.mean(difference**2)
    a, b = a - a.mean(), b - b.mean()
    scale = np.sqrt((a @ a) * (b @ b))
    correlation = np.clip((a @ b) / scale, -1.0, 1.0) if n > 1 and scale > 0 else np.nan
    return np.array([n, bias, np.sqrt(square), spread, correlation])


def as_dataset(
    cube: xr.DataArray, units: Units, observations: Observations, matches: Matches, values: Any
) -> xr.Dataset:  # fmt: skip
    """Dress what was found: variables along ``obs``, and statistics without a dimension."""
    places = None
    if matches.horizontal.candidates is not None:
        places = _places(values, matches.horizontal.candidates)
        values = values[:, 0]
    label = str(cube.attrs.get("long_name") or cube.name or "the cube").replace("_", " ")
    own, observed = own_units(cube, units), observations.value
    flag = _apply(_flags, values, matches.flag, shape=(len(observed),), dtype="int8")
    found: dict[str, Any] = {
        "cube": (values, {"long_name": f"{label} of the cube", **own, **_standard_name(cube)}),
        "observation": (observed, {"long_name": f"observed {observations.name}", **own}),
        "difference": (
            values - observed,
            {"long_name": f"{label}, cube minus observation", **units.difference()},
        ),
        "flag": (flag, {
            "long_name": "whether the cube has a value for the observation",
            "flag_values": np.arange(len(_FLAGS), dtype="int8"),
            "flag_meanings": " ".join(_FLAGS),
        }),
    }  # fmt: skip
    result = xr.Dataset({name: ("obs", data, attrs) for name, (data, attrs) in found.items()})
    result = result.assign({n: ("obs", d, a) for n, (d, a) in matches.described(places).items()})
    result = result.assign(_statistics(values, observed, flag, label, units))
    counts = "; ".join(f"{count} rows left out: {reason}" for reason, count in observations.dropped)
    result.attrs = {"featureType": "point"} | ({"comment": counts} if counts else {})
    return result.assign_coords(_coordinates(observations))


def _places(values: Any, candidates: Candidates) -> tuple[Any, Any, Any]:
    """Return distance, longitude and latitude of the cells chosen; lazily where values are."""
    chosen = values[:, 1]
    tables = (candidates.distance, candidates.longitude, candidates.latitude)
    distance, longitude, latitude = (
        _apply(_taken, chosen, table, shape=(len(table),), dtype="float64") for table in tables
    )
    return distance, longitude, latitude


def _taken(chosen: Floats, tables: Any) -> Floats:
    (table,) = Tables.unwrap(tables)
    taken: Floats = table[np.arange(len(table)), chosen.astype("int64")]
    return taken


def _flags(values: Floats, tables: Any) -> npt.NDArray[np.int8]:
    (flag,) = Tables.unwrap(tables)
    return np.where((flag == 0) & ~np.isfinite(values), np.int8(MISSING), flag)


def _compared(values: Floats, tables: Any) -> Floats:
    return compare(values, *Tables.unwrap(tables))


def _apply(function: Any, values: Any, table: Any, *, shape: Any, dtype: str) -> Any:
    """Apply a function to the values, as one task where they are lazy."""
    if not isinstance(values, da.Array):
        return function(values, Tables((table,)).scalar())
    return one_task(function, values, (table,), shape=shape, dtype=dtype)


def _statistics(
    values: Any, observed: Floats, flag: Any, label: str, units: Units
) -> dict[str, Any]:
    numbers = _apply(_compared, values, observed, shape=(5,), dtype="float64")
    apart = units.difference()
    described = {
        "bias": (numbers[1], f"mean difference of {label}, cube minus observation", apart),
        "rmse": (numbers[2], f"root mean square difference of {label}", apart),
        "stdev": (numbers[3], f"standard deviation of the difference of {label}", apart),
        "correlation": (numbers[4], "Pearson correlation of cube and observation", {"units": "1"}),
        "n": (numbers[0].astype("int64"), "number of pairs", {"units": "1"}),
        "n_missing": (
            (flag == MISSING).sum().astype("int64"),
            "number of observations whose cell has no value", {"units": "1"},
        ),
    }  # fmt: skip
    return {n: ((), data, {"long_name": text, **a}) for n, (data, text, a) in described.items()}


def _standard_name(cube: xr.DataArray) -> dict[str, Any]:
    return {k: v for k, v in cube.attrs.items() if k == "standard_name"}


def _coordinates(observations: Observations) -> dict[str, Any]:
    degrees = {"lon": ("longitude", "degrees_east"), "lat": ("latitude", "degrees_north")}
    found: dict[str, Any] = {
        name: ("obs", getattr(observations, kind), {"standard_name": kind, "units": unit})
        for name, (kind, unit) in degrees.items()
    }
    found["time"] = ("obs", observations.time, {"standard_name": "time"})
    if observations.depth is not None:
        attrs = {"standard_name": "depth", "units": "m", "positive": "down"}
        if observations.depth_source is not None:
            attrs["comment"] = f"from pressure by {observations.depth_source}"
        found["depth"] = ("obs", observations.depth, attrs)
    for name in ("profile", "level", "row"):
        text = f"number of the {name} that the observation comes from, from 0"
        found[name] = ("obs", getattr(observations, name), {"long_name": text})
    return found
