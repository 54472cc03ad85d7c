from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pint
import pytest
import xarray as xr

from climcube.cubes.units import Units, is_quantified, requantify, unquantify
from climcube.errors import UnitsError
from climcube.testing.laziness import no_compute

DIFFERENCE = {"units_metadata": "temperature: difference"}


def cube(units: str | None, **attrs: Any) -> xr.DataArray:
    own = attrs if units is None else attrs | {"units": units}
    return xr.DataArray([1.0, 2.0], dims="x", name="sst", attrs=own)


@pytest.mark.parametrize(
    "text",
    [
        "degC",
        "K",
        "Celsius",
        "celsius",
        "degree_C",
        "deg C",
        "degrees C",
        "degrees_Celsius",
        "degree_Celsius",
        "deg_C",
        "°C",
        "kelvin",
        "degK",
        "degF",
        "deg_F",
        "degree_Fahrenheit",
        "degrees Celsius",
        "Degrees Celsius",
        "deg. C",
        "ºC",
        "centigrade",
        "Kelvin",
        "degrees Kelvin",
    ],
)
def test_temperatures_are_recognised(text: str) -> None:
    units = Units.of(cube(text))
    assert units.is_temperature
    assert units.absolute() == {"units": text}  # as the user wrote it
    assert units.difference() == {"units": text} | DIFFERENCE


def test_temperatures_in_words_are_converted() -> None:
    assert Units("Degrees Kelvin").converted(20.0, "degrees Celsius") == pytest.approx(293.15)
    assert Units("degrees Celsius").agree("degC") and not Units("Kelvin").agree("centigrade")


@pytest.mark.parametrize(
    "text", ["mm/day", "kg m-2 s-1", "1", "", "%", "m s-1", "psu", "1e-3", "m2"]
)
def test_other_units_are_known_and_no_temperatures(text: str) -> None:
    units = Units.of(cube(text))
    assert not units.is_temperature
    assert units.difference() == {"units": text}


def test_a_rate_is_a_difference_over_time() -> None:
    assert Units("degC").times("decade-1") == {"units": "degC decade-1"} | DIFFERENCE
    assert Units("mm").times("decade-1") == {"units": "mm decade-1"}
    assert Units("1").times("day") == {"units": "day"}
    assert Units(None).times("day") == {}


def test_unknown_units_name_the_variable_and_the_remedy() -> None:
    with pytest.raises(UnitsError, match=r"variable 'sst'.*'florp'.*attrs\['units'\]"):
        Units.of(cube("florp"))


def test_no_units_are_no_units() -> None:
    units = Units.of(cube(None))
    assert (units.text, units.is_temperature, units.absolute()) == (None, False, {})


def test_the_callers_units_win() -> None:
    assert Units.of(cube("K"), "degC").text == "degC"


def cf_registry() -> Any:
    from cf_xarray.units import units

    return units


REGISTRIES = pytest.mark.parametrize(
    "registry", [pint.UnitRegistry(), pint.get_application_registry().get(), cf_registry()]
)


@REGISTRIES
@pytest.mark.parametrize(
    ("unit", "attrs"),
    [
        ("degC", {"units": "degC"}),
        ("delta_degC", {"units": "degC"} | DIFFERENCE),
        ("delta_degC / decayear", {"units": "degC decade-1"} | DIFFERENCE),
        ("delta_degC * day", {"units": "d degC"} | DIFFERENCE),
        ("kelvin", {"units": "K"}),
        ("mm / day", {"units": "mm d-1"}),
        ("kg / m**2 / s", {"units": "kg m-2 s-1"}),
        ("dimensionless", {"units": "1"}),
    ],
)
def test_quantities_go_in_and_out_in_the_registry_of_the_caller(
    registry: Any, unit: str, attrs: dict[str, str]
) -> None:
    given = xr.DataArray(
        registry.Quantity(np.ones(2), unit), dims="x", name="v", attrs={"long_name": "v"}
    )
    plain, found = unquantify(given)
    assert found is registry
    assert plain.attrs == {"long_name": "v"} | attrs
    assert isinstance(plain.data, np.ndarray)
    back = requantify(plain.to_dataset(), found)["v"]
    assert back.data.units == given.data.units
    assert back.data._REGISTRY is registry
    assert back.attrs == {"long_name": "v"}


def test_pint_xarray_with_its_default_registry() -> None:
    import pint_xarray  # noqa: F401

    given = cube("degC").pint.quantify()
    plain, registry = unquantify(given)
    assert plain.attrs["units"] == "degC"
    back = requantify(plain.to_dataset(), registry)["sst"]
    np.testing.assert_array_equal((back - given).data.magnitude, 0)


