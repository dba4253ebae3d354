"""What two published margins say about moves between groups: the range of every cell, by linear programming.

Grain in: two lists of group totals. Grain out: one cell (from × to) per row.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.optimize import linprog


class MarginError(ValueError):
    """Two margins that no table of moves can join; ``before`` and ``after`` are their totals."""

    def __init__(self, before: float, after: float) -> None:
        self.before, self.after = before, after
        super().__init__(f"no table joins the margins: {before:g} units before, {after:g} after")


def transport_bounds(
    before: Mapping[str, float],
    after: Mapping[str, float],
    fixed: Mapping[tuple[str, str], tuple[float, float]] | None = None,
) -> pd.DataFrame:
    """Smallest and largest number of units in every cell of a table of moves with these margins.

    Parameters
    ----------
    before, after
        Units per group at the two ends; the same groups in the same order.
    fixed
        Further knowledge: cell (from, to) → (at least, at most), for example two named regions that went from
        low to high.

    Returns
    -------
    pandas.DataFrame
        Columns ``group_from, group_to, low, high``: whole numbers, since corners of a transport polytope are.

    Raises
    ------
    MarginError
        If the totals differ (such as 74 against 85) or the further knowledge cannot be met.
    ValueError
        If the groups differ.

    *Assumes* the same units at both ends. Bounds hold cell by cell, not all at once.
    """
    if list(before) != list(after):
        raise ValueError(f"groups differ: {list(before)} and {list(after)}")
    groups = list(before)
    total_before, total_after = sum(before.values()), sum(after.values())
    if total_before != total_after:
        raise MarginError(total_before, total_after)
    limits = [(fixed or {}).get((a, b), (0.0, None)) for a in groups for b in groups]
    rows = []
    for cell in range(len(groups) ** 2):
        low, high = (_extreme(cell, sign, before, after, limits) for sign in (1, -1))
        if low is None or high is None:
            raise MarginError(total_before, total_after)
        start, end = divmod(cell, len(groups))
        rows.append((groups[start], groups[end], low, high))
    return pd.DataFrame(rows, columns=["group_from", "group_to", "low", "high"])


def _extreme(
    cell: int,
    sign: int,
    before: Mapping[str, float],
    after: Mapping[str, float],
    limits: Sequence[tuple[float, float | None]],
) -> float | None:
    size = len(before)
    cost = np.zeros(size * size)
    cost[cell] = sign
    rows = np.kron(np.eye(size), np.ones(size))
    columns = np.kron(np.ones(size), np.eye(size))
    result = linprog(
        cost,
        A_eq=np.vstack([rows, columns]),
        b_eq=[*before.values(), *after.values()],
        bounds=list(limits),
        method="highs",
    )
    return float(round(sign * result.fun, 6)) + 0.0 if result.success else None
