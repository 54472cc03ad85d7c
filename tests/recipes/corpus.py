"""The corpus of bad input: files, archives and stores that must be refused, in classes.

    python -m tests.recipes.corpus      lists classes and cases

Each case spoils a good archive of six daily files in a folder, and says which words the one
line of the error must hold. ``index`` is the file that is spoiled: the first, one in the middle,
the last.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import xarray as xr

from .archives import change

Spoil = Callable[[list[Path]], None]
PLACES = {"first": 0, "middle": 3, "last": 5}


@dataclass(frozen=True)
class Case:
    """One bad archive.

    Attributes
    ----------
    group, name
        Its class, and what is wrong in it.
    spoil
        Changes the files.
    words
        In the message, besides the name of a file.
    checks
        Of the recipe.
    """

    group: str
    name: str
    spoil: Spoil
    words: tuple[str, ...] = ()
    checks: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.group}: {self.name}"


def _edit(action: Callable[[Any], object], index: int, paths: list[Path]) -> None:
    change(paths[index], action)


def _rewrite(action: Callable[[xr.Dataset], xr.Dataset], index: int, paths: list[Path]) -> None:
    """Write a file anew, as other software would."""
    with xr.open_dataset(paths[index], decode_cf=False) as opened:
        changed = action(opened.load())
    paths[index].unlink()
    changed.to_netcdf(paths[index], unlimited_dims=[d for d in ("time",) if d in changed.dims])


def _bytes(action: Callable[[bytes], bytes], index: int, paths: list[Path]) -> None:
    paths[index].write_bytes(action(paths[index].read_bytes()))


def _at_places(
    group: str, name: str, kind: Any, action: Any, *words: str, **checks: Any
) -> Iterator[Case]:
    for place, index in PLACES.items():
        yield Case(group, f"{name}, {place}", partial(kind, action, index), words, checks)


def _attribute(variable: str, name: str, value: Any) -> Callable[[Any], None]:
    return lambda d: d[variable].setncattr(name, value)


def _without(variable: str, name: str) -> Callable[[Any], None]:
    return lambda d: d[variable].delncattr(name)


def _value(variable: str, place: int, step: float) -> Callable[[Any], None]:
    def move(dataset: Any) -> None:
        dataset[variable][place] = dataset[variable][place] + step

    return move


def _encoded(dtype: str, **attrs: Any) -> Callable[[xr.Dataset], xr.Dataset]:
    def convert(d: xr.Dataset) -> xr.Dataset:
        sst = d["sst"].astype(dtype).assign_attrs(attrs)
        sst.attrs = {k: v for k, v in sst.attrs.items() if v is not None}
        return d.assign(sst=sst)

    return convert


def _copy_time(source: int, index: int, paths: list[Path]) -> None:
    with netCDF4.Dataset(paths[source]) as other:
        value = other["time"][0]
    change(paths[index], lambda d: d["time"].__setitem__(0, value))


def _damage_chunk(index: int, paths: list[Path]) -> None:
    """Flip a byte within the compressed values: the header stays readable."""
    import h5py

    with h5py.File(paths[index]) as file:
        info = file["sst"].id.get_chunk_info(0)
    data = bytearray(paths[index].read_bytes())
    data[info.byte_offset + info.size // 2] ^= 0xFF
    paths[index].write_bytes(data)


def _too_warm(value: int) -> Callable[[Any], None]:
    def warm(dataset: Any) -> None:
        values = dataset["sst"][:]
        place = tuple(np.argwhere(values != dataset["sst"]._FillValue)[0])
        values[place] = value
        dataset["sst"][:] = values

    return warm


def cases() -> list[Case]:
    """Return all cases."""
    return [*_damaged(), *_variables(), *_grids(), *_units(), *_packing(), *_times(), *_values()]


def _damaged() -> Iterator[Case]:
    cannot = ("cannot be read",)
    for size in (0, 7, 100, 1000, 3000):
        yield from _at_places(
            "1 truncated", f"{size} bytes", _bytes, lambda b, n=size: b[:n], *cannot
        )
    yield from _at_places("2 not netCDF", "HTML page", _bytes, lambda b: b"<html>404</html>" * 99)
    yield from _at_places("2 not netCDF", "zeros", _bytes, lambda b: bytes(len(b)))
    yield from _at_places("2 not netCDF", "gzip", _bytes, lambda b: b"\x1f\x8b" + b[2:])
    for index in PLACES.values():
        yield Case("3 damaged values", f"file {index}", partial(_damage_chunk, index), ("sst",))


def _variables() -> Iterator[Case]:
    yield from _at_places(
        "4 variable lost", "renamed", _rewrite, lambda d: d.rename(sst="temp"), "variables"
    )
    yield from _at_places(
        "4 variable lost", "other case", _rewrite, lambda d: d.rename(sst="SST"), "variables"
    )
    yield from _at_places(
        "5 variable too many", "ice", _rewrite, lambda d: d.assign(ice=d.sst * 1), "variables"
    )
    yield from _at_places(
        "6 text instead of numbers",
        "sst",
        _rewrite,
        lambda d: d.assign(sst=d.sst.astype("U")),
        "sst",
    )


def _grids() -> Iterator[Case]:
    grids = ("different grids",)
    for name in ("lat", "lon"):
        for step in (1e-5, 1.0):
            yield from _at_places(
                "7 grid moved", f"{name} {step}", _edit, _value(name, 1, step), *grids
            )
    yield from _at_places(
        "8 grid turned over", "lat", _rewrite, lambda d: d.isel(lat=slice(None, None, -1)), *grids
    )
    yield from _at_places(
        "8 grid turned over", "lon west", _rewrite,
        lambda d: d.assign_coords(lon=d.lon - 180), *grids,
    )  # fmt: skip
    yield from _at_places(
        "9 fewer cells", "lat", _rewrite, lambda d: d.isel(lat=slice(2)), "different dimensions"
    )
    yield from _at_places(
        "10 other order of dimensions", "lon first", _rewrite,
        lambda d: d.transpose("time", "lon", "lat"), "different dimensions",
    )  # fmt: skip
    yield from _at_places(
        "11 other names of dimensions", "latitude", _rewrite, lambda d: d.rename(lat="latitude")
    )


def _units() -> Iterator[Case]:
    for units in ("K", "kelvin", "degF", ""):
        yield from _at_places(
            "12 units", repr(units), _edit, _attribute("sst", "units", units), "units"
        )
    yield from _at_places("12 units", "none", _edit, _without("sst", "units"), "units")


def _packing() -> Iterator[Case]:
    packed = ("packed differently",)
    for name, value in (("scale_factor", np.float32(0.02)), ("add_offset", np.float32(273.15))):
        yield from _at_places(
            "13 scale and offset", name, _edit, _attribute("sst", name, value), *packed
        )
    for number in (0.0, np.nan, "warm"):
        yield from _at_places(
            "13 scale and offset", f"scale_factor {number}", _edit,
            _attribute("sst", "scale_factor", number), "cannot be undone",
        )  # fmt: skip
    yield from _at_places(
        "14 fill value", "missing_value", _edit, _attribute("sst", "missing_value", np.int16(-1)),
        *packed,
    )  # fmt: skip
    yield from _at_places("15 type", "int32", _rewrite, _encoded("int32"), *packed)
    yield from _at_places("15 type", "float32", _rewrite, _encoded("float32"))


def _times() -> Iterator[Case]:
    for index, source in ((5, 0), (0, 5), (3, 2)):
        yield Case(
            "16 the same time twice", f"{index} as {source}", partial(_copy_time, source, index),
            ("duplicate times",),
        )  # fmt: skip
    for hours in (3, 6):
        later = f"days since 2000-01-02 {12 + hours}:00:00"

        def two(paths: list[Path], later: str = later) -> None:
            shutil.copy(paths[1], paths[0].with_name("again.nc"))
            change(paths[0].with_name("again.nc"), lambda d: d["time"].setncattr("units", later))
            change(paths[0].with_name("again.nc"), lambda d: d["time"].__setitem__(0, 0))

        yield Case("17 two values for a day", f"{hours} hours apart", two, ("two values",))
    for calendar in ("noleap", "360_day", "julian"):
        yield from _at_places(
            "18 calendar", calendar, _edit, _attribute("time", "calendar", calendar), "calendar"
        )
    for units in ("days since the flood", "bananas since 2000-01-01", "days since 2000-13-01"):
        yield from _at_places("19 units of time", units, _edit, _attribute("time", "units", units))
    yield from _at_places(
        "20 no time", "dimension dropped", _rewrite, lambda d: d.isel(time=0, drop=True)
    )
    yield from _at_places("20 no time", "no entry", _rewrite, lambda d: d.isel(time=slice(0)))
    yield from _at_places(
        "21 missing time", "NaN", _rewrite,
        lambda d: d.assign_coords(time=("time", [np.nan], d.time.attrs)),
    )  # fmt: skip
    for value in (np.inf, 9.969209968386869e36):
        yield from _at_places(
            "21 missing time", str(value), _rewrite,
            lambda d, v=value: d.assign_coords(time=("time", [v], d.time.attrs)),
        )  # fmt: skip
    for index in (1, 3):
        yield Case(
            "22 day missing", f"day {index + 1}", lambda p, i=index: p[i].unlink(), ("missing",),
            {"missing": "refuse"},
        )  # fmt: skip


def _values() -> Iterator[Case]:
    limits = {"valid_range": {"sst": (-3, 45)}}
    for value in (4600, -310, 32000):
        yield from _at_places(
            "23 out of range", str(value), _edit, _too_warm(value), "out of range", "-3 to 45",
            **limits,
        )  # fmt: skip
    for key, checks in {
        "units": {"units": {"sst": "K"}},
        "grid": {"grid": {"lat": 99}},
        "calendar": {"calendar": "360_day"},
        "packing": {"packing": {"sst": {"scale_factor": 0.1}}},
    }.items():
        yield Case("24 not what the recipe says", key, lambda p: None, ("recipe",), checks)


if __name__ == "__main__":
    listed = cases()
    for number, case in enumerate(listed, 1):
        print(f"{number:4} {case}")
    print(len({c.group for c in listed}), "classes")
