"""What a store remembers of the ingests that made it: in a group of its own, with the data."""

from __future__ import annotations

import warnings
from typing import Any

__all__ = ["GROUP", "holds", "preliminary_days", "remember"]

GROUP = "climcube_ingest"
_REMEMBERED = 64  # ingests; a daily one repeated two months later is refused as a duplicate


def remember(store: Any, identity: str, preliminary: list[str], *, new: bool) -> None:
    """Note an ingest in a store.

    Parameters
    ----------
    store
        Zarr store, writable.
    identity
        Of the ingest.
    preliminary
        Dates for which the store holds preliminary values.
    new
        Whether the store is made by this ingest.
    """
    group = _group(store, "a")
    known = [] if new else list(group.attrs.get("identities", []))
    facts = {"identities": [*known, identity][-_REMEMBERED:], "preliminary": preliminary}
    group.attrs.put(facts)


def holds(store: Any, identity: str | None = None, *, last: bool = False) -> bool:
    """Whether a store was made by ingests, this one among them, or as the ``last`` one."""
    group = _group(store, "r")
    if group is None:
        return False
    known = list(group.attrs.get("identities", []))
    return identity is None or identity in (known[-1:] if last else known)


def preliminary_days(store: Any) -> list[str]:
    """Return the dates for which a store holds preliminary values."""
    group = _group(store, "r")
    return [] if group is None else [str(d) for d in group.attrs.get("preliminary", [])]


def _group(store: Any, mode: Any) -> Any:
    import zarr

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Cc]onsolidated metadata.*")
        try:
            return zarr.open_group(
                store, path=GROUP, mode=mode, use_consolidated=False,
                zarr_format=3 if mode == "a" else None,
            )  # fmt: skip
        except (FileNotFoundError, KeyError):
            return None
