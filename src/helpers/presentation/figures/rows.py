"""Charts made of rows, a dot with its interval in each: comparison, bodies, gaps, effect, short leagues, targets.

A row never shows a dot without the interval the data have; a one-sided published bound is drawn as an arrow to the
edge of the chart. The value is written at the right, so that nobody has to read it off an axis.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from helpers.presentation import formats, style
from helpers.presentation.results import NationalResult, Result
from helpers.presentation.results.estimates import ChartText, Estimate
from helpers.presentation.results.parts import EffectBlock, Target
from helpers.presentation.wording.terms import pick

ROW, CLOSE_ROW = 20.5, 16  # heights of a row of one line, pixels
MANY = 14  # rows above which they stand closer
INTERVAL_NOTES = {
    "sampling_95": ("Отрезок — 95\u00a0% интервал.", "Line: 95% interval."),
    "rounding": ("Отрезок — границы округления опубликованного числа.", "Line: rounding of the published figure."),
    "method": ("Отрезок — другие способы расчёта.", "Line: other ways of calculating."),
    "published_bound": ("Стрелка — опубликована только граница.", "Arrow: only a bound was published."),
}
WORDS = {
    "not_effect": ("«До и после» — не эффект", "Before and after: not the effect"),
    "estimate": ("Оценка", "Estimate"),
    "of_which": ("Из чего складывается:", "What it is made of:"),
    "trend": ("общий тренд", "common trend"),
    "rtm": ("возврат к среднему", "regression to the mean"),
    "rest": ("оценка", "the estimate"),
    "no_value": ("н/д", "n/a"),
    "now": ("сейчас", "now"),
    "target": ("цель", "target"),
    "row_line": ("Пунктир — строка «{}».", "Dashed line: the row “{}”."),
    "own_line": ("Пунктир — значение региона.", "Dashed line: the region."),
    "zero_line": ("Пунктир — нет разницы.", "Dashed line: no difference."),
}


@dataclass(frozen=True)
class Row:
    """One line of a row chart; ``note`` replaces the dot where there is nothing to draw."""

    label: str
    estimate: Estimate | None
    kind: str = "peer"  # region | district | country | peer | hollow | heading
    note: str = ""
    target: float | None = None
    indent: float = 0.0


def word(key: str, lang: str) -> str:
    """One of the few words that a chart adds to the words of the result."""
    return WORDS[key][0 if lang == "ru" else 1]


def interval_note(estimates: Sequence[Estimate | None], lang: str) -> str:
    """Names the kinds of interval that the chart draws, so that no line stays unexplained."""
    kinds = [kind for kind in INTERVAL_NOTES if any(e and e.interval_kind == kind for e in estimates)]
    return " ".join(INTERVAL_NOTES[kind][0 if lang == "ru" else 1] for kind in kinds)


def shown_decimals(estimate: Estimate) -> int:
    """Decimals by unit for what was computed; as printed for published figures, but no longer than the unit's."""
    places = formats.decimals_for(estimate.unit)
    if estimate.interval_kind in ("sampling_95", "method"):
        return places
    printed = formats.decimals_of(estimate.value)
    return printed if estimate.interval_kind in ("rounding", "published_bound") else min(printed, max(places, 1))


def value_text(estimate: Estimate | None, lang: str, sign: bool = False) -> str:
    """Value as the row shows it: one decimal for an estimate, as printed for a published figure, ≥ for a bound."""
    if estimate is None:
        return word("no_value", lang)
    if estimate.value is None:
        bound, mark = (estimate.low, ">") if estimate.low is not None else (estimate.high, "<")
        return f"{mark}\u00a0{formats.printed(bound, lang)}" if bound is not None else word("no_value", lang)
    return formats.number(estimate.value, lang, shown_decimals(estimate), sign)


