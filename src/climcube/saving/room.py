"""Whether tiles have room in memory, and how many of them at the same time."""

from __future__ import annotations

from dataclasses import replace

from climcube.planning.costs.costing import AHEAD, cost_of_job
from climcube.planning.fit import Fit
from climcube.planning.machine import Machine, machine_of
from climcube.planning.tiles.jobs import Job, Tile

__all__ = ["tiles_at_once"]


def tiles_at_once(job: Job) -> int:
    """Return how many tiles may be computed at the same time.

    Raises
    ------
    PlanError
        Not even one has room; on a cluster: not one for each thread of its workers.
    """
    machine = machine_of(None, None)
    if machine.memory is None or not job.tiles:
        return machine.workers
    fit = _fit(_sample(job, machine), machine)
    if fit.fits:
        return machine.workers
    if machine.processes == 1 and fit.most_workers:
        return fit.most_workers
    if fit.cost.estimated:  # nothing is refused for a guess
        return 1 if machine.processes == 1 else machine.workers
    _fit(job, machine).require()  # the whole is looked at, to say what else it would take
    return machine.workers


def _fit(job: Job, machine: Machine) -> Fit:
    # A function of the user is not run but for the result: it may count, write, or fail.
    cost = cost_of_job(job, rehearse=False)
    return Fit(cost, machine.workers, machine.processes, machine.memory)


def _sample(job: Job, machine: Machine) -> Job:
    """Return a job with fewer tiles that needs as much memory: one tile of each form.

    Of what is shared each tile counts, since it is kept for those that come later.
    """
    enough = AHEAD * machine.workers
    if job.shared or len(job.tiles) <= enough:
        return job
    forms: dict[object, Tile] = {}
    for tile in job.tiles:
        forms.setdefault(tuple((p.group, p.variable, p.shape) for p in tile.pieces), tile)
    kept = {tile.number: tile for tile in (*job.tiles[:enough], *forms.values())}
    return replace(job, tiles=tuple(kept[number] for number in sorted(kept)))
