"""The command that makes cubes of files."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from climcube.cli.arguments import Overwrite

__all__ = ["ingest"]


def ingest(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILES...",
            help="netCDF files, quoted globs, or one recipe (.yaml).",
            show_default=False,
        ),
    ],
    store: Annotated[
        str,
        typer.Argument(
            metavar="STORE",
            help="Zarr store to make; .icechunk for one with versions.",
            show_default=False,
        ),
    ],
    variable: Annotated[
        str | None, typer.Option("--variable", "-v", metavar="NAME", help="Only this variable.")
    ] = None,
    overwrite: Overwrite = False,
    append: Annotated[
        bool, typer.Option("--append", help="Add days after the store's last one.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put final days in the place of preliminary ones.")
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what it will read, write and take; write nothing.")
    ] = False,
    virtual: Annotated[
        bool, typer.Option("--virtual", help="Refer to the files instead of copying values.")
    ] = False,
    mixed: Annotated[
        bool, typer.Option("--mixed", help="With --virtual: copy the files that are cut otherwise.")
    ] = False,
    period: Annotated[
        str | None,
        typer.Option("--period", metavar="FIRST/LAST", help="Dates, for a recipe with a template."),
    ] = None,
    report: Annotated[
        str | None, typer.Option("--report", metavar="FILE", help="Write the report: .html, .json.")
    ] = None,
    catalog: Annotated[
        str | None,
        typer.Option("--catalog", metavar="FILE", help="Catalog in which the store gets an entry."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", help="Threads that read files.")
    ] = None,
) -> None:
    """Turn thousands of archive files into one verified Zarr cube.

    Packed integers stay packed, every chunk carries a checksum, and files that do not fit
    (duplicated or unordered days, changed units, grid or calendar) are refused by name.
    A run that was killed goes on where it stopped when the same command is given again.

    \b
    climcube ingest "raw/oisst-avhrr-v02r01.*.nc" sst.zarr --variable sst
    climcube ingest recipes/noaa-oisst.yaml s3://bucket/oisst.icechunk --plan
    climcube ingest new/*.nc s3://bucket/oisst.icechunk --append
    climcube ingest "raw/*.nc" oisst.icechunk --virtual
    """
    import climcube as cc

    if append + replace + plan + overwrite > 1:
        raise typer.BadParameter("only one of --append, --replace, --overwrite and --plan")
    if plan and (report or catalog):
        raise typer.BadParameter("--plan writes nothing: neither --report nor --catalog")
    sources: Any = files[0] if len(files) == 1 else files
    common: dict[str, Any] = {
        "variable": variable, "period": _period(period), "workers": workers
    }  # fmt: skip
    if plan:
        typer.echo(str(cc.plan_ingest(sources, store, **common)))
        return
    if mixed and not virtual:
        raise typer.BadParameter("--mixed goes with --virtual")
    mode = "append" if append else "replace" if replace else "new"
    common["virtual"] = "mixed" if mixed else virtual
    done = cc.ingest(
        sources, store, mode=mode, overwrite=overwrite, report=report, catalog=catalog, **common
    )
    typer.echo(str(done))


def _period(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    first, slash, last = text.partition("/")
    if not slash or not first or not last:
        raise typer.BadParameter(
            f"expected two dates with a slash between them, found {text!r}", param_hint="--period"
        )
    return first, last
