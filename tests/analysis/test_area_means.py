"""Area means: constants stay constants, regions cross the dateline, missing cells weigh nothing."""

from __future__ import annotations

from collections.abc import Callable

import dask
import numpy as np
import pint_xarray  # noqa: F401 - registers .pint
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from climcube.analysis.area_means import area_mean, area_sum, zonal_mean
from climcube.errors import AxisError, ParameterError, UnitsError
from climcube.testing.laziness import no_compute


def cube_of(step: float = 10.0, west: float = 0.0, order: int = 1, times: int = 4) -> xr.DataArray:
    lat = np.arange(-90 + step / 2, 90, step)[::order]
    lon = np.arange(west + step / 2, west + 360, step)
    values = np.random.default_rng(2).normal(15, 8, (times, len(lat), len(lon))).astype("float32")
    time = xr.date_range("2001-01-01", periods=times, freq="MS")
    attrs = {"units": "degC", "standard_name": "sea_surface_temperature"}
    coords = [("time", time), ("lat", lat), ("lon", lon)]
    return xr.DataArray(values, coords, name="sst", attrs=attrs)


def curvilinear(cube: xr.DataArray) -> xr.DataArray:
    """The same cells with 2-D coordinates."""
    lat, lon = xr.broadcast(cube.lat, cube.lon)
    bare = cube.drop_vars(["lat", "lon"]).rename(lat="y", lon="x")
    return bare.assign_coords(
        nav_lat=(("y", "x"), lat.values, {"standard_name": "latitude"}),
        nav_lon=(("y", "x"), lon.values, {"standard_name": "longitude"}),
    )


def bands(cube: xr.DataArray, step: float = 10.0) -> xr.DataArray:
    half = np.deg2rad(step / 2)
    return 2 * np.cos(np.deg2rad(cube.lat)) * np.sin(half)


@settings(deadline=None, max_examples=50)
@given(
    st.floats(-80, 80), st.floats(-360, 360), st.integers(1, 12), st.integers(1, 12),
    st.floats(0.05, 4), st.floats(-1e3, 1e3), st.booleans(),
)  # fmt: skip
def test_the_mean_of_a_constant_is_the_constant(
    lat: float, lon: float, rows: int, columns: int, step: float, value: float, holes: bool
) -> None:
    lats = lat + np.arange(rows) * step * (1 if lat < 0 else -1)
    cube = xr.DataArray(
        np.full((rows, columns), value), [("lat", lats), ("lon", lon + np.arange(columns) * step)]
    )
    if holes and cube.size > 1:
        cube[0, 0] = np.nan
    np.testing.assert_allclose(area_mean(cube), value, rtol=1e-13)


@pytest.mark.parametrize("order", [1, -1])
def test_bands_weigh_by_the_sine(order: int) -> None:
    cube = cube_of(order=order)
    expected = cube.astype("float64").weighted(bands(cube)).mean(("lat", "lon"))
    np.testing.assert_allclose(area_mean(cube), expected, rtol=1e-13)
    sine = xr.zeros_like(cube) + np.sin(np.deg2rad(cube.lat)) ** 2
    np.testing.assert_allclose(area_mean(sine), 1 / 3, rtol=5e-3)  # the integral over the sphere


def test_missing_cells_weigh_nothing() -> None:
    cube = cube_of()
    holes = cube.where(cube > 12)
    holes[0, 0, 0], holes[-1] = np.inf, np.nan
    finite = holes.astype("float64").where(np.isfinite(holes))
    expected = finite.weighted(bands(cube)).mean(("lat", "lon"))
    np.testing.assert_allclose(area_mean(holes), expected, rtol=1e-13)
    assert np.isnan(area_mean(holes)[-1])
    weights = bands(cube).where(cube.lat > -20)  # a missing weight is none
    expected = cube.astype("float64").weighted(weights.fillna(0)).mean(("lat", "lon"))
    np.testing.assert_allclose(area_mean(cube, weights=weights), expected, rtol=1e-13)


