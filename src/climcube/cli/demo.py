"""The command that shows it all: ``climcube demo``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from climcube.cli.arguments import BasePeriod, Variable, open_cube, parse_period
from climcube.errors import StoreExistsError

if TYPE_CHECKING:
    from climcube.cli.demonstration import Answers, Journal

__all__ = ["demo"]

_MARKER = ".climcube-demo"


def demo(
    folder: Annotated[
        Path, typer.Option("--folder", "-o", metavar="FOLDER", help="Where everything is written.")
    ] = Path("demo"),
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="CUBE",
            help="Your daily data (anything CUBE can be) in place of the synthetic ocean.",
        ),
    ] = None,
    years: Annotated[
        int, typer.Option("--years", min=11, max=200, help="Length of the synthetic record.")
    ] = 12,
    grid: Annotated[
        str, typer.Option("--grid", metavar="ROWSxCOLUMNS", help="Size of the synthetic ocean.")
    ] = "45x90",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the synthetic ocean.")] = 0,
    base_period: BasePeriod = None,
    variable: Variable = None,
    show: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the report in a browser.")
    ] = False,
) -> None:
    """The whole road, offline: files, cube, catalog, anomaly, trend, heatwaves, report.

    A synthetic ocean with a known trend and known heatwaves is written as more than 4,000
    daily netCDF files; what the analyses find is compared with what was planted, and the exit
    code is 1 if they do not agree. With --data the same analyses run on your data.

    \b
    climcube demo
    climcube demo --folder /tmp/ocean --open
    climcube demo --data "raw/sst_*.nc" --base-period 1983-2012
    """
    from rich.console import Console

    from climcube.cli.demonstration import Journal, publish

    period, shape = parse_period(base_period), _parse_grid(grid)
    if data is None and (period is not None or variable is not None):
        raise typer.BadParameter("--base-period and --variable are for --data")
    # A mistake in --data must not leave a folder behind.
    own = None if data is None else open_cube(data, variable, None, layout="series")
    _claim(folder)
    journal = Journal(Console(highlight=False))
    if own is None:
        cube, answers, done = _on_synthetic_ocean(folder, years, shape, seed, journal)
    else:
        cube, answers, done = own, _on_data(own, folder, period, journal), []
    title = None if data is not None else "The synthetic ocean"
    page = publish(cube, answers, folder, title, journal)
    journal.console.print(f"{journal.elapsed:6.1f} s  in all. Results are in {folder.resolve()}:")
    for path in sorted(p for p in folder.iterdir() if not p.name.startswith(".")):
        journal.console.print(f"          {path.name}", soft_wrap=True)
    if show:
        typer.launch(page.resolve().as_uri())
    if done:
        from climcube.cli.verdict import require

        require(done)


def _on_synthetic_ocean(
    folder: Path,
    years: int,
    shape: tuple[int, int],
    seed: int,
    journal: Journal,
) -> tuple[Any, Answers, list[Any]]:
    import climcube as cc
    from climcube.cli.demonstration import ENTRY, analyse, make_ocean_cube
    from climcube.cli.verdict import checks, print_scores

    with journal.step("synthetic ocean made"):
        ocean = cc.testing.synthetic_ocean(years=years, shape=shape, seed=seed)
    catalog = make_ocean_cube(ocean, folder, journal)
    cube: Any = cc.open(ENTRY, variable="sst", catalog=str(catalog), layout="series")
    answers = analyse(cube, folder, None, journal)
    trend = cc.testing.score_trend(cc.testing.planted_trend(ocean), answers.trend)
    events = cc.testing.score_events(cc.testing.planted_events(ocean), answers.events)
    done = checks(trend, events)
    print_scores(journal.console, trend, events, done)
    return cube, answers, done


def _on_data(cube: Any, folder: Path, period: tuple[str, str] | None, journal: Journal) -> Answers:
    from climcube.cli.demonstration import analyse

    answers = analyse(cube, folder, period, journal)
    cells = int((answers.trend["n"].values > 0).sum())
    journal.console.print(f"          {len(answers.events):,} events in {cells:,} cells")
    return answers


def _claim(folder: Path) -> None:
    """Make the folder, or take one that an earlier demo made: nothing else is overwritten."""
    if folder.exists() and not folder.is_dir():
        raise StoreExistsError("not a folder", where=str(folder), remedy="pass another --folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _MARKER).exists():
        raise StoreExistsError(
            "the folder holds something that climcube demo did not write",
            where=str(folder),
            remedy="pass another --folder",
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARKER).touch()


def _parse_grid(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,4})x(\d{1,4})", text)
    if match is None or "0" in match.groups():
        raise typer.BadParameter(f"{text!r} is not as 45x90", param_hint="--grid")
    return int(match[1]), int(match[2])
