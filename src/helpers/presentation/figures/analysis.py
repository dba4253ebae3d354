"""Charts of the analysis notebooks: event studies of any outcome, and regions by how much each of them can tell.

Drawn from rows of the tables of effects as they are read (per cent, percentage points), in the style of the reports,
each with its intervals and with an alternative text that names a number.
"""

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers.presentation import figures, formats, style
from helpers.presentation.wording.terms import pick

LIGHT = "#a9bdd3"


@dataclass(frozen=True)
class Words:
    """Words of an event study: what is measured, in which unit, from which event, in which steps of time."""

    what: str
    unit: str
    event: str
    step: str
    unit_code: str = "percent_change"


def show_events(rows: pd.DataFrame, words: Words, source: str, lang: str = "en") -> None:
    """Display an event study with its intervals; nothing without rows.

    Parameters
    ----------
    rows : DataFrame
        One outcome: ``event_time, estimate, ci_low, ci_high, simultaneous_low, simultaneous_high, n``.
    words : Words
    source : str
        Source line.
    lang : str
        ``ru`` or ``en``.
    """
    rows = rows.dropna(subset=["estimate"]).sort_values("event_time")
    if rows.empty:
        return
    figures.show(events(rows, words, source, lang), events_alt(rows, words, lang))


def events(rows: pd.DataFrame, words: Words, source: str, lang: str) -> Figure:
    """Estimate at each step from the event: thin bars step by step, thick ones for all steps together."""
    bands = ("тонко — 95 % по отдельности, широко — для всех вместе", "thin: 95% each; wide: 95% for all together")
    subtitle = f"{words.unit}; {pick(bands, lang)}"
    framed = style.frame(_finding(rows, words, lang), subtitle, source, 200, 50, 16, 24, 44, width=style.WIDE)
    framed.figure.set_gid("chart")  # colours of the charts, at the width of the map
    axes = framed.axes
    columns = ["ci_low", "ci_high", "simultaneous_low", "simultaneous_high"]
    _frame_values(axes, rows[columns].to_numpy().ravel().tolist(), lang)
    first, last = int(rows["event_time"].min()), int(rows["event_time"].max())
    axes.set_xlim(first - 0.7, last + 0.7)
    ticks = [float(t) for t in rows["event_time"] if t % (3 if len(rows) > 16 else 1) == 0]
    axes.set_xticks(ticks, style.tick_texts(ticks, lang))
    axes.axvline(-0.5, color=style.MUTED, linewidth=1.2, dashes=(4, 3))
    time = rows["event_time"].to_numpy()
    axes.vlines(time, rows["simultaneous_low"], rows["simultaneous_high"], color=LIGHT, linewidth=6)
    axes.vlines(time, rows["ci_low"], rows["ci_high"], color=style.BLUE, linewidth=1.8)
    for part, face in ((rows[rows["event_time"] < 0], "white"), (rows[rows["event_time"] >= 0], style.BLUE)):
        axes.plot(
            part["event_time"], part["estimate"], linestyle="none", marker="o", color=style.BLUE,
            markerfacecolor=face, markersize=6, markeredgewidth=1.4,
        )  # fmt: skip
    box = axes.get_position()
    left, wide = box.x0 * framed.width, box.width * framed.width
    start = left + (-0.5 - first + 0.7) / (last - first + 1.4) * wide
    framed.write(start, (1 - box.y1) * framed.height - 8, words.event, style.SMALL, color=style.MUTED, ha="center")
    below = (1 - box.y0) * framed.height + 38
    framed.write(left + wide, below, words.step, style.SMALL, color=style.MUTED, ha="right")
    return framed.figure


def events_alt(rows: pd.DataFrame, words: Words, lang: str) -> str:
    """What the chart shows, with its first and last number."""
    first, last = _after(rows)
    n, bounds = formats.number(last["n"], lang, 0), formats.change_span(last["ci_low"], last["ci_high"], lang)
    numbers = [formats.number(row["estimate"], lang) for row in (first, last)]
    ru = (
        f"Точки с интервалами, {words.what}, {words.unit}: {numbers[0]} в первый месяц и {numbers[1]} в последний "
        f"({bounds}, n = {n}); слева от нуля — месяцы до события."
    )
    en = (
        f"Dots with intervals, {words.what}, {words.unit}: {numbers[0]} at the start and {numbers[1]} at the end "
        f"({bounds}, n = {n}); left of zero the time before the event."
    )
    return pick((ru, en), lang)


