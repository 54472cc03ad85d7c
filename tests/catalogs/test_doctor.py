"""The doctor: what is dead, changed or late is found, and nobody is waited for."""

from __future__ import annotations

import datetime as dt
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import climcube as cc
from climcube.catalogs import write_catalog
from climcube.catalogs.doctor import check_entries
from climcube.catalogs.findings import CheckReport
from climcube.errors import CatalogError

TODAY = dt.date(2001, 1, 10)
STATED = {
    "title": "X",
    "variables": {
        "sst": {"units": "degC", "standard_name": "sea_surface_temperature",
                "dims": ["time", "lat"], "dtype": "int16"},
    },
    "calendar": "standard",
    "chunks": {"time": 10, "lat": 3},
    "period": {"start": "2000-12-01", "end": "2000-12-31"},
    "cadence": "daily",
}  # fmt: skip


def write(path: Path, **changes: Any) -> None:
    """Write a store as `STATED` says, but for the changes."""
    name, units = changes.get("name", "sst"), changes.get("units", "degC")
    days = changes.get("days", 31)
    dims = changes.get("dims", ("time", "lat"))
    values = np.zeros((days, 3)) if dims[0] == "time" else np.zeros((3, days))
    attributes = {
        "units": units,
        "standard_name": changes.get("standard", "sea_surface_temperature"),
    }
    time = xr.date_range(
        changes.get("start", "2000-12-01"), periods=days,
        calendar=changes.get("calendar", "standard"), use_cftime="calendar" in changes,
    )  # fmt: skip
    cube = xr.Dataset({name: (dims, values, attributes)}, {"time": time})
    chunks = changes.get("chunks", (10, 3))
    packing = {"dtype": changes.get("dtype", "int16"), "scale_factor": 0.01, "_FillValue": -999}
    cube.to_zarr(
        path, zarr_format=3, consolidated=False, encoding={name: packing | {"chunks": chunks}}
    )


def examine(tmp_path: Path, facts: dict[str, Any] | None = None, **kwargs: Any) -> CheckReport:
    """Check one entry at ``x.zarr``."""
    given = STATED | (facts or {})
    if "addresses" not in given:
        given = given | {"address": str(tmp_path / "x.zarr")}
    file = write_catalog(tmp_path / "c.yaml", {"x": given}, overwrite=True)
    entries = cc.catalog(file).entries.values()
    return check_entries(entries, **({"deadline": 20, "threads": 4, "today": TODAY} | kwargs))


def test_as_stated(tmp_path: Path) -> None:
    write(tmp_path / "x.zarr")
    report = examine(tmp_path)
    (found,) = report.findings
    assert (found.state, found.notes) == ("good", ())
    assert (found.first, found.last) == ("2000-12-01", "2000-12-31")
    assert found.seconds is not None and found.seconds > 0
    assert report.ok and report.exit_code == 0 and report.replaced == ()


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"name": "temp"}, "no variable 'sst' any more"),
        ({"units": "kelvin"}, "units of 'sst' 'kelvin', not 'degC'"),
        ({"standard": "sea_water_temperature"}, "standard name of 'sst' 'sea_water_temperature'"),
        ({"dtype": "int32"}, "type of 'sst' 'int32', not 'int16'"),
        ({"dims": ("lat", "time"), "chunks": (3, 10)}, "dimensions of 'sst' 'lat, time'"),
        ({"calendar": "noleap"}, "calendar 'noleap', not 'standard'"),
        ({"chunks": (31, 1)}, "chunks of 'sst' time 31, lat 1, not"),
        ({"start": "2000-12-02"}, "begins 2000-12-02, not 2000-12-01"),
        ({"days": 20}, "ends 2000-12-20, not 2000-12-31"),
        ({"days": 40}, "ends 2001-01-09, not 2000-12-31"),
    ],
)
def test_what_has_changed(tmp_path: Path, changes: dict[str, Any], note: str) -> None:
    write(tmp_path / "x.zarr", **changes)
    report = examine(tmp_path)
    assert report.findings[0].state == "changed"
    assert note in "; ".join(report.findings[0].notes)
    assert report.exit_code == 1


def test_what_the_entry_does_not_state_is_not_compared(tmp_path: Path) -> None:
    write(tmp_path / "x.zarr", units="kelvin", chunks=(31, 1), dtype="int32")
    facts = {
        "variables": {"sst": {"units": "unknown"}},
        "chunks": "unknown", "calendar": "unknown",
        "period": {"start": "late 2000", "end": "somewhen"},
    }  # fmt: skip
    assert examine(tmp_path, facts).findings[0].state == "good"


@pytest.mark.parametrize(
    ("delay", "state", "note"),
    [
        (9, "good", ""),
        (8, "late", "the last day is 10 days ago; the entry promises 9"),
        (None, "good", "the last day is 10 days ago; the entry states no delay"),
    ],
)
def test_lateness(tmp_path: Path, delay: int | None, state: str, note: str) -> None:
    write(tmp_path / "x.zarr")
    facts = {"period": {"start": "2000-12-01", "end": "rolling"}}
    facts |= {} if delay is None else {"delay_days": delay}  # type: ignore[dict-item]
    report = examine(tmp_path, facts)
    assert report.findings[0].state == state
    assert note in "; ".join(report.findings[0].notes)


