"""Packed integers: decode them in one pass, and get them back exactly where it matters.

A day exactly on a threshold is not rare in data that were stored as integers, and whether it
counts must not depend on the float type it was decoded to. The kernel
`climcube.kernels.unpacking.decode_exact` therefore gives
back ``float64(integer) * scale + offset`` for any value that a packed file can have produced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import xarray as xr
from dask.base import normalize_token
from xarray.backends import BackendArray
from xarray.core import indexing

from climcube.cubes.chunks import is_lazy
from climcube.cubes.origins import origin_of
from climcube.errors import CubeError

__all__ = [
    "Decoded",
    "Decoding",
    "Packing",
    "as_stored",
    "decode",
    "require_packing",
    "undecoded",
]

Floats = npt.NDArray[np.floating[Any]]
_FLAGS = ("flag_values", "flag_masks", "flag_meanings")
_MOVED = ("scale_factor", "add_offset", "_Unsigned", "_FillValue", "missing_value")
_LIMITS = ("valid_min", "valid_max", "valid_range")


@dataclass(frozen=True)
class Packing:
    """``value = integer * scale + offset``, with integers of ``dtype``."""

    scale: float
    offset: float
    dtype: str

    @classmethod
    def of(cls, cube: xr.DataArray) -> Packing | None:
        """Return the packing that a cube's encoding claims, or ``None``.

        A claim only: it is verified on the data (`climcube.kernels.unpacking`).
        """
        encoding = cube.encoding
        dtype = np.dtype(encoding.get("dtype") or "float64")
        if not np.issubdtype(dtype, np.integer):
            return None
        if not ({"scale_factor", "add_offset"} & set(encoding)):
            return None
        dtype = _stored_type(dtype, encoding.get("_Unsigned"))
        scale = float(np.asarray(encoding.get("scale_factor", 1.0)).reshape(-1)[0])
        offset = float(np.asarray(encoding.get("add_offset", 0.0)).reshape(-1)[0])
        if not (np.isfinite(scale) and np.isfinite(offset)) or scale == 0:
            return None
        return cls(scale, offset, dtype.str)

    def grid(self) -> tuple[float, float, float, float]:
        """Scale, offset, and the least and greatest integer: what a value can have come from."""
        limits = np.iinfo(self.dtype)
        return self.scale, self.offset, float(limits.min), float(limits.max)


@dataclass(frozen=True)
class Decoding:
    """How the integers of one variable become floats (CF chapter 8.1).

    Attributes
    ----------
    stored
        Type of the integers; for ``_Unsigned = "true"`` the unsigned one.
    scale, offset
        ``value = integer * scale + offset``.
    fills
        Integers that mean "missing".
    dtype
        Float type of the result: that of ``scale_factor`` and ``add_offset``; float64 for
        integers of more than 16 bits, which float32 cannot hold.
    """

    stored: str
    scale: float
    offset: float
    fills: tuple[int, ...]
    dtype: str

    @classmethod
    def of(cls, attrs: Mapping[Any, Any], stored: np.dtype[Any]) -> Decoding | None:
        """Read the attributes of a stored variable; ``None`` where nothing is to be decoded.

        Plain integers, and flags even if they have a fill value, stay integers.
        """
        if not np.issubdtype(stored, np.integer):
            return None
        scaled = any(name in attrs for name in ("scale_factor", "add_offset"))
        fills = any(name in attrs for name in ("_FillValue", "missing_value"))
        if not scaled and (not fills or any(name in attrs for name in _FLAGS)):
            return None
        kind = _stored_type(stored, attrs.get("_Unsigned"))
        scale, offset = attrs.get("scale_factor"), attrs.get("add_offset")
        return cls(
            kind.str,
            _scalar(scale, 1.0),
            _scalar(offset, 0.0),
            _fills(attrs, stored, kind),
            _float_type(kind, scale, offset),
        )

    def apply(self, block: npt.NDArray[Any]) -> Floats:
        """Decode a block of integers in one pass; the block is not changed."""
        number, integers = np.dtype(self.dtype).type, self._integers(block)
        out: Floats = np.asarray(np.multiply(integers, number(self.scale), dtype=self.dtype))
        if self.offset:
            out += number(self.offset)
        for fill in self.fills:
            out[integers == fill] = np.nan
        return out

    def _integers(self, block: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the integers of a block as stored: in the machine's byte order, signed or not."""
        kind = np.dtype(self.stored)
        integers = block.astype(block.dtype.newbyteorder("="), copy=False)
        return integers if kind.kind == integers.dtype.kind else integers.view(kind)


