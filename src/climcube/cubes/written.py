"""A cube as it is stored: packed integers and how they are packed, read in chunks of any sizes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

from climcube.cubes.origins import Origin, origin_of
from climcube.cubes.packing import Decoding, decoded_array

__all__ = ["origin_of_cube", "written"]

Chunks = tuple[tuple[int, ...], ...]


def origin_of_cube(cube: xr.DataArray) -> Origin | None:
    """Return where the values of a cube are read, if they still are as they were read."""
    data = cube.variable._data
    return origin_of(data) if isinstance(data, da.Array) else None


def written(cube: xr.DataArray, chunks: Chunks) -> xr.DataArray:
    """Return a cube as it is to be written to be the same when it is opened again.

    Parameters
    ----------
    cube
        Lazy, plain.
    chunks
        In which it is read, along each of its axes.

    Returns
    -------
    DataArray
        Packed integers with their packing in the attributes, as they are stored, where the cube
        reads such; else the values that it has. Read anew where it is as it was read, else cut.
    """
    origin = origin_of_cube(cube)
    if origin is None:
        return cube.chunk(dict(zip(cube.dims, chunks, strict=True)))
    decoded = decoded_array(origin.array)
    packing = None if decoded is None else packing_attributes(cube.encoding, decoded.decoding)
    if decoded is None or packing is None or packing.keys() & cube.attrs.keys():
        return cube.copy(data=origin.read(origin.array, chunks, "read"))
    out = cube.copy(data=origin.read(decoded.array, chunks, "stored"))
    out.attrs, out.encoding = {**cube.attrs, **packing}, {}
    return out


def packing_attributes(encoding: Mapping[str, Any], decoding: Decoding) -> dict[str, Any] | None:
    """Return the attributes by which stored integers decode to the same floats, from Zarr, too.

    ``None`` where there are none: JSON does not tell float64 from float32.
    """
    stored = np.dtype(encoding.get("dtype", decoding.stored)).newbyteorder("=")
    fills = np.array(decoding.fills, decoding.stored).astype(stored)
    found = {
        name: encoding[name]
        for name in ("scale_factor", "add_offset", "_Unsigned")
        if name in encoding
    }
    if len(fills):
        found["_FillValue"] = fills[0]
    if len(fills) > 1:
        found["missing_value"] = fills[1:] if len(fills) > 2 else fills[1]
    plain = {name: np.asarray(value).tolist() for name, value in found.items()}
    again = Decoding.of(json.loads(json.dumps(plain)), stored)
    return found if again == decoding else None
