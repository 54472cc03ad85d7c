"""``python -m climcube.cli``."""

from climcube.cli import app

app()
