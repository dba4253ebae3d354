"""Blocks made from services: effect of optimisation, services to optimise next, counts, times, targets."""

import re
from dataclasses import dataclass

import pandas as pd

from helpers.presentation import formats, wording
from helpers.presentation.formats import NBSP
from helpers.presentation.results.context import Context
from helpers.presentation.results.estimates import Estimate, Region
from helpers.presentation.results.parts import (
    Check,
    Counts,
    EffectBlock,
    EffectResult,
    EventPoint,
    NextService,
    NextServices,
    Target,
)
from helpers.presentation.results.values import effect_estimate, from_error, months_of, number, whole
from helpers.presentation.wording import effects as wording_effects
from helpers.presentation.wording.terms import CHECKS, GAIN_REASONS, INDICATORS, OUTCOMES, term
from helpers.tables import periods

FEW = 5
MOST_SERVICES = 10
FEWEST_POINTS = 5  # of a fitted pace
LAUNCH = "situation_"
_OUTCOME_ORDER = ("days", "documents", "visits", "in_term_share", "online_share", "grade", "other")
_ESTIMANDS = ("att_days", "att_native", "att", "att_pct")
_ESTIMATORS = ("imputation", "poisson")


@dataclass(frozen=True)
class Times:
    """Median processing time of optimised services now and before, in one unit of days."""

    now: float
    before: float
    unit: str
    n: int


def effect(ctx: Context, region: Region | None) -> EffectBlock | None:
    """Block 7: the national estimate of each outcome with its split, and the region's own beside it."""
    table = ctx.table("effects")
    single = ~table["outcome"].str.startswith(LAUNCH)  # launches of life situations have a block of their own
    rows = table[~table["is_contrast"].astype(bool) & (table["group"] == "all") & single]
    results = [result for outcome in _outcomes(rows) if (result := _effect_result(ctx, rows, outcome)) is not None]
    if not results:
        return None
    first = results[0]
    own, sentence = _regional(ctx, region, first.outcome, _with_day_unit(first.outcome, set(rows["outcome"])))
    notes = [_assumption(ctx, first)] if first.sentence_id in ("E1", "E2") else []
    notes.append(
        ctx.pick(
            "Это оценка по всем регионам вместе, а не по одному региону.",
            "This is the estimate for all regions together, not for one region.",
        )
    )
    return EffectBlock(
        results=tuple(results),
        checks=_checks(ctx, first.outcome),
        events=_events(ctx, first.outcome),
        text=_effect_text(ctx, first),
        notes=tuple(notes),
        scope="country",
        regional=own,
        regional_sentence=sentence,
    )


def _outcomes(rows: pd.DataFrame) -> list[str]:
    found = sorted(set(rows["outcome"]))
    return sorted(found, key=lambda code: (_OUTCOME_ORDER.index(wording_effects.outcome_key(code)), code))


def _effect_result(ctx: Context, rows: pd.DataFrame, outcome: str) -> EffectResult | None:
    mine = rows[(rows["outcome"] == outcome) & rows["estimand"].isin(_ESTIMANDS)].dropna(subset=["estimate"])
    if mine.empty:
        return None
    order = [_ESTIMANDS.index(code) for code in mine["estimand"]]
    known = [next((i for i, name in enumerate(_ESTIMATORS) if name in code), 9) for code in mine["estimator"]]
    row = mine.assign(_a=known, _b=order).sort_values(["_a", "_b", "estimator"], kind="stable").iloc[0].to_dict()
    n, regions = whole(row["n_services"]), whole(row["n_clusters"])
    estimate = effect_estimate(row["estimate"], row["ci_low"], row["ci_high"], str(row["unit"]), n, ctx.period)
    checks = [check.passed for check in _checks(ctx, outcome)]
    passed = bool(checks) and all(value is not False for value in checks)
    named = _with_day_unit(outcome, set(rows["outcome"]))
    sentence_id, sentence, _ = wording_effects.effect(named, estimate, n, passed, ctx.lang)
    if not sentence:
        return None
    naive, trend, rtm, own = _split(ctx, outcome, n)
    return EffectResult(
        outcome=outcome,
        label=outcome_label(named, ctx.lang),
        estimate=estimate,
        sentence_id=sentence_id,
        sentence=sentence,
        n_services=n,
        n_regions=regions,
        design_passed=passed,
        estimator=str(row["estimator"]),
        percent=estimate if estimate.unit == "percent_change" else None,
        naive=naive,
        trend=trend,
        rtm=rtm,
        naive_sentence=wording_effects.not_an_effect(naive, trend, rtm, own, ctx.lang),
    )