def comparison(result: Result) -> Figure:
    """Block 5: the region, its district, the country and the district's other regions, largest value first."""
    block = _present(result.comparison)
    rows = [Row(r.label, r.estimate, r.kind) for r in block.rows]
    country = next((r for r in block.rows if r.kind == "country"), None)
    if country is None:
        return draw_rows(rows, block.text, result.lang)
    note = word("row_line", result.lang).format(country.label)
    return draw_rows(rows, block.text, result.lang, country.estimate.value, note)


def agencies(result: Result) -> Figure:
    """Block 11: executive bodies by value; a suppressed mean is said in words, never drawn."""
    if isinstance(result, NationalResult):
        raise ValueError("the national result has no executive bodies of a region")
    block = _present(result.agencies)
    shown = [Row(a.name, a.estimate) for a in block.rows if a.estimate is not None and not a.is_suppressed]
    shown.sort(key=lambda row: (-_anchor(row.estimate), row.label))
    hidden = [Row(a.name, None, note=a.note) for a in block.rows if a.estimate is None or a.is_suppressed]
    own = result.headline.estimate.value if result.headline.estimate else None
    return draw_rows([*shown, *hidden], block.text, result.lang, own, word("own_line", result.lang))


def gaps(result: Result) -> Figure:
    """Differences of processes and bodies to the district, with zero marked."""
    if isinstance(result, NationalResult) or not result.gaps:
        raise ValueError("the result has no gaps to draw")
    rows = [Row(gap.name, gap.difference) for gap in result.gaps]
    lang = result.lang
    title = max(result.gaps, key=lambda gap: abs(gap.difference.value or 0)).sentence
    subtitle = ("Разница с округом, п.\u00a0п.", "Difference to the district, pp")[lang == "en"]
    period = result.period_label
    text = ChartText(title, f"{subtitle}, {period}", "", "", "")
    return draw_rows(rows, text, lang, reference=0.0, sign=True)


def effect(result: Result) -> Figure:
    """Block 7: the estimate, and under a rule the before/after difference with its parts, labelled as no effect."""
    block = _present(result.effect)
    lang = result.lang
    rows = effect_rows(block, lang)
    return draw_rows(rows, block.text, lang, reference=0.0, sign=True, rule_before=_rule(rows))


def effect_rows(block: EffectBlock, lang: str) -> list[Row]:
    """Rows of `effect`: the first result of the block, the region's own estimate, then what is not the effect."""
    first = block.results[0]
    rows = [Row(f"{word('estimate', lang)}: {first.label[:1].lower()}{first.label[1:]}", first.estimate, "region")]
    if block.regional is not None and block.scope == "country":
        label = ("Оценка по региону", "Estimate for the region")[lang == "en"]
        rows.append(Row(label, block.regional, "district"))
    if first.naive is not None:
        rows.append(Row(word("not_effect", lang), first.naive, "hollow"))
        parts = (("trend", first.trend), ("rtm", first.rtm), ("rest", first.estimate))
        if first.trend is not None and first.rtm is not None:
            rows.append(Row(word("of_which", lang), None, "heading"))
            rows += [Row(word(key, lang), part, "peer", indent=14.0) for key, part in parts]
    return rows


def _rule(rows: list[Row]) -> int | None:
    return next((i for i, row in enumerate(rows) if row.kind == "hollow"), None)


def targets(result: Result) -> Figure:
    """Targets: the present value with its interval, the target as a diamond, the line between them still to go."""
    same = [t for t in result.targets if t.current is not None and t.target.value is not None]
    if not same:
        raise ValueError("the result has no target with a present value")
    unit = same[0].target.unit
    same = [t for t in same if t.target.unit == unit]
    lang = result.lang
    rows = [Row(f"{t.label[:1].upper()}{t.label[1:]}", t.current, "region", target=t.target.value) for t in same]
    title = _targets_title(same, lang)
    years = sorted({t.target_year for t in same if t.target_year})
    goal = f"◆ {word('target', lang)}" + (f" {years[0]}" if len(years) == 1 else "")
    subtitle = f"● {word('now', lang)}, {goal}, {formats.unit_name(unit, lang)}"
    return draw_rows(rows, ChartText(title, subtitle, "", "", ""), lang)


