"""Alternative texts of charts, made from the numbers that the chart draws.

`alt` prefers the sentence that the result carries for the block; where it is missing or breaks the rules (60–400
characters, a number, not the title), the text is made here from the data.
"""

import re
from collections.abc import Callable

from helpers.presentation import formats
from helpers.presentation.figures.rows import shown_decimals
from helpers.presentation.results import NationalResult, Result
from helpers.presentation.results.estimates import ChartText, Estimate

SHORTEST, LONGEST = 60, 400


def alt(result: Result, block: str) -> str:
    """Alternative text of the chart of a block, with the banner in front if the data are synthetic.

    Raises
    ------
    ValueError
        If the result has no such chart.
    """
    held = getattr(result, block, None)
    text = getattr(held, "text", None)
    words = text.alt if text is not None and is_valid(text, text.alt) else _MAKERS[block](result)
    if result.banner and result.banner not in words:
        words = f"{result.banner}. {words}"
    return clipped(words)


def is_valid(text: ChartText, words: str) -> bool:
    """The rules of an alternative text: length, a number, not the title again."""
    return SHORTEST <= len(words) <= LONGEST and bool(re.search(r"\d", words)) and words != text.title


def clipped(words: str) -> str:
    """At most 400 characters, cut between words and marked by «…»; never inside a number."""
    if len(words) <= LONGEST:
        return words
    return words[: LONGEST - 1].rsplit(" ", 1)[0].rstrip(" ,;:(") + "…"


def spoken(estimate: Estimate | None, lang: str, sign: bool = False) -> str:
    """A value with its interval in words: «61,3 % (от 57,9 до 64,7)»."""
    if estimate is None:
        return formats.missing(lang)
    if estimate.value is None:
        return formats.change_span(estimate.low, estimate.high, lang)
    decimals = shown_decimals(estimate)
    text = formats.quantity(estimate.value, estimate.unit, lang, decimals, sign)
    if not estimate.has_interval:
        return text
    return f"{text} ({formats.change_span(estimate.low, estimate.high, lang, max(decimals, 1))})"


def alt_comparison(result: Result) -> str:
    """Own row, district and country first, then the two ends."""
    block = _held(result.comparison)
    lang, rows = result.lang, block.rows
    named = [r for r in rows if r.kind != "peer"] or list(rows[:1])
    said = "; ".join(f"{r.label} {_DASH} {spoken(r.estimate, lang)}" for r in named[:3])
    if lang == "ru":
        ends = f"Первая строка — {rows[0].label}, последняя — {rows[-1].label}."
        return f"Точки с интервалами, строк: {len(rows)}, по убыванию. {said}. {ends}"
    ends = f"First row: {rows[0].label}; last: {rows[-1].label}."
    return f"Dots with intervals, {len(rows)} rows, largest first. {said}. {ends}"


def alt_trend(result: Result) -> str:
    """Values of the first series by period, and the breaks."""
    block = _held(result.trend)
    lang = result.lang
    points = [p for p in block.points if p.series == block.points[0].series]
    said = ", ".join(f"{p.period_label} {_DASH} {spoken(p.estimate, lang)}" for p in points[-4:])
    series = len({p.series for p in block.points})
    breaks = "; ".join(b.reason for b in block.breaks)
    if lang == "ru":
        tail = f" Ряд прерван: {breaks}." if breaks else ""
        return f"Линии по периодам, рядов: {series}. {points[0].label}: {said}.{tail}"
    tail = f" Series break: {breaks}." if breaks else ""
    return f"Lines by period, {series} series. {points[0].label}: {said}.{tail}"


def alt_effect(result: Result) -> str:
    """The estimate, and the difference that is not an effect."""
    first = _held(result.effect).results[0]
    lang = result.lang
    said, naive = spoken(first.estimate, lang, True), spoken(first.naive, lang, True)
    if lang == "ru":
        tail = f" Ниже разница «до и после» {naive}: это не эффект." if first.naive else ""
        return f"Точки с интервалами. {first.label}: оценка {said}, услуг: {first.n_services or 0}.{tail}"
    tail = f" Below, the before-and-after difference {naive}: not the effect." if first.naive else ""
    return f"Dots with intervals. {first.label}: estimate {said}, services: {first.n_services or 0}.{tail}"


def alt_events(result: Result) -> str:
    """First and last month with their estimates."""
    points = sorted(_held(result.effect).events, key=lambda e: e.event_time)
    if not points:
        raise ValueError("the result has no event study")
    first, last, lang = points[0], points[-1], result.lang
    a, b = formats.number(first.event_time, lang, 0), formats.number(last.event_time, lang, 0)
    if lang == "ru":
        return (
            f"Оценки по месяцам от оптимизации, от {a} до {b}. Месяц {a}: {spoken(first.estimate, lang, True)}; "
            f"месяц {b}: {spoken(last.estimate, lang, True)}."
        )
    return (
        f"Estimates by month from optimisation, {a} to {b}. Month {a}: {spoken(first.estimate, lang, True)}; "
        f"month {b}: {spoken(last.estimate, lang, True)}."
    )


