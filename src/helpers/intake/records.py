"""Rows of a block → records: which entity, which period, and which records are repeated or contradict each other."""

import re
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from helpers.intake.columns import PERIOD, UNKNOWN, VALUE, Column
from helpers.intake.entities import EntityMatch, match_entity
from helpers.intake.frames import taken
from helpers.intake.layouts import Block, title_mentions
from helpers.intake.periods import Mention, combine, find_mentions, parse_period, period_of_file_name
from helpers.intake.regions import find_region, judge_region, region_of_okato
from helpers.intake.text import key_text, normalise
from helpers.intake.values import parse_date

LOST_ZERO = "stored as a number without a format: a trailing zero may be lost"
INVALID = Mention(None, "unreadable", None, is_valid=False)
_POINT = re.compile(r"^\d+(?:\.\d+)*$|^[\wа-яА-Я]+(?:[-./]\w+)*$")


@dataclass(frozen=True)
class Field:
    """Text per row, as positions in a list of texts."""

    codes: np.ndarray
    texts: list[str]

    def take(self) -> np.ndarray:
        """Text of every row."""
        return np.array(self.texts, dtype=object)[self.codes]

    def category(self, rows: np.ndarray) -> pd.Categorical:
        """Text of some rows."""
        return taken(self.texts, self.codes[rows])


@dataclass(frozen=True)
class Entities:
    """Entity of every row of a block: identifier, region, text as printed, reason of refusal, suggestion."""

    ids: Field
    regions: Field
    raws: Field
    reasons: Field
    suggestions: Field

    @classmethod
    def of(cls, codes: np.ndarray, matches: list[EntityMatch], raws: list[str]) -> "Entities":
        """From one match per distinct text."""
        names = ("entity_id", "region_iso", "reason", "suggestion")
        ids, regions, reasons, suggestions = (
            Field(codes, [getattr(match, name) for match in matches]) for name in names
        )
        return cls(ids, regions, Field(codes, raws), reasons, suggestions)

    def with_suggestions(self, more: dict[int, str]) -> "Entities":
        """The same with these suggestions for single rows."""
        if not more:
            return self
        codes = self.suggestions.codes.copy()
        codes[list(more)] = len(self.suggestions.texts) + np.arange(len(more))
        return replace(self, suggestions=Field(codes, [*self.suggestions.texts, *more.values()]))


def entities(block: Block) -> Entities:
    """Entities of the rows below the header of a block (all rows, whatever their kind)."""
    count = len(block.rows.kinds)
    if block.entity_text:
        match = _constant(block)
        return Entities.of(np.zeros(count, dtype=np.int64), [match], [block.entity_text])
    if block.entity_type == "roadmap_point":
        return _points(block)
    ids = [column.index for column in block.columns if column.use == "entity"]
    if not ids:
        return Entities.of(np.zeros(count, dtype=np.int64), [EntityMatch("", reason="missing_id")], [""])
    texts = _texts(block, ids[0])
    if block.entity_type in ("service", "life_situation", "feedback_answer"):
        return _coded(block, ids[0], texts)
    codes, distinct = pd.factorize(texts)
    matches = [match_entity(text, block.entity_type) for text in distinct]
    if block.entity_type == "regional_agency":
        around = _context_region(block)
        matches = [
            replace(match, region_iso=match.region_iso or around) if match.entity_id else match for match in matches
        ]
    return Entities.of(codes, matches, list(distinct))


def _texts(block: Block, column: int) -> np.ndarray:
    return block.sheet.texts[block.rows.start : block.end, column]


def _constant(block: Block) -> EntityMatch:
    if block.entity_type == "questionnaire":
        texts = [*block.titles, *block.page_titles, *block.sheet.grid.titles, block.entity_text]
        regions = {code for text in texts if (code := find_region(text) or judge_region(text).code)}
        return EntityMatch(normalise(block.entity_text), regions.pop() if len(regions) == 1 else "")
    code = judge_region(block.entity_text).code or find_region(block.entity_text)
    return EntityMatch(code or "", code or "", "" if code else "unknown_entity")


