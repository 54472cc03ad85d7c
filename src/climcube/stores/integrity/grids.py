"""How an array of a Zarr 3 store is cut: into objects (shards), and those into chunks."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["NO_CHUNK", "Grid", "Index"]

Index = tuple[int, ...]
NO_CHUNK = np.iinfo(np.uint64).max  # in the index of a shard: nothing but fill values there
_NUMBER = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class Grid:
    """The cuts of one array, as its metadata document says.

    Attributes
    ----------
    shape
        Of the array.
    objects
        Size of what one object holds.
    chunks
        Size of what is encoded alone: that of an object, but for shards.
    naming
        Name and separator of the encoding of keys.
    index_bytes, index_first
        Length and place of a shard's index; 0 where objects cannot be read in parts.
    """

    shape: tuple[int, ...]
    objects: tuple[int, ...]
    chunks: tuple[int, ...]
    naming: tuple[str, str]
    index_bytes: int = 0
    index_first: bool = False

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Grid | None:
        """Read the cuts from a metadata document; ``None`` where they are no regular grid."""
        grid, keys = document.get("chunk_grid", {}), document.get("chunk_key_encoding", {})
        if document.get("node_type") != "array" or grid.get("name") != "regular":
            return None
        name = str(keys.get("name", "default"))
        separator = keys.get("configuration", {}).get("separator", "." if name == "v2" else "/")
        objects = tuple(map(int, grid["configuration"]["chunk_shape"]))
        shape, naming = tuple(map(int, document["shape"])), (name, str(separator))
        inner, index_bytes, first = _sharding(objects, document.get("codecs", ()))
        return cls(shape, objects, inner, naming, index_bytes, first)

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Grid:
        """Return the grid that `facts` described."""
        shape, objects, chunks = (tuple(facts[k]) for k in ("shape", "objects", "chunks"))
        name, separator = facts["keys"]
        return cls(shape, objects, chunks, (name, separator), *facts["index"])

    def facts(self) -> dict[str, Any]:
        """Return the grid as a JSON document."""
        return {
            "shape": list(self.shape), "objects": list(self.objects), "chunks": list(self.chunks),
            "keys": list(self.naming), "index": [self.index_bytes, self.index_first],
        }  # fmt: skip

    def continues(self, other: Grid) -> bool:
        """Whether the cuts are those of another grid, of perhaps another shape."""
        return len(self.shape) == len(other.shape) and self._cuts == other._cuts

    @property
    def _cuts(self) -> tuple[Any, ...]:
        return self.objects, self.chunks, self.naming, self.index_bytes, self.index_first

    @cached_property
    def counts(self) -> Index:
        """Objects along each dimension."""
        return tuple(-(-n // size) for n, size in zip(self.shape, self.objects, strict=True))

    @cached_property
    def inner(self) -> Index:
        """Chunks of an object along each dimension."""
        return tuple(n // size for n, size in zip(self.objects, self.chunks, strict=True))

    @cached_property
    def pieces(self) -> int:
        """What can be read alone of an object: its chunks and their index; 0 if only all of it."""
        return math.prod(self.inner) + 1 if self.index_bytes else 0

    def indices(self) -> Iterator[Index]:
        """Yield the index of every object."""
        return itertools.product(*map(range, self.counts))

    def key(self, index: Index) -> str:
        """Return the key of an object below that of its array.

        >>> Grid((4, 4), (2, 2), (2, 2), ("default", "/")).key((0, 1))
        'c/0/1'
        """
        name, separator = self.naming
        if name == "v2":
            return separator.join(map(str, index)) or "0"
        return separator.join(["c", *map(str, index)])

    def index(self, key: str) -> Index | None:
        """Return the index of the object with a key, if it can be one of this array's."""
        name, separator = self.naming
        rest = key if name == "v2" else key.removeprefix("c").removeprefix(separator)
        parts = rest.split(separator) if rest and self.shape else []
        if len(parts) != len(self.shape) or not all(map(_NUMBER.fullmatch, parts)):
            return None
        index = tuple(map(int, parts))
        inside = all(map(int.__lt__, index, self.counts))
        return index if inside and self.key(index) == key else None

    def region(self, index: Index) -> tuple[slice, ...]:
        """Return the part of the array that an object holds."""
        return tuple(
            slice(i * size, min((i + 1) * size, n))
            for i, size, n in zip(index, self.objects, self.shape, strict=True)
        )

    def parts(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64] | None:
        """Return offset and length of the pieces of an object: its chunks in C order, its index.

        ``None`` where it has none. A chunk of nothing but fill values has length 0.
        """
        size = self.index_bytes
        if not size or len(data) < size:
            return None
        start = 0 if self.index_first else len(data) - size
        count = self.pieces - 1
        raw = data[start : start + 16 * count].tobytes()
        places = np.frombuffer(raw, "<u8").reshape(count, 2).astype(np.uint64)
        places = np.where(places[:, :1] == NO_CHUNK, np.uint64(0), places)
        return np.concatenate([places, np.array([[start, size]], np.uint64)])


def _sharding(objects: Index, codecs: Any) -> tuple[Index, int, bool]:
    """Return the size of inner chunks, and length and place of the index."""
    first = codecs[0] if len(codecs) == 1 else {}
    if first.get("name") != "sharding_indexed":
        return objects, 0, False
    settings = first["configuration"]
    inner = tuple(map(int, settings["chunk_shape"]))
    names = [codec.get("name") for codec in settings.get("index_codecs", ())]
    little = [codec for codec in settings.get("index_codecs", ()) if codec["name"] == "bytes"]
    endian = all(c.get("configuration", {}).get("endian") == "little" for c in little)
    if names not in (["bytes"], ["bytes", "crc32c"]) or not endian:
        return inner, 0, False  # an index that is not read here: such shards are checked as wholes
    count = math.prod(n // size for n, size in zip(objects, inner, strict=True))
    length = 16 * count + (4 if "crc32c" in names else 0)
    return inner, length, settings.get("index_location", "end") == "start"
