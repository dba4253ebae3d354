"""National result from the contract tables: the country × period × language."""

from dataclasses import replace

import pandas as pd

from helpers.presentation import formats, wording
from helpers.presentation.formats import NBSP
from helpers.presentation.points import main_points
from helpers.presentation.results import NationalResult, Release, services, text
from helpers.presentation.results import blocks as results_blocks
from helpers.presentation.results import context as results_context
from helpers.presentation.results import facts as results_facts
from helpers.presentation.results import kpis as results_kpis
from helpers.presentation.results import places as results_places
from helpers.presentation.results import quality as results_quality
from helpers.presentation.results.context import Context
from helpers.presentation.results.estimates import ChartText, Comparison, ComparisonRow, Estimate, Headline, Kpi
from helpers.presentation.results.groups import groups
from helpers.presentation.results.parts import EffectBlock, FactSection, RankResult
from helpers.presentation.results.situations import situations
from helpers.presentation.results.values import number, observed, score
from helpers.presentation.wording.terms import entity

NOTEBOOK = "06_national_report"
CHANGES = "service_time_change"


def national(tables: dict[str, pd.DataFrame], period: str, lang: str, release: Release) -> NationalResult:
    """Everything that every product needs for the country.

    Parameters
    ----------
    tables : dict of DataFrame
        As for `results_regional.regional`; ``service_panel`` is not needed.
    period, lang, release
        As there.

    Raises
    ------
    ValueError
        If language or period are unknown.
    """
    ctx = results_context.build(tables, period, lang, release)
    first = text.country_headline(ctx)
    result = _assemble(ctx, first)
    return text.written_out(replace(result, main_points=_points(ctx, result)))


def _assemble(ctx: Context, first: Headline) -> NationalResult:
    place, effect = results_blocks.rank(ctx, None), services.effect(ctx, None)
    blocks = {
        "comparison": _districts(ctx) or _federal(ctx),
        "trend": results_blocks.trend(ctx, None),
        "effect": effect,
        "rank": place,
        "tiles": results_places.tile_map(ctx, None),
    }
    line, title = text.masthead(ctx, ctx.word("country"))
    sections = () if ctx.is_synthetic else _sections(ctx)
    return NationalResult(
        collection=ctx.release.collection,
        period=ctx.period,
        period_label=ctx.period_label,
        lang=ctx.lang,
        edition=ctx.release.edition,
        edition_label=ctx.word(ctx.release.edition),
        is_synthetic=ctx.is_synthetic,
        banner=ctx.word("banner") if ctx.is_synthetic else "",
        data_class="rich" if len(ctx.index) or sections else "empty",
        title=title,
        description=first.sentence,
        masthead=line,
        headline=first,
        lead=_lead(ctx, sections),
        kpis=_kpis(ctx, first, place, effect),
        main_points=(),
        next_services=None,
        groups=groups(ctx, None),
        published=sections,
        targets=services.targets(ctx, None),
        counts=None,
        quality=results_quality.quality(ctx, None),
        method=results_quality.method(ctx),
        sources=results_quality.sources(ctx, None, sections),
        colophon=results_quality.colophon(ctx, NOTEBOOK),
        absent=text.absences(ctx, blocks),
        situations=situations(ctx, None),
        **blocks,  # type: ignore[arg-type]
    )


def _districts(ctx: Context) -> Comparison | None:
    """Block 5 of the demonstration collection: districts and the country in the release period."""
    rows = ctx.index[(ctx.index["level"] == "district") & (ctx.index["period"] == ctx.period)]
    if rows.empty:
        return None
    english = {region.district: region.district_en for region in ctx.names.values()}
    found = []
    for row in rows.to_dict("records"):
        name = str(row["entity_name"]) or str(row["entity_id"])
        label = name if ctx.lang == "ru" else english.get(name, name)
        found.append(ComparisonRow(str(row["entity_id"]), label, "district", score(row)))
    country = ctx.country_at(ctx.period)
    if country is not None:
        found.append(ComparisonRow("country", ctx.word("country"), "country", country))
    ordered = results_blocks.sorted_rows(found)
    return Comparison(ordered, _rows_text(ctx, ordered, ctx.period, ("Индекс по округам", "Index by district")))


