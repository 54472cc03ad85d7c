"""What a lazy result costs, before it is computed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from climcube.clusters.sizes import bytes_of
from climcube.errors import ParameterError
from climcube.planning.calibration import rates
from climcube.planning.choices import Choice, choices_of
from climcube.planning.costs.costing import JobCost, cost_of_job
from climcube.planning.fit import Alternative, Fit
from climcube.planning.machine import Machine, machine_of
from climcube.planning.page import plan_html, plan_text
from climcube.planning.prices import Money, Prices, kind_of_target, money_of, prices_of
from climcube.planning.tiles.cutting import cut
from climcube.planning.tiles.files import Files
from climcube.planning.tiles.jobs import Job, job_of
from climcube.planning.tiles.layout import layout_of
from climcube.planning.tiles.prepare import Parts, check_packing, parts_of, plain_dataset
from climcube.planning.times import seconds_of
from climcube.provenance import redact

__all__ = ["Plan", "plan"]

_PACKED = 0.6  # of the bytes of floats that are left when they are compressed, usually


@dataclass(frozen=True, repr=False)
class Plan:
    """What a result takes to compute and store.

    Attributes
    ----------
    result, target
        What, and where to.
    tiles, shared, tasks
        Tiles that are evaluated one by one; results that several of them need and that are
        kept; tasks in all, of reading, computing and writing. Exact.
    requests, bytes_read, bytes_known
        Data requests to stores (without repetitions, and without metadata); bytes of them, and
        whether they are stored bytes, known from the manifest, or those of packed values.
    bytes_decoded, amplification
        Bytes of the values read; how many times those that are needed.
    workers, memory_per_worker, memory, memory_there, memory_loaded
        Tiles at the same time; bytes that one needs at most for a tile; that all need at most,
        the interpreter included; that there are (``None``: unknown); needed in all if the
        result is loaded (``result.compute()``) in place of being saved.
    bytes_result, bytes_written, files
        Of the result; as it is stored, estimated; objects that are written.
    seconds
        Estimated for this machine and local disks; ``None`` where it was not calibrated.
    money
        Of requests, and of transfer out of the region.
    fits
        Whether the memory suffices.
    choices
        What was chosen, and why.
    alternatives
        Three other ways, with their costs.
    estimated
        What could only be guessed.
    """

    result: str
    target: str | None
    tiles: int
    shared: int
    tasks: int
    requests: int
    bytes_read: int
    bytes_known: bool
    bytes_decoded: int
    amplification: float
    workers: int
    memory_per_worker: int
    memory: int
    memory_there: int | None
    memory_loaded: int
    bytes_result: int
    bytes_written: int
    files: int
    seconds: float | None
    money: Money
    fits: bool
    choices: tuple[Choice, ...]
    alternatives: tuple[Alternative, ...]
    estimated: tuple[str, ...]
    fit: Fit = field(compare=False)

    def __str__(self) -> str:
        return plan_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return plan_html(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain values (those of JSON)."""
        found = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "fit"}
        found["money"] = asdict(self.money)
        for name in ("choices", "alternatives"):
            found[name] = [asdict(one) for one in found[name]]
        return found | {"estimated": list(self.estimated)}

    def require_fit(self) -> None:
        """Raise `PlanError` unless the memory suffices."""
        self.fit.require()


