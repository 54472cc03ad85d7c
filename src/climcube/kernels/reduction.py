"""The shape of a mergeable statistic: parts that are made anywhere and merged in time order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

__all__ = ["Reduction", "State"]

State = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Reduction:
    """A mergeable statistic: three functions that agree on one kind of state.

    A state is a dict of arrays whose *last* axis is cells; the other axes must not depend on
    the values, for cells are worked on in blocks and joined again.

    Attributes
    ----------
    chunk
        ``chunk(block, start, *tables) -> state``: ``block`` is ``(times, cells)`` in the
        cube's own type and must not be written to, ``start`` the index of its first time
        on the whole axis.
    combine
        ``combine(states) -> state``: states of consecutive stretches, in time order.
    finalize
        ``finalize(state, *tables) -> arrays``: one ``(cells,)`` or ``(k, cells)`` array for each
        output.
    streams
        ``chunk`` reads its block once, row by row, and copies none of it: it may be given a
        whole block where others are given slabs of cells.
    several
        ``several(blocks, start, *tables) -> state``, where there is one: the state of
        consecutive blocks, each read once, row by row, and not copied.
    """

    chunk: Callable[..., State]
    combine: Callable[[Sequence[State]], State]
    finalize: Callable[..., tuple[npt.NDArray[Any], ...]]
    streams: bool = False
    several: Callable[..., State] | None = None
