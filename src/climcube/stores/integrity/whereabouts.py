"""Where in time and space a part of a stored array is, in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from climcube.errors import ClimcubeError

__all__ = ["describe_place"]

Region = tuple[tuple[int, int], ...]
_EXPECTED = (ClimcubeError, OSError, RuntimeError, ValueError, KeyError, TypeError)


def describe_place(array: Any, region: Region) -> str:
    """Return dates, latitudes and longitudes of a part of an array, as far as can be said.

    Parameters
    ----------
    array
        A `zarr.Array`; coordinates are looked for beside it: those named like its dimensions,
        and those that its attribute ``coordinates`` names.
    region
        First and last index (exclusive) along each dimension.
    """
    dims = _dims(array)
    named = str(array.attrs.get("coordinates", "")).split()
    found = (_span(array, name, dims, region) for name in dict.fromkeys([*dims, *named]))
    spans = {name: span for name, span in found if span}
    left = [
        f"{dim} {low}:{high}"
        for dim, (low, high) in zip(dims, region, strict=True)
        if dim not in spans
    ]
    plain = f"index {', '.join(left)}" if left else ""
    return ", ".join([*(f"{name} {span}" for name, span in spans.items()), plain]).strip(", ")


def _dims(array: Any) -> list[str]:
    names = getattr(array.metadata, "dimension_names", None)
    names = names or array.attrs.get("_ARRAY_DIMENSIONS") or ()
    given = [str(n) for n in names if n]
    return given if len(given) == array.ndim else [f"axis {i}" for i in range(array.ndim)]


def _span(array: Any, name: str, dims: list[str], region: Region) -> tuple[str, str]:
    """Return a coordinate's name and its extent in the part; empty where it has none."""
    import zarr

    path = "/".join([*array.path.split("/")[:-1], name])
    try:
        coordinate = zarr.open_array(array.store_path.store, path=path, mode="r")
        own = _dims(coordinate)
        if path == array.path or not own or not set(own) <= set(dims):
            return name, ""
        if name not in dims and not _is_place(coordinate.attrs):
            return name, ""
        part = tuple(slice(*region[dims.index(dim)]) for dim in own)
        values = np.asarray(coordinate[part])
        attrs = {k: v for k, v in dict(coordinate.attrs).items() if k != "bounds"}
        decoded = xr.decode_cf(xr.Dataset({"value": (own, values, attrs)}))["value"].values
    except _EXPECTED:  # the coordinates may be what is damaged
        return name, ""
    ends = _ends(decoded)
    return name, ends[0] if ends[0] == ends[-1] else " to ".join(ends)


def _is_place(attrs: Any) -> bool:
    units = str(attrs.get("units", ""))
    return units.startswith("degree") or " since " in units


def _ends(values: Any) -> list[str]:
    if values.ndim == 1:
        return [_label(values[0]), _label(values[-1])]
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    return [_label(values.min()), _label(values.max())]


def _label(value: Any) -> str:
    if isinstance(value, np.datetime64):
        value = np.datetime_as_string(value, unit="s")
    elif isinstance(value, float | np.floating):
        return f"{value:.6g}"
    elif hasattr(value, "isoformat"):  # a date of another calendar
        value = value.isoformat()
    return str(value).removesuffix("T00:00:00")