class Decoded(BackendArray):
    """Integers as they lie in their store, given as floats: of what is read, no more is decoded.

    Parameters
    ----------
    array
        The integers, as xarray indexes them.
    decoding
        How they become floats.
    """

    __slots__ = ("array", "decoding", "dtype", "shape")

    def __init__(self, array: Any, decoding: Decoding) -> None:
        self.array, self.decoding = array, decoding
        self.shape, self.dtype = array.shape, np.dtype(decoding.dtype)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Floats:
        part = indexing.apply_indexer(self.array, key)
        return self.decoding.apply(np.asarray(part.get_duck_array()))

    async def async_getitem(self, key: indexing.ExplicitIndexer) -> Floats:
        """Read for those who wait otherwise."""
        part = indexing.apply_indexer(self.array, key)
        return self.decoding.apply(np.asarray(await part.async_get_duck_array()))

    def __dask_tokenize__(self) -> Any:
        return normalize_token((type(self), self.array, self.decoding))


def decode(packed: xr.DataArray) -> xr.DataArray:
    """Decode packed integers to floats in one pass (CF chapter 8.1), lazily where they are lazy.

    Parameters
    ----------
    packed
        A variable as stored, its packing in its attributes. One that is not packed
        (see `Decoding.of`) is returned as it is.

    Returns
    -------
    DataArray
        Floats, NaN where ``_FillValue`` or ``missing_value`` stood. The packing moves to
        ``encoding``, where `Packing.of` finds it; limits (``valid_range`` ...) are given in
        the units of the decoded values. What still lies in its store is decoded as it is read;
        cut it into chunks only then, or a chunk is decoded to read a cell of it.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> attrs = {"scale_factor": np.float32(0.5), "_FillValue": np.int16(-9)}
    >>> decode(xr.DataArray(np.array([4, -9], "int16"), dims="x", attrs=attrs)).values
    array([ 2., nan], dtype=float32)
    """
    decoding = Decoding.of(packed.attrs, packed.dtype)
    if decoding is None:
        return packed
    data: Any = packed.variable._data  # .data would read what is lazy
    if packed.chunks:
        meta = np.empty((0,) * packed.ndim, decoding.dtype)
        data = data.map_blocks(decoding.apply, dtype=decoding.dtype, meta=meta)
    elif packed.variable._in_memory:
        data = decoding.apply(packed.values)
    else:
        data = indexing.LazilyIndexedArray(Decoded(indexing.as_indexable(data), decoding))
    out = packed.copy(data=data)
    out.attrs, out.encoding = dressed(packed.attrs, packed.encoding, packed.dtype, decoding)
    return out


def undecoded(cube: xr.DataArray) -> tuple[xr.DataArray, Decoding] | None:
    """Return the stored integers of a lazy cube, and how they are decoded.

    The cube may have been cut, transposed or rechunked since it was opened. ``None`` where
    something else was done to the values, where they are claimed to have
    been packed in another way, or where the integers are not plain ``int16`` (the usual ones).
    To read integers is cheaper than to decode them only to look for the integers again.
    """
    if not is_lazy(cube) or Packing.of(cube) is None or not isinstance(cube.data, da.Array):
        return None
    origin = origin_of(cube.data)
    decoded = None if origin is None else decoded_array(origin.array)
    if origin is None or decoded is None:
        return None
    decoding = decoded.decoding
    packing = Packing(decoding.scale, decoding.offset, decoding.stored)
    if Packing.of(cube) != packing or np.dtype(decoding.stored) != np.int16:
        return None
    integers = origin.read(decoded.array, origin.chunks, "stored").rechunk(cube.data.chunks)
    return cube.copy(data=integers), decoding


def decoded_array(array: Any) -> Decoded | None:
    """Return the array of decoded values that xarray's wrappers hold whole, if it is one."""
    while not isinstance(array, Decoded):
        key = getattr(array, "key", None)
        if key is not None and any(part != slice(None) for part in key.tuple):
            return None
        array = getattr(array, "array", None)
        if array is None:
            return None
    return array


