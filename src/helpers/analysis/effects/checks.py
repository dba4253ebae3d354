"""Checks of the design of one estimate: each a number, a verdict and one sentence that says what was found."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from helpers.analysis.effects.censored import FEW_CENSORED
from helpers.analysis.effects.censored_checks import QUARTILES, censored_checks
from helpers.analysis.effects.coding import EffectsError
from helpers.analysis.effects.fit import Fit
from helpers.analysis.effects.inference import FEW, FewClustersWarning, p_value
from helpers.analysis.effects.multiplicity import Adjusted
from helpers.analysis.effects.panel import Panel
from helpers.analysis.effects.strata import LEVELS

FEW_TREATED = 6
"""With fewer treated or untreated regions the permutation test is run as well."""
SHIFTS = (4, 6)
HEADLINE = ("days", "documents", "visits")
"""Outcomes for which the bounds on hidden trends are computed: they cost seconds each."""
NAN = float("nan")


@dataclass(frozen=True)
class Check:
    """One check."""

    check: str
    statistic: float
    p_value: float
    reading: str
    passed: bool


def diagnostics(outcome: str, fit: Fit, panel: Panel, seed: int = 0, reps: int = 999) -> pd.DataFrame:
    """All checks of one fit.

    Parameters
    ----------
    outcome : str
        Code in the tables.
    fit : Fit
    panel : Panel
    seed, reps : int
        Of the permutation test, run only where few regions are treated or untreated.

    Returns
    -------
    DataFrame
        ``outcome, check, statistic, p_value, reading, passed``.
    """
    found = [_clusters(fit), _kept(fit), _influence(fit), _chain(fit), _pretrend(fit)]
    found += [_placebo(fit, shift) for shift in SHIFTS]
    if outcome.split("_")[0] in HEADLINE:
        found += [_honest(fit, "smoothness"), _honest(fit, "relative_magnitude")]
    if _few_treated(fit, panel):
        found.append(_permutation(fit, seed, reps))
    if panel.names["censored"] is not None and outcome.startswith("days"):
        found += _censored(fit, panel, seed)
    return pd.DataFrame([{"outcome": outcome, **vars(check)} for check in found])


def refused(outcome: str, message: str) -> pd.DataFrame:
    """The one row of an outcome that cannot be estimated."""
    return pd.DataFrame(
        [{"outcome": outcome, **vars(Check("estimable", NAN, NAN, f"Not estimated: {message}.", False))}]
    )


def holm_rows(outcomes: list[str], adjusted: Adjusted) -> pd.DataFrame:
    """Whether each headline finding survives the number of outcomes asked about."""
    lines = []
    for i, outcome in enumerate(outcomes):
        stays = bool(adjusted.rejected[i])
        words = "stays significant" if stays else "is not significant"
        reading = f"After Holm's correction for {len(outcomes)} outcomes the effect {words} at 5 %."
        # a statement about the effect, not about the design: it cannot fail the design
        lines.append({"outcome": outcome, **vars(Check("holm", NAN, float(adjusted.adjusted[i]), reading, True))})
    return pd.DataFrame(lines)


def _clusters(fit: Fit) -> Check:
    g, treated = fit.n_clusters, fit.n_treated_clusters
    noun = _noun(fit)
    text = f"{g} {noun}s, {treated} of them with an optimised service, {fit.effective_clusters():.1f} of equal weight."
    return Check("clusters", float(g), NAN, text, g >= FEW and treated >= 2)


def _noun(fit: Fit) -> str:
    return "region" if "region" in str(fit.layout.names["cluster"]) else "cluster"


def _kept(fit: Fit) -> Check:
    text = f"{fit.kept:.1%} of treated service-months keep an untreated comparison; the estimate speaks of these."
    return Check("kept_share", fit.kept, NAN, text, fit.kept >= fit.spec.min_share)


def _influence(fit: Fit) -> Check:
    table = fit.influence()
    largest = float(table["difference"].abs().iloc[0])
    name = table["cluster"].iloc[0]
    text = (
        f"Without {name}, the most influential {_noun(fit)}, it moves by {largest:.4f} (standard error {fit.se:.4f})."
    )
    return Check("influence", largest, NAN, text, bool(largest < fit.se))


def _chain(fit: Fit) -> Check:
    names = {
        LEVELS[0]: "services of the same grade and audit date",
        LEVELS[1]: "services of the same grade",
        LEVELS[2]: "all untreated services",
    }
    levels = fit.levels.groupby("level")["treated_months"].sum()
    parts = [f"{names[level]} ({int(months)} service-months)" for level, months in levels.items()]
    text = "Compared with " + "; ".join(parts) + "."
    if fit.note:
        text += f" {fit.note[0].upper()}{fit.note[1:]}."
    return Check("comparison", float(LEVELS.index(fit.plan.level)), NAN, text, not fit.note)


def _pretrend(fit: Fit) -> Check:
    try:
        test = fit.pretrend_test(leads=3)
    except EffectsError as error:
        return Check("pretrend", NAN, NAN, f"Not tested: {error}.", True)
    verdict = "not rejected, which is not proof" if test.p_value >= 0.05 else "rejected"
    text = (
        f"Equal course before optimisation is {verdict}: F({test.df1}, {test.df2}) = {test.statistic:.2f}; "
        f"a difference in trend of up to {test.largest_slope:.4f} a month is not excluded."
    )
    return Check("pretrend", test.statistic, test.p_value, text, bool(test.p_value >= 0.05))


def _placebo(fit: Fit, shift: int) -> Check:
    name = "placebo" if shift == SHIFTS[0] else f"placebo_{shift}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FewClustersWarning)
            early = fit.placebo(shift)
    except EffectsError as error:
        return Check(name, NAN, NAN, f"Not tested: {error}.", True)
    p = p_value(early.att, early.se, early.df)
    verdict = "shows nothing, as it should" if not p < 0.05 else "shows an effect that cannot be one"
    text = f"A start {shift} months early {verdict}: {early.att:.4f}, standard error {early.se:.4f}, n = {early.n_obs}."
    return Check(name, early.att, p, text, not p < 0.05)


def _honest(fit: Fit, delta: str) -> Check:
    name = f"honest_{delta}"
    try:
        found = fit.honest(delta=delta)
    except (EffectsError, np.linalg.LinAlgError) as error:
        return Check(name, NAN, NAN, f"Not computed: {error}.", True)
    bound = float(found.breakdown)
    if not np.isfinite(bound) or bound <= 0:
        text = "The months around the start alone do not show an effect, so there is no conclusion to break."
        return Check(name, 0.0, NAN, text, True)
    if delta == "smoothness":
        text = f"The conclusion holds while a hidden trend bends by at most {bound:.4f} a month."
    else:
        text = f"The conclusion holds while a hidden trend moves at most {bound:.2f} times as much as before the start."
    return Check(name, bound, NAN, text, True)


def _few_treated(fit: Fit, panel: Panel) -> bool:
    treated = (panel.treated & panel.observed).any(axis=1)
    untreated = np.unique(panel.cluster_code[~treated])
    return fit.n_treated_clusters < FEW_TREATED or len(untreated) < FEW_TREATED


def _permutation(fit: Fit, seed: int, reps: int) -> Check:
    try:
        test = fit.permutation_test(reps=reps, seed=seed)
    except EffectsError as error:
        return Check("permutation", NAN, NAN, f"Not tested: {error}.", True)
    text = f"Dates dealt out anew among {test.level}s ({test.reps} times) give as much in {test.p_value:.1%} of draws."
    # like the effect's own p value: no verdict on the design
    return Check("permutation", fit.att, test.p_value, text, True)


def _censored(fit: Fit, panel: Panel, seed: int) -> list[Check]:
    table: Any = panel.describe().set_index("item")["value"]
    share = float(table["open (censored) share"])
    text = f"{share:.1%} of applications are still open at the end of their month"
    if share < FEW_CENSORED:
        return [Check("censored", share, NAN, f"{text}; treated as observed.", True)]
    text += "; see the estimate with open ones counted as longer."
    return [Check("censored", share, NAN, text, True), *_censored_regressions(fit, panel, seed)]


def _censored_regressions(fit: Fit, panel: Panel, seed: int) -> list[Check]:
    """What regressions say that take open applications for what they are; none without quartiles of the days."""
    if not set(QUARTILES) <= set(panel.frame.columns):
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FewClustersWarning)
            found = censored_checks(panel, fit.spec.anticipation, seed)
    except EffectsError as error:
        return [Check("censored_log_normal", NAN, NAN, f"Not computed: {error}.", True)]
    checks = []
    for one in found:
        size = f"{one.services} services drawn by seed, {one.months} service-months"
        number = f"{one.estimate:.4f} (95 % interval {one.low:.4f} to {one.high:.4f})"
        against = one.p_value < 0.05 and fit.p_value < 0.05 and one.is_faster != (fit.att < 0)
        verdict = "against the estimate" if against else "which does not contradict the estimate"
        if one.model == "log_normal":
            text = f"Log-normal regression with open applications as longer, {size}: {number} log points, {verdict}."
        else:
            text = f"Hazards stratified by service, {size}: applications end {number} times as fast, {verdict}."
        checks.append(Check(f"censored_{one.model}", one.estimate, one.p_value, text, not against))
    return checks
