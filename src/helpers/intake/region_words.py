"""Words of region names: type words expanded, oblique cases led back to the nominative, keys that ignore word
order.
"""

import re

from helpers.intake.text import mend_look_alikes, normalise

TYPE_WORDS = frozenset({"область", "край", "республика", "автономный", "автономная", "округ", "город", "народная"})
_TYPE_FORMS = (
    (re.compile(r"\bгород\w* федерального значения\b"), " город "),
    (re.compile(r"(?<!\w)(?:а\.\s?о\.?|а/о)(?!\w)"), " ао "),
    (re.compile(r"\bавт(?:оном)?\.\s*(?=\w)"), "авт "),
    (re.compile(r"\bаобл\b\.?|\bавт обл\b\.?|(?<=еврейская )ао\b|(?<=еврейской )ао\b"), " автономная область "),
    (re.compile(r"\bавт окр(?:уг\w*)?\b\.?|\bао\b|\bаокр\b\.?"), " автономный округ "),
    (re.compile(r"\bобл\b\.?"), " область "),
    (re.compile(r"\bресп\b\.?|\bр-ка\b"), " республика "),
    (re.compile(r"\bкр\b\.?"), " край "),
    (re.compile(r"\b(?:г|гор)\b\.?(?=\s*\w)|(?<=\s)г\.?$"), " город "),
)  # fmt: skip
_NUMBERING = re.compile(r"^\s*(?:\d{1,3}(?:\.\d{1,2})*\s*[.)]\s*|№\s*\d+\s*)+")
_LEAD_IN = re.compile(r"^(?:в том числе|в т\.\s?ч\.|из них|в том числе по)\s*:?\s*")
_FOOTNOTES = re.compile(r"\s*(?:\*+|\(\*+\)|\[\d+\]|(?<=[а-яa-z)])\s?\d{1,2}\)|(?<=[а-я])\d{1,2}$)\s*$")
_SPLIT = re.compile(r"[^\w]+")
_NOUNS = {
    "область": "области областью областию", "край": "края краю краем крае",
    "республика": "республики республике республику республикой",
    "округ": "округа округу округом округе", "город": "города городу городом городе",
}  # fmt: skip


def clean_name(text: str) -> str:
    """Name in lower case without numbering, footnote marks and lead-ins; look-alikes mended, dashes and ё made
    uniform.
    """
    plain = mend_look_alikes(normalise(text)).lower().replace("ё", "е")
    plain = _NUMBERING.sub("", plain)
    plain = _FOOTNOTES.sub("", plain)
    plain = _LEAD_IN.sub("", plain)
    return re.sub(r"[«»\"“”„]", " ", plain).strip(" :;,.-–_")


def expand_types(plain: str) -> str:
    """Abbreviated type words written out: «обл.», «АО», «г.»."""
    for pattern, full in _TYPE_FORMS:
        plain = pattern.sub(full, plain)
    return plain


def words_of(plain: str) -> tuple[str, ...]:
    """Words in order, hyphens and brackets being blanks."""
    return tuple(word for word in _SPLIT.split(expand_types(plain)) if word)


def forms_of(word: str) -> list[str]:
    """Oblique cases of a word of a region name, by the endings of Russian declension."""
    if word in _NOUNS:
        return _NOUNS[word].split()
    stem = word[:-2]
    if word.endswith("ая"):
        return [stem + ending for ending in ("ой", "ую", "ою")]
    if word.endswith(("ий", "ый")) and word != "марий":
        return [stem + ending for ending in ("ого", "ому", word[-2] + "м", "ом")]
    if word.endswith("ия"):
        return [stem + ending for ending in ("ии", "ию", "ией")]
    for tail, endings in _ENDINGS:
        if re.search(tail, word):
            return [re.sub(tail, "", word) + ending for ending in endings]
    return []


_ENDINGS = (
    (r"я$", ("и", "е", "ю", "ей", "ёй")),
    (r"(?<=[гкхжшщч])а$", ("и", "е", "у", "ой")),
    (r"(?<!\bсах)а$", ("ы", "е", "у", "ой")),
    (r"ь$", ("я", "ю", "ем", "е", "и", "ью")),
    (r"й$", ("я", "ю", "ем", "е")),
    (r"(?<=[бвгдзклмнпрстфхцш])$", ("а", "у", "ом", "е")),
)
