"""Names of files that follow from their dates."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass

from climcube.errors import IngestError

__all__ = ["DIGITS", "Filenames"]

# Of an ISO date, those that tell a day, a month or a year.
DIGITS = {"day": 10, "month": 7, "year": 4}

_PLACE = re.compile(r"\{([^{}]*)\}")
_DATE = re.compile(r"date:((?:%[YmdjyH]|[A-Za-z0-9_./-])+)")
_MOST = 200_000  # files


@dataclass(frozen=True)
class Filenames:
    """A template over dates.

    Parameters
    ----------
    template
        Address of a file; ``{date:%Y%m}`` stands for its date. Of the codes of ``strftime`` these
        are known: ``%Y %m %d %j %y %H``. Nothing else can stand in braces.
    period
        First and last date, ``"1981-09-01"`` or ``"1981-09"`` or ``"1981"``; with steps of months
        or years, whole ones.
    step
        ``"day"``, ``"month"`` or ``"year"``: from one file's date to the next one's.
    preliminary
        Template of files that stand in for final ones until those exist.

    Examples
    --------
    >>> names = Filenames("{date:%Y}/sst.{date:%Y%m%d}.nc", ("2000-02-28", "2000-03-01"))
    >>> [address for _, address in names.expand()]
    ['2000/sst.20000228.nc', '2000/sst.20000229.nc', '2000/sst.20000301.nc']
    """

    template: str
    period: tuple[str, str]
    step: str = "day"
    preliminary: str | None = None

    def __post_init__(self) -> None:
        for text in filter(None, (self.template, self.preliminary)):
            _require_known(text)
        first, last = self._ends()
        if last < first or (last - first).days > _MOST:
            raise IngestError(
                "the period is not one", where="key 'files.period'",
                expected=f"a first and a later last date, at most {_MOST:,} days apart",
                found=" to ".join(self.period),
            )  # fmt: skip
        start = first.replace(day=1, month=1 if self.step == "year" else first.month)
        end = last + dt.timedelta(days=1)
        if self.step != "day" and (first != start or end.day > 1 or self._cuts_a_year(end)):
            raise IngestError(
                "the period cuts a file", where="key 'files.period'",
                expected=f"whole {self.step}s, as files are", found=" to ".join(self.period),
                remedy="name the first and the last "
                + ("month: 1981-09, 1982-12" if self.step == "month" else "year: 1981, 1982")
                + "; cut the cube when it is opened: cube.sel(time=slice(...))",
            )  # fmt: skip

    def _cuts_a_year(self, end: dt.date) -> bool:
        return self.step == "year" and end.month > 1

    @property
    def span(self) -> str:
        """What a date in a name stands for: the step, or more where names tell no days."""
        codes = set(re.findall(r"%([dj]|m)", "".join(_PLACE.findall(self.template))))
        told = "day" if codes & {"d", "j"} else "month" if "m" in codes else "year"
        return min(told, self.step, key=lambda span: DIGITS[span])

    def following(self, day: dt.date) -> dt.date:
        """Return the first date after the day, month or year that a name stands for."""
        if self.span == "day":
            return day + dt.timedelta(days=1)
        if self.span == "month":
            return (day.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
        return day.replace(year=day.year + 1, month=1, day=1)

    def expand(self, template: str | None = None) -> Iterator[tuple[dt.date, str]]:
        """Yield date and address of each file of the period."""
        day, last = self._ends()
        while day <= last:
            yield day, _filled(template or self.template, day)
            if self.step == "day":
                day += dt.timedelta(days=1)
            elif self.step == "month":
                day = (day.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
            else:
                day = day.replace(year=day.year + 1, month=1, day=1)

    def _ends(self) -> tuple[dt.date, dt.date]:
        try:
            first, last = (str(end) for end in self.period)
            return _date(first, first=True), _date(last, first=False)
        except ValueError as error:
            raise IngestError(
                "the period has a date that does not exist", where="key 'files.period'",
                expected="dates as 1981-09-01", found=" to ".join(map(str, self.period)),
            ) from error  # fmt: skip


def _require_known(text: str) -> None:
    places = _PLACE.findall(text)
    strange = next((p for p in places if not _DATE.fullmatch(p)), None)
    rest = _PLACE.sub("", text)
    if not places or strange is not None or "{" in rest or "}" in rest:
        raise IngestError(
            "the template of file names is not one", where=f"key 'files.template', {text!r}",
            expected="{date:%Y%m%d}, with the codes %Y %m %d %j %y %H",
            found=f"{{{strange}}}" if strange is not None else "no date in braces",
        )  # fmt: skip


def _filled(template: str, day: dt.date) -> str:
    moment = dt.datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a date, no moment
    return _PLACE.sub(lambda place: moment.strftime(place.group(1).removeprefix("date:")), template)


def _date(text: str, *, first: bool) -> dt.date:
    """Read a date; of a month or a year take the first or the last day."""
    parts = [int(part) for part in text.split("-")]
    if len(parts) == 3:
        return dt.date(*parts)
    if len(parts) == 2:
        start = dt.date(parts[0], parts[1], 1)
        following = (start + dt.timedelta(days=32)).replace(day=1)
        return start if first else following - dt.timedelta(days=1)
    return dt.date(parts[0], 1, 1) if first else dt.date(parts[0], 12, 31)
