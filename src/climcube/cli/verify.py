"""The command that verifies a store."""

from __future__ import annotations

from typing import Annotated

import typer

from climcube.cli.errors import MISTAKE

__all__ = ["verify"]


def verify(
    store: Annotated[
        str,
        typer.Argument(
            metavar="STORE",
            help="Zarr store or versioned store (folder or s3://...).",
            show_default=False,
        ),
    ],
    version: Annotated[
        str | None,
        typer.Option("--version", metavar="NAME", help="Tag, branch, snapshot or date."),
    ] = None,
    sample: Annotated[
        float | None,
        typer.Option(
            "--sample",
            metavar="SHARE",
            help="Compare the content of this share of objects, as 0.01.  [default: all]",
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the report as JSON there."),
    ] = None,
) -> None:
    """Compare every object of a store with the digests that were written with it.

    Exit code 0: all is as it was written. 1: something is missing, damaged, exchanged or was
    never written; the report names variable, object, dates and place.

    \b
    climcube verify sst.zarr
    climcube verify s3://bucket/sst.icechunk --version 2024-06-01 --sample 0.01
    """
    import climcube as cc

    report = cc.verify(store, version=version, sample=sample)
    if output is not None:
        report.to_json(output)
    typer.echo(report.to_json() if json else str(report))
    if not report.ok:
        raise typer.Exit(MISTAKE)
