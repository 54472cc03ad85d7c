from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from climcube.cubes.packing import Decoding, Packing, decode, undecoded
from climcube.lift.tiles import exact_blocks
from climcube.testing.laziness import no_compute
from tests.waiting import waiting


def exact(packing: Packing, values: Any) -> Any:
    """What a kernel gets to see of decoded values that claim a packing."""
    series = values.reshape(-1, values.shape[-1])
    out = np.empty(series.shape)
    exact_blocks(series, packing, out)
    return out.reshape(values.shape)


def stored(values: Any, dtype: str, **attrs: Any) -> xr.DataArray:
    array = np.array(values, dtype)
    return xr.DataArray(array, dims=[f"d{i}" for i in range(array.ndim)], attrs=attrs, name="v")


def by_xarray(packed: xr.DataArray) -> Any:
    """The independent oracle: xarray's own CF decoding."""
    return xr.decode_cf(packed.to_dataset())["v"].values


F4, I2 = np.float32, np.int16


@pytest.mark.parametrize(
    ("dtype", "attrs", "result"),
    [
        ("int16", {"scale_factor": F4(0.01)}, "float32"),
        ("int16", {"scale_factor": F4(0.01), "add_offset": F4(273.15)}, "float32"),
        ("int16", {"scale_factor": np.float64(0.01)}, "float64"),
        ("int16", {"scale_factor": F4(0.01), "add_offset": np.float64(273.15)}, "float64"),
        ("int8", {"scale_factor": F4(0.5)}, "float32"),
        ("int32", {"scale_factor": F4(0.5)}, "float64"),
        ("int16", {"scale_factor": 10}, "float32"),
        ("int16", {"scale_factor": 0.01}, "float64"),  # from JSON, not a float32
        ("int16", {"scale_factor": float(F4(0.01)), "add_offset": 0.0}, "float32"),
        ("uint16", {"add_offset": F4(-5)}, "float32"),
        ("int16", {"_FillValue": I2(-9)}, "float32"),
        ("int32", {"missing_value": np.int32(-9)}, "float64"),
        (">i2", {"scale_factor": F4(0.01)}, "float32"),
    ],
)
def test_the_float_type_is_that_of_the_packing(
    dtype: str, attrs: dict[str, Any], result: str
) -> None:
    decoded = decode(stored([1, 2, 3], dtype, **attrs))
    assert decoded.dtype == result
    assert decoded.dtype.isnative


@given(
    integers=npst.arrays("int16", npst.array_shapes(max_dims=3, max_side=5)),
    scale=st.sampled_from([0.01, 0.5, 1.0, -0.002, 7.0]),
    offset=st.sampled_from([0.0, 273.15, -5.0]),
    kind=st.sampled_from([np.float32, np.float64]),
    fill=st.none() | st.integers(-32768, 32767),
)
def test_decoding_agrees_with_xarray(
    integers: Any, scale: float, offset: float, kind: Any, fill: int | None
) -> None:
    attrs: dict[str, Any] = {"scale_factor": kind(scale), "add_offset": kind(offset)}
    if fill is not None:
        attrs["_FillValue"] = I2(fill)
    packed = stored(integers, "int16", **attrs)
    decoded, expected = decode(packed), by_xarray(packed)
    np.testing.assert_allclose(decoded, expected, rtol=3 * np.finfo(kind).eps, atol=4e-5)
    np.testing.assert_array_equal(np.isnan(decoded), np.isnan(expected))
    again = Packing.of(decoded)
    assert again is not None
    want = integers.astype("float64") * float(kind(scale)) + float(kind(offset))
    back = exact(again, decoded.fillna(float(kind(offset))).values)
    present = ~np.isnan(expected)
    np.testing.assert_array_equal(back[present], want[present])


@pytest.mark.parametrize("lazy", [None, waiting, xr.DataArray.chunk])
def test_unsigned_bytes(lazy: Any) -> None:
    packed = stored(
        [-1, -2, 0, 127], "int8", _Unsigned="true", scale_factor=F4(0.5), _FillValue=np.int8(-1)
    )
    decoded = decode(lazy(packed) if lazy else packed)
    np.testing.assert_array_equal(decoded, [np.nan, 127, 0, 63.5])
    np.testing.assert_array_equal(decoded, by_xarray(packed))
    packing = Packing.of(decoded)
    assert packing is not None and packing.dtype == "|u1"
    np.testing.assert_array_equal(exact(packing, np.array([127.0, 0.0, 63.5])), [127.0, 0.0, 63.5])


