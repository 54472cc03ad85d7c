"""Which Dask client is at work: the one question that everything asks in the same way."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dask.base import get_scheduler

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["current_client"]


def current_client() -> Client | None:
    """Return the client whose workers Dask would use now; ``None`` where it would use none.

    A client may be connected and yet others be told to compute
    (``dask.config.set(scheduler="threads")``): then it is not at work.

    Examples
    --------
    >>> current_client() is None
    True
    """
    distributed = sys.modules.get("distributed")  # whoever has a client has imported it
    if distributed is None:
        return None
    client = getattr(get_scheduler(), "__self__", None)
    return client if isinstance(client, distributed.Client) else None