def _after(rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    after = rows[rows["event_time"] >= 0]
    chosen = after if len(after) else rows
    return chosen.iloc[0], chosen.iloc[-1]


def _finding(rows: pd.DataFrame, words: Words, lang: str) -> str:
    first, last = _after(rows)
    start, end = (formats.quantity(row["estimate"], words.unit_code, lang, 1, sign=True) for row in (first, last))
    return pick(
        (
            f"{words.what}: от {start} в начале до {end} в конце",
            f"{words.what}: {start} at the start, {end} at the end",
        ),
        lang,
    )


def _frame_values(axes: Axes, values: list[float], lang: str) -> None:
    """Limits, ticks, grid and the zero line."""
    known = [value for value in values if pd.notna(value)] + [0.0]
    spare = (max(known) - min(known) or 1.0) * 0.06
    axes.set_ylim(min(known) - spare, max(known) + spare)
    ticks = style.nice_ticks(*axes.get_ylim(), 6)
    axes.set_yticks(ticks, style.tick_texts(ticks, lang))
    axes.grid(axis="y", color=style.PALE, linewidth=0.7)
    axes.axhline(0, color=style.INK, linewidth=1)


def show_regions(rows: pd.DataFrame, country: float, what: str, source: str, lang: str = "en") -> None:
    """Display regional estimates against the number of services behind them; nothing without rows.

    Parameters
    ----------
    rows : DataFrame
        ``region_effects`` of one outcome as read: ``shrunk, raw, ci_low, ci_high, n_services_optimised``.
    country : float
        Estimate for all regions, in the unit of the rows.
    what, source : str
        What is measured with its unit; source line.
    lang : str
        ``ru`` or ``en``.
    """
    rows = rows.dropna(subset=["shrunk", "ci_low", "ci_high"])
    if rows.empty:
        return
    figures.show(regions(rows, country, what, source, lang), regions_alt(rows, country, what, lang))


def regions(rows: pd.DataFrame, country: float, what: str, source: str, lang: str) -> Figure:
    """Each region at the number of its optimised services: pooled estimate with interval, its own number hollow."""
    words = (
        "заполненные — частично усреднённые с 95 % интервалом, пустые — собственные; черта — страна",
        "filled: partially pooled with 95% interval; hollow: the region's own number; line: the country",
    )
    title, subtitle = _apart(rows, country, lang), f"{what}; {pick(words, lang)}"
    framed = style.frame(title, subtitle, source, 230, 50, 16, 8, 44, width=style.WIDE)
    framed.figure.set_gid("chart")  # colours of the charts, at the width of the map
    axes = framed.axes
    _frame_values(axes, rows[["ci_low", "ci_high", "raw"]].to_numpy().ravel().tolist(), lang)
    count = rows["n_services_optimised"].to_numpy(dtype=float)
    # regions with the same number of services stand side by side
    place = count + 0.16 * (rows.groupby("n_services_optimised").cumcount() - 2).to_numpy()
    axes.set_xlim(min(0.0, place.min() - 0.5), place.max() + 0.8)
    ticks = style.nice_ticks(0.0, float(count.max()), 8)
    axes.set_xticks(ticks, style.tick_texts(ticks, lang))
    axes.vlines(place, rows["ci_low"], rows["ci_high"], color=LIGHT, linewidth=1.4)
    axes.plot(place, rows["raw"], linestyle="none", marker="o", color=style.GREY, markerfacecolor="white", markersize=4)
    axes.plot(place, rows["shrunk"], linestyle="none", marker="o", color=style.BLUE, markersize=4.5)
    axes.axhline(country, color=style.ORANGE, linewidth=1.6, dashes=(5, 2.5))
    box = axes.get_position()
    below = (1 - box.y0) * framed.height + 38
    name = pick(("оптимизированных услуг в регионе", "optimised services in the region"), lang)
    framed.write((box.x1) * framed.width, below, name, style.SMALL, color=style.MUTED, ha="right")
    return framed.figure


def regions_alt(rows: pd.DataFrame, country: float, what: str, lang: str) -> str:
    """What the chart shows, with the number of regions and the country's estimate."""
    mean, n = formats.number(country, lang), len(rows)
    low, high = formats.number(rows["shrunk"].min(), lang), formats.number(rows["shrunk"].max(), lang)
    ru = (
        f"Точки с интервалами по числу услуг, {what}, регионов: {n}; частично усреднённые от {low} до {high}, "
        f"по стране {mean}; чем меньше услуг, тем шире интервал."
    )
    en = (
        f"Dots with intervals by number of services, {what}, {n} regions; partially pooled {low} to {high}, "
        f"the country {mean}; the fewer the services, the wider the interval."
    )
    return pick((ru, en), lang)


def _apart(rows: pd.DataFrame, country: float, lang: str) -> str:
    other = int(((rows["ci_low"] > country) | (rows["ci_high"] < country)).sum())
    n = len(rows)
    ru = f"Интервал не накрывает оценку по стране у {other} из {n} регионов"
    return pick((ru, f"{other} of {n} regions have an interval that excludes the country's estimate"), lang)
