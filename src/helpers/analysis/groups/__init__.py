"""Groups over time: who moved, how far, and what may be said where only totals are published.

Grain in: ``groups`` (rating × entity × period) and published totals. Grain out: movers (one entity per row) and the
table ``transitions`` (rating × period pair × from × to). A series break ends a chain: no move is counted across it.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from helpers.analysis.groups.bounds import MarginError, transport_bounds
from helpers.analysis.groups.markov import share_intervals
from helpers.tables import periods

TRANSITION_COLUMNS = [
    "rating",
    "period_from",
    "period_to",
    "group_from",
    "group_to",
    "count",
    "share",
    "low",
    "high",
    "interval_kind",
    "note",
]
MIN_UNITS_FOR_SHARES = 30  # below this the named units are a selection, not a table of moves


def chains(groups: pd.DataFrame, rating: str) -> pd.DataFrame:
    """Entities × periods of one rating, periods in time order; an entity without a group that period is missing.

    Raises
    ------
    ValueError
        If an entity has two different groups in one period.
    """
    own = groups[groups["rating"] == rating]
    distinct = own[["entity_id", "period", "group"]].drop_duplicates()
    twice = distinct[distinct.duplicated(["entity_id", "period"], keep=False)]
    if len(twice):
        first = twice.iloc[0]
        raise ValueError(f"{first['entity_id']} has two groups of {rating} in {first['period']}")
    table = distinct.pivot_table(index="entity_id", columns="period", values="group", aggfunc="first")
    return table[sorted(table.columns, key=periods.sort_key)]


def movers(groups: pd.DataFrame, rating: str, order: Sequence[str], breaks: pd.DataFrame) -> pd.DataFrame:
    """Every entity known in two consecutive periods: steps up or down, and whether a group was jumped over.

    Parameters
    ----------
    order
        Groups, worst first.
    breaks
        Reference table of series breaks: ``rating, period`` (first period of the new series).

    Returns
    -------
    pandas.DataFrame
        Columns ``rating, entity_id, period_from, period_to, group_from, group_to, steps, direction, is_jump``;
        ``steps`` is positive for a rise, ``direction`` is *up*, *down* or *stay*.
    """
    table = chains(groups, rating)
    rows = []
    for before, after in _steps(list(table.columns), rating, breaks):
        for entity, (first, second) in table[[before, after]].dropna().iterrows():
            steps = order.index(second) - order.index(first)
            direction = "up" if steps > 0 else "down" if steps < 0 else "stay"
            rows.append((rating, entity, before, after, first, second, steps, direction, abs(steps) > 1))
    columns = ["rating", "entity_id", "period_from", "period_to", "group_from", "group_to"]
    return pd.DataFrame(rows, columns=[*columns, "steps", "direction", "is_jump"])


def summary(moved: pd.DataFrame) -> pd.DataFrame:
    """Counts of up, down, stay and jumps by pair of periods (grain: rating × period pair)."""
    keys = ["rating", "period_from", "period_to"]
    counts = moved.assign(up=moved["steps"] > 0, down=moved["steps"] < 0, stay=moved["steps"] == 0)
    return (
        counts.groupby(keys, sort=False)[["up", "down", "stay", "is_jump"]]
        .sum()
        .astype(int)
        .rename(columns={"is_jump": "jumps"})
        .assign(units=lambda table: table[["up", "down", "stay"]].sum(axis=1))
        .reset_index()
    )


def crosses_break(breaks: pd.DataFrame, rating: str, earlier: str, later: str) -> bool:
    """Does a new series of this rating begin after the earlier period and not after the later one?"""
    starts = breaks.loc[breaks["rating"] == rating, "period"]
    end_before, end_after = _end(earlier), _end(later)
    return any(end_before < _start(start) <= end_after for start in starts)


def breaks_between(breaks: pd.DataFrame, rating: str, earlier: str, later: str) -> pd.DataFrame:
    """Rows of the reference table that lie between two periods, to be named beside a figure."""
    own = breaks[breaks["rating"] == rating]
    between = [crosses_break(own.loc[[row]], rating, earlier, later) for row in own.index]
    return own[np.array(between, dtype=bool)]


def observed_transitions(
    groups: pd.DataFrame,
    rating: str,
    order: Sequence[str],
    breaks: pd.DataFrame,
    seed: int = 0,
    draws: int = 2_000,
) -> pd.DataFrame:
    """Counts and shares of moves between consecutive periods (grain: period pair × from × to).

    With thirty entities or more, shares carry a 95 % interval from resampling entities. Fewer named entities are a
    selection: their count is shown without a share.
    """
    table = chains(groups, rating)
    parts = []
    for before, after in _steps(list(table.columns), rating, breaks):
        known = table[[before, after]].dropna()
        if known.empty:
            continue
        cells = share_intervals(known, list(order), seed=seed, draws=draws)
        is_selection = len(known) < MIN_UNITS_FOR_SHARES
        if is_selection:
            cells = cells[cells["count"] > 0].assign(share=np.nan, low=np.nan, high=np.nan)
        parts.append(
            cells.assign(
                rating=rating,
                period_from=before,
                period_to=after,
                interval_kind="none" if is_selection else "sampling_95",
                note=f"named entities only: {len(known)}" if is_selection else f"entities: {len(known)}",
            )
        )
    return _collect(parts)


def bounded_transitions(
    totals: Mapping[str, Mapping[str, float]],
    rating: str,
    order: Sequence[str],
    breaks: pd.DataFrame,
    fixed: Mapping[tuple[str, str, str, str], int] | None = None,
) -> pd.DataFrame:
    """Bounds of moves between consecutive published totals (grain: period pair × from × to).

    Parameters
    ----------
    totals
        Period → group → number of regions. A period that lacks a group is left out: its margin is unknown.
    fixed
        Named moves, (period_from, period_to, from, to) → at least so many.

    Returns
    -------
    pandas.DataFrame
        As the table ``transitions``: ``count`` is missing unless the bounds meet, ``low`` and ``high`` bound the count.
        Margins that admit no table give one row per cell with empty bounds and a note with the two totals.
    """
    whole = {p: {g: m[g] for g in order} for p, m in totals.items() if all(g in m for g in order)}
    parts = []
    for before, after in _steps(sorted(whole, key=periods.sort_key), rating, breaks):
        known = {
            (start, end): (float(least), None)
            for (first, second, start, end), least in (fixed or {}).items()
            if (first, second) == (before, after)
        }
        try:
            cells = transport_bounds(whole[before], whole[after], known)  # type: ignore[arg-type]
            note = "bounds from published totals"
        except MarginError as error:
            cells = pd.DataFrame(
                [(a, b, np.nan, np.nan) for a in order for b in order],
                columns=["group_from", "group_to", "low", "high"],
            )
            note = f"no table possible: {error.before:g} before, {error.after:g} after"
        count = cells["low"].where(cells["low"] == cells["high"])
        parts.append(
            cells.assign(
                rating=rating,
                period_from=before,
                period_to=after,
                count=count,
                share=np.nan,
                interval_kind="published_bound" if cells["low"].notna().all() else "none",
                note=note,
            )
        )
    return _collect(parts)


def closed_totals(
    totals: Mapping[str, Mapping[str, float]], participants: Mapping[str, float], middle: str
) -> dict[str, dict[str, float]]:
    """Totals as an assumption: where groups do not add up to the participants, the middle group takes the difference.

    Never saved and never shown without the word «assumption»: it answers what the moves would have been *if* the
    printed middle group were wrong and the others right.

    Parameters
    ----------
    participants
        Period or year → number of regions rated.
    """
    closed = {}
    for period, printed in totals.items():
        rated = participants.get(period, participants.get(period[:4]))
        groups = dict(printed)
        if rated is not None and middle in groups:
            groups[middle] = rated - sum(count for group, count in groups.items() if group != middle)
        closed[period] = groups
    return closed


def _steps(ordered: Sequence[str], rating: str, breaks: pd.DataFrame) -> list[tuple[str, str]]:
    """Consecutive periods of the list that no series break separates."""
    return [(a, b) for a, b in pairwise(ordered) if not crosses_break(breaks, rating, a, b)]


def _end(period: str) -> int:
    year, month = periods.parse(period).last_month
    return 12 * year + month


def _start(period: str) -> int:
    parsed = periods.parse(period)
    length = {"year": 12, "half": 6, "quarter": 3, "month": 1}[parsed.kind]
    return _end(period) - length + 1


def _collect(parts: list[pd.DataFrame]) -> pd.DataFrame:
    if not parts:
        return pd.DataFrame(columns=TRANSITION_COLUMNS)
    return pd.concat(parts, ignore_index=True)[TRANSITION_COLUMNS]
