"""Packed integers: decode them in one pass, and get them back exactly where it matters.

A day exactly on a threshold is not rare in data that were stored as integers, and whether it
counts must not depend on the float type it was decoded to. `Packing.exact` therefore gives
back ``float64(integer) * scale + offset`` for any value that a packed file can have produced.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

__all__ = ["Packing", "decode"]

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Packing:
    """``value = integer * scale + offset``, with integers of ``dtype``."""

    scale: float
    offset: float
    dtype: str

    @classmethod
    def of(cls, cube: xr.DataArray) -> Packing | None:
        """Return the packing that a cube's encoding claims, or ``None``.

        A claim only: `exact` verifies it on the data.
        """
        encoding = cube.encoding
        dtype = np.dtype(encoding.get("dtype", "float64"))
        if not np.issubdtype(dtype, np.integer) or not ({"scale_factor", "add_offset"} & set(encoding)):
            return None
        scale = float(np.asarray(encoding.get("scale_factor", 1.0)).reshape(-1)[0])
        offset = float(np.asarray(encoding.get("add_offset", 0.0)).reshape(-1)[0])
        if not (np.isfinite(scale) and np.isfinite(offset)) or scale == 0:
            return None
        return cls(scale, offset, dtype.str)

    def exact(self, values: Floats) -> npt.NDArray[np.float64]:
        """Return float64 values, exactly decoded for each series that is on the packed grid.

        Series run along the last axis. A series with a single value off the grid (the cube was
        changed since it was opened) is returned as given.
        """
        wide = np.asarray(values, "float64")
        limits = np.iinfo(self.dtype)
        integers = np.rint((wide - self.offset) / self.scale)
        decoded = integers * self.scale + self.offset
        # Decoding in a narrower type rounds at most twice: once each for scale and offset.
        tolerance = 2 * np.finfo(values.dtype).eps * (np.abs(wide) + abs(self.offset))
        off_grid = np.abs(decoded - wide) > np.minimum(tolerance, abs(self.scale) / 4)
        off_grid |= (integers < limits.min) | (integers > limits.max)
        changed = off_grid.any(axis=-1)
        if changed.any():
            decoded[changed] = wide[changed]
        return np.asarray(decoded, "float64")


def decode(packed: xr.DataArray) -> xr.DataArray:
    """Decode packed integers to floats in one pass (CF chapter 8.1), lazily on Dask.

    The float type is that of ``scale_factor``/``add_offset`` as CF says, float64 for 32-bit
    integers; ``_FillValue`` and ``missing_value`` become NaN. The packing stays in
    ``encoding``, where `Packing.of` finds it.
    """
    attrs = dict(packed.attrs)
    fills = [
        np.asarray(attrs.pop(name)).reshape(-1) for name in ("_FillValue", "missing_value") if name in attrs
    ]
    fill_values = tuple(sorted({int(v) for values in fills for v in values}))
    scale = attrs.pop("scale_factor", None)
    offset = attrs.pop("add_offset", None)
    float_type = _float_type(packed.dtype, scale, offset)
    arguments = (
        _scalar(scale, 1.0),
        _scalar(offset, 0.0),
        fill_values,
        float_type,
    )
    data = packed.variable._data
    if packed.chunks:
        decoded: Any = data.map_blocks(_decode_block, *arguments, dtype=float_type, name=None)
    else:
        decoded = _decode_block(packed.values, *arguments)
    out = packed.copy(data=decoded)
    out.attrs = attrs
    out.encoding = dict(packed.encoding) | {
        name: value
        for name, value in (
            ("scale_factor", scale),
            ("add_offset", offset),
            ("_FillValue", None if not fill_values else packed.dtype.type(fill_values[0])),
            ("dtype", packed.dtype),
        )
        if value is not None
    }
    return out


def _decode_block(
    block: npt.NDArray[Any], scale: float, offset: float, fills: tuple[int, ...], float_type: str
) -> Floats:
    out: Floats = np.multiply(block, np.dtype(float_type).type(scale), dtype=float_type)
    if offset:
        out += np.dtype(float_type).type(offset)
    for fill in fills:
        out[block == fill] = np.nan
    return out


def _float_type(integers: np.dtype[Any], scale: Any, offset: Any) -> str:
    types = [np.asarray(v).dtype for v in (scale, offset) if v is not None]
    floats = [t for t in types if np.issubdtype(t, np.floating)]
    if integers.itemsize > 2 or not floats:
        return "float64"
    return str(np.result_type(np.float32, *floats))


def _scalar(value: Any, default: float) -> float:
    return default if value is None else float(np.asarray(value).reshape(-1)[0])
