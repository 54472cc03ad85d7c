"""Where the chunks of variables lie within netCDF4 files, and how they are encoded there."""

from __future__ import annotations

import itertools
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from climcube.errors import ClimcubeError, IngestError, StoreError, require_module
from climcube.provenance import redact
from climcube.stores.addresses import is_remote
from climcube.stores.versioned.references import location_of

__all__ = ["FileChunks", "chunks_of", "indices", "require_packages", "store_of"]

Index = tuple[int, ...]
_INLINE = "__inlined__"
_ODD = re.compile(r"[^!-~]|[#?%\\^`{|}\"<>]")


@dataclass(frozen=True)
class FileChunks:
    """The chunks of one variable in one file.

    Attributes
    ----------
    metadata
        Zarr's description of the array: type, codecs, fill value.
    shape, chunks
        Of the variable in this file, and of its chunks.
    places
        For the index of each chunk its first byte and its bytes.
    """

    metadata: Any
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    places: Mapping[Index, tuple[int, int]]

    @property
    def grid(self) -> tuple[int, ...]:
        """How many chunks there are along each dimension."""
        return tuple(math.ceil(n / c) for n, c in zip(self.shape, self.chunks, strict=True))

    @property
    def encoding(self) -> str:
        """What must be the same in all files for them to be one array."""
        about = self.metadata.to_dict()
        codecs = ", ".join(_codec(codec) for codec in about["codecs"])
        size = " x ".join(map(str, self.chunks))
        return f"{about['data_type']} in chunks of {size}, {codecs}, fill {about['fill_value']}"


def require_packages() -> None:
    """Raise `DependencyError` where the extra ``virtual`` is not installed."""
    require_module("virtualizarr", "virtual")
    require_module("h5py", "virtual")


def chunks_of(
    address: str, options: Mapping[str, Any], names: Sequence[str], axes: Mapping[str, int]
) -> tuple[dict[str, FileChunks], str | datetime]:
    """Find the chunks of variables in a file, and the state of the file.

    Parameters
    ----------
    address, options
        A netCDF4 file, local or on S3, and the options of its file system.
    names
        Variables.
    axes
        For each of them the axis of time.

    Returns
    -------
    dict, str or datetime
        Chunks by variable; and what tells the file from a changed one: a tag on S3, the second
        after its last change locally.

    Raises
    ------
    IngestError
        The file has no chunks that can be referred to: it is no netCDF4 (HDF5) file, or a
        filter of it is not known.
    StoreError
        It cannot be read.
    """
    with _reporting(address):
        import obstore
        from obspec_utils.registry import ObjectStoreRegistry
        from virtualizarr.parsers import HDFParser

        root, store, path = store_of(address, options)
        odd = _ODD.search(location_of(address))
        if odd is not None:
            raise _none(address, f"{odd[0]!r} in its path, which references cannot hold")
        state: Any = obstore.head(store, path)["e_tag"] if is_remote(address) else _state(address)
        parsed = HDFParser()(url=root + path, registry=ObjectStoreRegistry({root: store}))
        arrays = parsed._group.arrays
        found = {name: _chunks(arrays[name], address, axes[name]) for name in names}
    return found, state


def _chunks(array: Any, address: str, axis: int) -> FileChunks:
    shape, chunks = tuple(array.shape), tuple(array.metadata.chunk_grid.chunk_shape)
    places: dict[Index, tuple[int, int]] = {}
    for key, entry in array.manifest.dict().items():
        if entry["path"] == _INLINE:
            raise _none(address, "values within its header")
        index = tuple(int(part) for part in key.split(".")) if key else ()
        places[index] = (int(entry["offset"]), int(entry["length"]))
    plain = len(array.metadata.codecs) == 1  # bytes as they are, in one piece
    if plain and chunks == shape and axis == 0 and len(shape) > 1 and shape[0] > 1 and places:
        places, chunks = _by_steps(places, shape), (1, *shape[1:])
    return FileChunks(array.metadata, shape, chunks, places)


def _by_steps(
    places: Mapping[Index, tuple[int, int]], shape: tuple[int, ...]
) -> dict[Index, tuple[int, int]]:
    """Cut what lies in one piece into its times: files of 365 and of 366 days fit together."""
    ((first, size),) = places.values()
    each, rest = size // shape[0], (0,) * (len(shape) - 1)
    return {(step, *rest): (first + step * each, each) for step in range(shape[0])}


def store_of(
    address: str, options: Mapping[str, Any], *, whole: bool = False
) -> tuple[str, Any, str]:
    """Return the root of the store that a file is in, obstore's store, and the path in it.

    Of a local file the store is its folder, or with ``whole`` the disk.
    """
    from obstore.store import LocalStore

    if whole and address.startswith("file://"):
        return "file:///", LocalStore(), address.removeprefix("file:///")
    if not is_remote(address):
        folder, name = os.path.split(os.path.abspath(address))
        return "file:///", LocalStore(folder), name  # to the parser, the folder is all there is
    scheme, _, rest = location_of(address).partition("://")
    host, _, path = rest.partition("/")
    if scheme == "s3":
        from zarr.core.sync import sync

        from climcube.stores.s3.connection import Connection

        return f"s3://{host}/", sync(Connection.of(host, options).store()), path
    raise IngestError(
        "references cannot lead there", where=redact(address), expected="local files, or s3://"
    )


def _state(address: str) -> datetime:
    """Return the end of the second in which a local file was changed last.

    Icechunk compares whole seconds: a file that is written again later is noticed if that
    second is over when the reference is made (`climcube.recipes.virtual` waits for it).
    """
    return datetime.fromtimestamp(math.floor(os.stat(address).st_mtime) + 1, UTC)


@contextmanager
def _reporting(address: str) -> Iterator[None]:
    from obstore.exceptions import BaseError

    try:
        yield
    except ClimcubeError:
        raise
    except (FileNotFoundError, PermissionError) as error:
        raise StoreError(
            "the file cannot be read", where=redact(address), found=type(error).__name__
        ) from error
    except (BaseError, OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        reason = redact((str(error).strip() or type(error).__name__).splitlines()[0])
        raise _none(address, reason) from error


def _none(address: str, reason: str) -> IngestError:
    return IngestError(
        "a cube cannot refer to this file", where=redact(address), found=reason,
        expected="a netCDF4 (HDF5) file with filters that Zarr knows",
        remedy="leave it out, copy it (virtual='mixed'), or ingest without virtual",
    )  # fmt: skip


def _codec(codec: Mapping[str, Any]) -> str:
    about = codec.get("configuration") or {}
    shown = ", ".join(f"{k} {v}" for k, v in about.items())
    return f"{codec['name']} ({shown})" if shown else str(codec["name"])


def indices(grid: Sequence[int]) -> Iterator[Index]:
    """Yield the indices of a grid, the last dimension fastest."""
    return itertools.product(*map(range, grid))
