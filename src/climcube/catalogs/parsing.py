"""The text of a catalog file as plain data: bounded in size, depth and cleverness."""

from __future__ import annotations

import os
import stat
from collections.abc import Hashable, Mapping
from typing import Any

import yaml

from climcube.errors import CatalogError, ClimcubeError
from climcube.provenance import redact
from climcube.stores.credentials import cause
from climcube.stores.filesystems import open_file

__all__ = ["MAX_BYTES", "is_remote", "parse", "read"]

MAX_BYTES = 1_000_000
_MAX_DEPTH = 16
_MAX_EVENTS = 100_000
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_BASE):  # type: ignore[misc]
    """PyYAML's safe loader, without dates and without silently lost keys."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in getattr(node, "value", []):
            name = getattr(key, "value", None)
            if isinstance(name, str) and name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{name}' is written twice", key.start_mark
                )
            seen.add(name if isinstance(name, str) else id(key))
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return mapping


# A date stays the text that was written: '1981-09-01' compares and prints as itself.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in _BASE.yaml_implicit_resolvers.items()
}


def is_remote(address: str) -> bool:
    """Whether an address names something other than a local file."""
    return "://" in address and not address.startswith("file://")


def read(address: str, storage_options: Mapping[str, Any] | None = None) -> str:
    """Return the text of a catalog, a local file or a URL that fsspec understands.

    Raises
    ------
    CatalogError
        It is missing, not a regular file, unreadable, not UTF-8, or larger than 1 MB.
    """
    raw = _fetch(address, storage_options) if is_remote(address) else _read_local(address)
    if len(raw) > MAX_BYTES:
        raise CatalogError(
            "catalog file too large", where=redact(address), expected=f"at most {MAX_BYTES:,} bytes"
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CatalogError(
            "catalog file is not text", where=redact(address), expected="UTF-8", found=error.reason
        ) from None


def _read_local(path: str) -> bytes:
    try:
        # Asked before opening: opening a pipe or a device could wait, or run, for ever.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise CatalogError("not a catalog file", where=path, expected="a regular file")
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise CatalogError(
            "catalog file cannot be read",
            where=path,
            found=getattr(error, "strerror", None) or str(error),
            remedy="name an existing YAML file",
        ) from None


def _fetch(address: str, storage_options: Mapping[str, Any] | None) -> bytes:
    try:
        with open_file(address, storage_options) as file:
            return bytes(file.read(MAX_BYTES + 1))
    # Each protocol has its own exceptions, some of them not even OSError.
    except Exception as error:  # noqa: BLE001
        raise CatalogError(
            "catalog file cannot be read",
            where=redact(address),
            found=str(error) if isinstance(error, ClimcubeError) else type(error).__name__,
            remedy="check the address and pass storage_options= if it needs credentials",
        ) from cause(address, error)


def parse(text: str, file: str) -> Any:
    """Turn YAML into dictionaries, lists, text, numbers, booleans and None.

    Anchors and aliases, tags that build objects, keys written twice, more than 16 levels and
    more than 100,000 nodes are refused before anything is built.

    Raises
    ------
    CatalogError
        Naming the file, and the line where there is one.
    """
    try:
        _require_modest(text, file)
        document = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise _unreadable(error, file) from None
    except (ValueError, OverflowError, RecursionError) as error:
        raise CatalogError(
            "not YAML that a catalog may contain", where=file, found=str(error)[:120]
        ) from None
    _require_plain(document, file)
    return document


def _require_modest(text: str, file: str) -> None:
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=_BASE)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        line = f"{file}, line {event.start_mark.line + 1}" if event.start_mark else file
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            raise CatalogError(
                "anchors and aliases are not allowed in a catalog",
                where=line,
                found=repr(anchor),
                remedy="write the value out",
            )
        if depth > _MAX_DEPTH:
            raise CatalogError(
                "catalog nested too deeply", where=line, expected=f"at most {_MAX_DEPTH} levels"
            )
        if count > _MAX_EVENTS:
            raise CatalogError(
                "catalog too long", where=line, expected=f"at most {_MAX_EVENTS:,} nodes"
            )


def _unreadable(error: yaml.YAMLError, file: str) -> CatalogError:
    mark = getattr(error, "problem_mark", None)
    where = file if mark is None else f"{file}, line {mark.line + 1}"
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    return CatalogError(
        "not YAML that a catalog may contain", where=where, found=str(problem)[:160]
    )


def _require_plain(value: Any, file: str) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise CatalogError("keys of a catalog are text", where=file, found=f"{key!r:.80}")
            _require_plain(item, file)
    elif isinstance(value, list):
        for item in value:
            _require_plain(item, file)
    elif not (value is None or isinstance(value, str | bool | int | float)):
        raise CatalogError(
            "value of a kind that a catalog may not contain",
            where=file,
            expected="text, numbers, true or false",
            found=type(value).__name__,
        )
