"""Client, scheduler and workers must run the same packages: what differs is told before work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import distributed.versions
from distributed import Client

from climcube.errors import ClusterError

__all__ = ["Packages", "differing", "of_cluster", "of_this_process", "require_same"]

# By name of the package: its version, None where it is missing.
Packages = Mapping[str, str | None]

# Tasks, results or numbers pass through all of these.
_NEEDED = (
    "climcube", "cloudpickle", "dask", "distributed", "numba", "numpy", "pandas", "s3fs", "xarray",
    "zarr",
)  # fmt: skip
# Whoever lacks one of these is told so by the task that needs it.
_OPTIONAL = ("icechunk", "obstore")
_SHOWN = 4


def of_this_process() -> Packages:
    """Return the versions that count, as this process has them."""
    return _counted(distributed.versions.get_versions(packages=[*_NEEDED, *_OPTIONAL]))


def of_cluster(client: Client) -> dict[str, Packages]:
    """Return the versions of the scheduler and of each worker, by who has them.

    They are asked for in Dask's own words, nothing is unpickled there: an answer comes also from
    a worker without climcube, or with another Python.
    """
    told: Any = client.get_versions(packages=[*_NEEDED, *_OPTIONAL])
    workers = {f"worker {address}": _counted(info) for address, info in told["workers"].items()}
    return {"scheduler": _counted(told["scheduler"]), **workers}


def require_same(here: Packages, others: Mapping[str, Packages]) -> None:
    """Raise `ClusterError` where anybody's packages are not those of this process."""
    found: dict[str, Counter[str]] = {}
    for who, packages in others.items():
        for package in differing(here, packages):
            text = f"{packages.get(package) or 'missing'} on {_kind(who)}"
            found.setdefault(package, Counter())[text] += 1
    if not found:
        return
    concerned = [name for name, packages in others.items() if differing(here, packages)]
    shown = [
        f"{package} {told}" + (f" ({number} of them)" if number > 1 else "")
        for package, counts in found.items()
        for told, number in counts.items()
    ]
    raise ClusterError(
        "the packages of the cluster are not those of this process", where=_few(concerned),
        expected=_few([f"{package} {here.get(package) or 'missing'}" for package in found], 8),
        found=_few(shown, 8),
        remedy="give client, scheduler and workers one environment or image; "
        "check_versions=False goes on at your own risk",
    )  # fmt: skip


def differing(here: Packages, there: Packages) -> list[str]:
    """Return the names of the packages that differ and must not.

    >>> differing({"numpy": "2.5.0", "icechunk": "2.3"}, {"numpy": "2.4.1", "icechunk": None})
    ['numpy']
    """
    return [
        name
        for name, version in here.items()
        if name in there
        and there[name] != version
        and (name not in _OPTIONAL or None not in (there[name], version))
    ]


def _counted(told: Mapping[str, Any]) -> dict[str, str | None]:
    packages = told["packages"]
    python = ".".join(str(packages["python"]).split(".")[:2])
    return {"python": python} | {name: packages.get(name) for name in (*_NEEDED, *_OPTIONAL)}


def _kind(who: str) -> str:
    return "a worker" if who.startswith("worker") else f"the {who}"


def _few(texts: Iterable[str], most: int = _SHOWN) -> str:
    listed = list(texts)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
