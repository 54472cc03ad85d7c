"""The main job from end to end: files, cube, catalog, analyses, pictures, report."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from climcube.progress import dask_progress

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from rich.console import Console

__all__ = ["ENTRY", "Answers", "Journal", "analyse", "make_ocean_cube", "publish"]

ENTRY = "synthetic-ocean"
_FILES = "oisst-avhrr-v02r01.*.nc"


@dataclass
class Journal:
    """Says what was done and how long it took."""

    console: Console
    started: float = field(default_factory=time.perf_counter)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Time one step; its line is printed when it is done."""
        before = time.perf_counter()
        with dask_progress(text):
            yield
        self.console.print(f"{time.perf_counter() - before:6.1f} s  {text}", soft_wrap=True)

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.started


@dataclass(frozen=True)
class Answers:
    """What the analyses gave."""

    trend: xr.Dataset
    heatwaves: Any
    events: pd.DataFrame


def make_ocean_cube(ocean: xr.Dataset, folder: Path, journal: Journal) -> Path:
    """Write an ocean as daily files, ingest them, and describe the cube in a catalog.

    Returns the catalog; its entry is named `ENTRY`.
    """
    import climcube as cc

    files, store = folder / "files", folder / "ocean.zarr"
    for stale in files.glob(_FILES):  # another run's days must not become part of this cube
        stale.unlink()
    days = ocean.sizes["time"]
    with journal.step(f"{days:,} daily netCDF files written to {files}"):
        cc.testing.write_daily_files(ocean, files)
    with journal.step(f"ingested into {store}"):
        cc.ingest(str(files / _FILES), str(store), overwrite=True)
    catalog = folder / "catalog.yaml"
    with journal.step(f"catalog entry '{ENTRY}' written to {catalog}"):
        _describe(catalog, store)
    return catalog


def _describe(catalog: Path, store: Path) -> None:
    import climcube as cc
    from climcube.catalogs import facts_of, write_entry

    cube: Any = cc.open(str(store))
    facts = facts_of(cube) | {
        "summary": "Made by climcube demo: numbers drawn at random, not an observation.",
        "licence": "Apache-2.0",
        "citation": "The climcube developers: climcube.testing.synthetic_ocean",
        "status": "verified",
        "verified": "made and read back by climcube demo",
    }
    write_entry(catalog, ENTRY, address=str(store), overwrite=True, **facts)


def analyse(
    cube: xr.DataArray, folder: Path, base_period: tuple[str, str] | None, journal: Journal
) -> Answers:
    """Ask the three questions of a daily cube and save the answers."""
    import climcube as cc

    with journal.step("anomaly, and its trend"):
        anomaly = cc.anomaly(cube, "day", base_period=base_period)
        trend = cc.trend(anomaly).compute()
        cc.save(trend, str(folder / "trend.nc"), overwrite=True)
    with journal.step("heatwaves: climatology and every year"):
        found = cc.heatwaves(cube, base_period=base_period)
        cc.save(found, str(folder / "heatwaves.zarr"), overwrite=True)
    with journal.step("heatwaves: table of events"):
        events: Any = found.events()
        events.to_csv(folder / "events.csv", index=False)
        if find_spec("pyarrow") is not None:
            events.to_parquet(folder / "events.parquet", index=False)
    return Answers(trend, found, events)


def publish(
    cube: xr.DataArray, answers: Answers, folder: Path, title: str | None, journal: Journal
) -> Path:
    """Write the report and its pictures; return the report's path."""
    import climcube as cc

    page = folder / "report.html"
    with journal.step("report and pictures"):
        cc.report(
            cube,
            page,
            title=title,
            heatwaves=answers.heatwaves,
            trend=answers.trend,
            figures=folder,
            overwrite=True,
        )
    return page
