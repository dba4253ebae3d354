"""Headline, lead, key figures and the sentences that stand for blocks without data."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

import pandas as pd

from helpers.presentation import formats, wording
from helpers.presentation.results import NationalResult, RegionalResult
from helpers.presentation.results.about import Absence
from helpers.presentation.results.context import Context
from helpers.presentation.results.estimates import Estimate, Headline, Region
from helpers.presentation.results.facts import described_changes
from helpers.presentation.results.levels import levels, movers
from helpers.presentation.results.values import difference, score_change, whole
from helpers.presentation.wording import ranks as wording_ranks
from helpers.presentation.wording.terms import pick
from helpers.tables import periods

MOST_LEAD = 3
Report = TypeVar("Report", RegionalResult, NationalResult)
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
    row = latest(ctx, region, "stage")
    return "" if row is None else wording.stage_word(str(row["category"]), ctx.lang)


def latest(ctx: Context, region: Region, indicator: str, rating: str = "b_region_index") -> pd.Series | None:
    """Latest published figure of the region for one indicator, None if there is none."""
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
        found += _comparisons(ctx, region, own, smallest)
    found += _known(ctx, region)
    return tuple(sentence for sentence in found if sentence)[:MOST_LEAD]


def _comparisons(ctx: Context, region: Region, own: Estimate, smallest: float) -> list[str]:
    """Against the district and the country; one sentence for both where neither can be told."""
    district = ctx.at("district", region.district, ctx.period) if region.district else None
    gap, country, country_gap = difference(own, district), ctx.country_at(ctx.period), country_difference(ctx, region)
    if district is not None and gap is not None and country is not None and country_gap is not None:
        both = wording.compared_with_both(district, gap, country, country_gap, ctx.lang, smallest)
        if both:
            return [both]
    name = region.district_genitive if ctx.lang == "ru" else region.district_en
    found = []
    if district is not None and gap is not None:
        found.append(wording.compared(district, gap, ctx.lang, smallest, "district", name)[1])
    if country is not None and country_gap is not None:
        found.append(wording.compared(country, country_gap, ctx.lang, smallest)[1])
    return found


def _known(ctx: Context, region: Region) -> list[str]:
    """Sentences on an earlier index, the published stage, the place in the district, the MFC group, stated changes."""
    found = []
    earlier = earlier_period(ctx, region.code)
    value = ctx.at("region", region.code, earlier) if earlier else None
    if value is not None and ctx.at("region", region.code, ctx.period) is None:
        found.append(wording.last_value(value, ctx.lang))
    row = latest(ctx, region, "stage")
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
    printed = latest(ctx, region, "rank_in_district")
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
