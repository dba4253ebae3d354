"""What launching a life situation changed, as tables: totals of every situation and region, estimates, checks.

Reads the composition (table ``life_situations``) and the panel of services; the unit of the estimates is a life
situation in a region. A launch is a second treatment of its services: their months since then belong to these
estimates and are left out of those about optimising single services (:func:`before_launch`).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.analysis.effects import checks, study_rows
from helpers.analysis.effects.bundle_documents import KEY
from helpers.analysis.effects.bundles import EVERYWHERE, MISSING, MIXED, NOWHERE, OTHER_DAYS, OWN, Bundle, bundle
from helpers.analysis.effects.coding import EffectsError
from helpers.analysis.effects.contrasts import BeforeAfter
from helpers.analysis.effects.imputation import Imputation
from helpers.analysis.effects.multiplicity import holm
from helpers.analysis.effects.panel import Panel
from helpers.analysis.effects.poisson import PoissonImputation

INCOMPLETE = "a row of its composition was refused: no totals"
NO_MONTHS = "no month with all services"
LEFT_OUT = "left_out"
ALONE = "services_alone"
"""Outcome of the row that says what the launches took from the estimates about single services."""


@dataclass(frozen=True)
class Outcome:
    """One outcome of a life situation: code in the tables, column of the months, log or count."""

    name: str
    column: str
    kind: str


OUTCOMES = (
    Outcome("situation_days_high", "log_days_high", "log"),
    Outcome("situation_days_low", "log_days_low", "log"),
    Outcome("situation_documents", "documents", "count"),
    Outcome("situation_visits", "visits", "count"),
)
_WORDS = (
    ("with an optimised service", "with a launched situation"),
    ("service-months", "months"),
    ("all untreated services", "all situations not yet launched"),
    ("services of the same grade and audit date", "the same situation where it is not yet launched"),
    ("services of the same grade", "the same situation where it is not yet launched"),
    ("before optimisation", "before the launch"),
    ("regression to the mean is not removed", "other situations stand in for the same one"),
)
"""Words of the checks, which speak of services, in terms of situations."""


def before_launch(panel: pd.DataFrame, situations: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Service-months before the launch of their life situation, and the number of those since then, left out.

    Parameters
    ----------
    panel : DataFrame
        Rows of ``service_panel``.
    situations : DataFrame
        Rows of ``life_situations``.
    """
    done = situations[situations["launched"] != ""]
    starts = done.groupby(["region_iso", "service_id"])["launched"].min()
    keys = pd.MultiIndex.from_frame(panel[["region_iso", "service_id"]])
    start = pd.Series(starts.reindex(keys).to_numpy(dtype=object), index=panel.index)
    since = start.notna() & (panel["month"] >= start.fillna("9999-12"))
    return panel[~since], int(since.sum())


