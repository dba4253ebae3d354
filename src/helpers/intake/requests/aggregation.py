"""The panel as one Ibis expression, the same on DuckDB and on Spark.

Rows are read twice: into sums, and into counts by number of days, from which everything else is made. So quantiles
need no list of values in memory, and the result is identical whatever the chunking or the number of threads. Open
applications are right-censored: quantiles are those of the Kaplan–Meier curve, the smallest number of days at which
the share still open is at most 1 − q (for a month without open applications: the lower sample quantile). A quantile
that the curve does not reach is missing.

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
CONTENT = (
    "region_iso", "municipality", "service_id", "service_name", "agency", "received", "completed", "documents",
    "documents_supplied", "visits", "is_online", "is_refused", "is_appealed", "rating",
)  # fmt: skip


def panel(rows: Any, services: Any, *, period: str = "month", by_municipality: bool = False) -> Any:
    """Service × region × period aggregates of typed rows.

    Parameters
    ----------
    rows : ibis table
        Typed rows (`rows.SCHEMA`), duplicates already out.
    services : ibis table
        ``service_id, region_iso, statutory_days, day_unit``: one row a service, or a service and region; an empty
        region_iso holds for all regions that have no row of their own.
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
    starts = rows.received.truncate("W" if period == "week" else "M").cast("date")
    stamped = rows.mutate(start=starts)
    keys = ["region_iso", "service_id", "start", *(["municipality"] if by_municipality else [])]
    cells = stamped.group_by([*keys, "calendar_days", "working_days", "is_open"]).aggregate(n=stamped.record.count())
    whole = _join(_sums(stamped, keys), _terms_kept(cells, services, keys), keys)
    for kind in KINDS:
        whole = _join(whole, _quantiles(cells, keys, kind), keys)
    text = whole.start.cast("string").substr(0, 10 if period == "week" else 7)
    named = ["period" if key == "start" else key for key in keys]
    others = [column for column in whole.columns if column not in keys]
    return whole.mutate(period=text).select(*named, *others).order_by(named)


def without_duplicates(rows: Any) -> Any:
    """Typed rows of which equal copies stand once and copies that differ do not stand at all.

    On one machine `duplicates` does the same with counts and samples; this is for rows staged on a cluster.

    Parameters
    ----------
    rows : ibis table
        Typed rows (`rows.SCHEMA`) of all logs.
    """
    parts = [rows[name].cast("string").fill_null("\x01").concat("\x02") for name in CONTENT]
    content = parts[0].concat(*parts[1:])
    marked = rows.mutate(content=content)
    ids = marked.group_by("application_id").aggregate(
        copies=marked.record.count(), low=marked.content.min(), high=marked.content.max()
    )
    single = rows.semi_join(ids.filter(ids.copies == 1), "application_id")
    twice = rows.semi_join(ids.filter((ids.copies > 1) & (ids.low == ids.high)), "application_id")
    others = [name for name in rows.columns if name != "application_id"]
    once = twice.group_by("application_id").aggregate(**{name: twice[name].min() for name in others})
    return single.union(once.select(*rows.columns))


def _sums(rows: Any, keys: list[str]) -> Any:
    return rows.group_by(keys).aggregate(
        service_name=rows.service_name.max(),
        agency=rows.agency.max(),
        applications=rows.record.count(),
        open_count=rows.is_open.sum(),
        documents=rows.documents.mean(),
        documents_supplied=rows.documents_supplied.mean(),
        visits=rows.visits.sum(),
        online_share=rows.is_online.mean(),
        refusal_share=rows.is_refused.mean(),
        appeal_share=rows.is_appealed.mean(),
        rating=rows.rating.mean(),
        rating_count=rows.rating.count(),
    )


def _terms_kept(cells: Any, services: Any, keys: list[str]) -> Any:
    """Share of applications within the statutory term, of those whose term can be judged."""
    own = services.filter(services.region_iso != "").rename(own_id="service_id", own_region="region_iso")
    own = own.rename(own_days="statutory_days", own_unit="day_unit")
    rest = services.filter(services.region_iso == "").drop("region_iso").rename(rest_id="service_id")
    joined = cells.left_join(own, [cells.service_id == own.own_id, cells.region_iso == own.own_region])
    joined = joined.left_join(rest, joined.service_id == rest.rest_id)
    has_own = joined.own_id.notnull()
    term = has_own.ifelse(joined.own_days, joined.statutory_days)
    unit = has_own.ifelse(joined.own_unit, joined.day_unit)
    is_over = (unit == "working_day").ifelse(joined.working_days, joined.calendar_days) > term
    is_known = term.notnull() & ~((joined.is_open == 1) & ~is_over)
    judged = joined.mutate(base=is_known.ifelse(joined.n, 0), kept=(is_known & ~is_over).ifelse(joined.n, 0))
    sums = judged.group_by(keys).aggregate(in_term_base=judged.base.sum(), kept=judged.kept.sum())
    share = sums.kept.cast("float64") / sums.in_term_base.nullif(0).cast("float64")
    return sums.mutate(in_term_share=share).drop("kept")


def _quantiles(cells: Any, keys: list[str], kind: str) -> Any:
    """Kaplan–Meier quantiles of the days of one kind, per group."""
    with_days = cells.mutate(days=cells[f"{kind}_days"], done=cells.n * (1 - cells.is_open))
    counts = with_days.group_by([*keys, "days"]).aggregate(n=with_days.n.sum(), events=with_days.done.sum())
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