@pytest.mark.parametrize("west", [0.0, -180.0, 95.0])
@pytest.mark.parametrize(
    "box", [(160, -150, -30, 30), (-200, -150, -30, 30), (20, 90, 0, 90), (-180, 180, 0, 90)]
)
def test_regions_in_any_convention(west: float, box: tuple[float, ...]) -> None:
    cube = cube_of(west=west)
    width = (box[1] - box[0]) % 360 or 360
    inside = ((cube.lon - box[0]) % 360 <= width) & (cube.lat > box[2]) & (cube.lat < box[3])
    expected = cube.astype("float64").where(inside).weighted(bands(cube)).mean(("lat", "lon"))
    np.testing.assert_allclose(area_mean(cube, region=box), expected, rtol=1e-13)
    curved = curvilinear(cube)
    areas = xr.broadcast(bands(cube), cube[0])[0].drop_vars(["lat", "lon"]).rename(lat="y", lon="x")
    for each in (curved, curved.chunk(y=5)):
        np.testing.assert_allclose(area_mean(each, region=box, weights=areas), expected, rtol=1e-13)
    np.testing.assert_allclose(area_mean(cube, region=inside), expected, rtol=1e-13)


def test_named_regions() -> None:
    cube = cube_of(step=5)
    assert area_mean(cube, region="NINO34").region == "nino34"
    same = area_mean(cube, region={"lon": (190, 240), "lat": (-5, 5)})
    np.testing.assert_array_equal(area_mean(cube, region="nino34"), same)
    np.testing.assert_allclose(area_mean(cube, region="global"), area_mean(cube), rtol=1e-13)


@settings(deadline=None, max_examples=25)
@given(
    st.permutations(["time", "lat", "lon", "z"]),
    st.fixed_dictionaries({d: st.integers(1, 40) for d in ("time", "lat", "lon")}),
    st.sampled_from([None, "nino4", "north_atlantic"]),
    st.sampled_from([None, "lat", "all", "depth"]),
)
def test_chunks_and_order_never_matter(
    order: list[str], chunks: dict[str, int], region: str | None, by: str | None
) -> None:
    cube = cube_of().expand_dims(z=2)
    weights = {
        None: None, "lat": bands(cube), "all": bands(cube) * (1 + cube.lon / 360),
        "depth": bands(cube) * xr.DataArray([1.0, 3.0], dims="z") * (1 + cube.lon / 360),
    }[by]  # fmt: skip
    expected = area_mean(cube, region=region, weights=weights)
    lazy = cube.transpose(*order).chunk(chunks)
    with no_compute():
        result = area_mean(lazy, region=region, weights=weights)
    assert list(result.dims) == [d for d in order if d in ("time", "z")]
    np.testing.assert_allclose(result.transpose(*expected.dims), expected, rtol=1e-12)


def test_weights_are_not_computed_early() -> None:
    cube = cube_of()
    weights = xr.broadcast(bands(cube), cube[0])[0].chunk(lat=7)
    with no_compute():
        result = area_mean(cube, weights=weights)
    np.testing.assert_allclose(result, area_mean(cube), rtol=1e-13)


def test_a_region_reads_only_its_chunks_and_few_tasks() -> None:
    cube = cube_of(times=40).chunk(time=10, lat=9, lon=12)
    boxed = area_mean(cube, region=(125, 235, 5, 85))
    graph = dask.optimize(boxed)[0].__dask_graph__()
    sources = [k for k in graph if "xarray-<this-array>" in str(k)]
    assert len(sources) <= 4  # one tile of six, in four stretches of time
    whole = dask.optimize(area_mean(cube))[0].__dask_graph__()
    assert len(whole) <= 3 * cube.data.npartitions + 20


def test_a_region_without_cells_is_an_error() -> None:
    cube = cube_of()
    tiny = (11, 12, 11, 12)
    with pytest.raises(ParameterError, match=r"no cell of the cube \(region 'box'") as caught:
        area_mean(cube, region=tiny)
    assert "\n" not in str(caught.value)
    areas = xr.DataArray(np.ones((18, 36)), dims=("y", "x"))
    with pytest.raises(ParameterError, match="no cell of the cube"):
        area_mean(curvilinear(cube), region=tiny, weights=areas)
    lazy = curvilinear(cube).chunk(y=5)
    lazy = lazy.assign_coords({n: lazy[n].chunk(y=5) for n in ("nav_lat", "nav_lon")})
    with no_compute():
        result = area_mean(lazy, region=tiny, weights=areas)
    with pytest.raises(ParameterError, match="no cell of the cube"):
        result.compute()
    np.testing.assert_allclose(
        area_mean(lazy, region=(0, 90, 0, 90), weights=areas),
        cube.astype("float64").sel(lat=slice(0, 90), lon=slice(0, 90)).mean(("lat", "lon")),
        rtol=1e-13,
    )