def alt_rank(result: Result) -> str:
    """Number of participants, own value, rank never without its interval."""
    block = _held(result.rank)
    lang, n = result.lang, block.units_ranked or len(block.rows)
    own = next((r for r in block.rows if r.is_own), None)
    known = block.rank is not None and block.rank_low is not None and block.rank_high is not None
    if lang == "ru":
        said = f" {own.label} — {spoken(own.estimate, lang)}." if own else ""
        place = (
            f" Место {block.rank}, интервал места от {block.rank_low} до {block.rank_high}." if own and known else ""
        )
        return f"Точки с интервалами для всех участников, их {n}, в порядке мест.{said}{place}"
    said = f" {own.label}: {spoken(own.estimate, lang)}." if own else ""
    place = f" Rank {block.rank}, interval {block.rank_low} to {block.rank_high}." if own and known else ""
    return f"Dots with intervals for all {n} participants in the order of ranks.{said}{place}"


def alt_tiles(result: Result) -> str:
    """Indicator and period, own value and class, how many are in the top and bottom class."""
    block = _held(result.tiles)
    lang, classes = result.lang, block.classes
    bottom, top = classes[0], classes[-1]
    own = next((t for t in block.tiles if t.is_own), None)
    in_class = classes[own.class_number].label if own and own.class_number is not None else ""
    if lang == "ru":
        said = f" {own.name}: {own.value_text}" + (f", класс {in_class}." if in_class else ".") if own else ""
        ends = f" В верхнем классе ({top.label}) {top.count}, в нижнем ({bottom.label}) {bottom.count}."
        return f"Карта из плиток, участников: {len(block.tiles)}. {block.text.subtitle}.{said}{ends}"
    said = f" {own.name}: {own.value_text}" + (f", class {in_class}." if in_class else ".") if own else ""
    ends = (
        f" Top class ({classes[-1].label}): {classes[-1].count}; bottom class ({classes[0].label}): {classes[0].count}."
    )
    return f"Tile map of {len(block.tiles)} participants. {block.text.subtitle}.{said}{ends}"


def alt_agencies(result: Result) -> str:
    """Number of bodies, the two ends, how many are suppressed."""
    if isinstance(result, NationalResult):
        raise ValueError("the national result has no executive bodies of a region")
    block = _held(result.agencies)
    lang = result.lang
    shown = [a for a in block.rows if a.estimate is not None and not a.is_suppressed and a.estimate.value is not None]
    shown.sort(key=lambda a: -(a.estimate.value or 0.0) if a.estimate else 0.0)
    hidden = len(block.rows) - len(shown)
    named = {
        a.name: a.name if lang == "ru" or not _CYRILLIC.search(a.name) else f"row {i}" for i, a in enumerate(shown, 1)
    }
    ends = "; ".join(f"{named[a.name]} {_DASH} {spoken(a.estimate, lang)}" for a in shown[:1] + shown[1:][-1:])
    if lang == "ru":
        return (
            f"Точки с интервалами, органов власти: {len(shown)}; не показано, потому что мало услуг: {hidden}. {ends}."
        )
    return f"Dots with intervals for {len(shown)} executive bodies; {hidden} not shown, too few services. {ends}."


def alt_gaps(result: Result) -> str:
    """Every difference with its interval, as far as the text has room."""
    items = getattr(result, "gaps", ())
    if not items:
        raise ValueError("the result has no gaps to draw")
    lang = result.lang
    said = "; ".join(f"{g.name}: {spoken(g.difference, lang, True)}" for g in items)
    lead = (
        "Разница с округом, точки с интервалами" if lang == "ru" else "Difference to the district, dots with intervals"
    )
    return f"{lead}. {said}."


def alt_groups(result: Result) -> str:
    """Totals by period with their base."""
    block = _held(result.groups)
    lang = result.lang
    names = ("высокая", "средняя", "низкая") if lang == "ru" else ("high", "medium", "low")
    periods = []
    for total in block.totals:
        parts = [f"{n} {v}" for n, v in zip(names, (total.high, total.medium, total.low), strict=True) if v is not None]
        base = (f" из {total.base}" if lang == "ru" else f" of {total.base}") if total.base else ""
        periods.append(f"{total.period_label}: {', '.join(parts)}{base}")
    lead = "Полосы с числом регионов в группах" if lang == "ru" else "Bars with the number of regions in each group"
    return f"{lead}. {'; '.join(periods)}."


def alt_targets(result: Result) -> str:
    """Each target beside the present value."""
    items = [t for t in result.targets if t.current is not None]
    if not items:
        raise ValueError("the result has no target with a present value")
    lang = result.lang
    now, goal = ("сейчас", "цель") if lang == "ru" else ("now", "target")
    said = "; ".join(f"{t.label}: {now} {spoken(t.current, lang)}, {goal} {spoken(t.target, lang)}" for t in items)
    lead = "Текущие значения и цели на одной шкале" if lang == "ru" else "Present values and targets on one scale"
    return f"{lead}. {said}."


_DASH = "—"
_CYRILLIC = re.compile(r"[А-Яа-яЁё]")  # a name that an English alternative text cannot mark as Russian
_MAKERS: dict[str, Callable[[Result], str]] = {
    "comparison": alt_comparison,
    "trend": alt_trend,
    "effect": alt_effect,
    "events": alt_events,
    "rank": alt_rank,
    "tiles": alt_tiles,
    "agencies": alt_agencies,
    "gaps": alt_gaps,
    "groups": alt_groups,
    "targets": alt_targets,
}


def _held(block):  # type: ignore[no-untyped-def]
    if block is None:
        raise ValueError("the result has no data for this block: show its sentence of absence instead")
    return block
