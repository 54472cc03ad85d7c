"""Is what the catalog says still so? Every address is asked, at once and within one deadline."""

from __future__ import annotations

import datetime as dt
import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from climcube.catalogs.diagnosis import Facts, differences, facts_stored, lateness
from climcube.catalogs.entry import OPENABLE, Address, Entry
from climcube.catalogs.findings import CheckReport, Finding, replacements
from climcube.errors import ClimcubeError, StoreNotFoundError
from climcube.provenance import redact
from climcube.stores.addresses import is_remote
from climcube.stores.files.netcdf import open_netcdf, open_opendap
from climcube.stores.filesystems import file_system, open_file, reporting
from climcube.stores.redirects import staying
from climcube.stores.zarrs import open_zarr

__all__ = ["check_entries"]

_Job = tuple[Entry, Address]
_GLOB = frozenset("*?[")


def check_entries(
    entries: Iterable[Entry],
    *,
    deadline: float,
    threads: int,
    storage_options: Mapping[str, Any] | None = None,
    retired: Sequence[Mapping[str, str]] = (),
    today: dt.date | None = None,
) -> CheckReport:
    """Ask every address of these entries, and compare; see `Catalog.check`."""
    jobs = [(entry, address) for entry in entries for address in entry.addresses]
    now = today or dt.datetime.now(dt.UTC).date()
    options = dict(storage_options or {})
    findings = _run(jobs, lambda job: _ask(job, options, deadline, now), deadline, threads)
    return CheckReport(tuple(findings), replacements(jobs, findings, retired), str(now))


def _run(
    jobs: list[_Job], ask: Callable[[_Job], Finding], deadline: float, threads: int
) -> list[Finding]:
    """Ask in threads that nobody waits for longer than the deadline: an answer may never come."""
    _import_readers()
    numbers: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(len(jobs)):
        numbers.put(number)
    begun, answers = set[int](), dict[int, Finding]()

    def work() -> None:
        while True:
            try:
                number = numbers.get_nowait()
            except queue.Empty:
                return
            begun.add(number)
            answers[number] = ask(jobs[number])

    end = time.monotonic() + deadline
    workers = [
        threading.Thread(target=work, name=f"climcube-doctor-{n}", daemon=True)
        for n in range(min(threads, len(jobs)))
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(max(0.0, end - time.monotonic()))
    known, started = dict(answers), set(begun)
    for _ in itertools.takewhile(lambda _: not numbers.empty(), itertools.count()):
        numbers.get_nowait()  # what has not begun is not begun any more
    return [known.get(n) or _silent(job, n in started, deadline) for n, job in enumerate(jobs)]


def _import_readers() -> None:
    # Imported by many threads at once, zarr is found half imported, and a good store dead.
    import xarray as xr
    import zarr  # noqa: F401

    xr.backends.list_engines()


def _silent(job: _Job, begun: bool, deadline: float) -> Finding:
    if begun:
        return _finding(job, "dead", notes=(f"no answer within {deadline:g} s",))
    return _finding(job, "not checked", notes=(f"the {deadline:g} s were over before its turn",))


def _ask(job: _Job, options: Mapping[str, Any], deadline: float, today: dt.date) -> Finding:
    entry, address = job
    given = staying(address.url, {**address.storage_options, **options})
    if address.url.startswith("s3://"):
        given.setdefault("deadline", deadline)
    clock = time.monotonic()
    try:
        if address.format not in OPENABLE:
            return _knock(job, given)
        facts, remark = _facts(address, given)
    # Whatever an unknown server provokes in whatever library is a finding, not an end.
    except Exception as error:  # noqa: BLE001
        return _finding(job, "dead", notes=(_reason(error),))
    seconds = time.monotonic() - clock
    changed = tuple(differences(entry, address, facts))
    period = facts.get("period") or {}
    late, age = lateness(entry, period.get("end"), today)
    state = "changed" if changed else "late" if late else "good"
    notes = tuple(note for note in (*changed, age, remark) if note)
    return _finding(job, state, seconds, period.get("start"), period.get("end"), notes)


def _facts(address: Address, options: dict[str, Any]) -> tuple[Facts, str]:
    """Open the metadata of one address; of many files, of the one whose name comes last."""
    url, remark = address.url, ""
    if address.format == "netcdf" and _GLOB & set(url):
        with reporting("cannot list", url):
            system, path = file_system(url, options)
            names = sorted(system.glob(path))
            if not names:
                raise StoreNotFoundError("no file matches", where=redact(url))
            url = system.unstrip_protocol(names[-1]) if is_remote(url) else names[-1]
            remark = f"looked at the last of {len(names)} files only"
    if address.format == "opendap":
        raw = open_opendap(url, options, address.group)
    elif address.format == "netcdf":
        raw = open_netcdf(url, options, address.group)
    else:
        versioned = True if address.format == "icechunk" else None
        raw = open_zarr(url, options, address.group, address.version, versioned=versioned)
    with raw:
        facts = dict(facts_stored(raw))
    if remark:
        facts.pop("period", None)  # of one file, not of all
    return facts, remark


def _knock(job: _Job, options: dict[str, Any]) -> Finding:
    """Ask whether there is anything at an address that climcube does not open."""
    _, address = job
    if address.format == "toolbox" or "%" in address.url:
        return _finding(job, "not checked", notes=(f"{address.format}: no single address to ask",))
    clock = time.monotonic()
    with reporting("does not answer", address.url):
        if address.url.startswith(("http://", "https://")):
            with open_file(address.url, {**options, "block_size": 0}) as stream:
                stream.read(1)
        else:
            _require_something(address.url, options)
    note = f"it answers; {address.format} is not opened by climcube"
    return _finding(job, "good", time.monotonic() - clock, notes=(note,))


def _require_something(url: str, options: dict[str, Any]) -> None:
    system, path = file_system(url, options)
    if not url.startswith("s3://"):
        system.info(path)
        return
    # `exists` takes a silent store for an empty one.
    bucket, _, prefix = str(path).partition("/")
    request = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": 1}
    if not system.call_s3("list_objects_v2", **request).get("KeyCount"):
        raise StoreNotFoundError("nothing there", where=redact(url))


def _finding(
    job: _Job,
    state: str,
    seconds: float | None = None,
    first: str | None = None,
    last: str | None = None,
    notes: tuple[str, ...] = (),
) -> Finding:
    entry, address = job
    return Finding(
        entry.id, address.name, redact(address.url), state,
        None if seconds is None else round(seconds, 3), first, last, notes,
    )  # fmt: skip


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    if not isinstance(error, ClimcubeError):
        return redact(f"{type(error).__name__}: {text}")
    # fsspec says of a host that it cannot reach that the file is not there.
    seen: BaseException | None = error
    while seen is not None and not type(seen).__name__.startswith("Client"):
        seen = seen.__cause__ or seen.__context__
    return text if seen is None else redact(f"{text}: {' '.join(str(seen).split())}")
