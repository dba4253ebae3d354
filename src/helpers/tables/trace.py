"""The way of a number: report → table row → observation → file, sheet, row, column, raw text → checksum and address."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd


class TraceError(LookupError):
    """No such number; the message lists what there is."""


@dataclass(frozen=True)
class Step:
    """One step on the way back: what it is, where it stands, what it says."""

    name: str
    place: str
    content: str


def trace(
    entity: str,
    indicator: str,
    period: str,
    tables: dict[str, pd.DataFrame],
    catalog: pd.DataFrame,
    facts: pd.DataFrame | None = None,
    pages: Sequence[str] = (),
) -> list[list[Step]]:
    """Ways of every observation behind one number, one list of steps each.

    Parameters
    ----------
    entity : str
        Region code or other entity id.
    tables : dict of DataFrame
        ``observations`` and, where made, ``scores``, ``ranks`` and ``corrections_applied``.
    catalog : DataFrame
        Rows of the raw catalogue (``path``, ``sha256``, ``title``, ``publisher``, ``address``, ``licence``).
    facts : DataFrame, optional
        Published figures with their own source columns, for figures that come from publications.
    pages : sequence of str
        Reports about the entity, to begin the way with.

    Raises
    ------
    TraceError
        If no observation matches; names the indicators and periods that the entity has.
    """
    observations = tables["observations"]
    mine = observations[(observations["entity_id"] == entity) | (observations["region_iso"] == entity)]
    exact = mine[(mine["indicator"] == indicator) & (mine["period"] == period)]
    chosen = exact[exact["entity_id"] == entity] if (exact["entity_id"] == entity).any() else exact
    if chosen.empty:
        raise TraceError(_nothing(entity, indicator, period, mine))
    above = [Step("report", page, f"the page of {entity}") for page in pages] + _derived_steps(entity, period, tables)
    applied = tables.get("corrections_applied")
    return [above + _source_steps(row, catalog, facts, applied) for row in chosen.to_dict("records")]


def _nothing(entity: str, indicator: str, period: str, mine: pd.DataFrame) -> str:
    if mine.empty:
        return f"nothing was observed for {entity}; is the code right? (RU-CHE, not 74)"
    same = mine.loc[mine["indicator"] == indicator, "period"].unique()
    if len(same):
        return f"no {indicator} of {entity} for {period}; there is: {', '.join(sorted(same))}"
    return f"no indicator '{indicator}' for {entity}; there is: {', '.join(sorted(mine['indicator'].unique()))}"


def _derived_steps(entity: str, period: str, tables: dict[str, pd.DataFrame]) -> list[Step]:
    steps = []
    for name, value in (("scores", "score"), ("ranks", "rank")):
        frame = tables.get(name)
        if frame is None or frame.empty:
            continue
        rows = frame[(frame["entity_id"] == entity) & (frame["period"] == period)]
        for row in rows.head(3).to_dict("records"):
            low, high = row.get(f"{value}_low"), row.get(f"{value}_high")
            node = row.get("group") or row.get("indicator")
            text = f"{value} {_short(row[value])} [{_short(low)}; {_short(high)}] ({row['interval_kind']})"
            steps.append(Step(f"table {name}", f"{row['rating']} · {entity} · {period} · {node}", text))
    return steps


def _source_steps(
    row: dict, catalog: pd.DataFrame, facts: pd.DataFrame | None, applied: pd.DataFrame | None
) -> list[Step]:
    value = row["category"] or _short(row["value"])
    interval = f" [{_short(row['value_low'])}; {_short(row['value_high'])}]" if not row["category"] else ""
    steps = [
        Step("table observations", row["observation_id"], f"{row['cmp']} {value}{interval} {row['unit']}"),
        *_cell_steps(row, applied),
    ]
    source = catalog[catalog["path"] == row["file"]]
    for entry in source.to_dict("records"):
        steps.append(Step("source file", entry["path"], f"sha256 {entry['sha256']}; licence: {entry['licence']}"))
        steps.append(Step("published by", entry["publisher"], f"{entry['title']} – {entry['address']}"))
    if facts is not None:
        fact = facts[facts["fact_id"] == row["observation_id"]]
        for entry in fact.to_dict("records"):
            place = f"{entry['source_id']}, {entry['published_date']}"
            steps.append(Step("public reference", place, f"{entry['source_title']} – {entry['source_url_or_seed']}"))
    return steps


def _cell_steps(row: dict, applied: pd.DataFrame | None) -> list[Step]:
    """The cell as the file holds it; before it, the reviewed correction of a known error, if there was one."""
    place = f"data/raw/{row['file']}, sheet '{row['sheet']}', row {row['row']}, column {row['col']}"
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
    return [*steps, Step("source cell", place, f"raw text: {raw!r}")]


def _short(value: object) -> str:
    number = pd.to_numeric(value, errors="coerce")  # type: ignore[call-overload]
    return "n/a" if pd.isna(number) else f"{number:g}"
