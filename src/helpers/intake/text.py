"""Normal form of a text cell: what is dropped, what is mended, and what is never touched.

Superscripts leave first (NFKC would turn «54,5¹» into 54,51), then the text is normalised once. Latin look-
alikes are mended
only inside a token that already holds a Cyrillic letter; a token of Latin letters alone is left as it is.
"""

import re
import unicodedata

SUPERSCRIPTS = "¹²³⁰⁴⁵⁶⁷⁸⁹ⁱⁿ⁽⁾⁺⁻"
LATIN_TWINS = str.maketrans("ABEKMHOPCTXYaceopxyk", "АВЕКМНОРСТХУасеорхук")
CYRILLIC_TWINS = str.maketrans("АВЕКМНОРСТХУІасеорхукі", "ABEKMHOPCTXYIaceopxyki")
MISSING_MARKS = frozenset(
    {
        "", "-", "--", "---", "...", "..", "н/д", "н.д.", "нд", "нет данных", "нет сведений", "данные отсутствуют",
        "данных нет", "отсутствует", "отсутствуют", "x", "х", "#н/д", "#n/a", "n/a", "#ref!", "#ссылка!", "#value!",
        "#знач!", "#div/0!", "#дел/0!", "#name?", "#имя?", "#num!", "#число!", "#null!", "#пусто!", "нет", "?",
        "none",
        "null", "nan", "не оценивалось", "не оценивался", "не оценивалась", "не проводилась", "не проводился",
    }
)  # fmt: skip
NOT_APPLICABLE = re.compile(r"^не\s*применим[оаы]?$|^н/п$|^неприменимо$|^не применяется$")
_NUMBER_SIGN = "\ue000"  # NFKC would turn № into No
_SPACES = re.compile(r"[\s\u00a0\u2000-\u200a\u202f\u205f\u3000]+")
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff\x00-\x08\x0e-\x1f\x7f]")
_DASHES = re.compile(r"[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_QUOTED = re.compile(r"^[«\"“”„'‘’‚]+(.*?)[»\"“”„'‘’]+$", re.S)
_SUPERSCRIPT = re.compile(f"[{SUPERSCRIPTS}]+")
# Most cells are plain already: one match instead of six replacements.
_PLAIN = re.compile(r"^[а-яА-ЯёЁa-zA-Z0-9.,%+()/-]+(?: [а-яА-ЯёЁa-zA-Z0-9.,%+()/-]+)*\Z")
_FOOTNOTE = re.compile(r"(?<=\S)\s*\*+\)?$")
_CYRILLIC = re.compile(r"[а-яёА-ЯЁ]")
_LATIN_TWIN = re.compile(r"[ABEKMHOPCTXYaceopxyk]")
_WORD = re.compile(r"[^\W\d_]+")


def normalise(text: str) -> str:
    """Text without superscripts, odd spaces, invisible characters, fancy dashes and quotes around the whole of it."""
    if _PLAIN.match(text):
        return text
    clean = unicodedata.normalize("NFKC", _SUPERSCRIPT.sub("", text).replace("№", _NUMBER_SIGN)).replace(
        _NUMBER_SIGN, "№"
    )
    clean = _DASHES.sub("-", _INVISIBLE.sub("", clean))
    clean = _SPACES.sub(" ", clean).strip()
    quoted = _QUOTED.match(clean)
    if quoted and not re.search(r"[«»\"“”„]", quoted.group(1)):
        clean = quoted.group(1).strip()
    return clean


def key_text(text: str) -> str:
    """Normal form for comparison: lower case, ё as е, look-alikes mended inside Cyrillic words."""
    return mend_look_alikes(normalise(text)).lower().replace("ё", "е")


def mend_look_alikes(text: str) -> str:
    """Latin twins → Cyrillic, only in words that hold a Cyrillic letter already."""
    if not _LATIN_TWIN.search(text) or not _CYRILLIC.search(text):
        return text
    return _WORD.sub(lambda word: _mend_word(word.group()), text)


def _mend_word(word: str) -> str:
    return word.translate(LATIN_TWINS) if _CYRILLIC.search(word) else word


def strip_footnote(text: str) -> str:
    """A value without the asterisks that point to a footnote."""
    return _FOOTNOTE.sub("", text).rstrip()


def is_missing(text: str) -> bool:
    """Is this a mark of a missing value (blank, dash, «н/д», an error of the spreadsheet)?"""
    return normalise(text).lower().replace("…", "...") in MISSING_MARKS


def is_not_applicable(text: str) -> bool:
    """Does the cell say that the question does not apply (it leaves the denominator)?"""
    return bool(NOT_APPLICABLE.match(normalise(text).lower()))


def to_superscript(text: str) -> str:
    """Footnote digits as superscript characters, so that a reader keeps the mark and a parser can drop it."""
    return text.translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