def _targets_title(shown: Sequence[Target], lang: str) -> str:
    """How many targets are within reach, behind, or cannot be judged; kinds that do not occur are left out."""
    names = {
        "reachable": ("достижимы при нынешнем темпе", "reachable at the present pace"),
        "behind": ("отстают", "behind"),
        "cannot_tell": ("сказать нельзя", "cannot be told"),
    }
    counts = {key: sum(t.verdict == key for t in shown) for key in names}
    if counts["cannot_tell"] == len(shown):
        return pick(
            ("Достижимы ли цели, данные сказать не позволяют", "Whether targets are in reach, data cannot tell"), lang
        )
    parts = [f"{pick(names[key], lang)} — {n}" for key, n in counts.items() if n]
    return pick(("Цели: ", "Targets: "), lang) + ", ".join(parts)


def draw_rows(
    rows: Sequence[Row],
    text: ChartText,
    lang: str,
    reference: float | None = None,
    reference_note: str = "",
    sign: bool = False,
    rule_before: int | None = None,
) -> Figure:
    """Draw rows top to bottom with labels at the left and values at the right.

    ``reference`` draws a vertical line at that value, named by ``reference_note``; ``rule_before`` a horizontal rule
    above that row.
    """
    values = [value_text(row.estimate, lang, sign) if row.kind != "heading" else "" for row in rows]
    right = max((style.text_width(v, style.TEXT, True) for v in values), default=0.0) + 2 * style.MARGIN
    widest = 0.45 * style.WIDTH
    labels = [style.wrap(row.label, widest - row.indent, style.TEXT, row.kind in BOLD) for row in rows]
    left = style.MARGIN * 2 + max(
        style.text_width(line, style.TEXT, row.kind in BOLD) + row.indent
        for row, lines in zip(rows, labels, strict=True)
        for line in lines
    )
    low, high = _limits(rows, reference)
    ticks, marks = _ticks(low, high, style.WIDTH - left - right, lang)
    left = max(left, style.text_width(marks[0], style.SMALL) / 2 + style.MARGIN)
    lowest = ROW if len(rows) <= MANY else CLOSE_ROW
    heights = [max(lowest, len(lines) * style.STEP + 4) for lines in labels]
    note = interval_note([row.estimate for row in rows], lang)
    note += "" if reference is None else f" {reference_note or word('zero_line', lang)}"
    framed = style.frame(
        text.title, text.subtitle, text.source, sum(heights), left, right, above=4, below=26, notes=(note.strip(),)
    )
    axes = framed.axes
    axes.set_xlim(low, high)
    axes.set_ylim(sum(heights), 0)
    axes.set_xticks(ticks, marks)
    axes.set_yticks([])
    axes.grid(axis="x", color=style.PALE, linewidth=0.7)
    if reference is not None:
        axes.axvline(reference, color=style.INK if reference == 0 else style.ORANGE, linewidth=1.1, dashes=(3, 2))
    _write_rows(framed, rows, labels, values, heights, rule_before)
    return framed.figure


BOLD = ("region",)


def _ticks(low: float, high: float, room: float, lang: str) -> tuple[list[float], list[str]]:
    """As many ticks as have room beside one another, five at most."""
    for most in (5, 4, 3, 2):
        ticks = style.nice_ticks(low, high, most)
        marks = style.tick_texts(ticks, lang)
        widest = max(style.text_width(mark, style.SMALL) for mark in marks) + 10
        if len(ticks) < 2 or (ticks[1] - ticks[0]) / (high - low) * room >= widest:
            break
    return ticks, marks


