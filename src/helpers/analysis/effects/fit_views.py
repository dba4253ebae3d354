"""Tables of a fit: its summary, the influence of regions, the event study, and averages by group."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from helpers.analysis.effects import averages
from helpers.analysis.effects.coding import EffectsError, FloatArray, month_label
from helpers.analysis.effects.inference import interval, simultaneous
from helpers.analysis.effects.solving import jackknife_variance
from helpers.analysis.effects.sums import LongArray

if TYPE_CHECKING:
    from helpers.analysis.effects.fit import Fit


def summary(fit: "Fit") -> pd.DataFrame:
    """See :meth:`Fit.summary`."""
    low, high = fit.conf_int()
    moved = influence(fit)
    items: list[tuple[str, object]] = [
        ("outcome", fit.outcome),
        ("estimator", fit.estimator),
        ("effect", fit.att),
        ("standard error", fit.se),
        ("95 % interval, low", low),
        ("95 % interval, high", high),
        ("unit", fit.unit),
        ("p value", fit.p_value),
        ("degrees of freedom", fit.df),
        ("variance", fit.vcov),
        ("regions", fit.n_clusters),
        ("regions with an optimised service", fit.n_treated_clusters),
        ("effective regions", fit.effective_clusters()),
        ("largest influence of one region", moved["difference"].abs().max() if len(moved) else np.nan),
        ("treated service-months", fit.n_obs),
        ("services", fit.n_services),
        ("share of treated service-months kept", fit.kept),
        ("month effects", fit.plan.level),
        ("note", fit.note),
    ]
    items += [(f"left out: {drop.reason}", drop.rows) for drop in fit.drops]
    return pd.DataFrame(items, columns=["item", "value"])


def influence(fit: "Fit") -> pd.DataFrame:
    """See :meth:`Fit.influence`."""
    found = fit._average(averages.everything, 1)
    count = np.zeros(len(fit.contributing), dtype=np.int64)
    for stratum in fit.plan.strata:
        rows = stratum.rows
        count += np.bincount(rows.cluster, weights=rows.count, minlength=len(count)).astype(np.int64)
    frame = pd.DataFrame(
        {
            "cluster": fit.layout.cluster_labels,
            "att_without": found.without[:, 0],
            "difference": found.without[:, 0] - fit.att,
            "n": count,
        }
    )[fit.contributing]
    order = frame["difference"].abs().sort_values(ascending=False, kind="stable").index
    return frame.loc[order].reset_index(drop=True)


def event_study(fit: "Fit", leads: int, level: float, seed: int) -> pd.DataFrame:
    """See :meth:`Fit.event_study`."""
    events = fit._events()
    found = fit._average(averages.by_event(fit.layout.times, events), len(events))
    value, without, n = found.value, found.without, found.count
    kind = ["effect"] * len(events)
    if leads > 0:
        early = fit._leads(leads)
        value = np.concatenate([early.value, value])
        without = np.concatenate([early.without, without], axis=1)
        n, events = np.concatenate([early.count, n]), np.concatenate([early.events, events])
        kind = ["lead"] * len(early.value) + kind
    se = np.sqrt(np.diag(jackknife_variance(value, without, fit.contributing)))
    single = interval(0.0, 1.0, fit.df, level)[1]
    joint = simultaneous((without - value)[fit.contributing], se, fit.df, level, seed)
    return pd.DataFrame(
        {
            "event_time": events,
            "att": value,
            "se": se,
            "lo": value - single * se,
            "hi": value + single * se,
            "lo_simultaneous": value - joint * se,
            "hi_simultaneous": value + joint * se,
            "n": n,
            "kind": kind,
            "unit": fit.unit,
        }
    )


def by(fit: "Fit", group: str, level: float) -> pd.DataFrame:
    """See :meth:`Fit.by`."""
    name = _code_name(fit, group)
    codes = np.unique(np.concatenate([getattr(s.rows, name) for s in fit.plan.strata])).astype(np.int64)
    found = fit._average(averages.by_code(name, codes), len(codes))
    if name == "cluster":
        se = fit._own_se(codes, found.value)
        df = np.maximum(found.services - 1, 0).astype(np.float64)
    else:
        se = np.sqrt(np.diag(jackknife_variance(found.value, found.without, fit.contributing)))
        df = np.full(len(codes), fit.df)
    return _table(fit, _labels(fit, name, codes), found, se, df, level)


def _code_name(fit: "Fit", group: str) -> str:
    names = fit.layout.names
    choices = {
        "cluster": {"region", "cluster", str(names["cluster"])},
        "stratum": {"pre_grade", "strata", "grade", str(names["strata"])},
        "cohort": {"cohort", str(names["cohort"])},
        "month": {"month", "time", "calendar", str(names["time"])},
    }
    for name, words in choices.items():
        if group in words:
            return name
    raise EffectsError(f"cannot average by {group!r}; use region, pre_grade, cohort or month")


def _labels(fit: "Fit", name: str, codes: LongArray) -> list[Any]:
    if name == "month":
        return [month_label(int(fit.layout.times[code])) for code in codes]
    if name == "cohort":
        return [month_label(int(code)) for code in codes]
    known = fit.layout.cluster_labels if name == "cluster" else fit.layout.stratum_labels
    return [known[code] for code in codes]


def _table(
    fit: "Fit", labels: list[Any], found: averages.Averages, se: FloatArray, df: FloatArray, level: float
) -> pd.DataFrame:
    bounds = [
        interval(value, s, d, level) if d > 0 else (np.nan, np.nan)
        for value, s, d in zip(found.value, se, df, strict=True)
    ]
    return pd.DataFrame(
        {
            "group": labels,
            "att": found.value,
            "se": se,
            "lo": [low for low, _ in bounds],
            "hi": [high for _, high in bounds],
            "df": df,
            "n": found.count,
            "services": found.services,
            "regions": found.regions,
            "unit": fit.unit,
        }
    )
