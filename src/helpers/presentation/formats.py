"""Numbers, ranges, dates, periods, plurals and units as text, in Russian and English; the only place that rounds.

Rounding is half away from zero on the decimal that the value was written as. Spaces inside a number, before a unit
and before % are U+00A0, the minus is U+2212, the hyphen of an ordinal does not break. Nothing depends on the locale
of the process.
"""

import datetime as dt
import math
import re
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import SupportsFloat

from babel import Locale, dates, numbers

NBSP = "\u00a0"
MINUS = "\u2212"
EN_DASH = "\u2013"
HYPHEN = "\u2011"  # does not break
LANGUAGES = ("ru", "en")
_WIDE = Context(prec=400, rounding=ROUND_HALF_UP)
Number = int | float | Decimal | SupportsFloat | None
_LOCALES = {"ru": Locale("ru"), "en": Locale("en", "GB")}
_ROMAN = ("I", "II", "III", "IV")
_MISSING = {"ru": "н/д", "en": "n/a"}
_TOO_FEW = {"ru": "мало данных", "en": "too few"}

# CLDR categories one, few, many, other (ru) and one, other (en); `other` in Russian is the genitive singular.
_NOUNS: dict[str, dict[str, tuple[str, ...]]] = {
    "service": {"ru": ("услуга", "услуги", "услуг", "услуги"), "en": ("service", "services")},
    "region": {"ru": ("регион", "региона", "регионов", "региона"), "en": ("region", "regions")},
    "body": {"ru": ("орган власти", "органа власти", "органов власти", "органа власти"), "en": ("body", "bodies")},
    "participant": {
        "ru": ("участник", "участника", "участников", "участника"),
        "en": ("participant", "participants"),
    },
    "day": {"ru": ("день", "дня", "дней", "дня"), "en": ("day", "days")},
    "working_day": {
        "ru": ("рабочий день", "рабочих дня", "рабочих дней", "рабочего дня"),
        "en": ("working day", "working days"),
    },
    "calendar_day": {
        "ru": ("календарный день", "календарных дня", "календарных дней", "календарного дня"),
        "en": ("calendar day", "calendar days"),
    },
    "document": {"ru": ("документ", "документа", "документов", "документа"), "en": ("document", "documents")},
    "visit": {"ru": ("визит", "визита", "визитов", "визита"), "en": ("visit", "visits")},
    "application": {"ru": ("заявление", "заявления", "заявлений", "заявления"), "en": ("application", "applications")},
    "point": {"ru": ("балл", "балла", "баллов", "балла"), "en": ("point", "points")},
    "value": {"ru": ("значение", "значения", "значений", "значения"), "en": ("value", "values")},
    "office": {"ru": ("офис", "офиса", "офисов", "офиса"), "en": ("office", "offices")},
    "office_window": {"ru": ("окно", "окна", "окон", "окна"), "en": ("window", "windows")},
    "person": {"ru": ("человек", "человека", "человек", "человека"), "en": ("person", "people")},
    "year": {"ru": ("год", "года", "лет", "года"), "en": ("year", "years")},
    "minute": {"ru": ("минута", "минуты", "минут", "минуты"), "en": ("minute", "minutes")},
    "second": {"ru": ("секунда", "секунды", "секунд", "секунды"), "en": ("second", "seconds")},
    "control_point": {
        "ru": ("контрольная точка", "контрольные точки", "контрольных точек", "контрольной точки"),
        "en": ("control point", "control points"),
    },
    "road_map": {
        "ru": ("дорожная карта", "дорожные карты", "дорожных карт", "дорожной карты"),
        "en": ("road map", "road maps"),
    },
    "department": {"ru": ("ведомство", "ведомства", "ведомств", "ведомства"), "en": ("department", "departments")},
    "level": {"ru": ("уровень", "уровня", "уровней", "уровня"), "en": ("level", "levels")},
    "indicator": {
        "ru": ("показатель", "показателя", "показателей", "показателя"),
        "en": ("indicator", "indicators"),
    },
    "group": {"ru": ("группа", "группы", "групп", "группы"), "en": ("group", "groups")},
    "ticket": {"ru": ("талон", "талона", "талонов", "талона"), "en": ("ticket", "tickets")},
    "rating": {"ru": ("оценка", "оценки", "оценок", "оценки"), "en": ("rating", "ratings")},
    "project": {"ru": ("проект", "проекта", "проектов", "проекта"), "en": ("project", "projects")},
    "lab": {"ru": ("лаборатория", "лаборатории", "лабораторий", "лаборатории"), "en": ("lab", "labs")},
    "contradiction": {
        "ru": ("противоречие", "противоречия", "противоречий", "противоречия"),
        "en": ("contradiction", "contradictions"),
    },
    "study": {"ru": ("исследование", "исследования", "исследований", "исследования"), "en": ("study", "studies")},
}  # fmt: skip
# Genitive singular and plural («у 41 услуги», «из 96 услуг»).
_GENITIVE = {
    "service": ("услуги", "услуг"),
    "region": ("региона", "регионов"),
    "body": ("органа власти", "органов власти"),
    "participant": ("участника", "участников"),
    "value": ("значения", "значений"),
    "day": ("дня", "дней"),
    "working_day": ("рабочего дня", "рабочих дней"),
    "calendar_day": ("календарного дня", "календарных дней"),
    "document": ("документа", "документов"),
    "visit": ("визита", "визитов"),
    "point": ("балла", "баллов"),
}
_SYMBOLS = {
    "percent": {"ru": f"{NBSP}%", "en": "%"},
    "percent_change": {"ru": f"{NBSP}%", "en": "%"},
    "pp": {"ru": f"{NBSP}п.{NBSP}п.", "en": f"{NBSP}pp"},
    "percentage_point_per_year": {"ru": f"{NBSP}п.{NBSP}п. в{NBSP}год", "en": f"{NBSP}pp a{NBSP}year"},
    "count_per_year": {"ru": f" в{NBSP}год", "en": f" a{NBSP}year"},
    "logit_per_year": {"ru": f" по логит-шкале в{NBSP}год", "en": f" on the logit scale a{NBSP}year"},
}
_ALIASES = {
    "percentage_point": "pp",
    "points": "point",
    "days": "day",
    "services": "service",
    "regions": "region",
    "documents": "document",
    "visits": "visit",
    "minutes": "minute",
    "seconds": "second",
    "participants": "participant",
}
_DECIMALS = {
    "percent": 1, "percent_change": 1, "pp": 1, "rank": 0,
    "percentage_point_per_year": 1, "count_per_year": 1, "logit_per_year": 2,
}  # fmt: skip


