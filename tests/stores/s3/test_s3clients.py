"""Both clients for Zarr in object storage: the same bytes, the same requests, the same refusals."""

from __future__ import annotations

import asyncio
import pickle
import threading

import numpy as np
import pytest
import zarr
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import MemoryStore

import climcube as cc
from climcube.errors import DependencyError, ParameterError, StoreError
from climcube.stores.filesystems import zarr_target
from climcube.stores.s3.options import s3_options
from tests.servers import KEY, SECRET
from tests.stores.faults import bad_weather

pytestmark = pytest.mark.s3
PROTOTYPE = default_buffer_prototype()
OBJECTS = {
    "zarr.json": b"{}",
    "sst/zarr.json": b"{ }",
    "sst/c/0/0": bytes(range(100)),
    "sst/c/0/1": b"x",
    "sstx/zarr.json": b"{  }",
}
RANGES = [
    None,
    RangeByteRequest(0, 100),
    RangeByteRequest(10, 20),
    OffsetByteRequest(90),
    SuffixByteRequest(7),
    SuffixByteRequest(100),
]


def sync(coroutine):
    return zarr.core.sync.sync(coroutine)


def collected(iterator):
    return sorted(sync(zarr.core.sync._collect_aiterator(iterator)))


def buffer(data):
    return PROTOTYPE.buffer.from_bytes(data)


def filled(store):
    for key, data in OBJECTS.items():
        sync(store.set(key, buffer(data)))
    return store


@pytest.fixture
def store(options, client):
    return filled(zarr_target("s3://bucket/deep/cube.zarr", options)["store"])


def test_what_is_read_and_listed_is_what_memory_says(store):
    memory = filled(MemoryStore())
    for key in [*OBJECTS, "nothing", "sst/c/9/9"]:
        assert sync(store.exists(key)) == sync(memory.exists(key)), key
        for wanted in RANGES if key == "sst/c/0/0" else [None]:
            one, other = (sync(s.get(key, PROTOTYPE, wanted)) for s in (store, memory))
            assert (one and one.to_bytes()) == (other and other.to_bytes()), (key, wanted)
    assert collected(store.list()) == collected(memory.list()) == sorted(OBJECTS)
    for prefix in ("", "sst", "sst/c", "sstx", "none"):
        assert collected(store.list_dir(prefix)) == collected(memory.list_dir(prefix)), prefix
    for prefix in ("", "sst/", "sst/c/"):
        assert collected(store.list_prefix(prefix)) == collected(memory.list_prefix(prefix))
    assert sync(store.getsize("sst/c/0/0")) == 100
    pairs = [("sst/c/0/0", RangeByteRequest(3, 5)), ("none", None), ("sst/c/0/1", None)]
    parts = sync(store.get_partial_values(PROTOTYPE, pairs))
    assert [p and p.to_bytes() for p in parts] == [bytes([3, 4]), None, b"x"]


def test_what_is_removed_is_gone_and_nothing_else(store):
    sync(store.delete("sst/c/0/1"))
    sync(store.delete("never/there"))
    sync(store.delete_dir("sst"))
    assert collected(store.list()) == ["sstx/zarr.json", "zarr.json"]


def test_an_object_that_is_there_is_not_replaced_when_it_must_not(store):
    sync(store.set_if_not_exists("zarr.json", buffer(b"other")))
    sync(store.set_if_not_exists("new", buffer(b"new")))
    assert sync(store.get("zarr.json", PROTOTYPE)).to_bytes() == b"{}"
    assert sync(store.get("new", PROTOTYPE)).to_bytes() == b"new"


def test_a_store_to_read_is_not_written(store):
    with pytest.raises(ValueError, match="read"):
        sync(store.with_read_only(True).set("zarr.json", buffer(b"x")))
    assert store.with_read_only(True) != store and store.with_read_only(True).read_only


def test_large_objects_arrive_whole(store):
    data = np.random.default_rng(0).bytes(60 * 2**20)  # s3fs takes it in parts
    sync(store.set("large", buffer(data)))
    assert sync(store.get("large", PROTOTYPE)).to_bytes() == data


