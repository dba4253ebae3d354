"""Blocks 5, 6 and 9 of a result: comparison, trend, rank."""

import itertools

from helpers.presentation import formats, wording
from helpers.presentation.results.context import Context
from helpers.presentation.results.estimates import (
    ChartText,
    Comparison,
    ComparisonRow,
    Estimate,
    Region,
    SeriesBreak,
    Trend,
    TrendPoint,
)
from helpers.presentation.results.parts import LeagueRow, RankResult
from helpers.presentation.results.text import change_of
from helpers.presentation.results.values import (
    INDEX,
    TOTAL,
    difference,
    number,
    start_of,
    time_of,
    whole,
)
from helpers.presentation.wording import ranks as wording_ranks
from helpers.presentation.wording.terms import INDICATORS, INTERVALS, pick, term
from helpers.tables import periods

MOST_PEERS = 20


def dot_text(label: str, estimate: Estimate, lang: str) -> str:
    """«Россия — 55,6 % (54,1–57,1)» for an alternative text."""
    text = f"{label} — {wording.level(estimate, lang)}" if lang == "ru" else f"{label} {wording.level(estimate, lang)}"
    if estimate.has_interval and estimate.interval_kind != "published_bound":
        places = formats.decimals_of(estimate.value) + 1 if estimate.interval_kind == "rounding" else 1
        text += f" ({formats.span(estimate.low, estimate.high, lang, places)})"
    return text


def kinds_of(estimates: list[Estimate], lang: str) -> str:
    """Names of the intervals that occur, for a subtitle."""
    names = [pick(INTERVALS[kind], lang) for kind in INTERVALS if kind in {item.interval_kind for item in estimates}]
    return ", ".join(names)


def index_chart(ctx: Context, title: str, period: str, rows: list[Estimate], alt: str, caption: str) -> ChartText:
    """Words of a chart of the index: quantity, unit, period and kinds of interval in the subtitle."""
    name = term(INDICATORS, "index", ctx.lang)
    subtitle = f"{name}, %, {formats.period(period, ctx.lang)}; {kinds_of(rows, ctx.lang)}"
    return ctx.chart(title, subtitle, alt, caption)


def comparison_period(ctx: Context, region: Region) -> str:
    """The release period if another region of the district or the country has a value in it, else the latest such."""
    wanted = [p for p in ctx.index_periods() if periods.sort_key(p) <= periods.sort_key(ctx.period)]
    for period in reversed(wanted):
        values = ctx.regions_at(period)
        others = [code for code in values if code != region.code and _is_peer(ctx, code, region)]
        if region.code in values and (others or ctx.country_at(period)):
            return period
    return ""


def _is_peer(ctx: Context, code: str, region: Region) -> bool:
    return bool(region.district) and code in ctx.names and ctx.names[code].district == region.district


def comparison(ctx: Context, region: Region) -> Comparison | None:
    """Block 5 for a region."""
    period = comparison_period(ctx, region)
    if not period:
        return None
    values = ctx.regions_at(period)
    own = wording.region_name(region, ctx.lang)
    rows = [ComparisonRow(region.code, own, "region", values[region.code])]
    district, country = ctx.at("district", region.district, period), ctx.country_at(period)
    if district is not None and region.district:
        name = wording.district_name(region, ctx.lang)
        rows.append(ComparisonRow(region.district, name, "district", district))
    if country is not None:
        rows.append(ComparisonRow("country", ctx.word("country"), "country", country))
    peers = [code for code in values if code != region.code and _is_peer(ctx, code, region)][:MOST_PEERS]
    rows += [ComparisonRow(c, wording.region_name(ctx.names[c], ctx.lang), "peer", values[c]) for c in sorted(peers)]
    return Comparison(sorted_rows(rows), _comparison_text(ctx, rows, period, country))


def sorted_rows(rows: list[ComparisonRow]) -> tuple[ComparisonRow, ...]:
    """Largest value first, ties by label."""
    return tuple(sorted(rows, key=lambda row: (-(row.estimate.value or 0), row.label)))


def _comparison_text(ctx: Context, rows: list[ComparisonRow], period: str, country: Estimate | None) -> ChartText:
    title = _comparison_title(ctx, rows, period, country)
    shown = [row for row in rows if row.kind != "peer"] or rows[:1]
    texts = "; ".join(dot_text(row.label, row.estimate, ctx.lang) for row in (*shown, *rows[len(shown) :][:2]))
    when = formats.period(period, ctx.lang)
    alt = ctx.pick(
        f"Точки с интервалами, {when}: {texts}. Всего строк: {len(rows)}.",
        f"Dots with intervals, {when}: {texts}. Rows in all: {len(rows)}.",
    )
    caption = ctx.pick(f"Индекс региона и сравнения, {when}", f"Index of the region and its comparators, {when}")
    return index_chart(ctx, title, period, [row.estimate for row in rows], alt, caption)


