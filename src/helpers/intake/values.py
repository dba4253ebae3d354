"""Text of one cell → number, category or date with its unit and comparison, or the reason of refusal.

One parser per kind, each with its own refusals. Letters inside numbers are never repaired, bounds and ranges
are never turned
into points, units are never converted. Parsers take the text as it stands in the cell and are cheap enough to
be called once per
*distinct* text of a column.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from helpers.intake.text import is_missing, is_not_applicable, key_text, normalise, strip_footnote

FIRST_YEAR, LAST_YEAR = 2000, 2040
EXCEL_EPOCH = date(1899, 12, 30)
NUMERALS = {
    word: number
    for number, words in {
        0: "ноль нуль", 1: "один одна одно одного", 2: "два две двух", 3: "три трех", 4: "четыре четырех",
        5: "пять пяти", 6: "шесть шести",
        7: "семь семи", 8: "восемь восьми", 9: "девять девяти", 10: "десять десяти", 11: "одиннадцать одиннадцати",
        12: "двенадцать двенадцати", 13: "тринадцать тринадцати", 14: "четырнадцать четырнадцати",
        15: "пятнадцать пятнадцати",
        16: "шестнадцать шестнадцати", 17: "семнадцать семнадцати", 18: "восемнадцать восемнадцати",
        19: "девятнадцать девятнадцати",
        20: "двадцать двадцати", 30: "тридцать тридцати", 40: "сорок сорока", 50: "пятьдесят пятидесяти",
        60: "шестьдесят шестидесяти",
        70: "семьдесят семидесяти", 80: "восемьдесят восьмидесяти", 90: "девяносто девяноста", 100: "сто ста",
    }.items()
    for word in words.split()
}  # fmt: skip
MONTHS = {
    name: number
    for number, names in enumerate(
        ["января|янв", "февраля|фев|февр", "марта|мар", "апреля|апр", "мая|май", "июня|июн", "июля|июл",
         "августа|авг", "сентября|сен|сент", "октября|окт", "ноября|ноя|нояб", "декабря|дек"],
        1,
    )
    for name in names.split("|")
}  # fmt: skip

_DIGITS = r"[+-]?(?:\d{1,3}(?: \d{3})+|\d+)(?:[.,]\d+)?"
_NUMBER = re.compile(rf"^({_DIGITS})\s*(.*)$", re.S)
_RANGE = re.compile(
    r"^(?:от\s*)?\d+(?:[.,]\d+)?\s*%?\s*(?:-|до|\.\.\.?|…)\s*\d+(?:[.,]\d+)?(?!\.?\d)(?:\s|%|$)(?!.*\d)"
)
_UPPER = re.compile(
    r"^(?:не более(?: чем)?|не позднее(?: чем)?|не свыше|не дольше|максимум|в срок до|до|в течение|≤|<=)\s*(?=\d)"
)
_CENSORED = re.compile(
    r"^(?:не\s+)?(?:более|больше|свыше|выше|менее|меньше|ниже|около|примерно|порядка|приблизительно|почти"
    r"|ориентировочно|позднее|ранее|до)\b"
    r"|^[<>≤≥~≈]|^(?:максимум|минимум|в срок до|в течение)\b|\b(?:и более|и выше|и менее|и ниже)$"
)
_POINT_WORDS = re.compile(r"^(?:б|балл|балла|баллов|баллы)\.?$")
_PERCENT_WORDS = re.compile(r"^(?:%|процент|процента|процентов|проц)\.?$")
_COUNT_WORDS = re.compile(
    r"^(?:док|докум|документ(?:а|ов)?|шт|штук[аи]?|визит(?:а|ов)?|посещени(?:е|я|й)|раз(?:а)?|обращени(?:е"
    r"|я|й)|заявлени(?:е|я|й)|заявк[аи]|заявок|ед|единиц[аы]?|чел|человек[а]?|услуг[аи]?|кт"
    r"|точ(?:ка|ки|ек)|куратор(?:а|ов)?|анкет[аы]?|ответ(?:а|ов)?|оцен(?:ка|ки|ок)|сервис(?:а|ов)?|явк[аи]|явок)\.?$"
)
_NONE_NEEDED = re.compile(r"^не\s+требу[юе]тся$|^(?:документы |посещение |визит )?не\s+требу[юе]тся$")
_WORDED = re.compile(r"^\(([а-я ]+)\)\s*(.*)$")
_AT_REQUEST = re.compile(
    r"^(?:в день|в момент|непосредственно в день|при)\s+(?:обращени[яе]|подачи(?: заявления| запроса"
    r"| документов)?|приема заявления)(?:\s+(?:заявителя|гражданина))?$"
)
_DAYS = r"(?:день|дня|дней|дн\.?)"
_TERM_UNITS = (
    ("working_day", re.compile(rf"^(?:рабоч(?:ий|его|их|ие)\s*{_DAYS}|раб\.?\s*{_DAYS}|р\.?\s?д\.?)$")),
    ("calendar_day", re.compile(rf"^(?:календарн(?:ый|ого|ых|ые)\s*{_DAYS}|кал(?:енд)?\.?\s*{_DAYS}|к\.?\s?д\.?)$")),
    ("minute", re.compile(r"^(?:мин\.?|минут[аыу]?)$")),
    ("hour", re.compile(r"^(?:час(?:а|ов|у)?|ч\.?)$")),
    ("month", re.compile(r"^(?:мес\.?|месяц(?:а|ев)?)$")),
)  # fmt: skip
_TERM_TAIL = re.compile(r"\s+(?:со дня|с момента|с даты|после)\s+[а-я ,]+$")
_HEADER_TERM = (
    ("working_day", re.compile(r"рабоч\w*\s*дн|раб\.?\s*дн|р\.\s?д\b")),
    ("calendar_day", re.compile(r"календарн\w*\s*дн|кал\.?\s*дн|к\.\s?д\b")),
    ("minute", re.compile(r"\bмин(?:\b|ут)")),
    ("hour", re.compile(r"\bчас")),
    ("month", re.compile(r"\bмес(?:\b|яц)")),
)
_NUMERIC_DATE = re.compile(
    r"^(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?:\s*г\.?|\s*года)?(?:[ t]\d{1,2}:\d\d(?::\d\d)?)?$"
)
_ISO_DATE = re.compile(r"^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ t]\d{1,2}:\d\d(?::\d\d)?(?:\.\d+)?z?)?$")
_WORD_DATE = re.compile(r"^(\d{1,2})(?:-?го)?\s+([а-я]+)\.?\s+(\d{4})(?:\s*г\.?|\s*года)?$")
_IMPRECISE_DATE = re.compile(
    r"\b(?:\d|[ivхx]+|перв\w+|втор\w+|трет\w+|четверт\w+)\s*-?(?:й|е|ое)?\s*(?:кв|квартал|полугоди|пг)"
    r"|^(?:[а-я]+\s+)?(?:20|19)\d\d(?:\s*г\.?|\s*год[ау]?)?$"
    r"|^(?:янв|фев|мар|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек)[а-я]*\.?\s*,?\s*(?:20\d\d)?(?:\s*г\.?"
    r"|\s*года)?$|^(?:\d\d\.)?20\d\d$|^(?:в течение|до конца|начало|середина|конец)\b"
)
_GRADE_TWINS = str.maketrans("ABVG", "АВVG")
GRADES = ("А", "Б+", "Б", "В", "Г")


@dataclass(frozen=True, slots=True)
class Parsed:
    """Outcome for one text.

    ``value`` is a number, an ISO date or a category; ``None`` with a ``reason`` where refused. ``decimals`` is
    the printed
    precision (``None`` for non-numbers). ``cmp`` is ``=`` or ``<=``.
    """

    value: float | str | None
    unit: str = ""
    cmp: str = "="
    decimals: int | None = None
    reason: str = ""

    def text(self) -> str:
        """Value as written to tidy files: decimal point, no thousands separators."""
        if isinstance(self.value, float):
            return number_text(self.value, self.decimals)
        return self.value or ""


def number_text(value: float, decimals: int | None = None) -> str:
    """Decimal point, no exponent, no needless tail; as many decimals as were printed."""
    if decimals is not None and abs(round(value, decimals) - value) < 1e-9:
        return f"{value:.{decimals}f}"
    return f"{value:.10f}".rstrip("0").rstrip(".")


def refuse(reason: str) -> Parsed:
    """Refusal with a reason of the closed list."""
    return Parsed(None, reason=reason)


def clean(text: str) -> str:
    """Normal lower-case text of a value without the marks of footnotes."""
    return strip_footnote(key_text(text))


def parse_number(text: str) -> Parsed:
    """A bare number: «22,4», «22.4», «1 234,5».

    Returns
    -------
    Parsed
        Unit empty. Refusals: ``missing_value``, ``not_applicable``, ``censored_value``, ``range_value``,
        ``not_a_number``.
    """
    return _with_unit(text, "", None)


def parse_points(text: str, *, minimum: float = 0.0, maximum: float | None = None) -> Parsed:
    """Points of a rating: «96,8 б.», «90,1 балла»; outside [minimum, maximum] → ``out_of_range``."""
    parsed = _with_unit(text, "points", _POINT_WORDS)
    return _in_range(parsed, minimum, maximum)


def parse_percent(text: str, *, is_percent_cell: bool = False, column_has_percents: bool = True) -> Parsed:
    """Per cent in percent units, 0–100.

    Parameters
    ----------
    text : str
        «54,5 %», «54.5»; the text of a cell with a % format is already in percent units.
    is_percent_cell : bool
        The cell carries a % format, so that a number of at most 1 is not ambiguous.
    column_has_percents : bool
        Other values of the column are in percent units: a bare number in (0, 1] is then refused as ``ambiguous_unit``.
    """
    parsed = _with_unit(text, "percent", _PERCENT_WORDS)
    if parsed.reason:
        return parsed
    assert isinstance(parsed.value, float)
    is_bare = not is_percent_cell and "%" not in text and "проц" not in text.lower()
    if is_bare and column_has_percents and 0 < parsed.value <= 1:
        return refuse("ambiguous_unit")
    return _in_range(parsed, 0.0, 100.0)


def parse_count(text: str) -> Parsed:
    """A whole number of things: «3», «3 (три)», «4 док.», «не требуются» → 0; «3 (четыре)» is a contradiction."""
    plain = clean(text)
    if _NONE_NEEDED.match(plain):
        return Parsed(0.0, "count", decimals=0)
    refusal = _common_refusal(plain, text)
    if refusal:
        return refusal
    match = _NUMBER.match(plain)
    if not match:
        return refuse("not_a_number")
    digits, tail = match.groups()
    worded = _WORDED.match(tail)
    value = _to_float(digits)
    if worded:
        number = _numeral(worded.group(1))
        if number is None:
            return refuse("not_a_number")
        if number != value:
            return refuse("contradictory_number")
        tail = worded.group(2)
    if tail and not _COUNT_WORDS.match(tail.strip()):
        return refuse("not_a_number")
    if value < 0 or value != int(value):
        return refuse("out_of_range")
    return Parsed(value, "count", decimals=0)


def parse_term(text: str, *, header: str = "") -> Parsed:
    """A duration with its own unit: «5 рабочих дней», «15 мин.», «до 7 р.д.» (cmp ``<=``), «в день обращения» → 0
    ``at_request``.

    Parameters
    ----------
    text : str
        Text of the cell.
    header : str
        Label of the column, which may supply the unit of a bare number («Срок, рабочих дней»).

    Returns
    -------
    Parsed
        Never converted between units. Days that are neither working nor calendar → ``bad_term``.
    """
    plain = clean(text)
    if _AT_REQUEST.match(plain):
        return Parsed(0.0, "at_request", decimals=0)
    if is_missing(text) or is_not_applicable(text):
        return refuse("not_applicable" if is_not_applicable(text) else "missing_value")
    if _RANGE.match(plain):
        return refuse("range_value")
    bounded = _UPPER.match(plain)
    if bounded:
        plain = plain[bounded.end() :]
        if _RANGE.match(plain):
            return refuse("range_value")
    elif _CENSORED.search(plain):
        return refuse("censored_value")
    match = _NUMBER.match(plain)
    if not match:
        return refuse("bad_term")
    digits, tail = match.groups()
    return _term(_to_float(digits), digits, tail, "<=" if bounded else "=", header)


def parse_date(text: str, *, is_date_cell: bool = False) -> Parsed:
    """A calendar date, day first; an Excel serial of the 1900 system counts (this parser serves date columns only).

    Returns
    -------
    Parsed
        ISO 8601 text; ``bad_date`` (impossible, outside 2000–2040), ``imprecise_date`` (quarter, month, year only).
    """
    plain = clean(text)
    if is_missing(text):
        return refuse("missing_value")
    if is_not_applicable(text):
        return refuse("not_applicable")
    iso = _ISO_DATE.match(plain)
    if iso:
        return _date(int(iso[1]), int(iso[2]), int(iso[3]))
    numeric = _NUMERIC_DATE.match(plain)
    if numeric:
        year = int(numeric[4]) + (2000 if len(numeric[4]) == 2 else 0)
        return _date(year, int(numeric[3]), int(numeric[1]))
    worded = _WORD_DATE.match(plain)
    if worded and worded[2] in MONTHS:
        return _date(int(worded[3]), MONTHS[worded[2]], int(worded[1]))
    if is_date_cell:
        return refuse("bad_date")
    if re.fullmatch(r"\d{5}(?:\.\d+)?", plain):
        day = EXCEL_EPOCH + timedelta(days=int(float(plain)))
        return _date(day.year, day.month, day.day)
    if _UPPER.match(plain) or _CENSORED.search(plain):
        return refuse("censored_value" if re.search(r"\d", plain) else "bad_date")
    return refuse("imprecise_date" if _IMPRECISE_DATE.search(plain) else "bad_date")


def parse_grade(text: str) -> Parsed:
    """Grade of a service А, Б+, Б, В, Г: look-alikes, case, quotes and inner spaces mended; anything else →
    ``bad_grade``.
    """
    if is_missing(text) and normalise(text).lower() not in {"x", "х"}:
        return refuse("missing_value")
    if is_not_applicable(text):
        return refuse("not_applicable")
    letter = strip_footnote(normalise(text)).replace(" ", "")
    if letter == "b":
        return refuse("bad_grade")
    letter = letter.upper().translate(_GRADE_TWINS)
    letter = letter.replace("A", "А").replace("B", "В")
    return Parsed(letter, "category") if letter in GRADES else refuse("bad_grade")


def parse_category(text: str, words: dict[str, str], reason: str) -> Parsed:
    """A word of a closed list.

    Parameters
    ----------
    text : str
        Text of the cell.
    words : dict
        Normal form → category, from the vocabulary of the reference, or the legend of the table.
    reason : str
        Refusal for a word that the list does not know: ``bad_level``, ``bad_stage``, ``bad_status``.
    """
    plain = clean(text).strip(" .;,")
    value = words.get(plain) or words.get(_twin_letter(plain))
    if value:
        return Parsed(value, "category")
    if is_missing(text) or re.match(
        r"^(?:участи\w+ с|участвует с|не участв\w+|вне рейтинга|в рейтинге с|введен\w* с)", plain
    ):
        return refuse("missing_value")
    return refuse("not_applicable" if is_not_applicable(text) else reason)


def _twin_letter(text: str) -> str:
    """A lone Latin letter in a column of letters is its Cyrillic twin: B → в, C → с, H → н."""
    twins = {"b": "в", "c": "с", "h": "н", "a": "а"}
    return twins.get(text, text) if len(text) == 1 else text


def _with_unit(text: str, unit: str, words: re.Pattern[str] | None) -> Parsed:
    plain = clean(text)
    refusal = _common_refusal(plain, text)
    if refusal:
        return refusal
    match = _NUMBER.match(plain)
    if not match:
        return refuse("not_a_number")
    digits, tail = match.groups()
    tail = tail.strip()
    if tail and not (words and words.match(tail)):
        foreign = (
            _PERCENT_WORDS.match(tail)
            or _POINT_WORDS.match(tail)
            or re.match(r"^(?:п\.?\s?п\.?|проц\w* пункт\w*)$", tail)
        )
        return refuse("ambiguous_unit" if foreign else "not_a_number")
    return Parsed(_to_float(digits), unit, decimals=_decimals(digits))


def _common_refusal(plain: str, raw: str) -> Parsed | None:
    if is_not_applicable(raw):
        return refuse("not_applicable")
    if is_missing(raw) or is_missing(plain):
        return refuse("missing_value")
    if _RANGE.match(plain):
        return refuse("range_value")
    if _CENSORED.search(plain) and re.search(r"\d", plain):
        return refuse("censored_value")
    if not re.search(r"\d", plain) or re.match(
        r"^(?:участи\w+|участвует|в рейтинге|введен\w*|не участв\w+) (?:с|в)\b", plain
    ):
        return refuse("missing_value" if re.search(r"[а-я]{3}", plain) else "not_a_number")
    return None


def _in_range(parsed: Parsed, minimum: float, maximum: float | None) -> Parsed:
    if parsed.reason or not isinstance(parsed.value, float):
        return parsed
    if parsed.value < minimum or (maximum is not None and parsed.value > maximum):
        return refuse("out_of_range")
    return parsed


def _term(value: float, digits: str, tail: str, cmp: str, header: str) -> Parsed:
    worded = _WORDED.match(tail)
    if worded and _numeral(worded.group(1)) is not None:
        if _numeral(worded.group(1)) != value:
            return refuse("contradictory_number")
        tail = worded.group(2)
    tail = _TERM_TAIL.sub("", tail.strip())
    units = [unit for unit, pattern in _TERM_UNITS if pattern.match(tail)]
    if not tail and header:
        label = key_text(header)
        units = [unit for unit, pattern in _HEADER_TERM if pattern.search(label)]
    if len(units) != 1:
        return refuse("bad_term")
    if value < 0:
        return refuse("out_of_range")
    return Parsed(value, units[0], cmp, _decimals(digits))


def _numeral(words: str) -> int | None:
    numbers = [NUMERALS.get(word) for word in words.split()]
    if not numbers or any(number is None for number in numbers):
        return None
    known = [number for number in numbers if number is not None]
    falls = all((big > small and big >= 20 and small < 10) or big == 100 for big, small in pairwise(known))
    return sum(known) if falls else None


def _date(year: int, month: int, day: int) -> Parsed:
    try:
        value = date(year, month, day)
    except ValueError:
        return refuse("bad_date")
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return refuse("bad_date")
    return Parsed(value.isoformat(), "date")


def _to_float(digits: str) -> float:
    return float(digits.replace(" ", "").replace(",", "."))


def _decimals(digits: str) -> int:
    return len(re.split(r"[.,]", digits)[1]) if re.search(r"[.,]", digits) else 0