def test_maps_lines_and_unstructured_cells() -> None:
    cube = cube_of()
    assert area_mean(cube.isel(time=0)).dims == ()
    line = cube.isel(lon=3)
    np.testing.assert_allclose(
        area_mean(line), line.astype("float64").weighted(bands(cube)).mean("lat"), rtol=1e-13
    )
    stacked = cube.stack(cell=("lat", "lon")).reset_index("cell")
    weights = xr.DataArray(np.repeat(bands(cube).values, 36), dims="cell")
    for each in (stacked, stacked.drop_vars(["lat", "lon"])):
        np.testing.assert_allclose(area_mean(each, weights=weights), area_mean(cube), rtol=1e-12)
    with pytest.raises(AxisError, match="pass weights="):
        area_mean(stacked)


def test_units_and_provenance() -> None:
    result = area_mean(cube_of(), region="nino34")
    assert result.attrs["units"] == "degC"
    assert "zonal bands" in result.attrs["cell_methods"]
    assert '"region": "nino34"' in result.attrs["climcube_provenance"]
    assert result.name == "sst"
    assert str(area_mean(cube_of().pint.quantify()).pint.units) == "degree_Celsius"
    kelvin = area_mean(cube_of().assign_attrs(units_metadata="temperature: difference"))
    assert kelvin.attrs["units_metadata"] == "temperature: difference"


