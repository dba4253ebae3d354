"""Charts made of bars, which start at zero: totals of groups by period, published figures of one subject."""

from collections import Counter
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from helpers.presentation import formats, style
from helpers.presentation.figures.rows import interval_note, value_text
from helpers.presentation.results import Result
from helpers.presentation.results.parts import Fact, FactSection, GroupTotals

WORDS = {
    "high": ("высокая", "high"),
    "medium": ("средняя", "medium"),
    "low": ("низкая", "low"),
    "unknown": ("не опубликовано", "not published"),
    "of": ("из", "of"),
}
GROUP_STYLE = {  # fill, text on it, hatch
    "high": (style.BLUE, "#ffffff", ""),
    "medium": ("#b9cbe0", "#000000", ""),
    "low": ("#ffffff", "#000000", "////"),
    "unknown": ("#ffffff", style.MUTED, ""),
}


def word(key: str, lang: str) -> str:
    """One of the few words that these charts add to the words of the result."""
    return WORDS[key][0 if lang == "ru" else 1]


def groups(result: Result) -> Figure:
    """Totals of groups by period as bars from zero; what was not published stays an empty outline with its base."""
    if result.groups is None or not result.groups.totals:
        raise ValueError("the result has no totals of groups")
    lang, block = result.lang, result.groups
    rows = block.totals
    labels = [style.wrap(t.period_label, 130, style.TEXT) for t in rows]
    left = 2 * style.MARGIN + max(style.text_width(x, style.TEXT) for lines in labels for x in lines)
    bases = [t.base or (t.high or 0) + (t.medium or 0) + (t.low or 0) for t in rows]
    right = style.MARGIN + 74
    tall = 42.0
    lines = _key_lines(rows, lang)
    above = 4 + 20.0 * len(lines)
    framed = style.frame(
        block.text.title, block.text.subtitle, block.text.source, len(rows) * tall, left, right, above=above, below=6
    )
    axes = framed.axes
    axes.set_xlim(0, max(bases) * 1.005)
    axes.set_ylim(len(rows), 0)
    axes.set_xticks([])
    axes.set_yticks([])
    box = axes.get_position()
    top = (1 - box.y1) * framed.height
    for i, (total, words, base) in enumerate(zip(rows, labels, bases, strict=True)):
        middle = top + (i + 0.5) * tall
        for k, line in enumerate(words):
            framed.write(style.MARGIN, middle + style.DROP + (k - (len(words) - 1) / 2) * style.STEP, line)
        _stack(axes, i, {"high": total.high, "medium": total.medium, "low": total.low}, base)
        if total.base:
            said = f"{word('of', lang)}\u00a0{formats.number(total.base, lang, 0)}"
            framed.write(box.x1 * framed.width + 8, middle + style.DROP, said, color=style.MUTED)
    for k, names in enumerate(lines):
        _group_key(framed, names, lang, top - 10 - 20 * (len(lines) - 1 - k))
    return framed.figure


def _stack(axes: Axes, row: int, parts: dict[str, int | None], base: int) -> None:
    start = 0
    rest = base - sum(v or 0 for v in parts.values())
    shown: list[tuple[str, int]] = [(name, value) for name, value in parts.items() if value]
    if rest > 0 and any(v is None for v in parts.values()):
        shown.append(("unknown", rest))
    for name, value in shown:
        fill, ink, hatch = GROUP_STYLE[name]
        axes.barh(
            row + 0.5, value, left=start, height=0.66, facecolor=fill, edgecolor=style.BLUE, linewidth=1,
            hatch=hatch, linestyle=":" if name == "unknown" else "-",
        )  # fmt: skip
        text = str(value) if name != "unknown" else "?"
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0} if hatch else None
        axes.text(
            start + value / 2, row + 0.52, text, ha="center", va="center", color=ink, fontsize=style.TEXT,
            fontfamily=style.FONT, bbox=box, parse_math=False,
        )  # fmt: skip
        start += value


