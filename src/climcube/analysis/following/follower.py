"""The state that `climcube.heatwave_state` returns: it follows a record day by day."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from climcube.analysis.following.changes import HeatwaveChanges
from climcube.analysis.following.new_days import new_days_of, recent_days
from climcube.analysis.following.results import Results
from climcube.analysis.following.snapshot import Snapshot, loaded, merge, settle
from climcube.analysis.following.store import StateStore
from climcube.errors import ParameterError, StoreExistsError
from climcube.provenance import redact
from climcube.stores.addresses import address_of, lasting

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HeatwaveState"]

_KEEP = 5  # generations of a store
_PARAMETERS = (
    "base_period",
    "percentile",
    "window",
    "smooth",
    "min_duration",
    "max_gap",
    "max_pad",
    "cold",
    "compat",
)


class HeatwaveState:
    """The heatwaves of a record that goes on; made by `climcube.heatwave_state`.

    Lives in memory, or in a store once it was opened from there. `update` changes it where it
    lives, entirely or not at all.
    """

    def __init__(self, snapshot: Snapshot, *, given_climatology: bool = False) -> None:
        self._store: StateStore | None = None
        self._copies: dict[str, tuple[StateStore, int]] = {}  # where it was saved, and which
        self._identity = uuid.uuid4().hex
        self._generation = self._newest = 1
        self._keep = _KEEP
        self._given_climatology = given_climatology
        self._take(snapshot)

    @classmethod
    def stored(
        cls, address: str, options: Mapping[str, Any] | None, generation: int | None
    ) -> HeatwaveState:
        """Return the state that lives at an address; see `climcube.open_heatwave_state`."""
        store = StateStore(address, options)
        snapshot, document = store.read(generation)
        state = cls(snapshot, given_climatology=document["given_climatology"])
        state._store, state._identity = store, document["state"]
        state._generation, state._keep = document["generation"], document["keep"]
        state._newest = max(store.generations.numbers())
        return state

    def load(self) -> HeatwaveState:
        """Bring the state into memory, in one go; from then on it lives there."""
        self._take(loaded(self._snapshot))
        if self._store is not None:
            self._copies[self._store.generations.address] = self._store, self._generation
        self._store = None
        return self

    def _take(self, snapshot: Snapshot) -> None:
        definition = snapshot.definition.as_parameters()
        known = {n: definition[n] for n in _PARAMETERS if definition[n] is not None}
        if self._given_climatology:
            known["climatology"] = "given"
        limits = {n: v for n, v in snapshot.limits.items() if v is not None and v is not False}
        if not limits.get("ice"):
            limits.pop("max_ice", None)
        self._snapshot = snapshot
        self._results = Results(snapshot, known | limits | {"revisable": snapshot.revisable})

    @property
    def climatology(self) -> xr.Dataset:
        """Seasonal climatology and threshold by day of year; they never change."""
        return self._results.climatology

    @property
    def annual(self) -> xr.Dataset:
        """Metrics of every calendar year, as ``cc.heatwaves(...).annual`` of the whole record."""
        return self._results.annual

    @property
    def daily(self) -> xr.Dataset:
        """Anomaly, severity, category, event of the last days: ``revisable`` and one more."""
        return self._results.daily

    @property
    def generation(self) -> int:
        """Number of this version of the state: 1 when it was made, more with each update."""
        return self._generation

    @property
    def generations(self) -> list[int]:
        """Generations that can be opened: those in the store, or this one in memory."""
        if self._store is None:
            return [self._generation]
        return self._store.generations.numbers()

    @property
    def name(self) -> Any:
        """Name of the variable."""
        return self._snapshot.window.name

    @property
    def revisable(self) -> int:
        """Days at the end of the record that an update may replace."""
        return self._snapshot.revisable

    @property
    def first_day(self) -> str:
        """ISO date of the record's first day."""
        return self._snapshot.axis.label(0)

    @property
    def last_day(self) -> str:
        """ISO date of the record's last day."""
        return self._snapshot.axis.label(len(self._snapshot.axis) - 1)

    def category(self, date: Any = None) -> xr.DataArray:
        """Return the category of every cell on one day, as it is known now.

        Parameters
        ----------
        date
            One of the days in ``daily``, as ``"2016-02-03"`` or a date; default the last.
        """
        return self._results.category(date)

    def events(
        self, path: str | Path | None = None, *, overwrite: bool = False
    ) -> pd.DataFrame | Path:
        """List the events of the whole record, as ``cc.heatwaves(...).events`` does."""
        return self._results.events(path, overwrite=overwrite)

    def update(self, new_days: Any, *, ice: xr.DataArray | None = None) -> HeatwaveChanges:
        """Take new days, and days that replace earlier ones.

        Parameters
        ----------
        new_days
            The same variable on the same grid: days after the record, in order, and any of its
            last ``revisable`` days, whose values they replace. Days may be absent, as in a
            record. None at all (`recent` on a day without news) leaves the state as it is, and
            its generation.
        ice
            Ice on these days, where the state was made with ``ice``.

        Returns
        -------
        HeatwaveChanges
            ``table`` lists which cells entered, rose in, fell in or left a category on each of
            these days, ``counts`` counts them; both are computed when they are asked for.

        Raises
        ------
        AxisError
            Days out of order or twice, before the record, or older than what may be replaced.
        VariableError, UnitsError, CalendarError, CubeError
            Another variable, units, calendar, type, grid or packing than the record's.
        StoreError
            The store cannot be written, or another process has updated it since it was opened.

        Notes
        -----
        Whatever is raised, the state is as it was before. A state in a store is the new
        generation when this returns.
        """
        before = self._snapshot
        if self._store is not None:
            self._store.generations.require_newest(self._newest)
        self._require_ice(ice)
        new = new_days_of(new_days, before, ice)
        if new is None:
            return HeatwaveChanges([], [], before, np.empty(0, "int64"))
        merged, samples = merge(before, new)
        after = settle(merged)
        number = self._newest + 1
        if self._store is not None:
            self._store.publish(after, number, self._facts(number), self._keep)
            after, _ = self._store.read(number)
        self._generation = self._newest = number
        self._take(after)
        known = np.isin(merged.axis.ordinal[samples], before.axis.ordinal)
        labels = [merged.axis.label(int(i)) for i in samples]
        return HeatwaveChanges(
            [day for day, old in zip(labels, known, strict=True) if not old],
            [day for day, old in zip(labels, known, strict=True) if old],
            merged,
            samples,
        )

    def recent(self, record: xr.DataArray) -> xr.DataArray:
        """Return the days of a longer record that `update` is to take.

        Days after the state's last one, and those of its last ``revisable`` days whose values
        differ from what the state has: final ones in place of preliminary ones, say. None at
        all, where there is nothing new. In a state made with ``ice``, days with ice always
        differ.

        Examples
        --------
        >>> import climcube as cc
        >>> sst = cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst
        >>> state = cc.heatwave_state(sst[:1459])
        >>> state.recent(sst).sizes["time"]
        2
        """
        return recent_days(record, self._snapshot)

    def save(
        self,
        target: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        keep: int = _KEEP,
        storage_options: Mapping[str, Any] | None = None,
    ) -> str:
        """Put the state into a store, as a generation of it.

        A state that is saved again to the same store becomes its next generation; earlier ones
        can be opened until there are more than ``keep``. A generation appears when it is
        complete: if the process dies, the store is what it was.

        Parameters
        ----------
        target
            A folder or an address (``s3://...``). Folders above it are made.
        overwrite
            Replace another state, or generations that another process has added since.
        keep
            Number of generations kept, at least 2.
        storage_options
            For the file system, as fsspec takes them.

        Returns
        -------
        str
            The target, without credentials; `climcube.open_heatwave_state` takes it.

        Raises
        ------
        StoreExistsError
            Something else is there, and ``overwrite`` is not set (a folder that is no state is
            never replaced).
        StoreError
            The target cannot be written.
        """
        if isinstance(keep, bool) or not isinstance(keep, int) or keep < 2:
            raise ParameterError(
                "keep out of range", where=f"keep={keep!r}", expected="a whole number, at least 2"
            )
        address = lasting(address_of(target))
        if self._store is not None and self._store.generations.address == address:
            return redact(address)
        store, saved = self._copies.get(address, (StateStore(address, storage_options), 0))
        if saved == self._generation:
            return redact(address)
        number = self._number_in(store, overwrite)
        store.publish(self._snapshot, number, {**self._facts(number), "keep": keep}, keep)
        if number != self._generation:
            self._generation = self._newest = number
        self._copies[address] = store, number
        return redact(address)

    def _number_in(self, store: StateStore, overwrite: bool) -> int:
        """Return the number that this state takes in a store, or say what is in its place."""
        numbers = store.generations.numbers()
        if not numbers:
            store.generations.require_free()
            return self._generation
        same = store.generations.read()["state"] == self._identity
        if same and numbers[-1] < self._generation:
            return self._generation
        if not overwrite:
            raise StoreExistsError(
                "the store has generations that this state does not know"
                if same
                else "the target holds another state",
                where=store.generations.where,
                remedy="pass overwrite=True to put this state in its place, or another target",
            )
        return max(numbers[-1], self._generation) + 1

    def _facts(self, number: int) -> dict[str, Any]:
        """Return what a generation says of itself."""
        return {
            "state": self._identity,
            "generation": number,
            "parent": self._generation if number > 1 else None,
            "keep": self._keep,
            "given_climatology": self._given_climatology,
        }

    def _require_ice(self, ice: Any) -> None:
        masked = bool(self._snapshot.limits.get("ice"))
        if masked and ice is None:
            raise ParameterError(
                "the record is without ice, the new days are not", where="ice=None",
                remedy="pass the ice of the new days: update(new_days, ice=...)",
            )  # fmt: skip
        if ice is not None and not masked:
            raise ParameterError(
                "the record was not freed of ice, so new days are not either", where="ice=",
                remedy="make the state with ice=",
            )  # fmt: skip

    def __repr__(self) -> str:
        state = self._snapshot
        cells = ", ".join(f"{d}: {n}" for d, n in state.window.sizes.items() if d != state.time)
        kind = "cold spells" if state.definition.cold else "heatwaves"
        place = "in memory" if self._store is None else f"in {self._store.generations.where}"
        options = ", ".join(f"{k}={v!r}" for k, v in self._results.parameters.items())
        return (
            f"<climcube.HeatwaveState: marine {kind} of {state.window.name!r} ({cells}), "
            f"{self.first_day} to {self.last_day}, generation {self._generation} {place}>\n"
            f"  {options}\n"
            "  .update(new_days)  take new days; says which cells changed category\n"
            "  .annual  .daily  .category(date)  .events()  .climatology\n"
            "  .save(target)"
        )

    def _repr_html_(self) -> str:
        from climcube.analysis.pages import state_html  # noqa: PLC0415 - in notebooks only

        place = "in memory" if self._store is None else f"in {self._store.generations.where}"
        state = self._snapshot
        cells = {d: n for d, n in state.window.sizes.items() if d != state.time}
        return state_html(self, place, cells, self._results.parameters)
