"""Tracked events beside a plain flood fill: any mask, any chunks, any order of dimensions."""

from __future__ import annotations

import weakref
from typing import Any
from unittest import mock

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from climcube.analysis.tracking.track import Tracks, track
from climcube.kernels import labelling
from climcube.testing.laziness import no_compute
from tests.oracles.flood import Flooded, flood

UNIT = {"units": "km2"}


def cube_of(
    mask: Any, *, ring: bool = False, start: str = "2001-12-28", calendar: str = "standard"
) -> xr.DataArray:
    """A mask (time, [depth,] lat, lon), a degree a cell, or around the globe."""
    mask = np.asarray(mask, bool)
    days, *levels, rows, columns = mask.shape
    step = 360 / columns if ring else 1.0
    use = None if calendar == "standard" else True
    coords: dict[str, Any] = {
        "time": xr.date_range(start, periods=days, calendar=calendar, use_cftime=use)
    }
    if levels:
        coords["depth"] = ("depth", 5.0 + 10 * np.arange(levels[0]), {"units": "m"})
    coords |= {"lat": np.arange(rows) * 1.0, "lon": (np.arange(columns) + 0.5) * step}
    return xr.DataArray(mask, coords, list(coords), name="hot")


def same_area(cube: xr.DataArray, area: float = 1.0) -> xr.DataArray:
    """An area of 1 km2 for every cell, so that shares are exact in both codes."""
    return xr.DataArray(
        np.full((cube.sizes["lat"], cube.sizes["lon"]), area), dims=("lat", "lon"), attrs=UNIT
    )


def expected(cube: xr.DataArray, size: float = 1.0, **options: Any) -> Flooded:
    values = cube.transpose("time", ..., "lat", "lon").values
    block = values.reshape(len(values), -1, *values.shape[-2:])
    return flood(block, np.full(block.shape[1:], size), **options)


def labels_of(tracks: Tracks) -> np.ndarray:
    labels = tracks.labels.transpose("time", ..., "lat", "lon").values
    return labels.reshape(len(labels), -1, *labels.shape[-2:])


def require_same(tracks: Tracks, answer: Flooded) -> None:
    """Labels, objects and ledger are those of the flood fill."""
    np.testing.assert_array_equal(labels_of(tracks), answer.labels)
    objects, events, ledger = tracks.objects(), tracks.events(), tracks.ledger()
    assert objects.object.tolist() == list(range(1, len(answer.objects) + 1))
    assert objects.event.tolist() == [t.event for t in answer.objects]
    assert objects.cells.tolist() == [len(t.cells) for t in answer.objects]
    size = objects["volume"] if "volume" in objects else objects["area"]
    np.testing.assert_allclose(size, [t.size for t in answer.objects], rtol=1e-9)
    days = [t.day for t in answer.objects]
    assert (objects.date.to_numpy() == tracks.grid.dates[days]).all()
    number = {id(t): i for i, t in enumerate(answer.objects, 1)}
    met = []
    for thing in answer.objects:
        own = (number[id(thing)],)
        before = tuple(sorted(number[id(t)] for t in thing.before))
        after = tuple(sorted(number[id(t)] for t in thing.after))
        if len(before) > 1:
            met.append((thing.day, thing.event, "merge", before, own))
        if len(after) > 1:
            met.append((thing.day + 1, thing.event, "split", own, after))
    place = {d: i for i, d in enumerate(tracks.grid.dates.tolist())}
    found = [
        (place[np.array([row.date], tracks.grid.dates.dtype).tolist()[0]], row.event, row.kind,
         row.objects_before, row.objects_after)
        for row in ledger.itertuples()
    ]  # fmt: skip
    assert sorted(found) == sorted(met)
    assert events.merges.sum() == sum(m[2] == "merge" for m in met)
    assert events.splits.sum() == sum(m[2] == "split" for m in met)
    assert events.objects.sum() == len(answer.objects)