def exact(value: Number) -> Decimal | None:
    """Decimal of the value as written (shortest form of a float); None for a missing, NaN or infinite value."""
    if value is None:
        return None
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if isinstance(value, int):
        return Decimal(value)
    number_ = float(value)
    return Decimal(repr(number_)) if math.isfinite(number_) else None


def rounded(value: Number, decimals: int = 1) -> Decimal | None:
    """Half away from zero; minus zero becomes zero. ``rounded(0.25) == Decimal("0.3")``."""
    decimal = exact(value)
    if decimal is None:
        return None
    result = _WIDE.quantize(decimal, Decimal(1).scaleb(-decimals))
    return abs(result) if result == 0 else result


def magnitude(value: Number) -> Decimal:
    """Size of a value without its sign; zero for a missing one."""
    decimal = exact(value)
    return abs(decimal) if decimal is not None else Decimal(0)


def missing(lang: str) -> str:
    """Text of a cell without a value: «н/д», "n/a"."""
    return _MISSING[lang]


def too_few(lang: str) -> str:
    """Text of a suppressed cell."""
    return _TOO_FEW[lang]


def number(value: Number, lang: str, decimals: int = 1, sign: bool = False) -> str:
    """``−1 234,5`` or ``−1,234.5``; ``sign`` adds + to positive numbers; zero has no sign."""
    result = rounded(value, decimals)
    if result is None:
        return missing(lang)
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    text = numbers.format_decimal(abs(result), format=pattern, locale=_LOCALES[lang], decimal_quantization=False)
    text = text.replace("\u202f", NBSP)
    if result < 0:
        return MINUS + text
    return f"+{text}" if sign and result > 0 else text