def outcome_label(outcome: str, lang: str) -> str:
    """Name of an outcome with its grade or second unit of days."""
    label = term(OUTCOMES, wording_effects.outcome_key(outcome), lang)
    return " ".join(x for x in (label, wording_effects.day_unit(outcome, lang), wording_effects.grade_of(outcome)) if x)


def _with_day_unit(outcome: str, outcomes: set[str]) -> str:
    """Outcome ``days`` with the unit that the other outcome of days leaves for it; unchanged if there is no other."""
    others = {unit for unit in wording_effects.DAY_UNITS if f"days_{unit}" in outcomes}
    rest = [unit for unit in wording_effects.DAY_UNITS if unit not in others]
    return f"days_{rest[0]}" if outcome == "days" and others and rest else outcome


def _assumption(ctx: Context, first: EffectResult) -> str:
    n, passed = first.n_services, first.design_passed
    return wording_effects.effect(first.outcome, first.estimate, n, passed, ctx.lang)[2]


def _split(ctx: Context, outcome: str, n: int | None) -> tuple[Estimate | None, ...]:
    table = ctx.table("rtm")
    rows = table[(table["outcome"] == outcome) & table["group"].isin(["all", "all_months", "audit"])]
    if rows.empty:
        return None, None, None, None
    row = rows.sort_values("group", kind="stable").iloc[0].to_dict()
    unit = str(row["unit"])
    names = ("naive", "trend", "regression_to_mean", "effect")
    return tuple(from_error(row[name], row[f"{name}_se"], unit, n, ctx.period) for name in names)


def _checks(ctx: Context, outcome: str) -> tuple[Check, ...]:
    table = ctx.table("diagnostics")
    rows = table[table["outcome"] == outcome].sort_values("check", kind="stable")
    return tuple(
        Check(
            str(row["check"]),
            term(CHECKS, str(row["check"]), ctx.lang),
            str(row["reading"]),
            bool(row["passed"]),
            number(row["statistic"]),
            number(row["p_value"]),
        )
        for row in rows.to_dict("records")
    )


def _events(ctx: Context, outcome: str) -> tuple[EventPoint, ...]:
    table = ctx.table("event_study")
    rows = table[table["outcome"] == outcome]
    if rows.empty:
        return ()
    names = sorted(set(rows["estimator"]), key=lambda name: (not any(part in name for part in _ESTIMATORS), name))
    rows = rows[rows["estimator"] == names[0]].sort_values("event_time")
    points = []
    for row in rows.to_dict("records"):
        unit, n = str(row["unit"]), whole(row["n"])
        point = effect_estimate(row["estimate"], row["ci_low"], row["ci_high"], unit, n, ctx.period)
        band = effect_estimate(None, row["simultaneous_low"], row["simultaneous_high"], unit, n, ctx.period)
        points.append(EventPoint(int(row["event_time"]), point, band.low, band.high))
    return tuple(points)


def _regional(ctx: Context, region: Region | None, outcome: str, named: str) -> tuple[Estimate | None, str]:
    table = ctx.table("region_effects")
    rows = table[(table["outcome"] == outcome) & (table["region_iso"] == (region.code if region else ""))]
    if rows.empty:
        return None, ""
    row = rows.iloc[0].to_dict()
    n = int(row["n_services_optimised"])
    if bool(row["is_suppressed"]) or n < FEW:
        return None, wording.suppressed(n, ctx.lang)
    own = effect_estimate(row["shrunk"], row["ci_low"], row["ci_high"], str(row["unit"]), n, ctx.period)
    return own, wording_effects.region_effect(named, own, n, ctx.lang)


def _effect_text(ctx: Context, first: EffectResult):
    value = wording.level(first.estimate, ctx.lang)
    span = formats.change_span(first.estimate.low, first.estimate.high, ctx.lang)
    n = formats.count(first.n_services or 0, "service", ctx.lang)
    title = ctx.pick(f"{first.label}, оценка: {value}", f"{first.label}, estimate: {value}")
    subtitle = ctx.pick(
        f"{first.label}: оптимизированные против сопоставимых, {formats.unit_name(first.estimate.unit, 'ru')}; "
        f"95{NBSP}% интервал; {n}",
        f"{first.label}: optimised against comparable services, {formats.unit_name(first.estimate.unit, 'en')}; "
        f"95% interval; {n}",
    )
    alt = ctx.pick(
        f"Оценка эффекта оптимизации, {first.label.lower()}: {value} при 95{NBSP}% интервале {span}; {n}. "
        "Рядом разница «до и после», которая не является эффектом.",
        f"Estimate of the effect of optimisation, {first.label.lower()}: {value} with a 95% interval of {span}; {n}. "
        "Beside it the before-and-after difference, which is not the effect.",
    )
    caption = ctx.pick("Оценка и разница «до и после» по показателям", "Estimate and before-and-after difference")
    return ctx.chart(title, subtitle, alt, caption)


