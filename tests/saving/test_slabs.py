"""Slabs: whole objects of the copy, within the memory, and what they cost is counted right."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from climcube.saving.slabs import Grid, Slabs, choose_slabs


def grid_of(sizes: dict[str, int], units: dict[str, int], itemsize: int = 2) -> Grid:
    def repeats(dim: str, size: int) -> float:
        """Count chunks one by one."""
        length, unit = sizes[dim], units[dim]
        reads = [
            {i // unit for i in range(a, min(a + size, length))} for a in range(0, length, size)
        ]
        return sum(map(len, reads)) / len(set().union(*reads))

    return Grid(sizes, "time", itemsize, units, repeats)


lengths = st.integers(1, 60)
grids = st.builds(
    lambda n, u: grid_of(dict(zip(DIMS, n, strict=True)), dict(zip(DIMS, u, strict=True))),
    st.tuples(lengths, lengths, lengths), st.tuples(lengths, lengths, lengths),
)  # fmt: skip
DIMS = ("lat", "time", "lon")


@settings(deadline=None, max_examples=10)
@given(grids, st.sampled_from(["series", "maps"]), st.integers(0, 10**6))
def test_slabs_are_whole_objects_of_whole_chunks(grid: Grid, layout: str, more: int) -> None:
    _, least = choose_slabs(grid, layout, 0)
    assert choose_slabs(grid, layout, least.memory - 1)[0] is None
    found, _ = choose_slabs(grid, layout, least.memory + more)
    assert found is not None and found.memory <= least.memory + more
    for dim, length in grid.sizes.items():
        assert found.sizes[dim] % found.shards[dim] == 0
        assert found.shards[dim] % found.chunks[dim] == 0
        assert found.sizes[dim] < 2 * length + found.shards[dim]
    assert found.count == math.prod(-(-n // found.sizes[d]) for d, n in grid.sizes.items())
    exact = math.prod(grid.repeats(d, found.sizes[d]) for d in grid.sizes)
    assert found.repeats == pytest.approx(exact)
    assert found.memory > 2 * found.nbytes


def chosen(grid: Grid, layout: str, room: float) -> Slabs:
    found, _ = choose_slabs(grid, layout, int(room))
    assert found is not None
    return found


OISST = {"time": 14_610, "lat": 720, "lon": 1440}
MAPS = grid_of(OISST, {"time": 1, "lat": 720, "lon": 1440})
SERIES = grid_of(OISST, {"time": 366, "lat": 30, "lon": 30})


def test_a_year_of_maps_becomes_tiles_of_a_year() -> None:
    found = chosen(MAPS, "series", 2e9)
    assert found.sizes == {"time": 366, "lat": 720, "lon": 1440}
    assert found.shards == {"time": 366, "lat": 90, "lon": 90}
    assert found.chunks == {"time": 366, "lat": 30, "lon": 30}
    assert found.repeats == 1 and found.count == 40


def test_less_memory_means_less_time_in_wider_tiles_not_many_readings() -> None:
    found = chosen(MAPS, "series", 3e8)
    assert found.repeats == 1 and found.memory < 3e8
    assert found.shards["time"] < 366 and found.shards["lat"] > 90
    assert found.chunks["lat"] == found.chunks["lon"] == 30


def test_maps_are_written_whole() -> None:
    found = chosen(SERIES, "maps", 4e9)
    assert found.shards["lat"] == 720 and found.shards["lon"] == 1440
    assert found.chunks == {"time": 1, "lat": 720, "lon": 1440} and found.repeats == 1


@pytest.mark.parametrize("layout", ["series", "maps"])
@pytest.mark.parametrize(
    "sizes", [{"time": 7300, "lat": 17_999, "lon": 36_000}, {"time": 9000, "cell": 10**6}]
)
def test_large_and_flat_grids(layout: str, sizes: dict[str, int]) -> None:
    def repeats(dim: str, size: int) -> float:
        return 1.0 if dim != "time" else max(1.0, 5 / size)

    units: dict[str, Any] = dict.fromkeys(sizes, 1000) | {"time": 5}
    found = chosen(Grid(sizes, "time", 2, units, repeats), layout, 4e9)
    assert 2**16 < math.prod(found.shards.values()) < 2**26
