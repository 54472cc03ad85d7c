from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import climcube as cc
from climcube.provenance import ATTRIBUTE, inherit, read, record, redact, set_source, versions

CANARY = "hunter2canary"


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("s3://bucket/a.zarr", "s3://bucket/a.zarr"),
        (f"s3://key:{CANARY}@bucket/a.zarr", "s3://bucket/a.zarr"),
        (f"https://{CANARY}@host:80/a/b.nc", "https://host:80/a/b.nc"),
        (f"https://host/a?token={CANARY}#x", "https://host/a"),
        (f"https://host?token={CANARY}", "https://host"),
        (f"https://me:{CANARY}/{CANARY}@host/a", "https://host/a"),
        (f"simplecache::s3://k:{CANARY}@bucket/a.nc", "simplecache::s3://bucket/a.nc"),
        (f"s3://k:{CANARY}@b/1.nc ... s3://k:{CANARY}@b/9.nc", "s3://b/1.nc ... s3://b/9.nc"),
        ("s3://bucket/a@b.zarr", "s3://bucket/a@b.zarr"),
        ("/data/what?.nc", "/data/what?.nc"),
        ("/data/a@b.nc", "/data/a@b.nc"),
        ("memory://x/y.zarr", "memory://x/y.zarr"),
        ("", ""),
    ],
)
def test_addresses_lose_their_secrets(address: str, plain: str) -> None:
    assert redact(address) == plain
    assert redact(plain) == plain


@given(
    scheme=st.sampled_from(["s3", "https", "gs", "ftp"]),
    user=st.text("abcXYZ019_%+=", min_size=1, max_size=8),
    path=st.text("abc/._-0", max_size=12),
)
def test_no_password_survives(scheme: str, user: str, path: str) -> None:
    text = redact(f"{scheme}://{user}:{CANARY}@host/{path}?sig={CANARY}")
    assert CANARY not in text
    assert text == f"{scheme}://host/{path}"


def cube(**attrs: str) -> xr.DataArray:
    return xr.DataArray([1.0], dims="x", name="sst", attrs=attrs)


def test_a_source_is_named_and_what_the_cube_told_is_kept() -> None:
    opened = set_source(cube(), f"s3://k:{CANARY}@b/raw.zarr", entry="oisst", version=None)
    assert read(opened)["sources"] == [{"address": "s3://b/raw.zarr", "entry": "oisst"}]
    result = record(opened * 2, "trend", {"per": "decade"}, [opened])
    again = set_source(result, "saved.zarr")
    assert [s["address"] for s in read(again)["sources"]] == ["saved.zarr", "s3://b/raw.zarr"]
    assert [s.get("kind") for s in read(again)["sources"]] == ["result", None]
    assert [s["function"] for s in read(again)["steps"]] == ["trend"]
    assert read(again)["packages"]


def test_steps_and_sources_add_up_over_inputs() -> None:
    one, two = set_source(cube(), "a.nc"), set_source(cube(), "b.nc")
    first = record(cube(), "climatology", {"window": 11}, [one])
    last = record(cube(), "anomaly", {"climatology": first}, [two, first])
    document = read(last)
    assert [s["address"] for s in document["sources"]] == ["b.nc", "a.nc"]
    assert [s["function"] for s in document["steps"]] == ["climatology", "anomaly"]
    assert document["steps"][1]["parameters"]["climatology"]["sources"] == [{"address": "a.nc"}]


def test_history_is_newest_first() -> None:
    old = cube(history="made by a model")
    assert record(cube(), "trend", {}, [old]).attrs["history"].splitlines()[1] == "made by a model"
    assert (
        record(cube(), "trend", {"per": "year"}, []).attrs["history"].endswith("trend(per='year')")
    )


def test_equal_inputs_give_equal_bytes() -> None:
    texts = {record(cube(), "trend", {"b": 1, "a": 2}, [cube()]).attrs[ATTRIBUTE] for _ in range(2)}
    assert len(texts) == 1


def test_everything_is_strict_json_without_secrets() -> None:
    parameters: dict[str, Any] = {
        "flag": True,
        "n": np.int64(3),
        "x": np.float32(0.5),
        "nan": float("nan"),
        "array": np.arange(2),
        "none": None,
        "when": np.datetime64("2000-01-01"),
        "cube": cube(),
        "deep": {"list": [1, (2,)]},
        "storage_options": {"key": CANARY, "client": {"secret_access": CANARY}},
        "password": CANARY,
        "target": f"s3://me:{CANARY}@b/x.zarr",
    }
    out = record(cube().to_dataset(), "f", parameters, [cube()])
    text = out.attrs[ATTRIBUTE]

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    found = json.loads(text, parse_constant=refuse)["steps"][0]["parameters"]
    assert found["n"] == 3
    assert found["array"] == [0, 1]
    assert found["nan"] == "nan"
    assert CANARY not in text
    assert CANARY not in out.attrs["history"]
    assert out["sst"].attrs[ATTRIBUTE] == text


def test_it_can_be_switched_off() -> None:
    with cc.set_options(provenance=False):
        assert record(cube(), "trend", {}, []).attrs == {}


@pytest.mark.parametrize("text", ["not json", "[1]", "3", ""])
def test_foreign_attributes_are_no_provenance(text: str) -> None:
    assert read(cube(**{ATTRIBUTE: text})) == {}
    assert read(set_source(cube(**{ATTRIBUTE: text}), "a.nc"))["sources"] == [{"address": "a.nc"}]


def test_inherit_copies_both_attributes_and_nothing_else() -> None:
    source = record(cube(units="K"), "trend", {}, [])
    assert set(inherit(cube(), source).attrs) == {ATTRIBUTE, "history"}


def test_versions_name_what_results_depend_on() -> None:
    assert {"climcube", "xarray", "numpy", "dask"} <= set(versions())