def _coded(block: Block, column: int, texts: np.ndarray) -> Entities:
    """Services, life situations, answers: the code is the identifier, the name beside it is what was printed."""
    codes, distinct = pd.factorize(texts)
    found = Entities.of(codes, [match_entity(text, block.entity_type) for text in distinct], list(distinct))
    names = block.by_role("life_situation" if block.entity_type == "life_situation" else "service_name")
    if names and names[0] != column:
        found = replace(found, raws=_printed(found.raws, _texts(block, names[0])))
    lost = [
        row - block.rows.start
        for row, at in block.sheet.grid.general_numbers
        if at == column and block.rows.start <= row < block.end
    ]
    if lost:
        found = _refused(found, np.isin(np.arange(len(texts)), lost), "missing_id", LOST_ZERO)
    return _with_regions(found, block)


def _printed(codes: Field, names: np.ndarray) -> Field:
    """Name beside the code; the code itself where the name is blank."""
    name_codes, distinct = pd.factorize(names)
    blank = np.array([not name for name in distinct], dtype=bool)[name_codes]
    if not blank.any():
        return Field(name_codes, list(distinct))
    return Field(np.where(blank, codes.codes + len(distinct), name_codes), [*distinct, *codes.texts])


def _refused(found: Entities, rows: np.ndarray, reason: str, suggestion: str) -> Entities:
    reasons, suggestions = found.reasons, found.suggestions
    return replace(
        found,
        reasons=Field(np.where(rows, len(reasons.texts), reasons.codes), [*reasons.texts, reason]),
        suggestions=Field(np.where(rows, len(suggestions.texts), suggestions.codes), [*suggestions.texts, suggestion]),
    )


def _with_regions(found: Entities, block: Block) -> Entities:
    """Region of a record from its own column, or from the words around the table."""
    columns = block.by_role("region", "okato")
    if not columns:
        return replace(found, regions=Field(np.zeros(len(found.ids.codes), dtype=np.int64), [_context_region(block)]))
    codes, distinct = pd.factorize(_texts(block, columns[0]))
    regions = [(judge_region(text).code or region_of_okato(text) or "") if text else "" for text in distinct]
    if block.entity_type == "feedback_answer":
        nowhere = np.array([not region for region in regions], dtype=bool)[codes]
        found = _refused(
            found, nowhere & (found.reasons.take() == ""), "unknown_entity", "no region has this OKATO code"
        )
    return replace(found, regions=Field(codes, regions))


def _context_region(block: Block) -> str:
    for text in (
        *reversed(block.titles),
        *reversed(block.page_titles),
        *reversed(block.sheet.grid.titles),
        block.sheet.grid.sheet,
    ):
        code = find_region(text)
        if code:
            return code
    return ""


def _points(block: Block) -> Entities:
    """Road-map points: «body / number»; the body stands in the row, above it, or in the section."""
    ids = [column.index for column in block.columns if column.use == "entity"]
    numbers = block.sheet.own[block.rows.start : block.end, ids[-1]]
    bodies = _bodies(block, ids[0]) if len(ids) > 1 else _section_texts(block)
    lost = {row for row, column in block.sheet.grid.general_numbers if column == ids[-1]}
    is_lost = np.array([block.rows.start + row in lost for row in range(len(numbers))], dtype=bool)
    codes, distinct = pd.factorize(pd.MultiIndex.from_arrays([bodies, numbers, is_lost]))
    matches = []
    for body, number, is_short in distinct:
        agency = match_entity(body, "federal_agency")
        point = normalise(number).rstrip(". ")
        if is_short or not _POINT.match(point):
            hint = LOST_ZERO if is_short else ""
            matches.append(EntityMatch("", reason="missing_id", suggestion=hint))
        elif not agency.entity_id:
            matches.append(
                EntityMatch("", reason=agency.reason if body else "missing_id", suggestion=agency.suggestion)
            )
        else:
            matches.append(EntityMatch(f"{agency.entity_id} / {point}"))
    return Entities.of(codes, matches, [body for body, _, _ in distinct])


def _bodies(block: Block, column: int) -> np.ndarray:
    """Body of every row; a blank one below a named one is the same body where tables leave repeats blank."""
    bodies = pd.Series(_texts(block, column), dtype=object)
    breaks = pd.Series(np.isin(block.rows.kinds, (1, 2, 3, 4, 7))).cumsum()
    return bodies.where(bodies != "").groupby(breaks.to_numpy()).ffill().fillna("").to_numpy(dtype=object)


