"""A lost or damaged chunk is an error that names it, never a field of NaN.

Zarr reads a chunk that is not there as fill values, since a writer may leave chunks of nothing
but fill values out. An ingest writes every chunk and says so in the store; there, a missing
chunk was lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr
from xarray.backends.zarr import ZarrArrayWrapper

from climcube.errors import ClimcubeError, StoreError
from climcube.provenance import redact

__all__ = ["COMPLETE", "guard"]

COMPLETE = {"climcube_complete": "every chunk was written; one that is missing was lost"}
_REMEDY = "restore the object from a copy, or ingest the files again"


def guard(dataset: xr.Dataset, where: str) -> xr.Dataset:
    """Make the lazy variables of an opened Zarr store report what is wrong with a chunk.

    Parameters
    ----------
    dataset
        As xarray opened it, not chunked; changed in place and returned without the mark.
    where
        The store, for messages.
    """
    complete = dataset.attrs.pop(next(iter(COMPLETE)), None) is not None
    for name, variable in dataset.variables.items():
        holder: Any = variable._data
        while holder is not None and not isinstance(
            getattr(holder, "array", None), ZarrArrayWrapper
        ):
            holder = getattr(holder, "array", None)
        if holder is not None:
            raw = holder.array.get_array()
            if complete:
                raw = raw.with_config({"read_missing_chunks": False})
            holder.array = _Guarded(raw, f"{where}, variable {name!r}")
    return dataset


class _Guarded(ZarrArrayWrapper):
    """One array of a store; travels to workers with its name and its strictness."""

    __slots__ = ("_where",)

    def __init__(self, array: Any, where: str) -> None:
        super().__init__(array)  # type: ignore[no-untyped-call]
        self._where = where

    def __getitem__(self, key: Any) -> Any:
        try:
            return super().__getitem__(key)  # type: ignore[no-untyped-call]
        except ClimcubeError:
            raise
        except Exception as error:  # those of Icechunk have no base but this one
            raise _translated(error, self._where) from error


def _translated(error: BaseException, where: str) -> StoreError:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    facts: Mapping[str, Any] = {"where": where, "remedy": _REMEDY}
    if type(error).__name__ == "ChunkNotFoundError":
        chunks = [line for line in lines if line.startswith("chunk '")]
        more = f" and {len(chunks) - 1} more" if len(chunks) > 1 else ""
        return StoreError("a chunk is missing", found=f"no {chunks[0]}{more}", **facts)
    reason = redact(lines[0]) if lines else type(error).__name__
    return StoreError("a chunk cannot be read", found=reason, **facts)
