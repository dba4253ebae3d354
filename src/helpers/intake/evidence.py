"""Which rating a table belongs to: evidence of titles, file name, labels, and of what the names in it resolve to."""

import re
from dataclasses import dataclass

from helpers.intake.agencies import judge_agency
from helpers.intake.columns import (
    INDICATOR_NAME,
    VALUE,
    Column,
    label_columns,
    named_indicators,
    sample_of,
)
from helpers.intake.headers import Header, Sheet
from helpers.intake.overrides import Overrides
from helpers.intake.regions import find_region, judge_region
from helpers.intake.text import key_text
from helpers.intake.vocabulary import PERIOD_ROLES, Label, Rating, Vocabulary

MIN_SHARE = 0.3


DOTTED_NUMBER = re.compile(r"^\d{1,2}\.\d{1,3}\.?$")
QUESTION_NUMBER = re.compile(r"^\d{1,2}(?:\.\d{1,3})?\.?$")


@dataclass(frozen=True)
class Evidence:
    """What a candidate rating rests on."""

    rating: Rating | None
    entity_type: str
    score: float
    columns: tuple[Column, ...]
    ids: tuple[int, ...]
    why: str


def weigh(
    rating: Rating, sheet: Sheet, header: Header, end: int, labels: list[Label], context: list[str],
    words: Vocabulary, file: str, overrides: Overrides,
) -> Evidence:  # fmt: skip
    """Evidence that a block belongs to a rating; a score of zero where it cannot."""
    roles = [words.role(label, "early") for label in labels]
    entity_type, ids, strength = _entity(rating, sheet, header, end, labels, roles, words, context)
    nothing = Evidence(rating, entity_type, 0.0, (), (), "")
    if not entity_type:
        return nothing
    columns = label_columns(rating, entity_type, sheet, header, end, labels, roles, ids, words, overrides)
    named = {column.rule.name for column in columns if column.rule and column.use == VALUE and column.label.texts}
    named |= {
        rule.name
        for column in columns
        if column.use == INDICATOR_NAME
        for rule in named_indicators(sheet, header, end, column.index, rating, words)
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
    if is_card and "region" not in roles and (context_entity(sheet, context, "region")):
        return "region", [], 1.0
    return "", [], 0.0


def _name_column(
    kind: str, sheet: Sheet, header: Header, end: int, roles: list[str], at: list[int]
) -> tuple[int | None, float]:
    best, best_share = None, 0.0
    for place, column in enumerate(at):
        if roles[place] in ("number", "place", "growth", "remark", "federal_district", *PERIOD_ROLES):
            continue
        share = entity_share(sheet, header, end, column, kind) + 0.2 * (roles[place] == kind)
        if share > best_share:
            best, best_share = column, share
    labelled = next((at[place] for place, role in enumerate(roles) if role == kind), None)
    if best is None or best_share < MIN_SHARE:
        # The label says so, but hardly a name resolves: read the column, so that its names are refused one by one.
        return (labelled, 1.0) if labelled is not None and sample_of(sheet, header, end, labelled) else (None, 0.0)
    return best, 2.0 if roles[best - header.left] == kind else 1.0


def entity_share(sheet: Sheet, header: Header, end: int, column: int, kind: str) -> float:
    """Share of the distinct texts of a column (a sample of them) that resolve to entities of a kind."""
    texts = sample_of(sheet, header, end, column)
    if not texts:
        return 0.0
    hits = sum(_resolves(text, kind) for text in texts)
    return hits / len(texts)


def _resolves(text: str, kind: str) -> bool:
    if kind == "federal_agency":
        return judge_agency(text).name is not None
    match = judge_region(text)
    return match.code is not None or match.reason in ("federal_district", "ambiguous", "aggregate_of_subjects")


def _question_column(sheet: Sheet, header: Header, end: int, roles: list[str], at: list[int]) -> int | None:
    """Column of question numbers; without a column of questions only numbers such as 1.2 count."""
    is_sure = "question" in roles or "question_number" in roles
    pattern = QUESTION_NUMBER if is_sure else DOTTED_NUMBER
    for place, role in enumerate(roles):
        if role in ("question_number", "number"):
            area = [text.strip() for text in sheet.own[header.last + 1 : end, at[place]] if text]
            if area and sum(bool(pattern.match(text)) for text in area) >= 0.5 * len(area):
                return at[place]
    return None


def guess_entity(sheet: Sheet, header: Header, end: int, labels: list[Label], words: Vocabulary) -> str:
    """Entity type that a label names, where no rating fits."""
    return next(
        (kind for kind in ("region", "federal_agency") if any(words.role(label, "early") == kind for label in labels)),
        "",
    )


def context_entity(sheet: Sheet, context: list[str], entity_type: str) -> str:
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
