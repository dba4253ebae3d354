"""The way of a number: report → table row → observation → file, sheet, row, column, raw text → checksum and address."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from helpers.tables.trace import made as trace_made
from helpers.tables.trace import report as trace_report
from helpers.tables.trace.steps import Step, short, source_steps

__all__ = ["TABLES", "Step", "TraceError", "trace"]

TABLES = (
    "observations", "groups", "scores", "ranks", "region_effects", "quality", "service_panel", "corrections_applied",
)  # fmt: skip


class TraceError(LookupError):
    """No such number; the message lists what there is."""


@dataclass(frozen=True)
class _Question:
    """What is asked for, and the reports about it: path → text of the page."""

    entity: str
    indicator: str
    period: str
    pages: Mapping[str, str]


def trace(
    entity: str,
    indicator: str,
    period: str,
    tables: Mapping[str, pd.DataFrame],
    catalog: pd.DataFrame,
    facts: pd.DataFrame | None = None,
    pages: Mapping[str, str] | None = None,
) -> list[list[Step]]:
    """Ways of one number, one list of steps each, from the report down to checksum and publication.

    A number that was published has a way for every observation of it; one that was calculated from questionnaires
    has a way to all cells that entered; the effect in a region has a way to the monthly files. Nothing but the
    number asked for is shown.

    Parameters
    ----------
    entity : str
        Region code or other entity id.
    indicator : str
        Indicator of an observation, node of the index tree («process 1»), or outcome of an effect («days»).
    period : str
        Period text; an effect belongs to the release and has none.
    tables : mapping of DataFrame
        ``observations`` and, where made, the others of ``TABLES``.
    catalog : DataFrame
        Rows of the raw catalogue (``source_id``, ``path``, ``sha256``, ``title``, ``publisher``, ``address``,
        ``licence``).
    facts : DataFrame, optional
        Published figures with their own source columns, for figures that come from publications.
    pages : mapping of str, optional
        Reports about the entity, path → text, to begin the way with.

    Raises
    ------
    TraceError
        If there is no such number; names what the entity has, or the nearest entity.
    """
    question = _Question(entity, indicator, period, pages or {})
    ways = [
        *_observed(question, tables, catalog, facts),
        *_calculated(question, tables, catalog),
        *_effects(question, tables, catalog),
    ]
    if not ways:
        raise TraceError(_nothing(question, tables))
    return ways


def _observed(
    question: _Question, tables: Mapping[str, pd.DataFrame], catalog: pd.DataFrame, facts: pd.DataFrame | None
) -> list[list[Step]]:
    mine = _of_entity(tables["observations"], question.entity)
    exact = mine[(mine["indicator"] == question.indicator) & (mine["period"] == question.period)]
    is_own = exact["entity_id"] == question.entity
    ways = []
    for row in exact[is_own if is_own.any() else exact.index == exact.index].to_dict("records"):
        made = trace_made.steps_above(row, tables)
        report = trace_report.steps(question.pages, question.entity, row["value"], row["category"])
        ways.append([*report, *made, _observation(row), *source_steps(row, catalog, facts, _corrections(tables))])
    return ways


def _corrections(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame | None:
    return tables.get("corrections_applied")


def _observation(row: dict) -> Step:
    value = row["category"] or short(row["value"])
    interval = f" [{short(row['value_low'])}; {short(row['value_high'])}]" if not row["category"] else ""
    return Step("table observations", row["observation_id"], f"{row['cmp']} {value}{interval} {row['unit']}")


def _calculated(question: _Question, tables: Mapping[str, pd.DataFrame], catalog: pd.DataFrame) -> list[list[Step]]:
    ways = []
    for score, others in trace_made.calculated(question.entity, question.indicator, question.period, tables):
        report = trace_report.steps(question.pages, question.entity, score["score"], "")
        ways.append([*report, *trace_made.steps_of_score(score, others, tables, catalog)])
    return ways


def _effects(question: _Question, tables: Mapping[str, pd.DataFrame], catalog: pd.DataFrame) -> list[list[Step]]:
    effects = tables.get("region_effects")
    if effects is None or effects.empty:
        return []
    rows = effects[(effects["region_iso"] == question.entity) & (effects["outcome"] == question.indicator)]
    # The page prints per cent of a log point, so the number itself is not looked for.
    pages = dict.fromkeys(question.pages, "")
    return [
        [
            *trace_report.steps(pages, question.entity, float("nan"), "", block="effect"),
            *trace_made.steps_of_effect(row, tables, catalog),
        ]
        for row in rows.to_dict("records")
    ]


def _of_entity(observations: pd.DataFrame, entity: str) -> pd.DataFrame:
    return observations[(observations["entity_id"] == entity) | (observations["region_iso"] == entity)]


def _nothing(question: _Question, tables: Mapping[str, pd.DataFrame]) -> str:
    entity, indicator = question.entity, question.indicator
    mine = _of_entity(tables["observations"], entity)
    if mine.empty:
        known = sorted({*tables["observations"]["entity_id"], *tables["observations"]["region_iso"]} - {""})
        near = difflib.get_close_matches(entity, known, n=3, cutoff=0.5)
        hint = f"; nearest: {', '.join(near)}" if near else ""
        return f"nothing was observed for {entity}; is the code right? (RU-CHE, not 74){hint}"
    own = mine[mine["entity_id"] == entity] if (mine["entity_id"] == entity).any() else mine
    same = sorted(own.loc[own["indicator"] == indicator, "period"].unique())
    if same:
        return f"no {indicator} of {entity} for {question.period}; there is: {', '.join(same)}"
    names = sorted(own["indicator"].unique())
    near = difflib.get_close_matches(indicator, names, n=1, cutoff=0.6)
    hint = f"; nearest: {near[0]}" if near else ""
    return f"no indicator '{indicator}' for {entity}{hint}; there is: {', '.join(names[:40])}"
