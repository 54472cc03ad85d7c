"""How long a job takes, from what this machine was seen to do."""

from __future__ import annotations

from climcube.planning.calibration import Rates
from climcube.planning.costs.costing import JobCost

__all__ = ["seconds_of"]

_TASK = 0.5e-3  # seconds that Dask needs for one
_TILE = 5e-3


def seconds_of(cost: JobCost, rates: Rates, workers: int) -> float:
    """Return seconds on local disks; the work of tiles is shared evenly by the workers."""
    work = cost.total("moved", workers) / rates.read + cost.results / rates.write
    for reference, (numbers, length) in cost.work.items():
        work += numbers * _weight(reference, length) / _rate(reference, rates)
    busy = min(workers, max(1, len(cost.tiles)))
    return work / busy + cost.tasks(workers) * _TASK + len(cost.runs(workers)) * _TILE


# How many times longer than the kernel of the calibration others take for a number: rough guesses,
# which is why a plan says "about".
_SLOWER = {
    "heatwave": 6.0, "complete": 6.0, "percentile": 5.0, "quantile": 40.0, "group_percentiles": 5.0,
    "rolling": 2.0, "criterion": 2.0,
}  # fmt: skip
_QUADRATIC = ("theil_sen", "mann_kendall", "rank_trend")  # in the length of the series
_OF_LENGTH = 1 / 60


def _weight(reference: str, length: int) -> float:
    module = reference.partition(":")[0].rpartition(".")[2]
    if module in _QUADRATIC:
        return max(1.0, length * _OF_LENGTH)
    return next((times for name, times in _SLOWER.items() if name in module), 1.0)


def _rate(reference: str, rates: Rates) -> float:
    name = reference.partition(":")[2]
    return rates.mergeable if name.isupper() or "sums" in name else rates.series
