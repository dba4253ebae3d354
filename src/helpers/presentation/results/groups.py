"""Groups of the MFC rating: totals by quarter with their base, movers, and what may not be added up."""

import pandas as pd

from helpers.presentation import formats, wording
from helpers.presentation.results import moves as results_moves
from helpers.presentation.results.context import Context
from helpers.presentation.results.estimates import Region
from helpers.presentation.results.levels import levels, movers, totals
from helpers.presentation.results.parts import Groups, GroupTotals, Mover, Standing
from helpers.presentation.results.values import observed
from helpers.presentation.wording.terms import GROUPS
from helpers.tables import periods


def groups(ctx: Context, region: Region | None) -> Groups | None:
    """Group totals and the latest movers; for a region only its own movements, None if its group was never known."""
    table = levels(ctx.table("groups"), ctx.table("observations"))
    moved = movers(table, ctx.lang, ctx.names)
    if region is not None:
        own = table[table["region_iso"] == region.code]
        if own.empty:
            return None
        moved = tuple(item for item in moved if item.code == region.code)
    elif moved:
        last = max((item.period_to for item in moved), key=periods.sort_key)
        moved = tuple(item for item in moved if item.period_to == last)
    published = totals(ctx.table("observations"), ctx.lang, ctx.marked)
    sums = published or _counted(ctx, table)
    if not sums:
        return None
    moves = results_moves.moves(ctx) if region is None else ()
    said = results_moves.sentences(ctx, moves, sums) if region is None else ()
    return Groups(sums, moved, (*_sentences(ctx, sums), *said), _text(ctx, sums, moved), moves)


def standing(ctx: Context, region: Region) -> Standing | None:
    """Group and points of the region in the latest period for which either is known."""
    groups_ = levels(ctx.table("groups"), ctx.table("observations"))
    groups_ = groups_[groups_["region_iso"] == region.code]
    table = ctx.table("observations")
    points = table[
        (table["rating"] == "c_mfc") & (table["indicator"] == "total") & (table["region_iso"] == region.code)
    ]
    known = [*groups_["period"], *points.dropna(subset=["value"])["period"]]
    if not known:
        return None
    last = max(known, key=periods.sort_key)
    group = next(iter(groups_.loc[groups_["period"] == last, "group"]), "")
    rows = points[points["period"] == last].to_dict("records")
    estimate = observed(rows[0]) if rows else None
    return Standing(last, str(group), estimate, wording.mfc_standing(last, str(group), estimate, ctx.lang))


def _counted(ctx: Context, table: pd.DataFrame) -> tuple[GroupTotals, ...]:
    """Totals counted from the groups of all participants of a period."""
    found = []
    words = table["group"].map(lambda group: GROUPS[group][1] if group in GROUPS else group)
    for period in sorted(set(table["period"]), key=periods.sort_key):
        part = words[table["period"] == period]
        high, medium, low = (int((part == level).sum()) for level in ("high", "medium", "low"))
        label = formats.period(period, ctx.lang)
        found.append(GroupTotals(period, label, high, medium, low, len(part), ""))
    return tuple(found)


def _sentences(ctx: Context, sums: tuple[GroupTotals, ...]) -> tuple[str, ...]:
    found = []
    for item in sums:
        known = [count for count in (item.high, item.medium, item.low) if count is not None]
        if len(known) == 3 and item.base and sum(known) != item.base:
            parts = " + ".join(str(count) for count in known)
            found.append(
                ctx.pick(
                    f"{item.period_label}: {parts} = {sum(known)}, а в рейтинге {item.base}; числа — как напечатаны.",
                    f"{item.period_label}: {parts} = {sum(known)}, but {item.base} were rated; shown as printed.",
                )
            )
    bases = {item.base for item in sums if item.base}
    if len(bases) > 1:
        found.append(
            ctx.pick(
                "Число участников менялось, поэтому доли и числа разных периодов не сравниваются.",
                "The number of participants changed, so shares and counts of different periods are not compared.",
            )
        )
    return tuple(found)


def _text(ctx: Context, sums: tuple[GroupTotals, ...], moved: tuple[Mover, ...]):
    last = sums[-1]
    base = "" if last.base is None else ctx.pick(f" из {last.base}", f" of {last.base}")
    title = ctx.pick(
        f"{last.period_label}: регионов в высокой группе — {last.high}{base}",
        f"{last.period_label}: regions in the high group – {last.high}{base}",
    )
    parts = "; ".join(f"{item.period_label} — {item.high}" for item in sums)
    alt = ctx.pick(
        f"Таблица групп МФЦ по кварталам, регионов в высокой группе: {parts}. Сменили группу: {len(moved)}.",
        f"Table of MFC groups by quarter, regions in the high group: {parts}. Movers between groups: {len(moved)}.",
    )
    subtitle = ctx.pick("Число регионов по группам; рядом число участников", "Regions by group, with the number rated")
    return ctx.chart(title, subtitle, alt, ctx.pick("Группы МФЦ по кварталам", "MFC groups by quarter"))
