"""Names of regions → ISO 3166-2 codes, or the reason why not. A wrong code is worse than none.

Order: exact key over official and short names, reviewed aliases, aggregates, refusal lists, oblique cases and bodies of
a region, and a narrow fuzzy match last. The lists are rows of ``data/reference``: ``regions``, ``region_aliases``,
``refused_names``.
"""

import difflib
import re
from dataclasses import dataclass, replace
from functools import lru_cache

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from helpers import paths
from helpers.intake.agencies import judge_agency, looks_federal, mentions_federal
from helpers.intake.region_words import TYPE_WORDS, clean_name, expand_types, forms_of, words_of
from helpers.intake.text import is_missing
from helpers.tables import store

Key = frozenset[str]
_NO_BARE_STEM = {"UA-14", "UA-09", "RU-AL", "RU-ALT", "RU-NEN"}
_DISTRICT = re.compile(r"\bфедеральн\w+ округ|\bфо\b")
_TOTAL = re.compile(
    r"^(?:всего|итого|в целом|средн(?:ее|ий|яя|ероссийск\w*)|общий итог|по россии|по стране"
    r"|российская федерация|россия)\b"
)
_MUNICIPAL = re.compile(
    r"\bрайон\w*|\bр-н\w*|\bгородск\w+ округ|\bмуниципальн\w+|\bг\.\s?о\.|\bпоселени\w+|\bпос[её]л\w+"
    r"|\bсел[оа]\b|\bдеревн\w+|\bзато\b|\bулус\w*|\bволост\w+|\bстаниц\w+|\bокруг город\w*|\bм\.?\s?о\.\s"
    r"|\bпгт\b|\bаул\b"
)
_NOTE = re.compile(
    r"^(?:примечани|источник|справочно|наименование|субъект(?:ы)? рф|показател|раздел|группа|таблица|\*)"
)
_FEDERAL_WORDS = re.compile(r"\bроссии\b|российской федерации|^федеральн\w+ (?:служб|агентств|казначейств)")
_BODY = re.compile(
    r"^(?:правительств|министерств|мин[а-я]{3,}|департамент|администраци|комитет|управлени|агентств|служб"
    r"|губернатор|инспекци|аппарат|канцеляри|главн\w+ управлени|госкомитет"
    r"|государственн\w+ (?:комитет|служб|инспекци|управлени|комисси)|мфц\b|гбу|гау|огбу|огау|гку"
    r"|кабинет министров|совет министров|глава|мэрия|органы? исполнительной власти|роив|иогв|центр)"
)
_PLURAL = re.compile(
    r"\b(?:области и|областей|областям|республик|республикам|краев|краям|округов|округам|областях|округах)$"
)
_JOINED = re.compile(r"\s*(?:[,;/+&\n]|\bи\b|\bа также\b|\bплюс\b|\bвместе с\b)\s*")
_WITH = re.compile(r"\b(?:с|со|включая|в том числе|вкл|вместе с)\b|\bбез\b|\bкроме\b|\bисключая\b")
_MOJIBAKE = re.compile(
    r"[ÐÑðñÃÂâ€™ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ]|[РС][\u00a0-\u04ff]{1}[РС]|[À-ÿ]{3}|[ЎўЈҐ¦§Ё©Є«¬®Ї°±Ііґµ¶·ё№є»јЅѕї]{2}"
)
_ROUND_TRIPS = (
    ("cp1251", "utf-8"), ("latin-1", "cp1251"), ("latin-1", "utf-8"), ("cp1252", "utf-8"), ("cp1252", "cp1251"),
    ("cp1251", "cp866"), ("cp866", "cp1251"),
)  # fmt: skip
SUGGESTIONS = 3


@dataclass(frozen=True, slots=True)
class RegionMatch:
    """Outcome for one name.

    Attributes
    ----------
    code : str or None
        ISO 3166-2 code of ``regions.csv``.
    reason : str
        Reason of refusal, empty where a code is given.
    suggestions : tuple of str
        Up to three names for a person to choose from, never for a table.
    how : str
        ``code``, ``exact``, ``alias``, ``case``, ``body_of_region``, ``fuzzy`` or ``mended_encoding``.
    """

    code: str | None
    reason: str = ""
    suggestions: tuple[str, ...] = ()
    how: str = ""


