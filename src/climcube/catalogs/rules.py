"""What an address in a catalog may name, and what a catalog may never say.

A catalog is data. It cannot compute an address, read the environment, carry a credential,
or reach a local file outside the folder that it lies in.
"""

from __future__ import annotations

import ipaddress
import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from climcube.catalogs.parsing import is_remote
from climcube.catalogs.schema import place
from climcube.errors import CatalogError
from climcube.provenance import redact

__all__ = [
    "CATALOG_DIR",
    "PROTOCOLS",
    "check_group",
    "check_options",
    "home_of",
    "is_public",
    "reference",
    "require_inert",
    "require_inside",
    "resolve",
]

# The one template that is allowed, and only at the beginning of an address: Intake replaces it
# by the folder of the catalog file, which is what climcube takes a relative address to mean.
CATALOG_DIR = "{CATALOG_DIR}/"
PROTOCOLS = ("file", "gcs", "gs", "http", "https", "memory", "s3")
_TOOLBOXES = ("copernicusmarine",)
_REFERENCE = re.compile(r"\{data\(([A-Za-z0-9][A-Za-z0-9._/@-]*)\)\}")
# Also without braces: Intake's look-up of other entries takes them as optional.
_TEMPLATE = re.compile(r"[{}]|\A\s*data\(|\A\s*(env|shell|func|import)\(")
# Also those that make text read otherwise than it is: invisible, or turning its direction.
_CONTROL = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f\\x85\\u200b\\u2028\\u2029\\u202a-\\u202e\\u2060\\u2066-\\u2069\\ufeff]"
)
_SECRET = re.compile(
    r"key|secret|token|passw|credential|signature|^sig$|auth|user|profile", re.IGNORECASE
)
# A password may hold a slash, and then a parser of URLs takes it for a path; a port may not.
_LOGIN = re.compile(r"[^/?#]*://[^/?#]*:(?!\d+/)[^?#]*@")
_GLOB = re.compile(r"[*?\[]")


def require_inert(document: Mapping[str, Any], file: str) -> None:
    """Raise `CatalogError` where text could be taken for a template, or an option for a secret.

    Run before the schema: what is refused here deserves its own explanation.
    """
    for path, text in _texts(document, ()):
        if _CONTROL.search(text):
            raise CatalogError(
                "control characters in a catalog", where=place(file, path), found=f"{text!r:.80}"
            )
        if _is_url(path) and text.startswith(CATALOG_DIR):
            text = text[len(CATALOG_DIR) :]
        if _is_argument(path) and _REFERENCE.fullmatch(text):
            continue
        if _TEMPLATE.search(text):
            raise CatalogError(
                "templates are not allowed in a catalog",
                where=place(file, path),
                expected="plain text",
                found=f"{text!r:.80}",
                remedy="write the value out, and pass credentials as storage_options=",
            )
    for path, name in _option_names(document):
        if _SECRET.search(name) and _value_at(document, path) != "anon":
            raise CatalogError(
                "credentials do not belong in a catalog",
                where=place(file, path),
                remedy="remove them and pass storage_options= when opening, "
                "or use the store's own configuration",
            )


def reference(text: str) -> str | None:
    """Return the name in ``{data(name)}``, or None.

    >>> reference("{data(sst@osn)}")
    'sst@osn'
    """
    match = _REFERENCE.fullmatch(text)
    return match.group(1) if match else None


def home_of(address: str) -> str:
    """Return the folder or URL that relative addresses of a catalog start from."""
    if is_remote(address):
        return address.rpartition("/")[0]
    return os.path.realpath(os.path.dirname(_local(address)) or ".")


def resolve(url: str, home: str, where: str) -> str:
    """Return an address in full: a URL, or an absolute local path.

    Parameters
    ----------
    url
        Address as the catalog has it. Relative ones start from the folder of the catalog file.
    home
        That folder (see `home_of`).
    where
        File, entry and key, for the message.

    Raises
    ------
    CatalogError
        Unknown or chained protocol, user or password or token in the URL, ``..``, a local path
        that lies (links followed) outside the folder of the catalog file, or a local path in a
        catalog that was itself read from a URL.
    """
    if url.startswith(CATALOG_DIR):
        url = "./" + url[len(CATALOG_DIR) :].lstrip("/")
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", url)
    if "::" in url or "\\" in url or url != url.strip() or "\n" in url:
        raise _refused("address not allowed", where, url, "one plain address")
    if scheme is None and "://" in url:  # a protocol spelled with other letters
        raise _refused("protocol not allowed", where, url, "a relative path or a known protocol")
    if scheme is None:
        return _below(url, home, where)
    if scheme.group(1) == "file" and url.startswith("file:///"):
        return _below(_local(url), home, where)
    if scheme.group(1) in _TOOLBOXES and re.fullmatch(r"[a-z]+:[A-Za-z0-9._-]+", url):
        return url
    if scheme.group(1) == "file" or scheme.group(1) not in PROTOCOLS or "://" not in url:
        known = ", ".join(f"{name}://" for name in PROTOCOLS if name != "file")
        raise _refused("protocol not allowed", where, url, f"a relative path or {known}")
    return _checked_url(url, where)


def require_inside(paths: Iterable[str], home: str, where: str) -> None:
    """Raise `CatalogError` where a local path has come to lead outside the catalog's folder.

    Asked again when an entry is opened: links may have been made since the catalog was read, and
    the files that a pattern matches were not known then.
    """
    root = Path(os.path.realpath(home))
    for path in paths:
        if not Path(os.path.realpath(path)).is_relative_to(root):
            raise _refused(
                "path not allowed", where, path, "a path below the folder of the catalog file"
            )


