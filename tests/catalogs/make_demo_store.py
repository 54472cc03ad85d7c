"""Make the shipped demonstration store anew: python tests/catalogs/make_demo_store.py."""

from __future__ import annotations

import shutil
from pathlib import Path

import xarray as xr
from zarr.codecs import ZstdCodec

import climcube as cc
from climcube.catalogs import facts_of, write_catalog

CATALOGS = Path(__file__).resolve().parents[2] / "catalogs"
STORE = CATALOGS / "demo-ocean.zarr"
OCEAN = {"years": 3, "start": 2000, "shape": (8, 12), "seed": 0}


def main() -> None:
    """Write ``catalogs/demo-ocean.zarr`` and the entry that describes it."""
    ocean = cc.testing.synthetic_ocean(**OCEAN)
    shutil.rmtree(STORE, ignore_errors=True)
    codecs = {"compressors": [ZstdCodec(level=19, checksum=True)]}
    chunks = {"chunks": (ocean.sizes["time"], 4, 6)}
    # Named here, encodings replace those of the variable: the packing is repeated.
    packing = dict(ocean["sst"].encoding)
    # A lost chunk then reads as missing, not as 0 degC.
    empty = {"fill_value": packing["_FillValue"]}
    encoding = {"sst": packing | empty | chunks | codecs}
    ocean.to_zarr(STORE, zarr_format=3, consolidated=False, encoding=encoding)
    stored = xr.open_zarr(STORE, consolidated=False)
    facts = facts_of(stored) | {
        "title": "Synthetic ocean: three years of daily sea surface temperature",
        "summary": "Made by climcube.testing.synthetic_ocean: seasonal cycle, red noise, land, a "
        "planted trend and planted heatwaves. Small, and always there: for trying things out.",
        "licence": "Apache-2.0",
        "citation": "The climcube developers, climcube",
        "cadence": "daily",
        "grid": "8 x 12 cells between 60S and 60N",
        "status": "verified",
        "verified": "opened by climcube's tests",
        "consolidated": False,
        "traps": ["Not measured: made up from a seed."],
    }
    address = {"name": "local", "url": str(STORE), "layout": "series", "chunks": facts["chunks"]}
    file = write_catalog(
        CATALOGS / "climcube.yaml",
        {"demo": facts | {"addresses": [address]}},
        overwrite=True,
        title="Demonstration",
        provider="climcube",
    )
    head = "# Written by tests/catalogs/make_demo_store.py; the store lies beside this file.\n"
    file.write_text(head + file.read_text())


if __name__ == "__main__":
    main()