def next_services(ctx: Context, region: Region) -> NextServices | None:
    """Block 8: at most ten services with the largest expected gain of the first outcome."""
    table = ctx.table("next_services")
    rows = table[table["region_iso"] == region.code]
    if rows.empty:
        return None
    outcome = sorted(set(rows["outcome"]), key=lambda c: (_OUTCOME_ORDER.index(wording_effects.outcome_key(c)), c))[0]
    rows = rows[rows["outcome"] == outcome].sort_values(["position", "service_id"]).head(MOST_SERVICES)
    panel = recent(ctx, region)
    found = tuple(_next(ctx, row, panel, outcome) for row in rows.to_dict("records"))
    first = found[0]
    gain = formats.quantity(first.gain.value, first.gain.unit, ctx.lang, 0)
    subtitle = ctx.pick(
        f"Ожидаемый выигрыш за год, {formats.unit_name(first.gain.unit, 'ru')}, 95{NBSP}% интервал",
        f"Expected gain a year, {formats.unit_name(first.gain.unit, 'en')}, 95% interval",
    )
    title = ctx.pick(f"Наибольший ожидаемый выигрыш за год — {gain}", f"The largest expected gain is {gain} a year")
    count = len(found)
    alt = ctx.pick(
        f"Таблица: {formats.count(count, 'service', 'ru')} с наибольшим ожидаемым выигрышем; первая даёт {gain} в год.",
        f"Table: {formats.count(count, 'service', 'en')} with the largest expected gain; the first gives {gain}.",
    )
    rule = ctx.pick(
        "Порядок — по ожидаемому выигрышу за год: заявления × нынешнее значение × оценка для услуг с той же оценкой; "
        "выигрыш сложен по всем заявлениям. Федеральных услуг в списке нет: регион их не меняет.",
        "Order: expected gain a year, applications × present value × estimate for services of the same grade, "
        "summed over all applications. Federal services are not listed: a region cannot change them.",
    )
    caption = ctx.pick("Услуги, которые ещё не оптимизированы", "Services not yet optimised")
    return NextServices(found, rule, ctx.chart(title, subtitle, alt, caption))


def _next(ctx: Context, row: dict, panel: pd.DataFrame, outcome: str) -> NextService:
    unit = formats.unit_code(str(row["unit"]).removesuffix("_year"))
    low, high = number(row["gain_low"]), number(row["gain_high"])
    kind = "sampling_95" if low is not None and high is not None else "none"
    own = panel[panel["service_id"] == row["service_id"]]
    days, documents = None, None
    if not own.empty:
        value = number(own["median_days"].mean())
        day_unit = str(own.iloc[-1]["day_unit"])
        days = Estimate(value, unit=day_unit, n=whole(own["applications"].sum()), period=ctx.period)
        unit = day_unit if unit == "day" else unit
        documents = number(own["documents"].mean())
    elif wording_effects.outcome_key(outcome) == "days":
        days = Estimate(number(row["level_now"]), unit="day", period=ctx.period)
    gain = Estimate(number(row["expected_gain"]), low, high, unit, kind, None, ctx.period)
    return NextService(
        int(row["position"]),
        str(row["service_id"]),
        str(row["service_name"]),
        str(row["agency"]),
        str(row["grade"]),
        days,
        documents,
        number(row["applications_year"]),
        gain,
        term(GAIN_REASONS, str(row["reason"]), ctx.lang),
    )


def recent(ctx: Context, region: Region | None) -> pd.DataFrame:
    """Rows of the panel inside the release period, of one region."""
    panel = ctx.table("service_panel")
    if region is None or panel.empty:
        return panel.head(0)
    first, last = months_of(ctx.period)
    return panel[(panel["region_iso"] == region.code) & panel["month"].between(first, last)]


