"""Chains of ordered groups: transition counts, shares with intervals, mobility, homogeneity, first passage.

Grain in: one sequence of groups per unit (rows units, columns periods, missing where a unit was not rated).
Grain out: matrices with the group before in rows and the group after in columns, in the order given.

References
----------
Anderson, Goodman (1957), Statistical inference about Markov chains, Annals of Mathematical Statistics 28.
Shorrocks (1978), The measurement of mobility, Econometrica 46. Kemeny, Snell (1976), Finite Markov chains.
"""

import warnings
from collections.abc import Hashable, Iterable, Sequence

import numpy as np
import pandas as pd
from scipy import stats

JEFFREYS = 0.5  # pseudo-count, so that an empty cell is not a certainty
MIN_STEPS_FOR_STEADY_STATE = 8  # two years of quarters


def transition_counts(chains: pd.DataFrame, order: Sequence[Hashable]) -> pd.DataFrame:
    """Counts of moves between consecutive columns.

    Parameters
    ----------
    chains
        Units × periods in time order. A missing group breaks the unit's chain there.
    order
        All groups, worst first or best first; the order of rows and columns of the result.

    Raises
    ------
    ValueError
        For a group that ``order`` does not name.
    """
    codes = _codes(chains, order)
    counts = np.zeros((len(order), len(order)), dtype=int)
    for before, after in zip(codes.T[:-1], codes.T[1:], strict=True):
        known = (before >= 0) & (after >= 0)
        np.add.at(counts, (before[known], after[known]), 1)
    return _matrix(counts, order)


def counts_of_long(frame: pd.DataFrame, unit: str, time: str, group: str, order: Sequence[Hashable]) -> pd.DataFrame:
    """Counts of moves between consecutive records of each unit, whatever the dates (grain in: unit × time)."""
    ordered = frame.sort_values([unit, time], kind="stable")
    following = ordered.groupby(unit, sort=False)[group].shift(-1)
    pairs = pd.DataFrame({"before": ordered[group], "after": following}).dropna()
    chains = pairs.astype({"after": ordered[group].dtype})
    return transition_counts(chains, order)


def quantile_classes(values: pd.DataFrame, classes: int = 5) -> pd.DataFrame:
    """Class 1…``classes`` of each unit within each period, by the period's own quantiles (upper ends included)."""
    cuts = np.linspace(0, 1, classes + 1)[1:-1]
    columns = {
        period: 1 + np.searchsorted(np.quantile(column, cuts), column, side="left") for period, column in values.items()
    }
    return pd.DataFrame(columns, index=values.index)


def row_shares(counts: pd.DataFrame, pseudo_count: float = 0.0) -> pd.DataFrame:
    """Share of each row; a row without moves is missing unless a pseudo-count is given."""
    smoothed = counts + pseudo_count
    return smoothed.div(smoothed.sum(axis=1).replace(0, np.nan), axis=0)


