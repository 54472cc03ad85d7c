"""The arguments of `climcube.matchup`, checked before anything is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from climcube.errors import ParameterError, require_choice

__all__ = ["MatchOptions", "require_flags"]

_METHODS = ("nearest", "linear")
_VALID = "nearest_valid"  # in space; time and depth are then the nearest
_AXES = ("space", "time", "depth")


@dataclass(frozen=True)
class MatchOptions:
    """How observations find their cells.

    Attributes
    ----------
    method
        Of each of space, time and depth.
    distance, time_tolerance, depth_tolerance
        In km, seconds and metres; ``None`` for the reach of the cells.
    """

    method: Mapping[str, str]
    distance: float | None
    time_tolerance: float | None
    depth_tolerance: float | None

    @classmethod
    def of(
        cls, method: Any, distance: Any, time_tolerance: Any, depth_tolerance: Any
    ) -> MatchOptions:
        """Check what was passed.

        Raises
        ------
        ParameterError
            A method or tolerance that is none.
        """
        if isinstance(method, Mapping):
            for axis in method:
                require_choice("axis of method", axis, _AXES)
        if method == _VALID:
            method = {"space": _VALID}
        methods = dict(method) if isinstance(method, Mapping) else dict.fromkeys(_AXES, method)
        for axis, chosen in methods.items():
            whole = not isinstance(method, Mapping)
            known = (*_METHODS, _VALID) if whole or axis == "space" else _METHODS
            require_choice("method", chosen, known)
        return cls(
            dict.fromkeys(_AXES, "nearest") | methods,
            _length("distance", distance, "km"),
            _duration(time_tolerance),
            _length("depth_tolerance", depth_tolerance, "m"),
        )

    def linear(self, axis: str) -> bool:
        """Whether values along an axis are interpolated."""
        return self.method[axis] == "linear"


def require_flags(qc: Any) -> tuple[int, ...] | None:
    """Return the quality flags to accept; ``None`` for all."""
    if qc is None:
        return None
    flags = [qc] if isinstance(qc, int) else qc
    if isinstance(flags, str) or not isinstance(flags, Sequence) or not flags:
        raise _no_flags(qc)
    if not all(isinstance(f, int) and 0 <= f <= 9 for f in flags):
        raise _no_flags(qc)
    return tuple(flags)


def _no_flags(qc: Any) -> ParameterError:
    return ParameterError(
        "quality flags not understood", where=f"qc={qc!r}",
        expected="whole numbers of 0 to 9, as qc=(1, 2), or None for all",
    )  # fmt: skip


def _length(name: str, value: Any, unit: str) -> float | None:
    if value is None:
        return None
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not value >= 0:
        raise ParameterError(
            f"{name} is no length",
            where=f"{name}={value!r}",
            expected=f"a number of {unit}, 0 or more",
        )
    return float(value)


def _duration(value: Any) -> float | None:
    """Return a tolerance in time in seconds."""
    if value is None:
        return None
    try:
        if isinstance(value, int | float) and value:
            raise ValueError  # of what?
        seconds = float(pd.Timedelta(value).total_seconds())
    except (TypeError, ValueError):
        seconds = np.nan
    if not seconds >= 0:
        raise ParameterError(
            "time_tolerance is no duration", where=f"time_tolerance={value!r}",
            expected="a duration, 0 or longer", remedy="pass for instance '12h' or '5 days'",
        )  # fmt: skip
    return seconds
