"""What parts of one form take: one of them is run on outlines, the others are like it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dask._task_spec import Task, TaskRef

from climcube.lift.costs import Cost, Outline, costs, outlines_in
from climcube.planning.costs.memory import peak_of, values_of
from climcube.planning.costs.outlining import Outliner
from climcube.planning.costs.parts import Part, Parts
from climcube.planning.costs.reads import Reading, Readings
from climcube.planning.tiles.nodes import Graph, Key

__all__ = ["Form", "Forms", "PartCost"]

_WRITE = "climcube-write"
_ENCODED = 2  # times a block, as it is encoded and put together


@dataclass(eq=False)
class Form:
    """What is known of all parts of a form, by way of one.

    Attributes
    ----------
    work
        By kernel: numbers that it works on, and the length of the longest series of them.
    writes
        Tasks that write.
    """

    work: Mapping[str, tuple[int, int]]
    writes: int
    _wanted: Sequence[Any]
    _given: Sequence[Any]
    _graph: Graph
    _found: Mapping[Key, tuple[Any, int]]
    _keep: set[Key]
    _peaks: dict[int, int] = field(default_factory=dict)

    def peak(self, workers: int = 1) -> int:
        """Return the bytes that are held at most while so many workers share the tasks."""
        if workers not in self._peaks:
            self._peaks[workers] = peak_of(self._graph, self._found, self._keep, workers=workers)
        return self._peaks[workers]

    def outlines(self, given: Sequence[Any]) -> list[Any]:
        """Return outlines of what is asked for in another part, which is given others."""
        old, new = outlines_in(list(self._given)), outlines_in(list(given))
        owners = {id(o.owner): n.owner for o, n in zip(old, new, strict=True)}
        return [_renewed(value, owners) for value in self._wanted]


@dataclass(frozen=True)
class PartCost:
    """What one part takes: like others of its form, and what it reads itself."""

    part: Part
    form: Form

    @property
    def tasks(self) -> int:
        """How many tasks are run, those that write among them."""
        return self.part.tasks + self.form.writes

    @property
    def peak(self) -> int:
        """Bytes that one worker needs at most."""
        return self.form.peak()

    def outlines(self, given: Mapping[Key, Any]) -> dict[Key, Any]:
        """Return outlines of what is asked for, by key, given those of what it needs."""
        own = [given[key] for key in self.part.keys if key in given]
        return dict(zip(self.part.keys, self.form.outlines(own), strict=False))

    @property
    def reads(self) -> Iterable[Reading]:
        """What is read."""
        return (reading for own in self.part.reads.values() for reading in own)


class Forms:
    """Finds out what parts of a graph take.

    Attributes
    ----------
    readings
        What they read.
    outliner
        Runs one part of each form.
    """

    def __init__(self, graph: Graph, readings: Readings, *, rehearse: bool) -> None:
        self._graph = graph
        self._parts = Parts(graph, readings)
        self._known: dict[Hashable, Form] = {}
        self.readings = readings
        self.outliner = Outliner(self._buffers, rehearse=rehearse)
        self._asked = 0

    def cost(
        self, wanted: Sequence[Key], given: Mapping[Key, Any], files: Sequence[int] | None = None
    ) -> PartCost:
        """Return what it takes to compute some keys.

        Parameters
        ----------
        wanted
            The keys, each once.
        given
            Outlines of what is there already, by key.
        files
            Bytes of a chunk of the files that each of them is written to, and let go; without
            these they are kept.
        """
        part = self._parts.of(wanted, given)
        form = (part.form, len(wanted), None if files is None else tuple(files))
        known = self._known.get(form)
        if known is None:
            known = self._known[form] = self._looked_at(part, wanted, given, files)
        return PartCost(part, known)

    def _looked_at(
        self, part: Part, wanted: Sequence[Key], given: Mapping[Key, Any], files: Any
    ) -> Form:
        graph = {key: self._graph[key] for key in part.keys if key not in given}
        keep = set(wanted)
        if files is not None:
            keep = {(_WRITE, number) for number in range(len(wanted))}
            for number, (block, chunk) in enumerate(zip(wanted, files, strict=True)):
                key: Any = (_WRITE, number)
                graph[key] = Task(key, _write, TaskRef(block), chunk)  # type: ignore[arg-type]
        self.outliner.work, self._asked = {}, 0
        found = values_of(self.outliner, graph, given)
        if self._asked != sum(map(len, part.reads.values())):  # else it would be left out silently
            self.outliner.estimated["what is read by tasks that are not known to read"] = None
        values = [found[key][0] if key in found else given[key] for key in wanted]
        own = [given[key] for key in part.keys if key in given]
        writes = len(graph.keys() - set(part.keys))
        return Form(self.outliner.work, writes, values, own, graph, found, keep)

    def _buffers(self, array: Any, index: Any) -> int | None:
        buffers = self.readings.buffers(array, index)
        self._asked += buffers is not None
        return buffers


def _write_cost(block: Any, chunk: int) -> Cost:
    """Return what it takes to write a block as one object: its chunks, and all of it, encoded."""
    size = int(getattr(block, "nbytes", 0))
    return Cost(None, _ENCODED * size + min(size, 2 * chunk))


@costs(_write_cost)
def _write(block: Any, chunk: int) -> None:
    """Stand for the task that writes a block."""


def _renewed(value: Any, owners: dict[int, Outline]) -> Any:
    """Return the same outlines, with memory of their own but for what they only look at."""
    if isinstance(value, Outline):
        twin = object.__new__(type(value))
        twin.__dict__.update(value.__dict__)
        if value.owner is value:
            return owners.setdefault(id(value), twin)
        owner = owners.get(id(value.owner))
        twin.owner = _renewed(value.owner, owners) if owner is None else owner
        return twin
    if isinstance(value, tuple | list):
        return type(value)(_renewed(part, owners) for part in value)
    if isinstance(value, dict):
        return {key: _renewed(part, owners) for key, part in value.items()}
    return value
