from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pint
import pytest
import xarray as xr

from climcube import provenance
from climcube.cubes.subject import examine, finish, finish_array
from climcube.errors import (
    AxisError,
    CalendarError,
    ChunkError,
    CubeError,
    ParameterError,
    UnitsError,
    VariableError,
)
from climcube.testing.laziness import no_compute


def cube(freq: str = "D", units: str | None = "degC", dtype: str = "float32") -> xr.DataArray:
    return xr.DataArray(
        da.ones((5, 2), dtype=dtype, chunks=(5, 1)),
        dims=("time", "x"),
        name="sst",
        coords={"time": xr.date_range("2000-01-01", periods=5, freq=freq)},
        attrs={} if units is None else {"units": units},
    )


def test_a_cube_is_looked_at_without_computing() -> None:
    with no_compute():
        subject = examine(cube(), "trend", daily=True)
    assert subject.axis.name == "time"
    assert subject.units.text == "degC"
    assert subject.cells == ("x",)
    assert not subject.quantified


def test_a_data_set_with_one_variable_will_do() -> None:
    assert examine(cube().to_dataset(), "trend").cube.name == "sst"


def test_of_several_variables_one_is_to_be_passed_alone() -> None:
    several = cube().to_dataset().assign(ice=cube())
    with pytest.raises(VariableError, match=r"found sst, ice; pass one of these: dataset\['sst'\]"):
        examine(several, "trend")


@pytest.mark.parametrize(
    ("given", "kind", "word"),
    [
        (np.ones(3), ParameterError, "ndarray"),
        (None, ParameterError, "NoneType"),
        ("sst.nc", ParameterError, "cc.open"),
        (cube(dtype="complex64"), CubeError, "complex64"),
        (cube().astype(str), CubeError, r"trend needs numbers.*astype\('float64'\)"),
        (cube() > 1, CubeError, r"found bool; make it 1 and 0, and NaN where nothing is known"),
        (cube().assign_attrs(scale_factor=0.01), CubeError, "needs decoded values.*cc.open"),
        (cube().isel(time=0), AxisError, "no time axis"),
        (cube(units="florp"), UnitsError, "florp"),
    ],
)
def test_what_is_no_cube(given: Any, kind: type[Exception], word: str) -> None:
    with pytest.raises(kind, match=word):
        examine(given, "trend")


def test_daily_values_only_where_demanded() -> None:
    examine(cube("MS"), "trend")
    with pytest.raises(CalendarError):
        examine(cube("MS"), "heatwaves", daily=True)


def test_chunks_of_unknown_size_are_refused_with_the_remedy() -> None:
    cut = da.ones((5, 3), chunks=(5, 1))[:, da.from_array(np.array([True, False, True]))]
    given = cube().isel(x=slice(0, 2)).copy(data=da.ones((5, 2)))
    unknown = xr.DataArray(cut, dims=given.dims, coords={"time": given["time"]}, attrs=given.attrs)
    with pytest.raises(ChunkError, match="compute_chunk_sizes"):
        examine(unknown, "trend")
    examine(unknown.copy(data=unknown.data.compute_chunk_sizes()), "trend")


def test_quantities_come_back_in_their_registry() -> None:
    registry = pint.UnitRegistry()
    given = cube(units=None)
    given = given.copy(data=registry.Quantity(given.data, "degC"))
    with no_compute():
        subject = examine(given, "trend")
        assert subject.cube.attrs["units"] == "degC"
        result = xr.Dataset({"mean": subject.cube.mean("time", keep_attrs=True)})
        out = finish(result, "mean", {}, [given], subject.quantified)
    assert isinstance(out["mean"].data, registry.Quantity)
    array = finish_array(subject.cube.rename(None), "mean", {}, [given], subject.quantified)
    assert array.name is None
    assert isinstance(array.data, registry.Quantity)


def test_finishing_writes_conventions_and_provenance() -> None:
    out = finish(cube().to_dataset(), "trend", {"per": "decade"}, [cube()])
    assert out.attrs["Conventions"].startswith("CF-")
    assert provenance.read(out)["steps"] == [{"function": "trend", "parameters": {"per": "decade"}}]
    assert provenance.read(out["sst"]) == provenance.read(out)
