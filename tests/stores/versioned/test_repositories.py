"""Where versioned stores lie, and what is said when they do not."""

from __future__ import annotations

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import zarr

import climcube as cc
from climcube.errors import (
    DependencyError,
    IntegrityError,
    ParameterError,
    StoreError,
    StoreNotFoundError,
)
from climcube.stores.versioned import repositories
from climcube.stores.versioned.repositories import is_repository, open_repository
from climcube.stores.versioned.work import VersionedWorkplace

VALUES = np.random.default_rng(0).random(600)  # too much to lie in a manifest


def make(address, options=None):
    with VersionedWorkplace(str(address), options or {}).work("a" * 40, new=True) as work:
        group = zarr.create_group(work.store)
        array = group.create_array(
            "x", shape=(600,), chunks=(200,), dtype="f8", dimension_names=["t"]
        )
        array[:] = VALUES
        return work.publish("made")


@pytest.fixture
def storage(monkeypatch):
    """What would be asked of Icechunk, without asking."""
    asked = {}

    def s3_storage(**given):
        asked.update(given)
        return "storage"

    monkeypatch.setattr(repositories.icechunk(), "s3_storage", s3_storage)

    def ask(address="s3://bucket/deep/er", **options):
        asked.clear()
        repositories.storage_of(address, options)
        return dict(asked)

    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    return ask


def test_storage_options_mean_what_they_mean_elsewhere(storage):
    plain = storage()
    assert plain["bucket"] == "bucket" and plain["prefix"] == "deep/er"
    assert plain["from_env"] and "anonymous" not in plain and "access_key_id" not in plain
    assert plain["endpoint_url"] is None and not plain["force_path_style"]
    assert storage(anon=True)["anonymous"] and "from_env" not in storage(anon=True)
    given = storage(key="K", secret="S", token="T")
    assert set(given) >= {"get_credentials"} and "from_env" not in given
    found = given["get_credentials"]()
    assert (found.access_key_id, found.secret_access_key, found.session_token) == ("K", "S", "T")
    for options in (
        {"endpoint_url": "http://here:9", "region": "r"},
        {"client_kwargs": {"endpoint_url": "http://here:9", "region_name": "r"}},
    ):
        at = storage(anon=True, **options)
        assert at["endpoint_url"] == "http://here:9" and at["region"] == "r"
        assert at["allow_http"] and at["force_path_style"]
    assert not storage(endpoint_url="https://there")["allow_http"]
    assert storage(requester_pays=True)["requester_pays"]
    assert storage("s3://bucket")["prefix"] is None
    with pytest.raises(ParameterError, match="unknown storage option"):
        storage(anno=True)


def test_the_environment_is_asked_as_amazon_tools_do(storage, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://here:9")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert storage()["endpoint_url"] == "http://here:9" and storage()["region"] == "eu-west-1"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://s3:9")
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    assert storage()["endpoint_url"] == "http://s3:9" and storage()["region"] == "eu-west-2"


def test_a_profile_is_looked_up_where_it_is_used(storage, monkeypatch, tmp_path):
    file = tmp_path / "credentials"
    file.write_text("[lab]\naws_access_key_id = A\naws_secret_access_key = CANARYSECRET\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    asked = storage(profile="lab")
    assert "CANARYSECRET" not in repr(asked) and "secret_access_key" not in asked
    assert asked["get_credentials"]().secret_access_key == "CANARYSECRET"
    with pytest.raises(StoreError, match="no credentials"):
        storage(profile="nobody")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ftp://host/x.icechunk", "versioned stores cannot lie there"),
        ("s3://key:CANARYSECRET@bucket/x.icechunk", "credentials go into storage_options"),
        ("memory://nothing.icechunk", "no versioned store"),
    ],
)
def test_addresses_that_are_none(address, words):
    with pytest.raises((StoreError, ParameterError), match=words) as caught:
        cc.open(address)
    assert "CANARY" not in str(caught.value) and "\n" not in str(caught.value)


def test_nobody_answers():
    options = {"anon": True, "endpoint_url": "http://127.0.0.1:9", "deadline": 1}
    words = "127.0.0.1|operation timeout|no answer in time"  # what was heard within the deadline
    for function in (cc.open, cc.versions):
        with pytest.raises(StoreError, match=words) as caught:
            function("s3://bucket/x.icechunk", storage_options=options)
        assert "\n" not in str(caught.value)


@pytest.mark.s3
def test_no_such_bucket_and_no_such_store(options):
    for address in ("s3://nobucket/x.icechunk", "s3://bucket/none.icechunk"):
        with pytest.raises(StoreError) as caught:
            cc.open(address, storage_options=options)
        assert "CANARY" not in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(StoreError):
        make("s3://nobucket/x.icechunk", options)