def _key_lines(rows: Sequence[GroupTotals], lang: str) -> list[list[str]]:
    """Names of the segments present, in as few lines as fit the width."""
    present = [n for n in ("high", "medium", "low") if any(getattr(t, n) for t in rows)]
    if any(None in (t.high, t.medium, t.low) for t in rows):
        present.append("unknown")
    lines: list[list[str]] = [[]]
    x = style.MARGIN
    for name in present:
        wide = 33 + style.text_width(word(name, lang), style.SMALL)
        if lines[-1] and x + wide > style.WIDTH:
            lines.append([])
            x = style.MARGIN
        lines[-1].append(name)
        x += wide
    return lines


def _group_key(framed: style.Frame, names: Sequence[str], lang: str, y: float) -> None:
    """The names of the segments once, over the first bar, each with a swatch of its fill."""
    x = style.MARGIN
    for name in names:
        fill, _, hatch = GROUP_STYLE[name]
        swatch = framed.figure.add_axes(
            (x / framed.width, 1 - y / framed.height, 12 / framed.width, 11 / framed.height)
        )
        style.plain(swatch)
        swatch.set(xticks=[], yticks=[], xlim=(0, 1), ylim=(0, 1))
        swatch.add_patch(
            Rectangle((0.04, 0.04), 0.92, 0.92, facecolor=fill, edgecolor=style.BLUE, hatch=hatch, linewidth=1,
                      linestyle=":" if name == "unknown" else "-")
        )  # fmt: skip
        text = word(name, lang)
        framed.write(x + 17, y, text, style.SMALL)
        x += 17 + style.text_width(text, style.SMALL) + 16


def facts(result: Result, section_key: str) -> Figure:
    """Published figures of one section that share a unit, as bars from zero with the printed value beside each.

    Raises
    ------
    ValueError
        If the section is absent or has fewer than two figures of one unit.
    """
    section = next((s for s in result.published if s.key == section_key), None)
    drawn = comparable_facts(section) if section else []
    if section is None or len(drawn) < 2:
        raise ValueError(f"section {section_key!r} has no two published figures of one unit")
    lang = result.lang
    title = section.sentences[0] if section.sentences else section.title
    units = [f.estimate for f in drawn if f.estimate]
    subtitle = f"{section.title}, {formats.unit_name(units[0].unit, lang)}"
    labels = [style.wrap(f"{f.label}, {f.period_label}", 0.42 * style.WIDTH, style.TEXT) for f in drawn]
    left = 2 * style.MARGIN + max(style.text_width(x, style.TEXT) for lines in labels for x in lines)
    values = [value_text(f.estimate, lang) for f in drawn]
    right = 2 * style.MARGIN + max(style.text_width(v, style.TEXT) for v in values)
    heights = [max(26.0, len(lines) * style.STEP + 9) for lines in labels]
    framed = style.frame(title, subtitle, "", sum(heights), left, right, notes=(interval_note(units, lang),))
    axes = framed.axes
    axes.set(xlim=(0, max(_length(f) for f in drawn) or 1.0), ylim=(sum(heights), 0), xticks=[], yticks=[])
    axes.axvline(0, color=style.INK, linewidth=1)
    box = axes.get_position()
    top, y = (1 - box.y1) * framed.height, 0.0
    for fact, lines, value, height in zip(drawn, labels, values, heights, strict=True):
        middle = y + height / 2
        axes.barh(middle, _length(fact), height=15, color=style.BLUE)
        for k, line in enumerate(lines):
            framed.write(style.MARGIN, top + middle + style.DROP + (k - (len(lines) - 1) / 2) * style.STEP, line)
        end = box.x0 + box.width * _length(fact) / axes.get_xlim()[1]
        framed.write(end * framed.width + 7, top + middle + style.DROP, value)
        y += height
    return framed.figure


def comparable_facts(section: FactSection) -> list[Fact]:
    """Figures of the unit that most figures of the section share, not negative, in the order of the section."""
    numeric = [f for f in section.facts if f.estimate is not None and _length(f) >= 0]
    if not numeric:
        return []
    unit = Counter(f.estimate.unit for f in numeric if f.estimate).most_common(1)[0][0]
    return [f for f in numeric if f.estimate is not None and f.estimate.unit == unit]


def _length(fact: Fact) -> float:
    estimate = fact.estimate
    known = (estimate.value, estimate.low, estimate.high) if estimate else ()
    return next((x for x in known if x is not None), -1.0)