def _section_texts(block: Block) -> np.ndarray:
    texts = np.array(
        [*block.rows.section_texts, block.titles[-1] if block.titles else block.sheet.grid.sheet], dtype=object
    )
    return texts[block.rows.section]


def periods(
    block: Block, column: Column, file: str, others: tuple[Column, ...]
) -> tuple[np.ndarray, tuple[tuple[str, str], ...]]:
    """Period of a column's cell in every row.

    Returns
    -------
    tuple
        Codes per row, and the distinct (period, reason) they point to.
    """
    count = len(block.rows.kinds)
    if column.label.state:
        return np.zeros(count, dtype=np.int64), ((column.label.state, ""),)
    fixed = column.period or block.period
    if fixed:
        return np.zeros(count, dtype=np.int64), ((fixed, ""),)
    row_codes, row_levels = _row_mentions(block)
    sections = [_single(text) for text in block.rows.section_texts]
    pair = row_codes * (len(sections) + 1) + block.rows.section + 1
    distinct, codes = np.unique(pair, return_inverse=True)
    own = _column_mentions(column, others, block)
    outcomes = []
    for value in distinct:
        row, section = divmod(int(value), len(sections) + 1)
        near = [*row_levels[row], *own, sections[section - 1] if section else None]
        outcomes.append(_settle(near, block, file, is_named=bool(own), others=others))
    return codes, tuple(outcomes)


def _settle(
    near: list[Mention | None], block: Block, file: str, *, is_named: bool, others: tuple[Column, ...]
) -> tuple[str, str]:
    inside, outside = title_mentions(block)
    sheet = list(find_mentions(block.sheet.grid.sheet)[0]) if not block.sheet.grid.sheet.startswith("table") else []
    far = [*sheet, *inside]
    if not far:
        far = list(outside)
    known = [mention for mention in near if mention is not None]
    if is_named and far and _compares_years(far, others):
        far = []
    state = [mention for mention in known if mention.kind in ("before", "after")]
    if state:
        return state[0].kind, ""
    period, reason = combine([*known, *far])
    if (not period and not reason) or (reason and known and all(mention.year is None for mention in [*known, *far])):
        hint = period_of_file_name(file)
        if hint and not (known and not all(mention.is_valid for mention in known)):
            return combine([*known, *far, hint])
    return period, reason


def _compares_years(far: list[Mention], others: tuple[Column, ...]) -> bool:
    """Columns of several years under a title of one of them: the title names the year of the report, the columns
    rule.
    """
    years = {mention.year for column in others for mention in column.label.mentions if mention.year}
    return len(years) > 1 and all(mention.year in years for mention in far if mention.year)


def _column_mentions(column: Column, others: tuple[Column, ...], block: Block) -> list[Mention]:
    """Mentions of the column; one without any, beside columns of several periods, belongs to the latest of them or
    to none.
    """
    if column.label.mentions or any(other.use == PERIOD for other in block.columns):
        return list(column.label.mentions)
    if any(other.use == UNKNOWN and re.search(r"\d", other.label.raw) for other in block.columns):
        return [INVALID]  # an unread label beside it may be the period that this column belongs to
    dated = [other for other in others if other.label.mentions and other.use == VALUE]
    texts = {combine(list(other.label.mentions))[0] for other in dated}
    if not dated or len(texts) < 2:
        return list(dated[0].label.mentions) if dated and not title_mentions(block)[0] else []
    twins = [other for other in others if other.rule == column.rule and not other.label.mentions]
    left = [other for other in dated if other.index < column.index]
    if len(twins) > 1:
        return list(left[-1].label.mentions) if left else [INVALID]
    if 0 < len(left) < len(dated):
        return [INVALID]
    latest = max(dated, key=lambda other: _order(combine(list(other.label.mentions))[0]))
    return list(latest.label.mentions)


def _order(period: str) -> tuple[str, str]:
    """Later periods sort higher by the month they end with."""
    year, _, part = period.partition("-")
    month = {"": 12, "H1": 6, "H2": 12, "Q1": 3, "Q2": 6, "Q3": 9, "Q4": 12}.get(
        part, int(part) if part.isdigit() else 0
    )
    return year, f"{month:02d}"