def _write_rows(framed: style.Frame, rows, labels, values, heights, rule_before) -> None:  # type: ignore[no-untyped-def]
    axes = framed.axes
    box = axes.get_position()
    top, right = (1 - box.y1) * framed.height, box.x1 * framed.width
    y = 0.0
    for i, (row, lines, value, height) in enumerate(zip(rows, labels, values, heights, strict=True)):
        if i == rule_before:
            across = [
                (x - box.x0 * framed.width) / (box.width * framed.width)
                for x in (style.MARGIN, framed.width - style.MARGIN)
            ]
            axes.plot(
                across, [y, y], transform=axes.get_yaxis_transform(), color=style.PALE, linewidth=0.8, clip_on=False
            )
        bold = "bold" if row.kind in BOLD else "normal"
        middle = y + height / 2
        colour = style.MUTED if row.kind in ("heading",) else style.INK
        for k, line in enumerate(lines):
            base = top + middle + style.DROP + (k - (len(lines) - 1) / 2) * style.STEP
            framed.write(style.MARGIN + row.indent, base, line, fontweight=bold, color=colour)
        if row.note:
            framed.write(
                box.x0 * framed.width + 4,
                top + middle + style.DROP,
                row.note,
                color=style.MUTED,
                backgroundcolor="white",
            )
        elif row.estimate is not None:
            _dot(axes, row, middle)
            framed.write(right + style.MARGIN, top + middle + style.DROP, value, fontweight=bold)
        y += height


def _dot(axes, row: Row, y: float) -> None:  # type: ignore[no-untyped-def]
    estimate = row.estimate
    assert estimate is not None
    colour, marker, _ = style.SERIES.get(row.kind, style.SERIES["peer"])
    low, high = axes.get_xlim()
    start = estimate.low if estimate.low is not None else estimate.value
    stop = estimate.high if estimate.high is not None else estimate.value
    wide = 2.6 if row.kind == "region" else 1.6
    if row.target is not None and estimate.value is not None:
        axes.plot([estimate.value, row.target], [y, y], color=style.PALE, linewidth=4, solid_capstyle="butt", zorder=2)
        axes.plot([row.target], [y], marker="D", color=style.BLUE, markersize=6, zorder=4)
    if estimate.value is None:
        tail, head = (estimate.low, high) if estimate.low is not None else (estimate.high, low)
        axes.annotate(
            "", (head, y), (tail, y), arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 1.6, "shrinkA": 0}
        )
        axes.plot([tail], [y], marker="|", color=colour, markersize=10, markeredgewidth=2)
        return
    if estimate.interval_kind != "none" and start is not None and stop is not None and stop > start:
        axes.plot([start, stop], [y, y], color=colour, linewidth=wide, solid_capstyle="butt", zorder=3)
    face = "white" if row.kind == "hollow" else colour
    size = 9 if row.kind == "region" else 7
    axes.plot(
        [estimate.value],
        [y],
        marker=marker,
        color=colour,
        markerfacecolor=face,
        markeredgewidth=1.6 if face == "white" else 0.8,
        markersize=size,
        zorder=5,
    )


def _limits(rows: Sequence[Row], reference: float | None) -> tuple[float, float]:
    """Room for every number with 6 % to spare on both sides."""
    found = [
        x
        for row in rows
        if row.estimate
        for x in (row.estimate.value, row.estimate.low, row.estimate.high)
        if x is not None
    ]
    found += [row.target for row in rows if row.target is not None]
    found += [reference] if reference is not None else []
    low, high = min(found), max(found)
    spare = max((high - low or abs(high)) * 0.06, 0.01)
    return low - spare, high + spare


def _anchor(estimate: Estimate | None) -> float:
    """Number to sort by: the value, or the published bound."""
    if estimate is None:
        return float("-inf")
    known = (estimate.value, estimate.low, estimate.high)
    return next((x for x in known if x is not None), float("-inf"))


def _present(block):  # type: ignore[no-untyped-def]
    if block is None:
        raise ValueError("the result has no data for this block: show its sentence of absence instead")
    return block
