"""From when to when an entry says that its data reach, and how sure that is."""

from __future__ import annotations

import datetime as dt
import re

__all__ = ["Span", "asked", "is_rolling", "stated", "written"]

# First and last day as ISO text, which compares as dates do in every calendar; None: not known.
Span = tuple[str | None, str | None]
_DATE = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?(?:[T ][0-9:.]+Z?)?(?:,\s.*)?")
_ROLLING = re.compile(r"(rolling|present|ongoing|today|now)\b.*", re.IGNORECASE)


def stated(period: tuple[str, str] | None, delay_days: int | None = None) -> Span:
    """Return first and last day of the period of an entry.

    Parameters
    ----------
    period
        As the entry has it. ``rolling`` or ``present`` as its end means today, less the days by
        which the provider is behind. What is not a date is not known.
    delay_days
        Those days, where the entry states them.

    Examples
    --------
    >>> stated(("1981-09", "2020")), stated(("late 1981", "updated yearly"))
    (('1981-09-01', '2020-12-31'), (None, None))
    """
    if period is None:
        return None, None
    first, last = (text.strip() for text in period)
    if _ROLLING.fullmatch(last):
        today = dt.datetime.now(dt.UTC).date()
        return _day(first, "-01", "-01"), str(today - dt.timedelta(delay_days or 0))
    return _day(first, "-01", "-01"), _day(last, "-12", "-31")


def asked(period: tuple[str, str]) -> tuple[str, str] | None:
    """Return first and last day of a period that a user names; None where it is not one.

    >>> asked(("1991", "2020"))
    ('1991-01-01', '2020-12-31')
    """
    first, last = _day(str(period[0]), "-01", "-01"), _day(str(period[1]), "-12", "-31")
    return None if first is None or last is None or first > last else (first, last)


def is_rolling(text: str) -> bool:
    """Whether the end of a period means that data are still added.

    >>> is_rolling("rolling"), is_rolling("2020")
    (True, False)
    """
    return bool(_ROLLING.fullmatch(text.strip()))


def written(text: str) -> str | None:
    """Return a date as far as it is stated; None where it is none, or of data still growing.

    >>> written("1981-09"), written("2025, extended quarterly"), written("late 1981")
    ('1981-09', None, None)
    """
    found = _DATE.fullmatch(text.strip())
    if found is None or "," in text:
        return None
    return "-".join(part for part in found.groups() if part)


def _day(text: str, month: str, day: str) -> str | None:
    found = _DATE.fullmatch(text.strip())
    if found is None:
        return None
    year, given_month, given_day = found.groups()
    return (
        year
        + (f"-{given_month}" if given_month else month)
        + (f"-{given_day}" if given_day else day)
    )
