"""Tables of blocks 3 to 9 from the result object: key figures, comparison, trend, effect, services, league."""

from helpers.presentation import formats
from helpers.presentation.results import Result
from helpers.presentation.results.estimates import Estimate
from helpers.presentation.results.parts import NextService
from helpers.presentation.tables.parts import (
    Column,
    Table,
    Value,
    change_interval,
    change_text,
    estimate_columns,
    estimate_values,
    interval_text,
    level_text,
    whole_text,
)
from helpers.presentation.wording.terms import INTERVALS, pick

_NAME = Column("name", "name of the region, district, body or country as shown")
_CODE = Column("code", "code of the region (ISO 3166-2), or key of another entity")
SERVICE_COLUMNS = (
    Column("position", "place in the list, 1 = largest expected gain", "", "integer"),
    Column("service_id", "service code"),
    Column("service", "service"),
    Column("agency", "executive body"),
    Column("grade", "grade"),
    Column("days", "median processing time now", "see days_unit", "number"),
    Column("days_unit", "unit of days"),
    Column("documents", "required documents", "documents", "number"),
    Column("applications_year", "applications a year", "applications", "number"),
    *estimate_columns("expected gain a year", "gain_"),
    Column("reason", "main reason"),
)


def words(result: Result, *pairs: tuple[str, str]) -> tuple[str, ...]:
    """Headers in the language of the result."""
    return tuple(pick(pair, result.lang) for pair in pairs)


def kind_of(estimate: Estimate | None, lang: str) -> str:
    """Name of the kind of an interval for a cell."""
    return pick(INTERVALS["none" if estimate is None else estimate.interval_kind], lang)


def kpis(result: Result) -> Table:
    """Key figures."""
    columns = (Column("key", "key of the figure"), Column("label", "what it is"), *estimate_columns("value"))
    columns += (Column("text", "value as shown"), Column("note", "interval or base as shown"))
    rows = tuple((k.key, k.label, *estimate_values(k.estimate), k.value, k.note) for k in result.kpis)
    head = words(result, ("Показатель", "Figure"), ("Значение", "Value"), ("Интервал или база", "Interval or base"))
    cells = tuple((k.label, k.value, k.note) for k in result.kpis)
    return Table("kpis", words(result, ("Показатели", "Key figures"))[0], columns, rows, head, cells)


def comparison(result: Result) -> Table | None:
    """Block 5."""
    block = result.comparison
    if block is None:
        return None
    lang = result.lang
    columns = (_CODE, _NAME, Column("kind", "region, district, country or peer"), *estimate_columns("index"))
    rows = tuple((r.key, r.label, r.kind, *estimate_values(r.estimate)) for r in block.rows)
    head = words(
        result,
        ("Участник", "Participant"),
        ("Индекс, %", "Index, %"),
        ("Интервал, %", "Interval, %"),
        ("Вид интервала", "Kind of interval"),
    )
    cells = tuple(
        (r.label, level_text(r.estimate, lang), interval_text(r.estimate, lang), kind_of(r.estimate, lang))
        for r in block.rows
    )
    own = tuple(i for i, r in enumerate(block.rows) if r.is_own)
    return Table("comparison", block.text.caption, columns, rows, head, cells, (1, 2), own)


def trend(result: Result) -> Table | None:
    """Block 6."""
    block = result.trend
    if block is None:
        return None
    lang = result.lang
    reasons = {item.period_after: item.reason for item in block.breaks}
    columns = (
        Column("series", "region, district or country"),
        _NAME,
        Column("segment", "only points of one segment are comparable", "", "integer"),
        Column("break_before", "why the series is broken before this period"),
        *estimate_columns("index"),
    )
    rows = tuple(
        (p.series, p.label, p.segment, reasons.get(p.period, ""), *estimate_values(p.estimate)) for p in block.points
    )
    head = words(
        result,
        ("Ряд", "Series"),
        ("Период", "Period"),
        ("Индекс, %", "Index, %"),
        ("Интервал, %", "Interval, %"),
        ("Разрыв перед периодом", "Break before the period"),
    )
    cells = tuple(
        (
            p.label,
            p.period_label,
            level_text(p.estimate, lang),
            interval_text(p.estimate, lang),
            reasons.get(p.period, "") or pick(("нет", "no"), lang),
        )
        for p in block.points
    )
    return Table("trend", block.text.caption, columns, rows, head, cells, (2, 3))


EFFECT_COLUMNS = (
    Column("outcome", "outcome"),
    Column("quantity", "estimate, naive, trend or rtm; only estimate is an effect"),
    Column("n_services", "optimised services", "services", "integer"),
    Column("n_regions", "regions", "regions", "integer"),
    *estimate_columns("quantity"),
)
QUANTITIES = {
    "estimate": ("оценка", "estimate"),
    "naive": ("«до и после», не эффект", "before and after, not the effect"),
    "trend": ("в том числе общий тренд", "of it: common trend"),
    "rtm": ("в том числе возврат к среднему", "of it: regression to the mean"),
    "regional": ("оценка для региона", "estimate for the region"),
}


