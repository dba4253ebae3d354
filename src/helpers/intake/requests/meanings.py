"""What one text of a log means, by the cleaner's own parsers: a value, or the reason why it is refused."""

from collections.abc import Callable
from datetime import date

from helpers.intake import values
from helpers.intake.regions import judge_region
from helpers.intake.text import is_missing, key_text, normalise

NONE = -1  # no value given
MOST = 1000  # documents or visits of one application
_YES = {"да", "1", "true", "yes", "отказ", "отказано", "жалоба", "есть", "y", "+"}
_NO = {"нет", "0", "false", "no", "", "предоставлена", "оказана", "n", "-"}
_ONLINE = ("портал", "епгу", "рпгу", "госуслуг", "online", "онлайн", "portal", "электрон", "сайт", "мобильн")
_OFFLINE = ("мфц", "mfc", "лично", "очно", "in person", "in_person", "почт", "ведомств", "прием", "орган")

_REGION_REASONS = {
    "ambiguous": "ambiguous_entity", "aggregate_of_subjects": "aggregate_entity",
    "federal_district": "federal_district", "blank_or_not_a_name": "missing_id",
}  # fmt: skip

Number = tuple[int, str]  # value or NONE; reason, empty for accepted
Name = tuple[str, str]


def region(text: str) -> Name:
    """ISO code of the region."""
    match = judge_region(text)
    return (match.code, "") if match.code else ("", _REGION_REASONS.get(match.reason, "unknown_entity"))


def identifier(text: str) -> Name:
    """A code as it stands."""
    code = normalise(text).strip()
    return ("", "missing_id") if is_missing(code) else (code, "")


def name(text: str) -> Name:
    """Any text; a missing one is empty."""
    plain = normalise(text).strip()
    return ("" if is_missing(plain) else plain), ""


def received(last: date) -> Callable[[str], Number]:
    """Day of receipt as days since the year 1, refused after the last day."""
    return lambda text: _day(text, last)


def completed(last: date) -> Callable[[str], Number]:
    """Day of the result, or NONE while the application is open."""

    def parse(text: str) -> Number:
        day, reason = _day(text, last)
        return (NONE, "") if reason == "missing_value" else (day, reason)

    return parse


def _day(text: str, last: date) -> Number:
    parsed = values.parse_date(text)
    if not isinstance(parsed.value, str) or not parsed.value:
        return NONE, parsed.reason or "bad_date"
    day = date.fromisoformat(parsed.value)
    return (NONE, "future_date") if day > last else (day.toordinal(), "")


def count(text: str) -> Number:
    """A whole number of things; NONE where missing."""
    if is_missing(text):
        return NONE, ""
    parsed = values.parse_count(text)
    if not isinstance(parsed.value, float):
        # A word where a number should be is no missing value in a log: its columns hold nothing else.
        return NONE, {"not_applicable": "", "missing_value": "not_a_number"}.get(parsed.reason, parsed.reason)
    return (int(parsed.value), "") if parsed.value <= MOST else (NONE, "out_of_range")


def rating(text: str) -> Number:
    """A rating from 1 to 5; NONE where missing."""
    number, reason = count(text)
    return (number, reason) if reason or number == NONE or 1 <= number <= 5 else (NONE, "out_of_range")


def flag(text: str) -> Number:
    """1 for yes, 0 for no and for a blank; NONE for «н/д»."""
    word = key_text(text)
    if word in _YES or word.startswith(("отказ", "жалоб")):
        return 1, ""
    if word in _NO:
        return 0, ""
    return NONE, "" if is_missing(text) else "not_a_number"


def channel(text: str) -> Number:
    """1 for online, 0 for in person; NONE where missing."""
    word = key_text(text)
    if is_missing(text):
        return NONE, ""
    if any(part in word for part in _ONLINE):
        return 1, ""
    return (0, "") if any(part in word for part in _OFFLINE) else (NONE, "not_a_number")
