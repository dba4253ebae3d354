"""Why a file was read the way it was: which rows and columns were taken for what."""

from dataclasses import astuple, dataclass

import numpy as np
import pandas as pd

from helpers.intake import rows as row_kinds
from helpers.intake import similar
from helpers.intake.agencies import judge_agency
from helpers.intake.columns import UNKNOWN, VALUE, Column
from helpers.intake.frames import constant, taken
from helpers.intake.grids.model import Grid
from helpers.intake.headers import Header, Sheet
from helpers.intake.layouts import Block, title_mentions
from helpers.intake.regions import judge_region

COLUMNS = ("sheet", "rows", "columns", "taken_for", "why")
_WHY = {
    "data": "names a record", "blank_row": "no cells", "section_row": "a lone text above further records",
    "total_row": "begins like a total", "footnote_row": "a note or legend", "header_row": "repeats the labels",
    "column_number_row": "1, 2, 3 …", "title_row": "above the header", "metadata_row": "a note about the file itself",
}  # fmt: skip
_SAMPLE = 400
_NAME_HEADER = "no row with known labels above; name the header row in sheet_overrides.csv"


@dataclass(frozen=True)
class Line:
    """One statement about rows or a column of a sheet."""

    sheet: str
    rows: str
    columns: str
    taken_for: str
    why: str


def table(lines: list[Line]) -> pd.DataFrame:
    """Statements as a frame of text."""
    return pd.DataFrame([astuple(line) for line in lines], columns=list(COLUMNS), dtype="str")


def skipped_sheet(grid: Grid, reason: str) -> list[Line]:
    """A hidden sheet, or one that a reviewer set aside."""
    return [
        Line(
            grid.sheet,
            _span(0, max(grid.texts.shape[0] - 1, 0)),
            "",
            "hidden_sheet" if grid.is_hidden else "skipped",
            reason or "not visible; to read it, name it exactly in sheet_overrides.csv with action read",
        )
    ]


def no_header(sheet: Sheet, is_refused: bool) -> list[Line]:
    """A table without known labels."""
    why = "names of entities but no known label: refused" if is_refused else "no known labels"
    return [
        Line(
            sheet.grid.sheet,
            _span(0, max(sheet.rows - 1, 0)),
            "",
            "unknown_indicator" if is_refused else "navigation_table",
            why,
        )
    ]


def headless(sheet: Sheet, file: str, heap: np.ndarray) -> list[pd.DataFrame]:
    """Refusals of a table that names entities but has no header: one per row, so that nothing is lost silently."""
    for column in range(sheet.texts.shape[1]):
        texts = sheet.texts[:, column]
        codes, distinct = pd.factorize(texts)
        hits = [
            judge_region(text).code is not None or judge_agency(text).name is not None for text in distinct[:_SAMPLE]
        ]
        if sum(hits) >= 2 and sheet.texts.shape[1] > 1:
            rows = np.flatnonzero(np.array([*hits, *[False] * (len(distinct) - len(hits))], dtype=bool)[codes])
            filled = sheet.own[rows] != ""
            heap[rows] = np.where(filled, 3, 1)
            count = len(rows)
            return [
                pd.DataFrame(
                    {
                        "file": constant(file, count), "sheet": constant(sheet.grid.sheet, count), "row": rows + 1,
                        "col": np.zeros(count, dtype=np.int64), "raw": taken(list(distinct), codes[rows]),
                        "reason": constant("unknown_indicator", count),
                        "suggestion": constant(_NAME_HEADER, count),
                    }
                )
            ]  # fmt: skip
    return []


def block_lines(block: Block, notes: list[str]) -> list[Line]:
    """Header, columns and runs of rows of one block."""
    sheet = block.sheet.grid.sheet
    area = f"{block.header.left + 1}–{block.header.right}"
    lines = [
        Line(
            sheet,
            _span(block.header.first, block.header.last),
            area,
            f"header of {block.rating or 'an unknown table'}",
            block.why,
        )
    ]
    lines += [_column_line(sheet, column) for column in block.columns]
    lines += [Line(sheet, _span(first, last), area, name, _WHY.get(name, "")) for first, last, name in _runs(block)]
    inside, outside = title_mentions(block)
    if inside or outside:
        lines.append(
            Line(
                sheet,
                "",
                "",
                "period",
                ", ".join(mention.text() or "without a year" for mention in (inside or outside)),
            )
        )
    return [*lines, *(Line(sheet, "", "", "note", note) for note in notes)]


def _column_line(sheet: str, column: Column) -> Line:
    """What one column was taken for, and why."""
    name = column.rule.name if column.rule and column.use == VALUE else column.role or column.use
    if column.use in (VALUE, UNKNOWN):
        taken_for = f"{column.use}: {name}"
    else:
        taken_for = f"{column.use} ({column.role})" if column.role else column.use
    said = [f"«{column.label.raw}»", column.why, column.label.state, *(one.text() for one in column.label.mentions)]
    return Line(sheet, "", str(column.index + 1), taken_for, "; ".join(filter(None, said)))


def panel_lines(sheet: Sheet, header: Header, columns: dict[str, int]) -> list[Line]:
    """Header and columns of a monthly file of services."""
    return record_lines(sheet, header, columns, "service_panel", "panel_columns")


def record_lines(sheet: Sheet, header: Header, columns: dict[str, int], table: str, reference: str) -> list[Line]:
    """Header and columns of a file whose rows go to a table of their own."""
    name = sheet.grid.sheet
    first = Line(name, _span(header.first, header.last), "", f"header of {table}", f"{len(columns)} columns of {table}")
    rows = np.arange(header.last + 1, sheet.rows)
    guessed = similar.sentences(sheet.texts[rows, columns["region_iso"]], rows) if "region_iso" in columns else []
    return [
        first,
        *(
            Line(name, "", str(index + 1), f"value: {column}", f"label matches {reference}.csv")
            for column, index in columns.items()
        ),
        *(Line(name, "", "", "note", sentence) for sentence in guessed),
    ]


def sheet_lines(sheet: Sheet, blocks: list[Block]) -> list[Line]:
    """Titles above the first header, and what the reader noted."""
    grid = sheet.grid
    first = min(block.header.first for block in blocks)
    lines = []
    for row in range(first):
        text = next((text for text in sheet.own[row] if text), "")
        kind = row_kinds.NAMES[row_kinds.title_kind(text)] if text else "blank_row"
        if text.lower().startswith("sep="):
            kind = "format_row"
        lines.append(Line(grid.sheet, _span(row, row), "", kind, text[:80]))
    lines += [Line(grid.sheet, "", "", "note", note) for note in grid.notes]
    hidden = [
        f"hidden row {row + 1} was read" for row in sorted(grid.hidden_rows) if row < sheet.rows and any(sheet.own[row])
    ]
    hidden += [
        f"hidden column {column + 1} was read"
        for column in sorted(grid.hidden_columns)
        if column < sheet.texts.shape[1]
    ]
    return [*lines, *(Line(grid.sheet, "", "", "note", note) for note in hidden[:20])]


def _runs(block: Block) -> list[tuple[int, int, str]]:
    kinds = block.rows.kinds
    if not len(kinds):
        return []
    breaks = np.flatnonzero(np.diff(kinds)) + 1
    starts, ends = [0, *breaks.tolist()], [*(breaks - 1).tolist(), len(kinds) - 1]
    shift = block.rows.start
    return [
        (start + shift, end + shift, row_kinds.NAMES[kinds[start]]) for start, end in zip(starts, ends, strict=True)
    ]


def _span(first: int, last: int) -> str:
    return str(first + 1) if first == last else f"{first + 1}–{last + 1}"
