"""Whether tiles have room in memory, and how many of them at the same time."""

from __future__ import annotations

from climcube.planning.costs.costing import cost_of_job
from climcube.planning.fit import Fit
from climcube.planning.machine import Machine, machine_of
from climcube.planning.tiles.jobs import Job

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
    fit = _fit(job, machine)
    if fit.fits:
        return machine.workers
    if machine.processes == 1 and fit.most_workers:
        return fit.most_workers
    if fit.cost.estimated:  # nothing is refused for a guess
        return 1 if machine.processes == 1 else machine.workers
    fit.require()
    return machine.workers


def _fit(job: Job, machine: Machine) -> Fit:
    # A function of the user is not run but for the result: it may count, write, or fail.
    cost = cost_of_job(job, rehearse=False)
    return Fit(cost, machine.workers, machine.processes, machine.memory)
