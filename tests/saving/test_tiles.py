"""The window of tiles: what is in hand, and which tile an error is of."""

from __future__ import annotations

import dask.array as da
import pytest
import xarray as xr
from dask.local import get_sync

from climcube.planning.tiles.jobs import job_of
from climcube.saving.crews import Order, local_crew
from climcube.saving.tasks import writing
from climcube.saving.tiles import compute_tiles


@pytest.mark.parametrize("number", [0, 2, 3])
def test_a_tile_that_cannot_be_started_is_the_one_that_is_named(number: int) -> None:
    """Also the last one, after which none waits."""
    job = job_of({"": xr.Dataset({"a": ("x", da.zeros(8, chunks=2) + 1)})})
    taken = []

    def order_of(tile):
        if tile.number == number:
            raise ValueError("no order")
        return Order(tile, *writing(job.graph_of(tile), tile, lambda piece, block: None))

    crew = local_crew(job, get_sync, None, 1)
    with pytest.raises(ValueError, match="no order") as caught:
        compute_tiles(job, job.tiles, crew, order_of, lambda tile, _: taken.append(tile.number))
    crew.close(shut=True)
    assert caught.value.__notes__ == [f"climcube: in tile x {2 * number}-{2 * number + 1}"]
    assert taken == list(range(number))
