"""Working days by the Russian production calendar: an explicit conversion, never applied behind a caller's back."""

from datetime import date, timedelta
from functools import lru_cache

import holidays

from helpers.tables import store


@lru_cache(maxsize=64)
def _days_off(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("RU", years=year).keys())


def moved_working_days() -> frozenset[date]:
    """Weekend days that yearly decrees made working days (reference table ``moved_working_days``)."""
    return frozenset(date.fromisoformat(day) for day in store.reference("moved_working_days")["date"])


def is_working_day(day: date, moved: frozenset[date] = frozenset()) -> bool:
    """Is this a working day?

    Parameters
    ----------
    day : date
        Day asked about.
    moved : frozenset of date
        See :func:`moved_working_days`.
    """
    return day in moved or (day.weekday() < 5 and day not in _days_off(day.year))


def working_days_between(start: date, end: date, moved: frozenset[date] = frozenset()) -> int:
    """Working days after ``start`` up to and including ``end``.

    Parameters
    ----------
    start, end : date
        The day of the request does not count, the day of the result does.
    moved : frozenset of date
        See :func:`is_working_day`.

    Returns
    -------
    int
        Working days, never negative.

    Raises
    ------
    ValueError
        If ``end`` lies before ``start``.

    References
    ----------
    Labour Code of the Russian Federation, article 112; holidays and days off moved by decree come with the
    ``holidays`` library.
    """
    if end < start:
        raise ValueError(f"the end {end} lies before the start {start}; working days are counted forward only")
    return sum(is_working_day(start + timedelta(days=step), moved) for step in range(1, (end - start).days + 1))


def add_working_days(start: date, count: int, moved: frozenset[date] = frozenset()) -> date:
    """The day on which a term of ``count`` working days from ``start`` ends.

    Raises
    ------
    ValueError
        If ``count`` is negative.
    """
    if count < 0:
        raise ValueError(f"a term of {count} working days is negative")
    day = start
    while count:
        day += timedelta(days=1)
        count -= is_working_day(day, moved)
    return day
