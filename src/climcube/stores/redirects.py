"""Web servers that send one elsewhere: not from an address that a catalog names."""

from __future__ import annotations

from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from climcube.errors import StoreError
from climcube.provenance import redact

__all__ = ["same_host_client", "staying"]


def staying(url: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return storage options with which a web address is read at its own host only.

    What a catalog names was checked when the catalog was read; where its server sends one
    afterwards was not.
    """
    if url.startswith(("http://", "https://")) and "get_client" not in options:
        return {**options, "get_client": same_host_client}
    return options


async def same_host_client(**options: Any) -> Any:
    """Return aiohttp's client, which refuses to be sent to another host; fsspec calls it."""
    import aiohttp

    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(_refuse_other_hosts)
    return aiohttp.ClientSession(trace_configs=[trace], **options)


async def _refuse_other_hosts(session: Any, context: Any, told: Any) -> None:
    here = str(told.response.url)
    there = urljoin(here, told.response.headers.get("Location", ""))
    old, new = urlsplit(here), urlsplit(there)
    secured = (old.scheme, new.scheme) == ("http", "https") and not (old.port or new.port)
    if old.hostname == new.hostname and (secured or _port(old) == _port(new)):
        return
    raise StoreError(
        "the server sends to another host",
        where=redact(here),
        found=redact(there),
        remedy="if you trust it, open that address, or name it in the catalog",
    )


def _port(parts: SplitResult) -> int | None:
    return parts.port or {"http": 80, "https": 443}.get(parts.scheme)
