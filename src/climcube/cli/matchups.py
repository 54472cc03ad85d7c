"""The command that lays observations beside a cube."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from climcube.cli.arguments import Catalog, Group, Overwrite, Target, Variable, open_whole

__all__ = ["matchup"]

_TABLES = (".csv", ".parquet")


def matchup(
    target: Target,
    profiles: Annotated[
        list[str],
        typer.Argument(
            metavar="OBSERVATIONS...",
            help="Argo netCDF files (or a quoted glob), .csv or .parquet tables.",
            show_default=False,
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Pairs: .csv, .parquet, .nc or .zarr.",
            show_default=False,
        ),
    ] = None,
    method: Annotated[
        str, typer.Option("--method", "-m", help="nearest, linear or nearest_valid.")
    ] = "nearest",
    distance: Annotated[
        float | None,
        typer.Option("--distance", help="To the nearest cell, in km.  [default: inside a cell]"),
    ] = None,
    time_tolerance: Annotated[
        str | None,
        typer.Option(
            "--time-tolerance", help="To the nearest time, as 12h.  [default: inside its period]"
        ),
    ] = None,
    depth_tolerance: Annotated[
        float | None,
        typer.Option(
            "--depth-tolerance",
            help="To the nearest level, in m.  [default: inside its layer; 10 without levels]",
        ),
    ] = None,
    observed: Annotated[
        str | None,
        typer.Option("--observed", metavar="NAME", help="Column observed, where it is not clear."),
    ] = None,
    units: Annotated[
        str | None, typer.Option("--units", help="Of the observations, where they do not say.")
    ] = None,
    qc: Annotated[
        str, typer.Option("--qc", metavar="FLAGS", help="Quality flags to accept, or all.")
    ] = "1,2",
    variable: Variable = None,
    catalog: Catalog = None,
    group: Group = None,
    overwrite: Overwrite = False,
) -> None:  # fmt: skip
    """Observations beside the values of a cube, and how far they are apart.

    \b
    climcube matchup sst.zarr "argo/*_prof.nc" -o pairs.csv
    climcube matchup ocean.zarr buoys.csv --method linear --time-tolerance 12h --observed temp
    """
    import climcube as cc
    from climcube.progress import dask_progress
    from climcube.stores.tables import require_table_target, write_table

    as_table = output is not None and Path(output).suffix in _TABLES
    if output is not None and as_table:  # before anything is computed
        require_table_target(output, overwrite=overwrite)
    _, given = open_whole(target, variable, catalog, group=group)
    found = cc.matchup(
        given, profiles, method=method, distance=distance, time_tolerance=time_tolerance,
        depth_tolerance=depth_tolerance, variable=observed, units=units, qc=_flags(qc),
    )  # fmt: skip
    with dask_progress("matching up"):
        found = found.compute()
    if output is not None and as_table:
        pairs = found[[n for n, v in found.data_vars.items() if v.dims]]
        write_table(pairs.to_dataframe(), output, overwrite=overwrite)
    elif output is not None:
        cc.save(found, output, overwrite=overwrite)
    typer.echo(_summary(found))
    if output is not None:
        typer.echo(f"pairs written to {output}")


def _flags(text: str) -> tuple[int, ...] | None:
    if text.strip().lower() == "all":
        return None
    parts = text.replace(",", " ").split()
    if not parts or not all(part.isdigit() for part in parts):
        raise typer.BadParameter(f"{text!r} is no list of flags, as in 1,2", param_hint="--qc")
    return tuple(int(part) for part in parts)


def _summary(found: Any) -> str:
    unit = str(found.bias.attrs.get("units", "")).strip()
    numbers = [
        f"{name} {float(found[name]):.4g} {unit}".rstrip() for name in ("bias", "rmse", "stdev")
    ]
    pairs = f"{int(found.n)} pairs of {found.sizes['obs']} observations"
    return ", ".join([pairs, *numbers, f"correlation {float(found.correlation):.3f}"])
