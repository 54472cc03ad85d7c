"""Every function that leaves a step in a result's provenance, with the words for it."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from climcube.reports.methods.averages import AVERAGES
from climcube.reports.methods.oceans import OCEANS
from climcube.reports.methods.trends import TRENDS
from climcube.reports.methods.words import Method

__all__ = ["METHODS"]

#: By the name that a step has in the provenance.
METHODS: MappingProxyType[str, Callable[[Any], Method]] = MappingProxyType(
    {**AVERAGES, **OCEANS, **TRENDS}
)
