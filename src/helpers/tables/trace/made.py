"""Steps of a way back that were made by the machine: groups, ranks and scores above an observation; a score down to
the cells of its questionnaires; an effect down to the monthly files.
"""

from collections.abc import Mapping

import pandas as pd

from helpers.tables.trace.steps import Step, file_steps, short

TOP = ("index", "total")
_QUESTIONS = "b_region_process"
_SHOWN = 6
Tables = Mapping[str, pd.DataFrame]


def steps_above(row: dict, tables: Tables) -> list[Step]:
    """Rows of ``groups``, ``ranks`` and ``scores`` that hold this very observation, and none beside it."""
    return [*_group(row, tables), *_rank(row, row["indicator"], row["value"], tables), *_printed_score(row, tables)]


def _rows(tables: Tables, name: str, **where: str) -> pd.DataFrame:
    frame = tables.get(name)
    if frame is None or frame.empty:
        return pd.DataFrame()
    for column, value in where.items():
        frame = frame[frame[column] == value]
    return frame


def _of(row: dict) -> dict[str, str]:
    return {name: row[name] for name in ("rating", "entity_id", "period")}


def _place(row: dict, node: str) -> str:
    return f"{row['rating']} · {row['entity_id']} · {row['period']} · {node}"


def _group(row: dict, tables: Tables) -> list[Step]:
    rows = _rows(tables, "groups", **_of(row), source_id=row["source_id"]) if row["category"] else pd.DataFrame()
    return [
        Step("table groups", _place(row, row["indicator"]), f"group {one['group']}")
        for one in rows.to_dict("records")
        if one["group"] == row["category"]
    ]


def _rank(row: dict, indicator: str, value: float, tables: Tables) -> list[Step]:
    """Rank of exactly this value of the indicator."""
    rows = _rows(tables, "ranks", **_of(row), indicator=indicator)
    steps = []
    for one in rows.to_dict("records"):
        if pd.notna(one["value"]) and pd.notna(value) and abs(one["value"] - value) < 1e-9:
            bounds = f"[{short(one['rank_low'])}; {short(one['rank_high'])}] ({one['interval_kind']})"
            text = f"rank {short(one['rank'])} {bounds} of {one['units_ranked']}"
            steps.append(Step("table ranks", _place(row, indicator), text))
    return steps


def _printed_score(row: dict, tables: Tables) -> list[Step]:
    group = "total" if row["indicator"] in TOP else row["indicator"]
    rows = _rows(tables, "scores", **_of(row), group=group, method="published")
    return [
        Step("table scores", _place(row, group), _score(one))
        for one in rows.to_dict("records")
        if pd.notna(row["value"]) and abs(one["score"] - row["value"]) < 1e-9
    ]


def _score(row: dict) -> str:
    interval = f"[{short(row['score_low'])}; {short(row['score_high'])}] ({row['interval_kind']})"
    return f"score {short(row['score'])} {interval} {row['unit']}, {row['method']}"


def calculated(entity: str, indicator: str, period: str, tables: Tables) -> list[tuple[dict, list[dict]]]:
    """The score that was calculated for a node, with the same node by other ways to calculate.

    Returns
    -------
    list of (dict, list of dict)
        At most one pair: the way that was ranked (else the first), and the others.
    """
    group = "total" if indicator in TOP else indicator
    rows = _rows(tables, "scores", entity_id=entity, period=period, group=group)
    rows = rows[rows["method"] != "published"] if len(rows) else rows
    if rows.empty or (indicator == "total" and not rows["rating"].eq(_QUESTIONS).any()):
        return []
    found = sorted(
        rows.to_dict("records"), key=lambda one: (not _rank(one, indicator, one["score"], tables), one["method"])
    )
    return [(found[0], found[1:])]


