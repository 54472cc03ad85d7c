"""The seam between an ingest or a save and a store: what is written is hidden until published.

A plain Zarr store and a versioned (Icechunk) one are written through the same few calls. Work
that was finished survives a kill: the same work, begun again, finds its ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from climcube.errors import StoreError
from climcube.provenance import redact

__all__ = ["Work", "Workplace", "write_failure"]


class Work(Protocol):
    """One attempt to change a store.

    Attributes
    ----------
    store
        Zarr store to write into; nobody else sees what is in it.
    base
        Version from which this work began; ``None`` where the store is new.
    done
        The ledger: steps finished by this or an earlier attempt, with their facts.
    """

    @property
    def store(self) -> Any:
        """Zarr store to write into; nobody else sees what is in it."""

    @property
    def base(self) -> str | None:
        """Version from which this work began; ``None`` where the store is new."""

    @property
    def done(self) -> Mapping[str, Mapping[str, Any]]:
        """The ledger: steps finished by this or an earlier attempt, with their facts."""

    def fork(self) -> Any:
        """Return a store that can be pickled, for one task in another process."""

    def merge(self, forks: Iterable[Any]) -> None:
        """Take over what was written to forks."""

    def finish(self, step: str, facts: Mapping[str, Any] | None = None) -> None:
        """Note that a step is finished; when this returns, a kill does not undo it."""

    def publish(self, message: str, facts: Mapping[str, Any] | None = None) -> str | None:
        """Make everything visible at once; return the version, where the store has versions.

        Raises
        ------
        ConflictError
            Another writer published since this work began.
        """

    def discard(self) -> None:
        """Remove what was written; for work that can never be published."""


class Workplace(Protocol):
    """A target of ingests and saves."""

    def exists(self) -> bool:
        """Whether a store was published there."""

    def work(self, identity: str, *, new: bool) -> AbstractContextManager[Work]:
        """Begin work, or resume that of an earlier attempt of the same ``identity``.

        ``identity`` is a digest of all that decides the result (files, recipe, layout). ``new``
        work replaces the store, else it continues what is published.
        """

    def holds(self, identity: str) -> bool:
        """Whether what was published last is the result of the same work."""

    def attempts(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        """Return the ledgers of all unfinished work, by a mark of each."""

    def drop(self, mark: str) -> None:
        """Remove unfinished work, unless another process is seen at it."""

    def tidy(self, identity: str) -> None:
        """Remove what an earlier attempt of the same ``identity`` left, finished or not."""


def write_failure(work: Work, error: BaseException, remedy: str | None) -> StoreError:
    """Return the one line that says why something was not written, and what can be done."""
    reason = (str(error) or type(error).__name__).splitlines()[0]
    return StoreError(
        "saving failed", where=getattr(work, "place", None), found=redact(reason), remedy=remedy
    )