def test_signed_bytes_in_an_unsigned_type() -> None:
    packed = stored([255, 2], "uint8", _Unsigned="false", scale_factor=F4(0.5))
    np.testing.assert_array_equal(decode(packed), [-0.5, 1.0])


def test_both_fill_values_count() -> None:
    packed = stored(
        [-9, -8, 3], "int16", scale_factor=F4(1), _FillValue=I2(-9), missing_value=I2(-8)
    )
    decoded = decode(packed)
    np.testing.assert_array_equal(decoded, [np.nan, np.nan, 3])
    assert decoded.encoding["_FillValue"] == -9
    assert not {"_FillValue", "missing_value"} & set(decoded.attrs)


@pytest.mark.parametrize(
    "fill", [np.float32(np.nan), np.float64(1e20), np.float32(-0.5), np.int32(99999)]
)
def test_a_fill_value_that_no_integer_equals_masks_nothing(fill: Any) -> None:
    packed = stored([-9, 0, 3], "int16", scale_factor=F4(1), _FillValue=fill)
    np.testing.assert_array_equal(decode(packed), [-9, 0, 3])


def test_float_fill_values_that_are_integers_do_mask() -> None:
    packed = stored([-9, 0], "int16", scale_factor=F4(1), missing_value=F4(-9.0))
    np.testing.assert_array_equal(decode(packed), [np.nan, 0])


def test_flags_and_plain_integers_stay_integers() -> None:
    flags = stored([0, 1, -1], "int8", flag_values=np.array([0, 1], "int8"), _FillValue=np.int8(-1))
    for kept in (flags, stored([5, 6], "int32", units="1"), stored([0.5], "float32")):
        assert decode(kept) is kept


def test_limits_follow_the_values() -> None:
    packed = stored(
        [1],
        "int16",
        scale_factor=F4(0.5),
        add_offset=F4(10),
        valid_range=np.array([-4, 8], "int16"),
        valid_max=F4(30.0),
        units="degC",
    )
    attrs = decode(packed).attrs
    np.testing.assert_array_equal(attrs["valid_range"], [8, 14])
    assert attrs["valid_max"] == 30
    assert attrs["units"] == "degC"


def test_decoding_is_lazy_and_changes_nothing_it_was_given() -> None:
    packed = stored(np.arange(24).reshape(4, 6), "int16", scale_factor=F4(0.1), _FillValue=I2(0))
    before = packed.copy(deep=True)
    with no_compute():
        made = decode(packed.chunk(d0=2)), decode(waiting(packed)).chunk(d0=2)
    for lazy in made:
        assert lazy.chunks == ((2, 2), (6,))
        np.testing.assert_array_equal(lazy, decode(packed))
    xr.testing.assert_identical(packed, before)


@pytest.mark.parametrize(
    "index",
    [
        {"d0": 1}, {"d0": slice(1, 3), "d1": slice(None, None, 2)}, {"d0": [0, 3], "d1": [5, 1]},
        {"d0": slice(None, None, -1)}, {"d0": 2, "d1": 3},
        {"d0": xr.DataArray([3, 0], dims="p"), "d1": xr.DataArray([1, 1], dims="p")},
    ],
)  # fmt: skip
def test_what_lies_in_a_store_is_decoded_as_it_is_read(index: dict[str, Any]) -> None:
    packed = stored(np.arange(24).reshape(4, 6), "int16", scale_factor=F4(0.1), _FillValue=I2(9))
    xr.testing.assert_identical(decode(waiting(packed)).isel(index), decode(packed).isel(index))


def test_no_more_is_decoded_than_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    plain = Decoding.apply

    def watched(self: Decoding, block: Any) -> Any:
        sizes.append(block.size)
        return plain(self, block)

    monkeypatch.setattr(Decoding, "apply", watched)
    cube = lazily_decoded(scale_factor=F4(0.01))
    for index, size in (({"d0": 1, "d1": 2}, 1), ({"d1": 3}, 4), ({"d0": slice(1, 3)}, 12)):
        sizes.clear()
        cube.isel(index).compute(scheduler="synchronous")
        assert sum(sizes) == size


def test_the_packing_of_a_variable_is_kept_in_its_encoding() -> None:
    decoded = decode(stored([1, 2], "int16", scale_factor=F4(0.01), add_offset=F4(1)))
    assert Packing.of(decoded) == Packing(float(F4(0.01)), 1.0, "<i2")
    assert Packing.of(decoded * 2) is None  # a result is not packed