def steps_of_score(score: dict, others: list[dict], tables: Tables, catalog: pd.DataFrame) -> list[Step]:
    """From a calculated score to all cells of the questionnaires that entered."""
    node = score["group"]
    beside = "; ".join(f"{one['method']} {short(one['score'])}" for one in others)
    text = _score(score) + (f"; by other ways: {beside}" if beside else "")
    above = [
        *_rank(score, "index" if node == "total" else node, score["score"], tables),
        Step("table scores", _place(score, node), text),
    ]
    if score["level"] not in ("region", "body"):
        return [
            *above,
            Step("table scores", f"{score['n_items']} below it", "the mean of the regions; trace each of them"),
        ]
    cells = _questions(score, tables)
    bodies = sorted(cells["entity_id"].unique())
    if score["level"] == "region" and node == "total":
        above.append(_bodies(score, bodies, tables))
    questions = int(cells["indicator"].str.endswith(": points").sum())
    place = f"{_QUESTIONS} · {score['entity_id']} · {score['period']}"
    content = f"{questions} questions with points and {len(cells) - questions} maxima, {len(bodies)} bodies"
    return [
        *above,
        Step("table observations", place, content),
        *_cells(cells),
        *file_steps(sorted(cells["file"].unique()), catalog),
    ]


def _questions(score: dict, tables: Tables) -> pd.DataFrame:
    """Answers and maxima that entered a score of a region or of one body."""
    cells = tables["observations"]
    owner = "entity_id" if score["level"] == "body" else "region_iso"
    cells = cells[(cells["rating"] == _QUESTIONS) & (cells["period"] == score["period"])]
    cells = cells[cells[owner] == score["entity_id"]]
    if score["group"].startswith("process "):
        cells = cells[cells["indicator"].str.startswith(f"{score['group']} question")]
    return cells


def _bodies(score: dict, bodies: list[str], tables: Tables) -> Step:
    rows = _rows(tables, "scores", period=score["period"], level="body", group="total", method="equal_body")
    rows = rows[rows["entity_id"].isin(bodies)].sort_values("entity_id") if len(rows) else rows
    shown = "; ".join(f"{one['entity_id']} {short(one['score'])}" for one in rows.head(_SHOWN).to_dict("records"))
    more = f"; and {len(bodies) - _SHOWN} more" if len(bodies) > _SHOWN else ""
    return Step("table scores", f"{_QUESTIONS} · {len(bodies)} bodies · {score['period']} · total", shown + more)


def _cells(cells: pd.DataFrame) -> list[Step]:
    """Areas of the files that the cells stand in."""
    steps = []
    for file, of_file in cells.groupby("file", sort=True):
        areas = [
            f"{f'sheet {sheet!r}, ' if sheet else ''}rows {part['row'].min()}–{part['row'].max()},"
            f" columns {part['col'].min()}–{part['col'].max()}"
            for sheet, part in of_file.groupby("sheet", sort=True)
        ]
        steps.append(Step("source cells", f"data/raw/{file}", f"{len(of_file)} cells: " + "; ".join(areas)))
    return steps


def steps_of_effect(row: dict, tables: Tables, catalog: pd.DataFrame) -> list[Step]:
    """From the effect in a region to the monthly files that hold its services."""
    region = row["region_iso"]
    raw = "withheld" if row["is_suppressed"] else short(row["raw"])
    text = (
        f"{short(row['shrunk'])} [{short(row['ci_low'])}; {short(row['ci_high'])}] {row['unit']}, raw {raw};"
        f" {row['n_services_optimised']} optimised of {row['n_services']} services"
    )
    months = _rows(tables, "service_panel", region_iso=region)
    covered = f", {months['month'].min()} to {months['month'].max()}" if len(months) else ""
    services = months["service_id"].nunique() if len(months) else 0
    counted = _rows(tables, "quality", region_iso=region, indicator="service_panel")
    files = catalog[catalog["source_id"].isin(counted["source_id"] if len(counted) else [])]["path"]
    note = (
        f"{len(months)} service-months of {services} services{covered}; a row of the file is named by service and month"
    )
    return [
        Step("table region_effects", f"{row['outcome']} · {region}", text),
        Step("table service_panel", region, note),
        *file_steps(sorted(files), catalog),
    ]
