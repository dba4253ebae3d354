"""Block 3: the four key figures of a region, of the country in their place, and the index of the national report."""

from helpers.presentation import formats, wording
from helpers.presentation.formats import NBSP
from helpers.presentation.results.context import Context
from helpers.presentation.results.estimates import Estimate, Headline, Kpi, Region
from helpers.presentation.results.facts import latest_rows, value_text
from helpers.presentation.results.levels import bases_of, levels
from helpers.presentation.results.parts import Counts, RankResult
from helpers.presentation.results.services import Times
from helpers.presentation.results.text import district_place, latest
from helpers.presentation.results.values import observed
from helpers.presentation.wording import ranks as wording_ranks
from helpers.presentation.wording.terms import pick

NATIONAL: dict[str, tuple[str, str]] = {
    "index_mean": ("Средний индекс федеральных органов", "Mean index of federal bodies"),
    "mfc_regions_high": ("Регионов в высокой группе МФЦ", "Regions in the high MFC group"),
    "services_with_curator": ("Федеральных услуг с кураторами", "Federal services with a curator"),
    "life_situations_launched": ("Запущено жизненных ситуаций", "Life situations launched"),
}


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
    row = latest(ctx, region, "stage")
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
    row = latest(ctx, region, "services_optimised", "published")
    if row is None:
        row = latest(ctx, region, "services_checked", "published")
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
    row = latest(ctx, region, "service_time_change", "published")
    if row is None:
        return Kpi("days", label, formats.missing(ctx.lang), ctx.pick("нет данных", "no data"))
    note = ctx.pick("изменение; опубликовано, ", "change; published, ") + formats.period(row["period"], ctx.lang)
    return Kpi("days", label, value_text(row, ctx.lang), note)
