"""The shape of a mergeable statistic: parts that are made anywhere and merged in time order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

__all__ = ["Reduction", "State", "placed"]

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
    stream
        Where a state is about as large as a block: ``stream(blocks, shape, start, *tables)``,
        the state of consecutive blocks that come one after the other, each read once, row by
        row, and not kept; ``shape`` is the number of their times and of their cells.
    """

    chunk: Callable[..., State]
    combine: Callable[[Sequence[State]], State]
    finalize: Callable[..., tuple[npt.NDArray[Any], ...]]
    stream: Callable[..., State] | None = None

    @classmethod
    def streaming(
        cls,
        stream: Callable[..., State],
        combine: Callable[[Sequence[State]], State],
        finalize: Callable[..., tuple[npt.NDArray[Any], ...]],
    ) -> Reduction:
        """Return the statistic of which a chunk is a stream of one block."""

        def chunk(block: npt.NDArray[Any], start: int, *tables: Any) -> State:
            return stream([block], block.shape, start, *tables)

        return cls(chunk, combine, finalize, stream)


def placed(
    blocks: Iterable[npt.NDArray[Any]],
) -> Iterator[tuple[slice, npt.NDArray[Any]]]:
    """Yield each of consecutive blocks, and where it lies in their stretch."""
    stop = 0
    for block in blocks:
        here = slice(stop, stop + len(block))
        stop = here.stop
        yield here, block
