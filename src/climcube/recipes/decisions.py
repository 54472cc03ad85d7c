"""What was decided about each irregular file, and by which rule."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.headers import Header
from climcube.errors import IngestError
from climcube.provenance import redact

__all__ = ["Decision", "choose_files", "preliminary_files"]

LEFT_OUT = "left out"
FILLED = "filled as missing"


@dataclass(frozen=True)
class Decision:
    """One irregular file (or day), what was found, and what was done.

    Attributes
    ----------
    file
        Its address without credentials, or the days that no file has.
    found
        What is irregular.
    decided
        What was done.
    """

    file: str
    found: str
    decided: str


def preliminary_files(
    addresses: Iterable[str], pattern: str | None, known: Collection[str] = ()
) -> frozenset[str]:
    """Return those of the files that are preliminary: by their names, or known to be."""
    return frozenset(
        a
        for a in addresses
        if a in known or (pattern is not None and fnmatch.fnmatchcase(os.path.basename(a), pattern))
    )


def choose_files(
    headers: Sequence[Header],
    columns: xr.Dataset,
    time: str,
    preliminary: Collection[str],
    duplicate: str,
) -> tuple[list[bool], list[Decision]]:
    """Decide which files are kept where several hold the same times.

    Preliminary files give way to final ones; of others the last or first by name is kept, or,
    with ``duplicate="refuse"``, all: then the archive is refused later.

    Raises
    ------
    IngestError
        Files overlap in part, so that neither can be left out.
    """
    ends = np.cumsum([h.steps(time) for h in headers])
    each = np.repeat([h.address in preliminary for h in headers], [h.steps(time) for h in headers])
    keys = _keys(columns[time], each)
    own = [keys[end - h.steps(time) : end] for h, end in zip(headers, ends, strict=True)]
    ranks = sorted(range(len(headers)), key=lambda i: _name(headers[i]))
    if duplicate == "last":
        ranks.reverse()
    if duplicate != "refuse" or preliminary:
        order = sorted(ranks, key=lambda i: headers[i].address in preliminary)
    else:
        return [True] * len(headers), []
    kept, decisions = [True] * len(headers), []
    holder: dict[int, int] = {}
    for index in order:
        others = [holder[k] for k in own[index].tolist() if k in holder]
        early = headers[index].address in preliminary
        if others and (early or duplicate != "refuse"):
            _require_whole(headers, index, others, len(own[index]))
            kept[index] = False
            decisions.append(_decision(headers[index], headers[others[0]], early, duplicate))
            continue
        if early:
            found = "preliminary, and there is no final file"
            decisions.append(Decision(redact(headers[index].address), found, "kept for now"))
        holder.update(dict.fromkeys(own[index].tolist(), index))
    return kept, sorted(decisions, key=lambda d: d.file)


def _require_whole(headers: Sequence[Header], index: int, others: list[int], steps: int) -> None:
    if len(others) < steps:
        raise IngestError(
            "files overlap in part", where=redact(headers[index].address),
            expected="all of its times, or none, in other files",
            found=f"{len(others)} of {steps} also in {redact(headers[others[0]].address)}",
            remedy="cut or leave out one of them",
        )  # fmt: skip


def _decision(header: Header, other: Header, early: bool, duplicate: str) -> Decision:
    found = f"the same times as {_name(other)}"
    if early:
        found = f"preliminary; the final one is {_name(other)}"
    rule = "" if early else f" (duplicate: {duplicate})"
    return Decision(redact(header.address), found, LEFT_OUT + rule)


def _keys(times: xr.DataArray, early: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Number times: equal days of daily files have one number, whatever the hour."""
    days = np.asarray(times.dt.year * 10_000 + times.dt.month * 100 + times.dt.day, "int64")
    if len(np.unique(days)) * 2 > len(days):  # daily or longer steps, each at most twice
        return days
    groups = [days[early], days[~early]]
    if all(len(g) and len(np.unique(g)) == len(g) for g in groups):  # one of each a day
        return days
    return np.unique(times.values, return_inverse=True)[1].astype("int64")


def _name(header: Header) -> str:
    return os.path.basename(redact(header.address))
