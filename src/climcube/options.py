"""Package-wide settings: validated keys, usable as a context manager."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Integral, Real
from types import MappingProxyType, TracebackType
from typing import Any

from climcube.errors import ParameterError, suggest

__all__ = ["get_option", "set_options", "watching", "worker_options"]


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_bool_or_none(value: object) -> bool:
    return value is None or isinstance(value, bool)


def _is_catalogs(value: object) -> bool:
    # A catalog is known by what it has: its class lives in a room above.
    return isinstance(value, list | tuple) and all(
        isinstance(item, str | os.PathLike) or hasattr(item, "entries") for item in value
    )


def _is_positive_integer(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) > 0


def _is_page_width(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and 60 <= float(value) <= 600


def _is_bytes_or_none(value: object) -> bool:
    return value is None or _is_positive_integer(value)


def _is_client(value: object) -> bool:
    return value in ("s3fs", "obstore")


def _is_verify(value: object) -> bool:
    return value in ("always", "sample", "never")


# name: (default, check, what is expected)
_KNOWN: Mapping[str, tuple[Any, Callable[[object], bool], str]] = MappingProxyType(
    {
        "progress": (None, _is_bool_or_none, "True, False, or None (only on a terminal)"),
        "provenance": (True, _is_bool, "True or False"),
        "tile_bytes": (
            256 * 2**20,
            _is_positive_integer,
            "a positive number of bytes: the float32 size of one spatial tile over all time",
        ),
        "catalogs": (
            (),
            _is_catalogs,
            "a list of paths or URLs of catalogs, or of catalogs that are open",
        ),
        "memory": (None, _is_bytes_or_none, "a positive number of bytes, or None (what is free)"),
        "resume": (False, _is_bool, "True or False"),
        "figure_width": (183, _is_page_width, "millimetres, from 60 to 600"),
        "block_cells": (32, _is_positive_integer, "a positive number of cells worked on at once"),
        "s3_client": ("s3fs", _is_client, "'s3fs' or 'obstore'"),
        "s3_concurrency": (32, _is_positive_integer, "a positive number of requests at once"),
        "verify": ("always", _is_verify, "'always', 'sample' or 'never'"),
    }
)
_current: dict[str, Any] = {name: default for name, (default, _, _) in _KNOWN.items()}
_watchers: list[Callable[[], None]] = []
# What is decided in the process of the user, whatever works for it.
_OF_THE_USER = ("catalogs", "figure_width", "memory", "progress", "resume")


def get_option(name: str) -> Any:
    """Return the present value of an option."""
    return _current[name]


def worker_options() -> dict[str, Any]:
    """Return the options that tasks look up where they run, at present.

    >>> "s3_concurrency" in worker_options(), "progress" in worker_options()
    (True, False)
    """
    return {name: value for name, value in _current.items() if name not in _OF_THE_USER}


@contextmanager
def watching(changed: Callable[[], None]) -> Iterator[None]:
    """Call a function after each change of an option: workers elsewhere follow it."""
    _watchers.append(changed)
    try:
        yield
    finally:
        _watchers.remove(changed)


class set_options:  # noqa: N801 - used like a function, as in xarray
    """Set options for the session, or for a ``with`` block.

    Parameters
    ----------
    progress : bool or None
        Show progress bars; ``None`` (default) shows them on a terminal only.
    provenance : bool
        Write ``history`` and ``climcube_provenance`` on results (default ``True``).
    tile_bytes : int
        Size aimed at, in bytes of float32, for one spatial tile over all time (default 256 MiB).
    catalogs : list
        Catalogs of yours, by path or URL, or open, that `climcube.catalog` and `climcube.open`
        look in before the shipped one (default none).
    memory : int or None
        Bytes that `climcube.plan` and `climcube.save` reckon with on this machine; ``None``
        (default): what is free. On a cluster the limits of its workers count.
    resume : bool
        Whether `climcube.save` goes on with an earlier attempt (Zarr stores only), where it is
        not told otherwise (default ``False``).
    figure_width : float
        Millimetres that new figures of `climcube.plot` are wide (default 183, both columns of a
        page; 89 is one column); letters and heights follow.
    block_cells : int
        Cells of a tile that a kernel works on at once (default 32).
    s3_client : "s3fs" or "obstore"
        What reads and writes Zarr stores in S3-compatible object storage (default ``"s3fs"``;
        ``"obstore"`` needs the extra ``obstore``). Decided when a store is opened.
    s3_concurrency : int
        Requests to object storage that one process makes at once, over all stores and threads
        (default 32). Workers of a cluster are processes of their own.
    verify : str
        What `climcube.open` checks against the manifest of a store: ``"always"`` (default),
        ``"sample"`` or ``"never"``.

    Raises
    ------
    ParameterError
        For an unknown option or a value that it does not take; no option is changed then.

    Examples
    --------
    >>> import climcube as cc
    >>> with cc.set_options(progress=False):
    ...     cc.options.get_option("progress")
    False
    """

    def __init__(self, **options: Any) -> None:
        for name, value in options.items():
            if name not in _KNOWN:
                raise ParameterError(
                    "unknown option", where=repr(name), remedy=suggest(name, _KNOWN)
                )
            _, check, expected = _KNOWN[name]
            if not check(value):
                raise ParameterError(
                    "option value not understood", where=name, expected=expected, found=repr(value)
                )
        self._before = {name: _current[name] for name in options}
        _change(options)

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _change(self._before)


def _change(options: Mapping[str, Any]) -> None:
    _current.update(options)
    for changed in _watchers:
        changed()
