"""The command line: each public verb of climcube as a command."""

from climcube.cli.app import app

__all__ = ["app"]
