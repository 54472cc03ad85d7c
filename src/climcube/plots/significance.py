"""Where a map of tests can be believed: marks on the map, and the rule in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube import provenance
from climcube.analysis.trends.significance import fdr
from climcube.errors import CubeError, ParameterError, require_choice
from climcube.plots.geography import MapGrid
from climcube.plots.projections import projected
from climcube.plots.style import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["MARKS", "Rule", "draw_marks", "made_by", "marked", "tested_words"]

MARKS = ("stippling", "hatching")
_MAX_DOTS = 100  # along one side; more would be a grey veil
_MAX_HATCHED = 400  # boxes along one side: each is a path in a PDF
_HATCH_WIDTH = 0.5
_MADE_BY = ("trend", "quantile_trend", "change")
_TESTS = {
    ("trend", "t"): "Student's\u00a0t\u00a0test",
    ("trend", "mann_kendall"): "Mann–Kendall test",
    ("quantile_trend", "rank_score"): "rank-score test",
    ("quantile_trend", "t"): "Student's\u00a0t\u00a0test",
    ("change", None): "Welch's\u00a0t\u00a0test",
}
_MEMORIES = {
    "none": "autocorrelation not taken into account",
    "ar1": "autocorrelation taken into account",
    "ar1_uncorrected": "autocorrelation taken into account, its bias not removed",
    "hamed_rao": "autocorrelation taken into account (Hamed and Rao 1998)",
    "yue_wang": "autocorrelation taken into account (Yue and Wang 2004)",
    "pre_whitening": "autocorrelation removed before the test (pre-whitening)",
    "tfpw": "autocorrelation removed before the test (trend-free pre-whitening)",
}


@dataclass(frozen=True)
class Rule:
    """What makes a cell significant, and how that is shown.

    Attributes
    ----------
    alpha
        False discovery rate, or level of the test of each cell.
    field
        Whether ``alpha`` is a false discovery rate over all cells.
    marks
        "stippling" (dots where significant), "hatching" (where not), or None.
    """

    alpha: float
    field: bool = True
    marks: str | None = "stippling"

    def __post_init__(self) -> None:
        number = isinstance(self.alpha, int | float) and not isinstance(self.alpha, bool)
        if not number or not 0 < self.alpha < 1:
            raise ParameterError(
                "alpha out of range", where=f"alpha={self.alpha!r}",
                expected="a number between 0 and 1",
            )  # fmt: skip
        if self.marks is not None:
            require_choice("marks", self.marks, MARKS)

    @property
    def level(self) -> str:
        """The rule itself, to stand after "significant"."""
        if self.field:
            return f"at a false discovery rate of {self.alpha:g} (Benjamini–Hochberg)"
        return f"at p < {self.alpha:g} in each cell by itself"

    def significant(self, pvalue: xr.DataArray) -> xr.DataArray:
        """Return which cells of a computed field of p-values are significant."""
        if self.field:
            return fdr(pvalue, alpha=self.alpha)
        if ((pvalue < 0) | (pvalue > 1)).any():
            raise CubeError(
                "a p-value lies outside 0..1", where=f"variable {pvalue.name!r}",
                expected="probabilities, NaN where there is no test",
            )  # fmt: skip
        return pvalue < self.alpha


def marked(rule: Rule, values: xr.DataArray, pvalue: xr.DataArray) -> tuple[xr.DataArray, str]:
    """Return the cells to be marked, and the sentence that says what the marks mean.

    A cell with a value but without a test is not significant: left bare among hatched ones it
    would look as if it could be believed.
    """
    known = values.notnull()
    significant = rule.significant(pvalue) & known
    shown = significant if rule.marks == "stippling" else known & ~significant
    if not significant.any():
        text = f"no cell is significant {rule.level}"
        text += "; all are hatched" if rule.marks == "hatching" else ""
    else:
        share = _percent(float(shown.sum()) / float(known.sum()))
        what = "dots: significant" if rule.marks == "stippling" else "hatched: not significant"
        text = f"{what} {rule.level}, {share} of cells"
    if not rule.field:
        text += f" ({100 * rule.alpha:g} % of cells pass by chance where nothing changes)"
    return shown, text


def draw_marks(ax: Axes, grid: MapGrid, rule: Rule, cells: xr.DataArray) -> str:
    """Draw the marks of computed cells; return words where not each of them has its own."""
    if rule.marks == "stippling":
        return _stipple(ax, grid, cells)
    picture = np.asarray(grid.picture(grid.thin(cells)), "float64") == 1
    _hatch(ax, grid, picture)
    return ""


def _stipple(ax: Axes, grid: MapGrid, cells: xr.DataArray) -> str:
    x, y, across, thinned = grid.places(cells, _MAX_DOTS)
    x, y = projected(ax, x, y)
    size = float(np.clip(150.0 / max(across, 1.0), 1.5, 6.0))
    # The pale edge keeps dots visible on the darkest colours.
    ax.scatter(x, y, s=size, c=INK, linewidths=0.25, edgecolors="white", gid="significant")
    return "dots thinned" if thinned and x.size else ""


def _hatch(ax: Axes, grid: MapGrid, picture: npt.NDArray[np.bool_]) -> None:
    """Hatch cells as one path of boxes, each as long as its row allows: small in a PDF."""
    from matplotlib.patches import PathPatch  # optional extra
    from matplotlib.path import Path

    step = -(-max(picture.shape) // _MAX_HATCHED)
    boxes = _boxes(grid, picture, step)
    if not len(boxes):
        return
    boxes = np.stack(projected(ax, boxes[..., 0], boxes[..., 1]), axis=-1)
    boxes = boxes[np.isfinite(boxes).all(axis=(1, 2))]
    codes = np.tile(
        np.array([Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY], "uint8"), len(boxes)
    )
    # Pale edges keep the lines visible on the darkest colours.
    for colour, width in (("white", 2.0 * _HATCH_WIDTH), (INK, _HATCH_WIDTH)):
        patch = PathPatch(
            Path(boxes.reshape(-1, 2), codes), facecolor="none", edgecolor=colour, linewidth=0,
            hatch="////", alpha=0.65, gid="not significant",
        )  # fmt: skip
        patch.set_hatch_linewidth(width)
        ax.add_patch(patch)


def _boxes(grid: MapGrid, picture: npt.NDArray[np.bool_], step: int) -> npt.NDArray[np.float64]:
    """Return the corners of runs of True, (run, 5, 2); of ``step`` cells the middle one counts."""
    x, y = (np.append(e[:-1:step], e[-1]) for e in (grid.x_edges, grid.y_edges))
    few = picture[_middles(picture.shape[0], step)][:, _middles(picture.shape[1], step)]
    ends = np.diff(np.pad(few.astype("int8"), ((0, 0), (1, 1))), axis=1)
    row, first = np.nonzero(ends == 1)
    last = np.nonzero(ends == -1)[1]
    west, east, south, north = x[first], x[last], y[row], y[row + 1]
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return np.stack([np.stack(c, axis=-1) for c in corners], axis=1)


def _middles(length: int, step: int) -> npt.NDArray[np.int64]:
    return np.minimum(np.arange(0, length, step) + step // 2, length - 1)


def tested_words(result: xr.Dataset) -> str:
    """Return which test a result comes from and what it made of autocorrelation.

    From what is recorded on the result, never from a guess.
    """
    function, parameters = made_by(result)
    test = _TESTS.get((function, parameters.get("test")))
    memory = _MEMORIES.get(str(parameters.get("autocorrelation")))
    if test and memory:
        season = parameters.get("seasonal")
        within = f", pairs of the same {season} only" if season else ""
        return f"{test}{within}, {memory}"
    method = str(result.attrs.get("method", "")).strip()
    return method or "the test is not recorded with the data"


def made_by(result: xr.Dataset) -> tuple[str, Mapping[str, Any]]:
    """Return the function that fitted a result, and its parameters, if they are recorded."""
    for holder in (result, *result.data_vars.values()):
        for step in reversed(provenance.read(holder).get("steps", [])):
            if step.get("function") in _MADE_BY:
                return str(step["function"]), step.get("parameters", {})
    return "", {}


def _percent(share: float) -> str:
    percent = 100 * share
    if 0 < percent < 1:
        return "under 1 %"
    return "over 99 %" if 99 < percent < 100 else f"{percent:.0f} %"
