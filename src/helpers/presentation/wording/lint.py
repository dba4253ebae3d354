"""Two detectors for texts of all products: words that claim too much, and sentences that are broken."""

import re

_QUOTED = re.compile(r"«[^«»]*»|“[^“”]*”|„[^„“]*“")
_FORBIDDEN = {
    "ru": (
        r"благодаря", r"прив(?:е|ё)л[аои]?\s+к", r"вызван[оаы]?", r"из[-‑]за", r"вследствие", r"в\s+результате",
        r"за\s+сч[её]т", r"позволило", r"обеспечил[оаи]?", r"повлиял[оаи]?", r"доказан[оаы]?",
        r"успех\w*", r"провал\w*",
        r"лидер\w*", r"аутсайдер\w*", r"антирейтинг\w*",
    ),
    "en": (
        r"because\s+of", r"thanks\s+to", r"led\s+to", r"caused", r"resulted\s+in", r"due\s+to", r"boosted", r"drove",
        r"proven", r"leaders?", r"laggards?",
    ),
}  # fmt: skip
_EFFECT = r"эффект(?!ивн)\w*"
_BEST = {"ru": r"лучш(?:ий|ая|ее|ие|его|ей|их|им|ем|ую)", "en": r"the\s+best"}
_SIGNIFICANT = r"(?<!статистически )(?<!статистически\u00a0)значимо\b"
_UNITS = (
    r"п\.|дн\w+|услуг\w*|процент\w*|балл\w*|регион\w*|заявлени\w*|рабоч\w+ д\w+|календарн\w+ д\w+|документ\w*|визит\w*"
)
_BROKEN: tuple[tuple[str, str], ...] = (
    ("doubled space", r"[ \u00a0]{2,}"),
    ("ordinary space before %", r"\d %"),
    ("ordinary space before a unit", rf"\d (?:{_UNITS})\b"),
    ("unresolved placeholder", r"[{}]|%\(|\$\{"),
    ("missing value in words", r"\b(?:nan|NaN|None|null|inf|NaT)\b"),
    ("hyphen used as a minus", r"(?:(?<=[\s(])|^)-\d|\d - \d"),
    ("Latin letter inside a Cyrillic word", r"[А-Яа-яЁё][A-Za-z]|[A-Za-z][А-Яа-яЁё]"),
    ("space before punctuation", r"[ \u00a0][,.;:](?!\d)"),
    ("doubled punctuation", r"\.\.|,,|;;|\(\)|:\s*\."),
    ("minus zero", r"[-\u2212+]0(?:[.,]0+)?(?![\d.,]\d)(?!\d)"),
)


def forbidden(
    text: str, lang: str, names: tuple[str, ...] = (), block: str = "", may_be_best: bool = False
) -> list[str]:
    """Forbidden words of a text, outside quotation marks and the given names.

    Parameters
    ----------
    text : str
        Finished text of a product, an alternative text or a subject.
    lang : str
        ``ru`` or ``en``.
    names : tuple of str
        Names of services, bodies and source titles, which are quoted literally.
    block : str
        ``effect`` allows the word «эффект».
    may_be_best : bool
        Whether the rank interval is 1–1.
    """
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = text.replace(name, " ")
    bare = _QUOTED.sub(" ", text)
    patterns = list(_FORBIDDEN[lang])
    if lang == "ru":
        patterns.append(_SIGNIFICANT)
        if block != "effect":
            patterns.append(_EFFECT)
    if not may_be_best:
        patterns.append(_BEST[lang])
    found = []
    for pattern in patterns:
        found += [match.group(0) for match in re.finditer(rf"(?<!\w)(?:{pattern})(?!\w)", bare, re.IGNORECASE)]
    return found


def broken(text: str, names: tuple[str, ...] = ()) -> list[str]:
    """What is wrong with a finished sentence; an empty list means nothing. Names are left out of the check."""
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = text.replace(name, "Имя")
    return [label for label, pattern in _BROKEN if re.search(pattern, text)]


def words(sentence: str) -> int:
    """Words of a sentence, a number with its unit sign counted as one."""
    return sum(1 for part in re.split(r"\s+", sentence.replace("\u00a0", "")) if re.search(r"\w", part))
