"""Follow the tasks below each block of a result, and see where the ways of two blocks meet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from climcube.planning.tiles.nodes import Graph, Key, is_constant, is_read, walk

__all__ = ["Place", "Sharing", "Span"]

Span = tuple[int, int]
Place = dict[tuple[str, int], Span]  # of a block, by dimension and its size

# What is read is kept for its neighbours (windows that reach into the next chunk), if it is so
# little; else each tile reads for itself, and memory does not grow with the cube.
_NEIGHBOURS = 4
_READINGS = 8


@dataclass(frozen=True)
class Sharing:
    """Which blocks are computed together, and what those that are not have in common.

    Attributes
    ----------
    groups
        Numbers of the blocks, and the shared keys that they need, of each tile. Tiles that share
        something come one after the other, so that it is not kept for long.
    keys
        All shared keys, each after those that it needs itself.
    """

    groups: list[tuple[list[int], frozenset[Key]]]
    keys: tuple[Key, ...]

    @classmethod
    def of(cls, graph: Graph, blocks: Sequence[tuple[Key, Place]]) -> Sharing:
        """Find out how blocks share the tasks of a graph."""
        meeting = _Meeting(graph, blocks)
        members = meeting.groups()
        heads = [[blocks[i][0] for i in group] for group in members]
        shared = _worth_keeping(graph, heads, frozenset(meeting.met))
        needs = [_first_met(graph, keys, shared) for keys in heads]
        return cls(
            [(members[i], needs[i]) for i in _together(needs)], _in_order(graph, needs, shared)
        )


class _Meeting:
    """Blocks that come from one task become one group, unless they lie at different places."""

    def __init__(self, graph: Graph, blocks: Sequence[tuple[Key, Place]]) -> None:
        self.graph = graph
        self.blocks = blocks
        self.leader = _Leaders(len(blocks))
        self.places = [dict(place) for _, place in blocks]
        self.owner: dict[Key, int] = {}
        self.met: set[Key] = set()

    def groups(self) -> list[list[int]]:
        """Return the blocks of each group; what groups have in common is in ``met``."""
        for number, (key, _) in enumerate(self.blocks):
            self._follow(number, key)
        return self.leader.groups()

    def _follow(self, number: int, key: Key) -> None:
        waiting = [key]
        while waiting:
            key = waiting.pop()
            node = self.graph[key]
            if is_constant(node):
                continue
            if key not in self.owner:
                self.owner[key] = number
                waiting += node.dependencies
            elif not self._united(number, self.owner[key]):
                self.met.add(key)

    def _united(self, one: int, other: int) -> bool:
        """Make one group of two, unless they differ in place along a common dimension."""
        first, second = sorted((self.leader.of(one), self.leader.of(other)))
        mine, theirs = self.places[first], self.places[second]
        if any(mine[dim] != theirs[dim] for dim in mine.keys() & theirs.keys()):
            return False
        self.leader.unite(first, second)
        self.places[first] = theirs | mine
        return True


class _Leaders:
    """Disjoint sets of numbers, each known by its smallest."""

    def __init__(self, count: int) -> None:
        self.above = list(range(count))

    def of(self, number: int) -> int:
        while self.above[number] != number:
            self.above[number] = self.above[self.above[number]]
            number = self.above[number]
        return number

    def unite(self, one: int, other: int) -> None:
        first, second = sorted((self.of(one), self.of(other)))
        self.above[second] = first

    def groups(self) -> list[list[int]]:
        """Return the members of each set, in the order of the leaders."""
        members: dict[int, list[int]] = {}
        for number in range(len(self.above)):
            members.setdefault(self.of(number), []).append(number)
        return list(members.values())


def _worth_keeping(
    graph: Graph, heads: Sequence[Sequence[Key]], met: frozenset[Key]
) -> frozenset[Key]:
    """Return those keys that are truly shared, and that are not better read again.

    Groups that met somewhere may have become one later, by another way.
    """
    tiles = [_first_met(graph, keys, met) for keys in heads]
    below = {key: _first_met(graph, graph[key].dependencies, met) for key in met}
    users: dict[Key, int] = dict.fromkeys(met, 0)
    for key in (key for needed in (*tiles, *below.values()) for key in needed):
        users[key] += 1
    reads = {key for key in met if is_read(graph[key], graph)}
    # What a shared result was made from would have to wait for the tiles that need both: of a
    # mean over time that would be the whole cube. What comes from one place is made again.
    blocks = {key for keys in heads for key in keys}
    alone = _of_one_source(graph, met, reads) - blocks
    again = {key for needed in below.values() for key in needed & alone}
    again |= {key for needed in tiles if len(needed & reads) > _READINGS for key in needed & reads}
    again |= {key for key in reads if users[key] > _NEIGHBOURS}
    return frozenset(key for key in met if users[key] > 1) - again


def _of_one_source(graph: Graph, met: frozenset[Key], reads: AbstractSet[Key]) -> set[Key]:
    """Return those keys that are made from one reading, or none, but for what is kept."""
    sources: dict[Key, set[Key]] = {}
    for key in _in_order(graph, [met], met):
        own = list(walk(graph, [key], met - {key}))
        roots = {k for k in own if not _needs_tasks(graph, k)}
        roots.update(
            source
            for k in own
            for d in graph[k].dependencies
            if d in met and d != key
            for source in sources[d]
        )
        # What has several sources is a result of its own, and is kept.
        sources[key] = roots if key in reads or len(roots) <= 1 else set()
    return {key for key, found in sources.items() if found}


def _needs_tasks(graph: Graph, key: Key) -> bool:
    return is_constant(graph[key]) or any(
        not is_constant(graph[d]) for d in graph[key].dependencies
    )


def _first_met(graph: Graph, keys: Iterable[Key], stop: frozenset[Key]) -> frozenset[Key]:
    """Return those of ``stop`` that are met first on the way down from some keys."""
    if not stop:
        return stop
    own = {key for key in keys if key in stop}
    below = {k for key in walk(graph, keys, stop) for k in graph[key].dependencies}
    return frozenset(own | (below & stop))


def _together(needs: Sequence[frozenset[Key]]) -> Iterator[int]:
    """Yield the numbers of tiles, those that share something one after the other."""
    leader = _Leaders(len(needs))
    first: dict[Key, int] = {}
    for number, needed in enumerate(needs):
        for key in needed:
            leader.unite(first.setdefault(key, number), number)
    for group in leader.groups():
        yield from group


def _in_order(
    graph: Graph, needs: Sequence[frozenset[Key]], shared: frozenset[Key]
) -> tuple[Key, ...]:
    """Return what is shared, each key after those that it needs."""
    done: dict[Key, None] = {}
    for needed in needs:
        waiting = [(key, False) for key in sorted(needed, key=str, reverse=True)]
        while waiting:
            key, ready = waiting.pop()
            if ready:
                done[key] = None
            elif key not in done:
                below = _first_met(graph, graph[key].dependencies, shared)
                waiting += [(key, True), *((k, False) for k in sorted(below, key=str))]
    return tuple(done)
