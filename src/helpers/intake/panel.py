"""The monthly file of services → the table ``service_panel``: one service of one region in one month, parsed by
distinct texts.

Columns are recognised by ``panel_columns.csv``. A cell that cannot be read is missing in the panel and listed
with its reason; a row
without region, service or month is refused, and so is every row of a key that the file gives twice with
different figures.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.intake.headers import Header, Sheet
from helpers.intake.overrides import Overrides
from helpers.intake.record_files import NUMERIC, columns_of, on_grid, read, refused_rows, region_codes, reject_frames
from helpers.intake.vocabulary import Vocabulary
from helpers.tables import store

KEY = ("region_iso", "service_id", "month")
NEEDED = {*KEY, "applications"}
MIN_COLUMNS = 8


@dataclass(frozen=True)
class PanelResult:
    """Panel rows, refusals, the number of accepted and refused cells."""

    panel: pd.DataFrame
    rejects: list[pd.DataFrame]
    accepted: np.ndarray
    rejected: np.ndarray
    columns: dict[str, int]


def panel_columns(sheet: Sheet, header: Header, exceptions: Overrides) -> tuple[dict[str, int], set[int]]:
    """Panel column → absolute index, for a header that names enough of them, and the rows of exceptions that named
    some; both empty otherwise.
    """
    found, used = columns_of(sheet, header, "panel_columns", exceptions)
    if not (set(found) >= NEEDED and len(found) >= MIN_COLUMNS):
        return {}, set()
    return found, used


def clean_panel(sheet: Sheet, header: Header, columns: dict[str, int], words: Vocabulary, file: str) -> PanelResult:
    """Read the rows below the header of a monthly file.

    Parameters
    ----------
    sheet, header
        Prepared grid and its header.
    columns : dict
        From :func:`panel_columns`.
    words : Vocabulary
        Closed lists (levels of services, units of days, flags).
    file : str
        Name of the file.
    """
    kinds = {row["column"]: row["kind"] for row in store.reference("panel_columns").to_dict("records")}
    start = header.last + 1
    texts = sheet.texts[start:]
    is_row = (texts[:, [columns[name] for name in KEY]] != "").any(axis=1)
    rows = np.flatnonzero(is_row)
    values: dict[str, np.ndarray] = {}
    reasons: dict[str, np.ndarray] = {}
    for name, index in columns.items():
        values[name], reasons[name] = read(texts[rows, index], kinds[name], words)
        label = " ".join(sheet.texts[header.first : start, index])
        if kinds[name] == "share" and _is_unit_unknown(label, texts[rows, index], values[name]):
            reasons[name] = np.where(reasons[name] == "", "ambiguous_unit", reasons[name])
            values[name] = np.full(len(rows), np.nan)
    refused = refused_rows(values, reasons, KEY)
    rejects = reject_frames(sheet, rows + start, columns, reasons, refused, file)
    rejects = [frame.assign(region_iso=region_codes(sheet, columns, frame)) for frame in rejects]
    keep = refused == ""
    accepted, rejected = (np.zeros((len(rows), len(columns)), dtype=bool) for _ in range(2))
    for place, name in enumerate(columns):
        accepted[:, place] = keep & (reasons[name] == "")
        rejected[:, place] = ~accepted[:, place]
    panel = pd.DataFrame({name: array[keep] for name, array in values.items()})
    heap_rows = rows + start
    return PanelResult(
        _complete(panel, kinds),
        rejects,
        on_grid(sheet, heap_rows, columns, accepted),
        on_grid(sheet, heap_rows, columns, rejected),
        columns,
    )


def _is_unit_unknown(label: str, texts: np.ndarray, values: np.ndarray) -> bool:
    """Neither label nor cells say per cent, and no value tells: 0.78 may be 78 % or 0.78 %."""
    says = "%" in label or "проц" in label.lower() or any("%" in text for text in pd.unique(texts))
    known = values[~np.isnan(values)]
    return not says and known.size > 0 and bool((known <= 0.01).all()) and bool((known > 0).any())


def _complete(panel: pd.DataFrame, kinds: dict[str, str]) -> pd.DataFrame:
    """All columns of the table; those that the file lacks are empty."""
    for name, kind in kinds.items():
        if name not in panel:
            panel[name] = np.nan if kind in NUMERIC else ""
    panel["is_audit_window"] = panel["is_audit_window"] == "1"
    return panel[list(kinds)]