def test_obstore_stores_hold_no_secret_of_the_environment(options, endpoint, monkeypatch, tmp_path):
    """Pickled, it is the process that reads it whose credentials count."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    with cc.set_options(s3_client="obstore"):
        store = filled(zarr_target("s3://bucket/x", None)["store"])
    held = pickle.dumps(store)
    assert SECRET.encode() not in held and KEY.encode() not in held
    again = pickle.loads(held)
    assert again == store and sync(again.get("zarr.json", PROTOTYPE)).to_bytes() == b"{}"
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(StoreError, match="no credentials"):
        sync(again.get("zarr.json", PROTOTYPE))
    (tmp_path / "none").write_text(
        f"[ocean]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "ocean")
    assert sync(again.get("zarr.json", PROTOTYPE)).to_bytes() == b"{}"


def test_a_profile_is_found(options, endpoint, client, tmp_path):
    filled(zarr_target("s3://bucket/x", options)["store"])
    (tmp_path / "none").write_text(
        f"[ocean]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"
    )
    given = {"profile": "ocean", "endpoint_url": endpoint}
    store = zarr_target("s3://bucket/x", given)["store"]
    assert sync(store.get("zarr.json", PROTOTYPE)).to_bytes() == b"{}"
    with pytest.raises(StoreError, match="no credentials.*lake"):
        sync(zarr_target("s3://bucket/x", given | {"profile": "lake"})["store"].exists("a"))


def test_nothing_that_is_shown_of_a_store_holds_its_secret(options, client):
    store = zarr_target("s3://bucket/x", options)["store"]
    shown = repr(store) + str(store) + repr(vars(store))
    assert SECRET not in shown and KEY not in shown


def test_wrong_credentials_are_refused_in_one_line(options, endpoint, client):
    if not _checks_signatures(options):
        pytest.skip("this server does not check signatures")
    filled(zarr_target("s3://bucket/x", options)["store"])
    for given in (options | {"secret": "wrong"}, {"anon": True, "endpoint_url": endpoint}):
        with pytest.raises(StoreError, match="refuses access") as caught:
            sync(zarr_target("s3://bucket/x", given)["store"].get("zarr.json", PROTOTYPE))
        assert "\n" not in str(caught.value) and SECRET not in str(caught.value)


def _checks_signatures(options):
    import s3fs

    try:
        s3fs.S3FileSystem(**options | {"secret": "wrong"}).ls("bucket", refresh=True)
    except PermissionError:
        return True
    return False


@pytest.mark.parametrize(
    ("given", "present", "absent"),
    [
        ({"anon": True}, {}, ["authorization", "x-amz-request-payer"]),
        ({}, {"authorization": "/us-east-1/s3/aws4_request"}, ["x-amz-request-payer"]),
        ({"region": "eu-north-1"}, {"authorization": "/eu-north-1/s3/"}, []),
        ({"client_kwargs": {"region_name": "eu-west-1"}}, {"authorization": "/eu-west-1/"}, []),
        ({"requester_pays": True}, {"x-amz-request-payer": "requester"}, []),
        ({"token": "TOKEN"}, {"x-amz-security-token": "TOKEN"}, []),
    ],
)
def test_options_are_in_the_requests(client, given, present, absent):
    own = {} if given.get("anon") else {"key": KEY, "secret": SECRET}
    with bad_weather({"/bucket/x/zarr.json": b"{}"}) as (endpoint, weather):
        options = own | given | {"endpoint_url": endpoint}
        store = zarr_target("s3://bucket/x", options)["store"]
        assert sync(store.get("zarr.json", PROTOTYPE)).to_bytes() == b"{}"
    [headers] = weather.headers
    for name, value in present.items():
        assert value in headers.get(name, "")
    assert not set(absent) & set(headers)


def test_one_request_for_one_object(client):
    """s3fs asks for the length first: twice the waiting for each chunk."""
    with bad_weather({"/bucket/x/c": b"123"}) as (endpoint, weather):
        store = zarr_target("s3://bucket/x", {"anon": True, "endpoint_url": endpoint})["store"]
        sync(store.get("c", PROTOTYPE))
        sync(store.get("c", PROTOTYPE, RangeByteRequest(0, 2)))
    assert len(weather.requests) == 2


def test_the_cap_holds_over_clients_stores_and_threads():
    content = {f"/bucket/x/{n}": b"123" for n in range(24)}
    with bad_weather(content) as (endpoint, weather), cc.set_options(s3_concurrency=3):
        weather.delay = 0.02
        stores = []
        for client in ("s3fs", "obstore"):
            with cc.set_options(s3_client=client):
                given = {"anon": True, "endpoint_url": endpoint}
                stores.append(zarr_target("s3://bucket/x", given)["store"])

        def read(store):
            async def all_of_it():
                await asyncio.gather(*(store.get(str(n), PROTOTYPE) for n in range(24)))

            sync(all_of_it())

        threads = [threading.Thread(target=read, args=(s,)) for s in stores * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(weather.requests) == 96 and weather.most == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"regoin": "x"}, "unknown storage option.*regoin.*did you mean 'region'"),
        ({"anon": "yes"}, "anon.*True or False"),
        ({"deadline": 0}, "deadline.*positive"),
        ({"key": "a", "username": "b"}, "given twice"),
        ({"region": "a", "client_kwargs": {"region_name": "b"}}, "two regions"),
    ],
)
def test_options_that_mean_nothing_are_refused(client, options, words):
    with pytest.raises(ParameterError, match=words):
        cc.open("s3://bucket/x.zarr", storage_options=options)


@pytest.mark.parametrize(
    "options",
    [
        {"default_block_size": 5},
        {"version_aware": True},
        {"s3_additional_kwargs": {"ServerSideEncryption": "AES256"}},
        {"client_kwargs": {"api_version": "2006-03-01"}},
        {"config_kwargs": {"s3": {"addressing_style": "virtual"}}},
    ],
)
def test_what_obstore_cannot_honour_is_refused(options):
    with cc.set_options(s3_client="obstore"), pytest.raises(ParameterError, match="s3_client="):
        cc.open("s3://bucket/x.zarr", storage_options=options | {"anon": True})


def test_spellings_of_options_are_one():
    assert s3_options({"username": "a", "password": "b"}) == {"key": "a", "secret": "b"}
    assert s3_options({"region": "r"}) == {"client_kwargs": {"region_name": "r"}}
    assert s3_options(None) == {}


def test_without_obstore_the_extra_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "obstore", None)
    with (
        cc.set_options(s3_client="obstore"),
        pytest.raises(DependencyError, match=r"climcube\[obstore\]"),
    ):
        cc.open("s3://bucket/x.zarr", storage_options={"anon": True})
