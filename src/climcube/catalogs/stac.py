"""An entry as a collection of the SpatioTemporal Asset Catalog (STAC 1.0)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from climcube.catalogs.rules import is_public
from climcube.catalogs.schema import UNKNOWN
from climcube.catalogs.spans import is_rolling, stated
from climcube.provenance import redact

if TYPE_CHECKING:
    from climcube.catalogs.entry import Address, Entry, Variable

__all__ = ["collection"]

_DATACUBE = "https://stac-extensions.github.io/datacube/v2.2.0/schema.json"
_SCIENTIFIC = "https://stac-extensions.github.io/scientific/v1.0.0/schema.json"
_TYPES = {
    "zarr": "application/vnd+zarr",
    "icechunk": "application/vnd.icechunk",
    "netcdf": "application/netcdf",
    "esm-table": "application/json",
    "table": "text/csv",
}
_LICENCES = {"cc by 4.0": "CC-BY-4.0", "cc0": "CC0-1.0", "cc by-sa 4.0": "CC-BY-SA-4.0"}


def collection(entry: Entry) -> dict[str, Any]:
    """Return an entry as a STAC collection: a plain dictionary, ready for JSON.

    A bound of the period that is not known is null, as is the end of data that still grow. STAC
    demands a bounding box; an entry states none, so it is the whole Earth, and
    ``climcube:bbox_known`` says that it is not a finding. A licence that is no SPDX identifier
    becomes ``other``, with its words in ``climcube:licence``.
    """
    licence = _licence(entry.licence)
    found: dict[str, Any] = {
        "type": "Collection",
        "stac_version": "1.0.0",
        "stac_extensions": [],
        "id": entry.id.replace("/", "-"),
        "title": entry.title,
        "description": " ".join([entry.summary or entry.title, *entry.traps]),
        "license": licence,
        "extent": {
            "spatial": {"bbox": [[-180.0, -90.0, 180.0, 90.0]]},
            "temporal": {"interval": [_interval(entry)]},
        },
        "links": [],
        "assets": {_key(address): _asset(address) for address in entry.addresses},
        "climcube:id": entry.id,
        "climcube:bbox_known": False,
        "climcube:licence": entry.licence,
        "climcube:status": entry.status,
        "climcube:calendar": entry.calendar,
    }
    if entry.provider:
        found["providers"] = [{"name": entry.provider, "roles": ["producer"]}]
    if entry.doi:
        found["stac_extensions"] = [_SCIENTIFIC]
        found["sci:doi"] = entry.doi
        found["links"] += [{"rel": "cite-as", "href": f"https://doi.org/{entry.doi}"}]
    if entry.citation != UNKNOWN:
        found["stac_extensions"] = [_SCIENTIFIC]
        found["sci:citation"] = entry.citation
    # The extension demands dimensions of a variable: those that state none are only named.
    stated_dims = [variable for variable in entry.variables if variable.dims]
    if stated_dims:
        found["stac_extensions"] = [_DATACUBE, *found["stac_extensions"]]
        found["cube:dimensions"] = {name: _dimension(name, entry) for name in _dims(entry)}
        found["cube:variables"] = {v.name: _variable(v) for v in stated_dims}
    found["climcube:variables"] = {v.name: {"units": v.units} for v in entry.variables}
    return found


def _licence(text: str) -> str:
    known = _LICENCES.get(text.strip().casefold())
    if known:
        return known
    return text if re.fullmatch(r"[A-Za-z0-9]+(-[A-Za-z0-9.]+)+", text) else "other"


def _interval(entry: Entry) -> list[str | None]:
    first, last = stated(entry.period)
    growing = entry.period is not None and is_rolling(entry.period[1])
    return [
        None if first is None else f"{first}T00:00:00Z",
        None if last is None or growing else f"{last}T23:59:59Z",
    ]


def _key(address: Address) -> str:
    return address.name.rpartition("@")[2]


def _asset(address: Address) -> dict[str, Any]:
    role = {"mirror": "mirror", "twin": "twin"}.get(address.role)
    facts = {
        "href": address.url if is_public(address.url) else redact(address.url),
        "type": _TYPES.get(address.format),
        "title": address.note,
        "roles": ["data"] + ([role] if role else []),
        "climcube:format": address.format,
        "climcube:layout": None if address.layout == UNKNOWN else address.layout,
        "climcube:group": address.group,
        "xarray:storage_options": dict(address.storage_options) or None,
    }
    return {key: value for key, value in facts.items() if value is not None}


def _dims(entry: Entry) -> list[str]:
    return list(dict.fromkeys(dim for variable in entry.variables for dim in variable.dims))


def _dimension(name: str, entry: Entry) -> dict[str, Any]:
    kind = {"time": "temporal", "lat": "spatial", "lon": "spatial"}
    kind |= {"latitude": "spatial", "longitude": "spatial", "x": "spatial", "y": "spatial"}
    found: dict[str, Any] = {"type": kind.get(name, "other")}
    if found["type"] == "temporal":
        found["extent"] = _interval(entry)
    if found["type"] == "spatial":
        wide = name in ("lon", "longitude", "x")
        found |= {
            "axis": "x" if wide else "y",
            "extent": [-180.0, 180.0] if wide else [-90.0, 90.0],
        }
    return found


def _variable(variable: Variable) -> dict[str, Any]:
    facts = {
        "dimensions": list(variable.dims),
        "type": "data",
        "unit": variable.units,
        "description": variable.long_name,
    }
    return {key: value for key, value in facts.items() if value != UNKNOWN}
