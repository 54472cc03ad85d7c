"""Targets that cannot be opened, ingested or replaced, through every function and command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

import climcube as cc
from climcube.errors import (
    ClimcubeError,
    CubeError,
    IngestError,
    ParameterError,
    StoreError,
    StoreExistsError,
    StoreNotFoundError,
    VariableError,
)
from climcube.testing import synthetic_ocean, write_daily_files
from tests.mistakes import COMMANDS, assert_exit_1, assert_one_line, command, contents

Kind = type[ClimcubeError]


@pytest.fixture(scope="module")
def sst() -> xr.DataArray:
    return synthetic_ocean(years=4, shape=(3, 4)).sst


# ---------------------------------------------------------------- targets that cannot be opened


@dataclass(frozen=True)
class Bad:
    """A target that cannot be opened: how to make it, what it earns."""

    name: str
    kind: Kind
    fragments: tuple[str, ...]
    make: Callable[[Path, xr.DataArray], None] = field(default=lambda *_: None)
    options: tuple[str, ...] = ()


def _truncated(path: Path, sst: xr.DataArray) -> None:
    sst.to_netcdf(path, format="NETCDF4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])


def _truncated_classic(path: Path, sst: xr.DataArray) -> None:
    sst.to_netcdf(path, format="NETCDF3_64BIT")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])


def _empty_file(path: Path, sst: xr.DataArray) -> None:
    path.touch()


def _text(path: Path, sst: xr.DataArray) -> None:
    path.write_text("time,sst\n2000-01-01,20\n")


def _netcdf(path: Path, sst: xr.DataArray) -> None:
    sst[:10].to_netcdf(path)


def _zarr(path: Path, sst: xr.DataArray) -> None:
    sst[:10].to_zarr(path)


def _folder(path: Path, sst: xr.DataArray) -> None:
    path.mkdir()


def _broken_zarr(path: Path, sst: xr.DataArray) -> None:
    path.mkdir()
    (path / "zarr.json").write_text('{"zarr_format": 3, "node_type": "gro')


TARGETS = {
    "glob": Bad("none*.nc", StoreNotFoundError, ("none*.nc", "no file")),
    "file": Bad("absent.nc", StoreNotFoundError, ("absent.nc",)),
    "store": Bad("absent.zarr", StoreNotFoundError, ("absent.zarr",)),
    "id": Bad("oist-v2.1/osn", StoreNotFoundError, ("oist-v2.1/osn", "did you mean 'oisst-v2.1/")),
    "alias": Bad("noaa-oist", StoreNotFoundError, ("noaa-oist", "did you mean 'noaa-oisst'")),
    "truncated": Bad("short.nc", StoreError, ("short.nc",), _truncated),
    "truncated classic": Bad("short3.nc", StoreError, ("short3.nc",), _truncated_classic),
    "empty": Bad("empty.nc", StoreError, ("empty.nc",), _empty_file),
    "text": Bad("table.nc", StoreError, ("table.nc",), _text),
    "csv": Bad("table.csv", StoreError, ("table.csv",), _text),
    "empty folder": Bad("folder.zarr", StoreError, ("folder.zarr",), _folder),
    "broken store": Bad("broken.zarr", StoreError, ("broken.zarr",), _broken_zarr),
    "variable": Bad("a.nc", VariableError, ("'sts'", "did you mean 'sst'"), _netcdf, ("sts",)),
    "variable in store": Bad(
        "a.zarr", VariableError, ("'sts'", "did you mean 'sst'"), _zarr, ("sts",)
    ),
}


@pytest.mark.parametrize("name", TARGETS)
def test_targets_that_cannot_be_opened(
    sst: xr.DataArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    bad = TARGETS[name]
    bad.make(tmp_path / bad.name, sst)
    monkeypatch.chdir(tmp_path)
    before = contents(tmp_path)
    variable = bad.options[0] if bad.options else None
    with pytest.raises(ClimcubeError) as caught:
        # A classic file may be found short only when its values are read.
        cc.open(bad.name, variable=variable).load()
    assert isinstance(caught.value, bad.kind), repr(caught.value)
    assert_one_line(caught.value, *bad.fragments)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("verb", ["info", "anomaly", "trend", "heatwaves", "report", "demo"])
@pytest.mark.parametrize("name", TARGETS)
def test_targets_that_no_command_can_open(
    sst: xr.DataArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, verb: str
) -> None:
    bad = TARGETS[name]
    bad.make(tmp_path / bad.name, sst)
    monkeypatch.chdir(tmp_path)
    before = contents(tmp_path)
    options: tuple[str, ...] = COMMANDS[verb][1] if verb in COMMANDS else ()
    named = ("--variable", *bad.options) if bad.options else ()
    data = ("--data", bad.name, "--folder", "demo") if verb == "demo" else (bad.name,)
    assert_exit_1(command(verb, *data, *options, *named), *bad.fragments)
    assert contents(tmp_path) == before


# ---------------------------------------------------------------- ingest


def _drop_last(paths: list[Path]) -> None:
    paths[2].write_bytes(paths[2].read_bytes()[:700])


def _same_day(paths: list[Path]) -> None:
    paths[2].write_bytes(paths[1].read_bytes())


def _other(change: Callable[[xr.Dataset], xr.Dataset]) -> Callable[[list[Path]], None]:
    def apply(paths: list[Path]) -> None:
        with xr.open_dataset(paths[2]) as opened:
            changed = change(opened.load())
        changed.to_netcdf(paths[2])

    return apply


ARCHIVES: dict[str, tuple[Callable[[list[Path]], None], tuple[str, ...]]] = {
    "truncated": (_drop_last, ()),
    "same day": (_same_day, ("2000-01-02",)),
    "other grid": (_other(lambda d: d.assign_coords(lat=d.lat + 1)), ("lat",)),
    "fewer cells": (_other(lambda d: d.isel(lat=slice(2))), ("lat",)),
    "other units": (_other(lambda d: d.assign(sst=d.sst.assign_attrs(units="K"))), ("K",)),
    "other variable": (_other(lambda d: d.rename(sst="tos")), ("sst",)),
    "no time": (_other(lambda d: d.isel(time=0, drop=True)), ("time",)),
    "empty": (lambda paths: paths[2].write_bytes(b""), ()),
}  # fmt: skip


@pytest.mark.parametrize("name", ARCHIVES)
def test_archives_that_are_no_cube(sst: xr.DataArray, tmp_path: Path, name: str) -> None:
    spoil, fragments = ARCHIVES[name]
    files = tmp_path / "files"
    paths = write_daily_files(sst[:5].to_dataset(), files)
    spoil(paths)
    before = contents(tmp_path)
    wanted = (paths[2].name, *fragments)
    with pytest.raises((IngestError, StoreError, CubeError)) as caught:
        cc.ingest(str(files / "*.nc"), tmp_path / "sst.zarr")
    assert_one_line(caught.value, *wanted)
    assert contents(tmp_path) == before
    assert_exit_1(command("ingest", files / "*.nc", tmp_path / "sst.zarr"), *wanted)
    assert contents(tmp_path) == before


def test_ingest_of_nothing_or_of_another_variable(sst: xr.DataArray, tmp_path: Path) -> None:
    files = tmp_path / "files"
    write_daily_files(sst[:3].to_dataset(), files)
    before = contents(tmp_path)
    with pytest.raises(StoreNotFoundError) as caught:
        cc.ingest(str(files / "*.nc4"), tmp_path / "sst.zarr")
    assert_one_line(caught.value, "*.nc4")
    with pytest.raises(VariableError) as unknown:
        cc.ingest(str(files / "*.nc"), tmp_path / "sst.zarr", variable="sts")
    assert_one_line(unknown.value, "'sts'", "did you mean 'sst'")
    assert_exit_1(command("ingest", files / "*.nc4", tmp_path / "sst.zarr"), "*.nc4")
    assert_exit_1(
        command("ingest", files / "*.nc", tmp_path / "sst.zarr", "-v", "sts"), "mean 'sst'"
    )
    assert contents(tmp_path) == before


# ---------------------------------------------------------------- targets that exist


def test_existing_targets_are_kept(sst: xr.DataArray, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    files, cube = tmp_path / "files", tmp_path / "cube.nc"
    write_daily_files(sst[:3].to_dataset(), files)
    sst.to_netcdf(cube)
    mhw, small = cc.heatwaves(sst), sst[:3]
    taken = [tmp_path / n for n in ("a.zarr", "a.nc", "a.csv", "a.parquet", "a.html", "png")]
    store, netcdf, csv, parquet, page, png = taken
    small.to_zarr(store)
    small.to_netcdf(netcdf)
    parquet.mkdir()
    png.mkdir()
    for path in (csv, parquet / "part.parquet", page, png / "trend_map.png"):
        path.write_text("mine")
    before = contents(tmp_path)
    attempts: list[tuple[Path, Callable[[], Any]]] = [
        (store, lambda: cc.save(small, store)),
        (store, lambda: cc.save(mhw, store)),
        (netcdf, lambda: cc.save(small, netcdf)),
        (store, lambda: cc.ingest(str(files / "*.nc"), store)),
        (csv, lambda: mhw.events(csv)),
        (parquet, lambda: mhw.events(parquet)),
        (page, lambda: cc.report(sst, page, figures=tmp_path / "new", progress=False)),
        (png, lambda: cc.report(sst, tmp_path / "new.html", figures=png, progress=False)),
    ]
    for path, attempt in attempts:
        with pytest.raises(StoreExistsError) as caught:
            attempt()
        assert_one_line(caught.value, path.name, "overwrite")
        assert contents(tmp_path) == before
    for arguments in (
        ("ingest", files / "*.nc", store),
        ("anomaly", cube, "-o", store),
        ("trend", cube, "-o", netcdf),
        ("heatwaves", cube, "-o", store),
        ("heatwaves", cube, "-e", csv),
        ("heatwaves", cube, "-o", tmp_path / "new.zarr", "-e", csv),
        ("report", cube, page),
        ("report", cube, tmp_path / "new.html", "--figures", png),
    ):
        assert_exit_1(command(*arguments), "overwrite")
        assert contents(tmp_path) == before, arguments


@pytest.mark.parametrize("inner", ["sst", "x.zarr", "sst/c"])
@pytest.mark.parametrize("outer", ["a.zarr", "a.icechunk"])
def test_nothing_is_put_into_another_store(
    sst: xr.DataArray, tmp_path: Path, outer: str, inner: str
) -> None:
    """A result under the name of an array would take the array's place."""
    if outer.endswith(".icechunk"):
        pytest.importorskip("icechunk")
    files = write_daily_files(sst[:2].to_dataset(), tmp_path / "files")
    store, target = tmp_path / outer, tmp_path / outer / inner
    cc.save(sst[:2], store)
    before = contents(tmp_path)
    for attempt in (
        lambda: cc.save(cc.open(store), target, overwrite=True),
        lambda: cc.relayout(cc.open(store), target, overwrite=True),
        lambda: cc.ingest([str(f) for f in files], target, overwrite=True),
    ):
        with pytest.raises(StoreError) as caught:
            attempt()
        assert_one_line(caught.value, "within another store", outer)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("target", [None, 3, b"a.zarr", ""], ids=repr)
