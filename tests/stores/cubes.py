"""A small store with a manifest and all that stores hold; its objects; and what can befall them."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
import zarr
from zarr.codecs import ZstdCodec

from climcube.stores.integrity.inventory import add_unnoted
from climcube.stores.integrity.manifest import Recorder, seal_manifest, write_records

MANIFEST = "climcube_manifest"


def cube(version: int = 1) -> xr.Dataset:
    """Sharded, plain, scalar and partly empty variables; some values differ by version."""
    rng = np.random.default_rng(7)
    time = np.arange("2001-01-01", "2001-02-10", dtype="datetime64[D]").astype("datetime64[ns]")
    lat, lon = np.linspace(-40, -30, 12), np.linspace(150, 167, 18)
    sst = rng.integers(-200, 3000, (len(time), 12, 18)).astype("int16")
    ice = rng.random((len(time), 12, 18)).astype("float32")
    ice[:20, :6] = np.nan  # whole chunks of nothing but fill values
    if version > 1:
        sst[10:20, :6] += 1
        ice[20:] += 1
    attrs = {"units": "degC", "long_name": "sea surface temperature"}
    return xr.Dataset(
        {
            "sst": (("time", "lat", "lon"), sst, attrs),
            "ice": (("time", "lat", "lon"), ice, {"units": "1"}),
            "crs": ((), np.int32(0), {"grid_mapping_name": "latitude_longitude"}),
        },
        {
            "time": time,
            "lat": ("lat", lat, {"units": "degrees_north"}),
            "lon": ("lon", lon, {"units": "degrees_east"}),
        },
        {"title": f"version {version}", "spacing": 0.5},
    )


def write_cube(store: Any, version: int = 1, *, consolidated: bool = True) -> None:
    """Write the cube, and one of its means in a group, with a sealed manifest."""
    data = cube(version)
    checked = {"compressors": (ZstdCodec(level=1, checksum=True),)}
    encoding = {
        "sst": {**checked, "chunks": (10, 3, 3), "shards": (10, 6, 6)},
        "ice": {**checked, "chunks": (20, 6, 18), "_FillValue": np.float32("nan")},
        "time": {"units": "days since 2001-01-01", "dtype": "int64"},
    }
    recorder = Recorder(store)
    data.to_zarr(recorder, mode="w", consolidated=False, encoding=encoding, zarr_format=3)
    mean = data[["sst"]].mean("time")
    mean.to_zarr(recorder, group="means", mode="a", consolidated=False, zarr_format=3)
    write_records(recorder, add_unnoted(recorder, recorder.take()))
    seal_manifest(recorder)
    if consolidated:
        zarr.consolidate_metadata(recorder, zarr_format=3)


@dataclass
class Mutation:
    """What happened to which objects."""

    kind: str
    keys: tuple[str, ...]
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {' '.join(self.keys)} {self.detail}"


KINDS = ("flip", "truncate", "delete", "swap", "stale", "metadata", "manifest", "extra")


def mutate(
    objects: MutableMapping[str, bytes], earlier: dict[str, bytes], rng: random.Random
) -> Mutation:
    """Do one bad thing to the objects of a store; never one that changes nothing."""
    for _ in range(200):
        kind = rng.choice(KINDS)
        before = dict(objects)
        done = _ACTS[kind](objects, earlier, rng)
        if done is not None and not _same(before, objects):
            return done
        for key in set(objects) - set(before):
            del objects[key]
        for key, value in before.items():
            if objects.get(key) != value:
                objects[key] = value
    raise AssertionError("no mutation found")


def _same(before: dict[str, bytes], after: MutableMapping[str, bytes]) -> bool:
    """Whether nothing changed but the spelling of JSON documents."""
    changed = [k for k in {*before, *after} if before.get(k) != after.get(k)]
    return all(k in before and k in after and _content(before[k]) == _content(after[k])
               for k in changed)  # fmt: skip


def _content(raw: bytes) -> Any:
    try:
        return json.dumps(json.loads(raw), sort_keys=True)
    except ValueError:
        return raw


def _flip(objects: Any, earlier: Any, rng: random.Random) -> Mutation | None:
    key = _any(objects, rng)
    raw = bytearray(objects[key])
    if not raw:
        return None
    bit = rng.randrange(8 * len(raw))
    raw[bit // 8] ^= 1 << bit % 8
    objects[key] = bytes(raw)
    return Mutation("flip", (key,), f"bit {bit}")


def _truncate(objects: Any, earlier: Any, rng: random.Random) -> Mutation | None:
    key = _any(objects, rng)
    length = rng.randrange(len(objects[key])) if rng.random() < 0.8 else 0
    objects[key] = objects[key][:length]
    return Mutation("truncate", (key,), f"to {length}")


def _delete(objects: Any, earlier: Any, rng: random.Random) -> Mutation:
    key = _any(objects, rng)
    del objects[key]
    return Mutation("delete", (key,))


def _swap(objects: Any, earlier: Any, rng: random.Random) -> Mutation:
    first, second = rng.sample(sorted(objects), 2)
    if rng.random() < 0.7:  # of one array, so that both decode
        chunks = [k for k in sorted(objects) if k.startswith("sst/c/")]
        first, second = rng.sample(chunks, 2)
    objects[first], objects[second] = objects[second], objects[first]
    return Mutation("swap", (first, second))


def _stale(objects: Any, earlier: dict[str, bytes], rng: random.Random) -> Mutation | None:
    changed = [k for k in sorted(objects) if earlier.get(k, objects[k]) != objects[k]]
    key = rng.choice(changed)
    objects[key] = earlier[key]
    return Mutation("stale", (key,))


def _metadata(objects: Any, earlier: Any, rng: random.Random) -> Mutation | None:
    key = rng.choice([k for k in sorted(objects) if k.endswith("zarr.json")])
    document = json.loads(objects[key])
    places = _leaves(document)
    place, name = rng.choice(places)
    action = rng.choice(["change", "remove", "add"])
    if action == "change":
        place[name] = _other(place[name], rng)
    elif action == "remove":
        del place[name]
    elif isinstance(place, dict):
        place["added"] = 1
    else:
        place.append(1)
    objects[key] = json.dumps(document, indent=2).encode()
    return Mutation("metadata", (key,), f"{action} {name}")


def _manifest(objects: Any, earlier: Any, rng: random.Random) -> Mutation | None:
    own = {k: v for k, v in objects.items() if k.startswith(f"{MANIFEST}/")}
    part: dict[str, bytes] = dict(own)
    act = rng.choice([_flip, _truncate, _delete, _metadata, _swap_any])
    done = act(part, earlier, rng)
    if done is None:
        return None
    for key in own:
        if key not in part:
            del objects[key]
        elif part[key] != own[key]:
            objects[key] = part[key]
    return Mutation("manifest", done.keys, f"{done.kind} {done.detail}")


def _swap_any(objects: Any, earlier: Any, rng: random.Random) -> Mutation:
    first, second = rng.sample(sorted(objects), 2)
    objects[first], objects[second] = objects[second], objects[first]
    return Mutation("swap", (first, second))


def _extra(objects: Any, earlier: Any, rng: random.Random) -> Mutation:
    name = rng.choice(
        ["sst/c/9/0/0", "sst/c/0/0/0.0", "ice/c/0/0/0", "more/zarr.json", "sst/left.partial",
         f"{MANIFEST}/sst/records/c/9/9/9/9/9", "means/sst/c/3/3"]
    )  # fmt: skip
    model = "ice/c/1/0/0" if "ice" in name else "sst/c/0/0/0"
    if name.endswith("zarr.json"):
        model = "sst/zarr.json"
    if name in objects:
        name = f"{name}9"
    objects[name] = objects[model]
    return Mutation("extra", (name,))


_ACTS = {
    "flip": _flip, "truncate": _truncate, "delete": _delete, "swap": _swap, "stale": _stale,
    "metadata": _metadata, "manifest": _manifest, "extra": _extra,
}  # fmt: skip


def _any(objects: Any, rng: random.Random) -> str:
    return rng.choice(sorted(objects))


def _leaves(document: Any) -> list[tuple[Any, Any]]:
    """Return every place in a JSON document."""
    found: list[tuple[Any, Any]] = []
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for name, value in items:
        found.append((document, name))
        if isinstance(value, dict | list):
            found += _leaves(value)
    return found


def _other(value: Any, rng: random.Random) -> Any:
    if isinstance(value, bool) or value is None:
        return 1
    if isinstance(value, int | float):
        return value + rng.choice([-1, 1, 7])
    if isinstance(value, str):
        return value[:-1] if value and rng.random() < 0.5 else value + "x"
    return copy.copy(value) * 2 if isinstance(value, list) and value else "other"