def as_stored(cube: xr.DataArray) -> tuple[xr.DataArray, Decoding | None]:
    """Return a cube as it is best read: its integers and how they decode, else itself and none."""
    return undecoded(cube) or (cube, None)


def dressed(
    attrs: Mapping[Any, Any],
    encoding: Mapping[Any, Any],
    stored: np.dtype[Any],
    decoding: Decoding,
) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Return attributes and encoding of a decoded variable, given those of the stored one."""
    kept = {k: v for k, v in attrs.items() if k not in _MOVED}
    for name in _LIMITS:
        # Limits of the stored type are limits of the integers (CF 2.5.1), others of the values.
        limit = np.asarray(kept[name]) if name in kept else None
        if limit is not None and np.issubdtype(limit.dtype, np.integer):
            values = limit.astype("float64") * decoding.scale + decoding.offset
            kept[name] = values.astype(decoding.dtype)[()]
    fill = np.asarray(decoding.fills[:1], np.dtype(decoding.stored)).astype(stored)
    known = {
        "scale_factor": attrs.get("scale_factor"),
        "add_offset": attrs.get("add_offset"),
        "_Unsigned": attrs.get("_Unsigned"),
        "_FillValue": fill[0] if fill.size else None,
        "dtype": stored,
    }
    return kept, dict(encoding) | {k: v for k, v in known.items() if v is not None}


def require_packing(attrs: Mapping[Any, Any], where: str) -> None:
    """Refuse a scale or an offset with which no value can be told from another.

    Raises
    ------
    CubeError
        It is not one finite number, or a scale of zero.
    """
    for name in ("scale_factor", "add_offset"):
        if name not in attrs:
            continue
        try:
            number = float(np.asarray(attrs[name]).reshape(-1)[0])
        except (ValueError, TypeError, IndexError):
            number = np.nan
        if not np.isfinite(number) or (name == "scale_factor" and number == 0):
            raise CubeError(
                "packed with a number that cannot be undone", where=where,
                expected=f"a finite {name}" + (" other than 0" if name == "scale_factor" else ""),
                found=attrs[name], remedy="correct the attribute, or fetch the file again",
            )  # fmt: skip


def _stored_type(stored: np.dtype[Any], unsigned: Any) -> np.dtype[Any]:
    """Return the native type that the integers are read as, minding ``_Unsigned``."""
    wanted = {"true": "u", "false": "i"}.get(str(unsigned).lower(), stored.kind)
    return np.dtype(f"{wanted}{stored.itemsize}")


def _fills(attrs: Mapping[Any, Any], stored: np.dtype[Any], kind: np.dtype[Any]) -> tuple[int, ...]:
    """Return the fill values that an integer can equal, ``_FillValue`` first."""
    found: dict[int, None] = {}
    for name in ("_FillValue", "missing_value"):
        for value in np.asarray(attrs.get(name, ())).reshape(-1):
            # Not by way of a float, which does not hold the fill values of 64-bit integers.
            exact = isinstance(value, np.integer)
            if not exact and not float(value).is_integer():
                continue  # NaN, or a value of the decoded kind: no integer equals it
            number = int(value) if exact else int(float(value))
            if np.iinfo(stored).min <= number <= np.iinfo(stored).max:
                same_bits = np.array(number, stored.newbyteorder("=")).view(kind)
                found[int(same_bits)] = None
            elif np.iinfo(kind).min <= number <= np.iinfo(kind).max:
                found[number] = None
    return tuple(found)


def _float_type(integers: np.dtype[Any], scale: Any, offset: Any) -> str:
    if integers.itemsize > 2:
        return "float64"
    types = [_type_of(v) for v in (scale, offset) if v is not None]
    return str(np.result_type(np.float32, *types))


def _type_of(number: Any) -> np.dtype[Any]:
    """Return the float type that a packing attribute was written in."""
    kind: np.dtype[Any] = np.asarray(number).dtype
    if not np.issubdtype(kind, np.floating):
        return np.dtype("float32")  # an integer scale: the product of 16-bit integers decides
    if isinstance(number, float) and not isinstance(number, np.floating):
        # JSON (Zarr) forgets the type: a number that float32 holds exactly was a float32.
        return np.dtype("float32" if float(np.float32(number)) == number else "float64")
    return kind


def _scalar(value: Any, default: float) -> float:
    return default if value is None else float(np.asarray(value).reshape(-1)[0])
