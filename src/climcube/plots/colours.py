"""Colours by role: absolute values sequential, anomalies and trends diverging and symmetric."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube import provenance
from climcube.errors import ParameterError
from climcube.plots.style import round_up

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.spines import Spine

__all__ = ["centre_of", "colour_bar", "diverging", "sequential"]

_DIVERGING, _SEQUENTIAL = "RdBu_r", "viridis"
# Of what these return zero means "as usual": the last step decides on the colours.
_DIFFERENCES = ("anomaly", "change", "iod", "nino34", "trend")
_NAMES = ("anomaly", "slope", "change")


def centre_of(
    cube: xr.DataArray, centre: Any = None, values: npt.NDArray[Any] | None = None
) -> float | None:
    """Return the value that colours are symmetric about; None where they are sequential.

    Without ``centre`` zero for what is a difference, by the step that made it or by its name;
    or by the metadata of its units, where ``values`` have both signs (intensities and degree
    heating weeks are differences, too, but have an end at zero).
    """
    if centre is False:
        return None
    if centre is not None and centre is not True:
        number = isinstance(centre, int | float | np.number)
        if not number or not np.isfinite(centre):
            raise ParameterError(
                "centre not understood", where=f"centre={centre!r}",
                expected="a number, or False for sequential colours",
            )  # fmt: skip
        return float(centre)
    steps = provenance.read(cube).get("steps", [])
    made_by = str(steps[-1].get("function", "")) if steps else ""
    signs = values is None or bool((values < 0).any() and (values > 0).any())
    known = (
        centre is True
        or (signs and "difference" in str(cube.attrs.get("units_metadata", "")))
        or made_by in _DIFFERENCES
        or str(cube.name) in _NAMES
    )
    return 0.0 if known else None


def diverging(values: npt.NDArray[Any], centre: float = 0.0) -> tuple[dict[str, Any], str]:
    """Return the style of colours about a value, and at which ends values lie beyond them.

    Limits are at the 98th percentile of the distances, rounded up: single cells do not pale all
    others.
    """
    away = values[np.isfinite(values)] - centre
    limit = round_up(float(np.quantile(np.abs(away), 0.98)) if away.size else 0.0)
    style = {"cmap": _DIVERGING, "vmin": centre - limit, "vmax": centre + limit}
    return style, _ends(away, -limit, limit)


def sequential(values: npt.NDArray[Any]) -> tuple[dict[str, Any], str]:
    """Return the style of colours that rise with the value: from the 1st to the 99th percentile."""
    known = np.asarray(values[np.isfinite(values)], "float64")
    low, high = (float(q) for q in np.quantile(known, (0.01, 0.99))) if known.size else (0.0, 1.0)
    step = round_up((high - low) / 20)
    if high - low <= 1e-9 * max(1.0, abs(high)):  # one value everywhere
        step = round_up(max(abs(high), 1e-9)) / 10
    low, high = float(np.floor(low / step) * step), float(np.ceil(high / step) * step)
    high = high if high > low else low + step
    return {"cmap": _SEQUENTIAL, "vmin": low, "vmax": high}, _ends(known, low, high)


def _ends(values: npt.NDArray[Any], low: float, high: float) -> str:
    """Return at which ends values lie beyond the limits of the colours."""
    near = 1e-9 * (high - low)
    below = bool(values.size and values.min() < low - near)
    above = bool(values.size and values.max() > high + near)
    return {(False, False): "neither", (True, False): "min", (False, True): "max"}.get(
        (below, above), "both"
    )


def colour_bar(
    ax: Axes, mesh: Any, box: tuple[float, float, float, float], label: str, extend: str = "neither"
) -> None:
    """Draw a colour bar into a box beside axes, in their fractions."""
    figure = ax.get_figure(root=True)
    if figure is None:  # pragma: no cover - an Axes that was removed from its figure
        return
    bar = figure.colorbar(cast("QuadMesh", mesh), cax=ax.inset_axes(box), extend=extend)
    bar.set_label(label)
    cast("Spine", bar.outline).set_linewidth(0.4)