def _comparison_title(ctx: Context, rows: list[ComparisonRow], period: str, country: Estimate | None) -> str:
    """The difference from the country as far as it can be told; another period than that of the release is named."""
    own = rows[0]
    gap = difference(own.estimate, country)
    if gap is not None and gap.excludes_zero and period == ctx.period:
        return wording.difference_point(gap, ctx.lang)
    other = next((row for row in rows if row.kind == "country"), rows[1])
    values = ", ".join(_valued(row, ctx.lang) for row in (own, other))
    if period != ctx.period:
        when = formats.period_in_text(period, ctx.lang)
        return ctx.pick(f"За {when}: {values}", f"For {when}: {values}")
    unclear = gap is not None and gap.has_interval and other.kind == "country"
    return values + ctx.pick(": разница в границах точности", ": within the precision") if unclear else values


def _valued(row: ComparisonRow, lang: str) -> str:
    dash = " — " if lang == "ru" else " "
    return f"{row.label}{dash}{wording.level(row.estimate, lang)}"


def trend(ctx: Context, region: Region | None) -> Trend | None:
    """Block 6 for a region, or for the country with ``None``; one period alone is no trend."""
    series = [("country", ctx.word("country"), {p: ctx.country_at(p) for p in ctx.index_periods()})]
    if region is not None:
        name, district = wording.region_name(region, ctx.lang), wording.district_name(region, ctx.lang)
        own = {p: ctx.at("region", region.code, p) for p in ctx.index_periods()}
        series.insert(0, ("region", name, own))
        if district:
            values = {p: ctx.at("district", region.district, p) for p in ctx.index_periods()}
            series.insert(1, ("district", district, values))
    known = [p for p, value in series[0][2].items() if value is not None and _is_by(p, ctx.period)]
    first = same_kind(known, ctx.period)
    if len(first) < 2:
        return None
    breaks = _breaks(ctx, first)
    points = [
        TrendPoint(kind, label, p, formats.period(p, ctx.lang), time_of(p), value, _segment(p, breaks))
        for kind, label, values in series
        for p, value in values.items()
        if value is not None and p in first
    ]
    change = change_of(ctx, "region" if region else "country", region.code if region else "")
    text = _trend_text(ctx, points, breaks, change)
    return Trend(tuple(points), tuple(breaks), text, _beside(ctx, region) if region and change else "")


def _beside(ctx: Context, region: Region) -> str:
    district = wording.district_name(region, ctx.lang)
    areas = [("country", "", ctx.word("country")), ("district", region.district, district)]
    changes = [(name, change_of(ctx, level, code)) for level, code, name in areas if name]
    known = [(name, change) for name, change in changes if change is not None and change.value is not None]
    return wording.changes_beside(known, ctx.lang)


def same_kind(found: list[str], period: str) -> list[str]:
    """Periods of the same length as the release, which a line may join; all of them where there are fewer than two."""
    kind = periods.parse(period).kind
    same = [p for p in found if periods.parse(p).kind == kind]
    return same if len(same) > 1 else found


def _is_by(period: str, limit: str) -> bool:
    return periods.sort_key(period) <= periods.sort_key(limit)


def _breaks(ctx: Context, found: list[str]) -> list[SeriesBreak]:
    breaks = []
    for before, after in itertools.pairwise(found):
        reason = ctx.break_reason(before, after)
        if reason:
            middle = max(start_of(after), (time_of(before) + time_of(after)) / 2)
            breaks.append(SeriesBreak(min(middle, time_of(after) - 0.05), before, after, reason))
    return breaks


def _segment(period: str, breaks: list[SeriesBreak]) -> int:
    return sum(1 for item in breaks if time_of(period) > item.x)


