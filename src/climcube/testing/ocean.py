"""A seeded synthetic ocean whose trend and marine heatwaves are known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.errors import ParameterError
from climcube.testing.plan import Bits, Floats, OceanPlan, PlantedRun

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["planted_events", "planted_trend", "synthetic_ocean"]

_ATTRIBUTE = "synthetic_ocean"
_MEMORY = 0.5  # of the red noise from one day to the next
_SCALE, _FILL = np.float32(0.01), np.int16(-999)
# Planted days lie at least this many noise deviations above the noise-free sea: the threshold,
# lifted by the planted days themselves, stays below.
_FLOOR = 3.0
_MARGIN = 0.05  # of near-threshold events above their threshold
# Warm spells of the noise longer than four days would be heatwaves by the definition. Above this
# many deviations, lower than any threshold, the fifth day is set to 0, and the heat that this
# takes is given back on the next cool days.
_QUIET, _LONGEST = 0.75, 4


def synthetic_ocean(
    *,
    years: int = 12,
    start: int = 2000,
    shape: tuple[int, int] = (30, 60),
    seed: int = 0,
    trend: float = 0.3,
    noise: float = 0.4,
    heatwaves: bool = True,
    packed: bool = True,
) -> xr.Dataset:
    """Make a small daily ocean in which the right answers are known.

    ``sst = sea(lat, day of year) + trend * (t - middle) + red noise + planted heatwaves``

    The noise is AR(1) with a memory of 0.5 a day. Warm spells of it that would last five days
    are broken, so that the planted heatwaves are the only ones that the definition of Hobday
    et al. (2016) finds with the whole record as base period; this holds for records of at
    least 11 years (in a shorter one a single event fills a tenth of the climatology's window).
    Planted are, in patches of the sea: ``five_day`` events of exactly five days,
    ``near_threshold`` ones 0.05 degC above the threshold, ``joined`` ones with a gap of two
    days, ``separate`` pairs with a gap of three, ``long`` ones up to category Extreme,
    ``new_year`` ones across 31 December, and ``four_day`` decoys that are none.

    Parameters
    ----------
    years, start
        Length of the record and its first year (standard calendar, noon of each day).
    shape
        Number of latitudes (within 60S..60N) and longitudes (0..360).
    seed
        Equal seeds give equal values on every platform.
    trend
        Mean planted trend in degC per decade; it varies from cell to cell (`planted_trend`).
    noise
        Standard deviation of the red noise in degC.
    heatwaves
        Whether to plant heatwaves.
    packed
        Pack as OISST does: ``sst`` is decoded exactly from int16 with scale 0.01, and its
        encoding says so. Otherwise values are plain float32.

    Returns
    -------
    Dataset
        ``sst(time, lat, lon)`` in degC, float32, in memory; NaN on land.

    Raises
    ------
    ParameterError
        A size is not positive.

    Examples
    --------
    >>> import climcube as cc
    >>> ocean = cc.testing.synthetic_ocean(years=2, shape=(6, 12))
    >>> ocean.sst.dims, ocean.sst.shape, ocean.sst.attrs["units"]
    (('time', 'lat', 'lon'), (731, 6, 12), 'degC')
    """
    _require_positive(years=years, rows=shape[0], columns=shape[1], noise=noise)
    plan = OceanPlan(years, start, (int(shape[0]), int(shape[1])), seed, trend, noise, heatwaves)
    sea = _sea(plan)
    departure, moment = _weather(plan)
    _plant(plan, departure)
    _give_back(plan, departure, moment)
    _bring_near_threshold(plan, sea, departure)
    values = sea.reshape(departure.shape) + departure
    values[:, plan.land.ravel()] = np.nan
    return _dataset(plan, values.reshape(len(plan.times), *plan.shape), packed)


def planted_events(ocean: xr.Dataset) -> pd.DataFrame:
    """Return the heatwaves planted in a synthetic ocean, one row for each cell and event.

    Columns: ``lat``, ``lon``, ``date_start``, ``date_end`` (midnight of the day),
    ``duration`` in days, ``kind``, and ``amplitude``: degC above the sea without noise, NaN
    where the threshold decided. Events cut by the ends of the record are not listed.
    """
    import pandas as pd

    plan = _plan_of(ocean)
    events: dict[int, list[PlantedRun]] = {}
    for run in plan.runs:
        if run.kind != "four_day":
            events.setdefault(run.event, []).append(run)
    days = plan.times.astype("datetime64[D]").astype("datetime64[ns]")
    tables = [_rows(plan, runs, days) for runs in events.values()]
    columns = ["lat", "lon", "date_start", "date_end", "duration", "kind", "amplitude"]
    if not tables:
        return pd.DataFrame(columns=columns)
    table = pd.concat([pd.DataFrame(t) for t in tables if t], ignore_index=True)[columns]
    return table.sort_values(["lat", "lon", "date_start"], ignore_index=True)


def planted_trend(ocean: xr.Dataset) -> xr.DataArray:
    """Return the trend planted in each cell of a synthetic ocean (degC per decade, NaN on land)."""
    plan = _plan_of(ocean)
    values = np.where(plan.land, np.nan, plan.cell_trend)
    return xr.DataArray(
        values,
        coords={"lat": ocean["lat"], "lon": ocean["lon"]},
        dims=("lat", "lon"),
        name="planted_trend",
        attrs={"units": "degC decade-1", "long_name": "planted trend"},
    )


def _require_positive(**sizes: float) -> None:
    for name, size in sizes.items():
        if not size > 0:
            raise ParameterError("not positive", where=f"{name}={size!r}", expected="more than 0")


def _plan_of(ocean: xr.Dataset) -> OceanPlan:
    text = ocean.attrs.get(_ATTRIBUTE)
    if not isinstance(text, str):
        raise ParameterError(
            "not a synthetic ocean", expected="a dataset made by cc.testing.synthetic_ocean"
        )
    facts: dict[str, Any] = json.loads(text)
    return OceanPlan(**facts | {"shape": tuple(facts["shape"])})


def _rows(plan: OceanPlan, runs: list[PlantedRun], days: Any) -> dict[str, Any]:
    first, last, cells = runs[0].first, runs[-1].last, runs[0].cells
    if first < 0 or last >= len(days):
        return {}
    rows, columns = np.divmod(cells, plan.shape[1])
    near = runs[0].kind == "near_threshold"
    return {
        "lat": _f4(plan.latitude)[rows],
        "lon": _f4(plan.longitude)[columns],
        "date_start": days[first],
        "date_end": days[last],
        "duration": last - first + 1,
        "kind": runs[0].kind,
        "amplitude": np.where(near, np.nan, np.max([r.amplitude for r in runs], axis=0)),
    }


def _sea(plan: OceanPlan) -> Floats:
    """Return the noise-free sea without trend: (time, lat, lon)."""
    lat = np.radians(plan.latitude)
    mean = 28 * np.cos(lat) ** 1.4
    # Warmest in late August in the north, in late February in the south.
    phase = np.cos(2 * np.pi * (plan.dayofyear - 236) / 366)
    cycle = phase[:, None] * (4 * np.sin(lat) * np.abs(np.sin(lat)) ** 0.5)
    wave = 0.8 * np.sin(2 * np.radians(plan.longitude) + 0.7)
    return np.asarray((mean + cycle)[:, :, None] + wave * np.cos(lat)[:, None])


def _weather(plan: OceanPlan) -> tuple[Floats, Floats]:
    """Return trend and red noise, (time, cell), without a warm spell that counts as a heatwave.

    With them comes their first moment in time, by cell, as it was with these spells.
    """
    days, cells = len(plan.times), int(np.prod(plan.shape))
    bits = Bits(plan.seed)
    shock = np.sqrt(1 - _MEMORY**2)
    out, moment = np.empty((days, cells)), np.zeros(cells)
    middle, drift = (days - 1) / 2, plan.cell_trend.ravel() / 3652.5
    state = bits.normal((cells,))
    warm, owed = np.zeros(cells, "int64"), np.zeros(cells)
    for day in range(days):
        state = _MEMORY * state + shock * bits.normal((cells,))
        value = state * plan.noise + (day - middle) * drift
        moment += (day - middle) * value
        warm = np.where(value > _QUIET * plan.noise, warm + 1, 0)
        broken = warm > _LONGEST
        warm[broken] = 0
        paid = np.where(broken, 0, np.minimum(owed, np.maximum(-value, 0)))
        owed += np.where(broken, value, -paid)
        out[day] = np.where(broken, 0, value + paid)
    return out, moment


def _give_back(plan: OceanPlan, departure: Floats, moment: Floats) -> None:
    """Tilt each series so that it has the trend that it had before it was interfered with.

    In a warming sea more spells are broken late, when there are few cool days to be paid on, and
    the planted days hide the trend below them: without this 2 % of it would be lost. The planted
    days themselves stay where they are, safely above the threshold.
    """
    days = len(departure)
    time = np.arange(days) - (days - 1) / 2
    plain = departure < _FLOOR * plan.noise
    tilt = (moment - time @ departure) / np.maximum(1.0, time**2 @ plain)
    for day in range(days):
        departure[day] += plain[day] * time[day] * tilt


def _plant(plan: OceanPlan, departure: Floats) -> None:
    """Set the planted days above any threshold, and the days next to them below it."""
    days = len(departure)
    for run in plan.runs:
        for day in (*range(run.first - 3, run.first), *range(run.last + 1, run.last + 4)):
            if 0 <= day < days:
                departure[day, run.cells] = -np.abs(departure[day, run.cells])
    floor = _FLOOR * plan.noise
    for run in plan.runs:
        length = run.last - run.first + 1
        for step in range(length):
            day = run.first + step
            if not 0 <= day < days:
                continue
            shape = np.sin(np.pi * (step + 0.5) / length)
            level = floor + (run.amplitude - floor) * shape + 0.3 * departure[day, run.cells]
            departure[day, run.cells] = np.maximum(level, floor)


def _bring_near_threshold(plan: OceanPlan, sea: Floats, departure: Floats) -> None:
    """Lower the near-threshold events to just above their threshold.

    Lowering values can only lower a percentile, so that they stay above it.
    """
    runs = [run for run in plan.runs if run.kind == "near_threshold"]
    if not runs:
        return
    cells = np.unique(np.concatenate([run.cells for run in runs]))
    flat = sea.reshape(departure.shape)[:, cells]
    threshold = _threshold(np.round(flat + departure[:, cells], 2), plan.dayofyear)
    for run in runs:
        columns = np.searchsorted(cells, run.cells)
        for day in range(max(run.first, 0), min(run.last + 1, len(departure))):
            above = threshold[plan.dayofyear[day], columns] + _MARGIN - flat[day, columns]
            departure[day, run.cells] = np.minimum(departure[day, run.cells], above)


def _threshold(values: Floats, dayofyear: npt.NDArray[np.int64]) -> Floats:
    """Return the heatwave threshold (366, cell), worked out plainly and apart from the analysis."""
    raw = np.empty((366, values.shape[1]))
    for day in (d for d in range(366) if d != 59):  # 29 February is the mean of its neighbours
        near = np.flatnonzero(dayofyear == day)[:, None] + np.arange(-5, 6)
        near = near[(near >= 0) & (near < len(values))]
        raw[day] = np.percentile(values[near], 90, axis=0)
    raw[59] = (raw[58] + raw[60]) / 2
    wrapped = np.concatenate([raw[-15:], raw, raw[:15]])
    return np.asarray(np.mean([wrapped[k : k + 366] for k in range(31)], axis=0))


def _f4(values: Floats) -> npt.NDArray[np.float32]:
    return values.astype("float32")


def _dataset(plan: OceanPlan, values: Floats, packed: bool) -> xr.Dataset:
    attrs = {
        "long_name": "Daily sea surface temperature",
        "standard_name": "sea_surface_temperature",
        "units": "degC",
        "cell_methods": "time: mean",
    }
    encoding: dict[str, Any] = {}
    if packed:
        integers = np.where(np.isnan(values), _FILL, np.rint(values / 0.01)).astype("int16")
        floats = integers * _SCALE
        floats[integers == _FILL] = np.nan
        encoding = {
            "dtype": np.dtype("int16"),
            "scale_factor": _SCALE,
            "add_offset": np.float32(0),
            "_FillValue": _FILL,
        }
    else:
        floats = values.astype("float32")
    sst = xr.Variable(("time", "lat", "lon"), floats, attrs, encoding)
    return xr.Dataset({"sst": sst}, _coordinates(plan), _global_attrs(plan))


def _coordinates(plan: OceanPlan) -> dict[str, xr.Variable]:
    north = {"standard_name": "latitude", "units": "degrees_north", "axis": "Y"}
    east = {"standard_name": "longitude", "units": "degrees_east", "axis": "X"}
    coordinates = {
        "time": xr.Variable("time", plan.times, {"standard_name": "time", "axis": "T"}),
        "lat": xr.Variable("lat", _f4(plan.latitude), north),
        "lon": xr.Variable("lon", _f4(plan.longitude), east),
    }
    coordinates["time"].encoding = {
        "units": "days since 1978-01-01 12:00:00",
        "calendar": "standard",
        "dtype": np.dtype("int32"),
    }
    return coordinates


def _global_attrs(plan: OceanPlan) -> dict[str, str]:
    facts = {
        "years": plan.years,
        "start": plan.start,
        "shape": list(plan.shape),
        "seed": plan.seed,
        "trend": plan.trend,
        "noise": plan.noise,
        "heatwaves": plan.heatwaves,
    }
    return {
        "title": "climcube synthetic ocean",
        "Conventions": "CF-1.11",
        "source": "numbers drawn by climcube.testing.synthetic_ocean; not an observation",
        _ATTRIBUTE: json.dumps(facts, sort_keys=True),
    }
