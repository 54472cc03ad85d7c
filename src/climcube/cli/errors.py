"""What the command line makes of errors: one line, and an exit code that says whose turn it is."""

from __future__ import annotations

from typing import Any

import typer
import typer.core

from climcube.errors import ClimcubeError

__all__ = ["INTERRUPTED", "MISTAKE", "ErrorLines"]

MISTAKE, INTERRUPTED = 1, 130  # 2, wrong usage, is Typer's own


class ErrorLines(typer.core.TyperGroup):
    """A group of commands whose expected errors end as ``climcube: error: ...``."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; with ``--debug`` errors pass through with their traceback."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("climcube: interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            raise
        except (ClimcubeError, OSError) as error:
            if ctx.params.get("debug"):
                raise
            typer.echo(f"climcube: error: {' '.join(str(error).split())}", err=True)
            raise typer.Exit(MISTAKE) from None
