"""Stored numbers of workbooks → text with the decimals and the percent that the number format shows."""

import re
from datetime import date, datetime, time

from helpers.intake.grids.model import DATE, NUMBER, PERCENT, TEXT

_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_DECIMALS = re.compile(r"\.([0#?]+)")


def is_percent_format(number_format: str) -> bool:
    """Does the format multiply by a hundred? A literal «%» in quotes does not."""
    return "%" in _LITERAL.sub("", number_format.split(";")[0])


def decimals_of_format(number_format: str) -> int | None:
    """Decimals that a format shows; ``None`` for General and for formats without digits."""
    body = _LITERAL.sub("", number_format.split(";")[0])
    if not re.search(r"[0#]", body) or re.search(r"general|основной", body, re.I):
        return None
    found = _DECIMALS.search(body)
    return len(found.group(1)) if found else 0


def number_cell(value: float, number_format: str) -> tuple[str, int]:
    """Text and kind of a number cell: 0.545 with «0.0%» → «54.5%», 60.6 with «0.0» → «60.6».

    The stored value is kept in full; the format may only add trailing zeros.
    """
    is_percent = is_percent_format(number_format)
    shown = round(value * 100, 10) if is_percent else value
    text = f"{shown:.10f}".rstrip("0").rstrip(".") if abs(shown) < 1e15 else repr(shown)
    decimals = decimals_of_format(number_format)
    have = len(text.split(".")[1]) if "." in text else 0
    if decimals and decimals > have and decimals <= 6:
        text = f"{shown:.{decimals}f}"
    return (f"{text}%", PERCENT) if is_percent else (text, NUMBER)


def plain_cell(value: object) -> tuple[str, int]:
    """Text and kind of a stored value that is not a formatted number."""
    if isinstance(value, datetime):
        is_day = value.time() == time(0)
        return (value.date().isoformat() if is_day else value.isoformat(sep=" ", timespec="seconds")), DATE
    if isinstance(value, date):
        return value.isoformat(), DATE
    if isinstance(value, bool):
        return ("ИСТИНА" if value else "ЛОЖЬ"), TEXT
    return str(value), TEXT