def printed(value: Number, lang: str, most: int = 2) -> str:
    """As many decimals as the value was written with, at most ``most``: 47 → ``47``, 64.54 → ``64,54``."""
    decimal = exact(value)
    return missing(lang) if decimal is None else number(decimal, lang, decimals_of(decimal, most))


def decimals_of(value: Number, most: int = 2) -> int:
    """Decimals that the value was written with, trailing zeros aside."""
    decimal = exact(value)
    if decimal is None:
        return 0
    exponent = decimal.normalize().as_tuple().exponent
    return min(most, max(0, -exponent)) if isinstance(exponent, int) else 0


def category(text_value: Decimal, lang: str) -> int:
    """Position of the CLDR plural category in the noun's forms, for the Decimal of the printed text."""
    form = _LOCALES[lang].plural_form(abs(text_value))
    names = ("one", "few", "many", "other") if lang == "ru" else ("one", "other")
    return names.index(form)


def noun(value: Number, key: str, lang: str, decimals: int = 0, case: str = "nominative") -> str:
    """The form of a noun after the number: 21 → «услуга», 1.5 → «услуги»; ``case`` may be ``genitive``."""
    result = rounded(value, decimals)
    if result is None:
        result = Decimal(0)
    if lang == "ru" and case == "genitive":
        one, many = _GENITIVE[key]
        position = category(result, lang)
        return one if position in (0, 3) else many
    return _NOUNS[key][lang][category(result, lang)]


def count(value: Number, key: str, lang: str, decimals: int = 0, case: str = "nominative") -> str:
    """``41 услуга``, ``1,5 услуги``, "41 services"; a missing value is «н/д»."""
    if exact(value) is None:
        return missing(lang)
    return f"{number(value, lang, decimals)}{NBSP}{noun(value, key, lang, decimals, case)}"


def unit_code(unit: str) -> str:
    """Unit of a table as this module names it: ``percentage_point`` → ``pp``."""
    return _ALIASES.get(unit, unit)


def decimals_for(unit: str) -> int:
    """Decimals shown for a unit: one for percentages, points and days, none for ranks and counts of things."""
    if unit in _DECIMALS:
        return _DECIMALS[unit]
    return 1 if unit in {"day", "working_day", "calendar_day", "document", "visit", "point", "share"} else 0


def quantity(
    value: Number,
    unit: str,
    lang: str,
    decimals: int | None = None,
    sign: bool = False,
    case: str = "nominative",
) -> str:
    """Number with its unit: ``61,3 %``, ``+2,4 п. п.``, ``1,4 рабочего дня``; a unit without words stays bare."""
    if exact(value) is None:
        return missing(lang)
    places = decimals_for(unit) if decimals is None else decimals
    text = number(value, lang, places, sign)
    return text + unit_after(value, unit, lang, places, case)


def unit_after(value: Number, unit: str, lang: str, decimals: int, case: str = "nominative") -> str:
    """Unit with its leading no-break space as it follows the printed number."""
    if unit in _SYMBOLS:
        return _SYMBOLS[unit][lang]
    if unit in _NOUNS:
        form = case if lang == "ru" and unit in _GENITIVE else "nominative"
        return NBSP + noun(value, unit, lang, decimals, form)
    return ""


def unit_name(unit: str, lang: str) -> str:
    """Unit for a header or a ``unit`` column: «%», «п. п.», «рабочих дней»."""
    if unit in _SYMBOLS:
        return _SYMBOLS[unit][lang].strip(NBSP)
    if unit in _NOUNS:
        return _NOUNS[unit][lang][2 if lang == "ru" else 1]
    return {"rank": {"ru": "место", "en": "rank"}}.get(unit, {}).get(lang, unit)