def counts(ctx: Context, region: Region | None) -> Counts | None:
    """P1: services whose mean median time fell or rose against the same months one year earlier."""
    now = recent(ctx, region)
    if now.empty or region is None:
        return None
    first, last = months_of(periods.year_earlier(ctx.period))
    panel = ctx.table("service_panel")
    earlier = panel[(panel["region_iso"] == region.code) & panel["month"].between(first, last)]
    key = ["service_id", "day_unit"]
    both = pd.concat(
        [now.groupby(key)["median_days"].mean(), earlier.groupby(key)["median_days"].mean()], axis=1, join="inner"
    ).dropna()
    if len(both) < FEW:
        return None
    change = (both.iloc[:, 0] - both.iloc[:, 1]).round(9)
    shorter, longer = int((change < 0).sum()), int((change > 0).sum())
    done = now.loc[(now["optimised_month"] != "") & (now["optimised_month"] <= months_of(ctx.period)[1]), "service_id"]
    sentence = wording.counts(len(both), shorter, longer, ctx.lang)
    return Counts(now["service_id"].nunique(), shorter, longer, done.nunique(), sentence)


def times(ctx: Context, region: Region | None) -> Times | None:
    """Median time of optimised services in the release period and before their optimisation, in one unit of days."""
    now = recent(ctx, region)
    last = months_of(ctx.period)[1]
    now = now[(now["optimised_month"] != "") & (now["optimised_month"] <= last)].dropna(subset=["median_days"])
    if now.empty or region is None:
        return None
    unit = str(now["day_unit"].value_counts().index[0])
    now = now[(now["day_unit"] == unit) & (now["month"] >= now["optimised_month"])]
    panel = ctx.table("service_panel")
    before = panel[
        panel["service_id"].isin(now["service_id"])
        & (panel["region_iso"] == region.code)
        & (panel["month"] < panel["optimised_month"])
        & (panel["day_unit"] == unit)
    ].dropna(subset=["median_days"])
    values = pd.concat(
        [now.groupby("service_id")["median_days"].mean(), before.groupby("service_id")["median_days"].mean()],
        axis=1,
        join="inner",
    ).median()
    n = len(set(now["service_id"]) & set(before["service_id"]))
    return Times(float(values.iloc[0]), float(values.iloc[1]), unit, n) if n >= FEW else None


def targets(ctx: Context, region: Region | None) -> tuple[Target, ...]:
    """Targets of the country, and of the region where it has its own."""
    table = ctx.table("targets")
    wanted = ["RU"] + ([region.code] if region else [])
    texts = {row["target_id"]: row for row in ctx.reference("targets").to_dict("records")}
    rows = table[table["entity_id"].isin(wanted)].sort_values(["target_year", "target_id", "entity_id"])
    if region is not None:  # the region's own target stands for the country's
        own = set(rows.loc[rows["entity_id"] == region.code, "target_id"])
        rows = rows[(rows["entity_id"] == region.code) | ~rows["target_id"].isin(own)]
    return tuple(_target(ctx, row, texts.get(row["target_id"], {})) for row in rows.to_dict("records"))


def _target(ctx: Context, row: dict, text: dict) -> Target:
    unit = formats.unit_code(str(text.get("unit", "")) or "percent")
    unit = "" if unit == "count" else unit
    printed = formats.tidy(str(text.get(f"text_{ctx.lang}", "")).split(" (")[0])
    name = printed or term(INDICATORS, str(row["indicator"]), ctx.lang)
    current, low = number(row["current_value"]), number(row["observed_low"])
    observed = None
    if number(row["observed_pace"]) is not None:
        kind = _pace_interval(str(row["why"])) if low is not None else "none"
        observed = Estimate(
            number(row["observed_pace"]), low, number(row["observed_high"]), str(row["pace_unit"]), kind
        )
    return Target(
        str(row["target_id"]),
        name,
        _target_entity(ctx, str(row["entity_id"])),
        Estimate(number(row["target_value"]), unit=unit),
        None if current is None else Estimate(current, unit=unit, period=str(row["current_period"])),
        number(row["required_pace"]),
        observed,
        str(row["pace_unit"]),
        str(row["verdict"]),
        wording.target_point(name, int(row["target_year"]), str(row["verdict"]), ctx.lang),
        int(row["target_year"]),
    )


def _pace_interval(why: str) -> str:
    """Kind of the interval of a pace: of a fitted line from five points up, else the slowest and fastest step."""
    points = re.match(r"(\d+) points\b", why)
    return "sampling_95" if points and int(points[1]) >= FEWEST_POINTS else "method"


def _target_entity(ctx: Context, code: str) -> str:
    return wording.region_name(ctx.names[code], ctx.lang) if code in ctx.names else ctx.word("country")
