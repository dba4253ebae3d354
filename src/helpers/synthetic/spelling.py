"""How the same thing is written in different files: spellings of regions, bodies and numbers, all of them readable."""

import datetime as dt

import numpy as np

from helpers.synthetic.grid import Cell, Styled

LOOK_ALIKE = str.maketrans("аеосрх", "aeocpx")
MONTHS = (
    "января", "февраля", "марта", "апреля", "мая", "июня",
    "июля", "августа", "сентября", "октября", "ноября", "декабря",
)  # fmt: skip
LEVEL_WORDS = {
    "high": ("высокий", "Высокий", "высокая", "Высокий уровень"),
    "medium": ("средний", "Средний", "Средний уровень"),
    "low": ("низкий", "Низкий", "Низкий уровень"),
}
LEVEL_LETTERS = {"high": ("В", "В", "B", "«В»", "в"), "medium": ("С", "С", "C", "с"), "low": ("Н", "Н", "H", "н")}
STATUS_WORDS = {
    "done": ("Исполнено", "исполнена", "исполнено"),
    "done_late": ("Исполнено с нарушением срока", "исполнено с нарушением срока"),
    "not_done": ("Не исполнено", "не исполнено"),
    "not_due": ("Срок не наступил", "срок не наступил"),
}


def one_of(rng: np.random.Generator, choices: tuple[str, ...]) -> str:
    """One of several spellings."""
    return choices[int(rng.integers(len(choices)))]


def region(rng: np.random.Generator, name: str) -> str:
    """Official name of a region as some clerk types it; never ambiguous."""
    kind = rng.random()
    if kind < 0.60:
        return name
    if kind < 0.70 and name.endswith(" область"):
        return name.replace(" область", " обл.")
    if kind < 0.70 and name.startswith("Республика "):
        return name.replace("Республика ", "Респ. ")
    if kind < 0.72 and name in ("Москва", "Санкт-Петербург", "Севастополь"):
        return f"г. {name}"
    if kind < 0.82:
        return name.replace(" ", "\u00a0")
    if kind < 0.90:
        return f"  {name} "
    return " ".join(_look_alikes(word) for word in name.split(" "))


def _look_alikes(word: str) -> str:
    """Latin twins for a few letters, so that at least half of the word stays Cyrillic."""
    swapped = word[:1] + word[1:].translate(LOOK_ALIKE)
    latin = sum(letter.isascii() and letter.isalpha() for letter in swapped)
    return swapped if 2 * latin < len(word) else word


def body(rng: np.random.Generator, short: str, full: str) -> str:
    """A federal body by its full name, its short name, or both."""
    return one_of(rng, (full, short, f"{full} ({short})"))


def percent(rng: np.random.Generator, value: float, decimals: int) -> Cell:
    """Per cent as text, as a number or as a fraction under a percent format."""
    text = f"{value:.{decimals}f}"
    kind = int(rng.integers(5))
    if kind == 0:
        return Styled(round(value / 100, decimals + 2), "0." + "0" * decimals + "%")
    if kind == 1:
        return Styled(round(value, decimals), "0." + "0" * decimals)
    return (f"{text} %", f"{text}%", text)[kind - 2].replace(".", ",")


def percent_text(rng: np.random.Generator, value: float, decimals: int) -> str:
    """Per cent in a text file."""
    text = f"{value:.{decimals}f}".replace(".", ",")
    return one_of(rng, (text, text, f"{text} %", f"{text}%", f" {text}"))


def number(rng: np.random.Generator, value: float, decimals: int = 1) -> Cell:
    """A number cell, or text with a decimal comma."""
    if rng.random() < 0.6:
        return Styled(round(value, decimals), "0." + "0" * decimals)
    return f"{value:.{decimals}f}".replace(".", ",")


def number_text(rng: np.random.Generator, value: float, decimals: int = 1, unit: str = "") -> str:
    """A number in a text file, now and then with its unit or an odd space."""
    text = f"{value:.{decimals}f}".replace(".", ",")
    return one_of(rng, (text, text, text, f"{text}\u00a0", f"{text} {unit}".rstrip()))


def date(rng: np.random.Generator, value: dt.date) -> Cell:
    """A date in one of the five forms of a road map; day first."""
    kind = int(rng.integers(5))
    if kind == 0:
        return Styled(value, "dd\\.mm\\.yyyy")
    if kind == 1:
        return (value - dt.date(1899, 12, 30)).days
    if kind == 2:
        return f"{value.day} {MONTHS[value.month - 1]} {value.year} г."
    return value.strftime("%d.%m.%Y" if kind == 3 else "%d.%m.%y")


def grade(rng: np.random.Generator, value: str) -> str:
    """A grade with quotes, spaces or a Latin twin."""
    twins = {"В": "B", "А": "A"}
    return one_of(rng, (value, value, f"«{value}»", f" {value} ", twins.get(value, value)))


def whole(rng: np.random.Generator, value: int, unit: str = "") -> str:
    """A small count: «3», «3 (три)», «3 док.»."""
    words = ("ноль", "один", "два", "три", "четыре", "пять", "шесть", "семь", "восемь", "девять", "десять")
    in_words = f"{value} ({words[value]})" if value < len(words) else str(value)
    return one_of(rng, (str(value), str(value), in_words, f"{value} {unit}".rstrip()))


def term(rng: np.random.Generator, days: int, day_unit: str) -> tuple[str, str, str, str]:
    """A term of delivery: text, value, unit and comparison."""
    if days == 0:
        return "в день обращения", "0", "at_request", "="
    if day_unit == "calendar_day":
        text = f"{days} {_days(days, 'календарный день', 'календарных дня', 'календарных дней')}"
    else:
        long = f"{days} {_days(days, 'рабочий день', 'рабочих дня', 'рабочих дней')}"
        text = one_of(rng, (long, long, f"{days} р.д.", long.replace(" ", "\u00a0")))
    if rng.random() < 0.12:
        return f"не более {days} {_days_after_limit(days, day_unit)}", str(days), day_unit, "<="
    return text, str(days), day_unit, "="


def _days(number: int, one: str, few: str, many: str) -> str:
    if number % 10 == 1 and number % 100 != 11:
        return one
    return few if number % 10 in (2, 3, 4) and number % 100 not in (12, 13, 14) else many


def _days_after_limit(number: int, day_unit: str) -> str:
    kind = "календарн" if day_unit == "calendar_day" else "рабоч"
    one, many = ("ого дня", "ых дней") if day_unit == "calendar_day" else ("его дня", "их дней")
    return kind + (one if number % 10 == 1 and number % 100 != 11 else many)
