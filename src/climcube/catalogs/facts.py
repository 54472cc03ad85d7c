"""Facts for a catalog entry, taken from a data set that is open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from climcube.catalogs.schema import CALENDARS, UNKNOWN

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["facts_of"]


def facts_of(dataset: xr.Dataset) -> dict[str, Any]:
    """Return what a data set says of itself, as fields for `write_entry`.

    Units, names, dimensions and stored types of its variables, calendar, first and last time,
    chunks of the store it was opened from; title, licence and citation where its attributes name
    them. What it does not say is ``"unknown"``. No value but those of the time axis is looked at.

    Examples
    --------
    >>> import xarray as xr
    >>> cube = xr.Dataset({"sst": ("time", [20.0], {"units": "degC"})}, {"time": [0]})
    >>> facts = facts_of(cube)
    >>> facts["variables"]
    {'sst': {'units': 'degC', 'dims': ['time'], 'dtype': 'float64'}}
    >>> facts["licence"], facts["calendar"]
    ('unknown', 'none')
    """
    found: dict[str, Any] = {
        "variables": {str(name): _variable(dataset[name]) for name in dataset.data_vars},
        "licence": _attribute(dataset, "licence", "license"),
        "citation": _attribute(dataset, "citation", "references"),
        "calendar": _calendar(dataset),
        "chunks": _chunks(dataset),
    }
    title = _attribute(dataset, "title")
    if title != UNKNOWN:
        found["title"] = title
    period = _period(dataset)
    if period is not None:
        found["period"] = period
    return found


def _variable(array: xr.DataArray) -> dict[str, Any]:
    facts: dict[str, Any] = {"units": str(array.attrs.get("units") or UNKNOWN)}
    for name in ("standard_name", "long_name"):
        if array.attrs.get(name):
            facts[name] = str(array.attrs[name])
    scale, offset = array.encoding.get("scale_factor"), array.encoding.get("add_offset")
    if scale is not None or offset is not None:
        dtype = array.encoding.get("dtype", UNKNOWN)
        facts["packing"] = f"{dtype}, scale {scale or 1:.6g}, offset {offset or 0:.6g}"
    facts["dims"] = [str(dim) for dim in array.dims]
    name = np.dtype(array.encoding.get("dtype", array.dtype)).name
    if name.isalnum():  # `datetime64[ns]` is no type that a store has
        facts["dtype"] = name
    return {key: value for key, value in facts.items() if value}


def _attribute(dataset: xr.Dataset, *names: str) -> str:
    # Braces would read as a template; a catalog has none.
    values = (str(dataset.attrs[name]).strip() for name in names if dataset.attrs.get(name))
    return next((" ".join(v.translate({123: 40, 125: 41}).split()) for v in values if v), UNKNOWN)


def _times(dataset: xr.Dataset) -> list[xr.DataArray]:
    return [
        coordinate
        for coordinate in dataset.coords.values()
        if coordinate.ndim == 1 and coordinate.size and _is_time(coordinate)
    ]


def _is_time(coordinate: xr.DataArray) -> bool:
    if coordinate.dtype.kind == "M":
        return True
    return coordinate.dtype == object and hasattr(coordinate.values[0], "calendar")


def _calendar(dataset: xr.Dataset) -> str:
    times = _times(dataset)
    if not times:
        return "none"
    # Of a standard calendar xarray remembers only in the encoding what the file called it.
    calendar = str(times[0].encoding.get("calendar") or times[0].dt.calendar)
    return calendar if calendar in CALENDARS else UNKNOWN


def _period(dataset: xr.Dataset) -> dict[str, str] | None:
    times = _times(dataset)
    if not times:
        return None
    first, last = (str(times[0].values[i]) for i in (0, -1))
    return {"start": first[:10], "end": last[:10]}


def _chunks(dataset: xr.Dataset) -> dict[str, int] | str:
    for array in dataset.data_vars.values():
        lengths = array.encoding.get("shards") or array.encoding.get("chunks")
        if lengths and len(lengths) == array.ndim:
            return {str(d): int(n) for d, n in zip(array.dims, lengths, strict=True)}
    return UNKNOWN