def _single(text: str) -> Mention | None:
    mentions = find_mentions(text)[0]
    return mentions[0] if len(mentions) == 1 and mentions[0].is_valid else None


def _row_mentions(block: Block) -> tuple[np.ndarray, list[list[Mention]]]:
    columns = [column for column in block.columns if column.use == PERIOD]
    count = len(block.rows.kinds)
    if not columns:
        return np.zeros(count, dtype=np.int64), [[]]
    texts = [_texts(block, column.index) for column in columns]
    codes, distinct = pd.factorize(pd.MultiIndex.from_arrays(texts)) if len(texts) > 1 else pd.factorize(texts[0])
    levels = []
    for entry in distinct:
        parts = entry if len(texts) > 1 else (entry,)
        levels.append(
            [
                m
                for part, column in zip(parts, columns, strict=True)
                if (m := _row_mention(part, column.role)) is not None
            ]
        )
    return codes, levels


def _row_mention(text: str, role: str) -> Mention | None:
    plain = key_text(text)
    if role == "received":
        day = parse_date(text).value
        return Mention(int(str(day)[:4]), "month", int(str(day)[5:7])) if day else INVALID
    if not plain or plain in {"-", "н/д"}:
        return None
    if plain in ("до", "до оптимизации", "было"):
        return Mention(None, "before")
    if plain in ("после", "после оптимизации", "стало"):
        return Mention(None, "after")
    if role == "month" and re.fullmatch(r"20\d\d-\d\d-01", plain):
        return Mention(int(plain[:4]), "month", int(plain[5:7]))
    if role in ("quarter", "half", "month") and re.fullmatch(r"\d{1,2}|[ivхx]+", plain):
        mention = (
            parse_period(f"{plain} {'квартал' if role == 'quarter' else 'полугодие'}") if role != "month" else None
        )
        if role == "month" and plain.isdigit():
            return Mention(None, "month", int(plain), 1 <= int(plain) <= 12)
        return mention or INVALID
    return parse_period(text) or INVALID


def duplicates(keys: list[np.ndarray], signatures: list[np.ndarray], eligible: list[np.ndarray]) -> np.ndarray:
    """Verdict per row: 0 fine, 1 repeats an earlier row exactly, 2 contradicts another row.

    Parameters
    ----------
    keys, signatures, eligible : lists of ndarray, one per group of columns that share a period
        Integer key of the record, integer of its values, and whether the row has accepted values there.
    """
    count = len(keys[0]) if keys else 0
    is_conflict = np.zeros(count, dtype=bool)
    is_exact = np.ones(count, dtype=bool)
    seen = np.zeros(count, dtype=bool)
    for key, signature, has_value in zip(keys, signatures, eligible, strict=True):
        rows = np.flatnonzero(has_value)
        frame = pd.DataFrame({"key": key[rows], "signature": signature[rows]})
        if frame["key"].is_unique:
            is_exact[rows] = False
            continue
        distinct = frame.drop_duplicates().groupby("key").size()
        conflict = frame["key"].map(distinct).to_numpy() > 1
        repeated = frame.duplicated().to_numpy()
        is_conflict[rows] |= conflict
        is_exact[rows] &= repeated & ~conflict
        seen[rows] = True
    return np.where(is_conflict, 2, np.where(is_exact & seen, 1, 0))


def joined_codes(columns: list[np.ndarray]) -> np.ndarray:
    """One integer per row for the combination of several integer columns."""
    result = np.zeros(len(columns[0]), dtype=np.int64) if columns else np.empty(0, dtype=np.int64)
    for column in columns:
        result = pd.factorize(result * (int(column.max(initial=0)) + 2) + column + 1)[0]
    return result


def wrong_totals(total: np.ndarray, parts: list[np.ndarray], decimals: int) -> np.ndarray:
    """Rows whose printed total lies further from the sum of its parts than rounding allows: (parts + 1) · step /
    2.
    """
    stacked = np.vstack(parts)
    known = ~np.isnan(total) & ~np.isnan(stacked).any(axis=0)
    slack = (len(parts) + 1) * 10.0**-decimals / 2 + 1e-9
    return known & (np.abs(total - stacked.sum(axis=0)) > slack)
