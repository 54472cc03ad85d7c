"""What can be tracked, and what is refused in one line."""

from __future__ import annotations

import dask
import numpy as np
import pandas as pd
import pint_xarray  # noqa: F401 - registers .pint
import pytest
import xarray as xr

import climcube as cc
from climcube.analysis.tracking.track import track
from climcube.errors import (
    AxisError,
    CalendarError,
    ClimcubeError,
    CubeError,
    ParameterError,
    UnitsError,
)
from climcube.testing.laziness import no_compute
from tests.analysis.tracking.test_tables import deep, globe


def require_alike(a: pd.DataFrame, b: pd.DataFrame) -> None:
    """Equal tables, but for the last digits of centroids and of sums of intensities."""
    pd.testing.assert_frame_equal(a, b, rtol=1e-10, atol=1e-6)


@pytest.fixture(scope="module")
def sst() -> xr.DataArray:
    return cc.testing.synthetic_ocean(years=4, shape=(10, 12)).sst


def test_heatwaves(sst: xr.DataArray) -> None:
    mhw = cc.heatwaves(sst)
    tracks = track(mhw)
    labels, daily = tracks.labels, mhw.daily
    assert ((labels > 0) == (daily.event > 0)).all()
    by_hand = track(daily.event > 0, intensity=daily.anomaly)
    require_alike(tracks.events(), by_hand.events())
    assert labels.attrs["long_name"].startswith("number of the tracked event")
    assert "track" in labels.attrs["history"]
    assert "heatwaves" in labels.attrs["history"]
    largest = tracks.events().intensity_max.max()
    assert largest == pytest.approx(float(daily.anomaly.where(labels > 0).max()))


def test_lazy_heatwaves_and_their_chunks(sst: xr.DataArray) -> None:
    eager = track(cc.heatwaves(sst), min_area=3e5, min_overlap=0.2, min_duration=3)
    with no_compute():
        tracks = track(
            cc.heatwaves(sst.chunk(lat=4, lon=5)), min_area=3e5, min_overlap=0.2, min_duration=3
        )
        labels = tracks.labels
    assert labels.chunksizes["lat"] == (4, 4, 2)
    np.testing.assert_array_equal(labels, eager.labels)
    require_alike(tracks.events(), eager.events())
    require_alike(tracks.objects(), eager.objects())
    assert tracks.ledger().equals(eager.ledger())
    assert tracks.objects().area.min() >= 3e5


def test_categories(sst: xr.DataArray) -> None:
    mhw = cc.heatwaves(sst, percentile=75)
    for category in (2, 3):
        tracks = track(mhw, min_category=category)
        assert ((tracks.labels > 0) == (mhw.daily.category >= category)).all()


def test_cold_spells_are_the_mirror(sst: xr.DataArray) -> None:
    warm = track(cc.heatwaves(-sst)).events()
    cold = track(cc.heatwaves(sst, cold=True)).events()
    assert len(warm) == len(cold)
    for name in ("intensity_max", "intensity_mean", "intensity_cumulative"):
        np.testing.assert_allclose(cold[name], -warm[name], rtol=1e-5)
    assert (warm.date_intensity_max == cold.date_intensity_max).all()


@pytest.mark.filterwarnings("error::pint.UnitStrippedWarning")
def test_quantities(sst: xr.DataArray) -> None:
    plain, kelvin = (
        track(cc.heatwaves(sst)),
        track(cc.heatwaves(sst.pint.quantify().pint.to("kelvin"))),
    )
    np.testing.assert_array_equal(plain.labels, kelvin.labels)
    assert kelvin.labels.pint.units is None or kelvin.labels.dtype == np.int32
    np.testing.assert_allclose(
        plain.events().intensity_max, kelvin.events().intensity_max, rtol=1e-4
    )


def test_no_value_anywhere(sst: xr.DataArray) -> None:
    tracks = track(cc.heatwaves(sst * np.nan))
    assert tracks.labels.max() == 0
    assert len(tracks.events()) == 0
    assert len(tracks.objects()) == 0


def test_a_mask_in_memory_with_a_lazy_intensity() -> None:
    cube = globe()
    cube[:, 9, 3:20] = True
    strength = (cube * 2.0).chunk(lat=6, lon=7)
    with no_compute():
        tracks = track(cube, intensity=strength)
        assert tracks.labels.chunksizes["lon"] == (7, 7, 7, 7, 7, 1)
    require_alike(tracks.events(), track(cube, intensity=cube * 2.0).events())
    require_alike(track(cube.chunk(time=1), intensity=strength).events(), tracks.events())


def test_empty_chunks_are_no_days() -> None:
    cube = globe(days=4)
    cube[:, 9, 3:20] = True
    lazy = cube.chunk(time=2)
    lazy.data = lazy.data.rechunk(((2, 0, 2), *lazy.data.chunks[1:]))
    assert track(lazy).events().duration.tolist() == [4]


