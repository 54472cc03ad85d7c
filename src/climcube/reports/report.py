"""One self-contained HTML page about a cube."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from climcube import provenance
from climcube.analysis.events.heatwaves import heatwaves as find_heatwaves
from climcube.cubes.calendar import BasePeriod, TimeAxis
from climcube.cubes.chunks import is_lazy, rechunk
from climcube.cubes.subject import examine, one_map_a_day
from climcube.errors import (
    CubeError,
    ParameterError,
    StoreError,
    StoreExistsError,
    require_module,
)
from climcube.plots.selection import require_heatwaves
from climcube.plots.style import CATEGORIES, palette, unit_words
from climcube.plots.words import basis_words, is_cold, kind_words, period_words
from climcube.progress import dask_progress, progress_bar
from climcube.reports import facts, words
from climcube.reports.numbers import Numbers, gather
from climcube.reports.pictures import NAMES, Picture, draw

if TYPE_CHECKING:
    from climcube.analysis.events.heatwaves import Heatwaves

__all__ = ["report"]

_TEMPLATE = "page.html.j2"
_REFERENCES = """\
Benjamini, Y. and Hochberg, Y. (1995): Controlling the false discovery rate. Journal of the \
Royal Statistical Society B 57, 289–300.
Hobday, A. J. et al. (2016): A hierarchical approach to defining marine heatwaves. Progress in \
Oceanography 141, 227–238, doi:10.1016/j.pocean.2015.12.014.
Hobday, A. J. et al. (2018): Categorizing and naming marine heatwaves. Oceanography 31(2), \
162–173, doi:10.5670/oceanog.2018.205.
Santer, B. D. et al. (2000): Statistical significance of trends and trend differences in \
layer-average atmospheric temperature time series. Journal of Geophysical Research 105, \
7337–7356, doi:10.1029/1999JD901105.
Wilks, D. S. (2016): “The stippling shows statistically significant grid points”. Bulletin of \
the American Meteorological Society 97, 2263–2273, doi:10.1175/BAMS-D-15-00267.1.
"""


def report(
    cube: xr.DataArray | xr.Dataset,
    target: str | Path = "report.html",
    *,
    base_period: BasePeriod | None = None,
    title: str | None = None,
    heatwaves: Heatwaves | None = None,
    trend: xr.Dataset | None = None,
    figures: str | Path | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> Path:
    """Write one self-contained HTML page: trends and marine heatwaves of a daily cube.

    The page holds the facts of the data set, the findings in words (area-mean trend with its
    95 % confidence limits, heatwave days then and now, the strongest event), the figures
    (area mean, trend map, share of the ocean by year and by day, the worst day, the strongest
    event and all others at its place), a table of the strongest events of ten different years,
    methods with references, and provenance. It needs no other file and no network; it follows
    the reader's light or dark setting and prints well.

    Parameters
    ----------
    cube : DataArray or Dataset
        Daily values, lazy or not, with time in one chunk where lazy; as for
        `climcube.heatwaves`. A Dataset may have one gridded variable.
    target
        The file to write; its folder is made if need be.
    base_period
        Years of the climatology; default the whole record.
    title
        Heading of the page; default what the cube holds.
    heatwaves
        Use this result of `climcube.heatwaves` on ``cube`` instead of the default one.
    trend
        Draw this map of trends (a result of `climcube.trend`) instead of that of annual means.
    figures
        Folder to write the figures to as well, as PNG files.
    overwrite
        Replace the file, and figures of the same names, if there are any.
    progress
        Show progress; default as the option ``progress`` says.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    StoreExistsError
        ``target`` or a figure exists and ``overwrite`` is not set; found before anything is
        computed.
    CubeError
        There is no value at all (land only), or what `climcube.heatwaves` raises.
    ParameterError
        ``base_period`` and ``heatwaves`` are both given.
    DependencyError
        matplotlib or jinja2 is not installed.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=6, shape=(4, 6)).sst
    >>> cc.report(sst, "report.html").name  # doctest: +SKIP
    'report.html'
    """
    path = _checked_target(target, overwrite)
    _check_figures(figures, overwrite)
    environment = _environment()
    require_module("matplotlib", "plots")
    mhw = _heatwaves_of(cube, base_period, heatwaves)
    with progress_bar("report", 3, progress) as advance:
        with dask_progress("trends and heatwaves", progress):
            numbers = gather(mhw, trend)
        _require_values(mhw, numbers)
        advance()
        with dask_progress("figures", progress):
            pictures = draw(mhw, numbers)
        advance()
        page = environment.get_template(_TEMPLATE).render(
            **_contents(mhw, numbers, pictures, title)
        )
        _write(path, page.encode("utf-8"))
        _write_figures(pictures, figures)
        advance()
    return path


def _heatwaves_of(cube: Any, base_period: BasePeriod | None, given: Heatwaves | None) -> Heatwaves:
    if given is None:
        subject = one_map_a_day(examine(cube, "report", daily=True), "report")
        # Tiles bound the memory of what follows, wherever the cube itself lies.
        lazy = subject if is_lazy(subject) else rechunk(subject, layout="series")
        return find_heatwaves(lazy, base_period=base_period)
    if base_period is None:
        require_heatwaves(given)
        return given
    raise ParameterError(
        "base_period and heatwaves are both given",
        where=f"base_period={base_period!r}",
        remedy="give base_period to cc.heatwaves(...) only",
    )


def _contents(
    mhw: Any, numbers: Numbers, pictures: list[Picture], title: str | None
) -> dict[str, Any]:
    cube, axis = mhw.cube, TimeAxis.of(mhw.cube)
    name = facts.name_of(cube)
    units = unit_words(cube.attrs.get("units"))
    kind = kind_words(mhw)
    return {
        "title": title or f"{name[:1].upper()}{name[1:]}: trends and marine {kind}s",
        "subtitle": f"{period_words(axis)}, {basis_words(mhw, axis)}",
        "kind": kind,
        "units": units,
        "palette": list(zip(CATEGORIES, palette(is_cold(mhw)), strict=True)),
        "facts": facts.describe(cube, axis),
        "findings": words.findings(mhw, numbers, axis),
        "pictures": {p.name: p for p in pictures},
        "events": words.event_table(mhw, numbers),
        "methods": words.methods(mhw, numbers, axis),
        "references": _REFERENCES.splitlines(),
        "parameters": [(k, _shown(v)) for k, v in mhw.parameters.items()],
        "sources": [sorted(s.items()) for s in facts.sources(cube)],
        "history": str(cube.attrs.get("history", ""))[:4000],
        "versions": {"python": platform.python_version(), **provenance.versions()},
    }


def _shown(value: Any) -> str:
    if isinstance(value, xr.Dataset | xr.DataArray):
        return "given by the user"
    return provenance.redact(str(value))


def _require_values(mhw: Any, numbers: Numbers) -> None:
    if np.isfinite(np.asarray(numbers.mean.values, "float64")).any():
        return
    raise CubeError(
        "there is nothing to report",
        where=f"variable {mhw.cube.name!r}",
        expected="at least one year with values",
        found="missing values only",
        remedy="select a region with ocean, or a longer record",
    )


def _environment() -> Any:
    jinja2 = require_module("jinja2", "plots")
    return jinja2.Environment(
        loader=jinja2.PackageLoader("climcube.reports", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _checked_target(target: str | Path, overwrite: bool) -> Path:
    if "://" in str(target):
        raise ParameterError(
            "a report is written to a local file",
            where=f"target={provenance.redact(str(target))!r}",
            remedy="write it locally and copy it",
        )
    path = Path(target)
    if path.is_dir():
        raise StoreExistsError(
            "the target is a folder", where=str(path), remedy="name a file, such as report.html"
        )
    if path.exists() and not overwrite:
        raise StoreExistsError(
            "the target exists already",
            where=str(path),
            remedy="pass overwrite=True or another path",
        )
    return path


def _check_figures(folder: str | Path | None, overwrite: bool) -> None:
    if folder is None:
        return
    if Path(folder).exists() and not Path(folder).is_dir():
        raise StoreExistsError(
            "the folder for figures is a file", where=str(folder), remedy="name a folder"
        )
    there = [name for n in NAMES if (Path(folder) / (name := f"{n}.png")).exists()]
    if there and not overwrite:
        raise StoreExistsError(
            "figures exist already",
            where=str(folder),
            found=", ".join(there),
            remedy="pass overwrite=True or another folder",
        )


def _write(path: Path, content: bytes) -> None:
    """Write a file that is there in full or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise StoreError(
            "the report cannot be written", where=str(path), found=str(error)
        ) from error
    finally:
        with suppress(OSError):  # mostly it was renamed away; its folder may be no folder
            part.unlink()


def _write_figures(pictures: list[Picture], folder: str | Path | None) -> None:
    if folder is None:
        return
    for picture in pictures:
        _write(Path(folder) / f"{picture.name}.png", picture.png)
