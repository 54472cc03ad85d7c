"""What a cut cube is read from is found again: the same values, or none at all."""

from __future__ import annotations

from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from climcube.cubes.origins import origin_of
from climcube.cubes.packing import decode, undecoded
from climcube.testing.laziness import no_compute
from tests.waiting import waiting

DIMS = ("a", "b", "c")
NUMBERS = np.arange(7 * 9 * 5, dtype="int16").reshape(7, 9, 5)
PACKED = {"scale_factor": np.float32(0.5), "_FillValue": np.int16(11)}


def opened(chunks: Any) -> xr.DataArray:
    return decode(waiting(xr.DataArray(NUMBERS, dims=DIMS, attrs=PACKED, name="v"))).chunk(chunks)


@st.composite
def steps(draw: st.DrawFn) -> tuple[dict[str, int], list[Any], dict[str, int] | None]:
    """Chunks, what is then done to the cube (cut, turned), and perhaps a rechunk at the end."""
    sizes = dict(zip(DIMS, NUMBERS.shape, strict=True))
    chunks = {d: draw(st.integers(1, n + 1)) for d, n in sizes.items()}
    done: list[Any] = []
    for _ in range(draw(st.integers(0, 3))):
        if draw(st.booleans()):
            done.append(tuple(draw(st.permutations(sorted(sizes)))))
            continue
        index: dict[str, Any] = {}
        for dim, size in list(sizes.items()):
            first, last = sorted((draw(st.integers(0, size)), draw(st.integers(0, size))))
            kind = draw(st.sampled_from(["all", "some", "one"]))
            if kind == "one" and size:
                index[dim] = draw(st.integers(-size, size - 1))
                del sizes[dim]
            elif kind == "some":
                index[dim] = slice(first, last, draw(st.integers(1, 3)))
                sizes[dim] = len(range(first, last, index[dim].step))
        done.append(index)
    whole = {d: draw(st.integers(1, 4)) for d in sizes} if draw(st.booleans()) else None
    return chunks, done, whole


def applied(cube: xr.DataArray, done: list[Any], chunks: dict[str, int] | None) -> xr.DataArray:
    for step in done:
        cube = cube.transpose(*step) if isinstance(step, tuple) else cube.isel(step)
    return cube if chunks is None or not cube.chunks else cube.chunk(chunks)


@settings(deadline=None, max_examples=40)
@given(steps())
def test_cut_turned_and_rechunked_the_stored_integers_are_found(given_steps: Any) -> None:
    chunks, done, whole = given_steps
    cube = applied(opened(chunks), done, whole)
    expected = applied(xr.DataArray(NUMBERS, dims=DIMS), done, None)
    with no_compute():
        found = undecoded(cube)
    if found is None:
        assert cube.size == 0  # to rechunk nothing, Dask makes an array of its own
        return
    integers, decoding = found
    assert integers.chunks == cube.chunks and integers.dims == cube.dims
    # Both in one go: they must not share the names of tasks.
    stored, decoded = dask.compute(integers, cube, scheduler="synchronous")
    np.testing.assert_array_equal(stored, expected)
    np.testing.assert_array_equal(decoding.apply(stored.values), decoded)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.isel(a=slice(None, None, -1)),
        lambda c: c.isel(a=[0, 3]),
        lambda c: c.isel(a=xr.DataArray([0, 3], dims="p"), b=xr.DataArray([0, 3], dims="p")),
        lambda c: c.expand_dims("z"),
        lambda c: c.chunk(a=2).isel(a=slice(1, 4)),  # its chunks are not known any more
        lambda c: c + 0,
        lambda c: xr.concat([c, c], "a"),
        lambda c: c.where(c > 3),
        lambda c: c.astype("float64"),
        lambda c: c.shift(a=1),
        lambda c: c.copy(data=c.data.map_blocks(np.negative)),
        lambda c: c.copy(data=c.data.persist(scheduler="synchronous")),
        lambda c: c.copy(data=c.data[:, ::-1]),
        lambda c: c.copy(data=c.data.blocks[::-1]),
        lambda c: c.copy(data=c.data.ravel().reshape(7, 9, 5)),
    ],
)
def test_what_was_changed_is_not_traced_to_other_values(change: Any) -> None:
    cube = change(opened({"a": 3, "b": 4, "c": 5}))
    assert origin_of(cube.data) is None
    cube.encoding = opened({}).encoding
    assert undecoded(cube) is None


def test_names_are_those_of_what_is_read() -> None:
    first, second = (opened({"a": 3}).isel(b=slice(2, 6)) for _ in range(2))
    pair = [undecoded(c)[0].data.name for c in (first, second)]  # type: ignore[index]
    assert pair[0] == pair[1]
    others = [first.isel(b=slice(1, 3)), opened({"a": 3}), opened({"a": 2}).isel(b=slice(2, 6))]
    names = {undecoded(c)[0].data.name for c in others}  # type: ignore[index]
    assert len({*names, *pair}) == 4


def test_arrays_of_other_kinds_have_no_origin() -> None:
    assert origin_of(xr.DataArray(NUMBERS, dims=DIMS).chunk(a=2).data) is None
    cube = opened({"a": 3})
    (flat,) = dask.optimize(cube)
    assert origin_of(flat.data) is None  # its graph is no longer one of layers
