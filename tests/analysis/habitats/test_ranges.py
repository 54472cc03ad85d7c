"""Ranges as people write them: numbers, quantities, rows, tables; and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from climcube.analysis.habitats.habitat import habitat
from climcube.analysis.habitats.ranges import bounds_of_range
from climcube.cubes.units import Units
from climcube.errors import CubeError, ParameterError, UnitsError, VariableError
from tests.mistakes import assert_one_line

CELSIUS, KELVIN = Units("degC"), Units("K")


def four(given: Any, units: Units = CELSIUS, said: str | None = None) -> list[float]:
    return bounds_of_range(given, units, said, "thermal_range")[0].values.tolist()


def sst(units: str | None = "degC") -> xr.DataArray:
    time = xr.date_range("2001-01-01", periods=24, freq="MS")
    values = np.full((24, 2, 3), 15.0 if units != "K" else 288.15)
    coords = [("time", time), ("lat", [0.0, 1.0]), ("lon", [0.0, 1.0, 2.0])]
    return xr.DataArray(values, coords, name="sst", attrs={} if units is None else {"units": units})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((10, 20), [10, 10, 20, 20]),
        ([5, 10, 18, 22], [5, 10, 18, 22]),
        (np.array([5.5, 22]), [5.5, 5.5, 22, 22]),
        ((5, 12, 12, 22), [5, 12, 12, 22]),  # a triangle
        ({"min": 5, "max": 22}, [5, 5, 22, 22]),
        ({"min": 5, "preferred_min": 10, "preferred_max": 18, "max": 22}, [5, 10, 18, 22]),
        (pd.Series({"Min": 5, "MAX": 22, "habitat": "reef"}), [5, 5, 22, 22]),
        (
            pd.Series({"TempMin": 5, "TempPrefMin": 10, "TempPrefMax": 18, "TempMax": 22}),
            [5, 10, 18, 22],
        ),
    ],
)
def test_ways_to_write_a_range(given: Any, expected: list[float]) -> None:
    assert four(given) == expected


def test_units_said_and_quantities() -> None:
    assert four((10, 20), KELVIN, "degC") == [283.15, 283.15, 293.15, 293.15]
    assert four((283.15, 293.15), KELVIN) == [283.15, 283.15, 293.15, 293.15]
    np.testing.assert_allclose(four((50, 68), CELSIUS, "degF"), [10, 10, 20, 20])
    assert four((10, 20), CELSIUS, "celsius") == [10, 10, 20, 20]
    import pint

    quantity = pint.UnitRegistry(autoconvert_offset_to_baseunit=True).Quantity
    np.testing.assert_allclose(
        four(quantity([10, 20], "degC"), KELVIN), [283.15] * 2 + [293.15] * 2
    )
    np.testing.assert_allclose(
        four((quantity(10, "degC"), quantity(293.15, "K"))), [10, 10, 20, 20]
    )


@pytest.mark.parametrize(
    ("given", "fragment"),
    [
        ((20, 10), "upside down"),
        ((5, 12, 10, 22), "upside down"),
        ((5, 4, 10, 22), "upside down"),
        ((10, 10), "equal"),
        ((10, 10, 10, 10), "equal"),
        ((), "two numbers"),
        ((10,), "two numbers"),
        ((1, 2, 3), "3 of them"),
        ("10-20", "two numbers"),
        (15, "two numbers"),
        (None, "thermal_range"),
        ((10, np.nan), "missing"),
        ((np.inf, 20), "finite"),
        (("warm", "warmer"), "finite"),
        ((False, True), "finite"),
        ({"lower": 5, "upper": 10}, "preferred_min"),
        ({"min": 5, "preferred_min": 8, "max": 20}, "preferred_max"),
        (pd.Series({"Tmin": 5, "Tmax": 10}), "Tmin, Tmax"),
        (pd.DataFrame({"tmin": [1], "tmax": [2]}), "rename"),
        (pd.DataFrame({"min": [], "max": []}), "no row"),
        (pd.DataFrame({"species": ["cod", "cod"], "min": [1, 2], "max": [3, 4]}), "'cod'"),
        (pd.DataFrame({"species": ["cod", "eel"], "min": [1, 9], "max": [3, 4]}), "upside down"),
        (pd.DataFrame({"species": ["cod"], "min": [np.nan], "max": [3]}), "missing"),
    ],
)
def test_ranges_that_are_none(given: Any, fragment: str) -> None:
    with pytest.raises(ParameterError) as caught:
        habitat(sst(), thermal_range=given)
    assert_one_line(caught.value, fragment)


def test_celsius_for_a_cube_in_kelvin_is_the_classic_mistake() -> None:
    with pytest.raises(ParameterError) as caught:
        habitat(sst("K"), thermal_range=(10, 20))
    assert_one_line(caught.value, "degC", "units='degC'", "kelvin" if False else "K")
    with pytest.raises(ParameterError) as caught:
        habitat(sst("degC"), thermal_range=(283, 293))
    assert_one_line(caught.value, "units='K'")
    with pytest.raises(ParameterError):  # with its variable named, too
        habitat({"temperature": (sst("K"), (10, 20))})
    assert float(habitat(sst("K"), thermal_range=(10, 20), units="degC").suitability.min()) == 1
    assert float(habitat(sst("K"), thermal_range=(10, 20), units="K").suitability.max()) == 0
    assert float(habitat(sst(None), thermal_range=(10, 20)).suitability.min()) == 1


@pytest.mark.parametrize(
    ("call", "kind", "fragment"),
    [
        (lambda: habitat(sst("mm day-1"), thermal_range=(10, 20)), UnitsError, "temperature"),
        (lambda: habitat(sst(), thermal_range=(1, 2), units="m"), UnitsError, "'m'"),
        (lambda: habitat(sst(), thermal_range=(1, 2), units="furlongs per"), UnitsError, "units"),
        (lambda: habitat(sst(None), thermal_range=(1, 2), units="degC"), UnitsError, "no units"),
        (lambda: habitat(sst(), thermal_range=(1, 2), units={"a": "K"}), ParameterError, "units"),
        (lambda: habitat({"t": (sst(), (1, 2))}, units="degC"), ParameterError, "'t'"),
        (lambda: habitat({"t": sst()}), ParameterError, "oxygen"),
        (lambda: habitat({}), ParameterError, "oxygen"),
        (lambda: habitat({"t": (sst(), (1, 2))}, thermal_range=(1, 2)), ParameterError, "and a"),
        (lambda: habitat(sst()), ParameterError, "thermal_range=(10, 20)"),
        (lambda: habitat("sst.nc", thermal_range=(1, 2)), ParameterError, "DataArray"),
        (
            lambda: habitat(
                sst().assign_attrs(units_metadata="temperature: difference"), thermal_range=(1, 2)
            ),
            CubeError, "anomalies",
        ),
        (
            lambda: habitat(sst().to_dataset(), thermal_range={"sst": (1, 2), "o3": (1, 2)}),
            VariableError, "'o3'",
        ),
        (lambda: habitat(sst(), thermal_range=(1, 2), threshold=1), ParameterError, "threshold"),
        (lambda: habitat(sst(), thermal_range=(1, 2), threshold=-1), ParameterError, "threshold"),
        (lambda: habitat(sst(), thermal_range=(1, 2), frequency="week"), ParameterError, "week"),
        (lambda: habitat(sst(), thermal_range=(1, 2), min_coverage=2), ParameterError, "coverage"),
        (lambda: habitat(sst().isel(time=0), thermal_range=(1, 2)), CubeError, "time"),
        (
            lambda: habitat(
                sst().rename(lon="species"),
                thermal_range=pd.DataFrame({"min": [1.0], "max": [2.0]}),
            ),
            CubeError, "species",
        ),
    ],
)  # fmt: skip
def test_mistakes_of_other_kinds(call: Any, kind: type[Exception], fragment: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert_one_line(caught.value, fragment)  # type: ignore[arg-type]
