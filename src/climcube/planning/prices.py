"""What reading and writing costs in money, by a table of prices."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from climcube.errors import ParameterError, suggest

__all__ = ["Money", "Prices", "kind_of_store", "kind_of_target", "money_of", "prices_of"]

_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
LOCAL, AWS, OTHER = "local", "aws", "other"


@dataclass(frozen=True)
class Prices:
    """Prices of object storage.

    The defaults are Amazon's public list for S3 Standard in us-east-1, without the free
    allowance, as of January 2025: GET 0.0004 and PUT 0.005 dollars a thousand, transfer to the
    internet 0.09 dollars a gigabyte (none to machines of the same region).
    """

    get_per_thousand: float = 0.0004
    put_per_thousand: float = 0.005
    egress_per_gigabyte: float = 0.09
    currency: str = "USD"
    source: str = "S3 Standard, us-east-1, list of January 2025"


@dataclass(frozen=True)
class Money:
    """What requests cost, and transfer out of the region; ``None`` where prices are unknown."""

    requests: float | None
    egress: float | None
    currency: str
    source: str

    @property
    def text(self) -> str:
        """In words."""
        if self.requests is None or self.egress is None:
            return "unknown: the store is not Amazon's; pass prices="
        if not self.requests and not self.egress:
            return "none: all on local disks"
        return (
            f"{_spoken(self.requests)} {self.currency} for requests, "
            f"{_spoken(self.egress)} {self.currency} if read from outside its region "
            f"({self.source})"
        )


def prices_of(given: Prices | Mapping[str, Any] | None) -> Prices | None:
    """Return a table of prices; ``None`` where none was given.

    Raises
    ------
    ParameterError
        It has an unknown name, or a price below zero.
    """
    if given is None or isinstance(given, Prices):
        return given
    known = list(Prices.__dataclass_fields__)
    for name, value in given.items():
        if name not in known:
            raise ParameterError(
                "unknown price", where=f"prices[{name!r}]", remedy=suggest(name, known)
            )
        if isinstance(getattr(Prices, name), float) and not (
            isinstance(value, int | float) and value >= 0
        ):
            raise ParameterError(
                "a price is a number", where=f"prices[{name!r}]", expected="0 or more", found=value
            )
    return replace(Prices(source="prices given"), **dict(given))


def money_of(
    prices: Prices | None,
    reads: Mapping[str, tuple[int, int]],
    target: str | None,
    files: int,
) -> Money:
    """Return what a job costs.

    Parameters
    ----------
    reads
        By kind of store: requests, and bytes.
    target
        Kind of the store that is written, if any is.
    files
        Requests that write.
    """
    table = prices or Prices()
    kinds = {kind for kind, (requests, _) in reads.items() if requests} | {target or LOCAL}
    if OTHER in kinds and prices is None:
        return Money(None, None, table.currency, table.source)
    remote = [counts for kind, counts in reads.items() if kind != LOCAL]
    gets = sum(requests for requests, _ in remote)
    puts = files if target not in (None, LOCAL) else 0
    asked = (gets * table.get_per_thousand + puts * table.put_per_thousand) / 1000
    egress = sum(size for _, size in remote) / 1e9 * table.egress_per_gigabyte
    return Money(asked, egress, table.currency, table.source)


def kind_of_store(store: Any) -> str:
    """Return whether a Zarr store is on a local disk, Amazon's, or another's."""
    for _ in range(8):  # wrappers hold the store that they wrap
        inner = getattr(store, "_store", None)
        if inner is None:
            break
        store = inner
    name = type(store).__name__
    if name in ("LocalStore", "MemoryStore"):
        return LOCAL
    connection = getattr(store, "connection", None)
    if connection is not None:
        return _kind_of_options(getattr(connection, "options", {}))
    system = getattr(store, "fs", None)
    protocols = getattr(system, "protocol", ())
    if system is not None and "s3" in protocols:
        options = dict(getattr(system, "client_kwargs", None) or {})
        endpoint = getattr(system, "endpoint_url", None)
        return _kind_of_options(options | ({"endpoint_url": endpoint} if endpoint else {}))
    if "file" in protocols or "local" in protocols or "memory" in protocols:
        return LOCAL
    return OTHER


def kind_of_target(target: str, options: Mapping[str, Any] | None) -> str:
    """Return the same of an address."""
    if target.startswith("s3://"):
        given = dict(options or {})
        return _kind_of_options(dict(given.get("client_kwargs") or {}) | given)
    scheme = target.partition("://")[0] if "://" in target else "file"
    return LOCAL if scheme in ("file", "memory") else OTHER


def _kind_of_options(options: Mapping[str, Any]) -> str:
    known = (options.get("endpoint_url"), *map(os.environ.get, _ENDPOINTS))
    endpoint = next((str(one) for one in known if one), "")
    return AWS if not endpoint or ".amazonaws.com" in endpoint else OTHER


def _spoken(amount: float) -> str:
    return f"{amount:.2f}" if amount >= 0.01 or not amount else f"{amount:.2g}"
