"""Whether what a cube is read from is still there: chunks that have gone read as fill values."""

from __future__ import annotations

from typing import Any

import xarray as xr
import zarr
from zarr.storage import WrapperStore

from climcube.cubes.chunks import is_lazy
from climcube.cubes.origins import origin_of
from climcube.errors import StoreNotFoundError
from climcube.provenance import read, redact

__all__ = ["require_present"]

_DEEPEST = 20  # wrappers around a stored array


def require_present(cube: xr.DataArray) -> None:
    """Raise unless the Zarr array that a lazy cube reads is there, by its metadata.

    To be asked after reading: a chunk that is missing is the fill value to Zarr. Of cubes that are
    read in another way nothing is known, nor needed: files that are open stay.

    Raises
    ------
    StoreNotFoundError
        The array has gone.
    """
    stored = _stored_array(cube)
    if stored is None:
        return
    store = stored.store
    while isinstance(store, WrapperStore):  # what verifies has other words for what has gone
        store = store._store
    try:
        zarr.open_array(
            store=store, path=stored.path, mode="r",
            zarr_format=stored.metadata.zarr_format,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise StoreNotFoundError(
            "the store has disappeared", where=_address(cube, store),
            expected="the array that was opened", remedy="restore it, and try again",
        ) from error  # fmt: skip


def _address(cube: xr.DataArray, store: Any) -> str:
    """Return where a cube came from, as it was opened."""
    sources = read(cube).get("sources") or [{}]
    return str(sources[0].get("address") or redact(str(store)))


def _stored_array(cube: xr.DataArray) -> zarr.Array[Any] | None:
    origin = origin_of(cube.data) if is_lazy(cube) else None
    found: Any = None if origin is None else origin.array
    for _ in range(_DEEPEST):
        if isinstance(found, zarr.Array) or found is None:
            return found
        found = getattr(found, "array", getattr(found, "_array", None))
    return None
