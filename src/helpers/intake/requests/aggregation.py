"""The panel as one Ibis expression, the same on DuckDB and on Spark.

Quantiles come from counts by number of days, so they need no list of values in memory, and the result is identical
whatever the chunking or the number of threads. Open applications are right-censored: quantiles are those of the
Kaplan–Meier curve, the smallest number of days at which the share still open is at most 1 − q (for a month without
open applications: the lower sample quantile). A quantile that the curve does not reach is missing.

References
----------
Kaplan, Meier (1958), Nonparametric estimation from incomplete observations, JASA 53.
"""

from typing import Any

import ibis

QUANTILES = {"q25": 0.25, "median": 0.5, "q75": 0.75, "q90": 0.9}
KINDS = ("calendar", "working")
_TOLERANCE = 1e-9
_NEVER = -1e9  # stands for log(0): the curve falls to zero


def panel(rows: Any, services: Any, *, period: str = "month", by_municipality: bool = False) -> Any:
    """Service × region × period aggregates of typed rows.

    Parameters
    ----------
    rows : ibis table
        Typed rows (`rows.SCHEMA`), duplicates already out.
    services : ibis table
        ``service_id, statutory_days, day_unit``: one row a service.
    period : str
        ``month`` (of receipt) or ``week`` (ISO Monday of receipt).
    by_municipality : bool
        Adds ``municipality`` to the grain.

    Returns
    -------
    ibis table
        Grain: region_iso × service_id × period (× municipality); counts, sums, quantiles of calendar and working
        days, share within the statutory term (applications still open within their term are not counted yet).
    """
    stamped = rows.mutate(period=_period_text(rows.received, period))
    keys = ["region_iso", "service_id", "period", *(["municipality"] if by_municipality else [])]
    sums = _sums(_with_terms(stamped, services), keys)
    for kind in KINDS:
        sums = _join(sums, _quantiles(stamped, keys, kind), keys)
    return sums.order_by(keys)


def _period_text(day: Any, period: str) -> Any:
    if period == "week":
        return day.truncate("W").cast("date").cast("string").substr(0, 10)
    return day.cast("string").substr(0, 7)


def _with_terms(rows: Any, services: Any) -> Any:
    """Adds 1 within the term, 0 beyond it, null while it cannot be known."""
    terms = services.select("service_id", "statutory_days", "day_unit").rename(term_service_id="service_id")
    joined = rows.left_join(terms, rows.service_id == terms.term_service_id)
    taken = (joined.day_unit == "working_day").ifelse(joined.working_days, joined.calendar_days)
    is_over = taken > joined.statutory_days
    undecided = (joined.is_open == 1) & ~is_over
    known = joined.statutory_days.notnull() & ~undecided
    return joined.mutate(in_term=known.ifelse(is_over.ifelse(0, 1), ibis.null("int64")))


def _sums(rows: Any, keys: list[str]) -> Any:
    return rows.group_by(keys).aggregate(
        service_name=rows.service_name.max(),
        agency=rows.agency.max(),
        applications=rows.record.count(),
        open_count=rows.is_open.sum(),
        in_term_share=rows.in_term.mean(),
        in_term_base=rows.in_term.count(),
        documents=rows.documents.mean(),
        documents_supplied=rows.documents_supplied.mean(),
        visits=rows.visits.sum(),
        online_share=rows.is_online.mean(),
        refusal_share=rows.is_refused.mean(),
        appeal_share=rows.is_appealed.mean(),
        rating=rows.rating.mean(),
        rating_count=rows.rating.count(),
    )


def _quantiles(rows: Any, keys: list[str], kind: str) -> Any:
    """Kaplan–Meier quantiles of the days of one kind, per group."""
    with_days = rows.mutate(days=rows[f"{kind}_days"])
    counts = with_days.group_by([*keys, "days"]).aggregate(
        n=with_days.record.count(), events=(1 - with_days.is_open).sum()
    )
    later = ibis.window(group_by=keys, order_by=ibis.desc("days"), preceding=None, following=0)
    at_risk = counts.mutate(at_risk=counts.n.sum().over(later))
    stay = 1 - at_risk.events.cast("float64") / at_risk.at_risk.cast("float64")
    logs = at_risk.mutate(log_stay=(stay > 0).ifelse(ibis.greatest(stay, 1e-300).ln(), _NEVER))
    earlier = ibis.window(group_by=keys, order_by="days", preceding=None, following=0)
    curve = logs.mutate(log_open=logs.log_stay.sum().over(earlier))
    wanted = {
        f"{name}_{kind}_days": (curve.log_open.exp() <= 1 - q + _TOLERANCE).ifelse(curve.days, ibis.null("int32")).min()
        for name, q in QUANTILES.items()
    }
    return curve.group_by(keys).aggregate(**wanted)


def _join(left: Any, right: Any, keys: list[str]) -> Any:
    renamed = right.rename({f"{key}_right": key for key in keys})
    joined = left.left_join(renamed, [left[key] == renamed[f"{key}_right"] for key in keys])
    return joined.drop(*[f"{key}_right" for key in keys])