@dataclass(frozen=True)
class _Register:
    names: dict[str, str]
    exact: dict[Key, str]
    aliases: dict[Key, str]
    refused: dict[Key, str]
    base_forms: dict[str, str]
    stems: dict[str, tuple[str, Key]]
    okato: dict[str, str]


def match_region(text: str) -> RegionMatch:
    """Code of the region that a text names, or the reason why none is given.

    Parameters
    ----------
    text : str
        One name as it stands in a cell: «Тульская обл.», «ХМАО — Югра», «Правительство Тульской области».

    Returns
    -------
    RegionMatch
        Reasons: ``blank_or_not_a_name``, ``federal_district``, ``total_or_country``, ``foreign``,
        ``abolished_subject``,
        ``city_not_subject``, ``municipal_not_subject``, ``federal_body``, ``aggregate_of_subjects``, ``ambiguous``,
        ``no_such_subject``, ``header_note_or_section``.
    """
    match = judge_region(text)
    if match.code or match.reason in ("total_or_country", "blank_or_not_a_name"):
        return match
    return replace(match, suggestions=_suggest(clean_name(str(text)), str(paths.root())))


def judge_region(text: str) -> RegionMatch:
    """The same without suggestions, which cost more than the match itself."""
    return _match(str(text), str(paths.root()))


def find_region(text: str) -> str | None:
    """The one region that running text mentions («Анкета … Тульской области»); ``None`` for none or several."""
    register = _register(str(paths.root()))
    words = [register.base_forms.get(word, word) for word in words_of(clean_name(text))]
    found: set[str] = set()
    position = 0
    while position < len(words):
        for width in range(min(8, len(words) - position), 0, -1):
            window = words[position : position + width]
            code = register.exact.get(frozenset(window)) or (
                register.aliases.get(frozenset(window)) if width > 1 else None
            )
            if code and (width > 1 or window[0] not in register.stems):
                found.add(code)
                position += width - 1
                break
        position += 1
    return found.pop() if len(found) == 1 else None


def region_of_okato(okato: str) -> str | None:
    """Region of an 11-digit OKATO code; ``None`` where the register does not know its territory."""
    register = _register(str(paths.root()))
    digits = re.sub(r"\D", "", okato)
    for width in (5, 2):
        code = register.okato.get(digits[:width].ljust(11, "0"))
        if code and len(digits) in (8, 11):
            return code
    return None


def region_name(code: str) -> str:
    """Official name of a region; the code itself where the register does not hold it."""
    return _register(str(paths.root())).names.get(code, code)


@lru_cache(maxsize=200_000)
def _match(text: str, folder: str) -> RegionMatch:
    register = _register(folder)
    plain = clean_name(text)
    if not re.search(r"[^\W\d_]", plain) and re.search(r"[^\W\d_]|№", text) and not is_missing(text):
        return RegionMatch(None, "header_note_or_section")  # nothing but a lead-in («в том числе:»)
    found = _match_clean(plain, register)
    if found.code is None and found.reason in ("no_such_subject", "blank_or_not_a_name") and _MOJIBAKE.search(text):
        return _mend_encoding(text, register) or found
    return found


def _match_clean(plain: str, register: _Register) -> RegionMatch:
    if plain.upper() in register.names:
        return RegionMatch(plain.upper(), how="code")
    words = words_of(plain)
    key = frozenset(words)
    if not re.search(r"[^\W\d_]", plain) or plain in {"н/д", "нет данных", "x", "х", "n/a", "#н/д"}:
        return RegionMatch(None, "blank_or_not_a_name")
    if key in register.exact and not _JOINED.search(plain.replace(" / ", " ")):
        return RegionMatch(register.exact[key], how="exact")
    if key in register.aliases and not ("," in plain or ";" in plain):
        return RegionMatch(register.aliases[key], how="alias")
    reason = _refusal(plain, key, register)
    if reason:
        return RegionMatch(None, reason)
    return _oblique(plain, words, register) or _fuzzy(words, register) or RegionMatch(None, "no_such_subject")


