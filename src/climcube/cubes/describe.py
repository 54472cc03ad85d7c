"""Say in a few lines what a cube is."""

from __future__ import annotations

import math
from typing import Any

import xarray as xr

from climcube import provenance
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.layout import stored_chunks
from climcube.errors import ClimcubeError

__all__ = ["describe"]


def describe(cube: xr.DataArray | xr.Dataset) -> str:
    """Return dimensions, period, calendar, units, chunks, size and source of a cube as text.

    Only metadata are looked at; nothing is computed.

    Examples
    --------
    >>> import climcube as cc
    >>> print(describe(cc.testing.synthetic_ocean(years=1, shape=(4, 6)).sst))
    dimensions  time 366, lat 4, lon 6
    period      2000-01-01 to 2000-12-31, 366 times, proleptic_gregorian calendar
    lat         -45 to 45
    lon         30 to 330
    sst         sea_surface_temperature [degC], float32, 34.3 KiB, in memory
    """
    whole = cube.to_dataset(name=cube.name or "values") if isinstance(cube, xr.DataArray) else cube
    lines = [("dimensions", _sizes(whole.sizes))]
    lines += _axes(whole)
    lines += [(str(name), _variable(variable)) for name, variable in whole.data_vars.items()]
    lines += _sources(cube)
    width = max(len(label) for label, _ in lines)
    return "\n".join(f"{label:<{width}}  {text}" for label, text in lines)


def _axes(cube: xr.Dataset) -> list[tuple[str, str]]:
    lines, time = [], None
    try:
        axis = TimeAxis.of(cube)
    except ClimcubeError as error:
        lines.append(("period", str(error)))
    else:
        time = axis.name
        count = f"{len(axis)} time{'s' * (len(axis) != 1)}"
        period = f"{axis.label(0)} to {axis.label(len(axis) - 1)}"
        lines.append(("period", f"{period}, {count}, {axis.calendar} calendar"))
    for name in cube.dims:
        coordinate = cube.coords.get(name)
        if name == time or coordinate is None or coordinate.dtype.kind not in "iuf":
            continue
        units = coordinate.attrs.get("units", "")
        shown = "" if str(units).startswith("degrees_") else f" {units}".rstrip()
        first, last = coordinate.values[0], coordinate.values[-1]
        lines.append((str(name), f"{first:g} to {last:g}{shown}"))
    return lines


def _variable(variable: xr.DataArray) -> str:
    attrs = variable.attrs
    title = attrs.get("standard_name") or attrs.get("long_name")
    units = attrs.get("units")
    name = " ".join(str(p) for p in (title, f"[{units}]" if units else None) if p)
    parts = [name, str(variable.dtype), _bytes(variable.nbytes), _memory_chunks(variable)]
    stored = _stored(variable)
    return ", ".join(part for part in (*parts, stored) if part)


def _memory_chunks(variable: xr.DataArray) -> str:
    if not variable.chunks:
        return "in memory"
    count = math.prod(len(c) for c in variable.chunks)
    return f"{count} Dask chunk{'s' * (count != 1)} of " + _sizes(
        {d: max(c) for d, c in variable.chunksizes.items()}
    )


def _stored(variable: xr.DataArray) -> str:
    encoding = variable.encoding
    if not any(encoding.get(k) for k in ("chunks", "chunksizes", "preferred_chunks")):
        return ""
    outer, inner = stored_chunks(variable)
    packed = f" {encoding['dtype']}" if "scale_factor" in encoding else ""
    shards = "" if outer == inner else f" in shards of {_sizes(outer)}"
    return f"stored{packed} in chunks of {_sizes(inner)}{shards}"


def _sources(cube: xr.DataArray | xr.Dataset) -> list[tuple[str, str]]:
    found = provenance.read(cube)
    lines = [
        ("source", ", ".join([str(source.get("address")), *_facts(source)]))
        for source in found.get("sources", [])
        if isinstance(source, dict)
    ]
    return lines + [("made by", str(step.get("function"))) for step in found.get("steps", [])]


def _facts(source: dict[str, Any]) -> list[str]:
    return [f"{name} {value}" for name, value in source.items() if name != "address"]


def _sizes(sizes: Any) -> str:
    return ", ".join(f"{d} {n}" for d, n in sizes.items())


def _bytes(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if count < 1024 or unit == "TiB":
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError
