"""Figures of a store read what they draw, once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
import xarray as xr
from zarr.storage import MemoryStore, WrapperStore

import climcube as cc
from tests.plots.gallery import FIGURES, ocean

SERIES, DAYS = (-1, 6, 6), (100, 6, 12)  # chunks of whole series, of whole maps
REGION = (180, 360, -90, 90)  # half of the chunks of series
# The worst day is known when all were read, the strongest event's cell likewise.
TWICE = (
    "category_calendar", "category_map", "event_line", "flame", "lolliplot",
)  # fmt: skip


class CountingStore(WrapperStore[MemoryStore]):
    """Counts the reads of each chunk; Zarr makes copies of a store, which all count here."""

    reads: ClassVar[Counter[str]] = Counter()

    async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
        if "/c/" in key:
            self.reads[key] += 1
        return await self._store.get(key, prototype, byte_range)


@pytest.fixture
def opened() -> Callable[[tuple[int, ...]], tuple[xr.DataArray, Counter[str], int]]:
    """Write the ocean in chunks; return it, the counts of its reads, how many chunks it has."""

    def write(chunks: tuple[int, ...]) -> tuple[xr.DataArray, Counter[str], int]:
        cube, memory = ocean().drop_encoding(), MemoryStore()
        sizes = tuple(n if k == -1 else k for n, k in zip(cube.shape, chunks, strict=True))
        cube.to_dataset(name="sst").to_zarr(
            memory, encoding={"sst": {"chunks": sizes}}, zarr_format=3, consolidated=False
        )
        store = CountingStore(memory)
        lazy = xr.open_zarr(store, consolidated=False, chunks={})["sst"]
        store.reads.clear()
        keys = asyncio.run(_listed(memory))
        return lazy, store.reads, len(keys)

    return write


async def _listed(store: MemoryStore) -> list[str]:
    return [key async for key in store.list() if key.startswith("sst/c/")]


@pytest.mark.parametrize("name", FIGURES)
def test_each_chunk_is_read_once(opened: Any, name: str) -> None:
    cube, reads, _ = opened(SERIES)
    FIGURES[name](cube)
    most = 2 if name in TWICE else 1
    assert reads and max(reads.values()) <= most, reads


def test_a_map_reads_its_day_alone(opened: Any) -> None:
    cube, reads, count = opened(DAYS)
    cc.plot.map(cube, "2001-07-01")
    assert reads.total() == 1 < count


@pytest.mark.parametrize("name", ["category_calendar", "event_line", "flame", "lolliplot"])
def test_one_cell_reads_its_chunk_alone(opened: Any, name: str) -> None:
    days = cc.heatwaves(ocean()).annual["days"].sum("time")
    place = days.isel(days.argmax(["lat", "lon"]))
    cube, reads, count = opened(SERIES)
    cell = {"lat": float(place.lat), "lon": float(place.lon)}
    getattr(cc.plot, name)(cc.heatwaves(cube), cell=cell)
    assert reads.total() == 1 < count


def test_a_region_reads_its_chunks_alone(opened: Any) -> None:
    figures: tuple[Callable[[xr.DataArray], Any], ...] = (
        lambda c: cc.plot.hovmoller(c, region=REGION),
        lambda c: cc.plot.category_share(cc.heatwaves(c), region=REGION),
        lambda c: cc.plot.share_calendar(cc.heatwaves(c), region=REGION),
    )
    for figure in figures:
        cube, reads, count = opened(SERIES)
        figure(cube)
        assert reads.total() == count / 2


def test_a_series_and_its_trend_are_one_pass(opened: Any) -> None:
    cube, reads, count = opened(DAYS)
    mean = cc.area_mean(cc.annual_mean(cube))
    cc.plot.time_series(mean, trend=cc.trend(mean))
    assert reads.total() == count


def test_an_index_and_its_episodes_are_one_pass(opened: Any) -> None:
    cube, reads, _ = opened(DAYS)
    index = cc.anomaly(cc.monthly_mean(cc.area_mean(cube)), "month")
    cc.plot.index_line(xr.Dataset({"oni": index, "episode": xr.where(index > 0, 1, -1)}))
    assert set(reads.values()) == {1}
