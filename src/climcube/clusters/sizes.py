"""Sizes in bytes as people write them."""

from __future__ import annotations

import re

from climcube.errors import ParameterError

__all__ = ["bytes_of"]

_UNITS = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12,
          "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}  # fmt: skip
_SIZE = re.compile(r"\s*([0-9.]+(?:e\+?[0-9]+)?)\s*([kmgt]?i?)b?\s*")


def bytes_of(given: float | str) -> int:
    """Return a number of bytes that may have been written with a unit.

    Raises
    ------
    ParameterError
        It is no size, or none above zero.

    Examples
    --------
    >>> bytes_of("16 GB"), bytes_of("2GiB"), bytes_of(1e9)
    (16000000000, 2147483648, 1000000000)
    """
    match = _SIZE.fullmatch(str(given).lower())
    try:
        size = float(match[1]) * _UNITS[match[2]] if match else 0.0
    except (ValueError, KeyError):
        size = 0.0
    if not 1 <= size < 2**63:
        raise ParameterError(
            "memory not understood", where=f"memory={given!r}",
            expected="a positive size in bytes, as 4e9, '4 GB' or '4 GiB'",
        )  # fmt: skip
    return int(size)
