"""How a file was read and what was refused, as lines for the screen of `reports clean`."""

import pandas as pd


def reading(explanation: pd.DataFrame) -> list[str]:
    """Statements as lines for the screen, in the order of the file."""
    return [
        ", ".join(filter(None, [row.sheet, row.rows and f"rows {row.rows}", row.columns and f"columns {row.columns}"]))
        + f": {row.taken_for}"
        + (f" – {row.why}" if row.why else "")
        for row in explanation.itertuples()
    ]


def refusals(rejects: pd.DataFrame) -> list[str]:
    """Refused cells and rows as lines for the screen: place, text as printed, reason, suggestion."""
    return [
        ", ".join(filter(None, ["refused: " + row.file, row.sheet, f"row {row.row}", row.col and f"column {row.col}"]))
        + f": «{row.raw}» – {row.reason}"
        + (f"; {row.suggestion}" if row.suggestion else "")
        for row in rejects.itertuples()
    ]