def test_reading_units_leaves_pints_own_registry_alone() -> None:
    before = pint.get_application_registry().get()
    Units.of(cube("degC"))
    assert pint.get_application_registry().get() is before


def test_a_plain_cube_is_returned_as_it_is() -> None:
    given = cube("degC")
    plain, registry = unquantify(given)
    assert plain is given
    assert not registry
    dataset = given.to_dataset()
    assert requantify(dataset, registry) is dataset


def test_variables_without_units_stay_plain() -> None:
    dataset = xr.Dataset({"a": cube("degC"), "b": cube(None)})
    out = requantify(dataset, True)
    assert is_quantified(out["a"])
    assert not is_quantified(out["b"])
    assert dataset["a"].attrs == {"units": "degC"}


def test_lazy_quantities_stay_lazy() -> None:
    registry = pint.UnitRegistry()
    lazy = xr.DataArray(registry.Quantity(da.ones(4, chunks=2), "degC"), dims="x", name="v")
    lazy.encoding = {"scale_factor": 0.1}
    with no_compute():
        plain, found = unquantify(lazy)
        back = requantify(plain.to_dataset(), found)["v"]
    assert plain.chunks == ((2, 2),)
    assert plain.encoding == {"scale_factor": 0.1}
    assert back.data.magnitude.chunks == ((2, 2),)


def test_a_decade_is_ten_years_in_pint_and_a_decade_in_cf() -> None:
    registry = pint.UnitRegistry()  # its own decade is logarithmic, without dimension
    rate = xr.Dataset({"slope": ("x", [1.0], Units("degC").times("decade-1"))})
    slope = requantify(rate, registry).slope
    assert slope.data.to("kelvin / year").magnitude == pytest.approx([0.1])
    assert unquantify(slope)[0].attrs == {"units": "degC decade-1"} | DIFFERENCE


def test_a_sum_of_absolute_temperatures_is_no_difference() -> None:
    assert Units("degC").times("day", absolute=True) == {"units": "degC day"}


def test_absolute_values_are_converted() -> None:
    np.testing.assert_allclose(
        Units("K").converted(np.array([0.0, 20.0]), "degC"), [273.15, 293.15]
    )
    np.testing.assert_allclose(Units("degC").converted(68.0, "degF"), 20)
    assert Units("1e-3").converted(35.0, "psu") == 35.0
    with pytest.raises(UnitsError, match="can be converted to 'degC', found 'psu'"):
        Units("degC").converted(35.0, "psu", "column 'PSAL'")


@pytest.mark.parametrize(
    "text", ["1e6 km2", "10^6 km2", "10**6 km^2", "1000000 km2", "1e6km2", "1.0e6 km2", "1e12 m2"]
)
def test_factors_in_front_of_units(text: str) -> None:
    units = Units(text)
    assert not units.is_temperature
    assert units.agree("1e6 km2") and units.agree("1e12 m2") and Units("1e6 km2").agree(text)
    assert not units.agree("km2") and not Units("km2").agree(text) and not units.agree("1e6 km")
    np.testing.assert_allclose(units.converted(np.array([5e6, 0.0]), "km2"), [5.0, 0.0], rtol=1e-12)
    np.testing.assert_allclose(Units("km2").converted(5.0, text), 5e6, rtol=1e-12)
    rate = units.times("decade-1")
    assert rate == {"units": f"{text} decade-1"}
    assert Units(rate["units"]).agree("1e5 km2 year-1")


def test_scales_alone_are_no_factors() -> None:
    assert Units("1e-3").agree("1")  # of salinity: 35 either way
    assert Units("1e-3").product("m2") == {"units": "1e-3 m2"}


@pytest.mark.parametrize("text", ["1e6 bogus", "-1 m", "0 m", "1e6", "km2 1e6 2"])
def test_factors_of_nothing(text: str) -> None:
    if text == "1e6":
        assert Units(text).agree("1")
        return
    with pytest.raises(UnitsError, match="unknown units") as caught:
        Units(text)
    assert repr(text) in str(caught.value)


def test_a_factor_goes_into_the_values_of_a_quantity() -> None:
    ice = xr.DataArray([5.0, 6.0], dims="x", attrs={"units": "1e6 km2"})
    found = requantify(ice.to_dataset(name="ice"), True).ice
    assert f"{found.pint.units:~}" == "km ** 2"
    np.testing.assert_allclose(found.pint.magnitude, [5e6, 6e6])
