"""Labels of a cube with the name of a result: kept apart or refused, never lost in silence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import CubeError
from climcube.testing.laziness import no_compute
from tests.analysis.events.test_heatwaves import assert_same, weather
from tests.mistakes import assert_one_line

SEVERAL = {"percentile": [90, 95]}
SHIFTING = {"baseline": "shifting", "baseline_years": 3}


@pytest.fixture(scope="module")
def cube():
    return weather((2, 2), years=5, seed=3)


@pytest.fixture(scope="module")
def plain(cube):
    return cc.heatwaves(cube)


def results_of(mhw):
    names = {part: set(getattr(mhw, part).variables) for part in ("climatology", "daily", "annual")}
    return names | {"events": set(mhw.events().columns)}


def test_the_names_are_all_that_results_have(plain, cube):
    """No result and no column is forgotten: each is refused as a dimension."""
    kept = {"lat", "lon", "time"}
    for names in results_of(plain).values():
        for name in names - kept:
            with no_compute(), pytest.raises(CubeError):
                cc.heatwaves(cube.chunk().rename(lat=name))


@pytest.mark.parametrize(
    "name", ["event", "count", "duration", "rank", "date_start", "seas", "_cell"]
)
def test_a_dimension_with_the_name_of_a_result_is_refused(cube, name):
    with pytest.raises(CubeError) as caught:
        cc.heatwaves(cube.rename(lon=name))
    assert_one_line(caught.value, f"no dimension '{name}'", f"cube.rename({name}='my_{name}')")
    with pytest.raises(CubeError):
        cc.heatwave_state(cube.rename(lon=name))
    with pytest.raises(CubeError):
        cc.heatwaves(cube.rename(lat=name).stack(cell=(name, "lon")))


@pytest.mark.parametrize(
    ("name", "options"), [("definition", SEVERAL), ("percentile", SEVERAL), ("year", SHIFTING)]
)
def test_a_name_is_taken_only_where_a_result_needs_it(cube, plain, name, options):
    with pytest.raises(CubeError):
        cc.heatwaves(cube.rename(lon=name), **options)
    found = cc.heatwaves(cube.rename(lon=name))
    np.testing.assert_array_equal(found.annual.days, plain.annual.days)
    assert list(found.events().columns[:2]) == ["lat", name]


@pytest.mark.parametrize("dims", [(), ("lat",), ("time",), ("lat", "lon")])
@pytest.mark.parametrize("name", ["event", "count", "category", "seas", "dayofyear", "duration"])
def test_a_coordinate_with_the_name_of_a_result_gives_way_to_it(cube, plain, name, dims):
    labels = np.arange(np.prod([cube.sizes[d] for d in dims], dtype=int))
    labelled = cube.assign_coords({name: (dims, labels.reshape([cube.sizes[d] for d in dims]))})
    found = cc.heatwaves(labelled)
    assert results_of(found) == results_of(plain)
    assert_same(_undated(found), _undated(plain))
    state = cc.heatwave_state(labelled)
    xr.testing.assert_equal(state.annual["days"].drop_attrs(), plain.annual["days"].drop_attrs())


def _undated(mhw):
    """Leave the history out: it names the input, which differs."""
    for part in ("climatology", "daily", "annual"):
        for array in (getattr(mhw, part), *getattr(mhw, part).values()):
            array.attrs.pop("history", None)
            array.attrs.pop("climcube_provenance", None)
    return mhw


@pytest.mark.parametrize(
    ("name", "options"), [("definition", SEVERAL), ("percentile", SEVERAL), ("year", SHIFTING)]
)
def test_scalar_labels_do_not_clash_with_what_is_stacked(cube, name, options):
    """A member that was selected from a stack keeps the label it was selected by."""
    expected = cc.heatwaves(cube, **options)
    found = cc.heatwaves(cube.assign_coords({name: 3}), **options)
    xr.testing.assert_equal(found.annual, expected.annual)
    xr.testing.assert_equal(found.climatology, expected.climatology)


def test_packing_survives(cube):
    packed = cube.copy(data=np.round(cube.values, 2))
    packed.encoding = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 0.0}
    labelled = packed.assign_coords(duration=5)
    labelled.encoding = packed.encoding
    pd.testing.assert_frame_equal(cc.heatwaves(labelled).events(), cc.heatwaves(packed).events())
    assert cc.heatwaves(labelled).cube.encoding == packed.encoding
