"""Arguments and options that several commands share."""

from __future__ import annotations

import re
from typing import Annotated, Any, overload

import typer

__all__ = [
    "BasePeriod",
    "Catalog",
    "Group",
    "Output",
    "Overwrite",
    "Region",
    "Target",
    "Variable",
    "open_cube",
    "open_whole",
    "parse_period",
    "parse_region",
]

Target = Annotated[
    str,
    typer.Argument(
        metavar="CUBE",
        help="Catalog entry, Zarr store (folder or s3://...), netCDF file or quoted glob.",
        show_default=False,
    ),
]
Variable = Annotated[
    str | None,
    typer.Option("--variable", "-v", metavar="NAME", help="Variable, where there are several."),
]
Catalog = Annotated[
    str | None,
    typer.Option(
        "--catalog", metavar="FILE", help="Catalog to look in, instead of the shipped one."
    ),
]
Group = Annotated[
    str | None,
    typer.Option("--group", metavar="NAME", help="Group of the store, as annual of heatwaves."),
]
BasePeriod = Annotated[
    str | None,
    typer.Option(
        "--base-period",
        metavar="FIRST-LAST",
        help="Years of the climatology, both included, as 1991-2020.  [default: whole record]",
    ),
]
Region = Annotated[
    str | None,
    typer.Option(
        "--region",
        "-r",
        metavar="REGION",
        help="Name (nino34), WEST,EAST,SOUTH,NORTH, srex:MED, or a file of outlines.",
    ),
]
Output = Annotated[
    str,
    typer.Option(
        "--output",
        "-o",
        metavar="STORE",
        help="Where to write: .zarr (folder or s3://...) or .nc.",
        show_default=False,
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]


def parse_region(text: str | None) -> Any:
    """Return the edges of a box where the text is four numbers, else the text."""
    parts = [] if text is None else text.split(",")
    try:
        edges = tuple(float(part) for part in parts)
    except ValueError:
        return text
    return edges if len(edges) == 4 else text


@overload
def parse_period(text: str, option: str = ...) -> tuple[str, str]: ...
@overload
def parse_period(text: None, option: str = ...) -> None: ...
def parse_period(text: str | None, option: str = "--base-period") -> tuple[str, str] | None:
    """Return the two years of ``FIRST-LAST``."""
    if text is None:
        return None
    match = re.fullmatch(r"\s*(\d{1,4})\s*[-:,/ ]\s*(\d{1,4})\s*", text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is not two years, as in 1991-2020", param_hint=option)
    return match[1], match[2]


def open_cube(
    target: str,
    variable: str | None,
    catalog: str | None,
    *,
    layout: str | None = None,
    group: str | None = None,
) -> Any:
    """Open the one variable a command works on."""
    import climcube as cc
    from climcube.cubes.coordinates import select_variable

    cube: Any = cc.open(target, variable=variable, catalog=catalog, layout=layout, group=group)
    return cube if variable is not None else select_variable(cube, None, target)


def open_whole(
    target: str,
    variable: str | None,
    catalog: str | None,
    layout: str | None = None,
    group: str | None = None,
) -> tuple[Any, Any]:
    """Open the cube, and with it what the data set knows of its cells and times."""
    import climcube as cc
    from climcube.cubes.coordinates import helper_variables, select_variable

    whole: Any = cc.open(target, catalog=catalog, layout=layout, group=group)
    if not hasattr(whole, "data_vars"):
        return whole, whole
    cube = select_variable(whole, variable, target)
    kept = {str(cube.name), *helper_variables(whole)}
    return cube, whole.drop_vars([name for name in whole.data_vars if name not in kept])
