"""How a result was made: inputs, parameters and versions, as attributes that travel with it.

Each result carries ``history`` (one readable line per step, newest first, as CF asks) and
``climcube_provenance`` (JSON: the same steps for machines). No time stamp is written: equal
inputs give equal bytes. No credential is ever written: addresses lose user, password and query.
"""

from __future__ import annotations

import importlib.metadata
import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr

from climcube.options import get_option

__all__ = ["ATTRIBUTE", "inherit", "read", "record", "redact", "set_source"]

ATTRIBUTE = "climcube_provenance"
_PACKAGES = ("climcube", "xarray", "dask", "numpy", "zarr", "numba", "scipy")
_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<rest>[^\s'\"<>]*)")
_SECRET = re.compile(
    r"storage_options|key|secret|token|password|credential|signature|auth", re.IGNORECASE
)


def redact(address: str) -> str:
    """Return a text with no user, password, query or fragment in the addresses it holds.

    >>> redact("https://me:pw@host/store.zarr?X-Amz-Signature=abc")
    'https://host/store.zarr'
    >>> redact("simplecache::s3://key:secret@bucket/sst.nc")
    'simplecache::s3://bucket/sst.nc'
    """
    return _ADDRESS.sub(_without_secrets, address)


def _without_secrets(found: re.Match[str]) -> str:
    host, slash, path = found["rest"].partition("/")
    if "@" not in host and "@" in found["rest"]:  # a password may hold a slash
        user, _, after = found["rest"].rpartition("@")
        if ":" in user:
            host, slash, path = after.partition("/")
    return (
        found["scheme"]
        + host.rpartition("@")[2].partition("?")[0].partition("#")[0]
        + (slash + re.split(r"[?#]", path)[0] if "?" not in host and "#" not in host else "")
    )


def set_source(cube: Any, address: str, **facts: str | None) -> Any:
    """Say on a freshly opened cube where it came from (entry, version, ... as facts).

    What the cube already tells of its making (a saved result, an ingested store) is kept. A
    source that is itself a result is marked as one: it is no data set to be cited.
    """
    before = read(cube)
    source = {"address": redact(address)} | {k: v for k, v in facts.items() if v is not None}
    if before.get("steps"):
        source["kind"] = "result"
    document = {
        "sources": _unique([source, *before.get("sources", [])]),
        "steps": before.get("steps", []),
        "packages": before.get("packages", {}),
    }
    cube.attrs[ATTRIBUTE] = json.dumps(document, sort_keys=True)
    return cube


def read(cube: Any) -> dict[str, Any]:
    """Return the provenance of a cube as a dictionary; empty where there is none.

    Examples
    --------
    >>> import xarray as xr
    >>> read(xr.DataArray(0))
    {}
    """
    text = cube.attrs.get(ATTRIBUTE)
    if not isinstance(text, str):
        return {}
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def record(result: Any, function: str, parameters: Mapping[str, Any], inputs: Sequence[Any]) -> Any:
    """Write provenance and history of one step onto a result and onto its variables.

    Parameters
    ----------
    result
        A DataArray or Dataset, changed in place and returned.
    function
        Public name of the function, as the user wrote it.
    parameters
        Its keyword arguments; cubes among them are replaced by their names.
    inputs
        The cubes it worked on; their provenance is carried over.
    """
    if not get_option("provenance"):
        return result
    plain = {k: _plain(k, v) for k, v in parameters.items()}
    step = {"function": function, "parameters": plain}
    before = [read(cube) for cube in inputs]
    document = {
        "sources": _unique(source for b in before for source in b.get("sources", [])),
        "steps": [s for b in before for s in b.get("steps", [])] + [step],
        "packages": versions(),
    }
    text = json.dumps(document, sort_keys=True)
    line = _history_line(function, plain)
    older = next((str(c.attrs["history"]) for c in inputs if c.attrs.get("history")), None)
    history = line if older is None else f"{line}\n{older}"
    targets = [result, *result.data_vars.values()] if isinstance(result, xr.Dataset) else [result]
    for target in targets:
        target.attrs[ATTRIBUTE] = text
        target.attrs["history"] = history
    return result


def inherit(result: Any, source: Any) -> Any:
    """Carry provenance and history over to a result that is merely reshaped."""
    for name in (ATTRIBUTE, "history"):
        if name in source.attrs:
            result.attrs[name] = source.attrs[name]
    return result


@lru_cache(maxsize=1)
def _version_items() -> tuple[tuple[str, str], ...]:
    found = []
    for name in _PACKAGES:
        try:
            found.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            continue
    return tuple(found)


def versions() -> dict[str, str]:
    """Versions of the packages that a result depends on."""
    return dict(_version_items())


def _plain(name: str, value: Any) -> Any:
    if _SECRET.search(name):
        return "(not recorded)"
    if isinstance(value, xr.DataArray | xr.Dataset):
        sources = read(value).get("sources")
        return {"cube": str(getattr(value, "name", None)), "sources": sources or []}
    if isinstance(value, Mapping):
        return {str(k): _plain(str(k), v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(name, v) for v in value]
    if isinstance(value, np.generic | np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, np.ndarray):
        return [_plain(name, v) for v in value.tolist()]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no NaN
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact(str(value))


def _history_line(function: str, parameters: Mapping[str, Any]) -> str:
    shown = ", ".join(f"{k}={v!r}" for k, v in parameters.items() if not isinstance(v, dict))
    return f"climcube {dict(_version_items()).get('climcube', '')}: {function}({shown})"


def _unique(items: Any) -> list[Any]:
    kept: list[Any] = []
    for item in items:
        if item not in kept:
            kept.append(item)
    return kept
