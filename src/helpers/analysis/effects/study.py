"""The whole study of a panel of services by month, as tables: what notebook 04 shows and the reports read."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy import stats

from helpers.analysis.effects import bundles_study, checks, study_rows
from helpers.analysis.effects.callaway_santanna import CallawaySantAnna
from helpers.analysis.effects.coding import EffectsError
from helpers.analysis.effects.contrasts import BeforeAfter
from helpers.analysis.effects.fit import Fit
from helpers.analysis.effects.imputation import Imputation
from helpers.analysis.effects.multiplicity import holm
from helpers.analysis.effects.panel import Panel
from helpers.analysis.effects.poisson import PoissonImputation
from helpers.analysis.effects.regions import region_effects
from helpers.analysis.effects.rtm import rtm_decomposition
from helpers.analysis.effects.selection import next_services
from helpers.analysis.effects.twfe import TwoWayFE
from helpers.tables import store

TABLES = ("effects", "event_study", "region_effects", "rtm", "next_services", "diagnostics", "situation_totals")
OUTCOMES = ("days", "documents", "visits", "in_term_share", "grade")
GRADES = ("Г", "В", "Б", "Б+", "А")
REGION = "region_iso"
RANKED = ("days", "documents", "visits")
"""Outcomes for which regions are shown and services are chosen."""


@dataclass(frozen=True)
class Outcome:
    """One outcome as it is estimated.

    Parameters
    ----------
    name : str
        Code in the tables.
    column : str
        Column of the prepared panel.
    kind : str
        ``log`` (log points), ``count`` (per cent) or ``share`` (percentage points).
    unit : str
        Unit of the additive estimate.
    rows : Series of bool, optional
        Rows that measure it (one kind of days, say).
    """

    name: str
    column: str
    kind: str
    unit: str
    exposure: str | None = None
    rows: pd.Series | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Settings:
    """Choices of a study.

    Parameters
    ----------
    anticipation : int
        Months before the start in which people may have reacted already.
    control_group : str
        ``not_yet_treated`` or ``never_treated``: controls of the Callaway–Sant'Anna check.
    cluster : str
        Column of the clusters.
    seed : int
        Of all draws.
    reps : int
        Permutations, where few regions call for them.
    k : int
        Services shown in each region's list.
    """

    anticipation: int = 0
    control_group: str = "not_yet_treated"
    cluster: str = REGION
    seed: int = 0
    reps: int = 999
    k: int = 10


def run(
    panel: pd.DataFrame,
    *,
    outcomes: Sequence[str] = OUTCOMES,
    situations: pd.DataFrame | None = None,
    anticipation: int = 0,
    control_group: str = "not_yet_treated",
    cluster: str = REGION,
    seed: int = 0,
    reps: int = 999,
    k: int = 10,
) -> dict[str, pd.DataFrame]:
    """Estimate everything the reports need from one panel.

    Parameters
    ----------
    panel : DataFrame
        Rows of ``service_panel``: region × service × month.
    outcomes : sequence of str
        Among ``days, documents, visits, in_term_share, grade``.
    situations : DataFrame, optional
        Rows of ``life_situations``. Months of a service since its situation was launched are a second treatment: they
        leave the estimates about single services, counted, and what the launches changed is estimated beside them.
    anticipation, control_group, cluster, seed, reps, k
        See :class:`Settings`.

    Returns
    -------
    dict
        ``effects, event_study, region_effects, rtm, next_services, diagnostics, situation_totals``, columns as in
        their schemas. An outcome that cannot be estimated has one row in ``diagnostics`` with the reason and nothing
        else. An empty panel gives empty tables: no effect is invented.

    Raises
    ------
    EffectsError
        An unknown outcome.
    """
    unknown = set(outcomes) - set(OUTCOMES)
    if unknown:
        raise EffectsError(f"unknown outcomes {', '.join(sorted(unknown))}; there are {', '.join(OUTCOMES)}")
    settings = Settings(anticipation, control_group, cluster, seed, reps, k)
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    if len(panel):
        known = store.empty("life_situations") if situations is None else situations
        single, left_out = bundles_study.before_launch(panel, known)
        frame = prepare(single)
        for outcome in declared(frame, outcomes):
            _add(parts, one_outcome(frame, outcome, settings))
        _holm(parts)
        parts["diagnostics"].append(bundles_study.alone(left_out))
        _add(parts, bundles_study.tables(panel, known, seed))
    synthetic = bool(len(panel) and panel["is_synthetic"].any())
    return {name: study_rows.gather(name, found, synthetic) for name, found in parts.items()}


def _add(parts: dict[str, list[pd.DataFrame]], found: dict[str, pd.DataFrame]) -> None:
    for name, part in found.items():
        parts[name].append(part)


def prepare(panel: pd.DataFrame) -> pd.DataFrame:
    """Panel with the columns that are estimated: log days, percentage points, indicators of grades.

    A month without a positive time has no logarithm and counts as missing; nothing else is changed.
    """
    days = panel["median_days"].where(panel["median_days"] > 0)
    frame = panel.assign(log_days=np.log(days), in_term_pp=100 * panel["in_term_share"])
    place = panel["grade"].map({grade: number for number, grade in enumerate(GRADES)})
    for number, grade in enumerate(GRADES[1:], start=1):
        frame[f"grade_at_least_{grade}"] = (100.0 * (place >= number)).where(place.notna())
    if panel["open_count"].notna().any():
        frame["log_days_bound"] = frame["log_days"] + _open_shift(frame)
    return frame


def _open_shift(frame: pd.DataFrame) -> pd.Series:
    """How much longer the median would be if every open application took longer than all finished ones.

    With a share c still open the median of all is the 0.5/(1 − c) quantile of the finished ones; between median and
    upper quartile days are taken as log-normal.
    """
    total = frame["applications"].where(frame["applications"] > 0)
    share = (frame["open_count"] / total).clip(0, 0.49).fillna(0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = (np.log(frame["q75_days"]) - np.log(frame["median_days"])) / stats.norm.ppf(0.75)
    shift = pd.Series(stats.norm.ppf(0.5 / (1 - share)), index=frame.index) * spread
    return shift.where(np.isfinite(shift), 0.0).clip(lower=0.0)


def declared(frame: pd.DataFrame, outcomes: Sequence[str]) -> list[Outcome]:
    """Outcomes to estimate; working and calendar days are different ones, never mixed."""
    found: list[Outcome] = []
    if "days" in outcomes:
        units = frame["day_unit"].value_counts().sort_index().sort_values(ascending=False, kind="stable").index
        for place, unit in enumerate(units):
            name = "days" if place == 0 else f"days_{unit}"
            found.append(Outcome(name, "log_days", "log", "log_point", rows=frame["day_unit"] == unit))
    if "documents" in outcomes:
        found.append(Outcome("documents", "documents", "count", "log_point"))
    if "visits" in outcomes:
        found.append(Outcome("visits", "visits", "count", "log_point", exposure="applications"))
    if "in_term_share" in outcomes:
        found.append(Outcome("in_term_share", "in_term_pp", "share", "percentage_point"))
    if "grade" in outcomes:
        found += [
            Outcome(f"grade_at_least_{grade}", f"grade_at_least_{grade}", "share", "percentage_point")
            for grade in GRADES[1:]
        ]
    return [outcome for outcome in found if frame[outcome.column].notna().any()]


def make_panel(frame: pd.DataFrame, cluster: str = REGION) -> Panel:
    """Panel of services by month with the roles of ``service_panel``."""
    return Panel(
        frame,
        unit=("region_iso", "service_id"),
        time="month",
        cohort="optimised_month",
        cluster=cluster,
        strata="pre_grade",
        audit="is_audit_window",
        exposure="applications",
        censored="open_count" if frame["open_count"].notna().any() else None,
    )


def estimator(outcome: Outcome, anticipation: int = 0) -> Imputation:
    """Estimator of an outcome: Poisson imputation for counts, imputation otherwise."""
    if outcome.kind == "count":
        return PoissonImputation(anticipation=anticipation, exposure=outcome.exposure)
    return Imputation(anticipation=anticipation)


def one_outcome(frame: pd.DataFrame, outcome: Outcome, settings: Settings) -> dict[str, pd.DataFrame]:
    """All tables of one outcome; only a diagnostic row with the reason where it cannot be estimated."""
    rows = frame if outcome.rows is None else frame[outcome.rows.to_numpy()]
    try:
        panel = make_panel(rows, settings.cluster)
        fit = estimator(outcome, settings.anticipation).fit(panel, outcome.column)
    except EffectsError as error:
        return {"diagnostics": checks.refused(outcome.name, str(error))}
    found = {
        "effects": pd.concat(
            [
                estimates(panel, outcome, fit, settings),
                contrasts(panel, outcome),
                second_opinion(panel, outcome, settings),
            ]
        ),
        "event_study": study_rows.event_rows(outcome.name, fit, settings.seed),
        "diagnostics": checks.diagnostics(outcome.name, fit, panel, settings.seed, settings.reps),
    }
    if outcome.kind == "log":
        found["rtm"] = decompositions(panel, outcome)
    if outcome.name.split("_")[0] in RANKED and settings.cluster == REGION:
        found |= regional(panel, outcome, fit, settings)
    return found


def estimates(panel: Panel, outcome: Outcome, fit: Fit, settings: Settings) -> pd.DataFrame:
    """The estimate, its averages by grade and cohort, and what other choices would have given."""
    parts = [study_rows.fit_row(outcome.name, fit, "att")]
    for group in ("pre_grade", "cohort"):
        parts.append(study_rows.group_rows(outcome.name, fit, group))
    plain = estimator(outcome, settings.anticipation)
    other = {
        "att_weighted": replace(plain, weights="applications"),
        "att_audit_kept": replace(plain, drop_audit=False),
        "att_anticipation_2": replace(plain, anticipation=settings.anticipation + 2),
    }
    for name, spec in other.items():
        try:
            parts.append(study_rows.fit_row(outcome.name, spec.fit(panel, outcome.column), name))
        except EffectsError:
            continue
    if outcome.kind == "log" and "log_days_bound" in panel.frame:
        bound = estimator(outcome, settings.anticipation).fit(panel, "log_days_bound")
        parts.append(study_rows.fit_row(outcome.name, bound, "att_open_counted_longer"))
    return study_rows.stack(*parts)


def contrasts(panel: Panel, outcome: Outcome) -> pd.DataFrame:
    """What is compared today, marked as no effect; counts as logarithms of positive ones are not offered."""
    if outcome.kind == "count":
        return study_rows.count_contrast(panel, outcome.name, outcome.column, outcome.exposure)
    parts = []
    offered: dict[str, BeforeAfter | TwoWayFE] = {
        "before_after": BeforeAfter(),
        "before_after_audit": BeforeAfter("audit"),
        "audit_against_last_3_months": BeforeAfter("audit", last=3),
        "twfe": TwoWayFE(),
    }
    for name, spec in offered.items():
        try:
            fit = spec.fit(panel, outcome.column)
        except EffectsError:
            continue
        parts.append(study_rows.contrast_row(outcome.name, name, fit, outcome.unit))
    return study_rows.stack(*parts)


def second_opinion(panel: Panel, outcome: Outcome, settings: Settings) -> pd.DataFrame:
    """Callaway–Sant'Anna, base before the audit: few assumptions, but no strata."""
    if outcome.kind == "count":
        return pd.DataFrame()
    try:
        spec = CallawaySantAnna(control=settings.control_group, anticipation=settings.anticipation)
        fit = spec.fit(panel, outcome.column)
        simple = fit.aggregate("simple")
    except EffectsError:
        return pd.DataFrame()
    return study_rows.second_row(outcome.name, simple, outcome.unit, panel, fit.clusters)