@st.composite
def chunked(draw: st.DrawFn) -> tuple[xr.DataArray, bool]:
    """A random mask, dense or sparse, in random chunks and order; and whether it is a ring."""
    deep = draw(st.integers(0, 3))
    shape = [
        draw(st.integers(1, 6)),
        *([deep] if deep > 1 else []),
        draw(st.integers(1, 6)),
        draw(st.integers(1, 7)),
    ]
    ring = draw(st.booleans()) and shape[-1] >= 3
    share = draw(st.sampled_from([0.1, 0.3, 0.5, 0.9]))
    mask = np.random.default_rng(draw(st.integers(0, 2**32))).random(shape) < share
    if draw(st.booleans()):
        mask &= draw(arrays(bool, shape))
    cube = cube_of(mask, ring=ring)
    cube = cube.transpose(*draw(st.permutations(cube.dims)))
    return cube.chunk({d: draw(st.integers(-(-n // 4), n)) for d, n in cube.sizes.items()}), ring


@pytest.mark.parametrize("slab", [1, 40, labelling._SLAB_CELLS])
@settings(max_examples=12)
@given(
    chunked(), st.sampled_from([0.0, 1 / 3, 0.5, 0.75, 1.0]), st.sampled_from([0, 2, 3]),
    st.integers(1, 3),
)  # fmt: skip
def test_any_mask_in_any_chunks(
    slab: int, drawn: tuple[xr.DataArray, bool], overlap: float, smallest: int, duration: int
) -> None:
    cube, ring = drawn
    deep = "depth" in cube.dims
    size = 0.01 if deep else 1.0  # km3: levels of 10 m
    options: dict[str, Any] = {"min_overlap": overlap, "min_duration": duration}
    if smallest:  # a little less, as volumes are no round numbers
        options["min_volume" if deep else "min_area"] = smallest * size * (1 - 1e-9)
    answer = expected(
        cube.compute(), size, wrap=ring, smallest=smallest * size * (1 - 1e-9), overlap=overlap,
        duration=duration,
    )  # fmt: skip
    small = mock.patch.object(labelling, "_SLAB_CELLS", slab)  # a few days at a time
    with dask.config.set(scheduler="synchronous"), small:
        for given_cube in (cube, cube.compute()):
            with no_compute():
                tracks = track(given_cube, areas=same_area(cube), **options)
            require_same(tracks, answer)
        assert tracks.labels.dims == cube.dims
        fresh = track(cube, areas=same_area(cube), **options).labels
        assert fresh.chunks == cube.chunks
        assert fresh.dtype == np.int32
        np.testing.assert_array_equal(fresh, tracks.labels)  # both passes in one graph


def squares(days: int, *boxes: tuple[int, int, int, int, int]) -> np.ndarray:
    """8 x 8 cells; each box is (day, row, row after, column, column after)."""
    mask = np.zeros((days, 8, 8), bool)
    for day, a, b, c, d in boxes:
        mask[day, a:b, c:d] = True
    return mask


CHUNKS: list[dict[str, int]] = [
    {},
    {"time": 1, "lat": 8, "lon": 8},
    {"time": 4, "lat": 4, "lon": 4},
    {"time": 2, "lat": 3, "lon": 1},
]


@pytest.mark.parametrize("chunks", CHUNKS)
def test_merge_and_split_on_one_day(chunks: dict[str, int]) -> None:
    mask = squares(
        3, (0, 0, 2, 0, 8), (0, 6, 8, 0, 8),  # two belts,
        (1, 0, 8, 0, 2), (1, 0, 8, 6, 8),  # then two columns across them,
        (2, 0, 8, 0, 8),  # then everything
    )  # fmt: skip
    cube = cube_of(mask)
    tracks = track(cube.chunk(chunks) if chunks else cube, areas=same_area(cube))
    ledger = tracks.ledger()
    assert sorted(ledger.kind) == ["merge", "merge", "merge", "split", "split"]
    first = ledger[ledger.date == "2001-12-29"]
    assert first.groupby("kind").size().to_dict() == {"merge": 2, "split": 2}
    both = first[first.kind == "merge"].iloc[0]
    assert (both.objects_before, both.objects_after) == ((1, 2), (3,))
    np.testing.assert_allclose(both.areas_before, tracks.objects().area[:2])
    (event,) = tracks.events().itertuples()
    assert (event.merges, event.splits, event.objects, event.duration) == (3, 2, 5, 3)
    require_same(tracks, expected(cube))


@pytest.mark.parametrize("chunks", CHUNKS)
def test_a_diagonal_across_the_corner_of_blocks_touches(chunks: dict[str, int]) -> None:
    cube = cube_of(squares(1, (0, 2, 4, 2, 4), (0, 4, 6, 4, 6)))
    tracks = track(cube.chunk(chunks) if chunks else cube)
    assert tracks.events().objects.tolist() == [1]
    apart = cube_of(squares(1, (0, 2, 4, 2, 4), (0, 5, 6, 4, 6)))
    assert track(apart.chunk(chunks) if chunks else apart).events().objects.tolist() == [1, 1]


@pytest.mark.parametrize("columns", [3, 8, 9])
@pytest.mark.parametrize("chunk", [1, 2, 4, 100])
def test_the_dateline(columns: int, chunk: int) -> None:
    mask = np.zeros((2, 4, columns), bool)
    mask[0, 1, -1] = mask[0, 2, 0] = mask[1, 2, 0] = True  # a diagonal across the seam
    ring = cube_of(mask, ring=True).chunk(lon=chunk)
    answer = expected(ring.compute(), wrap=True)
    require_same(track(ring, areas=same_area(ring)), answer)
    assert track(ring).events().objects.tolist() == [2]
    assert track(ring, wrap=False).labels.max() == 2
    part = cube_of(mask).chunk(lon=chunk)  # a few degrees of longitude
    if columns > 3:
        assert track(part).labels.max() == 2
    assert track(part, wrap=True).labels.max() == 1


def test_days_that_are_missing_part_events() -> None:
    cube = cube_of(np.ones((6, 2, 2)))
    gap = cube.isel(time=[0, 1, 3, 4, 5])
    for each in (gap, gap.chunk(time=2), gap.chunk(time=1)):
        events = track(each).events()
        assert events.duration.tolist() == [2, 3]
        assert events.date_start.dt.day.tolist() == [28, 31]
        assert track(each, min_duration=3).events().duration.tolist() == [3]


@pytest.mark.parametrize(
    ("calendar", "days", "durations"),
    [
        ("noleap", ["27", "28", "01", "02"], [4]),
        ("360_day", ["29", "30", "01", "02"], [4]),
        ("standard", ["27", "28", "29", "01", "02"], [5]),
        ("standard", ["26", "27", "28", "01", "02"], [3, 2]),  # 29 February is missing
    ],
)
def test_calendars(calendar: str, days: list[str], durations: list[int]) -> None:
    cube = cube_of(np.ones((7, 2, 2)), start="2004-02-26", calendar=calendar)
    want = [f"2004-{'02' if int(d) > 9 else '03'}-{d}" for d in days]
    part = cube.isel(time=[str(t)[:10] in want for t in cube.time.values])
    events = track(part).events()
    assert events.duration.tolist() == durations
    assert str(events.date_end.iloc[-1])[:10] == "2004-03-02"
    assert (track(part).labels.time == part.time).all()


@pytest.mark.parametrize("value", [False, True])
@pytest.mark.parametrize("chunks", [{}, {"time": 1, "lat": 2}])
def test_nothing_and_everything(value: bool, chunks: dict[str, int]) -> None:
    cube = cube_of(np.full((3, 4, 5), value))
    tracks = track(cube.chunk(chunks) if chunks else cube, intensity=cube * 2.0)
    assert (tracks.labels == int(value)).all()
    assert len(tracks.events()) == value
    assert len(tracks.objects()) == 3 * value
    assert len(tracks.ledger()) == 0
    assert {"event", "area_max", "intensity_max", "merges"} <= set(tracks.events())
    assert {"date", "kind", "event", "objects_before", "areas_after"} <= set(tracks.ledger())
    if value:
        assert tracks.events().intensity_mean.tolist() == [2.0]


def test_latitudes_that_fall_and_longitudes_that_fall() -> None:
    cube = cube_of(np.random.default_rng(3).random((5, 6, 7)) < 0.3)
    plain = track(cube)
    for turned in (cube.isel(lat=slice(None, None, -1)), cube.isel(lon=slice(None, None, -1))):
        tracks = track(turned.chunk(lat=4))
        same = (tracks.labels.sortby(["lat", "lon"]) > 0) == cube
        assert same.all()
        columns = ["area_max", "lat_start", "lon_start", "footprint_area", "distance", "duration"]
        key = ["footprint_area", "lat_start", "lon_start"]
        a, b = (t.events().sort_values(key, ignore_index=True)[columns] for t in (plain, tracks))
        np.testing.assert_allclose(a, b, rtol=1e-9)


class Source:
    """A lazy mask that counts how many of its blocks are made, and how many live at once."""

    def __init__(self, chunks: tuple[tuple[int, ...], ...]) -> None:
        self.made = self.most = 0
        self.alive: set[int] = set()
        data = da.map_blocks(self.make, chunks=chunks, dtype=bool, meta=np.empty((0, 0, 0), bool))
        days, rows, columns = data.shape
        coords = {
            "time": xr.date_range("2001", periods=days),
            "lat": np.arange(rows),
            "lon": np.arange(columns),
        }
        self.cube = xr.DataArray(data, coords, list(coords), name="hot")

    def make(self, block_info: Any = None) -> np.ndarray:
        place = block_info[None]["array-location"]
        block = np.random.default_rng([a for a, _ in place]).random([b - a for a, b in place]) < 0.3
        self.made += 1
        number = self.made
        self.alive.add(number)
        weakref.finalize(block, self.alive.discard, number)
        self.most = max(self.most, len(self.alive))
        return block


def test_the_source_is_read_once_and_never_held() -> None:
    with dask.config.set(scheduler="synchronous"):
        source = Source(((5,) * 12, (6, 6, 6), (7, 7, 7)))
        tracks = track(source.cube)
        total = int((tracks.labels > 0).sum())
        assert (source.made, source.most) == (108, 1)
        source = Source(((5,) * 12, (6, 6, 6), (7, 7, 7)))
        tracks = track(source.cube)
        assert len(tracks.events())
        assert len(tracks.objects())
        assert len(tracks.ledger())
        assert (source.made, source.most) == (108, 1)
        assert int((tracks.labels > 0).sum()) == total
        assert (source.made, source.most) == (216, 1)


def test_on_a_cluster() -> None:
    distributed = pytest.importorskip("distributed")
    cube = cube_of(np.random.default_rng(5).random((9, 8, 9)) < 0.35, ring=True)
    plain = track(cube)
    with distributed.Client(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    ):
        tracks = track(cube.chunk(time=4, lat=3, lon=5))
        np.testing.assert_array_equal(tracks.labels, plain.labels)
        assert tracks.events().equals(plain.events()) or np.allclose(
            tracks.events().select_dtypes("number"),
            plain.events().select_dtypes("number"),
            rtol=1e-12,
        )