def _federal(ctx: Context) -> Comparison | None:
    """Block 5 of the real collection: federal bodies as published, with their mean."""
    table = ctx.table("observations")
    rows = table[(table["rating"] == "a_fed_index") & table["indicator"].isin(["index", "index_mean"])]
    if rows.empty:
        return None
    found, period = [], max(rows["period"])
    for row in rows[rows["period"] == period].to_dict("records"):
        estimate = observed(row)
        if estimate is not None:
            kind = "country" if row["indicator"] == "index_mean" else "peer"
            name = entity(str(row["entity_name"]), ctx.lang)
            found.append(ComparisonRow(str(row["entity_id"]), name, kind, estimate))
    ordered = results_blocks.sorted_rows(found)
    return Comparison(
        ordered, _rows_text(ctx, ordered, period, ("Индекс федеральных органов", "Index of federal bodies"))
    )


def _rows_text(ctx: Context, rows: tuple[ComparisonRow, ...], period: str, name: tuple[str, str]) -> ChartText:
    first, last = rows[0], rows[-1]
    what, when = ctx.pick(*name), formats.period(period, ctx.lang)
    high, low = (results_blocks.dot_text(row.label, row.estimate, ctx.lang) for row in (first, last))
    title = _range_title(ctx, what, rows)
    alt = ctx.pick(
        f"Точки с интервалами, {what.lower()}, {when}: {high}; {low}. Всего строк: {len(rows)}.",
        f"Dots with intervals, {what[0].lower()}{what[1:]}, {when}: {high}; {low}. Rows in all: {len(rows)}.",
    )
    return results_blocks.index_chart(ctx, title, period, [row.estimate for row in rows], alt, f"{what}, {when}")


def _range_title(ctx: Context, what: str, rows: tuple[ComparisonRow, ...]) -> str:
    """From the smallest to the largest value, and the mean: intervals overlap, so nobody is called the largest."""
    single = [row.estimate for row in rows if row.kind != "country"] or [rows[0].estimate]
    low, high = (wording.level(item, ctx.lang) for item in (single[-1], single[0]))
    mean = next((wording.level(row.estimate, ctx.lang) for row in rows if row.kind == "country"), "")
    ru, en = f"{what} — от {low} до {high}", f"{what}: {low} to {high}"
    return ctx.pick(ru + (f"; среднее — {mean}" if mean else ""), en + (f"; the mean is {mean}" if mean else ""))


def _sections(ctx: Context) -> tuple[FactSection, ...]:
    """Published figures by instrument, then regions that published changes of their services, as descriptions."""
    table = ctx.table("observations")
    found = list(results_facts.national_sections(table, ctx.lang, ctx.marked, ctx.names))
    for code in sorted(set(table.loc[table["indicator"] == CHANGES, "region_iso"])):
        region = ctx.names[code]
        title = region.name if ctx.lang == "ru" else region.name_en
        rows = table[table["region_iso"] == code]
        sentences = results_facts.described_changes(rows, ctx.lang)
        found.append(
            results_facts.section(f"region_{code.lower()}", title, rows, ctx.lang, ctx.marked, ctx.names, {}, sentences)
        )
    return tuple(found)


def _lead(ctx: Context, sections: tuple[FactSection, ...]) -> tuple[str, ...]:
    sentences = [sentence for item in sections if item.key == "federal_index" for sentence in item.sentences]
    values = ctx.regions_at(ctx.period)
    if len(values) >= results_places.FEWEST_TILES:
        ordered = sorted(values.values(), key=lambda item: item.value or 0)
        low, high = (formats.number(item.value, ctx.lang) for item in (ordered[0], ordered[-1]))
        count = formats.count(len(values), "region", ctx.lang)
        sentences.append(
            ctx.pick(
                f"Значения известны, всего {count}: от {low} до {high}{NBSP}%.",
                f"Values are known for {count}: {low} to {high}%.",
            )
        )
    return tuple(sentences)[: text.MOST_LEAD]