@pytest.mark.s3
def test_whatever_its_name(options):
    make("s3://bucket/plainly", options)
    np.testing.assert_array_equal(cc.open("s3://bucket/plainly", storage_options=options).x, VALUES)


def test_the_extra_is_missing(tmp_path, monkeypatch):
    make(tmp_path / "x.icechunk")
    monkeypatch.setitem(sys.modules, "icechunk", None)
    for function in (cc.open, cc.versions):
        with pytest.raises(DependencyError, match=r"climcube\[versions\]"):
            function(str(tmp_path / "x.icechunk"))


def test_what_is_no_store_is_never_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.txt").write_text("all of it")
    (tmp_path / "file").write_text("x")
    for name in ("folder", "file"):
        with pytest.raises(StoreError):
            make(tmp_path / name)
    assert (tmp_path / "folder" / "thesis.txt").read_text() == "all of it"


@pytest.mark.s3
def test_what_is_no_store_is_never_replaced_on_s3(options):
    from climcube.stores.filesystems import file_system

    system, path = file_system("s3://bucket/folder/thesis.txt", options)
    system.pipe_file(path, b"all of it")
    with pytest.raises(StoreError, match="something else is there"):
        make("s3://bucket/folder", options)
    assert system.cat_file(path) == b"all of it"


@pytest.mark.parametrize("where", ["local", pytest.param("s3", marks=pytest.mark.s3)])
def test_two_make_it_at_once(where, tmp_path, request):
    options = request.getfixturevalue("options") if where == "s3" else {}
    root = "s3://bucket" if where == "s3" else str(tmp_path)
    for number in range(3 if where == "s3" else 10):
        place = VersionedWorkplace(f"{root}/{number}.icechunk", options)

        def begin(name, place=place):
            with place.work(name * 40, new=True) as work:
                zarr.create_group(work.store).create_array("x", shape=(1,), dtype="i1")
                work.finish("made")

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(begin, "ab"))
        assert len(open_repository(place.address, options).list_branches()) == 3


KINDS = [(what, how) for what in ("repo", "snapshots", "manifests", "chunks") for how in "tde"]


@pytest.mark.parametrize(("what", "how"), KINDS)
def test_lost_and_shortened_files(tmp_path, what, how):
    """Truncated, deleted, empty: an error of ours, whichever file it is."""
    store = tmp_path / "x.icechunk"
    make(store)
    files = [store / "repo"] if what == "repo" else list((store / what).iterdir())
    for file in files:
        if how == "d":
            file.unlink()
        else:
            data = file.read_bytes()
            file.write_bytes(data[: len(data) // 2] if how == "t" else b"")
    wanted = StoreNotFoundError if (what, how) == ("repo", "d") else IntegrityError
    with pytest.raises(wanted) as caught:
        cc.open(str(store)).x.load()
    assert "\n" not in str(caught.value) and "x.icechunk" in str(caught.value)
    if what == "chunks":
        assert "chunk c/" in str(caught.value) and "index t " in str(caught.value)


def test_recognised_by_its_files(tmp_path):
    make(tmp_path / "a")
    assert is_repository(str(tmp_path / "a"))
    assert cc.open(tmp_path / "a").x.sizes["t"] == 600
    (tmp_path / "plain").mkdir()
    assert not is_repository(str(tmp_path / "plain"))
    assert not is_repository(str(tmp_path / "nothing"))
    shutil.rmtree(tmp_path / "a")
    assert not is_repository(str(tmp_path / "a"))


@pytest.mark.s3
@pytest.mark.parametrize("ignored", ["IfMatch", "IfNoneMatch"])
def test_a_server_that_ignores_conditions_is_refused(options, monkeypatch, ignored):
    """It would lose one of two commits, and say nothing."""
    from climcube.stores.filesystems import file_system
    from climcube.stores.s3.filesystem import S3

    ask = S3.call_s3

    def deaf(self, method, *args, **kwargs):
        kwargs.pop(ignored, None)
        return ask(self, method, *args, **kwargs)

    monkeypatch.setattr(S3, "call_s3", deaf)
    with pytest.raises(StoreError, match=f"cannot keep versions.*{ignored} is ignored"):
        make("s3://bucket/x.icechunk", options)
    monkeypatch.undo()
    system, _ = file_system("s3://bucket/", options)
    system.invalidate_cache()
    assert system.find("bucket") == []
    make("s3://bucket/x.icechunk", options)
    assert not [n for n in system.find("bucket") if ".partial" in n]