@pytest.mark.parametrize(
    "encoding",
    [
        {},
        {"dtype": "int16"},
        {"dtype": "float32", "scale_factor": 0.1},
        {"dtype": None},
        {"dtype": "int16", "scale_factor": 0.0},
        {"dtype": "int16", "scale_factor": np.nan},
    ],
)
def test_no_packing_is_claimed_without_reason(encoding: dict[str, Any]) -> None:
    cube = xr.DataArray([1.0])
    cube.encoding = encoding
    assert Packing.of(cube) is None


def test_a_changed_series_is_returned_as_given() -> None:
    packing = Packing(0.01, 0.0, "<i2")
    grid = np.arange(-500, 500, dtype="int16")
    values = (grid * F4(0.01)).astype("float32")
    block = np.stack([values, values + F4(0.003), values])
    found = exact(packing, block)
    np.testing.assert_array_equal(found[0], grid * 0.01)
    np.testing.assert_array_equal(found[1], block[1].astype("float64"))
    np.testing.assert_array_equal(found[2], grid * 0.01)


def test_values_beyond_the_integers_are_not_on_the_grid() -> None:
    packing = Packing(0.01, 0.0, "<i2")
    values = np.array([[1.0, 400.0]])
    np.testing.assert_array_equal(exact(packing, values), values)


def test_missing_values_stay_and_do_not_spoil_the_series() -> None:
    packing = Packing(float(F4(0.01)), 0.0, "<i2")
    values = np.array([[F4(0.07), np.nan, F4(0.11)]], "float32")
    found = exact(packing, values)
    scale = float(F4(0.01))
    np.testing.assert_array_equal(found, [[7 * scale, np.nan, 11 * scale]])


def test_infinite_values_are_off_the_grid() -> None:
    packing = Packing(0.01, 0.0, "<i2")
    values = np.array([[0.07, np.inf]])
    np.testing.assert_array_equal(exact(packing, values), values)


def test_decoding_of_reads_attributes_only() -> None:
    attrs = {"scale_factor": F4(0.5), "add_offset": F4(2), "_FillValue": I2(-1)}
    decoding = Decoding.of(attrs, np.dtype(">i2"))
    assert decoding == Decoding("<i2", 0.5, 2.0, (-1,), "float32")


def lazily_decoded(dtype: str = "int16", **attrs: Any) -> xr.DataArray:
    values = np.arange(24).reshape(4, 6)
    return decode(waiting(stored(values, dtype, **attrs))).chunk(d1=2)


def test_integers_are_found_behind_a_decoded_cube() -> None:
    """Should Dask change what its graphs look like, this fails, not the analyses (slower only)."""
    cube = lazily_decoded(scale_factor=F4(0.01), _FillValue=I2(3))
    with no_compute():
        found = undecoded(cube)
    assert found is not None
    integers, decoding = found
    assert integers.dtype == np.int16
    assert integers.chunks == cube.chunks
    np.testing.assert_array_equal(integers, np.arange(24).reshape(4, 6))
    np.testing.assert_array_equal(decoding.apply(integers.values), cube)
    assert cube.data.name not in integers.data.dask.layers


@pytest.mark.parametrize(
    "cube",
    [
        lazily_decoded(scale_factor=F4(0.01)) + 1,  # no longer what was stored
        lazily_decoded(scale_factor=F4(0.01)).isel(d1=[4, 2]),
        lazily_decoded(scale_factor=F4(0.01)).isel(d1=slice(None, None, -1)),
        decode(stored([[1, 2]], "int16", scale_factor=F4(0.01)).chunk()),
        lazily_decoded(scale_factor=F4(0.01)).drop_encoding(),  # no packing is claimed
        lazily_decoded("int32", scale_factor=0.01),
        lazily_decoded("uint16", scale_factor=F4(0.01)),
        lazily_decoded(scale_factor=F4(0.01)).compute(),
        stored([1.0, 2.0], "float32").chunk(),
    ],
)
def test_other_cubes_are_left_as_they_are(cube: xr.DataArray) -> None:
    assert undecoded(cube) is None


def test_a_packing_claimed_since_is_not_the_one_decoded() -> None:
    cube = lazily_decoded(scale_factor=F4(0.01))
    cube.encoding["scale_factor"] = F4(0.1)
    assert undecoded(cube) is None


@pytest.mark.parametrize(
    "fill", [np.int64(2**63 - 1), np.int64(-(2**63) + 2), np.uint64(2**64 - 2), 2**63 - 1]
)
def test_fill_values_that_no_float_holds(fill: Any) -> None:
    """Those of the netCDF library for 64-bit integers are of them."""
    kind = np.asarray(fill).dtype
    stored = xr.DataArray(np.array([4, fill], kind), dims="x", attrs={"_FillValue": fill})
    np.testing.assert_array_equal(decode(stored), [4.0, np.nan])
