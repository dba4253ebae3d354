"""A file as a ministry sent it → tidy cells, everything that was refused and why, and how the file was read.

Wrong is worse than missing. Every cell ends in one of four heaps (accepted, rejected, structural, a column not
kept) and the
four add up to the cells of the file.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.intake import explain, grids, headers, idle_rows, layouts, overrides, vocabulary
from helpers.intake import panel as panel_room
from helpers.intake import situations as situation_room
from helpers.intake.frames import CELL_COLUMNS, REFUSAL_COLUMNS, REJECT_COLUMNS, TIDY_COLUMNS, joined, refuse_repeats
from helpers.intake.grids import Grid, GridError
from helpers.intake.grids.outputs import write_tables
from helpers.intake.tables_of_cells import ACCEPTED, NOT_KEPT, REJECTED, STRUCTURAL, UNSEEN, clean_block
from helpers.intake.turned import turn, turn_back

__all__ = ["CleanResult", "Counts", "clean_file", "clean_grids", "clean_many", "write_result"]


@dataclass(frozen=True)
class Counts:
    """Heaps of a file; ``total`` is every cell of the rectangles that its sheets span."""

    accepted: int = 0
    rejected: int = 0
    structural: int = 0
    not_kept: int = 0
    total: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Heaps of two files together."""
        return Counts(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class CleanResult:
    """Outcome for one file.

    Attributes
    ----------
    tidy : DataFrame
        One accepted cell a row, columns ``TIDY_COLUMNS``; text columns are categories.
    rejects : DataFrame
        One refused cell or row a row: file, sheet, row, col (0: the whole row, or with row 0 the whole file),
        raw, reason, suggestion.
    explanation : DataFrame
        Which rows and columns were taken for what and why: sheet, rows, columns, taken_for, why.
    counts : Counts
        The four heaps and their sum.
    cells : DataFrame
        ``tidy`` with printed decimals, entity type and raw text, for the tables of the project.
    refusals : DataFrame
        ``rejects`` with region, rating and indicator where they are known.
    corrections : tuple of dict
        Corrections applied.
    panel : DataFrame
        Rows of a monthly file of services, for the table ``service_panel``; such a file has no tidy cells.
    idle : tuple of str
        Reviewed exceptions for this file that matched nothing, one sentence each.
    situations : DataFrame
        Rows of a composition of life situations, for the table ``life_situations``; such a file has no tidy cells.
    """

    file: str
    tidy: pd.DataFrame
    rejects: pd.DataFrame
    explanation: pd.DataFrame
    counts: Counts
    cells: pd.DataFrame
    refusals: pd.DataFrame
    corrections: tuple[dict, ...] = field(default_factory=tuple)
    panel: pd.DataFrame = field(default_factory=pd.DataFrame)
    idle: tuple[str, ...] = ()
    situations: pd.DataFrame = field(default_factory=pd.DataFrame)


def clean_file(path: Path) -> CleanResult:
    """Clean one file of any known format, registered or not.

    Parameters
    ----------
    path : Path
        File to read.

    Returns
    -------
    CleanResult
        A file that cannot be read gives one ``unreadable_file`` or ``undecodable_text`` line that names it and
        says what to do.

    Raises
    ------
    CorrectionError
        If a row of ``corrections.csv`` for this file no longer fits it.
    OverrideError
        If a reviewed exception for this file cannot be used.
    """
    path = Path(path)
    try:
        return clean_grids(grids.read(path), path.name)
    except GridError as error:
        return _unreadable(path.name, error)


def clean_many(paths: Iterable[Path]) -> list[CleanResult]:
    """Clean several files, one after another; a bad one never stops the rest."""
    return [clean_file(path) for path in paths]


def write_result(result: CleanResult, out_dir: Path) -> tuple[Path, Path]:
    """Write ``<file>.tidy.csv`` and ``<file>.rejects.csv`` into a folder; texts that could act as formulas are
    made harmless.
    """
    return write_tables(result.tidy, result.rejects, result.file, out_dir)


def clean_grids(sheets: list[Grid], file: str) -> CleanResult:
    """Clean grids that were read already (the pure part of :func:`clean_file`)."""
    exceptions = overrides.of_file(file)
    sheets, applied = overrides.correct(sheets, exceptions, file)
    gathered = _Gathered(file, exceptions)
    counts = Counts()
    for grid in sheets:
        heap = np.full(grid.texts.shape, UNSEEN, dtype=np.int8)
        exception = exceptions.of_sheet(grid.sheet)
        is_skipped = exception is not None and exception.action == "skip"
        is_opened = exception is not None and exception.is_named
        if is_skipped or (grid.is_hidden and not is_opened):
            gathered.lines += explain.skipped_sheet(grid, exception.reason if exception and is_skipped else "")
        elif grid.texts.size:
            _clean_sheet(grid, gathered, heap)
        heap[heap == UNSEEN] = STRUCTURAL
        counts += _count(heap)
    all_cells = joined(gathered.cells, CELL_COLUMNS)
    panel, situations = _one_below_another(gathered.panels), _one_below_another(gathered.situations)
    refusals = joined(gathered.rejects, REFUSAL_COLUMNS)
    all_cells, refusals, moved = refuse_repeats(all_cells, refusals)
    counts += Counts(accepted=-moved, rejected=moved)
    tidy, rejects = all_cells[list(TIDY_COLUMNS)], refusals[list(REJECT_COLUMNS)]
    lines = explain.table(gathered.lines)
    idle = idle_rows.of_file(exceptions, [grid.sheet for grid in sheets], gathered.seen, gathered.used)
    found = CleanResult(file, tidy, rejects, lines, counts, all_cells, refusals, tuple(applied), panel, tuple(idle))
    return replace(found, situations=situations)


def _one_below_another(frames: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


@dataclass
class _Gathered:
    """What the sheets of one file gave so far."""

    file: str
    exceptions: overrides.Overrides
    cells: list[pd.DataFrame] = field(default_factory=list)
    rejects: list[pd.DataFrame] = field(default_factory=list)
    panels: list[pd.DataFrame] = field(default_factory=list)
    situations: list[pd.DataFrame] = field(default_factory=list)
    lines: list[explain.Line] = field(default_factory=list)
    seen: list[idle_rows.Seen] = field(default_factory=list)
    used: set[int] = field(default_factory=set)

    def see(self, sheet: headers.Sheet, header: headers.Header, table: str) -> None:
        """Remember the columns of a file whose rows go to a table of their own."""
        for place, label in enumerate(headers.labels_of(sheet, header)):
            self.seen.append(idle_rows.Seen(sheet.grid.sheet, label.raw, header.left + place + 1, table))

    def note(self, block: layouts.Block) -> None:
        """Remember the columns of a block, and which of them a reviewer named."""
        sheet = block.sheet.grid.sheet
        for column in block.columns:
            self.seen.append(idle_rows.Seen(sheet, column.label.raw, column.index + 1, block.rating))
            self.used.add(column.override)


def _clean_sheet(grid: Grid, gathered: _Gathered, heap: np.ndarray) -> None:
    words = vocabulary.load()
    sheet = headers.prepare(grid)
    found = headers.find_headers(sheet, words)
    monthly, named = panel_room.panel_columns(sheet, found[0], gathered.exceptions) if found else ({}, set())
    if monthly:
        gathered.used |= named
        _clean_panel(sheet, found[0], monthly, gathered, heap)
        return
    composed, named = situation_room.situation_columns(sheet, found[0], gathered.exceptions) if found else ({}, set())
    if composed:
        gathered.used |= named
        _clean_situations(sheet, found[0], composed, gathered, heap)
        return
    blocks = layouts.read_blocks(sheet, words, gathered.file, gathered.exceptions)
    if not any(block.rating for block in blocks) and _clean_turned(sheet, gathered, heap):
        return
    if not blocks:
        refused = explain.headless(sheet, gathered.file, heap)
        gathered.rejects += refused
        gathered.lines += explain.no_header(sheet, bool(refused))
        return
    for block in blocks:
        gathered.note(block)
        outcome = clean_block(block, words, gathered.file, heap)
        gathered.cells += outcome.cells
        gathered.rejects += outcome.rejects
        gathered.lines += explain.block_lines(block, outcome.notes)
    gathered.lines += explain.sheet_lines(sheet, blocks)


def _clean_turned(sheet: headers.Sheet, gathered: _Gathered, heap: np.ndarray) -> bool:
    """Read a table whose entities stand across; was it one?"""
    turned = turn(sheet)
    if turned is None:
        return False
    side = headers.prepare(turned.grid)
    words = vocabulary.load()
    blocks = [block for block in layouts.read_blocks(side, words, gathered.file, gathered.exceptions) if block.rating]
    side_heap = np.full(side.texts.shape, UNSEEN, dtype=np.int8)
    for block in blocks:
        gathered.note(block)
        outcome = clean_block(block, words, gathered.file, side_heap)
        gathered.cells += [turn_back(frame, turned.first_row) for frame in outcome.cells]
        gathered.rejects += [turn_back(frame, turned.first_row) for frame in outcome.rejects]
        notes = [re.sub(r"^row (?=[\d, ]+: )", "column ", note) for note in outcome.notes]
        gathered.lines += explain.block_lines(block, [*notes, *turned.grid.notes[-1:]])
    heap[turned.first_row :] = side_heap.T
    return bool(blocks)


def _clean_panel(
    sheet: headers.Sheet, header: headers.Header, columns: dict[str, int], gathered: _Gathered, heap: np.ndarray
) -> None:
    result = panel_room.clean_panel(sheet, header, columns, vocabulary.load(), gathered.file)
    heap[:] = STRUCTURAL
    heap[result.rejected], heap[result.accepted] = REJECTED, ACCEPTED
    gathered.panels.append(result.panel)
    gathered.see(sheet, header, "service_panel")
    gathered.rejects += result.rejects
    gathered.lines += explain.panel_lines(sheet, header, columns)


def _clean_situations(
    sheet: headers.Sheet, header: headers.Header, columns: dict[str, int], gathered: _Gathered, heap: np.ndarray
) -> None:
    result = situation_room.clean_situations(sheet, header, columns, vocabulary.load(), gathered.file)
    heap[:] = STRUCTURAL
    heap[result.rejected], heap[result.accepted] = REJECTED, ACCEPTED
    gathered.situations.append(result.situations)
    gathered.see(sheet, header, "life_situations")
    gathered.rejects += result.rejects
    gathered.lines += explain.record_lines(sheet, header, columns, "life_situations", situation_room.REFERENCE)


def _count(heap: np.ndarray) -> Counts:
    return Counts(
        int((heap == ACCEPTED).sum()),
        int((heap == REJECTED).sum()),
        int((heap == STRUCTURAL).sum()),
        int((heap == NOT_KEPT).sum()),
        heap.size,
    )


def _unreadable(file: str, error: GridError) -> CleanResult:
    line = {"file": file, "sheet": "", "row": 0, "col": 0, "raw": "", "reason": error.reason, "suggestion": str(error)}
    refusals = joined([pd.DataFrame([line])], REFUSAL_COLUMNS)
    empty = joined([], CELL_COLUMNS)
    rejects = refusals[list(REJECT_COLUMNS)]
    return CleanResult(file, empty[list(TIDY_COLUMNS)], rejects, explain.table([]), Counts(), empty, refusals)
