"""Moves between MFC groups: shares with intervals where every region is known, bounds where only totals are printed."""

import pandas as pd

from helpers.presentation import formats, wording
from helpers.presentation.formats import NBSP
from helpers.presentation.results.context import Context
from helpers.presentation.results.estimates import Estimate
from helpers.presentation.results.parts import GroupTotals, Move
from helpers.presentation.results.values import number
from helpers.presentation.wording.terms import GROUPS
from helpers.tables import periods

FEW = 5  # regions of a group below which no share is shown
SELECTED = "none"  # kind of the interval of named regions, which are a selection


def moves(ctx: Context) -> tuple[Move, ...]:
    """Moves of the latest pair of periods for which the group of every region is known; none without such a pair."""
    table = ctx.table("transitions")
    rows = table[(table["rating"] == "c_mfc") & (table["interval_kind"] != SELECTED) & table["count"].notna()]
    if rows.empty:
        return ()
    last = max(rows["period_to"], key=periods.sort_key)
    rows = rows[rows["period_to"] == last]
    rows = rows[rows["period_from"] == max(rows["period_from"], key=periods.sort_key)]
    base = rows.groupby("group_from")["count"].sum()
    order = list(GROUPS)
    keys = [(order.index(a), order.index(b)) for a, b in zip(rows["group_from"], rows["group_to"], strict=True)]
    ordered = rows.assign(_key=keys).sort_values("_key", kind="stable").to_dict("records")
    return tuple(_move(row, int(base[row["group_from"]])) for row in ordered)


def _move(row: dict, n: int) -> Move:
    values = [number(row[name]) for name in ("share", "low", "high")]
    share, low, high = (None if value is None else 100 * value for value in values)
    kind = str(row["interval_kind"]) if low is not None and high is not None else SELECTED
    period = str(row["period_to"])
    estimate = None if n < FEW else Estimate(share, low, high, "percent", kind, n, period)
    return Move(
        str(row["period_from"]), period, str(row["group_from"]), str(row["group_to"]), int(row["count"]), n, estimate
    )


def sentences(ctx: Context, known: tuple[Move, ...], sums: tuple[GroupTotals, ...]) -> tuple[str, ...]:
    """What the moves say: the rise from the medium to the high group, or why printed totals admit no table."""
    rise = next((item for item in known if (item.group_from, item.group_to) == ("medium", "high")), None)
    found = [_rise(ctx, rise)] if rise is not None else []
    table = ctx.table("transitions")
    is_bound = (table["rating"] == "c_mfc") & table["count"].isna() & table["low"].isna()
    pairs = table.loc[is_bound, ["period_from", "period_to"]].drop_duplicates().itertuples(index=False)
    totals = {item.period: item for item in sums}
    for first, last in pairs:
        if first in totals and last in totals:
            found += _impossible(ctx, totals[first], totals[last])
    return tuple(found)


def _rise(ctx: Context, item: Move) -> str:
    first, last = formats.period_in_text(item.period_from, ctx.lang), formats.period_in_text(item.period_to, ctx.lang)
    ru = (
        f"Из средней группы за {first} в высокую за {last} перешло {item.count} из"
        f"{NBSP}{formats.count(item.n, 'region', 'ru', case='genitive')}"
    )
    en = f"From the medium group for {first} {item.count} of {formats.count(item.n, 'region', 'en')} rose to the high "
    en += f"group for {last}"
    if item.share is not None and item.share.has_interval:
        level = wording.level(item.share, ctx.lang)
        text = f" ({level}; {wording.interval(item.share, ctx.lang)})"
        return ctx.pick(ru, en) + text + "."
    return ctx.pick(ru, en) + "."


def _impossible(ctx: Context, first: GroupTotals, last: GroupTotals) -> list[str]:
    """Totals that no table of moves has, then the least rise if the middle group took what is missing."""
    before, after = (first.high, first.medium, first.low), (last.high, last.medium, last.low)
    if None in before or None in after:
        return []
    high, medium, low = (int(count or 0) for count in before)
    base = sum(int(count or 0) for count in after)
    printed, end = "/".join(map(str, before)), "/".join(map(str, after))
    found = [
        ctx.pick(
            f"Напечатанным числам {printed} ({first.period_label}) и {end} ({last.period_label}) не отвечает ни одна "
            f"таблица переходов: суммы {high + medium + low} и {base} не равны.",
            f"The printed {printed} ({first.period_label}) and {end} ({last.period_label}) admit no table of moves: "
            f"they add up to {high + medium + low} and {base}.",
        )
    ]
    closed = base - high - low
    least = max(0, closed + int(last.high or 0) - base)
    if closed > medium and least:
        assumed = f"{high}/{closed}/{low}"
        found.append(
            ctx.pick(
                f"Предположение: если бы за {formats.period_in_text(first.period, 'ru')} было {assumed}, из средней "
                f"группы в высокую перешло бы не менее {formats.count(least, 'region', 'ru', case='genitive')}.",
                f"An assumption: had it been {assumed} for {formats.period_in_text(first.period, 'en')}, at least "
                f"{formats.count(least, 'region', 'en')} would have risen from the medium to the high group.",
            )
        )
    return found


def latest_sentences(ctx: Context, rows: pd.DataFrame) -> tuple[str, ...]:
    """Block 12: the latest values, and what may be said of delay.

    Parameters
    ----------
    rows : DataFrame
        Observations of the region, or of the country.
    """
    found = []
    by_now = {p for p in rows["period"] if periods.ends_by(p, ctx.period)}  # targets lie ahead
    known = sorted(by_now, key=periods.sort_key)
    if known:
        latest = formats.period_in_text(known[-1], ctx.lang)
        found.append(
            ctx.pick(
                f"Последний завершённый период с данными — {latest}; "
                f"сроков сдачи источники не называют, опоздания не считаются.",
                f"The latest completed period with values is {latest}; "
                f"the sources name no due dates, so delays are not counted.",
            )
        )
    return tuple(found)
