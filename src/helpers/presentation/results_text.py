"""Headline, lead, key figures and the sentences that stand for blocks without data."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

import pandas as pd

from helpers.presentation import formats, wording, wording_ranks
from helpers.presentation.formats import NBSP
from helpers.presentation.results import NationalResult, RegionalResult
from helpers.presentation.results_about import Absence
from helpers.presentation.results_context import Context
from helpers.presentation.results_estimates import Estimate, Headline, Kpi, Region
from helpers.presentation.results_facts import described_changes, latest_rows, value_text
from helpers.presentation.results_levels import bases_of, levels, movers
from helpers.presentation.results_parts import Counts, RankResult
from helpers.presentation.results_services import Times
from helpers.presentation.results_values import difference, observed, score_change, whole
from helpers.presentation.wording_terms import pick
from helpers.tables import periods

MOST_LEAD = 3
Report = TypeVar("Report", RegionalResult, NationalResult)
NATIONAL: dict[str, tuple[str, str]] = {
    "index_mean": ("Средний индекс федеральных органов", "Mean index of federal bodies"),
    "mfc_regions_high": ("Регионов в высокой группе МФЦ", "Regions in the high MFC group"),
    "services_with_curator": ("Федеральных услуг с кураторами", "Federal services with a curator"),
    "life_situations_launched": ("Запущено жизненных ситуаций", "Life situations launched"),
}
ABSENT: dict[str, tuple[str, str]] = {
    "comparison": (
        "Сравнение не показано: индекс других регионов округа за этот период не опубликован.",
        "No comparison: the index of other regions of the district was not published for this period.",
    ),
    "trend": (
        "Динамика не показана: индекс известен меньше чем за два периода.",
        "No trend: the index is known for fewer than two periods.",
    ),
    "effect": (
        "Оценка оптимизации не показана: помесячных данных об услугах нет.",
        "No estimate of optimisation: there are no monthly data on services.",
    ),
    "next_services": (
        "Список услуг не показан: данных об отдельных услугах нет.",
        "No list of services: there are no data on single services.",
    ),
    "rank": (
        "Место не показано: значения всех участников не опубликованы.",
        "No rank: the values of all participants were not published.",
    ),
    "tiles": (
        "Карта не показана: индекс опубликован у слишком малого числа регионов.",
        "No map: the index was published for too few regions.",
    ),
    "agencies": (
        "Органы власти не показаны: данных по ним нет.",
        "Executive bodies are not shown: there are no data on them.",
    ),
}

REFUSALS: dict[str, tuple[str, str]] = {  # how the study begins to say why it gives no estimate
    "no treated service-month": (
        "к концу периода ещё ни одна услуга не оптимизирована",
        "no service was optimised by the end of the period",
    ),
    "every service is treated": (
        "все услуги оптимизированы с первого месяца данных",
        "all services are optimised from the first month of the data",
    ),
    "a single region": (
        "помесячные данные есть только об одном регионе",
        "there are monthly data on a single region only",
    ),
    "no controls": (
        "все услуги оптимизированы в одно время, и сравнить их не с чем",
        "all services were optimised at one time, with nothing to compare them with",
    ),
}


def headline(ctx: Context, region: Region) -> tuple[Headline, str]:
    """Block 1 and a sentence for the lead that did not fit, if any."""
    own = ctx.at("region", region.code, ctx.period)
    of = wording.region_of(region, ctx.lang)
    if own is None or own.value is None:
        table = ctx.table("observations")
        is_partial = bool((table["region_iso"] == region.code).any())
        sentence = wording.no_data(of, ctx.period, ctx.lang, is_partial)
        return Headline("H4", sentence, None, stage=stage(ctx, region)), ""
    change = change_of(ctx, "region", region.code)
    previous = earlier_period(ctx, region.code)
    reason = ctx.break_reason(previous, ctx.period) if previous else ""
    words = formats.period_in_text(previous, ctx.lang) if previous else ""
    found = wording.index_sentence(of, own, ctx.lang, change, words, reason)
    change_from = previous if change is None else periods.year_earlier(ctx.period)
    return Headline(found[0], found[1], own, change, change_from, stage(ctx, region)), found[2]


def country_headline(ctx: Context) -> Headline:
    """Block 1 of the national report."""
    mean = ctx.country_at(ctx.period)
    if mean is not None and mean.value is not None:
        change = change_of(ctx, "country", "")
        return Headline("H1", wording.country_headline(mean, ctx.lang), mean, change, periods.year_earlier(ctx.period))
    known, total = len(ctx.regions_at(ctx.period)), len(ctx.names)
    period = formats.period_in_text(ctx.period, ctx.lang)
    if not known:
        ru, en = f"Индекс регионов за {period} не опубликован.", f"No regional index was published for {period}."
    else:
        count = formats.count(known, "region", "ru", case="genitive")
        ru = f"За {period} индекс известен для {count} из {total}: полная таблица не опубликована."
        en = f"For {period} the index is known for {known} of {total} regions: no full table was published."
    return Headline("H4", pick((ru, en), ctx.lang), None)


def change_of(ctx: Context, level: str, entity_id: str) -> Estimate | None:
    """Comparable yearly change of one entity in the release period."""
    rows = ctx.index[(ctx.index["level"] == level) & (ctx.index["period"] == ctx.period)]
    if entity_id:
        rows = rows[rows["entity_id"] == entity_id]
    return None if rows.empty else score_change(rows.iloc[0].to_dict())


def earlier_period(ctx: Context, code: str) -> str:
    """The latest earlier period with a value of the region; empty if none."""
    rows = ctx.index[(ctx.index["level"] == "region") & (ctx.index["entity_id"] == code)]
    before = [p for p in rows["period"] if periods.sort_key(p) < periods.sort_key(ctx.period)]
    return max(before, key=periods.sort_key) if before else ""


def stage(ctx: Context, region: Region) -> str:
    """Published maturity stage of the region in words; empty if none."""
    row = _latest(ctx, region, "stage")
    return "" if row is None else wording.stage_word(str(row["category"]), ctx.lang)


def _latest(ctx: Context, region: Region, indicator: str, rating: str = "b_region_index") -> pd.Series | None:
    table = ctx.table("observations")
    rows = table[
        (table["region_iso"] == region.code)
        & (table["entity_type"] == "region")
        & (table["indicator"] == indicator)
        & (table["rating"] == rating)
    ]
    if rows.empty:
        return None
    return max((row for _, row in rows.iterrows()), key=lambda row: periods.sort_key(row["period"]))


def country_difference(ctx: Context, region: Region) -> Estimate | None:
    """Region minus country in the release period."""
    return difference(ctx.at("region", region.code, ctx.period), ctx.country_at(ctx.period))


def lead(ctx: Context, region: Region, spill: str) -> tuple[str, ...]:
    """At most three sentences: what did not fit above, the district, the country, then stage, rank and group."""
    found = [spill] if spill else []
    own, smallest = ctx.at("region", region.code, ctx.period), ctx.release.smallest_difference_pp
    if own is not None:
        district = ctx.at("district", region.district, ctx.period) if region.district else None
        gap = difference(own, district)
        name = region.district_genitive if ctx.lang == "ru" else region.district_en
        if gap is not None and district is not None:
            found.append(wording.compared(district, gap, ctx.lang, smallest, "district", name)[1])
        country, gap = ctx.country_at(ctx.period), country_difference(ctx, region)
        if gap is not None and country is not None:
            found.append(wording.compared(country, gap, ctx.lang, smallest)[1])
    found += _known(ctx, region)
    return tuple(sentence for sentence in found if sentence)[:MOST_LEAD]


def _known(ctx: Context, region: Region) -> list[str]:
    """Sentences on an earlier index, the published stage, the place in the district, the MFC group, stated changes."""
    found = []
    earlier = earlier_period(ctx, region.code)
    value = ctx.at("region", region.code, earlier) if earlier else None
    if value is not None and ctx.at("region", region.code, ctx.period) is None:
        found.append(wording.last_value(value, ctx.lang))
    row = _latest(ctx, region, "stage")
    if row is not None:
        found.append(wording.standing("stage", row["period"], row["category"], ctx.lang))
    place = district_place(ctx, region)
    if place is not None:
        rank, period, units, low, high = place
        found.append(wording_ranks.district_rank(rank, period, ctx.lang, units, low, high))
    table = levels(ctx.table("groups"), ctx.table("observations"))
    own = table[table["region_iso"] == region.code]
    if not own.empty:
        last = own.iloc[-1]
        found.append(wording.standing("group", last["period"], last["group"], ctx.lang))
    if not ctx.is_synthetic:
        table = ctx.table("observations")
        found += described_changes(table[table["region_iso"] == region.code], ctx.lang)
    return found


def district_place(ctx: Context, region: Region) -> tuple[int, str, int, int | None, int | None] | None:
    """Printed place in the district: rank, period, regions of the district, first and last place by rounding."""
    table = ctx.table("ranks")
    rows = table[(table["entity_id"] == region.code) & (table["indicator"] == "rank_in_district")]
    rows = rows.dropna(subset=["rank"])
    if not rows.empty:
        row = max(rows.to_dict("records"), key=lambda item: periods.sort_key(item["period"]))
        return (
            round(row["rank"]),
            row["period"],
            int(row["units_ranked"]),
            whole(row["rank_low"]),
            whole(row["rank_high"]),
        )
    printed = _latest(ctx, region, "rank_in_district")
    return None if printed is None else (round(printed["value"]), printed["period"], 0, None, None)


def movement(ctx: Context, region: Region) -> str:
    """Sentence on a changed MFC group between the two latest neighbouring periods, else empty."""
    table = levels(ctx.table("groups"), ctx.table("observations"))
    own = table[table["region_iso"] == region.code]
    if own.empty:
        return ""
    last = own.iloc[-1]["period"]
    moves = [mover for mover in movers(own, ctx.lang, ctx.names) if mover.period_to == last]
    return moves[0].sentence if moves else ""


def kpis(
    ctx: Context,
    region: Region,
    first: Headline,
    place: RankResult | None,
    counts: Counts | None,
    times: Times | None,
) -> tuple[Kpi, ...]:
    """Block 3: always four; a region for which none is known shows four of the country, named so."""
    own = (
        index_kpi(ctx, first),
        _rank_kpi(ctx, region, place),
        _services_kpi(ctx, region, counts),
        _days_kpi(ctx, region, times),
    )
    is_empty = all(card.value == formats.missing(ctx.lang) for card in own)
    return (national_kpis(ctx) or own) if is_empty else own


def index_kpi(ctx: Context, first: Headline) -> Kpi:
    """The index with its interval."""
    label = ctx.pick("Индекс", "Index")
    if first.estimate is None:
        return Kpi("index", label, formats.missing(ctx.lang), ctx.pick("не опубликован", "not published"))
    note = wording.interval(first.estimate, ctx.lang)
    return Kpi("index", label, wording.level(first.estimate, ctx.lang), note, first.estimate)


def _rank_kpi(ctx: Context, region: Region, place: RankResult | None) -> Kpi:
    label = ctx.pick("Место", "Rank")
    if place is not None and not place.is_shown_first:
        value = ctx.pick("не определено", "not determined")
        note = ctx.pick("границы шире половины участников", "bounds wider than half of the participants")
        return Kpi("rank", ctx.pick("Место в стране", "National rank"), value, note)
    if place is not None and place.rank is not None and place.rank_low is not None and place.rank_high is not None:
        if place.interval_kind == "sampling_95":
            kind = ctx.pick(f"95{NBSP}% интервал", "95% interval")
            span = f"{kind} {place.rank_low}–{place.rank_high}"
        else:
            span = ctx.pick("границы", "bounds") + f" {place.rank_low}–{place.rank_high}"
        note = ctx.pick(f"из {place.units_ranked}; {span}", f"of {place.units_ranked}; {span}")
        low, high = float(place.rank_low), float(place.rank_high)
        estimate = Estimate(float(place.rank), low, high, "rank", place.interval_kind, place.units_ranked, ctx.period)
        return Kpi(
            "rank", ctx.pick("Место в стране", "National rank"), formats.ordinal(place.rank, ctx.lang), note, estimate
        )
    known = _district_kpi(ctx, region)
    if known is not None:
        return known
    table = levels(ctx.table("groups"), ctx.table("observations"))
    own = table[table["region_iso"] == region.code]
    if not own.empty:
        last = own.iloc[-1]
        group, when = wording.group_word(last["group"], ctx.lang), formats.period(last["period"], ctx.lang)
        return Kpi("group", ctx.pick("Группа МФЦ", "MFC group"), group, when)
    row = _latest(ctx, region, "stage")
    if row is not None:
        when = formats.period(row["period"], ctx.lang)
        return Kpi(
            "stage", ctx.pick("Этап зрелости", "Maturity stage"), wording.stage_word(row["category"], ctx.lang), when
        )
    return Kpi("rank", label, formats.missing(ctx.lang), ctx.pick("нет данных", "no data"))


def _district_kpi(ctx: Context, region: Region) -> Kpi | None:
    printed = district_place(ctx, region)
    if printed is None:
        return None
    rank, period, units, first, last = printed
    if not units or first is None or last is None:
        return None
    note = ctx.pick(f"из {units}, ", f"of {units}, ") + formats.period(period, ctx.lang)
    note += "; " + wording_ranks.rounding_bounds(first, last, ctx.lang)
    estimate = Estimate(float(rank), float(first), float(last), "rank", "rounding", units, period)
    label = ctx.pick("Место в округе", "Rank in the district")
    return Kpi("rank", label, formats.ordinal(rank, ctx.lang), note, estimate)


def national_kpis(ctx: Context) -> tuple[Kpi, ...]:
    """Four published figures of the country; empty if they are not all there."""
    table = ctx.table("observations")
    rows = latest_rows(table[(table["region_iso"] == "") & table["indicator"].isin(NATIONAL)])
    found = {row["indicator"]: row for _, row in rows.iterrows()}
    if set(NATIONAL) - set(found):
        return ()
    country, bases = ctx.word("country"), bases_of(table)
    return tuple(
        Kpi(
            f"country_{code}",
            f"{country}: {label[0].lower()}{label[1:]}",
            value_text(found[code], ctx.lang),
            _of_base(ctx, code, found[code]["period"], bases),
            observed(found[code].to_dict()),
        )
        for code, label in ((code, pick(NATIONAL[code], ctx.lang)) for code in NATIONAL)
    )


def _of_base(ctx: Context, code: str, period: str, bases: dict[str, int]) -> str:
    """Period of a national figure, after the number of participants where it is a count of them."""
    when = formats.period(period, ctx.lang)
    if code != "mfc_regions_high" or period not in bases:
        return when
    return f"{ctx.pick('из', 'of')} {bases[period]}; {when}"


def _services_kpi(ctx: Context, region: Region, counts: Counts | None) -> Kpi:
    label = ctx.pick("Оптимизировано услуг", "Services optimised")
    if counts is not None:
        note = ctx.pick(f"из {counts.n}", f"of {counts.n}")
        value = formats.number(counts.optimised, ctx.lang, 0)
        return Kpi(
            "services", label, value, note, Estimate(counts.optimised, unit="service", n=counts.n, period=ctx.period)
        )
    row = _latest(ctx, region, "services_optimised", "published")
    if row is None:
        row = _latest(ctx, region, "services_checked", "published")
        label = label if row is None else ctx.pick("Проверено услуг", "Services checked")
    if row is None:
        return Kpi("services", label, formats.missing(ctx.lang), ctx.pick("нет данных", "no data"))
    note = ctx.pick("опубликовано, ", "published, ") + formats.period(row["period"], ctx.lang)
    estimate = Estimate(float(row["value"]), unit="service", period=row["period"])
    return Kpi("services", label, value_text(row, ctx.lang), note, estimate)


def _days_kpi(ctx: Context, region: Region, times: Times | None) -> Kpi:
    label = ctx.pick("Срок оптимизированных услуг", "Time of optimised services")
    if times is not None:
        value = formats.number(times.now, ctx.lang)
        label = f"{label}, {formats.unit_name(times.unit, ctx.lang)}"
        before = formats.number(times.before, ctx.lang)
        count = formats.count(times.n, "service", ctx.lang)
        note = ctx.pick(
            f"медиана; до оптимизации {before}, без поправок; {count}", f"median; {before} before, unadjusted; {count}"
        )
        return Kpi("days", label, value, note, Estimate(times.now, unit=times.unit, n=times.n, period=ctx.period))
    row = _latest(ctx, region, "service_time_change", "published")
    if row is None:
        return Kpi("days", label, formats.missing(ctx.lang), ctx.pick("нет данных", "no data"))
    note = ctx.pick("изменение; опубликовано, ", "change; published, ") + formats.period(row["period"], ctx.lang)
    return Kpi("days", label, value_text(row, ctx.lang), note)


def written_out(result: Report) -> Report:
    """The result with the abbreviation written out at its first use in lead and main points."""
    texts = wording.expanded((*result.lead, *result.main_points), result.lang)
    cut = len(result.lead)
    return replace(result, lead=texts[:cut], main_points=texts[cut:])


def _no_effect(ctx: Context) -> tuple[str, str]:
    """Why there is no estimate of optimisation: what the study says, else whether there are monthly data at all."""
    readings = [str(text).removeprefix("Not estimated: ") for text in ctx.table("diagnostics")["reading"]]
    known = next((words for start, words in REFUSALS.items() if any(text.startswith(start) for text in readings)), None)
    if known is None and not readings and ctx.table("service_panel").empty:
        return ABSENT["effect"]
    ru, en = known or (
        "оптимизированные услуги не с чем сравнить",
        "there is nothing to compare optimised services with",
    )
    return f"Оценка оптимизации не показана: {ru}.", f"No estimate of optimisation: {en}."


def absences(ctx: Context, blocks: Mapping[str, object]) -> tuple[Absence, ...]:
    """One sentence for each block without data."""
    reasons = {**ABSENT, "effect": _no_effect(ctx)}
    return tuple(Absence(name, pick(reasons[name], ctx.lang)) for name, block in blocks.items() if block is None)


def masthead(ctx: Context, name: str) -> tuple[str, str]:
    """Masthead line and page title, both with the edition; synthetic data say so in the title."""
    edition = ctx.word(ctx.release.edition)
    line = f"{ctx.word('project')} · {name} · {ctx.period_label} · {edition}"
    title = f"{ctx.word('project')}: {name}, {ctx.period_label}, {edition}"
    return line, f"{ctx.word('banner')} · {title}" if ctx.is_synthetic else title