def _refusal(plain: str, key: Key, register: _Register) -> str:
    if _DISTRICT.search(plain):
        return "federal_district"
    base = frozenset(register.base_forms.get(word, word) for word in key)
    if key in register.refused or base in register.refused:
        return register.refused.get(key) or register.refused[base]
    tests = (
        (_TOTAL.match(plain), "total_or_country"),
        (_NOTE.match(plain), "header_note_or_section"),
        (_is_aggregate(plain, register), "aggregate_of_subjects"),
        (_MUNICIPAL.search(plain), "municipal_not_subject"),
        (looks_federal(plain) or judge_agency(plain).name or mentions_federal(plain), "federal_body"),
        (_FEDERAL_WORDS.search(plain), "federal_body"),
        (key <= TYPE_WORDS, "ambiguous"),
        (_is_city(key, base, register), "city_not_subject"),
    )
    return next((reason for hit, reason in tests if hit), "")


def _is_city(key: Key, base: Key, register: _Register) -> bool:
    if register.refused.get(base - {"город"}) == "city_not_subject":
        return True
    return "город" in base and not any(register.exact.get(frozenset({word})) for word in base - {"город"})


def _is_aggregate(plain: str, register: _Register) -> bool:
    named = [part for part in _JOINED.split(plain) if part]
    if len(named) > 1:
        codes = {code for part in named if (code := _simple_code(part, register))}
        stems = sum(bool(_simple_code(part, register)) for part in named)
        if len(codes) > 1 or stems > 1:
            return True
        if (
            codes
            and not _BODY.match(plain)
            and re.search(r"област\w+$|округ\w*$", plain)
            and _is_adjective_list(named, register)
        ):
            return True
    cut = _WITH.split(plain, maxsplit=1)
    if len(cut) == 2 and re.search(r"округ|\bао\b|область|края?|республик|москв|петербург|[а-я]{2,3}ао\b", cut[1]):
        return bool(_simple_code(cut[0].strip(" ("), register))
    return bool(_PLURAL.search(plain) and not _BODY.match(plain))


def _is_adjective_list(parts: list[str], register: _Register) -> bool:
    return all(any(register.base_forms.get(word, word) in register.stems for word in words_of(part)) for part in parts)


def _simple_code(part: str, register: _Register) -> str | None:
    words = [register.base_forms.get(word, word) for word in words_of(part.strip(" ()"))]
    key = frozenset(words)
    return register.exact.get(key) or register.aliases.get(key)


def _oblique(plain: str, words: tuple[str, ...], register: _Register) -> RegionMatch | None:
    base = [register.base_forms.get(word, word) for word in words]
    while base and base[0] in {"в", "во", "по", "для", "из"}:
        base = base[1:]
    key = frozenset(base)
    if len(base) > 1 or (base and base[0] not in register.stems):
        code = register.exact.get(key) or register.aliases.get(key)
        if code:
            return RegionMatch(code, how="case")
    if not _BODY.match(plain) or _PLURAL.search(plain):
        return None
    for width in range(min(8, len(base) - 1), 0, -1):
        window = frozenset(base[-width:])
        code = register.exact.get(window) or (register.aliases.get(window) if width > 1 else None)
        if code is None or (width == 1 and base[-1] in register.stems):
            continue
        before = base[: len(base) - width]
        if before[-1] in {"и", "город"} or any(word in register.stems or word == "город" for word in before):
            return None
        return RegionMatch(code, how="body_of_region")
    return None


def _fuzzy(words: tuple[str, ...], register: _Register) -> RegionMatch | None:
    base = [register.base_forms.get(word, word) for word in words]
    types = frozenset(base) & TYPE_WORDS
    name = " ".join(word for word in base if word not in TYPE_WORDS)
    if not types or len(name) < 8 or len(base) - len(types) > 2:
        return None
    limit = 2 if len(name) >= 13 else 1
    near = process.extract(name, list(register.stems), scorer=OSA.distance, score_cutoff=limit + 2, limit=5)
    near = [entry for entry in near if entry[1] <= limit + 1]
    others = [" ".join(sorted(key - TYPE_WORDS)) for key in register.refused if key & TYPE_WORDS]
    rival = process.extractOne(name, others, scorer=OSA.distance)
    if not near or near[0][1] > limit or near[0][0][0] != name[0]:
        return None
    best, distance, _ = near[0]
    code, needed = register.stems[best]
    margins = [entry[1] - distance for entry in near[1:] if register.stems[entry[0]][0] != code]
    is_clear = all(margin >= 2 for margin in margins) and (rival is None or rival[1] - distance >= 2)
    return RegionMatch(code, how="fuzzy") if is_clear and types == needed else None


