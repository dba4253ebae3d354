"""How a file was read and what was refused, as lines for the screen of `reports clean`."""

import pandas as pd

from helpers.intake import dating
from helpers.intake.cleaning import CleanResult

_ASK = "ask the publisher; a known error is a row of corrections.csv with the reason"
# The closed list of reasons with the next step of the person who reads them; docs/guide_analyst.ru.md says the same.
ADVICE = {
    "missing_id": "ask the publisher for the code",
    "unknown_entity": "a legitimate spelling is a row of region_aliases.csv or agencies.csv",
    "ambiguous_entity": "ask the publisher which one is meant, then a row of corrections.csv",
    "aggregate_entity": "usually right: a sum is no region",
    "federal_district": "usually right: a district is no region",
    "bad_period": "reports add --period (catalog.csv), sheet_overrides.csv, or per column in column_overrides.csv",
    "unknown_indicator": "a row of column_overrides.csv for this file, or of indicators.csv for all files",
    "missing_value": "nothing: what is missing stays missing",
    "not_applicable": "nothing: it leaves the denominator",
    "not_a_number": _ASK,
    "out_of_range": "look at the unit first; the bounds are in indicators.csv",
    "censored_value": "an interval is no number; ask for the exact value",
    "range_value": "an interval is no number; ask for the exact value",
    "contradictory_number": _ASK,
    "ambiguous_unit": "ask the publisher for the unit",
    "formula_without_value": "ask for the file saved with its values",
    "bad_date": _ASK,
    "imprecise_date": "ask for the day",
    "bad_term": "working or calendar days? ask the publisher",
    "bad_grade": _ASK,
    "bad_level": "a legitimate word is a row of words.csv",
    "bad_stage": "a legitimate word is a row of words.csv",
    "bad_status": "a legitimate word is a row of words.csv",
    "duplicate_exact": "nothing: the first one was kept",
    "duplicate_conflict": "none was kept; a name that is no other spelling: corrections.csv, or ask the publisher",
    "inconsistent_total": "the parts were kept, the total was not; a known misprint is a row of corrections.csv",
    "unreadable_file": "ask for the file again, without a password, as a table and not as a picture",
    "undecodable_text": "ask for the file again, in UTF-8",
}


def reading(explanation: pd.DataFrame) -> list[str]:
    """Statements as lines for the screen, in the order of the file."""
    lines = []
    for row in explanation.itertuples():
        place = ", ".join(
            filter(None, [row.sheet, row.rows and f"rows {row.rows}", row.columns and f"columns {row.columns}"])
        )
        lines.append(f"{place}: {row.taken_for}" if place else str(row.taken_for))
        lines[-1] += f" – {row.why}" if row.why else ""
    return lines


def refusals(rejects: pd.DataFrame) -> list[str]:
    """Refused cells and rows as lines for the screen: place, text as printed, reason, suggestion."""
    return [
        ", ".join(filter(None, ["refused: " + row.file, row.sheet, _row(row.row), row.col and f"column {row.col}"]))
        + (f": «{row.raw}» – {row.reason}" if row.row else f" – {row.reason}")
        + (f"; {row.suggestion}" if row.suggestion else "")
        for row in rejects.itertuples()
    ]


def advice(rejects: pd.DataFrame) -> list[str]:
    """What to do about each reason that occurred, the most frequent first."""
    counts = rejects["reason"].astype(str).value_counts()
    return [f"{reason} ({count}): {ADVICE[str(reason)]}" for reason, count in counts.items()]


def report(result: CleanResult, *, is_explained: bool, is_listed: bool) -> list[str]:
    """Everything that `reports clean` says about one file.

    Parameters
    ----------
    result : CleanResult
        The file as cleaned.
    is_explained, is_listed : bool
        Whether to say how it was read, and to list what was refused with the next step.
    """
    lines = reading(result.explanation) if is_explained else []
    lines += [*refusals(result.rejects), *advice(result.rejects)] if is_listed else []
    lines += result.idle
    if count := int(dating.undated(result.cells).sum()):
        lines.append(f"{count} values would be refused by reports build: {dating.GIVE}")
    months = f", {len(result.panel)} service-months" if len(result.panel) else ""
    lines.append(f"{result.file}: {len(result.tidy)} values{months} accepted, {len(result.rejects)} refused")
    if result.tidy.empty and result.rejects.empty and result.panel.empty and result.situations.empty:
        lines.append(nothing(result.file))
    return lines


def is_unreadable(rejects: pd.DataFrame) -> bool:
    """Whether the file itself could not be read."""
    return bool(rejects["reason"].isin(["unreadable_file", "undecodable_text"]).any())


def nothing(file: str) -> str:
    """What to do about a file of which nothing was taken and nothing refused."""
    return (
        f"{file}: no table was recognised. See --explain; name the rating and the header rows in"
        " data/reference/sheet_overrides.csv, or the labels in indicators.csv"
    )


def _row(row: int) -> str:
    return f"row {row}" if row else ""