def test_dead_and_what_to_use_instead(tmp_path: Path) -> None:
    write(tmp_path / "x.zarr")
    gone = {"name": "gone", "url": "http://127.0.0.1:9/x.zarr"}
    here = {"name": "here", "url": str(tmp_path / "x.zarr"), "role": "mirror"}
    report = examine(tmp_path, {"addresses": [gone, here]})
    assert [f.state for f in report.findings] == ["dead", "good"]
    assert report.replaced[0]["was"] == "x@gone" and report.replaced[0]["now"] == "x@here"
    assert "x@gone -> x@here (a copy of the same data)" in report.to_text()
    alone = examine(tmp_path, {"addresses": [gone], "successor": "y"})
    assert alone.replaced[0]["now"] == "y"
    other = examine(tmp_path, {"addresses": [gone, here | {"role": "other"}]})
    assert other.replaced[0]["now"] is None  # other data are no replacement


def test_a_retired_address(tmp_path: Path) -> None:
    retired = [{"was": "http://127.0.0.1:9/x.zarr", "now": "y", "why": "moved in 2024"}]
    report = examine(
        tmp_path, {"addresses": [{"url": "http://127.0.0.1:9/x.zarr"}]}, retired=retired
    )
    assert report.replaced[0]["now"] == "y" and report.replaced[0]["why"] == "moved in 2024"


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and never says a word."""
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def hold() -> None:
        while True:
            try:
                held.append(listener.accept()[0])
            except OSError:
                return

    threading.Thread(target=hold, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()
    for connection in held:
        connection.close()


def test_nobody_is_waited_for(tmp_path: Path, silent: str) -> None:
    write(tmp_path / "x.zarr")
    addresses = [
        {"name": "zarr", "url": f"{silent}/x.zarr"},
        {
            "name": "s3",
            "url": "s3://b/x.zarr",
            "storage_options": {"anon": True, "endpoint_url": silent},
        },
        {"name": "web", "url": f"{silent}/y", "format": "service"},
        {"name": "here", "url": str(tmp_path / "x.zarr")},
    ]
    report = examine(tmp_path, {"addresses": addresses}, deadline=12)
    assert [f.state for f in report.findings] == ["dead", "dead", "dead", "good"]
    assert all("12 s" in f.notes[0] for f in report.findings[:1])
    text = report.to_text()
    assert all("\n" not in note for f in report.findings for note in f.notes) and "dead" in text


def test_who_had_no_turn_is_not_called_dead(tmp_path: Path, silent: str) -> None:
    addresses = [{"url": f"{silent}/{n}.zarr"} for n in range(3)]
    report = examine(tmp_path, {"addresses": addresses}, deadline=1, threads=1)
    assert [f.state for f in report.findings] == ["dead", "not checked", "not checked"]


def test_files_by_pattern_and_what_cannot_be_asked(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    for number in (1, 2):
        xr.Dataset(
            {"sst": ("time", np.zeros(2), {"units": "degC"})},
            {"time": pd.date_range(f"2000-12-0{2 * number - 1}", periods=2)},
        ).to_netcdf(tmp_path / "files" / f"{number}.nc")
    facts = {
        "variables": {"sst": {"units": "degC"}}, "chunks": "unknown",
        "addresses": [
            {"url": str(tmp_path / "files/*.nc"), "format": "netcdf"},
            {"url": str(tmp_path / "none/*.nc"), "format": "netcdf"},
            {"url": "copernicusmarine:abc", "format": "toolbox"},
            {"url": "http://127.0.0.1:9/%Y.nc", "format": "files"},
        ],
    }  # fmt: skip
    report = examine(tmp_path, facts)
    assert [f.state for f in report.findings] == ["good", "dead", "not checked", "not checked"]
    assert "the last of 2 files only" in report.findings[0].notes[0]
    assert "no file matches" in report.findings[1].notes[0]


def test_the_report_in_all_its_forms(tmp_path: Path) -> None:
    facts = {"addresses": [{"name": "gone", "url": "http://127.0.0.1:9/<b>.zarr"}]}
    report = examine(tmp_path, facts)
    document = json.loads(report.to_json())
    assert document["counts"] == {"dead": 1} and document["day"] == "2001-01-10"
    assert document["findings"][0]["address"] == "x@gone"
    assert document["replaced"][0]["now"] is None
    assert "<b>.zarr" not in report._repr_html_() and "&lt;b&gt;.zarr" in report.to_html()
    assert repr(report) == report.to_text()
    assert report.to_text().startswith("catalog check of 2001-01-10: 1 addresses: 1 dead")


def test_the_shipped_catalog_offline() -> None:
    # Whatever happens outside, the demonstration is there, and no exception escapes.
    report = cc.catalog().search("synthetic").check(deadline=30)
    assert report.ok, report
    with pytest.raises(CatalogError, match="no such entry"):
        cc.catalog().check("demoo")
