"""Categories of every day of many cells, kept small: packed, and no more than a bound allows."""

from __future__ import annotations

import threading
import zlib
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["LAND", "MISSING", "PENDING", "CodeStore"]

Codes = npt.NDArray[np.uint8]

# A code is a category, 0 to 4; a bit says that the day has no value (a gap may be bridged by an
# event); and two codes stand for what is no day of the sea.
MISSING, LAND, PENDING = 8, 16, 32
_DAYS = 64  # packed together: unpacking them is what one day on a map costs


@dataclass(frozen=True)
class _Packed:
    shape: tuple[int, ...]
    pieces: tuple[bytes, ...]

    @property
    def size(self) -> int:
        return sum(map(len, self.pieces))

    def day(self, index: int) -> Codes:
        piece = np.frombuffer(zlib.decompress(self.pieces[index // _DAYS]), np.uint8)
        day: Codes = piece.reshape(-1, *self.shape)[index % _DAYS]
        return day


class CodeStore:
    """The codes of tiles, by the number of the tile; the least recently seen ones give way.

    Parameters
    ----------
    bound
        Bytes that packed codes may take. The tile put last is kept whatever its size.

    Examples
    --------
    >>> store = CodeStore(1 << 20)
    >>> store.put(0, np.array([[0, 1], [2, 16]], np.uint8))
    >>> store.day(0, 1)
    array([ 2, 16], dtype=uint8)
    >>> store.day(7, 0) is None
    True
    """

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self._tiles: OrderedDict[int, _Packed] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes held."""
        with self._lock:
            return sum(tile.size for tile in self._tiles.values())

    def __contains__(self, number: int) -> bool:
        with self._lock:
            return number in self._tiles

    def put(self, number: int, codes: Codes) -> None:
        """Keep the codes ``(time, cells...)`` of a tile."""
        pieces = tuple(
            zlib.compress(np.ascontiguousarray(codes[start : start + _DAYS]), 1)
            for start in range(0, len(codes), _DAYS)
        )
        with self._lock:
            self._tiles[number] = _Packed(codes.shape[1:], pieces)
            self._tiles.move_to_end(number)
            held = sum(tile.size for tile in self._tiles.values())
            while held > self.bound and len(self._tiles) > 1:
                held -= self._tiles.popitem(last=False)[1].size

    def day(self, number: int, index: int) -> Codes | None:
        """Return one day of a tile; ``None`` where the tile is not here."""
        with self._lock:
            tile = self._tiles.get(number)
            if tile is None:
                return None
            self._tiles.move_to_end(number)
        return tile.day(index)
