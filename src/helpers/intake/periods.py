"""Periods in text: a cell, a column label, a title or a file name → mentions of a year, half-year, quarter or month.

Bare years are never handed to a date library. Full dates, «с 2024 г.», «до 2030 года» and dates of printing are
not periods.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from helpers.intake.text import CYRILLIC_TWINS, key_text

MONTHS = ("янв", "фев", "мар", "апр", "ма", "июн", "июл", "авг", "сен", "окт", "ноя", "дек")
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6}
_ORDINALS = {"перв": 1, "втор": 2, "трет": 3, "четверт": 4}
_MONTH = (
    r"(?P<m>янв(?:ар[ьяе])?|фев(?:р(?:ал[ьяе])?)?|мар(?:т[ае]?)?|апр(?:ел[ьяе])?|ма[йяе]|июн[ьяе]?"
    r"|июл[ьяе]?|авг(?:уст[ае]?)?"
    r"|сен(?:т(?:ябр[ьяе])?)?|окт(?:ябр[ьяе])?|ноя(?:бр[ьяе])?|дек(?:абр[ьяе])?)\.?"
)
_NUMBER = (
    r"(?P<n>\d{1,2}|[ivіхx]{1,4}|перв\w+|втор\w+|трет\w+|четверт\w+)(?:\s?-?\s?(?:ый|ой|ого|ом|ий|ем|го|му"
    r"|й|е|e|м|я))?"
)
_YEAR = r"(?P<y>20\d\d|19\d\d)(?:\s*(?:-?(?:го|й|м)\b)?\s*(?:год[ауе]?|гг?)\b\.?)?"
_QUARTER_WORD = r"(?:кв(?:артал\w*)?|kv)\b\.?"
_HALF_WORD = r"(?:полугоди\w*|п/г|пг|полуг)\b\.?"
_DATE_WORDS = (
    r"(?:\b\d{1,2}[./]\d{1,2}[./](?:20|19)?\d\d\b(?:\s*г(?:ода|\.)?)?"
    r"|\b(?:20|19)\d\d-\d\d-\d\d\b"
    r"|\b\d{1,2}\s+(?:января|февраля|марта|апреля|мая|июня|июля|августа|сентября|октября|ноября"
    r"|декабря)\s+(?:20|19)\d\d(?:\s*г(?:ода|\.)?)?)"
)
_ANY_MONTH = _MONTH.replace("?P<m>", "")
_ANY_YEAR = r"(?:\s*(?:20|19)\d\d(?:\s*г\w*\.?)?)?"
_PART = r"(?:\d|[iv]{1,3})"
_PART_WORD = r"(?:кв(?:артал\w*)?|полугоди\w*)\b\.?"
_SECOND_NUMBER = _NUMBER.replace("?P<n>", "?P<n2>")
_PATTERNS = (
    ("drop", re.compile(_DATE_WORDS)),
    ("span", re.compile(r"\b\d{1,2}\s*месяц\w*(?:\s*(?:20|19)\d\d(?:\s*г(?:ода|\.)?)?)?")),
    ("span", re.compile(rf"{_ANY_MONTH}\s*-\s*{_ANY_MONTH}{_ANY_YEAR}")),
    ("span", re.compile(rf"\b{_PART}\s*(?:-|,|и)\s*{_PART}\s*(?:-?й)?\s*{_PART_WORD}{_ANY_YEAR}")),
    ("quarter", re.compile(rf"\b{_NUMBER}\s*{_QUARTER_WORD}[\s,]*(?:{_YEAR})?")),
    ("quarter", re.compile(rf"\b{_YEAR}[\s,_.-]*(?:q\s?(?P<n>\d)|{_SECOND_NUMBER}\s*{_QUARTER_WORD})")),
    ("quarter", re.compile(rf"\bq(?P<n>\d)[\s_-]*{_YEAR}")),
    ("half", re.compile(rf"\b{_NUMBER}\s*{_HALF_WORD}[\s,]*(?:{_YEAR})?")),
    ("half", re.compile(rf"\b{_YEAR}[\s,_.-]*(?:h\s?(?P<n>\d)|{_SECOND_NUMBER}\s*{_HALF_WORD})")),
    ("half", re.compile(rf"\bh(?P<n>\d)[\s_-]*{_YEAR}")),
    ("month", re.compile(rf"\b{_MONTH}\s*,?\s*{_YEAR}")),
    ("month", re.compile(r"\b(?P<y>20\d\d)-(?P<n>\d\d)\b(?!-)")),
    ("month", re.compile(r"(?<![\d.])(?P<n>\d\d)\.(?P<y>20\d\d)\b(?!\.)")),
    ("span", re.compile(r"\b(?:20|19)\d\d\s*(?:-|/)\s*(?:20|19)?\d\d\b(?:\s*г\w*\.?)?")),
    ("drop", re.compile(rf"\b(?:с|до|к|после|от|начиная с|не позднее)\s+{_YEAR.replace('?P<y>', '')}")),
    ("year", re.compile(rf"(?<!\d)(?<!\d[.,]){_YEAR}(?![\d%])(?![.,]\d)")),
)  # fmt: skip
_FLUFF = re.compile(
    r"\b(?:за|по|итогам|итоги|в|на|на конец|год[ауе]?|отчетный период|период|данные|предварительные|факт"
    r"|фактически|оценка|г|гг)\b|[\s.,:;()\[\]*_-]+"
)
_MONTH_ALONE = re.compile(rf"^(?:за\s+)?{_MONTH}$")
_LIMITS = {"quarter": 4, "half": 2, "month": 12}


@dataclass(frozen=True)
class Mention:
    """One period as mentioned: the year may be missing; an impossible one («5 кв.») or a span has ``is_valid``
    False.
    """

    year: int | None
    kind: str
    number: int | None = None
    is_valid: bool = True

    def text(self) -> str:
        """Period text of the project: ``2024``, ``2024-H1``, ``2024-Q3``, ``2024-06``; empty without a year."""
        if self.year is None or not self.is_valid:
            return ""
        if self.kind == "year":
            return str(self.year)
        if self.kind == "month":
            return f"{self.year}-{self.number:02d}"
        return f"{self.year}-{'H' if self.kind == 'half' else 'Q'}{self.number}"


def find_mentions(text: str) -> tuple[tuple[Mention, ...], str]:
    """All periods that a text mentions, in order, and what is left of the text without them.

    Parameters
    ----------
    text : str
        Title, label, cell or file name.

    Returns
    -------
    tuple
        Mentions (distinct) and the remainder in lower case.
    """
    rest = key_text(text)
    if not _may_hold_period(rest):
        return (), rest
    found: list[Mention] = []
    for kind, pattern in _PATTERNS:

        def take(match: re.Match[str], kind: str = kind) -> str:
            mention = _mention(kind, match)
            if mention and mention not in found:
                found.append(mention)
            return " "

        rest = pattern.sub(take, rest)
    alone = _MONTH_ALONE.match(rest.strip())
    if alone and not found:
        return (Mention(None, "month", _month_number(alone.group("m"))),), ""
    return tuple(_join_year(found)), re.sub(r"\s+", " ", rest).strip()


def _join_year(found: list[Mention]) -> list[Mention]:
    """«2023 г. I кв.»: a year and a part without a year are one period."""
    years = [mention for mention in found if mention.kind == "year"]
    parts = [mention for mention in found if mention.kind != "year"]
    if len(years) == len(parts) == 1 and parts[0].year is None and parts[0].is_valid:
        return [Mention(years[0].year, parts[0].kind, parts[0].number)]
    return found


def parse_period(text: str) -> Mention | None:
    """The one period that is all a cell says; ``None`` when it says nothing of the kind or more than a period."""
    mentions, rest = find_mentions(text)
    if len(mentions) != 1 or _FLUFF.sub("", rest):
        return None
    return mentions[0]


def period_of_file_name(name: str) -> Mention | None:
    """Period in a file name («mfc_2024q1»), or ``None`` when none or several are there."""
    stem = re.sub(r"[_\s]+", " ", name.rsplit(".", 1)[0].lower())
    stem = re.sub(r"(?<=[a-zа-я])(?=20\d\d)", " ", stem)
    stem = re.sub(r"(?<=\d)\s*kv", " кв ", stem)
    mentions, _ = find_mentions(stem)
    valid = [mention for mention in mentions if mention.is_valid and mention.year]
    return valid[0] if len(valid) == 1 == len(mentions) else None


def combine(levels: list[Mention | None]) -> tuple[str, str]:
    """Most specific period that all levels agree on.

    Parameters
    ----------
    levels : list of Mention or None
        From the most specific place (cell) to the most general (title).

    Returns
    -------
    tuple of str
        Period text and reason: («2024-Q1», ""), ("", "") where nothing is said, ("", "bad_period") on a
        contradiction, an
        impossible period, or a quarter whose year nothing supplies.
    """
    known = [level for level in levels if level is not None]
    if not known:
        return "", ""
    if any(not level.is_valid for level in known):
        return "", "bad_period"
    years = {level.year for level in known if level.year is not None}
    parts = {(level.kind, level.number) for level in known if level.kind != "year"}
    if len(years) != 1 or (len(parts) > 1 and not _nested(parts)):
        return "", "bad_period"
    year = years.pop()
    kind, number = _finest(parts) if parts else ("year", None)
    return Mention(year, kind, number).text(), ""


def _finest(parts: set[tuple[str, int | None]]) -> tuple[str, int | None]:
    return max(parts, key=lambda part: ("half", "quarter", "month").index(part[0]))


def _nested(parts: set[tuple[str, int | None]]) -> bool:
    kinds = [kind for kind, _ in parts]
    if len(set(kinds)) != len(kinds):
        return False
    months = {"half": 6, "quarter": 3, "month": 1}
    spans = [(months[kind] * ((number or 0) - 1), months[kind] * (number or 0)) for kind, number in parts]
    spans.sort(key=lambda span: span[0] - span[1])
    return all(big[0] <= small[0] and small[1] <= big[1] for big, small in pairwise(spans))


def _may_hold_period(text: str) -> bool:
    return bool(re.search(r"\d|кв|полуг|\bпг\b", text)) or bool(_MONTH_ALONE.match(text.strip()))


def _mention(kind: str, match: re.Match[str]) -> Mention | None:
    if kind == "drop":
        return None
    if kind == "span":
        return Mention(None, "span", None, is_valid=False)
    parts = match.groupdict()
    year = int(parts["y"]) if parts.get("y") else None
    if kind == "year":
        return Mention(year, "year")
    if kind == "month" and parts.get("m"):
        number: int | None = _month_number(parts["m"])
    else:
        number = _ordinal(parts.get("n") or parts.get("n2") or "")
    is_valid = number is not None and 1 <= number <= _LIMITS[kind]
    return Mention(year, kind, number, is_valid)


def _ordinal(text: str) -> int | None:
    if text.isdigit():
        return int(text)
    for stem, number in _ORDINALS.items():
        if text.startswith(stem):
            return number
    return _ROMAN.get(text.upper().translate(CYRILLIC_TWINS).lower())


def _month_number(text: str) -> int:
    return next(number for number, stem in enumerate(MONTHS, 1) if text.startswith(stem))
