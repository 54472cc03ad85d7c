"""What can be wrong with a stored chunk, and the error that says so."""

from __future__ import annotations

from typing import Any

from climcube.errors import IntegrityError

__all__ = ["KINDS", "REMEDY", "DamagedChunk"]

REMEDY = "restore the object from a copy, or ingest the files again"

# What a problem is called in reports: what it means.
KINDS = {
    "missing": "an object that was written is not there",
    "truncated": "an object is shorter than what was written",
    "damaged": "an object is not what was written, and does not decode",
    "other content": "a valid object, but not the one that was written there",
    "unexpected": "an object where none was written",
    "metadata": "a metadata document is not what was written",
    "manifest": "the manifest itself is damaged",
}

_SAID = {
    "missing": "a chunk is missing",
    "truncated": "a chunk is truncated",
    "unexpected": "a chunk is there that was never written",
}


class DamagedChunk(IntegrityError):
    """A chunk that is lost or is not what was written.

    Parameters
    ----------
    kind
        One of `KINDS`.
    array, key
        The array in its store, and the object below it.
    region
        First and last index (exclusive) along each dimension.
    place
        The same in words: dates, latitudes, longitudes.
    """

    def __init__(
        self,
        kind: str,
        array: str,
        key: str,
        region: tuple[tuple[int, int], ...],
        *,
        expected: object = None,
        found: object = None,
        store: str = "",
        place: str = "",
    ) -> None:
        self.kind, self.array, self.key, self.region = kind, array, key, region
        self.store, self.place = store, place
        if not place:
            place = "index " + ", ".join(f"{a}:{b}" for a, b in region) if region else ""
        where = ", ".join(t for t in (store, f"variable {array!r}", f"chunk {key}", place) if t)
        super().__init__(
            _SAID.get(kind, "a chunk is not what was written"),
            where=where, expected=expected, found=found, remedy=REMEDY,
        )  # fmt: skip

    def placed(self, store: str, variable: str, place: str) -> DamagedChunk:
        """Return the error with the store and the place in time and space."""
        return DamagedChunk(
            self.kind, variable, self.key, self.region,
            expected=self.expected, found=self.found, store=store, place=place,
        )  # fmt: skip

    def __reduce__(self) -> tuple[Any, ...]:
        positional = (self.kind, self.array, self.key, self.region)
        named = {k: getattr(self, k) for k in ("expected", "found", "store", "place")}
        return _rebuild, (positional, named)


def _rebuild(positional: tuple[Any, ...], named: dict[str, Any]) -> DamagedChunk:
    return DamagedChunk(*positional, **named)
