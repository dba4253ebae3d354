"""Names of federal bodies → their short names (rows of ``data/reference/agencies.csv``), or the reason why not."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from rapidfuzz import fuzz, process

from helpers import paths
from helpers.intake.text import key_text
from helpers.tables import store

_FEDERAL = re.compile(
    r"^федеральн\w+ (?:служб|агентств|казначейств)|^министерств\w+ .*российской федерации|^(?:министерство"
    r"|служба) российской федерации"
)
_COUNTRY = re.compile(r"\b(?:россии|рф|российской федерации)\b")
_TERRITORIAL = re.compile(r"\b(?:территориальн\w+ орган|управлени\w+ .*(?:по|в) |отделени\w+ .*по |межрегиональн\w+)")
_NUMBERING = re.compile(r"^\s*\d{1,3}(?:\.\d{1,2})*\s*[.)]\s*")
SUGGESTIONS = 3


@dataclass(frozen=True, slots=True)
class AgencyMatch:
    """Short name of the federal body, or ``None`` with a reason (``unknown_entity``, ``ambiguous_entity``) and
    suggestions.
    """

    name: str | None
    reason: str = ""
    suggestions: tuple[str, ...] = ()


def match_agency(text: str) -> AgencyMatch:
    """Federal body that a text names: full name, short name, «full (short)» or abbreviation; never a guess.

    Parameters
    ----------
    text : str
        One name as it stands in a cell.

    Returns
    -------
    AgencyMatch
        A territorial office, a near miss or two different bodies in one cell are refused.
    """
    match = judge_agency(text)
    if match.name or not str(text).strip():
        return match
    return replace(match, suggestions=_suggest(_key(str(text)), str(paths.root())))


def judge_agency(text: str) -> AgencyMatch:
    """The same without suggestions, which cost more than the match itself."""
    return _match(str(text), str(paths.root()))


def looks_federal(text: str) -> bool:
    """Is this worded like the name of a federal body, known or not?"""
    return bool(_FEDERAL.match(key_text(text)))


def mentions_federal(text: str) -> bool:
    """Does a word of the text belong to the short name of a federal body («Управление Росреестра по …»)?"""
    stems = _short_stems(str(paths.root()))
    words = re.findall(r"\w+", key_text(text))
    return any(
        word in stems or (len(word) > 6 and any(len(stem) > 5 and word.startswith(stem) for stem in stems))
        for word in words
    )


@lru_cache(maxsize=8)
def _short_stems(folder: str) -> frozenset[str]:
    shorts = [_COUNTRY.sub("", key_text(name)).strip() for name in store.reference("agencies")["short_name"]]
    return frozenset(short for short in shorts if " " not in short and not short.startswith(("мин", "мвд", "мид")))


@lru_cache(maxsize=100_000)
def _match(text: str, folder: str) -> AgencyMatch:
    names = _names(folder)
    key = _key(text)
    if not key:
        return AgencyMatch(None, "unknown_entity")
    if key in names:
        return AgencyMatch(names[key])
    outer, inner = re.sub(r"\([^()]*\)", " ", key), re.findall(r"\(([^()]*)\)", key)
    parts = [part for part in [outer, *inner] if part.strip()]
    if not inner:
        parts = [part for part in re.split(r"\s+-\s+|[;/]", key) if part.strip()]
    found = {names.get(_squeeze(part)) for part in parts}
    if len(parts) > 1 and len(found) == 1 and None not in found:
        return AgencyMatch(found.pop())
    if len(found - {None}) > 1:
        return AgencyMatch(None, "ambiguous_entity")
    return AgencyMatch(None, "unknown_entity")


@lru_cache(maxsize=20_000)
def _suggest(key: str, folder: str) -> tuple[str, ...]:
    names = _names(folder)
    near = process.extract(key, list(names), scorer=fuzz.WRatio, limit=SUGGESTIONS, score_cutoff=80)
    return tuple(dict.fromkeys(names[entry[0]] for entry in near))


def _key(text: str) -> str:
    return _squeeze(_NUMBERING.sub("", re.sub(r"[*]+\s*$", "", key_text(text))))


def _squeeze(text: str) -> str:
    text = _COUNTRY.sub(lambda found: "россии" if found.group() != "российской федерации" else found.group(), text)
    return re.sub(r"\s+", " ", re.sub(r"[«»\"“”„]", "", text)).strip(" .,;:-")


@lru_cache(maxsize=8)
def _names(folder: str) -> dict[str, str]:
    names: dict[str, str] = {}
    for row in store.reference("agencies").to_dict("records"):
        spellings = [row["short_name"], row["full_name"], *filter(None, row["aliases"].split(";"))]
        spellings += [_COUNTRY.sub("", key_text(row["short_name"]))]
        full = key_text(row["full_name"])
        if full.startswith("министерство") and full.endswith("российской федерации"):
            spellings += [
                full.removesuffix("российской федерации") + "рф",
                full.removesuffix("российской федерации") + "россии",
            ]
        for spelling in spellings:
            names.setdefault(_key(spelling), row["short_name"])
    return names
