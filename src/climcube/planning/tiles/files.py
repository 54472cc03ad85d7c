"""The files that a variable becomes: objects, and the chunks in them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from climcube.planning.tiles.prepare import file_chunks

__all__ = ["Files"]


@dataclass(frozen=True)
class Files:
    """How many objects a variable is stored in, and the bytes of one chunk before compression."""

    objects: int
    chunk_bytes: int

    @classmethod
    def of(cls, encoding: Mapping[str, Any], variable: Any) -> Files:
        """Read it from the encoding of a variable; sizes that it lacks are those of a save."""
        chunks = _sizes(encoding.get("chunks"), variable) or file_chunks(variable)
        objects = _sizes(encoding.get("shards"), variable) or chunks
        number = math.prod(-(-n // size) for n, size in zip(variable.shape, objects, strict=True))
        return cls(number, math.prod(chunks) * int(variable.dtype.itemsize))


def _sizes(given: Any, variable: Any) -> Sequence[int] | None:
    if isinstance(given, int):
        return (given,) * int(variable.ndim)
    return tuple(map(int, given)) if isinstance(given, Sequence) else None