def span(low: Number, high: Number, lang: str, decimals: int = 1) -> str:
    """Range of levels ``57,9–64,7``; with a negative bound it falls back to `change_span`."""
    first, last = rounded(low, decimals), rounded(high, decimals)
    if first is None or last is None:
        return missing(lang)
    if first < 0 or last < 0:
        return change_span(low, high, lang, decimals)
    return f"{number(first, lang, decimals)}{EN_DASH}{number(last, lang, decimals)}"


def change_span(low: Number, high: Number, lang: str, decimals: int = 1) -> str:
    """Range of changes and differences: ``от −0,6 до 7,2`` or "−0.6 to 7.2"."""
    if exact(low) is None or exact(high) is None:
        return missing(lang)
    first, last = number(low, lang, decimals), number(high, lang, decimals)
    return f"от{NBSP}{first} до{NBSP}{last}" if lang == "ru" else f"{first} to {last}"


def ordinal(value: int, lang: str, case: str = "nominative") -> str:
    """``31-е`` (``31-го`` in the genitive) with a hyphen that does not break; English has the bare number."""
    if lang == "en":
        return number(value, lang, 0)
    return f"{number(value, lang, 0)}{HYPHEN}{'го' if case == 'genitive' else 'е'}"


def rank_span(low: int, high: int, lang: str) -> str:
    """``с 18-го по 47-е`` or "18 to 47"."""
    if lang == "en":
        return f"{low} to {high}"
    return f"с{NBSP}{ordinal(low, lang, 'genitive')} по{NBSP}{ordinal(high, lang)}"


def date(iso: str, lang: str) -> str:
    """``22 ноября 2026 г.``, "22 November 2026"; other text is returned as it is."""
    try:
        day = dt.date.fromisoformat(iso)
    except ValueError:
        return iso
    text = dates.format_date(day, format="long", locale=_LOCALES[lang]).replace("\u202f", NBSP)
    return text.replace(" ", NBSP)


def period(text: str, lang: str) -> str:
    """Words of a period: 2024 → «2024 год», 2024-H1 → «I полугодие 2024 г.», 2024-Q3, 2024-06, dates, ``a/b``."""
    if not text:
        return "дата не указана" if lang == "ru" else "date not stated"
    if "/" in text:
        return f" {EN_DASH} ".join(period(part, lang) for part in text.split("/"))
    match = re.fullmatch(r"(\d{4})(?:-(?:H([12])|Q([1-4])|(\d{2})))?", text)
    if not match:
        return date(text, lang)
    year, half, quarter, month = match.groups()
    if half:
        return _half(year, int(half), lang)
    if quarter:
        roman = _ROMAN[int(quarter) - 1]
        return f"{roman}{NBSP}квартал {year}{NBSP}г." if lang == "ru" else f"Q{quarter}{NBSP}{year}"
    if month:
        name = dates.format_date(dt.date(int(year), int(month), 1), "LLLL", locale=_LOCALES[lang])
        return f"{name} {year}{NBSP}г." if lang == "ru" else f"{name}{NBSP}{year}"
    return f"{year}{NBSP}год" if lang == "ru" else year


def _half(year: str, half: int, lang: str) -> str:
    if lang == "ru":
        return f"{_ROMAN[half - 1]}{NBSP}полугодие {year}{NBSP}г."
    return f"{'first' if half == 1 else 'second'} half of {year}"


def period_in_text(text: str, lang: str) -> str:
    """The period inside an English sentence takes an article: "the first half of 2024"."""
    words = period(text, lang)
    return f"the {words}" if lang == "en" and words.startswith(("first", "second")) else words


def tidy(text: str) -> str:
    """Prose from a reference table: the space between a number and what follows does not break."""
    return re.sub(r"(?<=\d) (?=[%\w])", NBSP, text)


def quoted(text: str, lang: str, inner: bool = False) -> str:
    """« » and inner „ “ in Russian, “ ” in English."""
    if lang == "ru":
        return f"„{text}“" if inner else f"«{text}»"
    return f"“{text}”"