def test_zonal_means() -> None:
    cube = cube_of()
    np.testing.assert_allclose(zonal_mean(cube), cube.astype("float64").mean("lon"), rtol=1e-13)
    uneven = cube.isel(lon=[0, 1, 2, 4, 7])
    assert zonal_mean(uneven.chunk(lat=3)).dims == ("time", "lat")
    width = np.array([10, 10, 15, 25, 30.0])
    expected = (uneven.astype("float64") * width).sum("lon") / width.sum()
    np.testing.assert_allclose(zonal_mean(uneven), expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ("nino", "unknown region"),
        ((1, 2), "region not understood"),
        (xr.DataArray([1.0], dims="q"), "boolean"),
    ],
)
def test_regions_that_make_no_sense(region: object, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        area_mean(cube_of(), region=region)


# ---------------------------------------------------------------- sums


def test_sums_are_integrals() -> None:
    cube = cube_of(step=5)
    sphere = 4 * np.pi * 6_371_000.0**2
    np.testing.assert_allclose(area_sum(xr.ones_like(cube)), sphere, rtol=1e-12)
    np.testing.assert_allclose(area_sum(cube), area_mean(cube) * sphere, rtol=1e-12)
    squared = xr.zeros_like(cube, "float64") + np.sin(np.deg2rad(cube.lat)) ** 2
    np.testing.assert_allclose(area_sum(squared, unit="km2"), sphere / 3e6, rtol=2e-3)


def test_truth_values_have_an_area() -> None:
    cube = cube_of()
    warm = area_sum(cube > 15, unit="km2")
    share = area_mean((cube > 15).astype("float32"))
    np.testing.assert_allclose(warm, share * 4 * np.pi * 6371.0**2, rtol=1e-12)
    assert warm.attrs["units"] == "km2"
    south = area_sum(cube > -999, region="southern_hemisphere", unit="km2")
    np.testing.assert_allclose(south, 2 * np.pi * 6371.0**2, rtol=1e-12)


def test_missing_cells_add_nothing() -> None:
    cube = cube_of()
    holes = cube.where(cube.lat > 0)
    holes[-1] = np.nan
    expected = area_sum(cube.where(cube.lat > 0, 0.0))
    np.testing.assert_allclose(area_sum(holes)[:-1], expected[:-1], rtol=1e-12)
    assert np.isnan(area_sum(holes)[-1])
    np.testing.assert_allclose(area_sum(holes.chunk(lat=5, time=2)), area_sum(holes), rtol=1e-12)


@pytest.mark.parametrize(
    ("units", "expected"),
    [("kg m-2 s-1", "kg s-1"), ("1", "m2"), ("degC", "degC m2"), (None, None), ("W m-2", "W")],
)
def test_units_of_a_sum(units: str | None, expected: str | None) -> None:
    cube = cube_of().assign_attrs(units=units) if units else cube_of().drop_attrs()
    found = area_sum(cube)
    assert found.attrs.get("units") == expected
    assert "units_metadata" not in found.attrs
    assert "standard_name" not in found.attrs
    assert "area: sum" in found.attrs["cell_methods"]


def test_areas_of_ones_own_need_units() -> None:
    cube = cube_of()
    own = xr.full_like(cube[0], 2.0, "float64").drop_vars("time").drop_attrs()
    with pytest.raises(UnitsError, match="unit of area"):
        area_sum(cube, weights=own)
    for unit, factor in (("m2", 1.0), ("km2", 1e6), ("km^2", 1e6)):
        found = area_sum(xr.ones_like(cube), weights=own.assign_attrs(units=unit))
        np.testing.assert_allclose(found, 2.0 * cube[0].size * factor)
    with pytest.raises(ParameterError, match="unknown unit"):
        area_sum(cube, unit="acres")


# ---------------------------------------------------------------- bands of latitude


def test_bands_of_rows() -> None:
    cube = cube_of(step=5)
    found = zonal_mean(cube, band=15)
    assert found.dims == ("time", "lat")
    assert found.lat.values.tolist() == np.arange(-82.5, 90, 15).tolist()
    grouped = cube.astype("float64").groupby_bins("lat", np.arange(-90, 91, 15))
    for middle, (_, part) in zip(found.lat.values, grouped, strict=True):
        expected = part.weighted(np.cos(np.deg2rad(part.lat))).mean(("lat", "lon"))
        np.testing.assert_allclose(found.sel(lat=middle), expected, rtol=1e-12)
    np.testing.assert_allclose(zonal_mean(cube, band=5), zonal_mean(cube), rtol=1e-12)
    np.testing.assert_allclose(zonal_mean(cube[:, ::-1], band=15), found, rtol=1e-12)


def test_bands_of_curved_grids() -> None:
    cube = cube_of(step=5)
    curved = curvilinear(cube)
    areas = (
        (bands(cube, 5) * xr.ones_like(cube.lon)).drop_vars(["lat", "lon"]).rename(lat="y", lon="x")
    )
    expected = zonal_mean(cube, band=15)
    hidden = curved.assign_coords({n: curved[n].chunk(y=7) for n in ("nav_lat", "nav_lon")})
    for each in (curved, curved.transpose("x", "time", "y"), curved.chunk(time=2, y=7), hidden):
        with no_compute():
            found = zonal_mean(each, band=15, weights=areas)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert zonal_mean(curved, weights=areas).sizes["lat"] == 176  # a degree each, -88 to 88


def test_bands_without_cells_and_regions() -> None:
    cube = cube_of().sel(lat=[-45, -35, 35], lon=slice(0, 180))
    found = zonal_mean(cube, band=10)
    assert found.lat.values.tolist() == [-45, -35, -25, -15, -5, 5, 15, 25, 35]
    assert np.isnan(found.sel(lat=slice(-30, 30))).all()
    basin = (20, 90, -60, 60)
    inside = cube.sel(lon=slice(20, 90)).astype("float64").mean("lon")
    np.testing.assert_allclose(zonal_mean(cube, region=basin), inside, rtol=1e-12)
    kept = zonal_mean(cube, region=basin, band=10).dropna("lat")
    np.testing.assert_allclose(kept, inside, rtol=1e-12)


@pytest.mark.parametrize("band", [0, -1, 91, True, "wide", np.nan])
def test_bands_that_make_no_sense(band: object) -> None:
    with pytest.raises(ParameterError, match="band out of range"):
        zonal_mean(cube_of(), band=band)  # type: ignore[arg-type]


# ---------------------------------------------------------------- axes that are wrong


@pytest.mark.parametrize("function", [area_mean, area_sum, zonal_mean])
def test_latitudes_that_are_missing(function: Callable[..., xr.DataArray]) -> None:
    cube = cube_of()
    for bad in (np.full(18, np.nan), np.where(np.arange(18) == 3, np.nan, cube.lat)):
        broken = cube.assign_coords(lat=("lat", bad, cube.lat.attrs))
        with pytest.raises(AxisError, match="latitude has missing values") as caught:
            function(broken)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("function", [area_mean, area_sum, zonal_mean])
def test_curved_grids_without_corners(function: Callable[..., xr.DataArray]) -> None:
    with pytest.raises(AxisError, match="pass weights=") as caught:
        function(curvilinear(cube_of()))
    assert "\n" not in str(caught.value)