def effect(result: Result) -> Table | None:
    """Block 7: one row an outcome and quantity; the naive difference is marked as not an effect."""
    block = result.effect
    if block is None:
        return None
    lang = result.lang
    known = [
        (r, key, value, r.n_services, r.n_regions)
        for r in block.results
        for key in ("estimate", "naive", "trend", "rtm")
        if (value := getattr(r, key)) is not None
    ]
    if block.regional is not None:
        known.append((block.results[0], "regional", block.regional, block.regional.n, 1))
    rows = tuple((r.outcome, key, n, regions, *estimate_values(value)) for r, key, value, n, regions in known)
    cells = tuple(
        (
            r.label,
            pick(QUANTITIES[key], lang),
            change_text(value, lang),
            change_interval(value, lang),
            whole_text(n, lang),
        )
        for r, key, value, n, _ in known
    )
    head = words(
        result,
        ("Показатель", "Outcome"),
        ("Что это", "What it is"),
        ("Значение", "Value"),
        ("95\u00a0% интервал", "95% interval"),
        ("Услуг", "Services"),
    )
    return Table("effect", block.text.caption, EFFECT_COLUMNS, rows, head, cells, (2, 3, 4))


def events(result: Result) -> Table | None:
    """Estimates by month since optimisation."""
    block = result.effect
    if block is None or not block.events:
        return None
    columns = (
        Column("event_time", "months since optimisation, negative before", "months", "integer"),
        *estimate_columns("estimate"),
        Column("simultaneous_low", "lower end of the band that holds for all months together", "see unit", "number"),
        Column("simultaneous_high", "upper end of that band", "see unit", "number"),
    )
    rows = tuple(
        (e.event_time, *estimate_values(e.estimate), e.simultaneous_low, e.simultaneous_high) for e in block.events
    )
    unit = formats.unit_name(block.events[0].estimate.unit, result.lang)
    head = words(
        result,
        ("Месяцев после оптимизации", "Months since optimisation"),
        (f"Оценка, {unit}", f"Estimate, {unit}"),
        ("95\u00a0% интервал", "95% interval"),
    )
    cells = tuple(
        (
            formats.number(e.event_time, result.lang, 0),
            formats.number(e.estimate.value, result.lang, sign=True),
            change_interval(e.estimate, result.lang),
        )
        for e in block.events
    )
    caption = pick(
        ("Оценка по месяцам до и после оптимизации", "Estimate by month before and after optimisation"), result.lang
    )
    return Table("events", caption, columns, rows, head, cells, (0, 1, 2))


def next_services(result: Result) -> Table | None:
    """Block 8."""
    block = result.next_services
    if block is None:
        return None
    lang = result.lang
    rows = tuple(_service_values(item) for item in block.rows)
    unit = formats.unit_name(block.rows[0].gain.unit, lang)
    days = next((formats.unit_name(s.days.unit, lang) for s in block.rows if s.days), pick(("дней", "days"), lang))
    head = words(
        result,
        ("Услуга", "Service"),
        (f"Выигрыш в год, {unit}", f"Gain a year, {unit}"),
        ("95\u00a0% интервал", "95% interval"),
        ("Орган власти", "Executive body"),
        ("Оценка", "Grade"),
        (f"Срок, {days}", f"Time, {days}"),
        ("Документов", "Documents"),
        ("Заявлений в год", "Applications a year"),
        ("Почему", "Why"),
    )
    cells = tuple(
        (
            s.name,
            formats.number(s.gain.value, lang, gain_places(s.gain)),
            gain_interval(s.gain, lang),
            s.agency,
            s.grade or formats.missing(lang),
            formats.number(s.days.value if s.days else None, lang),
            formats.number(s.documents, lang),
            whole_text(s.applications_year, lang),
            s.reason,
        )
        for s in block.rows
    )
    return Table("next_services", block.text.caption, SERVICE_COLUMNS, rows, head, cells, (1, 2, 5, 6, 7))


def _service_values(item: NextService) -> tuple[Value, ...]:
    days, unit = (None, "") if item.days is None else (item.days.value, item.days.unit)
    known = (item.position, item.service_id, item.name, item.agency, item.grade, days, unit)
    return (*known, item.documents, item.applications_year, *estimate_values(item.gain), item.reason)


def gain_places(gain: Estimate) -> int:
    """Decimals of an expected gain: one below ten, else none."""
    return 1 if abs(gain.value or 0) < 10 else 0


def gain_interval(gain: Estimate, lang: str) -> str:
    """Interval of an expected gain."""
    return (
        formats.change_span(gain.low, gain.high, lang, gain_places(gain))
        if gain.has_interval
        else formats.missing(lang)
    )


def rank(result: Result) -> Table | None:
    """Block 9."""
    block = result.rank
    if block is None:
        return None
    lang = result.lang
    columns = (
        _CODE,
        _NAME,
        *estimate_columns("index"),
        Column("rank", "rank, 1 = largest value", "rank", "integer"),
        Column("rank_low", "first rank of the interval", "rank", "integer"),
        Column("rank_high", "last rank of the interval", "rank", "integer"),
        Column("tier", "group that cannot be told apart"),
    )
    rows = tuple(
        (r.code, r.label, *estimate_values(r.estimate), r.rank, r.rank_low, r.rank_high, r.tier) for r in block.rows
    )
    head = words(
        result,
        ("Участник", "Participant"),
        ("Индекс, %", "Index, %"),
        ("Место", "Rank"),
        ("Границы места", "Bounds of the rank"),
    )
    cells = tuple(
        (r.label, level_text(r.estimate, lang), whole_text(r.rank, lang), rank_bounds(r.rank_low, r.rank_high, lang))
        for r in block.rows
    )
    own = tuple(i for i, r in enumerate(block.rows) if r.is_own)
    return Table("rank", block.text.caption, columns, rows, head, cells, (1, 2, 3), own)


def rank_bounds(low: int | None, high: int | None, lang: str) -> str:
    """``18–47``."""
    return formats.missing(lang) if low is None or high is None else f"{low}–{high}"
