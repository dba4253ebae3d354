"""Working days by the Russian production calendar: an explicit conversion, never applied behind a caller's back."""

from datetime import date, timedelta
from functools import lru_cache

import holidays


@lru_cache(maxsize=64)
def _days_off(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("RU", years=year, language="ru").keys())


@lru_cache(maxsize=64)
def _working_saturdays(year: int) -> frozenset[date]:
    calendar = (
        holidays.country_holidays("RU", years=year, categories=("workday",), language="ru") if _knows_workdays() else {}
    )
    return frozenset(calendar)


@lru_cache(maxsize=1)
def _knows_workdays() -> bool:
    return "workday" in getattr(holidays.Russia, "supported_categories", ())


def is_working_day(day: date) -> bool:
    """Is this a working day: not a weekend or a holiday, or a weekend that the calendar moved to work?"""
    if day in _working_saturdays(day.year):
        return True
    return day.weekday() < 5 and day not in _days_off(day.year)


def working_days_between(start: date, end: date) -> int:
    """Working days after ``start`` up to and including ``end``.

    Parameters
    ----------
    start, end : date
        The day of the request does not count, the day of the result does. Both in 1991–2100.

    Returns
    -------
    int
        Working days; negative never.

    Raises
    ------
    ValueError
        If ``end`` lies before ``start``.

    References
    ----------
    Labour Code of the Russian Federation, article 112; the yearly decrees that move days off come with the ``holidays`` library.
    """
    if end < start:
        raise ValueError(f"The end {end} lies before the start {start}; working days are counted forward only.")
    return sum(is_working_day(start + timedelta(days=step)) for step in range(1, (end - start).days + 1))


def add_working_days(start: date, count: int) -> date:
    """The day on which a term of ``count`` working days from ``start`` ends.

    Raises
    ------
    ValueError
        If ``count`` is negative.
    """
    if count < 0:
        raise ValueError(f"A term of {count} working days is negative.")
    day = start
    while count:
        day += timedelta(days=1)
        count -= is_working_day(day)
    return day
