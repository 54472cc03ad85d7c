"""A valid catalog to start from, and ways to spoil it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import yaml

Document = dict[str, Any]


def valid() -> Document:
    """Return the document of a catalog that is accepted."""
    return copy.deepcopy(
        {
            "version": 2,
            "metadata": {"title": "Mine", "climcube_schema": 1},
            "user_parameters": {},
            "aliases": {"sst": "sst", "warm": "sst"},
            "entries": {
                "sst": {
                    "reader": "intake.readers.readers:XArrayDatasetReader",
                    "kwargs": {"args": ["{data(sst@1)}"], "chunks": {}},
                    "output_instance": "xarray:Dataset",
                    "metadata": {
                        "title": "Sea surface temperature",
                        "licence": "CC0-1.0",
                        "citation": "unknown",
                        "variables": {"sst": {"units": "degC"}},
                        "calendar": "standard",
                        "chunks": {"time": 10},
                        "addresses": ["sst@1"],
                        "status": "unverified",
                    },
                    "user_parameters": {},
                }
            },
            "data": {
                "sst@1": {
                    "datatype": "intake.readers.datatypes:Zarr",
                    "kwargs": {"url": "{CATALOG_DIR}/sst.zarr", "storage_options": {"anon": True}},
                    "metadata": {"format": "zarr"},
                    "user_parameters": {},
                }
            },
        }
    )


def text(document: Any) -> str:
    """Return a document as YAML."""
    return yaml.safe_dump(document, sort_keys=False)


def change(path: str, value: Any) -> Document:
    """Return the valid document with one value set; the path is separated by '|'."""
    document = valid()
    node: Any = document
    *parents, last = path.split("|")
    for key in parents:
        node = node[int(key)] if isinstance(node, list) else node[key]
    if isinstance(node, list):
        node[int(last)] = value
    else:
        node[last] = value
    return document


def without(path: str) -> Document:
    """Return the valid document without one key."""
    document = valid()
    node: Any = document
    *parents, last = path.split("|")
    for key in parents:
        node = node[key]
    del node[last]
    return document


URL = "data|sst@1|kwargs|url"
OPTIONS = "data|sst@1|kwargs|storage_options"
FACTS = "entries|sst|metadata"


def with_url(url: str) -> Document:
    """Return the valid document with another address."""
    return change(URL, url)


def with_options(**options: Any) -> Document:
    """Return the valid document with other storage options."""
    return change(OPTIONS, options)


Spoiled = tuple[str, str, str]
Maker = Callable[[], Document]