def test_what_is_no_path(sst: xr.DataArray, tmp_path: Path, target: Any) -> None:
    files = [str(f) for f in write_daily_files(sst[:2].to_dataset(), tmp_path / "files")]
    for attempt in (
        lambda: cc.save(sst, target, overwrite=True),
        lambda: cc.ingest(files, target, overwrite=True),
        lambda: cc.relayout(sst.chunk(), target),
        lambda: cc.verify(target),
        lambda: cc.open_heatwave_state(target),
        lambda: cc.versions(target),
        lambda: cc.tag_version(target, "v1"),
    ):
        with pytest.raises(ParameterError) as caught:
            attempt()
        assert_one_line(caught.value, "path not understood", "s3://")
    for function in (cc.rechunk, lambda path: cc.relayout(path, tmp_path / "a.zarr")):
        with pytest.raises(ParameterError) as needed:
            function(target)
        assert_one_line(needed.value, "needs a cube", "cc.open")


def test_a_home_is_found_by_its_sign(
    sst: xr.DataArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("icechunk")
    monkeypatch.setenv("HOME", str(tmp_path))
    cc.save(sst[:2], "~/a.icechunk")
    assert len(cc.versions("~/a.icechunk")) == len(cc.versions(tmp_path / "a.icechunk")) == 1
    assert [p.name for p in tmp_path.iterdir() if not p.name.startswith(".")] == ["a.icechunk"]


def test_a_cube_stays_the_same_where_the_process_goes_elsewhere(
    sst: xr.DataArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another folder may hold files of the same names."""
    for number, folder in enumerate(("here", "there")):
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        write_daily_files((sst[:3] + number).to_dataset(), "raw")
        cc.save(sst[:3] + number, "a.zarr")
    monkeypatch.chdir(tmp_path / "here")
    cubes = [cc.open(t, variable="sst") for t in ("raw/*.nc", ["raw/" + n for n in names()])]
    cubes += [cc.open("a.zarr", variable="sst")]
    monkeypatch.chdir(tmp_path / "there")
    for cube in cubes:
        assert abs(cube - sst[:3]).max() < 0.01


def names() -> list[str]:
    return sorted(path.name for path in Path("raw").glob("*.nc"))


@pytest.mark.parametrize(
    ("target", "fragments"),
    [
        ("memory://a#b/x.zarr", ("found #",)),
        ("memory://a?b/x.zarr", ("found ?",)),
        ("memory://a[1]/x.zarr", ("found [ ]",)),
        ("s3://bucket", ("of a bucket", "s3://bucket/name.zarr")),
        ("s3://bucket/", ("of a bucket", "s3://bucket/name.zarr")),
    ],
)
def test_addresses_that_are_not_taken_as_they_stand(
    sst: xr.DataArray, tmp_path: Path, target: str, fragments: tuple[str, ...]
) -> None:
    """What lies behind a mark is left away by some, and looked for as a pattern by others."""
    files = [str(f) for f in write_daily_files(sst[:2].to_dataset(), tmp_path / "files")]
    for attempt in (
        lambda: cc.save(sst, target, overwrite=True),
        lambda: cc.ingest(files, target, overwrite=True),
    ):
        with pytest.raises(ParameterError) as caught:
            attempt()
        assert_one_line(caught.value, *fragments)


def test_storage_options_that_are_none(sst: xr.DataArray, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="storage options not understood"):
        cc.open(tmp_path / "a.zarr", storage_options=["anon"])  # type: ignore[arg-type]
