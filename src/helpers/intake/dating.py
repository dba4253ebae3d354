"""Values whose file does not say the period: the catalogue says it, or they are refused, and nothing else stops.

Cells keep an empty period only where records have dates or states of their own.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from helpers.intake.cleaning import CleanResult, Counts
from helpers.intake.frames import REFUSAL_COLUMNS, REJECT_COLUMNS, TIDY_COLUMNS, constant, joined, refuse_repeats
from helpers.tables import periods

OWN_DATES = ("service", "roadmap_point", "life_situation")
"""What is before or after, planned or launched; everything else is rated for a period."""
GIVE = "no period in the file; give it: reports add FILE --period 2024-H1, or column period of data/raw/catalog.csv"


def dated(result: CleanResult, period: str) -> CleanResult:
    """The result with ``period`` where the file says none; a rated value that then has none is ``bad_period``.

    Parameters
    ----------
    result : CleanResult
        Of one file.
    period : str
        Of its row in the catalogue; empty where the catalogue says none.
    """
    cells = result.cells
    if not (bad := undated(cells)).any():
        return result
    if period and (blank := bad & (cells["period"] == "").to_numpy()).any():
        cells = cells.assign(period=pd.Categorical(cells["period"].astype(object).mask(blank, period)))
        bad = undated(cells)
    extra = cells[bad].assign(reason=constant("bad_period", int(bad.sum())), suggestion=constant(GIVE, int(bad.sum())))
    refusals = joined([result.refusals, extra], REFUSAL_COLUMNS)
    cells, refusals, repeated = refuse_repeats(cells[~bad].reset_index(drop=True), refusals)
    moved = int(bad.sum()) + repeated
    return replace(
        result,
        cells=cells, refusals=refusals, tidy=cells[list(TIDY_COLUMNS)], rejects=refusals[list(REJECT_COLUMNS)],
        counts=result.counts + Counts(accepted=-moved, rejected=moved),
    )  # fmt: skip


def undated(cells: pd.DataFrame) -> np.ndarray:
    """Which cells need a period and have none."""
    if cells.empty:
        return np.zeros(0, dtype=bool)
    known = np.array([periods.is_period(text) for text in cells["period"].cat.categories], dtype=bool)
    return ~cells["entity_type"].isin(OWN_DATES).to_numpy() & ~known[cells["period"].cat.codes]
