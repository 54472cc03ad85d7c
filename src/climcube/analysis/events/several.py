"""Marine heatwaves under several definitions, the data read once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from climcube.analysis.events.results import Heatwaves
from climcube.errors import ParameterError, suggest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HeatwaveSet"]

_DIM = "definition"


@dataclass(frozen=True, repr=False)
class HeatwaveSet(Heatwaves):
    """Results of several definitions, stacked along a dimension ``definition``.

    Its parts are those of `Heatwaves`, each with that dimension; the event table has a column
    of that name. ``mhw["percentile=95"]`` is one definition's own `Heatwaves`. Members share
    the tasks that read the cube: computing them together reads each tile once.
    """

    members: dict[str, Heatwaves] = field(default_factory=dict)
    varying: dict[str, list[Any]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, found: list[tuple[dict[str, Any], Heatwaves]], parameters: dict[str, Any]
    ) -> HeatwaveSet:
        """Put results together, each with what is particular to its definition."""
        members = {_label(own): result for own, result in found}
        if len(members) < len(found):
            raise ParameterError(
                "two definitions are the same", found=", ".join(_label(own) for own, _ in found)
            )
        varying = {name: _values([own[name] for own, _ in found]) for name in found[0][0]}
        first = found[0][1]
        return cls(
            first.subject, first.definition, first.source, parameters, first.inputs, first.group,
            first.second, members, varying,
        )  # fmt: skip

    def __getitem__(self, label: str) -> Heatwaves:
        if label not in self.members:
            raise ParameterError(
                "no such definition", where=f"mhw[{label!r}]", remedy=suggest(label, self.members)
            )
        return self.members[label]

    def __iter__(self) -> Iterator[str]:
        return iter(self.members)

    def __len__(self) -> int:
        return len(self.members)

    @cached_property
    def climatology(self) -> xr.Dataset:
        """Seasonal climatology and threshold by day of year and definition."""
        return self._stack(lambda member: member.climatology)

    @cached_property
    def daily(self) -> xr.Dataset:
        """Anomaly, severity, category and event number of every day by definition."""
        return self._stack(lambda member: member.daily)

    @cached_property
    def annual(self) -> xr.Dataset:
        """Metrics of every calendar year by definition."""
        return self._stack(lambda member: member.annual)

    def events(
        self, path: str | Path | None = None, *, overwrite: bool = False
    ) -> pd.DataFrame | Path:
        """List the events of every cell and definition; see `Heatwaves.events`."""
        from climcube.analysis.events.table import event_table  # noqa: PLC0415 - pandas on demand

        sources = {label: member.event_source() for label, member in self.members.items()}
        return event_table(sources, path, overwrite=overwrite)

    def to_datasets(self) -> Iterator[tuple[str, xr.Dataset]]:
        """Yield name and Dataset of the results that `climcube.save` writes as groups."""
        members = [dict(member.to_datasets()) for member in self._plain_members]
        for name in ("climatology", "annual", "daily"):
            yield name, self._stacked([parts[name] for parts in members])

    def __repr__(self) -> str:
        return f"{super().__repr__()}\n  by definition: {'; '.join(self.members)}"

    def _stack(self, part: Callable[[Heatwaves], xr.Dataset]) -> xr.Dataset:
        return self._stacked([part(member) for member in self._plain_members])

    @cached_property
    def _plain_members(self) -> list[Heatwaves]:
        """Members that return plain values: quantities are made once all are stacked."""
        return [
            replace(member, subject=replace(member.subject, quantified=False))
            for member in self.members.values()
        ]

    def _stacked(self, plain: list[xr.Dataset]) -> xr.Dataset:
        stacked = xr.concat(
            plain, _DIM, data_vars="all", coords="minimal", compat="override", join="exact",
            combine_attrs="drop_conflicts",
        )  # fmt: skip
        described = {name: (_DIM, values) for name, values in self.varying.items()}
        return self._finish(stacked.assign_coords({_DIM: list(self.members), **described}))


def _label(own: dict[str, Any]) -> str:
    return ", ".join(f"{name}={_text(value)}" for name, value in own.items())


def _values(values: list[Any]) -> list[Any]:
    """Return what a coordinate can hold: numbers, or the text of all."""
    return values if all(isinstance(v, int | float) for v in values) else list(map(_text, values))


def _text(value: Any) -> str:
    return "-".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
