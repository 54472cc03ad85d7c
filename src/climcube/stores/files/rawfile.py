"""Read one netCDF file quickly and undecoded: its headers, or one piece of one variable.

xarray takes some 20 ms to open a file, the netCDF library 1 ms: for thousands of files that
is the difference between a minute and a few seconds.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from climcube.errors import ClimcubeError, StoreError, StoreNotFoundError
from climcube.provenance import redact
from climcube.stores.addresses import is_remote
from climcube.stores.credentials import cause
from climcube.stores.files.classic import classic_format, require_whole
from climcube.stores.files.selfcontained import require_self_contained
from climcube.stores.filesystems import open_file, own_error

__all__ = ["RawFile", "raw_file", "unreadable"]


class RawFile(Protocol):
    """One open file; values and attributes as they are stored."""

    def names(self) -> list[str]:
        """Names of the variables."""

    def header(self, name: str) -> tuple[tuple[str, ...], tuple[int, ...], dict[str, Any]]:
        """Dimensions, shape and attributes of a variable."""

    def dtype(self, name: str) -> np.dtype[Any]:
        """Type of a variable's values."""

    def read(self, name: str, key: tuple[slice, ...] | None = None) -> npt.NDArray[Any]:
        """Values of a variable, or of a piece of it."""


class _NetCDF:
    """A file open in netCDF4 or in h5netcdf's interface of the same shape."""

    def __init__(self, dataset: Any) -> None:
        self._variables = dataset.variables

    def names(self) -> list[str]:
        return list(self._variables)

    def header(self, name: str) -> tuple[tuple[str, ...], tuple[int, ...], dict[str, Any]]:
        variable = self._variables[name]
        attrs = {key: _text(variable.getncattr(key)) for key in variable.ncattrs()}
        return tuple(variable.dimensions), tuple(variable.shape), attrs

    def dtype(self, name: str) -> np.dtype[Any]:
        dtype: np.dtype[Any] = np.dtype(self._variables[name].dtype)
        return dtype

    def read(self, name: str, key: tuple[slice, ...] | None = None) -> npt.NDArray[Any]:
        return np.asarray(self._variables[name][key or ...])


class _Classic:
    """A file open in SciPy."""

    def __init__(self, dataset: Any) -> None:
        self._variables = dataset.variables

    def names(self) -> list[str]:
        return list(self._variables)

    def header(self, name: str) -> tuple[tuple[str, ...], tuple[int, ...], dict[str, Any]]:
        variable = self._variables[name]
        attrs = {k: _text(v) for k, v in variable._attributes.items()}
        return tuple(variable.dimensions), tuple(variable.data.shape), attrs

    def dtype(self, name: str) -> np.dtype[Any]:
        dtype: np.dtype[Any] = self._variables[name].data.dtype
        return dtype

    def read(self, name: str, key: tuple[slice, ...] | None = None) -> npt.NDArray[Any]:
        data = self._variables[name].data[key or ...]
        # A copy: the file's memory map goes away with the file.
        return np.array(data, dtype=data.dtype.newbyteorder("="))


@contextmanager
def raw_file(address: str, options: Mapping[str, Any] | None = None) -> Iterator[RawFile]:
    """Open a netCDF file of any format for a moment.

    Raises
    ------
    StoreError
        The file is missing, truncated or not netCDF.
    """
    try:
        with _opened(address, options) as file:
            yield file
    except ClimcubeError:
        raise
    except (OSError, ValueError, RuntimeError, TypeError, IndexError, KeyError) as error:
        raise unreadable(address, error) from cause(address, error)


def unreadable(address: str, error: BaseException) -> ClimcubeError:
    """Return the error of a file that cannot be read, or is not there."""
    own = own_error(error)
    if own is not None:
        return own
    if isinstance(error, FileNotFoundError):
        return StoreNotFoundError("no such file", where=redact(address))
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return StoreError(
        "the file cannot be read",
        where=redact(address),
        expected="a complete netCDF file",
        found=redact(reason),
        remedy="fetch it again",
    )


@contextmanager
def _opened(address: str, options: Mapping[str, Any] | None) -> Iterator[RawFile]:
    if is_remote(address):
        with open_file(address, options) as stream:
            head = stream.read(8)
            stream.seek(0)
            content = io.BytesIO(stream.read()) if classic_format(head) else stream
            if classic_format(head):
                require_whole(content)
            with _from_stream(content, head, address) as file:
                yield file
        return
    with open(address, "rb") as stream:
        head = stream.read(8)
        if classic_format(head):
            require_whole(stream)
    if classic_format(head) in (1, 2):
        with _from_stream(address, head, address) as file:
            yield file
        return
    import netCDF4

    # The netCDF library is not thread-safe: one reader at a time, xarray's own included.
    with _lock():
        dataset = netCDF4.Dataset(address)
        try:
            dataset.set_auto_maskandscale(False)
            dataset.set_auto_chartostring(False)
            yield _NetCDF(dataset)
        finally:
            dataset.close()


@contextmanager
def _from_stream(stream: Any, head: bytes, address: str) -> Iterator[RawFile]:
    if classic_format(head):
        from scipy.io import netcdf_file

        mapped = isinstance(stream, str)
        dataset = netcdf_file(stream, "r", mmap=mapped, maskandscale=False)
        try:
            yield _Classic(dataset)
        finally:
            for variable in dataset.variables.values():
                variable.data = None  # else SciPy warns that the map is still referred to
            dataset.close()
        return
    from h5netcdf import legacyapi

    require_self_contained(stream, address)
    with legacyapi.Dataset(stream, "r") as dataset:
        yield _NetCDF(dataset)


def _lock() -> Any:
    try:
        from xarray.backends.netCDF4_ import NETCDF4_PYTHON_LOCK
    except ImportError:  # its place is not part of xarray's promises
        return nullcontext()
    return NETCDF4_PYTHON_LOCK


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
