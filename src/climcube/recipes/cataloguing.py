"""The catalog entry of a store that was ingested."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from climcube.catalogs.writing import write_entry
from climcube.recipes.places import Target
from climcube.recipes.report import IngestReport
from climcube.recipes.scan import Scan

__all__ = ["write_catalog_entry"]

_PLAIN = ("anon", "endpoint_url", "region")  # options that are no secret


def write_catalog_entry(
    catalog: str | os.PathLike[str], scan: Scan, target: Target, report: IngestReport
) -> Path:
    """Give a store an entry in a catalog file; one of the same name is replaced.

    Raises
    ------
    CatalogError
        The entry would not be valid, or the file cannot be written.
    """
    recipe, archive = scan.recipe, scan.archive
    name = recipe.name or Path(target.address.rstrip("/")).stem
    store_format = "icechunk" if target.versioned else "zarr"
    address: dict[str, Any] = {"url": target.address, "format": store_format, "layout": "series"}
    options = _public(target.options)
    if options:
        address["storage_options"] = options
    facts = {"licence": recipe.licence, "citation": recipe.citation, "title": recipe.title or name}
    return write_entry(
        catalog,
        name,
        overwrite=True,
        addresses=[address],
        variables={n: _variable(scan, n) for n in archive.roles.gridded},
        calendar=report.calendar,
        period={"start": report.period[0], "end": report.period[1]},
        **{k: v for k, v in facts.items() if v is not None},
        **({"traps": list(recipe.traps)} if recipe.traps else {}),
    )


def _variable(scan: Scan, name: str) -> dict[str, Any]:
    header = scan.archive.headers[0]
    attrs = header.attrs[name]
    told = {k: str(attrs[k]) for k in ("standard_name", "long_name") if attrs.get(k)}
    return {
        "units": str(attrs.get("units", "unknown")) or "unknown",
        "dims": list(header.dims[name]),
        **told,
    }


def _public(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that say where a store is; credentials stay out of catalogs."""
    found = {k: options[k] for k in _PLAIN if k in options}
    client = options.get("client_kwargs") or {}
    inner = {k: client[k] for k in ("endpoint_url", "region_name") if k in client}
    return found | ({"client_kwargs": inner} if inner else {})
