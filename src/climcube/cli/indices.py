"""Commands for what a region or a reef is known by: ONI, IOD, PDO, degree heating weeks."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from climcube.cli.arguments import (
    BasePeriod,
    Catalog,
    Output,
    Overwrite,
    Target,
    Variable,
    open_whole,
    parse_period,
)

__all__ = ["dhw", "iod", "oni", "pdo"]


def oni(
    target: Target,
    output: Output,
    base_period: Annotated[
        str | None,
        typer.Option(
            "--base-period",
            metavar="FIRST-LAST",
            help="One base for all months.  [default: the moving bases of NOAA]",
            show_default=False,
        ),
    ] = None,
    decimals: Annotated[
        int | None, typer.Option("--decimals", help="Round before comparing with 0.5; NOAA: 1.")
    ] = None,
    variable: Variable = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """Oceanic Nino Index, with El Nino and La Nina episodes.

    \b
    climcube oni sst.zarr -o oni.nc
    climcube oni sst.zarr --base-period 1991-2020 --decimals 1 -o oni.nc
    """
    import climcube as cc
    from climcube.analysis.indices.nino import oni as oceanic_nino

    period = parse_period(base_period)
    cube, given = open_whole(target, variable, catalog)
    cc.save(oceanic_nino(given, base_period=period, decimals=decimals), output, overwrite=overwrite)
    typer.echo(f"Oceanic Nino Index of {cube.name!r} written to {output}")


def iod(
    target: Target,
    output: Output,
    base_period: BasePeriod = None,
    variable: Variable = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """Dipole Mode Index of the Indian Ocean, and its two poles.

    \b
    climcube iod sst.zarr --base-period 1991-2020 -o iod.nc
    """
    import climcube as cc
    from climcube.analysis.indices.iod import iod as dipole

    period = parse_period(base_period)
    cube, given = open_whole(target, variable, catalog)
    cc.save(dipole(given, base_period=period), output, overwrite=overwrite)
    typer.echo(f"Dipole Mode Index of {cube.name!r} written to {output}")


def pdo(
    target: Target,
    output: Output,
    base_period: BasePeriod = None,
    variable: Variable = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """Pacific Decadal Oscillation of a global cube: index and pattern (needs xeofs).

    \b
    climcube pdo sst.zarr --base-period 1991-2020 -o pdo.nc
    """
    import climcube as cc
    from climcube.analysis.indices.pdo import pdo as pacific

    period = parse_period(base_period)
    cube, given = open_whole(target, variable, catalog)
    cc.save(pacific(given, base_period=period), output, overwrite=overwrite)
    typer.echo(f"Pacific Decadal Oscillation of {cube.name!r} written to {output}")


def dhw(
    target: Target,
    output: Output,
    mmm: Annotated[
        str | None,
        typer.Option(
            "--mmm", metavar="CUBE", help="Maximum monthly mean: a number, or a cube with `mmm`."
        ),
    ] = None,
    base_period: Annotated[
        str,
        typer.Option("--base-period", metavar="FIRST-LAST", help="Of the cube's own MMM."),
    ] = "1985-2012",
    max_missing: Annotated[
        int, typer.Option("--max-missing", help="Days that may be missing among the 84.")
    ] = 0,
    extended_alerts: Annotated[
        bool, typer.Option("--extended-alerts", help="Alert levels 3 to 5 of 2024 as well.")
    ] = False,
    variable: Variable = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """Degree heating weeks of corals, with HotSpots and bleaching alert levels.

    \b
    climcube dhw sst.zarr -o dhw.zarr
    climcube dhw sst.zarr --mmm climatology.nc --max-missing 3 -o dhw.zarr
    """
    import climcube as cc
    from climcube.analysis.indices.heating_weeks import degree_heating_weeks

    period = parse_period(base_period)
    cube, given = open_whole(target, variable, catalog, layout="series")
    result = degree_heating_weeks(
        given, mmm=None if mmm is None else _maximum(mmm, catalog), base_period=period,
        max_missing=max_missing, extended_alerts=extended_alerts,
    )  # fmt: skip
    cc.save(result, output, overwrite=overwrite)
    typer.echo(f"degree heating weeks of {cube.name!r} written to {output}")


def _maximum(text: str, catalog: str | None) -> Any:
    """Return a maximum monthly mean that was named: a number, or the variable of a file."""
    try:
        return float(text)
    except ValueError:
        pass
    import climcube as cc

    opened: Any = cc.open(text, catalog=catalog)
    return opened["mmm"] if "mmm" in getattr(opened, "data_vars", ()) else opened