def decompositions(panel: Panel, outcome: Outcome) -> pd.DataFrame:
    """Naive change against the audit months and against all months, split; by grade as well."""
    parts = []
    for baseline, name in (("audit", "audit"), ("all", "all_months")):
        try:
            table = rtm_decomposition(panel, outcome.column, baseline=baseline).table
        except EffectsError:
            continue
        group = [name if code == "all" else f"{name}:{code}" for code in table["group"]]
        parts.append(table.assign(outcome=outcome.name, group=group))
    return study_rows.stack(*parts)


def regional(panel: Panel, outcome: Outcome, fit: Fit, settings: Settings) -> dict[str, pd.DataFrame]:
    """Regional effects and what to optimise next; nothing where regions cannot be told from noise."""
    found = {}
    try:
        table = region_effects(fit, panel).table
        found["region_effects"] = table.assign(outcome=outcome.name)
    except EffectsError:
        return found
    try:
        own = (panel.unit_values("level") == "regional").to_numpy()  # a region cannot change a federal service
        chosen = next_services(fit, panel, k=settings.k, seed=settings.seed, eligible=own).table
        found["next_services"] = chosen.assign(outcome=outcome.name)
    except EffectsError:
        pass
    return found


def _holm(parts: dict[str, list[pd.DataFrame]]) -> None:
    """Add to the checks which headline outcomes survive their number."""
    effects = [part for part in parts["effects"] if len(part)]
    if not effects:
        return
    table = pd.concat(effects)
    head = table[(table["estimand"].isin(["att", "att_pct"])) & (table["group"] == "all") & ~table["is_contrast"]]
    head = head[head["p_value"].notna() & head["estimator"].isin(["imputation", "poisson_imputation"])]
    if len(head) < 2:
        return
    parts["diagnostics"].append(checks.holm_rows(head["outcome"].tolist(), holm(head["p_value"].to_numpy())))