@lru_cache(maxsize=20_000)
def _suggest(plain: str, folder: str) -> tuple[str, ...]:
    names = list(_register(folder).names.values())
    near = process.extract(
        expand_types(plain), names, scorer=fuzz.WRatio, processor=str.lower, limit=SUGGESTIONS, score_cutoff=75
    )
    return tuple(dict.fromkeys(entry[0] for entry in near))


def _mend_encoding(text: str, register: _Register) -> RegionMatch | None:
    found = set()
    for source, target in _ROUND_TRIPS:
        try:
            mended = text.encode(source).decode(target)
        except (UnicodeEncodeError, UnicodeDecodeError):
            continue
        if re.fullmatch(r"[а-яёА-ЯЁ\s.,()«»\-–—/*\d]+", mended):
            match = _match_clean(clean_name(mended), register)
            if match.code and match.how in ("exact", "alias"):
                found.add(match.code)
    return RegionMatch(found.pop(), how="mended_encoding") if len(found) == 1 else None


@lru_cache(maxsize=8)
def _register(folder: str) -> _Register:
    regions = store.reference("regions").to_dict("records")
    exact: dict[Key, str] = {}
    stems: dict[str, tuple[str, Key]] = {}
    base_forms: dict[str, str] = {}
    for row in regions:
        _add_region(row, exact, stems, base_forms)
    named = store.reference("region_aliases").to_dict("records")
    _refuse_unknown(named, {row["iso_3166_2"] for row in regions})
    aliases = {_key(row["alias"]): row["region_iso"] for row in named}
    for row in named:
        _add_forms(words_of(clean_name(row["alias"])), base_forms)
    refused = {_key(row["name"]): row["refuse_reason"] for row in store.reference("refused_names").to_dict("records")}
    for name in store.reference("refused_names")["name"]:
        _add_forms(words_of(clean_name(name)), base_forms)
    for key in refused:
        exact.pop(key, None)
    codes = {row["iso_3166_2"]: row["name_ru_official"] for row in regions}
    okato = {row["okato"]: row["iso_3166_2"] for row in regions if row["okato"]}
    return _Register(codes, exact, aliases, refused, base_forms, stems, okato)


def _refuse_unknown(named: list[dict], codes: set[str]) -> None:
    """Every alias leads to a region of the register.

    Raises
    ------
    StoreError
        Naming the first row that does not.
    """
    for line, row in enumerate(named, start=2):
        if row["region_iso"] not in codes or not row["alias"].strip():
            near = difflib.get_close_matches(row["region_iso"], sorted(codes), n=1)
            raise store.StoreError(
                f"row {line} of data/reference/region_aliases.csv: «{row['alias']}» leads to «{row['region_iso']}»,"
                f" no code of regions.csv{f'; nearest: {near[0]}' if near else ''}"
            )


def _add_region(
    row: dict, exact: dict[Key, str], stems: dict[str, tuple[str, Key]], base_forms: dict[str, str]
) -> None:
    code = row["iso_3166_2"]
    official, short = (words_of(clean_name(row[name])) for name in ("name_ru_official", "name_ru_short"))
    names = [official, short, official + short]
    if row["subject_type"] in ("federal_city", "city") or "город" in row["aliases_ru"].lower():
        names += [("город", *short)]
    if row["subject_type"] == "republic" and "республика" not in short and "народная" not in official:
        names += [("республика", *short)]
    bare = tuple(word for word in official if word not in TYPE_WORDS)
    if code not in _NO_BARE_STEM and len(bare) <= 2:
        names += [bare]
    for words in names:
        if words and not frozenset(words) <= TYPE_WORDS:
            exact.setdefault(frozenset(words), code)
    types = frozenset(official) & TYPE_WORDS
    if types and bare:
        stems[" ".join(bare)] = (code, types)
        for word in bare:
            if word.endswith(("ая", "ий", "ый")):
                stems.setdefault(word, (code, types))
    _add_forms(official + short, base_forms)


def _add_forms(words: tuple[str, ...], base_forms: dict[str, str]) -> None:
    for word in words:
        base_forms.setdefault(word, word)
        for form in forms_of(word):
            base_forms.setdefault(form.replace("ё", "е"), word)


def _key(name: str) -> Key:
    return frozenset(words_of(clean_name(name)))
