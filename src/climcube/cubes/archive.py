"""Many netCDF files, one after the other in time, as one data set.

Only headers and coordinates are read. Nothing is aligned: a file whose grid, units, calendar
or times do not continue the other files' is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import xarray as xr

from climcube.cubes.calendar import TimeAxis
from climcube.cubes.coordinates import find_time
from climcube.cubes.decoding import decode_cf
from climcube.cubes.headers import Header, Roles, compare, read_header
from climcube.cubes.layout import grow_chunks, stored_chunks
from climcube.cubes.packing import dressed, require_packing
from climcube.cubes.pieces import SHARE, FileVariable, join_lazily
from climcube.errors import AxisError, ClimcubeError, CubeError, VariableError, suggest
from climcube.progress import progress_bar
from climcube.provenance import redact
from climcube.stores.files.netcdf import open_netcdf

__all__ = ["Archive", "Scrutiny", "open_archive", "scan_archive"]

_COLUMN = 64  # numbers a time step, up to which a variable is read at once like the times
_PACKING = ("scale_factor", "add_offset", "_FillValue", "_Unsigned", "missing_value", "dtype")


@dataclass(frozen=True)
class Archive:
    """Files that continue each other in time, looked at but not read.

    Attributes
    ----------
    template
        The first file, decoded and lazy; static variables are in memory.
    roles
        What the variables are to the whole.
    headers
        One for each file, in the order of time.
    columns
        Times and other variables of a few numbers a time step, of all files, decoded.
    """

    template: xr.Dataset
    roles: Roles
    headers: tuple[Header, ...]
    columns: xr.Dataset


class Scrutiny(Protocol):
    """What else a scan asks of files, and which of them it does without."""

    def fits(self, first: Header, other: Header, roles: Roles) -> None:
        """Raise where a file does not continue the first one."""

    def excuse(self, address: str, error: ClimcubeError) -> None:
        """Go on without a file, or raise the error."""

    def choose(self, headers: Sequence[Header], columns: xr.Dataset, time: str) -> Sequence[bool]:
        """Say which of the files, in the order of their first times, are kept."""


def scan_archive(
    addresses: Sequence[str],
    options: Mapping[str, Any],
    variable: str | Sequence[str] | None = None,
    scrutiny: Scrutiny | None = None,
) -> Archive:
    """Read the headers and coordinates of all files, and refuse those that do not fit.

    The order of the addresses does not matter: the first file in time is the template.

    Parameters
    ----------
    addresses
        The files; they are put in the order of their first times.
    options
        Storage options of remote files.
    variable
        Only this variable, or these, and their coordinates.
    scrutiny
        Further demands; without any, all files must fit.

    Raises
    ------
    AxisError
        No time axis; times that are duplicated or not increasing; grids that differ.
    CalendarError, UnitsError, VariableError, CubeError
        A file differs from the first one.
    StoreError
        A file cannot be read.
    """
    template, roles, model = _first_template(addresses, options, variable, scrutiny)
    headers: list[Header] = []
    with progress_bar("reading headers", len(addresses)) as advance:
        for address in addresses[model:]:
            try:
                header = read_header(address, options, roles)
                compare((headers or [header])[0], header, roles, strict=variable is None)
                _require_times(header, roles.time)
                for name in roles.gridded:
                    require_packing(header.attrs[name], f"{redact(address)}, variable {name!r}")
                if scrutiny is not None:
                    scrutiny.fits((headers or [header])[0], header, roles)
                headers.append(header)
            except ClimcubeError as error:
                if scrutiny is None:
                    raise
                scrutiny.excuse(address, error)
            advance()
    if not headers:
        raise CubeError(
            "no file fits", where=f"{redact(addresses[0])} and {len(addresses) - 1} others"
        )
    columns, headers = _in_order(*_dated(headers, roles, scrutiny), roles.time)
    if scrutiny is not None:
        kept = scrutiny.choose(headers, columns, roles.time)
        columns, headers = _kept(headers, columns, roles.time, kept)
    _require_increasing(headers, columns, roles.time)
    if headers[0].address != addresses[model]:
        template, _ = _template(headers[0].address, options, variable)
    return Archive(template, roles, tuple(headers), columns)


def open_archive(
    addresses: Sequence[str], options: Mapping[str, Any], variable: str | None = None
) -> xr.Dataset:
    """Open files that continue each other in time as one decoded, lazy data set.

    Parameters and errors are those of `scan_archive`.
    """
    archive = scan_archive(addresses, options, variable)
    template, roles, columns = archive.template, archive.roles, archive.columns
    lazy = {n: _lazy(n, template, archive.headers, roles.time, options) for n in roles.gridded}
    whole = template.drop_vars([*roles.gridded, *roles.columns])
    whole = whole.assign(dict(columns.variables)).assign(lazy)
    coordinates = [n for n in template.coords if n in whole.variables]
    # Coordinates by name: the corners of cells have a dimension that no variable has.
    return whole.set_coords(coordinates)[[*map(str, template.data_vars), *map(str, coordinates)]]


def _first_template(
    addresses: Sequence[str],
    options: Mapping[str, Any],
    variable: str | Sequence[str] | None,
    scrutiny: Scrutiny | None,
) -> tuple[xr.Dataset, Roles, int]:
    """Open the first file that can serve as the pattern of all, and say which it is."""
    for index, address in enumerate(addresses):
        try:
            return (*_template(address, options, variable), index)
        except ClimcubeError as error:
            if scrutiny is None or index + 1 == len(addresses):
                raise
            scrutiny.excuse(address, error)
    raise CubeError("there is no file")


def _template(
    address: str, options: Mapping[str, Any], variable: str | Sequence[str] | None
) -> tuple[xr.Dataset, Roles]:
    """Open one file as the pattern of all; static variables are read."""
    with open_netcdf(address, options) as first:
        template = decode_cf(first, redact(address))
        roles = _roles(template, variable, redact(address))
        template = template[[*roles.gridded, *roles.static, *roles.columns]]
        return template.assign({n: template[n].load() for n in roles.static}), roles


def _roles(template: xr.Dataset, variable: str | Sequence[str] | None, where: str) -> Roles:
    try:
        time = find_time(template)
    except AxisError as error:
        raise AxisError(
            "the files cannot be joined: " + error.what, where=where,
            expected="a time dimension in each file", found=error.found,
            remedy="open one file alone, or add the time dimension",
        ) from error  # fmt: skip
    names = {str(name) for name in template.variables}
    wanted = [variable] if isinstance(variable, str) else list(variable or ())
    for name in wanted:
        if name not in template.data_vars:
            raise VariableError(
                "no such variable", where=where, found=repr(name),
                remedy=suggest(name, map(str, template.data_vars)),
            )  # fmt: skip
    if wanted:
        names = {*wanted, *(str(c) for name in wanted for c in template[name].coords)}
    timed = {n for n in names if time in template[n].dims}
    per_step = {n: template[n].size // max(1, template.sizes[time]) for n in timed}
    numbers = {n for n in timed if n in template.data_vars and template[n].dtype.kind in "iuf"}
    gridded = {n for n in timed if per_step[n] > _COLUMN or n in wanted or n in numbers} - {time}
    for name in gridded:
        if template[name].dtype.kind not in "iufb":
            raise CubeError(
                "text and dates on a grid cannot be joined lazily", where=f"variable {name!r}",
                remedy="pass variable=... to open another one",
            )  # fmt: skip
    columns = (timed - gridded) | {time}
    return Roles(time, *(tuple(sorted(group)) for group in (gridded, columns, names - timed)))


def _dated(
    headers: list[Header], roles: Roles, scrutiny: Scrutiny | None
) -> tuple[list[Header], xr.Dataset]:
    """Decode the columns of all files; one whose times are no dates is named, or left out."""
    try:
        return headers, _columns(headers, roles)
    except ClimcubeError:
        fitting = []
        for header in headers:
            try:
                _decoded_run([header], roles, use_cftime=None)
                fitting.append(header)
            except ClimcubeError as error:
                if scrutiny is None:
                    raise
                scrutiny.excuse(header.address, error)
        if len(fitting) in (0, len(headers)):
            raise
        return fitting, _columns(fitting, roles)


def _columns(headers: Sequence[Header], roles: Roles) -> xr.Dataset:
    """Decode times and other columns of all files, runs of equal time units together."""

    def runs() -> list[list[Header]]:
        found: list[list[Header]] = []
        for header in headers:
            if found and _time_units(found[-1][0], roles) == _time_units(header, roles):
                found[-1].append(header)
            else:
                found.append([header])
        return found

    parts = [_decoded_run(run, roles, use_cftime=None) for run in runs()]
    if len({part[roles.time].dtype.kind for part in parts}) > 1:  # beyond what datetime64 holds
        parts = [_decoded_run(run, roles, use_cftime=True) for run in runs()]
    if len(parts) == 1:
        return parts[0]
    return xr.concat(parts, roles.time, join="override", combine_attrs="override", data_vars="all")


def _decoded_run(run: list[Header], roles: Roles, *, use_cftime: bool | None) -> xr.Dataset:
    variables = {}
    for name in roles.columns:
        dims = run[0].dims[name]
        values = [header.values[name] for header in run]
        joined = values[0] if len(values) == 1 else np.concatenate(values, dims.index(roles.time))
        variables[name] = xr.Variable(dims, joined, run[0].attrs[name])
    columns = xr.Dataset(coords=variables)  # coordinates all: one of them may hold the dates
    where = redact(run[0].address)
    decoded = decode_cf(columns, where, use_cftime=use_cftime)
    if decoded[roles.time].isnull().any():
        raise AxisError("the time axis has missing values", where=where)
    return decoded


def _in_order(
    headers: list[Header], columns: xr.Dataset, time: str
) -> tuple[xr.Dataset, list[Header]]:
    """Put files in the order of their first times; times within a file stay as they are."""
    ends = np.cumsum([h.steps(time) for h in headers])
    starts = ends - [h.steps(time) for h in headers]
    firsts = columns[time].values[starts]
    order = sorted(range(len(headers)), key=lambda i: firsts[i])
    if order == list(range(len(headers))):
        return columns, headers
    places = np.concatenate([np.arange(starts[i], ends[i]) for i in order])
    return columns.isel({time: places}), [headers[i] for i in order]


def _require_times(header: Header, time: str) -> None:
    if not header.steps(time):
        raise AxisError("the time axis is empty", where=redact(header.address))


def _kept(
    headers: list[Header], columns: xr.Dataset, time: str, kept: Sequence[bool]
) -> tuple[xr.Dataset, list[Header]]:
    """Leave files out, and their times."""
    if all(kept):
        return columns, headers
    times = np.repeat(np.asarray(kept, bool), [h.steps(time) for h in headers])
    chosen = [header for header, keep in zip(headers, kept, strict=True) if keep]
    return columns.isel({time: np.flatnonzero(times)}), chosen


def _require_increasing(headers: Sequence[Header], columns: xr.Dataset, time: str) -> None:
    try:
        TimeAxis.of(columns)
    except AxisError as error:
        ends = np.cumsum([h.steps(time) for h in headers])
        values = columns[time].values
        wrong = next((i for i in range(1, len(values)) if not values[i] > values[i - 1]), 0)
        this, before = (int(np.searchsorted(ends, i, "right")) for i in (wrong, max(0, wrong - 1)))
        seen = bool((values[:wrong] == values[wrong]).any())
        other = "" if this == before else f" (also {redact(headers[before].address)})"
        raise AxisError(
            "duplicate times" if seen else error.what,
            where=f"{redact(headers[this].address)}{other}", expected=error.expected,
            found=error.found, remedy="leave out or correct one of the files",
        ) from error  # fmt: skip


def _lazy(
    name: str,
    template: xr.Dataset,
    headers: Sequence[Header],
    time: str,
    options: Mapping[str, Any],
) -> xr.Variable:
    """Return one gridded variable over all files."""
    model = template[name]
    files = [
        FileVariable.of(h.address, h.steps(time), h.attrs[name], h.dtypes[name]) for h in headers
    ]
    decodings = {f.decoding for f in files}
    dtype = np.result_type(
        *(_decoded_type(f, h.dtypes[name], model) for f, h in zip(files, headers, strict=True))
    )
    shape = tuple(sum(f.steps for f in files) if d == time else n for d, n in model.sizes.items())
    units = stored_chunks(model)[1]
    # Whole maps of a file first: its chunks are decompressed once.
    order = [*(d for d in reversed(list(units)) if d != time), time]
    chunks = grow_chunks({str(d): n for d, n in model.sizes.items()}, units, order, share=SHARE)
    dims = [str(d) for d in model.dims]
    data = join_lazily(
        name, files, dims.index(time),
        {i: shape[i] if chunks[d] < 0 else chunks[d] for i, d in enumerate(dims) if d != time},
        max(f.steps for f in files) if chunks[time] < 0 else chunks[time],
        shape, dtype, options,
    )  # fmt: skip
    attrs, encoding = dict(model.attrs), dict(model.encoding)
    if files[0].decoding is not None:
        attrs, encoding = dressed(attrs, encoding, headers[0].dtypes[name], files[0].decoding)
    if len(decodings) > 1:  # each file is packed in its own way: the whole is not packed
        encoding = {k: v for k, v in encoding.items() if k not in _PACKING}
    return xr.Variable(dims, data, attrs, encoding)


def _decoded_type(file: FileVariable, stored: np.dtype[Any], model: xr.DataArray) -> np.dtype[Any]:
    if file.decoding is not None:
        return np.dtype(file.decoding.dtype)
    return model.dtype if stored.kind == model.dtype.kind == "f" else stored.newbyteorder("=")


def _time_units(header: Header, roles: Roles) -> tuple[Any, ...]:
    return tuple(
        (str(header.attrs[n].get("units")), str(header.attrs[n].get("calendar")))
        for n in roles.columns
    )
