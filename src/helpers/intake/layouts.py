"""Grid → blocks of labelled cells: which rating, which rows are data, what every column is, and why.

A block is one table under one header. Recognition weighs evidence for each rating (title, file name, labels,
what the names in the
entity column resolve to) and takes the best; no evidence means no rating, and the block is refused, never guessed.
"""

import re
from dataclasses import dataclass, replace

import numpy as np

from helpers.intake import rows as row_kinds
from helpers.intake.agencies import judge_agency
from helpers.intake.headers import Header, Sheet, find_headers, labels_of, split_side_by_side
from helpers.intake.overrides import Overrides
from helpers.intake.periods import Mention, find_mentions
from helpers.intake.regions import find_region, judge_region
from helpers.intake.rows import Rows
from helpers.intake.text import is_missing, key_text
from helpers.intake.values import parse_category, parse_points
from helpers.intake.vocabulary import ENTITY_ROLES, PERIOD_ROLES, UNKEPT_ROLES, Indicator, Label, Rating, Vocabulary

SAMPLE = 150
MIN_SHARE = 0.3
QUESTION_NUMBER = re.compile(r"^\d{1,2}(?:\.\d{1,3})?\.?$")
VALUE, ENTITY, PERIOD, LONG_VALUE, INDICATOR_NAME, UNKEPT, UNKNOWN, EMPTY = (
    "value", "entity", "period", "long_value", "indicator_name", "not_kept", "unknown", "empty",
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One column of a block: absolute 0-based index, label, what it is used as, its early role, and its indicator."""

    index: int
    label: Label
    use: str
    role: str = ""
    rule: Indicator | None = None
    period: str = ""
    why: str = ""


@dataclass(frozen=True)
class Block:
    """One table under one header, recognised (``rating``) or not (``rating`` empty)."""

    sheet: Sheet
    header: Header
    end: int
    rating: str
    entity_type: str
    columns: tuple[Column, ...]
    rows: Rows
    titles: tuple[str, ...]
    page_titles: tuple[str, ...] = ()
    entity_text: str = ""
    period: str = ""
    why: str = ""

    def by_role(self, *roles: str) -> list[int]:
        """Absolute indexes of columns with one of the roles."""
        return [column.index for column in self.columns if column.role in roles]


@dataclass(frozen=True)
class Evidence:
    """What a candidate rating rests on."""

    rating: Rating | None
    entity_type: str
    score: float
    columns: tuple[Column, ...]
    ids: tuple[int, ...]
    why: str


def read_blocks(sheet: Sheet, words: Vocabulary, file: str, overrides: Overrides) -> list[Block]:
    """Blocks of a sheet in order; an empty list where no row looks like a header.

    Parameters
    ----------
    sheet : Sheet
        Prepared grid.
    words : Vocabulary
        Reference lists.
    file : str
        File name: the last and weakest hint.
    overrides : Overrides
        Reviewed exceptions of ``data/reference`` for this file.
    """
    exception = overrides.of_sheet(sheet.grid.sheet)
    if exception and exception.header:
        headers = [Header(exception.header[0], exception.header[1], 0, sheet.texts.shape[1])]
    else:
        headers = find_headers(sheet, words)
    tops = [
        _title_start(sheet, header, headers[place - 1].last + 1 if place else 0) for place, header in enumerate(headers)
    ]
    blocks = []
    for place, header in enumerate(headers):
        end = tops[place + 1] if place + 1 < len(headers) else sheet.rows
        titles = tuple(
            dict.fromkeys(text for row in range(tops[place], header.first) for text in sheet.own[row] if text)
        )
        first_titles = (
            tuple(text for row in range(tops[0], headers[0].first) for text in sheet.own[row] if text) if place else ()
        )
        for part in split_side_by_side(sheet, header, words):
            block = _block(sheet, part, end, titles, first_titles, words, file, overrides)
            if exception:
                block = replace(block, period=exception.period, entity_text=exception.entity or block.entity_text)
            blocks.append(block)
    return blocks


def _title_start(sheet: Sheet, header: Header, floor: int) -> int:
    """First row of the titles above a header: lone texts and blank rows, going up from it."""
    row = header.first
    while row > floor and (row - 1 < floor or np.count_nonzero(sheet.own[row - 1] != "") <= (50 if floor == 0 else 1)):
        text = next((text for text in sheet.own[row - 1] if text), "")
        if floor and text and row_kinds._kind_of_text(text, is_alone=True) != row_kinds.DATA:
            break
        row -= 1
    return row if floor else 0


def _block(
    sheet: Sheet, header: Header, end: int, titles: tuple[str, ...], first_titles: tuple[str, ...],
    words: Vocabulary, file: str, overrides: Overrides,
) -> Block:  # fmt: skip
    labels = labels_of(sheet, header)
    context = [*sheet.grid.titles, *first_titles, *titles]
    forced = overrides.rating_of(sheet.grid.sheet)
    found = [
        _weigh(rating, sheet, header, end, labels, context, words, file, overrides)
        for rating in words.ratings
        if not forced or rating.code == forced
    ]
    found = sorted((one for one in found if one.score > 0), key=lambda one: -one.score)
    if found and (len(found) == 1 or found[0].score > found[1].score):
        best = found[0]
    else:
        tied = " and ".join(one.rating.code for one in found[:2] if one.rating)
        best = Evidence(
            None,
            _guess_entity(sheet, header, end, labels, words),
            0.0,
            _unrated(labels, header, sheet, end, words),
            (),
            tied,
        )
    ids = list(best.ids)
    names = [
        column.index
        for column in best.columns
        if column.role in ("service_name", "point_name", "question", "life_situation", "number")
    ]
    kinds = row_kinds.classify(sheet, header, end, ids, names, best.entity_type)
    code = best.rating.code if best.rating else ""
    text = _context_entity(sheet, context, best.entity_type) if not ids or best.entity_type == "questionnaire" else ""
    why = best.why if code else f"no rating has more evidence than others ({best.why or 'none fits'})"
    return Block(
        sheet,
        header,
        end,
        code,
        best.entity_type,
        best.columns,
        kinds,
        titles,
        page_titles=first_titles,
        entity_text=text,
        why=why,
    )


def _weigh(
    rating: Rating, sheet: Sheet, header: Header, end: int, labels: list[Label], context: list[str],
    words: Vocabulary, file: str, overrides: Overrides,
) -> Evidence:  # fmt: skip
    roles = [words.role(label, "early") for label in labels]
    entity_type, ids, strength = _entity(rating, sheet, header, end, labels, roles, words, context)
    nothing = Evidence(rating, entity_type, 0.0, (), (), "")
    if not entity_type:
        return nothing
    columns = _columns(rating, entity_type, sheet, header, end, labels, roles, ids, words, overrides)
    named = {column.rule.name for column in columns if column.rule and column.use == VALUE and column.label.texts}
    named |= {
        rule.name
        for column in columns
        if column.use == INDICATOR_NAME
        for rule in _named(sheet, header, end, column.index, rating, words)
    }
    has_default = any(column.use == VALUE and not column.label.texts for column in columns)
    title_text = " ".join([*map(key_text, context), key_text(sheet.grid.sheet)])
    in_title = bool(rating.title_pattern.search(title_text)) or entity_type == "feedback_answer"
    in_file = bool(rating.file_pattern.search(key_text(file)))
    if not named and not (has_default and (in_title or in_file)):
        return nothing
    if rating.code in ("g_curators", "h_feedback") and not (
        in_title or in_file or any(rating.title_pattern.search(" ".join(label.texts)) for label in labels)
    ):
        return nothing
    score = strength + len(named) + 3 * in_title + in_file + 0.5 * has_default
    clues = [
        f"{len(named)} indicators" if named else "",
        "title" if in_title else "",
        "file name" if in_file else "",
        f"entities: {entity_type}",
    ]
    return Evidence(rating, entity_type, score, columns, tuple(ids), ", ".join(filter(None, clues)))


def _entity(
    rating: Rating,
    sheet: Sheet,
    header: Header,
    end: int,
    labels: list[Label],
    roles: list[str],
    words: Vocabulary,
    context: list[str],
) -> tuple[str, list[int], float]:
    """Entity type, absolute identifier columns and strength of the evidence; an empty type where the rating does
    not fit.
    """
    at = [header.left + place for place in range(len(roles))]
    for kind in rating.entity_types:
        if kind in ("region", "federal_agency"):
            column, strength = _name_column(kind, sheet, header, end, roles, at)
            is_body = kind == "region" and column is not None and roles[column - header.left] == "regional_agency"
            if column is not None and not is_body and not (rating.code == "e_roadmap" and "point_number" in roles):
                return kind, [column], strength
        elif kind == "regional_agency" and "regional_agency" in roles:
            return kind, [at[roles.index("regional_agency")]], 1.5
        elif kind == "service" and "service_code" in roles:
            return kind, [at[roles.index("service_code")]], 2.0 + 0.5 * ("service_name" in roles)
        elif kind == "roadmap_point" and "point_number" in roles:
            bodies = [at[place] for place, role in enumerate(roles) if role == "federal_agency"][:1]
            return kind, [*bodies, at[roles.index("point_number")]], 3.0
        elif kind == "life_situation" and "life_situation" in roles and "service_name" not in roles:
            code = [at[place] for place, role in enumerate(roles) if role == "service_code"][:1]
            return kind, code or [at[roles.index("life_situation")]], 3.0
        elif kind == "questionnaire":
            column = _question_column(sheet, header, end, roles, at)
            if column is not None:
                return kind, [column], 3.0
        elif kind == "feedback_answer" and "answer_id" in roles:
            return kind, [at[roles.index("answer_id")]], 4.0
    is_card = (
        any(words.role(label, "late") == "indicator_name" for label in labels) and rating.entity_types[0] == "region"
    )
    if is_card and "region" not in roles and (_context_entity(sheet, context, "region")):
        return "region", [], 1.0
    return "", [], 0.0


def _name_column(
    kind: str, sheet: Sheet, header: Header, end: int, roles: list[str], at: list[int]
) -> tuple[int | None, float]:
    best, best_share = None, 0.0
    for place, column in enumerate(at):
        if roles[place] in ("number", "place", "growth", "remark", *PERIOD_ROLES):
            continue
        share = entity_share(sheet, header, end, column, kind) + 0.2 * (roles[place] == kind)
        if share > best_share:
            best, best_share = column, share
    labelled = next((at[place] for place, role in enumerate(roles) if role == kind), None)
    if best is None or best_share < MIN_SHARE:
        # The label says so, but hardly a name resolves: read the column, so that its names are refused one by one.
        return (labelled, 1.0) if labelled is not None and _sample(sheet, header, end, labelled) else (None, 0.0)
    return best, 2.0 if roles[best - header.left] == kind else 1.0


def entity_share(sheet: Sheet, header: Header, end: int, column: int, kind: str) -> float:
    """Share of the distinct texts of a column (a sample of them) that resolve to entities of a kind."""
    texts = _sample(sheet, header, end, column)
    if not texts:
        return 0.0
    hits = sum(_resolves(text, kind) for text in texts)
    return hits / len(texts)


def _resolves(text: str, kind: str) -> bool:
    if kind == "federal_agency":
        return judge_agency(text).name is not None
    match = judge_region(text)
    return match.code is not None or match.reason in ("federal_district", "ambiguous", "aggregate_of_subjects")


def _sample(sheet: Sheet, header: Header, end: int, column: int) -> list[str]:
    area = sheet.texts[header.last + 1 : min(end, header.last + 3000), column]
    return [
        text for text in dict.fromkeys(area.tolist()) if text and re.search(r"[^\W\d_]", text) and not is_missing(text)
    ][:SAMPLE]


def _question_column(sheet: Sheet, header: Header, end: int, roles: list[str], at: list[int]) -> int | None:
    if "question" not in roles and "question_number" not in roles:
        return None
    for place, role in enumerate(roles):
        if role in ("question_number", "number"):
            area = [text.strip() for text in sheet.own[header.last + 1 : end, at[place]] if text]
            if area and sum(bool(QUESTION_NUMBER.match(text)) for text in area) >= 0.5 * len(area):
                return at[place]
    return None


def _columns(
    rating: Rating, entity_type: str, sheet: Sheet, header: Header, end: int, labels: list[Label],
    roles: list[str], ids: list[int], words: Vocabulary,
    overrides: Overrides,
) -> tuple[Column, ...]:  # fmt: skip
    columns = []
    for place, label in enumerate(labels):
        index, role = header.left + place, roles[place]
        exception = overrides.of_column(sheet.grid.sheet, label.raw, index + 1)
        if exception:
            rule = next(
                (rule for rule in words.indicators.get(rating.code, ()) if rule.name == exception.indicator), None
            )
            use = VALUE if rule else {"entity": ENTITY, "period": PERIOD}.get(exception.role, UNKEPT)
            columns.append(
                Column(index, label, use, exception.role, rule, exception.period, f"override: {exception.reason}")
            )
        elif index in ids:
            columns.append(
                Column(index, label, ENTITY, role if role in ENTITY_ROLES else entity_type, why="names the record")
            )
        elif role in PERIOD_ROLES:
            columns.append(Column(index, label, PERIOD, role, why="period of the row"))
        else:
            columns.append(_measure(rating, sheet, header, end, index, label, role, words))
    return _long_form(rating, sheet, header, end, columns, words)


def _measure(
    rating: Rating, sheet: Sheet, header: Header, end: int, index: int, label: Label, role: str, words: Vocabulary
) -> Column:
    if role in UNKEPT_ROLES:
        return Column(index, label, UNKEPT, role, why=f"label of kind «{role}»")
    rule = words.indicator(label, rating.code)
    if role in ENTITY_ROLES or role in ("process", "question_number"):
        return Column(index, label, UNKEPT, role, why="another name of the record")
    if rule:
        return Column(index, label, VALUE, role, rule, why=f"label matches «{rule.name}»")
    late = words.role(label, "late")
    if late:
        use = {"indicator_name": INDICATOR_NAME, "value": LONG_VALUE, "unit": UNKEPT}[late]
        return Column(index, label, use, late, why=f"label of kind «{late}»")
    has_data = any(sheet.own[header.last + 1 : end, index])
    if not label.texts and (label.mentions or label.state) and has_data:
        rule = _default(rating, sheet, header, end, index, words)
        if rule:
            return Column(index, label, VALUE, role, rule, why=f"a period alone: the values read as «{rule.name}»")
    if not has_data:
        return Column(index, label, EMPTY, role, why="no cells")
    return Column(index, label, UNKNOWN, role, why="no such label in indicators.csv")


def _default(rating: Rating, sheet: Sheet, header: Header, end: int, index: int, words: Vocabulary) -> Indicator | None:
    """Of the indicators that a rating may leave unnamed, the one that most values of the column read as."""
    texts = [
        text
        for text in dict.fromkeys(sheet.texts[header.last + 1 : end, index].tolist())
        if text and not is_missing(text)
    ][:SAMPLE]
    rules = sorted(
        (rule for rule in words.indicators[rating.code] if rule.default_order), key=lambda rule: rule.default_order
    )
    for rule in rules:
        hits = sum(_reads(text, rule, words) for text in texts)
        if texts and hits >= 0.5 * len(texts):
            return rule
    return rules[0] if len(rules) == 1 and not texts else None


def _reads(text: str, rule: Indicator, words: Vocabulary) -> bool:
    if rule.kind == "level":
        return not parse_category(text, {**words.words["level"], **words.words["level_letter"]}, "bad_level").reason
    parsed = parse_points(text.replace("%", ""))
    return not parsed.reason or parsed.reason == "out_of_range"


def _named(sheet: Sheet, header: Header, end: int, index: int, rating: Rating, words: Vocabulary) -> list[Indicator]:
    texts = [
        text
        for text in dict.fromkeys(sheet.texts[header.last + 1 : min(end, header.last + 3000), index].tolist())
        if text
    ][:SAMPLE]
    return [rule for text in texts if (rule := words.indicator(Label((key_text(text),)), rating.code))]


def _long_form(
    rating: Rating, sheet: Sheet, header: Header, end: int, columns: list[Column], words: Vocabulary
) -> tuple[Column, ...]:
    """With a column of indicator names, columns labelled only by a value word or a period hold values of the named
    indicator.
    """
    names = [column for column in columns if column.use == INDICATOR_NAME]
    is_long = bool(names) and bool(_named(sheet, header, end, names[0].index, rating, words))
    changed = []
    for column in columns:
        if (
            is_long
            and column.use in (VALUE, UNKNOWN)
            and (not column.label.texts or words.role(column.label, "late") == "value")
        ):
            column = replace(column, use=LONG_VALUE, rule=None, why="value of the indicator named in the row")
        elif not is_long and column.use == LONG_VALUE:
            column = replace(column, use=UNKNOWN, why="a value of nothing named")
        elif not is_long and column.use == INDICATOR_NAME:
            column = replace(column, use=UNKEPT)
        changed.append(column)
    return tuple(changed)


def _unrated(labels: list[Label], header: Header, sheet: Sheet, end: int, words: Vocabulary) -> tuple[Column, ...]:
    columns = []
    for place, label in enumerate(labels):
        index, role = header.left + place, words.role(label, "early")
        has_data = any(sheet.own[header.last + 1 : end, index])
        kept = role in (*UNKEPT_ROLES, *ENTITY_ROLES, *PERIOD_ROLES, "process", "question_number")
        use = UNKEPT if kept else UNKNOWN if has_data else EMPTY
        columns.append(Column(index, label, use, role, why="the rating of the table is unknown"))
    return tuple(columns)


def _guess_entity(sheet: Sheet, header: Header, end: int, labels: list[Label], words: Vocabulary) -> str:
    return next(
        (kind for kind in ("region", "federal_agency") if any(words.role(label, "early") == kind for label in labels)),
        "",
    )


def _context_entity(sheet: Sheet, context: list[str], entity_type: str) -> str:
    """The entity that a whole sheet is about: its name for a questionnaire, the region of its name or title for a
    card.
    """
    name = sheet.grid.sheet
    is_generic = not name or bool(re.match(r"^(?:лист|sheet|таблица|table|анкета|опросник)\s*\d*$", key_text(name)))
    if entity_type == "questionnaire":
        if not is_generic:
            return name.strip()
        bodies = [
            text.split(":", 1)[1].strip()
            for text in context
            if re.search(r"(?:анкета|орган|ведомство|самооценк)[^:]*:\s*\S", key_text(text))
        ]
        return bodies[-1] if bodies else ""
    if judge_region(name).code:
        return name
    regions = [text for text in reversed(context) if find_region(text)]
    return regions[0] if regions else ""


def title_mentions(block: Block) -> tuple[list[Mention], list[Mention]]:
    """Periods of the titles inside the sheet, and of the nearest heading above the table that names one."""
    inside: list[Mention] = []
    for texts in (block.titles, block.page_titles):
        for text in texts if not inside else ():
            if row_kinds.title_kind(text) == row_kinds.TITLE:
                inside += [mention for mention in find_mentions(text)[0] if mention not in inside]
    outside: list[Mention] = []
    for text in reversed(block.sheet.grid.titles):
        found = list(find_mentions(text)[0]) if row_kinds.title_kind(text) == row_kinds.TITLE else []
        if found:
            outside = found
            break
    return inside, outside
