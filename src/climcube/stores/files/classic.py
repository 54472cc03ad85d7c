"""Classic netCDF files (CDF-1, 2 and 5): how long their headers say that they are.

The netCDF library reads zeros beyond the end of such a file, and SciPy stumbles over it in words
that tell nobody what is wrong.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import BinaryIO

__all__ = ["classic_format", "require_whole"]

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8, 7: 1, 8: 2, 9: 4, 10: 8, 11: 8}
_LISTS = {"dimensions": 10, "variables": 11, "attributes": 12}


def classic_format(head: bytes) -> int:
    """Return 1, 2 or 5 for a netCDF-3 family file, 0 for any other, from its first bytes."""
    return head[3] if head[:3] == b"CDF" and len(head) > 3 else 0


def require_whole(stream: BinaryIO) -> None:
    """Refuse a classic file that ends before its last value.

    Parameters
    ----------
    stream
        The file, which can be sought in; it is left at its beginning.

    Raises
    ------
    OSError
        The file is shorter than its header says, or the header ends within itself.
    """
    length = stream.seek(0, 2)
    stream.seek(0)
    needed = _Header(stream, length).needed()
    stream.seek(0)
    if length < needed:
        raise OSError(f"a truncated file: {length:,} of {needed:,} bytes")


@dataclass(frozen=True)
class _Variable:
    record: bool
    size: int  # of a record, or of all of it
    begin: int


class _Header:
    """The header of one file, read once from its beginning to its end."""

    def __init__(self, stream: BinaryIO, length: int) -> None:
        self._stream, self._length = stream, length
        version = classic_format(self._bytes(4))
        self._count = ">Q" if version == 5 else ">I"
        self._offset = ">I" if version == 1 else ">Q"

    def needed(self) -> int:
        """Return the bytes up to the last value; padding behind it may be absent."""
        records = self._number(self._count)
        growing = records == 2 ** (8 * struct.calcsize(self._count)) - 1  # written as a stream
        lengths = self._dimensions()
        self._attributes()
        variables = [self._variable(lengths) for _ in range(self._items("variables"))]
        steps = [v.size for v in variables if v.record]
        # A record variable that is alone is not padded.
        stride = steps[0] if len(steps) == 1 else sum(_padded(n) for n in steps)
        ends = [self._stream.tell()]
        for variable in variables:
            if not variable.record:
                ends.append(variable.begin + variable.size)
            elif records and not growing:
                ends.append(variable.begin + (records - 1) * stride + variable.size)
        return max(ends)

    def _dimensions(self) -> list[int]:
        lengths = []
        for _ in range(self._items("dimensions")):
            self._named()
            lengths.append(self._number(self._count))
        return lengths

    def _attributes(self) -> None:
        for _ in range(self._items("attributes")):
            self._named()
            size = self._size()
            self._bytes(_padded(size * self._number(self._count)))

    def _variable(self, lengths: list[int]) -> _Variable:
        self._named()
        ids = [self._number(self._count) for _ in range(self._number(self._count))]
        if any(i >= len(lengths) for i in ids):
            raise OSError("a damaged header: a variable has a dimension that is not there")
        shape = [lengths[i] for i in ids]
        self._attributes()
        size = self._size()
        self._number(self._count)  # its own word for the bytes of a variable, which may overflow
        record = bool(shape) and shape[0] == 0
        cells = math.prod(shape[1:] if record else shape)
        return _Variable(record, cells * size, self._number(self._offset))

    def _items(self, kind: str) -> int:
        tag, count = self._number(">I"), self._number(self._count)
        if tag != _LISTS[kind] and (tag or count):
            raise OSError(f"a damaged header: no list of {kind}")
        return count

    def _named(self) -> None:
        self._bytes(_padded(self._number(self._count)))

    def _size(self) -> int:
        kind = self._number(">I")
        if kind not in _SIZES:
            raise OSError(f"a damaged header: no type has the number {kind}")
        return _SIZES[kind]

    def _number(self, form: str) -> int:
        return int(struct.unpack(form, self._bytes(struct.calcsize(form)))[0])

    def _bytes(self, count: int) -> bytes:
        # Before it is read: a damaged count may be any number.
        if self._stream.tell() + count > self._length:
            raise OSError("a truncated file: it ends within its header")
        return self._stream.read(count)


def _padded(size: int) -> int:
    return -(-size // 4) * 4
