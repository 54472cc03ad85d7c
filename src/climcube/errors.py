"""Everything climcube raises, grouped by what the caller does next.

::

    ClimcubeError                 catch this to catch all of them
    ├── CatalogError              the catalog file or entry: correct it, or name another entry
    ├── StoreError                the bytes: check the address, the credentials, the network
    │   ├── StoreNotFoundError        nothing is there
    │   ├── StoreExistsError          something is there: pass overwrite=True, or another target
    │   ├── ConflictError             another writer was first: open again, repeat what you did
    │   └── IntegrityError            bytes are lost, or not those that were written: restore them
    ├── CubeError                 the data handed in: correct it, or select another part of it
    │   ├── AxisError                 time, latitude or longitude: missing, ambiguous, out of order
    │   ├── UnitsError                units: unknown, or not what the statistic needs
    │   ├── VariableError             no such variable, or more than one candidate
    │   ├── CalendarError             calendar or time step does not fit the statistic
    │   └── ChunkError                the chunks cut what must stay whole: rechunk
    ├── ParameterError            an argument of the call: pass another value
    ├── PlanError                 more memory than there is: take one of the ways that it names
    ├── ClusterError              workers, scheduler or gateway: start others, or give them more
    ├── IngestError               an archive file that cannot become part of the cube
    └── DependencyError           an optional package is missing: install the extra

    ClimcubeWarning               what to know although the answer is right
    ├── ClusterWarning            a worker that joined late was sent away: give it the same packages
    ├── CredentialsWarning        workers do not get what you passed: set AWS_PROFILE there
    └── MirrorWarning             another copy of the data was opened: correct the catalog entry

Every message is one line and says what went wrong, where, what was expected, what was
found, and what to do.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType

__all__ = [
    "AxisError",
    "CalendarError",
    "CatalogError",
    "ChunkError",
    "ClimcubeError",
    "ClimcubeWarning",
    "ClusterError",
    "ClusterWarning",
    "ConflictError",
    "CredentialsWarning",
    "CubeError",
    "DependencyError",
    "IngestError",
    "IntegrityError",
    "MirrorWarning",
    "ParameterError",
    "PlanError",
    "StoreError",
    "StoreExistsError",
    "StoreNotFoundError",
    "UnitsError",
    "VariableError",
]


class ClimcubeError(Exception):
    """Base of all climcube errors.

    Parameters
    ----------
    what
        What went wrong, without a final stop.
    where
        The item concerned: a file, a variable, a dimension, an argument.
    expected, found
        What should have been there and what was.
    remedy
        What the caller can do about it.

    Examples
    --------
    >>> print(CubeError("no time axis", where="variable 'sst'", expected="a CF time coordinate",
    ...                 found="lat, lon", remedy="open another"))
    no time axis (variable 'sst'): expected a CF time coordinate, found lat, lon; open another
    """

    def __init__(
        self,
        what: str,
        *,
        where: object = None,
        expected: object = None,
        found: object = None,
        remedy: str | None = None,
    ) -> None:
        self.what, self.where, self.expected = what, where, expected
        self.found, self.remedy = found, remedy
        super().__init__(_sentence(what, where, expected, found, remedy))

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions pickle their positional arguments only; keep the rest, so that an
        # error raised on a worker says the same on the client.
        return _rebuild, (
            type(self),
            {k: getattr(self, k) for k in ("what", "where", "expected", "found", "remedy")},
        )


class CatalogError(ClimcubeError):
    """The catalog file or entry is wrong: correct it, or name another entry."""


class StoreError(ClimcubeError):
    """Bytes could not be read or written: check address, credentials and network."""


class StoreNotFoundError(StoreError):
    """Nothing is stored at that address."""


class StoreExistsError(StoreError):
    """The target holds something already: pass ``overwrite=True`` or another target."""


class ConflictError(StoreError):
    """Another writer published first; nothing of either is lost."""


class IntegrityError(StoreError):
    """Stored bytes are missing, or are not those that were written."""


class CubeError(ClimcubeError):
    """The data handed in do not fit the question."""


class AxisError(CubeError):
    """An axis is missing, ambiguous, unordered or duplicated."""


class UnitsError(CubeError):
    """Units are unknown, or cannot mean what the statistic needs."""


class VariableError(CubeError):
    """No such variable, or several candidates."""


class CalendarError(CubeError):
    """The calendar, period or time step does not fit the statistic."""


class ChunkError(CubeError):
    """Chunks cut a dimension that must stay whole."""


class ParameterError(ClimcubeError, ValueError):
    """An argument has a value that the function does not take."""


class PlanError(ClimcubeError):
    """What was asked for takes more memory than there is."""


class ClusterError(ClimcubeError):
    """Workers, their scheduler or the gateway: not there, not alike, or lost at work."""


class IngestError(ClimcubeError):
    """An archive file that cannot become part of the cube."""


class DependencyError(ClimcubeError, ImportError):
    """An optional package is missing."""


class ClimcubeWarning(UserWarning):
    """What a user should know although the answer is right."""


class ClusterWarning(ClimcubeWarning):
    """A worker was sent away; the others go on."""


class CredentialsWarning(ClimcubeWarning):
    """Credentials that were passed by value do not reach other processes."""


class MirrorWarning(ClimcubeWarning):
    """An address did not answer; another copy of the same data was opened."""


def suggest(name: str, known: Iterable[str], limit: int = 8) -> str:
    """Return a hint naming the close matches of ``name``, or what is known at all.

    >>> suggest("sts", ["sst", "ice"])
    "did you mean 'sst'?"
    >>> suggest("xyz", ["sst", "ice"])
    'known: ice, sst'
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(repr(n) for n in close) + "?"
    shown = ", ".join(names[:limit]) + (", ..." if len(names) > limit else "")
    return f"known: {shown}" if names else "there are none"


def require_choice(argument: str, value: object, choices: Iterable[object]) -> None:
    """Raise `ParameterError` unless ``value`` is one of ``choices``."""
    known = list(choices)
    if value not in known:
        raise ParameterError(
            f"unknown {argument}",
            where=f"{argument}={value!r}",
            expected="one of " + ", ".join(repr(c) for c in known),
            remedy=suggest(str(value), [str(c) for c in known if c is not None]),
        )


def require_odd(argument: str, value: object) -> None:
    """Raise `ParameterError` unless ``value`` is a number of days that has a middle."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0 and value % 2:
        return
    raise ParameterError(
        f"{argument} must be centred",
        where=f"{argument}={value!r}",
        expected="an odd number of days (the full width)",
        remedy=f"pass {argument}={max(1, value // 2 * 2 + 1)}" if isinstance(value, int) else None,
    )


def require_module(module: str, extra: str) -> ModuleType:
    """Import an optional package, or say which extra of climcube brings it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise DependencyError(
            f"the package '{module.partition('.')[0]}' is not installed",
            remedy=f"install it with: pip install 'climcube[{extra}]'",
        ) from error


def _sentence(what: str, where: object, expected: object, found: object, remedy: str | None) -> str:
    text = what if where is None else f"{what} ({where})"
    facts = [
        f"{label} {value}"
        for label, value in (("expected", expected), ("found", found))
        if value is not None
    ]
    if facts:
        text += ": " + ", ".join(facts)
    if remedy:
        text += "; " + remedy
    return " ".join(text.split())


def _rebuild(kind: type[ClimcubeError], fields: dict[str, object]) -> ClimcubeError:
    return kind(**fields)  # type: ignore[arg-type]
