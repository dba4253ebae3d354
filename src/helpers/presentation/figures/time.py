"""Charts along time: trend with series breaks, event study."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from helpers.presentation import formats, style
from helpers.presentation.figures.rows import interval_note, value_text
from helpers.presentation.results import Result
from helpers.presentation.results.estimates import TrendPoint

NOT_FROM_ZERO = ("шкала не от нуля", "scale not from zero")
WORDS = {
    "before": ("до оптимизации", "before"),
    "after": ("после, месяцев", "after, months"),
    "start": ("оптимизация", "optimisation"),
    "bands": (
        "Тёмный отрезок — 95\u00a0% интервал для месяца, светлая полоса — для всех месяцев сразу.",
        "Dark line: 95% interval for the month; light band: for all months at once.",
    ),
}
PERIOD_ROOM = 82.0  # pixels for the words of one period
MOST_VALUES = 6  # labels that fit over one series
ROMAN = ("I", "II", "III", "IV")
ORDER = {"region": 0, "district": 1, "country": 2}


def word(key: str, lang: str) -> str:
    """One of the few words that these charts add to the words of the result."""
    return WORDS[key][0 if lang == "ru" else 1]


def trend(result: Result) -> Figure:
    """Block 6: up to three series at evenly spaced periods; no line crosses a break, which is marked in words."""
    if result.trend is None or not any(p.estimate.value is not None for p in result.trend.points):
        raise ValueError("the result has no trend: show its sentence of absence instead")
    lang, text = result.lang, result.trend.text
    times = sorted({p.x for p in result.trend.points if p.estimate.value is not None})
    points = [replace(p, x=float(times.index(p.x))) for p in result.trend.points if p.estimate.value is not None]
    marks = [(sum(x < mark.x for x in times) - 0.5, mark.reason) for mark in result.trend.breaks]
    names = sorted({p.series for p in points}, key=lambda s: ORDER.get(s, 9))
    wrapped = _wrapped_names(points, names)
    right = 24 + max(style.text_width(x, style.SMALL, True) for lines in wrapped.values() for x in lines) + style.MARGIN
    low, high = _limits(points)
    subtitle = text.subtitle if low <= 0 else f"{text.subtitle}; {NOT_FROM_ZERO[lang == 'en']}"
    words, explained = _break_words(marks)
    above = max((len(lines) for _, lines in words), default=0) * style.STEP + (10 if words else 4)
    notes = (interval_note([p.estimate for p in points], lang), explained)
    deep = max(len(short_period(p, lang).split("\n")) for p in points) - 1
    framed = style.frame(
        text.title, subtitle, text.source, 186, 46, right, above=above, below=26 + style.STEP * deep, notes=notes
    )
    axes = framed.axes
    axes.set_xlim(-0.45, len(times) - 0.65)
    axes.set_ylim(low, high)
    ticks = style.nice_ticks(low, high, 5)
    axes.set_yticks(ticks, style.tick_texts(ticks, lang))
    axes.grid(axis="y", color=style.PALE, linewidth=0.7)
    _period_ticks(framed, points, lang)
    _breaks(framed, words)
    for i, series in enumerate(names):
        _series(axes, [p for p in points if p.series == series], series, (i - (len(names) - 1) / 2) * 0.05)
    _own_values(axes, points, names[0], lang, high - low)
    _end_labels(framed, points, names, wrapped)
    return framed.figure


def _wrapped_names(points: Sequence[TrendPoint], names: Sequence[str]) -> dict[str, list[str]]:
    """Names of the series in at most three lines each, as wide as their longest word, up to a third of the chart."""
    labels = {s: next(p.label for p in points if p.series == s) for s in names}
    longest = (style.text_width(w, style.SMALL, s == "region") for s in names for w in labels[s].split(" "))
    room = min(max(*longest, 60.0) + 1, 136.0)
    return {s: style.wrap(labels[s], room, style.SMALL, s == "region", most=3) for s in names}


def _break_words(marks: Sequence[tuple[float, str]]) -> tuple[list[tuple[float, list[str]]], str]:
    """Words over each break; with several breaks, numbers that a note under the chart explains."""
    if len(marks) < 2:
        return [(x, style.wrap(reason, 210, style.SMALL)) for x, reason in marks], ""
    reasons = list(dict.fromkeys(reason for _, reason in marks))
    numbered = [(x, [f"{reasons.index(reason) + 1})"]) for x, reason in marks]
    return numbered, "; ".join(f"{i}) {reason}" for i, reason in enumerate(reasons, 1)) + "."


def short_period(point: TrendPoint, lang: str) -> str:
    """Period as short as an axis needs: ``2024``, «I пол.» over 2024, «III кв.» over 2024; other periods in full."""
    year, _, part = point.period.partition("-")
    kinds = {"H": ("пол.", "H"), "Q": ("кв.", "Q")}
    if not part:
        return year
    if part[0] in kinds and part[1:].isdigit():
        russian, english = kinds[part[0]]
        return f"{ROMAN[int(part[1:]) - 1]}\u00a0{russian}\n{year}" if lang == "ru" else f"{english}{part[1:]}\n{year}"
    return "\n".join(style.wrap(point.period_label.replace("\u00a0", " "), PERIOD_ROOM, style.SMALL))


def _limits(points: Sequence[TrendPoint]) -> tuple[float, float]:
    found = [x for p in points for x in (p.estimate.value, p.estimate.low, p.estimate.high) if x is not None]
    spare = (max(found) - min(found) or abs(max(found)) or 1.0) * 0.12
    low = min(found) - spare
    return (0.0 if min(found) >= 0 > low else low), max(found) + spare


def _period_ticks(framed: style.Frame, points: Sequence[TrendPoint], lang: str) -> None:
    """Periods under their positions, thinned from the last one back until they do not touch."""
    names = dict(sorted((p.x, short_period(p, lang)) for p in points))
    xs = list(names)
    box = framed.axes.get_position()
    span = framed.axes.get_xlim()
    pixel = box.width * framed.width / (span[1] - span[0])
    widths = {x: max(style.text_width(line, style.SMALL) for line in names[x].split("\n")) for x in xs}
    step = 1
    while step < len(xs) and any(
        (b - a) * pixel < (widths[a] + widths[b]) / 2 + 6 for a, b in zip(xs[::step], xs[step::step], strict=False)
    ):
        step += 1
    shown = xs[::-1][::step][::-1]
    framed.axes.set_xticks(shown, [names[x] for x in shown])


def _breaks(framed: style.Frame, words: list[tuple[float, list[str]]]) -> None:
    axes = framed.axes
    box = axes.get_position()
    span = axes.get_xlim()
    top = (1 - box.y1) * framed.height
    for position, lines in words:
        axes.axvline(position, color=style.MUTED, linewidth=1.2, dashes=(4, 3), ymax=1.03, clip_on=False)
        x = (box.x0 + (position - span[0]) / (span[1] - span[0]) * box.width) * framed.width
        half = max(style.text_width(line, style.SMALL) for line in lines) / 2
        x = min(max(x, style.MARGIN + half), framed.width - style.MARGIN - half)
        for k, line in enumerate(lines):
            framed.write(
                x, top - 8 - (len(lines) - 1 - k) * style.STEP, line, style.SMALL, color=style.MUTED, ha="center"
            )


def _series(axes: Axes, points: list[TrendPoint], series: str, shift: float) -> None:
    colour, marker, dash = style.SERIES.get(series, style.SERIES["peer"])
    points = sorted(points, key=lambda p: p.x)
    for _, group in groupby(points, key=lambda p: p.segment):
        run = list(group)
        axes.plot(
            [p.x + shift for p in run],
            [_known(p.estimate.value) for p in run],
            color=colour,
            linestyle=dash,
            linewidth=2.2 if series == "region" else 1.8,
            marker=marker,
            markersize=7 if series == "region" else 6,
            zorder=6 - ORDER.get(series, 3),
        )
    with_interval = [p for p in points if p.estimate.has_interval]
    if with_interval:
        axes.vlines(
            [p.x + shift for p in with_interval],
            [_known(p.estimate.low) for p in with_interval],
            [_known(p.estimate.high) for p in with_interval],
            color=colour,
            linewidth=1.3,
            zorder=3,
        )


def _known(value: float | None) -> float:
    """A number that the caller has checked to be there; a gap for matplotlib otherwise."""
    return float("nan") if value is None else value


def _own_values(axes: Axes, points: Sequence[TrendPoint], series: str, lang: str, span: float) -> None:
    """Values of the first series above their intervals, below them where more of the others is in the way above."""
    own = sorted((p for p in points if p.series == series), key=lambda p: p.x)
    for p in own if len(own) <= MOST_VALUES else own[-1:]:
        value = _known(p.estimate.value)
        others = [_known(q.estimate.value) for q in points if q.x == p.x and q.series != series]
        up = max(_or(p.estimate.high, value), value + span * 0.03)
        down = min(_or(p.estimate.low, value), value - span * 0.03)
        room = span * 0.12  # of the label
        over, under = (
            sum(low <= v <= high for v in others) for low, high in ((value, up + room), (down - room, value))
        )
        above = over <= under
        y = up if above else down
        label = axes.annotate(
            value_text(p.estimate, lang), (p.x, y), xytext=(0, 2.5 if above else -2.5), textcoords="offset points",
            ha="center", va="bottom" if above else "top", fontsize=style.SMALL, fontweight="bold",
            fontfamily=style.FONT, color=style.INK, parse_math=False, zorder=7,
        )  # fmt: skip
        label.set_path_effects([withStroke(linewidth=2.5, foreground="white")])


def _or(end: float | None, value: float) -> float:
    return value if end is None else end


def _end_labels(
    framed: style.Frame, points: Sequence[TrendPoint], names: list[str], wrapped: dict[str, list[str]]
) -> None:
    """Names at the ends of the lines, pushed apart where they would touch, each with its marker."""
    axes = framed.axes
    box = axes.get_position()
    low, high = axes.get_ylim()
    top, tall = (1 - box.y1) * framed.height, box.height * framed.height
    last = {s: max((p for p in points if p.series == s), key=lambda p: p.x) for s in names}
    centre = {s: top + (high - (last[s].estimate.value or 0.0)) / (high - low) * tall for s in names}
    tall_of = {s: len(wrapped[s]) * style.STEP + 3 for s in names}
    order = sorted(names, key=lambda s: centre[s])
    for _ in range(40):
        for a, b in pairwise(order):
            need = (tall_of[a] + tall_of[b]) / 2 - (centre[b] - centre[a])
            if need > 0:
                centre[a] -= need / 2
                centre[b] += need / 2
    x = box.x1 * framed.width
    for s in order:
        colour, marker, _ = style.SERIES.get(s, style.SERIES["peer"])
        y = centre[s]
        axes.plot(
            [1 + 17 / (box.width * framed.width)],
            [(top + tall - y) / tall],
            marker=marker, color=colour, markersize=6, transform=axes.transAxes, clip_on=False,
        )  # fmt: skip
        for k, line in enumerate(wrapped[s]):
            base = y + style.DROP + (k - (len(wrapped[s]) - 1) / 2) * style.STEP
            framed.write(x + 26, base, line, style.SMALL, fontweight="bold" if s == "region" else "normal")


def events(result: Result) -> Figure:
    """Event study: the estimate at each month from the optimisation, with pointwise and simultaneous intervals."""
    if result.effect is None or not result.effect.events:
        raise ValueError("the result has no event study")
    lang, block = result.lang, result.effect
    points = sorted(block.events, key=lambda e: e.event_time)
    unit = formats.unit_name(points[0].estimate.unit, lang)
    name = block.results[0].label
    title = (
        f"{name}: оценка по месяцам от оптимизации" if lang == "ru" else f"{name}: estimate by month from optimisation"
    )
    period = result.period_label
    framed = style.frame(
        title, f"{unit}, {period}", block.text.source, 176, 46, 16, above=24, below=44, notes=(word("bands", lang),)
    )
    axes = framed.axes
    found = [
        x
        for e in points
        for x in (e.estimate.low, e.estimate.high, e.simultaneous_low, e.simultaneous_high, e.estimate.value, 0.0)
        if x is not None
    ]
    spare = (max(found) - min(found) or 1.0) * 0.06
    axes.set_ylim(min(found) - spare, max(found) + spare)
    axes.set_xlim(points[0].event_time - 0.7, points[-1].event_time + 0.7)
    ticks = style.nice_ticks(*axes.get_ylim(), 5)
    axes.set_yticks(ticks, style.tick_texts(ticks, lang))
    months = [float(e.event_time) for e in points if e.event_time % (3 if len(points) > 12 else 1) == 0]
    axes.set_xticks(months, style.tick_texts(months, lang))
    axes.grid(axis="y", color=style.PALE, linewidth=0.7)
    axes.axhline(0, color=style.INK, linewidth=1)
    axes.axvline(-0.5, color=style.MUTED, linewidth=1.2, dashes=(4, 3), ymax=1.03, clip_on=False)
    _event_marks(axes, points)
    _event_words(framed, points[0].event_time, points[-1].event_time, lang)
    return framed.figure


def _event_marks(axes: Axes, points) -> None:  # type: ignore[no-untyped-def]
    wide = [e for e in points if e.simultaneous_low is not None and e.simultaneous_high is not None]
    if wide:
        axes.vlines(
            [e.event_time for e in wide],
            [e.simultaneous_low for e in wide],
            [e.simultaneous_high for e in wide],
            color="#a9bdd3",
            linewidth=6,
        )
    narrow = [e for e in points if e.estimate.has_interval]
    axes.vlines(
        [e.event_time for e in narrow], [e.estimate.low for e in narrow], [e.estimate.high for e in narrow],
        color=style.BLUE, linewidth=1.8,
    )  # fmt: skip
    for before, face in ((True, "white"), (False, style.BLUE)):
        part = [e for e in points if (e.event_time < 0) is before]
        axes.plot(
            [e.event_time for e in part], [e.estimate.value for e in part],
            linestyle="none", marker="o", color=style.BLUE, markerfacecolor=face, markersize=6, markeredgewidth=1.4,
        )  # fmt: skip


def _event_words(framed: style.Frame, first: float, last: float, lang: str) -> None:
    box = framed.axes.get_position()
    left, wide = box.x0 * framed.width, box.width * framed.width
    top, bottom = (1 - box.y1) * framed.height, (1 - box.y0) * framed.height
    start = left + (-0.5 - first + 0.7) / (last - first + 1.4) * wide
    framed.write(start, top - 8, word("start", lang), style.SMALL, color=style.MUTED, ha="center")
    framed.write(left, bottom + 38, word("before", lang), style.SMALL, color=style.MUTED)
    framed.write(left + wide, bottom + 38, word("after", lang), style.SMALL, color=style.MUTED, ha="right")
