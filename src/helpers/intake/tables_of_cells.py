"""One block → accepted cells, refusals, and the heap that every cell ended in."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.intake import footnotes, similar, totals
from helpers.intake import rows as row_kinds
from helpers.intake.cells import parse_column
from helpers.intake.checks import (
    Part,
    check_duplicates,
    check_questions,
    check_totals,
    expect_blank_facts,
    refuse_twins,
    refuse_wide_merges,
)
from helpers.intake.columns import EMPTY, ENTITY, INDICATOR_NAME, LONG_VALUE, PERIOD, UNKNOWN, VALUE, Column
from helpers.intake.evidence import QUESTION_NUMBER
from helpers.intake.frames import constant, taken
from helpers.intake.layouts import Block
from helpers.intake.records import Entities, entities, periods
from helpers.intake.text import key_text, normalise
from helpers.intake.vocabulary import Indicator, Label, Vocabulary

UNSEEN, STRUCTURAL, ACCEPTED, REJECTED, NOT_KEPT = range(5)


STRUCTURAL_REASONS = ("total_row", "section_row")


MAX_RAW = 500


_PROCESS = re.compile(r"процесс\w*\s*(?:№\s*)?(\d{1,2})|^(\d{1,2})\s*\.\s")


@dataclass
class BlockResult:
    """Frames of a block (columns of ``frames``), verdicts per cell written into the heap of the grid, and notes."""

    cells: list[pd.DataFrame]
    rejects: list[pd.DataFrame]
    notes: list[str]


def clean_block(block: Block, words: Vocabulary, file: str, heap: np.ndarray) -> BlockResult:
    """Accept and refuse the cells of one block.

    Parameters
    ----------
    block : Block
        Recognised or not; without a rating every measure is refused as ``unknown_indicator``.
    words : Vocabulary
        Reference lists.
    file : str
        Name of the file.
    heap : ndarray of int8, shape of the grid
        Written in place: where each cell of the block ended.
    """
    named = entities(block)
    reasons = named.reasons.take()
    kinds = block.rows.kinds
    for structural in STRUCTURAL_REASONS:
        kinds[(kinds == row_kinds.DATA) & (reasons == structural)] = row_kinds.TOTAL
    data = np.flatnonzero(kinds == row_kinds.DATA)
    _fill_heap(block, heap, data)
    if not block.rating:
        return _unrated(block, heap, data, file, named)
    parts = _parts(block, words, file, data)
    refused = _refuse_rows(block, parts, named, data)
    check_totals(parts, block)
    check_questions(parts)
    repeats = check_duplicates(parts, named, refused, block.rows.start + 1)
    return _collect(block, parts, named.with_suggestions(repeats), refused, heap, file, data)


def _fill_heap(block: Block, heap: np.ndarray, data: np.ndarray) -> None:
    area = heap[block.header.first : block.end, block.header.left : block.header.right]
    area[:] = STRUCTURAL
    rows = data + block.rows.start
    for column in block.columns:
        is_key = column.use in (ENTITY, PERIOD, INDICATOR_NAME, EMPTY)
        heap[rows, column.index] = (
            STRUCTURAL if is_key else UNSEEN if column.use in (VALUE, LONG_VALUE, UNKNOWN) else NOT_KEPT
        )


def _parts(block: Block, words: Vocabulary, file: str, data: np.ndarray) -> list[Part]:
    values = tuple(column for column in block.columns if column.use in (VALUE, LONG_VALUE))
    parts: list[Part] = []
    start, end = block.rows.start, block.end
    for column in values:
        texts, kinds = block.sheet.texts[start:end, column.index], block.sheet.kinds[start:end, column.index]
        codes, outcomes = periods(block, column, file, values)
        for rule, rows in _rules(block, column, words, data):
            cells = parse_column(texts[rows], kinds[rows], rule, column.label.raw, block.rows.legend, words)
            names, name_codes = _indicator_names(block, rule, rows)
            parts.append(
                Part(column, rule, name_codes, names, rows, cells, cells.take("reason"), codes[rows], outcomes)
            )
    for part in parts:
        expect_blank_facts(part, parts)
    refuse_wide_merges(parts, block)
    refuse_twins(parts)
    return parts


def _rules(block: Block, column: Column, words: Vocabulary, data: np.ndarray) -> list[tuple[Indicator, np.ndarray]]:
    if column.use == VALUE and column.rule:
        return [(column.rule, data)]
    name_column = next(one.index for one in block.columns if one.use == INDICATOR_NAME)
    codes, distinct = pd.factorize(block.sheet.texts[block.rows.start : block.end, name_column])
    found: list[tuple[Indicator, np.ndarray]] = []
    for place, text in enumerate(distinct):
        rule = words.indicator(Label((key_text(text),)), block.rating) if text else None
        if rule:
            found.append((rule, data[codes[data] == place]))
    return [(rule, rows) for rule, rows in found if len(rows)]


def _indicator_names(block: Block, rule: Indicator, rows: np.ndarray) -> tuple[list[str], np.ndarray]:
    if "{" not in rule.name:
        return [rule.name], np.zeros(len(rows), dtype=np.int64)
    ids = [column.index for column in block.columns if column.use == ENTITY or column.role == "question_number"]
    numbers = block.sheet.own[block.rows.start : block.end, ids[0]]
    sections = [_process_of(text) for text in block.rows.section_texts]
    around = next((found for text in reversed(block.titles) if (found := _process_of(text))), "")
    columns = block.by_role("process")
    named = block.sheet.texts[block.rows.start : block.end, columns[0]] if columns else None
    result = []
    for row in rows:
        section = sections[block.rows.section[row]] if block.rows.section[row] >= 0 else around
        if named is not None:
            section = _process_of(f"процесс {named[row]}") or _process_of(named[row]) or section
        process, question = _question(normalise(numbers[row]).rstrip("."), section)
        result.append(rule.name.format(process=process, question=question) if process else "")
    names = list(dict.fromkeys(result))
    return names, np.array([names.index(name) for name in result], dtype=np.int64)


def _process_of(text: str) -> str:
    match = _PROCESS.search(key_text(text))
    return next((group for group in match.groups() if group), "") if match else ""


def _question(number: str, section: str) -> tuple[str, str]:
    """Process and full question number; empty where the number is no number or contradicts its section."""
    if not QUESTION_NUMBER.match(number):
        return "", ""
    first, dot, _ = number.partition(".")
    if dot:
        return ("", "") if section and section != first else (first, number)
    return (section, f"{section}.{number}") if section else ("", "")


def _refuse_rows(block: Block, parts: list[Part], named: Entities, data: np.ndarray) -> np.ndarray:
    """Reason per row of the block that refuses the whole of it: entity, lost question number, period."""
    refused = named.reasons.take()
    count = len(block.rows.kinds)
    bad, seen = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    for part in parts:
        wrong = np.array([reason == "bad_period" for _, reason in part.periods], dtype=bool)[part.period_codes]
        nameless = np.array([not name for name in part.indicators], dtype=bool)[part.indicator_codes]
        part.reasons[wrong & (part.reasons != "expected_blank")] = "bad_period"
        lost = part.rows[nameless]
        refused[lost] = np.where(refused[lost] == "", "missing_id", refused[lost])
        np.add.at(bad, part.rows[wrong], 1)
        np.add.at(seen, part.rows, 1)
    refused[(bad == seen) & (seen > 0) & (refused == "")] = "bad_period"
    return refused


def _collect(
    block: Block, parts: list[Part], named: Entities, refused: np.ndarray, heap: np.ndarray, file: str, data: np.ndarray
) -> BlockResult:
    cells, rejects = [], []
    start = block.rows.start
    covered = np.zeros(heap.shape, dtype=bool) if any(part.column.use == LONG_VALUE for part in parts) else None
    for part in parts:
        is_row_refused = refused[part.rows] != ""
        accepted = (part.reasons == "") & ~is_row_refused
        blank = (part.reasons == "expected_blank") & ~is_row_refused
        rows = part.rows + start
        heap[rows, part.column.index] = np.where(accepted, ACCEPTED, np.where(blank, STRUCTURAL, REJECTED))
        if covered is not None:
            covered[rows, part.column.index] = True
        cells.append(_accepted(part, accepted, named, block, file))
        rejects.append(_refused_cells(part, ~accepted & ~blank & ~is_row_refused, named, block, file))
    _refuse_left(block, heap, rejects, data, refused, file, covered)
    rejects.append(_refused_rows(block, refused, named, data, file))
    notes = [*similar.of_block(block, named, data), *footnotes.notes(block, parts, refused)]
    return BlockResult(cells, rejects, [*notes, *totals.notes(block, parts, refused)])


def _accepted(part: Part, accepted: np.ndarray, named: Entities, block: Block, file: str) -> pd.DataFrame:
    at = np.flatnonzero(accepted)
    rows, count = part.rows[at], len(at)
    outcome = part.cells.codes[at]
    parsed = part.cells.parsed
    return pd.DataFrame(
        {
            "file": constant(file, count),
            "sheet": constant(block.sheet.grid.sheet, count),
            "row": (rows + block.rows.start + 1).astype(np.int64),
            "col": np.full(count, part.column.index + 1, dtype=np.int64),
            "rating": constant(block.rating, count),
            "entity_raw": named.raws.category(rows),
            "entity_id": named.ids.category(rows),
            "region_iso": named.regions.category(rows),
            "period": taken([text for text, _ in part.periods], part.period_codes[at]),
            "indicator": taken(part.indicators, part.indicator_codes[at]),
            "value": taken([one.text() for one in parsed], outcome),
            "unit": taken([one.unit or part.rule.unit for one in parsed], outcome),
            "cmp": taken([one.cmp for one in parsed], outcome),
            "decimals": np.array([-1 if one.decimals is None else one.decimals for one in parsed], dtype=np.int64)[
                outcome
            ],
            "entity_type": constant(block.entity_type, count),
            "raw": taken(list(part.cells.raws), outcome),
        }
    )


def _refused_cells(part: Part, refused: np.ndarray, named: Entities, block: Block, file: str) -> pd.DataFrame:
    at = np.flatnonzero(refused)
    count = len(at)
    reason_codes, reasons = pd.factorize(part.reasons[at])
    return pd.DataFrame(
        {
            "file": constant(file, count),
            "sheet": constant(block.sheet.grid.sheet, count),
            "row": (part.rows[at] + block.rows.start + 1).astype(np.int64),
            "col": np.full(count, part.column.index + 1, dtype=np.int64),
            "raw": taken([raw[:MAX_RAW] for raw in part.cells.raws], part.cells.codes[at]),
            "reason": taken(list(reasons), reason_codes),
            "suggestion": _hints(part, at),
            "region_iso": named.regions.category(part.rows[at]),
            "rating": constant(block.rating, count),
            "indicator": taken(part.indicators, part.indicator_codes[at]),
        }
    )


def _hints(part: Part, at: np.ndarray) -> pd.Categorical:
    """Suggestion for each of the refused positions of a column; most have none."""
    if not part.hints:
        return constant("", len(at))
    codes, distinct = pd.factorize(np.array([part.hints.get(int(place), "") for place in at], dtype=object))
    return taken(list(distinct), codes)


def _refuse_left(
    block: Block,
    heap: np.ndarray,
    rejects: list[pd.DataFrame],
    data: np.ndarray,
    refused: np.ndarray,
    file: str,
    covered: np.ndarray | None,
) -> None:
    """Cells of unknown measures, and values whose row names an indicator that the list does not know."""
    for column in block.columns:
        if column.use not in (UNKNOWN, LONG_VALUE):
            continue
        rows = data + block.rows.start
        if column.use == LONG_VALUE and covered is not None:
            rows = rows[~covered[rows, column.index]]
        texts = block.sheet.own[rows, column.index]
        is_blank = texts == ""
        heap[rows[is_blank], column.index] = STRUCTURAL
        heap[rows[~is_blank], column.index] = REJECTED
        alive = ~is_blank & (refused[rows - block.rows.start] == "")
        rejects.append(
            _listed(
                rows[alive],
                column.index,
                texts[alive],
                "unknown_indicator",
                _hint(column),
                block.sheet.grid.sheet,
                file,
            )
        )


def _hint(column: Column) -> str:
    label = column.label.raw or f"column {column.index + 1} without a label"
    return f"«{label}» is in no list; add a row to indicators.csv or column_overrides.csv"


def _listed(
    rows: np.ndarray, column: int | None, texts: np.ndarray, reason: str, suggestion: str, sheet: str, file: str
) -> pd.DataFrame:
    codes, distinct = pd.factorize(texts)
    count = len(rows)
    return pd.DataFrame(
        {
            "file": constant(file, count),
            "sheet": constant(sheet, count),
            "row": (rows + 1).astype(np.int64),
            "col": np.full(count, 0 if column is None else column + 1, dtype=np.int64),
            "raw": taken([str(text)[:MAX_RAW] for text in distinct], codes),
            "reason": constant(reason, count),
            "suggestion": constant(suggestion, count),
        }
    )


def _refused_rows(block: Block, refused: np.ndarray, named: Entities, data: np.ndarray, file: str) -> pd.DataFrame:
    rows = data[refused[data] != ""]
    count = len(rows)
    reason_codes, reasons = pd.factorize(refused[rows])
    return pd.DataFrame(
        {
            "file": constant(file, count),
            "sheet": constant(block.sheet.grid.sheet, count),
            "row": (rows + block.rows.start + 1).astype(np.int64),
            "col": np.zeros(count, dtype=np.int64),
            "raw": named.raws.category(rows),
            "reason": taken(list(reasons), reason_codes),
            "suggestion": named.suggestions.category(rows),
            "region_iso": named.regions.category(rows),
            "rating": constant(block.rating, count),
        }
    )


def _unrated(block: Block, heap: np.ndarray, data: np.ndarray, file: str, named: Entities) -> BlockResult:
    rejects: list[pd.DataFrame] = []
    nothing = np.full(len(block.rows.kinds), "", dtype=object)
    _refuse_left(block, heap, rejects, data, nothing, file, None)
    return BlockResult([], rejects, [block.why])
