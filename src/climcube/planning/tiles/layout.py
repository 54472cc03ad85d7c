"""A store before its lazy values: metadata, attributes, values that are in memory, empty arrays."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
import xxhash
from dask.tokenize import tokenize
from xarray.backends.zarr import encode_zarr_variable

from climcube.planning.tiles.prepare import Parts, file_chunks

__all__ = ["StoreLayout", "layout_of", "quiet"]

Encoding = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class StoreLayout:
    """What a store is to hold.

    Attributes
    ----------
    templates
        Data sets by group: values in memory, and placeholders for lazy ones.
    lazy
        By group: lazy values, as they are stored (packed, times as numbers).
    encoding
        By group: how variables are cut and compressed.
    """

    templates: Parts
    lazy: Parts
    encoding: Mapping[str, Encoding]

    def write(self, store: Any) -> None:
        """Write all but lazy values."""
        with quiet():
            for number, (group, template) in enumerate(self.templates.items()):
                template.to_zarr(
                    store,
                    group=group or None,
                    mode="a" if number else "w",
                    zarr_format=3,
                    consolidated=False,
                    compute=False,
                    safe_chunks=False,
                    encoding=self.encoding[group],
                )

    def outline(self) -> str:
        """Return a digest of what is known before anything is computed, but names of tasks."""
        return _digest(self._described(names=False))

    def identity(self) -> str:
        """Return a digest of all that decides the result."""
        return _digest(self._described(names=True))

    def _described(self, *, names: bool) -> Iterator[Any]:
        for group, template in self.templates.items():
            yield group, _plain(template.attrs), sorted(map(str, template.coords))
            for name, variable in template.variables.items():
                lazy = self.lazy[group].variables.get(name)
                yield (
                    str(name), list(map(str, variable.dims)), list(variable.shape),
                    str(variable.dtype), _plain(variable.attrs),
                    _plain(self.encoding[group].get(str(name), {})),
                )  # fmt: skip
                if lazy is None:
                    yield tokenize(np.asarray(variable.values))
                else:
                    yield list(map(list, lazy.chunks or ())), lazy.data.name if names else ""


def layout_of(parts: Parts, given: Mapping[str, Mapping[str, Any]]) -> StoreLayout:
    """Say how data sets are stored; ``given`` is the encoding that the caller asks for."""
    templates: Parts = {}
    lazy: Parts = {}
    encodings: dict[str, Encoding] = {}
    with quiet():
        for group, dataset in parts.items():
            encoding = _encoding(dataset, given)
            encoded = _encoded(dataset, encoding)
            stored = {name: v for name, v in encoded.items() if v.chunks is not None}
            for name in encoded:
                encoding[name] = {
                    key: value for key, value in encoding[name].items() if key in _OF_ZARR
                } | {"_FillValue": None}  # is an attribute already
            empty = {name: v.copy(data=_nothing(v)) for name, v in stored.items()}
            templates[group] = dataset.assign(encoded | empty)
            lazy[group] = xr.Dataset(stored)
            encodings[group] = encoding
    return StoreLayout(templates, lazy, encodings)


_OF_ZARR = (
    "chunks", "shards", "compressors", "filters", "serializer", "cache_metadata",
    "write_empty_chunks", "chunk_key_encoding", "fill_value",
)  # fmt: skip


def _encoded(dataset: xr.Dataset, encoding: Encoding) -> dict[str, xr.Variable]:
    """Return lazy variables as Zarr stores them; objects are computed by that."""
    encoded = {}
    for name, variable in dataset.variables.items():
        if variable.chunks is not None:
            plain = variable.copy(deep=False)
            plain.encoding = dict(encoding[str(name)])
            encoded[str(name)] = encode_zarr_variable(plain, name=str(name), zarr_format=3)
            encoded[str(name)].encoding = {}
    return encoded


def _nothing(variable: xr.Variable) -> Any:
    return da.empty(variable.shape, dtype=variable.dtype, chunks=variable.shape)


def _encoding(dataset: xr.Dataset, given: Mapping[str, Mapping[str, Any]]) -> Encoding:
    from zarr.codecs import ZstdCodec

    encoding = {}
    for name, variable in dataset.variables.items():
        own: dict[str, Any] = {"compressors": (ZstdCodec(level=3, checksum=True),)}
        wanted = dict(given.get(str(name), {}))
        if variable.ndim:
            own["chunks"] = file_chunks(variable)
            if variable.chunks is not None and not {"chunks", "shards"} & wanted.keys():
                own |= _shards(variable, own["chunks"])
        encoding[str(name)] = own | wanted
    return encoding


def _shards(variable: xr.Variable, chunks: tuple[int, ...]) -> dict[str, Any]:
    """Let one file hold what one tile computes, where that is more than one chunk."""
    assert variable.chunks is not None
    whole = [max(1, *sizes) for sizes in variable.chunks]
    shards = tuple(-(-n // chunk) * chunk for n, chunk in zip(whole, chunks, strict=True))
    return {"shards": shards} if shards != chunks else {}


def _plain(value: Any) -> Any:
    """Return something as JSON would hold it, the same in every process."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return [str(value.dtype), value.tolist()]
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    return _plain(value.to_dict()) if hasattr(value, "to_dict") else repr(value)


def _digest(described: Iterator[Any]) -> str:
    digest = xxhash.xxh3_128()
    for item in described:
        digest.update(json.dumps(item, sort_keys=True, default=repr).encode() + b"\n")
    return digest.hexdigest()


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back what xarray and zarr warn of and what is as it should be here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Cc]onsolidated metadata.*")
        warnings.simplefilter("ignore", xr.SerializationWarning)
        warnings.filterwarnings("ignore", message=".*does not have a Zarr V3 specification.*")
        yield