def is_public(url: str) -> bool:
    """Whether an address is one that a catalog may have: no credential, no trick.

    >>> is_public("https://host/x?dataset=a"), is_public("https://host/x?sig=abc")
    (True, False)
    """
    try:
        return bool(_checked_url(url, ""))
    except CatalogError:
        return False


def check_group(group: str | None, where: str) -> None:
    """Raise `CatalogError` for a group that is not a plain path inside a store."""
    if group is not None and (_climbs(group) or group.startswith("/") or "\\" in group):
        raise _refused("group not allowed", where, group, "names separated by '/'")


def check_options(options: Mapping[str, Any], where: str) -> None:
    """Raise `CatalogError` for an end point or base address that is not a plain web address."""
    nested = options.get("client_kwargs", {})
    for name, value in [*options.items(), *nested.items()]:
        if name in {"endpoint_url", "base_url"}:
            if not re.match(r"https?://", str(value)):
                raise _refused("end point not allowed", where, str(value), "http:// or https://")
            _checked_url(str(value), where)
        if name in {"bucket", "prefix"} and _climbs(str(value)):
            raise _refused("address not allowed", where, str(value), "no '..'")


def _checked_url(url: str, where: str) -> str:
    if not url.isascii():  # letters that look like others, and dots that become '..'
        raise _refused("address not allowed", where, url, "ASCII; write %xx for other letters")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _refused("address not allowed", where, url, "a URL") from None
    if "@" in parts.netloc or _LOGIN.match(url):
        raise _refused(
            "credentials do not belong in a catalog",
            where,
            redact(url),
            "an address without user and password",
        )
    query = parts.query if "=" in parts.query else ""
    for name, _ in parse_qsl(query, keep_blank_values=True):
        if _SECRET.search(name) or name.lower().startswith("x-amz"):
            raise _refused(
                "credentials do not belong in a catalog",
                where,
                url.partition("?")[0] + "?...",
                "an address without a signature",
            )
    if _climbs(parts.path) or _climbs(parts.netloc):
        raise _refused("address not allowed", where, url, "no '..'")
    if parts.scheme in {"http", "https"}:
        _require_public_name(parts.hostname, url, where)
    elif not parts.netloc:
        raise _refused("address not allowed", where, url, "a bucket after '://'")
    return url


def _require_public_name(host: str | None, url: str, where: str) -> None:
    # The link-local addresses answer a cloud machine's questions about its own credentials.
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        name = host or ""
        named = re.fullmatch(r"[A-Za-z0-9._-]*[A-Za-z][A-Za-z0-9._-]*", name)
        # '0xa9fea9fe' is a number, and a resolver takes it for an address.
        if not named or name == "metadata.google.internal" or re.match(r"0x[0-9a-f]", name):
            raise _refused("host not allowed", where, url, "the name of a host") from None
        return
    mapped = getattr(address, "ipv4_mapped", None) or address
    if mapped.is_link_local or mapped.is_multicast or mapped.is_unspecified:
        raise _refused("host not allowed", where, url, "the name of a host")


def _below(path: str, home: str, where: str) -> str:
    path = path.removeprefix("./")
    expected = "a path below the folder of the catalog file"
    if _climbs(path) or path.startswith("~") or "$" in path or path.strip("/. ") == "":
        raise _refused("path not allowed", where, path, expected)
    if is_remote(home):
        if path.startswith("/"):
            raise _refused("local path in a catalog read from a URL", where, path, "a URL")
        return _checked_url(f"{home}/{path}", where)
    full = os.path.join(home, path)
    # Links are followed before comparing; a pattern is compared by what stands before it.
    wild = _GLOB.search(full, len(home))
    fixed = full if wild is None else os.path.dirname(full[: wild.start()] + "x")
    if not Path(os.path.realpath(fixed)).is_relative_to(os.path.realpath(home)):
        raise _refused("path not allowed", where, path, expected)
    return posixpath.normpath(full)


def _local(address: str) -> str:
    return unquote(address.removeprefix("file://")) if address.startswith("file://") else address


def _climbs(path: str) -> bool:
    for _ in range(3):  # '%252e' is '%2e' is '.'
        if any(part.strip() == ".." for part in re.split(r"[/\\]", path)):
            return True
        path = unquote(path)
    return any(part.strip() == ".." for part in re.split(r"[/\\]", path))


def _refused(what: str, where: str, found: str, expected: str) -> CatalogError:
    return CatalogError(what, where=where, expected=expected, found=f"{found!r:.120}")


def _is_url(path: tuple[str, ...]) -> bool:
    return len(path) == 4 and path[0] == "data" and path[2:] == ("kwargs", "url")


def _is_argument(path: tuple[str, ...]) -> bool:
    return len(path) == 5 and path[0] == "entries" and path[2:] == ("kwargs", "args", "0")


def _texts(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield (*path, key), key
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, (*path, str(number)))


def _option_names(document: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    def walk(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
        if isinstance(value, Mapping):
            for key, item in value.items():
                if {"storage_options", "client_kwargs", "backend_kwargs", "options"} & set(path):
                    yield (*path, key), key
                yield from walk(item, (*path, key))

    yield from walk(document, ())


def _value_at(document: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = document
    for key in path:
        value = value[key]
    return value
