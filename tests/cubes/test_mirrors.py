"""Copies of a data set: which of them is opened, and how that is said."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube import provenance
from climcube.catalogs import write_entry
from climcube.errors import CatalogError, MirrorWarning, StoreError, VariableError

NOBODY = "http://127.0.0.1:9/gone.zarr"  # the discard port: refused at once


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three stores of the same values but for a mark, cut as series and as maps."""
    ocean = cc.testing.synthetic_ocean(years=1, shape=(4, 6))[["sst"]].load()
    days = ocean.sizes["time"]
    for name, chunks in (("one", (days, 2, 3)), ("two", (days, 2, 3)), ("maps", (30, 4, 6))):
        ocean.assign_attrs(mark=name).to_zarr(
            tmp_path / f"{name}.zarr", zarr_format=3, consolidated=False,
            encoding={"sst": {"chunks": chunks}},
        )  # fmt: skip
    return tmp_path


def known(folder: Path, *addresses: Any) -> str:
    """A catalog with one entry with these addresses: (name, role, layout) or a dictionary."""
    items = [
        {"name": name, "url": str(folder / f"{name}.zarr"), "layout": layout}
        | ({"role": role} if role else {})
        if isinstance(item, tuple) and (role := item[1], layout := item[2], name := item[0])
        else item
        for item in addresses
    ]
    return str(write_entry(folder / "c.yaml", "x", title="X", addresses=items, overwrite=True))


def source(cube: Any) -> dict[str, Any]:
    found: dict[str, Any] = provenance.read(cube)["sources"][0]
    return found


FULL = (("one", None, "series"), ("two", "mirror", "series"), ("maps", "twin", "map"))


def test_the_first_that_answers_is_opened_without_a_word(folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", MirrorWarning)
        cube = cc.open("x", catalog=known(folder, *FULL))
    assert cube.attrs["mark"] == "one"
    assert source(cube)["address_name"] == "x@one" and "instead_of" not in source(cube)


@pytest.mark.parametrize(
    ("lost", "layout", "opened"),
    [
        (["one"], None, "two"),
        (["one", "two"], None, "maps"),
        ([], "maps", "maps"),
        (["maps"], "maps", "one"),
        (["one"], "series", "two"),
        (["maps", "one"], "maps", "two"),
    ],
)
def test_copies_in_their_order(
    folder: Path, lost: list[str], layout: str | None, opened: str
) -> None:
    file = known(folder, *FULL)
    expected = cc.open(folder / "one.zarr")["sst"].load()
    for name in lost:
        shutil.rmtree(folder / f"{name}.zarr")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cube = cc.open("x", catalog=file, layout=layout)
    told = [str(one.message) for one in caught if one.category is MirrorWarning]
    assert cube.attrs["mark"] == opened
    np.testing.assert_array_equal(cube["sst"].values, expected.values)
    assert len(told) == bool(lost)
    if lost:
        assert f"was opened at x@{opened}" in told[0] and "\n" not in told[0]
        assert all(f"x@{name}" in told[0] for name in lost)
        assert set(source(cube)["instead_of"].split(", ")) == {f"x@{name}" for name in lost}


def test_a_twin_makes_no_rechunk(folder: Path) -> None:
    cube = cc.open("x", catalog=known(folder, *FULL), layout="maps", variable="sst")
    assert cube.chunksizes["time"][0] == 30 and len(cube.chunksizes["lat"]) == 1
    assert not [key for key in cube.__dask_graph__() if "rechunk" in str(key)]


@pytest.mark.parametrize("role", [None, "other"])
def test_an_address_that_is_no_copy_is_never_opened_instead(folder: Path, role: str | None) -> None:
    file = known(folder, ("one", None, "series"), ("two", role, "series"))
    shutil.rmtree(folder / "one.zarr")
    with pytest.raises(StoreError, match="one.zarr"):
        cc.open("x", catalog=file)
    assert cc.open("x@two", catalog=file).attrs["mark"] == "two"  # named, it is opened


def test_other_data_are_not_chosen_for_their_layout(folder: Path) -> None:
    file = known(folder, ("one", None, "series"), ("maps", "other", "map"))
    assert cc.open("x", catalog=file, layout="maps").attrs["mark"] == "one"


def test_one_address_by_name(folder: Path) -> None:
    file = known(folder, *FULL)
    assert cc.open("x@two", catalog=file).attrs["mark"] == "two"
    shutil.rmtree(folder / "two.zarr")
    with pytest.raises(StoreError, match="two.zarr"):
        cc.open("x@two", catalog=file)
    with pytest.raises(CatalogError, match=r"no such address.*did you mean 'two'"):
        cc.open("x@twoo", catalog=file)


def test_nobody_answers(folder: Path) -> None:
    file = known(folder, *FULL)
    for name in ("one", "two", "maps"):
        shutil.rmtree(folder / f"{name}.zarr")
    with pytest.raises(StoreError) as caught:
        cc.open("x", catalog=file)
    message = str(caught.value)
    assert "\n" not in message and "maps" in message


def test_a_server_that_refuses(folder: Path) -> None:
    gone = {"name": "gone", "url": NOBODY}
    file = known(folder, gone, ("two", "mirror", "series"))
    with pytest.warns(MirrorWarning, match="x@gone: .*127.0.0.1"):
        cube = cc.open("x", catalog=file)
    assert cube.attrs["mark"] == "two"


def test_remote_addresses_that_all_refuse_are_each_named(folder: Path) -> None:
    gone = {"name": "gone", "url": NOBODY}
    away = {"name": "away", "url": NOBODY.replace("gone", "away"), "role": "mirror"}
    with pytest.raises(StoreError, match="no address of the entry answers.*x@gone: .*x@away: "):
        cc.open("x", catalog=known(folder, gone, away))


def test_a_users_mistake_is_not_circumvented(folder: Path) -> None:
    with pytest.raises(VariableError):
        cc.open("x", catalog=known(folder, *FULL), variable="sts")


def test_credentials_of_the_call_do_not_go_to_another_host(monkeypatch: Any) -> None:
    from climcube.catalogs.entry import Address, Entry
    from climcube.cubes import targets

    def address(name: str, url: str, **options: Any) -> Address:
        return Address(name, url, "zarr", options, role="mirror")

    places = (
        address("a@1", "s3://bucket/x.zarr"),
        address("a@2", "s3://bucket/copy.zarr"),
        address("a@3", "s3://other/x.zarr"),
        address("a@4", "s3://bucket/x.zarr", endpoint_url="https://elsewhere.example.org"),
        address("a@5", "https://bucket/x.zarr"),
    )
    entry = Entry("a", "A", places, (), "x", "x", "standard", {}, "unverified", "c.yaml")
    made = targets._from_entry({"a": entry}, "a", None, {"key": "K", "secret": "S"})
    assert made.options["secret"] == "S"
    given = [maker().options.get("secret") for _, maker in made.others]
    assert given == ["S", None, None, None]


def test_the_version_of_a_store_is_xarray_still(folder: Path) -> None:
    assert isinstance(cc.open("x", catalog=known(folder, *FULL)), xr.Dataset)
