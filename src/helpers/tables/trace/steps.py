"""Steps of a way back, and those below a table row: correction, source cell, source file, publisher, publication."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Step:
    """One step on the way back: what it is, where it stands, what it says."""

    name: str
    place: str
    content: str


def source_steps(
    row: dict, catalog: pd.DataFrame, facts: pd.DataFrame | None, applied: pd.DataFrame | None
) -> list[Step]:
    """From an observation to its cell, file, checksum and publication.

    Parameters
    ----------
    row : dict
        Row of ``observations``.
    catalog : DataFrame
        Raw catalogue.
    facts : DataFrame or None
        Published figures with their publications.
    applied : DataFrame or None
        Table ``corrections_applied``.
    """
    steps = [*_cell_steps(row, applied), *file_steps([row["file"]], catalog)]
    if facts is not None:
        fact = facts[facts["fact_id"] == row["observation_id"]]
        for entry in fact.to_dict("records"):
            place = f"{entry['source_id']}, {entry['published_date']}"
            steps.append(Step("public reference", place, f"{entry['source_title']} – {entry['source_url_or_seed']}"))
    return steps


def file_steps(paths: Iterable[str], catalog: pd.DataFrame) -> list[Step]:
    """Checksum, licence, publisher and address of files, by their path below ``data/raw``."""
    steps = []
    for path in paths:
        for entry in catalog[catalog["path"] == path].to_dict("records"):
            steps.append(Step("source file", entry["path"], f"sha256 {entry['sha256']}; licence: {entry['licence']}"))
            steps.append(Step("published by", entry["publisher"], f"{entry['title']} – {entry['address']}"))
    return steps


def _cell_steps(row: dict, applied: pd.DataFrame | None) -> list[Step]:
    """The cell as the file holds it; before it, the reviewed correction of a known error, if there was one."""
    place = f"data/raw/{row['file']}, {cell_of(row)}"
    found = []
    if applied is not None:
        here = (applied["sheet"] == row["sheet"]) & (applied["row"] == row["row"]) & (applied["col"] == row["col"])
        is_file = [str(row["file"]).rpartition("/")[2] == str(file).rpartition("/")[2] for file in applied["file"]]
        found = applied[here & pd.Series(is_file, index=applied.index, dtype=bool)].to_dict("records")
    steps = [
        Step(
            "correction", f"data/reference/corrections.csv, {entry['correction_id']}",
            f"{entry['old_value']!r} → {entry['new_value']!r}: {entry['reason']}",
        )
        for entry in found
    ]  # fmt: skip
    raw = found[0]["old_value"] if found else row["raw_text"]
    printed = f", in the record of {row['entity_name']!r}" if row.get("entity_type") == "region" else ""
    return [*steps, Step("source cell", place, f"raw text: {raw!r}{printed}")]


def cell_of(row: dict) -> str:
    """Sheet (where there is one), row and column in words; column 0 is the whole row."""
    sheet = f"sheet '{row['sheet']}', " if row["sheet"] else ""
    return f"{sheet}row {row['row']}" + (f", column {row['col']}" if row["col"] else "")


def short(value: object) -> str:
    """A number as it is worth reading on a screen."""
    number = pd.to_numeric(value, errors="coerce")  # type: ignore[call-overload]
    return "n/a" if pd.isna(number) else f"{number:g}"