def tables(panel: pd.DataFrame, situations: pd.DataFrame, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Everything about life situations from one panel.

    Parameters
    ----------
    panel : DataFrame
        Rows of ``service_panel``.
    situations : DataFrame
        Rows of ``life_situations``.
    seed : int
        Of the simultaneous bands.

    Returns
    -------
    dict
        Rows of ``effects``, ``event_study`` and ``diagnostics`` for the outcomes ``situation_…``, and the table
        ``situation_totals``; nothing without a composition. Where no situation can be compared there are totals and
        one row of ``diagnostics`` that says why.
    """
    if panel.empty or situations.empty:
        return {}
    try:
        found = bundle(panel, *declared(situations))
    except EffectsError as error:
        return {"diagnostics": checks.refused(OUTCOMES[0].name, str(error))}
    out = {"situation_totals": totals(found, situations)}
    try:
        rows, left_out = found.comparable()
    except EffectsError as error:
        return out | {"diagnostics": checks.refused(OUTCOMES[0].name, str(error))}
    frame = _prepared(rows)
    parts: dict[str, list[pd.DataFrame]] = {"effects": [], "event_study": [], "diagnostics": []}
    parts["diagnostics"].append(_left_out(OUTCOMES[0].name, {**found.dropped, **left_out}))
    for outcome in OUTCOMES:
        for name, part in _estimated(frame, outcome, seed).items():
            parts[name].append(part)
    parts["diagnostics"].append(_holm(parts["effects"]))
    return out | {name: study_rows.stack(*found) for name, found in parts.items()}


def declared(situations: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Members and documents of the complete situations, as :func:`bundle` wants them.

    Raises
    ------
    EffectsError
        When no situation is complete.
    """
    whole = situations[situations["is_complete"]].rename(columns={"situation_id": "life_situation", "step": "order"})
    if whole.empty:
        raise EffectsError("every life situation has a refused row in its composition")
    members = whole.drop_duplicates([*KEY, "service_id"])
    members = members[[*KEY, "service_id", "launched", "order", "bundle_service"]]
    listed = whole[whole["document_id"] != ""]
    documents = listed[[*KEY, "service_id"]].assign(
        document=listed["document_id"], asked_before=True, asked_after=~listed["is_abolished"]
    )
    return members, documents


def _prepared(rows: pd.DataFrame) -> pd.DataFrame:
    """Months with logarithms of both totals; where the order is known both are the time along it."""
    frame = rows.copy()
    for name in ("days_low", "days_high"):
        days = frame["days"].fillna(frame[name])
        frame[f"log_{name}"] = np.log(days.where(days > 0))
    return frame


def _panel(frame: pd.DataFrame) -> Panel:
    return Panel(frame, unit=KEY, time="month", cohort="launched", cluster="region_iso", strata="life_situation")


def estimator(kind: str) -> Imputation:
    """The same situation elsewhere as the comparison; other situations where fewer than three wait."""
    spec = PoissonImputation if kind == "count" else Imputation
    return spec(effects="month:strata", fallback=("month",))


def _estimated(frame: pd.DataFrame, outcome: Outcome, seed: int) -> dict[str, pd.DataFrame]:
    """Estimate, contrast, event study and checks of one outcome; the reason alone where there is none."""
    if frame[outcome.column].notna().sum() == 0:
        return {}
    try:
        panel = _panel(frame)
        fit = estimator(outcome.kind).fit(panel, outcome.column)
    except EffectsError as error:
        return {"diagnostics": checks.refused(outcome.name, str(error))}
    rows = [study_rows.fit_row(outcome.name, fit, "att"), study_rows.group_rows(outcome.name, fit, "life_situation")]
    if outcome.kind == "count":
        rows.append(study_rows.count_contrast(panel, outcome.name, outcome.column, None))
    else:
        naive = BeforeAfter().fit(panel, outcome.column)
        rows.append(study_rows.contrast_row(outcome.name, "before_after", naive, "log_point"))
    found = checks.diagnostics(outcome.name, fit, panel, seed)
    for old, new in _WORDS:
        found["reading"] = found["reading"].str.replace(old, new, regex=False)
    return {
        "effects": study_rows.stack(*rows),
        "event_study": study_rows.event_rows(outcome.name, fit, seed),
        "diagnostics": found,
    }


def _holm(effects: list[pd.DataFrame]) -> pd.DataFrame:
    """Which outcomes survive their number."""
    if not effects:
        return pd.DataFrame()
    table = pd.concat(effects)
    head = table[(table["group"] == "all") & ~table["is_contrast"] & table["p_value"].notna()]
    return checks.holm_rows(head["outcome"].tolist(), holm(head["p_value"].to_numpy())) if len(head) > 1 else head[:0]


def _left_out(outcome: str, counts: dict[str, int]) -> pd.DataFrame:
    """What was left out of an estimate, counted, as a row of the checks; it cannot fail the design."""
    said = "; ".join(f"{reason}: {count}" for reason, count in counts.items() if count) or "nothing"
    row = {"outcome": outcome, "check": LEFT_OUT, "statistic": float(sum(counts.values())), "p_value": float("nan")}
    return pd.DataFrame([row | {"reading": f"Left out: {said}.", "passed": True}])


def alone(left_out: int) -> pd.DataFrame:
    """How many service-months the launches took from the estimates about single services."""
    if not left_out:
        return pd.DataFrame()
    return _left_out(ALONE, {"service-month since the launch of its life situation, a second treatment": left_out})


def totals(found: Bundle, situations: pd.DataFrame) -> pd.DataFrame:
    """Rows of ``situation_totals``, one a situation and region; incomplete ones have no totals."""
    names = situations.drop_duplicates(["region_iso", "situation_id"]).set_index(["situation_id", "region_iso"])
    services = situations.groupby(["situation_id", "region_iso"])["service_id"].nunique()
    months = found.months.assign(is_missing=found.months["days_high"].isna())
    counts = months.groupby(KEY).agg(
        day_unit=("day_unit", "last"), n_missing=("is_missing", "sum"), n_own=("own_optimised", "sum")
    )
    documents = found.documents.rename(columns={"kind": "documents_kind"}).drop(columns=["added", "unit"])
    documents = documents.rename(columns={"low_before": "documents_low", "high_before": "documents_high"})
    table = documents.set_index(KEY).join(found.summary.set_index(KEY), how="outer").join(counts)
    table.index.names = ["situation_id", "region_iso"]
    table = names[["situation", "launched"]].join(services.rename("n_services")).join(table)
    table["why"] = _why(table, found, names["is_complete"])
    table["in_estimate"] = table["why"] == ""
    for name in ("n_before", "n_after", "n_missing", "n_own"):
        table[name] = table[name].fillna(0).astype(int)
    for name in ("documents_kind", "day_unit"):
        table[name] = table[name].fillna("")
    return table.reset_index()


def _why(table: pd.DataFrame, found: Bundle, is_complete: pd.Series) -> pd.Series:
    """Why a situation of a region is not in the estimate; empty if it is."""
    try:
        used = pd.MultiIndex.from_frame(found.comparable()[0][KEY].drop_duplicates())
    except EffectsError:
        used = pd.MultiIndex.from_arrays([[], []])
    of_situation = found.estimable.set_index("life_situation")["why"]
    why = pd.Series(of_situation.reindex(table.index.get_level_values(0)).to_numpy(dtype=object), index=table.index)
    left = ~table.index.isin(used) & (why.fillna("") == "")
    owned = (table["n_own"] > 0) & left
    why = why.mask(left, NO_MONTHS).mask(owned, OWN)
    return why.mask(~is_complete.reindex(table.index).astype(bool), INCOMPLETE).fillna(NO_MONTHS)


__all__ = [
    "ALONE", "EVERYWHERE", "INCOMPLETE", "MISSING", "MIXED", "NOWHERE", "OTHER_DAYS", "OUTCOMES", "OWN", "Outcome",
    "alone", "before_launch", "declared", "estimator", "tables", "totals",
]  # fmt: skip
