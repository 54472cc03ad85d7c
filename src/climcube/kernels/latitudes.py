"""Where on the way from equator to pole an area lies: its middle, and its two edges."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["HEMISPHERES", "places_of_bands"]

Floats = npt.NDArray[np.float64]

HEMISPHERES = ("north", "south")


def places_of_bands(area: Floats, edges: Floats, *, shares: Floats) -> Floats:
    """Return mean distance from the equator, and that which each share of the area is within.

    Parameters
    ----------
    area
        Suitable area in each band of latitude, ``(..., bands)``; spread evenly within it.
    edges
        Southern and northern edge of each band in degrees, ``(bands, 2)``.
    shares
        Between 0 and 1.

    Returns
    -------
    ndarray
        Degrees of latitude from the equator, ``(..., hemisphere, 1 + shares)``; NaN in a
        hemisphere without area.
    """
    parts = []
    for sign in (1.0, -1.0):
        near, far = np.sort(sign * edges, axis=1).T
        order = np.argsort(near, kind="stable")
        near, far = near[order], far[order]
        height = far - near
        near, far = np.maximum(near, 0.0), np.maximum(far, 0.0)
        inside = area[..., order] * (far - near) / height
        parts.append(_places(inside, near, far, shares))
    return np.stack(parts, axis=-2)


def _places(area: Floats, near: Floats, far: Floats, shares: Floats) -> Floats:
    reached = np.cumsum(area, axis=-1)
    total = reached[..., -1]
    found = np.full((*total.shape, 1 + len(shares)), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        found[..., 0] = (area * (near + far) / 2).sum(axis=-1) / total
        for place, share in enumerate(shares, start=1):
            goal = share * total
            short = (reached < goal[..., None]) | (reached <= 0)  # share 0 begins where area does
            band = np.minimum(short.sum(axis=-1), area.shape[-1] - 1)
            own = np.take_along_axis(area, band[..., None], -1)[..., 0]
            before = np.take_along_axis(reached, band[..., None], -1)[..., 0] - own
            part = np.clip((goal - before) / own, 0.0, 1.0)
            found[..., place] = near[band] + part * (far[band] - near[band])
    found[~(total > 0)] = np.nan
    return found
