"""`cc.verify`: what it checks, what it says, and what it says of stores of others."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import xarray as xr
import zarr
from typer.testing import CliRunner
from zarr.codecs import BytesCodec
from zarr.storage import LocalStore

import climcube as cc
from climcube.cli import app
from climcube.errors import IntegrityError, ParameterError, StoreError, StoreNotFoundError
from tests.stores.cubes import cube, write_cube


@pytest.fixture
def path(tmp_path):
    write_cube(LocalStore(tmp_path / "cube.zarr"), 2)
    return tmp_path / "cube.zarr"


def kinds(report):
    return [problem.kind for problem in report.findings]


class TestReport:
    def test_an_intact_store(self, path):
        report = cc.verify(path)
        assert report.ok and report.problems.empty and report.raise_if_damaged() is report
        files = [p.relative_to(path) for p in path.rglob("*") if p.is_file()]
        chunks = [path / p for p in files if "c" in p.parts and p.parts[0] != "climcube_manifest"]
        assert report.objects == len(chunks) and report.bytes == sum(
            p.stat().st_size for p in chunks
        )
        assert report.empty == 2 and report.digest == "xxh3_128"
        assert "problems:  none" in str(report) and "intact" in report._repr_html_()

    def test_each_problem_by_its_kind_and_place(self, path):
        (path / "ice/c/1/0/0").unlink()
        shard = path / "sst/c/1/1/2"
        (path / "sst/c/0/0/0").write_bytes(shard.read_bytes())
        raw = (path / "sst/c/2/0/0").read_bytes()
        (path / "sst/c/2/0/0").write_bytes(raw[: len(raw) // 2])
        flipped = bytearray((path / "sst/c/3/1/2").read_bytes())
        flipped[40] ^= 2
        (path / "sst/c/3/1/2").write_bytes(flipped)
        (path / "sst/c/4/0").mkdir(parents=True)
        (path / "sst/c/4/0/0").write_bytes(raw)
        document = json.loads((path / "means/sst/zarr.json").read_text())
        document["attributes"]["units"] = "K"
        (path / "means/sst/zarr.json").write_text(json.dumps(document))
        report = cc.verify(path)
        table = report.problems.set_index("kind")
        assert sorted(table.index) == sorted(
            ["missing", "other content", "truncated", "damaged", "unexpected", "metadata"]
        )
        assert table.loc["missing", "place"] == (
            "time 2001-01-21 to 2001-02-09, lat -40 to -35.4545, lon 150 to 167"
        )
        assert "that of sst/c/1/1/2" in table.loc["other content", "found"]
        assert table.loc["damaged", "place"].startswith("time 2001-01-31 to 2001-02-09, lat -34.5")
        assert table.loc["metadata", "variable"] == "means/sst"
        assert table.loc["unexpected", "key"] == "sst/c/4/0/0"
        assert not report.ok and "damaged" in report._repr_html_()
        with pytest.raises(IntegrityError, match="and 5 more"):
            report.raise_if_damaged()
        assert json.loads(report.to_json())["findings"][0]["kind"] in table.index

    def test_what_file_browsers_leave_is_told_and_no_problem(self, path):
        for name in (".DS_Store", "sst/c/0/.DS_Store", "sst/Thumbs.db", "._zarr.json"):
            (path / name).write_bytes(b"an icon")
        report = cc.verify(path)
        assert report.ok and report.problems.empty
        assert sum("left there by a file browser" in note for note in report.notes) == 4
        (path / "sst/c/0/note.txt").write_bytes(b"mine")
        assert kinds(cc.verify(path)) == ["unexpected"]

    def test_damaged_coordinates_do_not_name_places(self, path):
        file = path / "lat/c/0"
        file.write_bytes(file.read_bytes()[::-1])
        (path / "ice/c/1/0/0").unlink()
        places = cc.verify(path).problems.set_index("variable").place
        assert places["ice"].endswith("index lat 0:6") and "time 2001-01-21" in places["ice"]

    def test_a_sample_finds_what_is_missing_and_some_of_the_rest(self, path):
        (path / "ice/c/1/0/0").unlink()
        report = cc.verify(path, sample=1e-9)
        assert kinds(report) == ["missing"] and report.objects == 0 and report.unread > 20
        assert "only for presence" in str(report)
        for sample in (0, -1, 2, "half", True):
            with pytest.raises(ParameterError, match="sample"):
                cc.verify(path, sample=sample)

    def test_what_is_no_store(self, tmp_path):
        with pytest.raises(StoreNotFoundError, match="no Zarr store"):
            cc.verify(tmp_path / "nothing.zarr")
        (tmp_path / "file.nc").write_bytes(b"CDF")
        with pytest.raises(StoreError, match="a file, no Zarr store"):
            cc.verify(tmp_path / "file.nc")

    def test_saved_results_can_be_verified_however_they_were_computed(self, tmp_path, processes):
        import dask

        lazy = cube()[["sst", "ice"]].chunk(time=10)
        made = {"multiprocessing.context": processes.get_start_method()}
        for scheduler in ("threads", "processes"):
            with dask.config.set(made, scheduler=scheduler, num_workers=2):
                saved = cc.save(lazy, tmp_path / f"{scheduler}.zarr")
            report = cc.verify(saved)
            assert report.ok and report.objects >= 8 and report.digest


class TestStoresOfOthers:
    def write(self, path, **encoding):
        data = cube()[["sst"]]
        data.to_zarr(path, encoding={"sst": {"chunks": (10, 6, 6), **encoding}})
        return path

    def test_every_chunk_is_decoded(self, tmp_path):
        path = self.write(tmp_path / "a.zarr")
        report = cc.verify(path)
        assert report.ok and report.digest is None and "no manifest" in " ".join(report.notes)
        assert "no checksum on the chunks of" in str(report)
        (path / "sst/c/1/1/1").write_bytes(b"no zstd")
        report = cc.verify(path)
        assert kinds(report) == ["damaged"]
        assert "time 2001-01-11 to 2001-01-20" in report.findings[0].place

    def test_missing_chunks_are_unknown(self, tmp_path):
        path = self.write(tmp_path / "a.zarr")
        (path / "sst/c/1/1/1").unlink()
        report = cc.verify(path)
        assert report.ok and report.empty == 1
        assert "1 chunks are not there" in str(report)

    def test_format_2_and_codecs_without_checksums(self, tmp_path):
        cube()[["sst"]].to_zarr(tmp_path / "b.zarr", zarr_format=2, consolidated=True)
        assert cc.verify(tmp_path / "b.zarr").ok
        zarr.create_array(
            LocalStore(tmp_path / "c.zarr"), shape=(4,), chunks=(2,), dtype="i2",
            serializer=BytesCodec(), compressors=None,
        )[:] = 1  # fmt: skip
        assert "no checksum" in str(cc.verify(tmp_path / "c.zarr"))

    def test_reading_names_the_chunk_that_does_not_decode(self, tmp_path):
        path = self.write(tmp_path / "a.zarr")
        (path / "sst/c/1/1/1").write_bytes(b"no zstd")
        with pytest.raises(IntegrityError, match=r"c/1/1/1.*time 2001-01-11 to 2001-01-20, lat"):
            cc.open(path, variable="sst").compute()
        np.testing.assert_array_equal(cc.open(path, variable="sst")[:10], cube().sst[:10])


class TestCommand:
    def run(self, *arguments):
        return CliRunner().invoke(app, ["verify", *map(str, arguments)])

    def test_exit_codes_and_words(self, path, tmp_path):
        done = self.run(path)
        assert done.exit_code == 0 and "problems:  none" in done.output
        (path / "ice/c/1/0/0").unlink()
        done = self.run(path, "--output", tmp_path / "report.json")
        assert done.exit_code == 1 and "missing: ice/c/1/0/0; time 2001-01-21" in done.output
        assert json.loads((tmp_path / "report.json").read_text())["ok"] is False
        done = self.run(path, "--json", "--sample", "0.5")
        assert json.loads(done.output)["findings"]
        assert self.run(tmp_path / "none.zarr").exit_code == 1

    def test_progress_is_for_the_error_stream(self, path):
        done = CliRunner().invoke(app, ["--progress", "verify", str(path)])
        assert done.exit_code == 0 and "verifying" not in done.stdout


def test_a_store_behind_a_relative_path_and_a_home(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    monkeypatch.setenv("HOME", str(path.parent))
    assert cc.verify("cube.zarr").ok and cc.verify("~/cube.zarr").ok
    assert os.fspath(path) in cc.verify(path).store


def test_groups_without_a_manifest_of_their_own_are_read_by_xarray(path):
    assert xr.open_zarr(path, group="means").sst.notnull().all()
