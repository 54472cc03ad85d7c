"""Several catalogs as one, and questions to them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import fsspec
import pytest

import climcube as cc
from climcube.catalogs import write_entry
from climcube.catalogs.searching import Question, answers
from climcube.catalogs.spans import asked, stated
from climcube.errors import CatalogError, ParameterError
from tests.catalogs.documents import text, valid


def make(file: Path, *names: str, **facts: Any) -> str:
    """Write a catalog with these entries."""
    for name in names:
        write_entry(file, name, title=f"{file.stem} {name}", address="s3://b/x.zarr", **facts)
    return str(file)


def test_a_list_is_one_catalog(tmp_path: Path) -> None:
    one, two = make(tmp_path / "one.yaml", "a"), make(tmp_path / "two.yaml", "b")
    known = cc.catalog([one, cc.catalog(two), cc.catalog()])
    assert {"a", "b", "demo"} <= set(known)
    assert known["a"].catalog == one and known["b"].catalog == two
    assert {one, two} < set(known.files)
    assert cc.catalog([one]).ids() == ["a"]


@pytest.mark.parametrize("order", [0, 1])
def test_mine_hides_the_shipped_one_wherever_it_stands(tmp_path: Path, order: int) -> None:
    mine = make(tmp_path / "mine.yaml", "demo", "noaa-oisst")
    parts: list[Any] = [mine, cc.catalog()]
    known = cc.catalog(parts[::-1] if order else parts)
    assert known["demo"].title == "mine demo"
    assert known["noaa-oisst"].title == "mine noaa-oisst"  # an alias of the shipped catalog
    assert list(known.hidden) == ["demo"] and known.hidden["demo"].endswith("climcube.yaml")
    assert "'demo' hides the entry of that name in" in repr(known)
    assert "hides the entry" in known._repr_html_()
    assert len(known) == len(cc.catalog()) + 1


def test_two_of_mine_with_one_name_are_an_error(tmp_path: Path) -> None:
    one, two = make(tmp_path / "one.yaml", "a"), make(tmp_path / "two.yaml", "a")
    with pytest.raises(CatalogError, match=r"two entries of one name \(.*two.yaml, entry 'a'\)"):
        cc.catalog([one, two])
    assert cc.catalog([one, one]).ids() == ["a"]  # the same twice is no clash


def test_the_option(tmp_path: Path) -> None:
    mine = make(tmp_path / "mine.yaml", "own")
    with cc.set_options(catalogs=[mine]):
        assert "own" in cc.catalog() and "demo" in cc.catalog()
        assert "own" not in cc.catalog(tmp_path.parent / tmp_path.name / "mine.yaml").hidden
    assert "own" not in cc.catalog()
    for wrong in ("mine.yaml", [3], None):
        with pytest.raises(ParameterError, match="catalogs"):
            cc.set_options(catalogs=wrong)


def test_open_looks_in_the_option_first(tmp_path: Path) -> None:
    ocean = cc.testing.synthetic_ocean(years=1, shape=(4, 6))
    ocean.to_zarr(tmp_path / "x.zarr", zarr_format=3, consolidated=False)
    file = write_entry(tmp_path / "c.yaml", "demo", title="Mine", address=f"{tmp_path}/x.zarr")
    assert cc.open("demo").sizes["lat"] == 8
    with cc.set_options(catalogs=[file]):
        assert cc.open("demo").sizes["lat"] == 4


def test_a_catalog_of_the_option_that_is_gone_is_an_error(tmp_path: Path) -> None:
    # Left out silently, another data set of that name could be opened.
    with (
        cc.set_options(catalogs=[tmp_path / "gone.yaml"]),
        pytest.raises(CatalogError, match="gone.yaml"),
    ):
        cc.open("demo")


def test_a_remote_one_beside_a_local_one(tmp_path: Path) -> None:
    fsspec.filesystem("memory").pipe("/shelf/mine.yaml", text(valid()).replace(
        "{CATALOG_DIR}/sst.zarr", "sst.zarr").encode())  # fmt: skip
    known = cc.catalog(["memory://shelf/mine.yaml", make(tmp_path / "two.yaml", "b")])
    assert known.ids() == ["b", "sst"]


@pytest.mark.parametrize("wrong", [3, {"a": 1}, [3, "x.yaml"]])
def test_what_is_no_catalog(wrong: Any) -> None:
    with pytest.raises(ParameterError, match="catalog not understood"):
        cc.catalog(wrong)


def entry(tmp_path: Path, **facts: Any) -> Any:
    write_entry(
        tmp_path / "c.yaml", "x", overwrite=True, title="T", **({"address": "s3://b/x"} | facts)
    )
    return cc.catalog(tmp_path / "c.yaml")["x"]


SST = {"sst": {"units": "degC", "standard_name": "sea_surface_temperature"}}
PLAIN = {"sst": {"units": "degC"}}


@pytest.mark.parametrize(
    ("facts", "question", "answer"),
    [
        ({"variables": SST}, Question(variable="sst"), True),
        ({"variables": SST}, Question(variable="sea_surface_temperature"), True),
        ({"variables": SST}, Question(variable="ice"), False),
        ({"variables": PLAIN}, Question(variable="sea_surface_temperature"), None),
        ({}, Question(variable="sst"), None),
        ({}, Question(variable="unknown"), None),
        ({}, Question(text="unknown"), False),
        ({"period": ("1981", "2020")}, Question(period=("1991-01-01", "2020-12-31")), True),
        ({"period": ("1981", "2020-11")}, Question(period=("1991-01-01", "2020-12-31")), False),
        (
            {"period": ("1981", "2020-11")},
            Question(period=("1991-01-01", "2020-12-31"), overlap=True),
            True,
        ),
        ({"period": ("2001", "somewhen")}, Question(period=("1991-01-01", "1995-12-31")), False),
        ({"period": ("1981", "somewhen")}, Question(period=("1991-01-01", "1995-12-31")), None),
        ({"period": ("1981", "rolling")}, Question(period=("1991-01-01", "2020-12-31")), True),
        ({"period": ("1981", "rolling")}, Question(period=("1991-01-01", "2999-12-31")), False),
        ({}, Question(period=("1991-01-01", "2020-12-31")), None),
        ({}, Question(layout="maps"), None),
        ({"address": {"url": "s3://b/x", "layout": "map"}}, Question(layout="maps"), True),
        ({"address": {"url": "s3://b/x", "layout": "map"}}, Question(layout="series"), False),
        ({"cadence": "daily"}, Question(cadence="Daily"), True),
        ({}, Question(cadence="daily"), None),
        ({}, Question(openable=True), True),
        ({"address": {"url": "s3://b", "format": "files"}}, Question(openable=True), False),
        ({"variables": SST}, Question(variable="sst", cadence="daily"), None),
        ({"variables": SST}, Question(variable="ice", cadence="daily"), False),
    ],
)
def test_what_is_unknown_is_no_answer(
    tmp_path: Path, facts: dict[str, Any], question: Question, answer: bool | None
) -> None:
    period = facts.get("period")
    given = facts | ({"period": dict(zip(("start", "end"), period, strict=True))} if period else {})
    assert answers(entry(tmp_path, **given), question) is answer


def test_search_says_who_did_not_answer(tmp_path: Path) -> None:
    file = make(tmp_path / "c.yaml", "silent")
    make(tmp_path / "c.yaml", "told", variables=SST, period={"start": "1981", "end": "2020"})
    known = cc.catalog(file)
    found = known.search(variable="sst", period=("1991", "2020"))
    assert found.ids() == ["told"] and found.unsaid == ("silent",)
    assert "1 more do not say what was asked (unknown=True returns them): silent" in repr(found)
    assert "1 more do not say" in found._repr_html_()
    assert known.search(variable="sst", unknown=True).ids() == ["silent", "told"]
    assert known.search("TOLD").ids() == ["told"]
    assert found.search(variable="ice").ids() == []


@pytest.mark.parametrize("wrong", [("x", "y"), ("2020", "1991"), "1991", ("1991",), 1991])
def test_a_period_that_is_none(wrong: Any) -> None:
    with pytest.raises(ParameterError, match="period not understood"):
        cc.catalog().search(period=wrong)


def test_rolling_ends_today_less_the_delay() -> None:
    today = dt.datetime.now(dt.UTC).date()
    assert stated(("1981", "rolling")) == ("1981-01-01", str(today))
    assert stated(("1981", "present"), 14)[1] == str(today - dt.timedelta(14))
    assert stated(("1981", "about 2 days ago")) == ("1981-01-01", None)
    assert asked(("1991-02", "1991-02-03")) == ("1991-02-01", "1991-02-03")
