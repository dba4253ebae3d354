"""Tables that stand on their side: entities across, indicators down. They are turned, read, and their positions
turned back.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from helpers.intake.agencies import judge_agency
from helpers.intake.grids.model import Grid
from helpers.intake.headers import Sheet
from helpers.intake.regions import judge_region

SCAN_ROWS = 20
MIN_ENTITIES = 2


@dataclass(frozen=True)
class Turned:
    """The turned grid, and the row of the source at which its first column stands."""

    grid: Grid
    first_row: int


def turn(sheet: Sheet) -> Turned | None:
    """The grid turned so that its entities run down, or ``None`` where no row names at least two of them."""
    for row in range(min(sheet.rows, SCAN_ROWS)):
        names = [text for text in sheet.own[row] if text]
        hits = sum(judge_region(text).code is not None or judge_agency(text).name is not None for text in names[1:])
        if hits >= MIN_ENTITIES and 2 * hits >= len(names) - 1:
            return Turned(_turned(sheet, row), row)
    return None


def _turned(sheet: Sheet, row: int) -> Grid:
    grid = sheet.grid
    above = tuple(text for line in sheet.own[:row] for text in line if text)
    texts = grid.texts[row:].T.copy()
    if not texts[0, 0].strip() or judge_region(texts[0, 0]).code:
        texts[0, 0] = "Наименование"
    spans = tuple((b, a - row, d, c - row) for a, b, c, d in grid.spans if a >= row)
    return replace(
        grid,
        texts=texts,
        kinds=None if grid.kinds is None else grid.kinds[row:].T.copy(),
        spans=spans,
        titles=(*grid.titles, *above),
        general_numbers=frozenset((b, a - row) for a, b in grid.general_numbers if a >= row),
        notes=(*grid.notes, "entities stand across: the table was turned"),
        hidden_rows=frozenset(),
        hidden_columns=frozenset(),
    )


def turn_back(frame: pd.DataFrame, first_row: int) -> pd.DataFrame:
    """Rows and columns of the source for a frame made from the turned grid; a refused row is a refused column of
    the source.
    """
    row, column = frame["row"].to_numpy(), frame["col"].to_numpy()
    return frame.assign(row=np.where(column > 0, column + first_row, first_row + 1), col=row)