def share_intervals(
    chains: pd.DataFrame,
    order: Sequence[Hashable],
    level: float = 0.95,
    draws: int = 2_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Shares of moves with intervals from resampling units, so that one unit's quarters stay together.

    Returns
    -------
    pandas.DataFrame
        Grain: from × to. Columns ``group_from, group_to, count, row_count, share, low, high``. The share is the
        plain one (missing for an empty row). A cell with nobody or with the whole row never varies between
        resamples: there the interval is Jeffreys' (half a pseudo-count), so that zero of ten is not a certainty.

    *Assumes* that units are exchangeable and their chains independent.
    """
    codes = _codes(chains, order)
    size = len(order)
    moves = np.zeros((len(codes), size * size), dtype=int)
    for before, after in zip(codes.T[:-1], codes.T[1:], strict=True):
        known = np.flatnonzero((before >= 0) & (after >= 0))
        np.add.at(moves, (known, before[known] * size + after[known]), 1)
    counts = moves.sum(axis=0).reshape(size, size)
    totals = np.broadcast_to(counts.sum(axis=1, keepdims=True), counts.shape)
    share = np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)
    tail = (1 - level) / 2
    low, high = _resampled_bounds(moves, size, tail, draws, seed)
    is_edge = (counts == 0) | (counts == totals)
    low = np.where(is_edge, stats.beta.ppf(tail, counts + JEFFREYS, totals - counts + JEFFREYS), low)
    high = np.where(is_edge, stats.beta.ppf(1 - tail, counts + JEFFREYS, totals - counts + JEFFREYS), high)
    index = pd.MultiIndex.from_product([order, order], names=["group_from", "group_to"])
    table = pd.DataFrame(
        {
            "count": counts.ravel(),
            "row_count": totals.ravel(),
            "share": share.ravel(),
            "low": np.where(totals > 0, np.fmin(low, share), np.nan).ravel(),
            "high": np.where(totals > 0, np.fmax(high, share), np.nan).ravel(),
        },
        index=index,
    )
    return table.reset_index()


def _resampled_bounds(
    moves: np.ndarray, size: int, tail: float, draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Percentiles of row shares over resampled units; a draw in which a row is empty says nothing about it."""
    units = len(moves)
    weights = np.random.default_rng(seed).multinomial(units, np.full(units, 1 / units), size=draws)
    resampled = (weights @ moves).reshape(draws, size, size).astype(float)
    totals = resampled.sum(axis=2, keepdims=True)
    shares = np.divide(resampled, totals, out=np.full(resampled.shape, np.nan), where=totals > 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a row that is empty in every draw stays missing
        low, high = np.nanquantile(shares, [tail, 1 - tail], axis=0)
    return low, high


def mobility(shares: pd.DataFrame) -> float:
    """Prais–Shorrocks index (m − trace) / (m − 1): 0 if nobody moves, 1 if the past does not matter."""
    size = len(shares)
    return float((size - np.trace(shares.to_numpy())) / (size - 1))


def homogeneity(counts: Sequence[pd.DataFrame]) -> dict[str, float]:
    """Chi-squared test that several steps share one matrix of transition probabilities.

    Returns
    -------
    dict
        ``statistic, df, p_value``; cells whose row or column is empty in all steps leave the degrees of freedom.

    *Assumes* expected counts that are not tiny; with about ten units in a row read the p-value loosely.
    """
    tables = np.stack([table.to_numpy(dtype=float) for table in counts])
    statistic, freedom = 0.0, 0
    for row in range(tables.shape[1]):
        table = tables[:, row, :]
        table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
        if min(table.shape, default=0) < 2:
            continue
        result = stats.chi2_contingency(table, correction=False)
        statistic, freedom = statistic + float(result.statistic), freedom + int(result.dof)
    p_value = float(stats.chi2.sf(statistic, freedom)) if freedom else float("nan")
    return {"statistic": statistic, "df": freedom, "p_value": p_value}


def steady_state(shares: pd.DataFrame, steps: int) -> pd.Series:
    """Long-run shares of groups if the same moves went on for ever.

    Parameters
    ----------
    shares
        Transition shares, rows summing to one.
    steps
        Number of observed steps behind them: fewer than eight raises a warning, because a class that happens to
        empty in three quarters makes the long run look certain.

    Raises
    ------
    ValueError
        If rows do not sum to one, or the chain has more than one closed class, so that no long run is unique.
    """
    matrix = shares.to_numpy(dtype=float)
    if not np.allclose(matrix.sum(axis=1), 1):
        raise ValueError("rows of transition shares must sum to one; an empty row has no steady state")
    if steps < MIN_STEPS_FOR_STEADY_STATE:
        warnings.warn(f"a steady state from {steps} steps is an extrapolation, not a finding", stacklevel=2)
    size = len(matrix)
    system = np.vstack([matrix.T - np.eye(size), np.ones(size)])
    if np.linalg.matrix_rank(system) < size:
        raise ValueError("the chain has several closed classes: the long run depends on the start")
    solution = np.linalg.lstsq(system, np.append(np.zeros(size), 1.0), rcond=None)[0]
    return pd.Series(solution, index=shares.index, name="share")


def first_passage(shares: pd.DataFrame) -> pd.DataFrame:
    """Expected number of steps to reach each group for the first time (rows: start; diagonal: return time).

    Infinite where the group may never be reached.
    """
    matrix = shares.to_numpy(dtype=float)
    size = len(matrix)
    times = np.full((size, size), np.inf)
    for target in range(size):
        others = [state for state in range(size) if state != target]
        sure = _surely_reach(matrix, target)
        inside = [state for state in others if sure[state]]
        reduced = np.eye(len(inside)) - matrix[np.ix_(inside, inside)]
        times[inside, target] = np.linalg.solve(reduced, np.ones(len(inside)))
        leaving = matrix[target] > 0
        if all(sure[state] for state in np.flatnonzero(leaving)):
            times[target, target] = 1 + sum(matrix[target, s] * times[s, target] for s in inside)
    return pd.DataFrame(times, index=shares.index, columns=shares.columns)


def _surely_reach(matrix: np.ndarray, target: int) -> np.ndarray:
    """States from which the target is reached with probability one."""
    size = len(matrix)
    reach = np.linalg.matrix_power((matrix > 0) + np.eye(size), size) > 0
    chain = matrix.copy()
    chain[target] = np.eye(size)[target]
    onward = np.linalg.matrix_power((chain > 0) + np.eye(size), size) > 0
    can = reach[:, target]
    return np.array([state == target or bool(can[onward[state]].all()) for state in range(size)])


def _codes(chains: pd.DataFrame, order: Iterable[Hashable]) -> np.ndarray:
    groups = list(order)
    values = pd.unique(chains.to_numpy(dtype=object).ravel())
    unknown = [value for value in values if not pd.isna(value) and value not in groups]
    if unknown:
        raise ValueError(f"groups {sorted(map(str, unknown))} are not among {groups}")
    return np.column_stack([pd.Categorical(chains[column], groups).codes for column in chains.columns])


def _matrix(counts: np.ndarray, order: Sequence[Hashable]) -> pd.DataFrame:
    return pd.DataFrame(counts, index=pd.Index(order, name="group_from"), columns=pd.Index(order, name="group_to"))
