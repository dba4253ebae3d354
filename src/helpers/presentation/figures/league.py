"""League position: every participant with its interval, and the interval of the region's own place as a band."""

from matplotlib.figure import Figure

from helpers.presentation import formats, style
from helpers.presentation.figures.rows import Row, draw_rows, interval_note, value_text
from helpers.presentation.results import Result
from helpers.presentation.results.parts import LeagueRow, RankResult

FEW = 22  # participants that fit as named rows
WORDS = {
    "band": ("Полоса — место от {low} до {high}.", "Band: rank {low} to {high}."),
    "best": ("1-е место", "rank 1"),
    "worst": ("{n}-е", "{n}"),
    "axis": ("участники по месту", "participants by rank"),
    "kinds": {
        "sampling_95": ("95\u00a0% интервал места", "95% interval of the rank"),
        "method": ("другие способы расчёта", "other ways of calculating"),
        "rounding": ("округление", "rounding"),
    },
}


def rank(result: Result) -> Figure:
    """Block 9: named rows for few participants, otherwise one dot each in the order of places."""
    block = result.rank
    if block is None or not block.rows:
        raise ValueError("the result has no league: show its sentence of absence instead")
    if len(block.rows) <= FEW:
        rows = [Row(r.label, r.estimate, "region" if r.is_own else "peer") for r in block.rows]
        return draw_rows(rows, block.text, result.lang)
    return _many(block, result.lang)


def _drawn(rows: tuple[LeagueRow, ...]) -> list[LeagueRow]:
    known = [r for r in rows if r.estimate.value is not None]
    return sorted(known, key=lambda r: (r.rank if r.rank is not None else 10**6, -(r.estimate.value or 0), r.code))


def _many(block: RankResult, lang: str) -> Figure:
    rows = _drawn(block.rows)
    own = next((i for i, r in enumerate(rows) if r.is_own), None)
    notes = [interval_note([r.estimate for r in rows], lang)]
    if own is not None and block.rank_low is not None and block.rank_high is not None:
        kinds: dict[str, tuple[str, str]] = WORDS["kinds"]  # type: ignore[assignment]
        kind = kinds.get(block.interval_kind, ("", ""))[lang == "en"]
        band = str(WORDS["band"][lang == "en"]).format(low=block.rank_low, high=block.rank_high)  # type: ignore[index]
        notes.append(band.rstrip(".") + (f" ({kind})." if kind else "."))
    framed = style.frame(
        block.text.title, block.text.subtitle, block.text.source, 210, 40, 20, above=16, below=46,
        notes=(" ".join(notes).strip(),),
    )  # fmt: skip
    axes = framed.axes
    found = [x for r in rows for x in (r.estimate.value, r.estimate.low, r.estimate.high) if x is not None]
    spare = (max(found) - min(found) or 1.0) * 0.08
    axes.set_ylim(min(found) - spare, max(found) + spare)
    axes.set_xlim(0, len(rows) + 1)
    ticks = style.nice_ticks(*axes.get_ylim(), 6)
    axes.set_yticks(ticks, style.tick_texts(ticks, lang))
    axes.grid(axis="y", color=style.PALE, linewidth=0.7)
    places = [p for p in (1, 25, 50, 75) if p <= len(rows) - 10] + [len(rows)]
    axes.set_xticks(places, [formats.ordinal(p, lang) for p in places])
    if own is not None and block.rank_low is not None and block.rank_high is not None:
        axes.axvspan(block.rank_low - 0.5, block.rank_high + 0.5, color=style.WASH, linewidth=0, zorder=0)
    for is_own in (False, True):
        part = [(i + 1, r) for i, r in enumerate(rows) if r.is_own is is_own]
        _dots(axes, part, is_own)
    _name(framed, rows, own, lang)
    box = axes.get_position()
    words: tuple[str, str] = WORDS["axis"]  # type: ignore[assignment]
    framed.write(
        (box.x0 + box.width / 2) * framed.width, (1 - box.y0) * framed.height + 40, words[lang == "en"],
        style.SMALL, color=style.MUTED, ha="center",
    )  # fmt: skip
    return framed.figure


def _dots(axes, part: list[tuple[int, LeagueRow]], is_own: bool) -> None:  # type: ignore[no-untyped-def]
    colour = style.INK if is_own else style.GREY
    ends = [(x, r.estimate.low, r.estimate.high) for x, r in part if r.estimate.has_interval]
    if ends:
        xs, lows, highs = zip(*ends, strict=True)
        axes.vlines(xs, lows, highs, color=colour, linewidth=2.4 if is_own else 1.0, zorder=3)
    axes.plot(
        [x for x, _ in part], [r.estimate.value for _, r in part], linestyle="none", marker="o", color=colour,
        markersize=8 if is_own else 3.4, zorder=5,
    )  # fmt: skip


def _name(framed: style.Frame, rows: list[LeagueRow], own: int | None, lang: str) -> None:
    """The own region by name and value, in the corner that the falling row of dots leaves free."""
    if own is None:
        return
    row, axes = rows[own], framed.axes
    box = axes.get_position()
    low, high = axes.get_ylim()
    top, tall = (1 - box.y1) * framed.height, box.height * framed.height
    right_half = own + 1 > len(rows) / 2
    text = f"{row.label}: {value_text(row.estimate, lang)}"
    lines = style.wrap(text, box.width * framed.width * 0.56, style.TEXT, True, most=3)
    x = (box.x0 + (own + 1) / (len(rows) + 1) * box.width) * framed.width
    if right_half:
        start, align = box.x1 * framed.width, "right"
        y = top + 6
    else:
        start, align = x + 14, "left"
        y = top + 6
    for k, line in enumerate(lines):
        framed.write(start, y + 8 + k * 18, line, fontweight="bold", ha=align)
    end = row.estimate.high if row.estimate.high is not None else row.estimate.value
    head = top + (high - (end or 0.0)) / (high - low) * tall
    foot = y + 8 + len(lines) * 18 - 10
    if head > foot:
        axes.plot(
            [own + 1, own + 1], [(top + tall - foot) / tall, (top + tall - head) / tall],
            color=style.INK, linewidth=0.8, transform=axes.get_xaxis_transform(),
        )  # fmt: skip
