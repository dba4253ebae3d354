"""Period text: ``2024``, ``2024-H1``, ``2024-Q3``, ``2024-06``; one grammar for tables, parameters and file names."""

import re
from dataclasses import dataclass

PATTERN = re.compile(r"(?P<year>\d{4})(?:-(?P<kind>[HQ])(?P<part>[1-4])|-(?P<month>0[1-9]|1[0-2]))?")
_MONTHS = {"year": 12, "half": 6, "quarter": 3, "month": 1}


@dataclass(frozen=True, order=False)
class Period:
    """One period of time.

    Attributes
    ----------
    year : int
    kind : str
        ``year``, ``half``, ``quarter`` or ``month``.
    number : int
        1-based number inside the year (1 for a year).
    """

    year: int
    kind: str
    number: int

    def __str__(self) -> str:
        """Period text as tables hold it."""
        tails = {
            "year": "",
            "half": f"-H{self.number}",
            "quarter": f"-Q{self.number}",
            "month": f"-{self.number:02d}",
        }
        return f"{self.year}{tails[self.kind]}"

    @property
    def last_month(self) -> tuple[int, int]:
        """Year and month in which the period ends."""
        return self.year, self.number * _MONTHS[self.kind]


def parse(text: str) -> Period:
    """Period of a period text.

    Raises
    ------
    ValueError
        If the text is not ``2024``, ``2024-H1``, ``2024-Q3`` or ``2024-06``.
    """
    match = PATTERN.fullmatch(text)
    kind = "year"
    number = 1
    if match and match["kind"]:
        kind = "half" if match["kind"] == "H" else "quarter"
        number = int(match["part"])
    elif match and match["month"]:
        kind, number = "month", int(match["month"])
    if not match or (kind == "half" and number > 2):
        raise ValueError(f"'{text}' is not a period; write 2024, 2024-H1, 2024-Q3 or 2024-06")
    return Period(int(match["year"]), kind, number)


def is_period(text: str) -> bool:
    """Whether the text follows the grammar."""
    try:
        parse(text)
    except ValueError:
        return False
    return True


def sort_key(text: str) -> tuple[int, int, int]:
    """Key that orders period texts by their last month, longer periods last; texts that are no period come first."""
    if not is_period(text):
        return (0, 0, 0)
    period = parse(text)
    return (*period.last_month, _MONTHS[period.kind])


def is_comparable(earlier: str, later: str) -> bool:
    """Whether a change between two periods may be called a yearly one: the same kind and number, consecutive years."""
    if not (is_period(earlier) and is_period(later)):
        return False
    first, second = parse(earlier), parse(later)
    return (first.kind, first.number) == (second.kind, second.number) and second.year - first.year == 1


def year_earlier(text: str) -> str:
    """The same period one year before."""
    period = parse(text)
    return str(Period(period.year - 1, period.kind, period.number))


def ends_by(text: str, limit: str) -> bool:
    """Whether a period has ended when the period ``limit`` ends; false for texts that are no period."""
    return is_period(text) and parse(text).last_month <= parse(limit).last_month
