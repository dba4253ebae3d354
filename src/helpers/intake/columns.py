"""What every column of a block is: an indicator, the entity, a period, a column not kept, or unknown; and why."""

import re
from dataclasses import dataclass, replace

from helpers.intake.headers import Header, Sheet
from helpers.intake.overrides import Overrides
from helpers.intake.text import is_missing, key_text
from helpers.intake.values import parse_category, parse_points
from helpers.intake.vocabulary import ENTITY_ROLES, PERIOD_ROLES, UNKEPT_ROLES, Indicator, Label, Rating, Vocabulary

SAMPLE = 150


VALUE, ENTITY, PERIOD, LONG_VALUE, INDICATOR_NAME, UNKEPT, UNKNOWN, EMPTY = (
    "value", "entity", "period", "long_value", "indicator_name", "not_kept", "unknown", "empty",
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One column of a block: absolute 0-based index, label, what it is used as, its early role, and its indicator.

    ``override`` is the row of ``column_overrides.csv`` that named the column, 0 for none.
    """

    index: int
    label: Label
    use: str
    role: str = ""
    rule: Indicator | None = None
    period: str = ""
    why: str = ""
    override: int = 0


def label_columns(
    rating: Rating, entity_type: str, sheet: Sheet, header: Header, end: int, labels: list[Label],
    roles: list[str], ids: list[int], words: Vocabulary,
    overrides: Overrides,
) -> tuple[Column, ...]:  # fmt: skip
    """Columns of a block as a rating reads them."""
    columns = []
    for place, label in enumerate(labels):
        index, role = header.left + place, roles[place]
        exception = overrides.of_column(sheet.grid.sheet, label.raw, index + 1, rating.code)
        if exception:
            rule = next(
                (rule for rule in words.indicators.get(rating.code, ()) if rule.name == exception.indicator), None
            )
            use = VALUE if rule else {"entity": ENTITY, "period": PERIOD}.get(exception.role, UNKEPT)
            why = f"override: {exception.reason}"
            columns.append(Column(index, label, use, exception.role, rule, exception.period, why, exception.row))
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


def named_indicators(
    sheet: Sheet, header: Header, end: int, index: int, rating: Rating, words: Vocabulary
) -> list[Indicator]:
    """Indicators that the cells of a column name, one per distinct text of a sample."""
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
    is_long = bool(names) and bool(named_indicators(sheet, header, end, names[0].index, rating, words))
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


def unrated_columns(
    labels: list[Label], header: Header, sheet: Sheet, end: int, words: Vocabulary
) -> tuple[Column, ...]:
    """Columns of a block whose rating is unknown: every measure is refused."""
    columns = []
    for place, label in enumerate(labels):
        index, role = header.left + place, words.role(label, "early")
        has_data = any(sheet.own[header.last + 1 : end, index])
        kept = role in (*UNKEPT_ROLES, *ENTITY_ROLES, *PERIOD_ROLES, "process", "question_number")
        use = UNKEPT if kept else UNKNOWN if has_data else EMPTY
        columns.append(Column(index, label, use, role, why="the rating of the table is unknown"))
    return tuple(columns)


def sample_of(sheet: Sheet, header: Header, end: int, column: int) -> list[str]:
    """Distinct texts of a column that hold letters, the first of them."""
    area = sheet.texts[header.last + 1 : min(end, header.last + 3000), column]
    return [
        text for text in dict.fromkeys(area.tolist()) if text and re.search(r"[^\W\d_]", text) and not is_missing(text)
    ][:SAMPLE]