def plan(
    result: Any,
    target: str | os.PathLike[str] | None = None,
    *,
    workers: int | None = None,
    memory: int | str | None = None,
    parts: tuple[str, ...] | None = None,
    encoding: Mapping[str, Mapping[str, Any]] | None = None,
    storage_options: Mapping[str, Any] | None = None,
    prices: Prices | Mapping[str, Any] | None = None,
    calibrate: bool | None = None,
) -> Plan:
    """Say what a lazy result takes, before it is computed.

    Tasks, requests, bytes, memory, time and money of `climcube.save`, which evaluates the same
    tiles. Nothing is computed, and nothing is read but the manifest of the source.

    Parameters
    ----------
    result
        Whatever `climcube.save` takes: a DataArray or Dataset, the result of
        `climcube.heatwaves` or `climcube.habitat`, a DataTree, a mapping of names to Datasets.
    target
        Where it is to be saved.
    workers
        Tiles computed at the same time; default as many as Dask would use (the threads of the
        cluster that is connected, else the cores of this machine).
    memory
        Bytes that all of them have together (``16e9``, ``"16 GB"``); default what the workers
        have, or what is free on this machine.
    parts, encoding, storage_options
        As `climcube.save` takes them.
    prices
        A table of prices (`climcube.planning.prices.Prices`, or a mapping with its names);
        default Amazon's public list for S3 Standard. Local disks cost nothing; what other
        providers take is unknown unless it is given.
    calibrate
        ``True``: measure anew how quick this machine is (about 2 s); ``False``: give no time
        where it was not measured before. Default: measure it once, and keep it in the cache
        folder of the user.

    Returns
    -------
    Plan
        Counts of tiles, tasks and requests are exact, memory is an upper bound, bytes are
        within 20 % (those written and the time are rough). ``plan.require_fit()`` raises
        where the memory does not suffice.

    Raises
    ------
    ParameterError
        The result is nothing that can be saved; or a number below one.

    Notes
    -----
    Memory: the tasks of each tile are run on arrays without values, in the order in which Dask
    runs them; kernels say what they need beside. See :doc:`/how-to/plan`.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=4, shape=(20, 40)).sst
    >>> cube = sst.chunk(lat=10, lon=20)
    >>> found = cc.plan(cc.trend(cc.annual_mean(cube)), workers=2, memory="8 GB", calibrate=False)
    >>> found.tiles, found.fits
    (4, True)
    """
    named = parts_of(result, parts)
    table = prices_of(prices)
    if workers is not None and (isinstance(workers, bool) or workers < 1):
        raise ParameterError("no workers", where=f"workers={workers!r}", expected="1 or more")
    machine = machine_of(workers, None if memory is None else bytes_of(memory))
    job, files = planned_job(named, encoding or {})
    cost = cost_of_job(job, files)
    address = None if target is None else redact(os.path.expanduser(os.fspath(target)))
    kind = None if target is None else kind_of_target(os.fspath(target), storage_options)
    return _plan(named, address, kind, cost, machine, table, calibrate)


def planned_job(
    parts: Parts, encoding: Mapping[str, Mapping[str, Any]]
) -> tuple[Job, dict[tuple[str, str], Files]]:
    """Return the tiles that a save of the same would evaluate, and the files it would write."""
    plain = {n: check_packing(plain_dataset(d), encoding) for n, d in parts.items()}
    layout = layout_of(cut(plain, encoding), encoding)
    files = {
        (group, str(name)): Files.of(layout.encoding[group].get(str(name), {}), variable)
        for group, dataset in layout.lazy.items()
        for name, variable in dataset.variables.items()
    }
    return job_of(layout.lazy), files


def _plan(
    parts: Parts,
    target: str | None,
    kind: str | None,
    cost: JobCost,
    machine: Machine,
    prices: Prices | None,
    calibrate: bool | None,
) -> Plan:
    fit = Fit(cost, machine.workers, machine.processes, machine.memory)
    known = rates(renew=bool(calibrate), measure=calibrate is not False)
    seconds = None if known is None else seconds_of(cost, known, machine.workers)
    workers = machine.workers
    moved, needed = cost.total("moved", workers), cost.needed
    return Plan(
        result=_named(parts),
        target=target,
        tiles=len(cost.tiles),
        shared=len(cost.job.shared),
        tasks=cost.tasks(workers),
        requests=cost.total("requests", workers),
        bytes_read=cost.total("stored", workers),
        bytes_known=all(reading.known for reading in cost.read(workers)),
        bytes_decoded=moved,
        amplification=moved / needed if needed else 1.0,
        workers=workers,
        memory_per_worker=cost.tile_peak,
        memory=fit.needed,
        memory_there=machine.memory,
        memory_loaded=fit.needed + 2 * cost.results,
        bytes_result=cost.results,
        bytes_written=round(_PACKED * cost.results),
        files=cost.files,
        seconds=seconds,
        money=money_of(prices, cost.by_kind(workers), kind, cost.files),
        fits=fit.fits,
        choices=choices_of(fit, seconds),
        alternatives=fit.alternatives,
        estimated=cost.estimated,
        fit=fit,
    )


def _named(parts: Parts) -> str:
    """Return the variables of a result, a few by name."""
    names = [f"{group}/{name}".strip("/") for group, d in parts.items() for name in d.data_vars]
    more = f" and {len(names) - 4} more" if len(names) > 5 else ""
    return ", ".join(names[: 4 if more else 5]) + more or "nothing"