def _kpis(ctx: Context, first: Headline, place: RankResult | None, effect: EffectBlock | None) -> tuple[Kpi, ...]:
    cards = [results_kpis.index_kpi(ctx, first)]
    units = len(ctx.regions_at(ctx.period)) if place is None else place.units_ranked or 0
    cards.append(Kpi("regions", ctx.pick("Регионов с индексом", "Regions with an index"), str(units), ctx.period_label))
    if effect is not None:
        return (*cards, *_effect_kpis(ctx, effect))
    for key, indicator, label in (
        ("services", "services_optimised", ("Оптимизировано федеральных услуг", "Federal services optimised")),
        ("days", "service_time", ("Срок этих услуг", "Time of these services")),
    ):
        cards.append(_fact_kpi(ctx, key, indicator, ctx.pick(*label)))
    return tuple(cards)


def _effect_kpis(ctx: Context, effect: EffectBlock) -> tuple[Kpi, ...]:
    first = effect.results[0]
    n, regions = first.n_services or 0, formats.count(first.n_regions or 0, "region", ctx.lang)
    label = ctx.pick("Оптимизировано услуг в расчёте", "Optimised services in the estimate")
    services_card = Kpi("services", label, formats.number(n, ctx.lang, 0), regions, Estimate(n, unit="service"))
    value = formats.quantity(first.estimate.value, first.estimate.unit, ctx.lang, sign=True)
    note = wording.interval(replace(first.estimate, unit="share"), ctx.lang)
    label = f"{first.label}: " + ctx.pick("против сопоставимых", "against comparable")
    return services_card, Kpi("days", label, value, note, first.estimate)


def _fact_kpi(ctx: Context, key: str, indicator: str, label: str) -> Kpi:
    table = ctx.table("observations")
    rows = table[(table["indicator"] == indicator) & (table["region_iso"] == "") & (table["rating"] == "published")]
    if rows.empty:
        return Kpi(key, label, formats.missing(ctx.lang), ctx.pick("нет данных", "no data"))
    row = results_facts.latest_rows(rows).iloc[-1]
    note = ctx.pick("опубликовано, ", "published, ") + formats.period(row["period"], ctx.lang)
    after, before = number(row["value_after"]), number(row["value_before"])
    if after is not None and before is not None and number(row["value"]) is None:
        return _changed_kpi(ctx, key, label, row, note)
    estimate = observed(row)
    if estimate is not None and not estimate.unit:
        estimate = Estimate(estimate.value, unit="service", period=estimate.period)
    return Kpi(key, label, results_facts.value_text(row, ctx.lang), note, estimate)


def _changed_kpi(ctx: Context, key: str, label: str, row: pd.Series, note: str) -> Kpi:
    """A printed «from … to …»: the later number in large, the earlier one in the note."""
    about = ctx.pick("около ", "about ").replace(" ", NBSP) if row["cmp"] == "~" else ""
    unit, after, before = formats.unit_code(str(row["unit"])), row["value_after"], row["value_before"]
    value = about + formats.quantity(
        after, unit, ctx.lang, formats.decimals_of(after), case="genitive" if about else "nominative"
    )
    return Kpi(
        key, label, value, ctx.pick("было ", "before: ") + about + formats.printed(before, ctx.lang) + "; " + note
    )


def _points(ctx: Context, result: NationalResult) -> tuple[str, ...]:
    """Rules of the regional report, then movers between groups and contradictions found by the audit."""
    found = list(main_points(result))
    if result.groups is not None and result.groups.movers:
        n = len(result.groups.movers)
        count = formats.count(n, "region", ctx.lang)
        verb = "сменил" if formats.noun(n, "region", "ru") == "регион" else "сменили"
        found.append(
            ctx.pick(
                f"Группу МФЦ между соседними кварталами {verb} {count}.",
                f"{count} changed the MFC group between neighbouring quarters.",
            )
        )
    if result.quality.contradictions:
        count = formats.count(len(result.quality.contradictions), "contradiction", ctx.lang)
        found.append(
            ctx.pick(
                f"Проверка опубликованных утверждений нашла {count}.",
                f"The audit of published claims found {count}.",
            )
        )
    return tuple(found)[:6]