def _trend_text(
    ctx: Context, points: list[TrendPoint], breaks: list[SeriesBreak], change: Estimate | None
) -> ChartText:
    own = [point for point in points if point.series == points[0].series]
    last = own[-1]
    comparable = not any(item.period_after == last.period for item in breaks)
    value = wording.level(last.estimate, ctx.lang)
    if comparable and change is not None and change.excludes_zero:
        title = wording.change_point(change, ctx.lang)
    elif comparable:
        title = ctx.pick(f"Индекс за {last.period_label}: {value}", f"Index for {last.period_label}: {value}")
    else:
        title = ctx.pick(
            f"Индекс за {last.period_label} — {value}; с прежним ряд не сравним",
            f"Index for {last.period_label}: {value}; not comparable with the earlier series",
        )
    texts = "; ".join(f"{p.period_label} {wording.level(p.estimate, ctx.lang)}" for p in own)
    cut = ctx.pick(" Ряд прерван; через разрыв линия не проведена.", " The series is broken; no line crosses a break.")
    alt = ctx.pick(f"Динамика индекса, {own[0].label}: {texts}.", f"Trend of the index, {own[0].label}: {texts}.")
    alt += cut if breaks else ""
    kinds = kinds_of([point.estimate for point in points], ctx.lang)
    subtitle = ctx.pick(
        f"Индекс клиентоцентричности, %; {kinds}",
        f"Client-centricity index, %; {kinds}",
    )
    return ctx.chart(title, subtitle, alt, ctx.pick("Индекс по периодам", "Index by period"))


def rank(ctx: Context, region: Region | None) -> RankResult | None:
    """Block 9: all participants of the release period; None without ranks."""
    table = ctx.table("ranks")
    rows = table[(table["rating"] == INDEX) & (table["period"] == ctx.period) & (table["region_iso"] != "")]
    rows = rows[rows["entity_id"] == rows["region_iso"]]
    rows = rows[rows["indicator"].isin([TOTAL, "index"]) & (rows["units_ranked"] > 0)]  # never a place in a district
    rows = rows.drop_duplicates("region_iso").sort_values(["rank", "entity_id"], kind="stable")
    own = rows[rows["region_iso"] == region.code] if region else rows.head(0)
    if len(rows) < 2 or (region is not None and own.empty):
        return None
    league = tuple(_league_row(ctx, row, region) for row in rows.to_dict("records"))
    kind, low, high, place, units, apart = (
        _place(own.iloc[0].to_dict()) if region else ("none", 0, 0, 0, len(rows), None)
    )
    if not region or place is None:
        text = _league_text(ctx, league, "")
        return RankResult(None, None, None, kind, units, None, False, "", (), league, text)
    sentence_id, sentences = wording_ranks.rank(place, low, high, units, kind, ctx.lang, apart)
    is_first = not wording_ranks.is_wide(low, high, units)
    text = _league_text(ctx, league, sentences[0])
    return RankResult(place, low, high, kind, units, apart, is_first, sentence_id, sentences, league, text)


def _place(row: dict) -> tuple[str, int, int, int | None, int, int | None]:
    low, high = whole(row["rank_ci_low"]), whole(row["rank_ci_high"])
    kind = "sampling_95"
    if low is None or high is None:
        low, high = whole(row["rank_low"]), whole(row["rank_high"])
        kind = str(row["interval_kind"]) if row["interval_kind"] not in ("sampling_95", "none") else "method"
    units = int(row["units_ranked"])
    return kind, low or 1, high or units, whole(row["rank"]), units, whole(row["indistinguishable_count"])


def _league_row(ctx: Context, row: dict, region: Region | None) -> LeagueRow:
    _, low, high, place, _, _ = _place(row)
    code = str(row["region_iso"])
    label = wording.region_name(ctx.names[code], ctx.lang) if code in ctx.names else str(row["entity_name"])
    value = ctx.at("region", code, ctx.period) or Estimate(number(row["value"]), unit="percent", period=ctx.period)
    is_own = region is not None and code == region.code
    return LeagueRow(code, label, value, place, low, high, str(row["tier"]), is_own)


def _league_text(ctx: Context, league: tuple[LeagueRow, ...], sentence: str) -> ChartText:
    first, last = league[0], league[-1]
    title = sentence or ctx.pick(
        f"Индекс участников: от {wording.level(last.estimate, ctx.lang)} до {wording.level(first.estimate, ctx.lang)}",
        f"Index of participants: {wording.level(last.estimate, ctx.lang)} to {wording.level(first.estimate, ctx.lang)}",
    )
    own = next((row for row in league if row.is_own), first)
    texts = "; ".join(dot_text(row.label, row.estimate, ctx.lang) for row in dict.fromkeys((own, first, last)))
    alt = ctx.pick(
        f"Все участники по величине индекса, всего {len(league)}, каждый с интервалом: {texts}.",
        f"All {len(league)} participants by index, each with its interval: {texts}.",
    )
    caption = ctx.pick("Участники: значение, место и границы места", "Participants: value, rank and its bounds")
    return index_chart(ctx, title, ctx.period, [row.estimate for row in league], alt, caption)