def test_the_graph_is_small(sst: xr.DataArray) -> None:
    lazy = cc.heatwaves(sst.chunk(lat=5, lon=6)).daily.event > 0
    tracks = track(lazy)
    blocks = 4
    extra = len(dict(tracks.labels.data.__dask_graph__())) - len(dict(lazy.data.__dask_graph__()))
    assert extra < 20 * blocks


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"min_area": -1}, ParameterError, "min_area"),
        ({"min_area": "large"}, ParameterError, "km2"),
        ({"min_area": np.nan}, ParameterError, "min_area"),
        ({"min_volume": 3.0}, ParameterError, "min_area="),
        ({"min_overlap": 1.5}, ParameterError, "between 0 and 1"),
        ({"min_overlap": None}, ParameterError, "between 0 and 1"),
        ({"min_duration": 0}, ParameterError, "at least 1"),
        ({"min_duration": 2.5}, ParameterError, "whole number"),
        ({"min_category": 5}, ParameterError, "Extreme"),
        ({"min_category": 2}, ParameterError, "no categories"),
        ({"intensity": 3.0}, ParameterError, "DataArray"),
        ({"intensity": globe()[:2] * 1.0}, CubeError, "different grids"),
        ({"intensity": globe(west=5) * 1.0}, CubeError, "coordinate 'lon'"),
        ({"areas": globe()[0].astype(float).assign_attrs(units="degC")}, UnitsError, "km2"),
        ({"areas": np.ones(3)}, ParameterError, "DataArray"),
        ({"wrap": "yes"}, ParameterError, "wrap"),
    ],
)
def test_options_that_mean_nothing(options: dict[str, object], error: type, words: str) -> None:
    with pytest.raises(error) as caught:
        track(globe(), **options)  # type: ignore[arg-type]
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def shuffled() -> xr.DataArray:
    order = np.random.default_rng(0).permutation(18)
    return globe().isel(lat=order)


def repeated() -> xr.DataArray:
    cube = globe()
    last = cube.isel(lon=[0]).assign_coords(lon=[cube.lon.values[0] + 360])
    return xr.concat([cube, last], "lon")


def under_pressure() -> xr.DataArray:
    cube = deep()
    return cube.assign_coords(depth=cube.depth.assign_attrs(units="dbar"))


def unstructured() -> xr.DataArray:
    return globe().stack(cell=("lat", "lon")).reset_index("cell")


@pytest.mark.parametrize(
    ("cube", "error", "words"),
    [
        (lambda: 3, ParameterError, "the result of cc.heatwaves"),
        (lambda: globe() * 1.0, CubeError, "cube > 0"),
        (lambda: globe().drop_vars("lat"), AxisError, "latitude"),
        (lambda: globe().drop_vars("time"), AxisError, "time"),
        (lambda: globe()[:0], AxisError, "empty"),
        (lambda: globe()[:, :0], CubeError, "no lat"),
        (shuffled, AxisError, "sortby"),
        (repeated, AxisError, "repeat the first"),
        (unstructured, AxisError, "which cells touch"),
        (lambda: globe().expand_dims(member=2), CubeError, "'member'"),
        (lambda: globe(days=9)[::3], CalendarError, "daily"),
        (lambda: xr.concat([globe()] * 2, "time").sortby("time"), AxisError, "duplicate"),
        (lambda: deep().drop_vars("depth"), AxisError, "metres"),
        (lambda: deep().assign_coords(depth=[5.0, 20, 40]), UnitsError, "no units"),
        (under_pressure, UnitsError, "dbar"),
        (lambda: deep()[:, [1, 0, 2]], AxisError, "levels are not in order"),
    ],
)  # fmt: skip
def test_cubes_that_cannot_be_tracked(cube: object, error: type, words: str) -> None:
    with pytest.raises(error) as caught:
        track(cube())  # type: ignore[operator]
    assert isinstance(caught.value, ClimcubeError)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_definition_at_a_time(sst: xr.DataArray) -> None:
    both = cc.heatwaves(sst, percentile=[90, 95])
    with pytest.raises(ParameterError, match="percentile=90"):
        track(both)
    assert len(track(both["percentile=95"]).events()) > 0
    with pytest.raises(ParameterError, match="intensity of their own"):
        track(cc.heatwaves(sst), intensity=sst)
    with pytest.raises(ParameterError, match="min_volume"):
        track(deep(), min_area=5.0)


def test_what_it_says_of_itself(sst: xr.DataArray) -> None:
    text = repr(track(cc.heatwaves(sst), min_area=1e5, wrap=False))
    assert "min_area=100000.0" in text
    assert ".ledger()" in text


def test_threads_and_one_task_agree(sst: xr.DataArray) -> None:
    mask = (cc.heatwaves(sst).daily.event > 0).chunk(time=300, lat=4, lon=6)
    answers = []
    for scheduler in ("synchronous", "threads"):
        with dask.config.set(scheduler=scheduler):
            answers.append(track(mask).events())
    assert answers[0].equals(answers[1])
