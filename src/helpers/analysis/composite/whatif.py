"""What if: one part dropped, one weight moved. Grain in: units × parts. Grain out: one part (or pair) per row."""

import numpy as np
import pandas as pd

from helpers.analysis.composite import aggregate, check_tree, rank


def remove_one(normalised: pd.DataFrame, tree: pd.DataFrame, level: int, method: str = "arithmetic") -> pd.DataFrame:
    """Mean absolute change of rank when each node of a level is dropped and its siblings rescaled.

    Returns
    -------
    pandas.DataFrame
        Columns ``removed, mean_rank_change, max_rank_change, units``, largest change first.

    Raises
    ------
    ValueError
        For a level without nodes, or the top.
    """
    tree = check_tree(tree)
    top = tree.loc[tree["level"] == tree["level"].max(), "code"].iloc[0]
    nodes = tree[tree["level"] == level]
    if nodes.empty or level == tree["level"].max():
        raise ValueError(f"level {level} has nothing to remove")
    nominal = rank(aggregate(normalised, tree, method)[top])
    rows = []
    for code in nodes["code"]:
        changed = rank(aggregate(normalised, without(tree, level, code), method)[top])
        shift = (changed - nominal).abs()
        rows.append((code, float(shift.mean()), float(shift.max()), int(shift.notna().sum())))
    table = pd.DataFrame(rows, columns=["removed", "mean_rank_change", "max_rank_change", "units"])
    return table.sort_values("mean_rank_change", ascending=False, kind="stable", ignore_index=True)


def without(tree: pd.DataFrame, level: int, code: str) -> pd.DataFrame:
    """The tree without one node, all below it, and parents that are left without parts."""
    gone = {(level, code)}
    for below in range(level - 1, 0, -1):
        rows = tree[tree["level"] == below]
        gone |= {(below, c) for c, p in zip(rows["code"], rows["parent"], strict=True) if (below + 1, p) in gone}
    for above in range(level + 1, int(tree["level"].max())):
        kept = [
            p
            for lv, c, p in zip(tree["level"], tree["code"], tree["parent"], strict=True)
            if lv == above - 1 and (lv, c) not in gone
        ]
        rows = tree[tree["level"] == above]
        gone |= {(above, c) for c in rows["code"] if c not in kept}
    keys = list(zip(tree["level"], tree["code"], strict=True))
    return tree[[key not in gone for key in keys]].reset_index(drop=True)


def break_even_weights(parts: pd.DataFrame, weights: pd.Series, first: str, second: str) -> pd.DataFrame:
    """Weight of each part at which two units draw level, the other weights rescaled.

    w · dA + (1 − w) · dB = 0 gives w* = dB / (dB − dA), where dA is the difference first − second in the part and dB
    in the weighted mean of the others.

    Returns
    -------
    pandas.DataFrame
        Columns ``part, weight, difference, difference_others, break_even``; the last is missing where no weight
        between 0 and 1 makes them level (never).
    """
    share = weights.reindex(parts.columns) / weights.reindex(parts.columns).sum()
    gap = parts.loc[first] - parts.loc[second]
    rows = []
    for part in parts.columns:
        others = share.drop(part)
        rest = float((gap.drop(part) * others).sum() / others.sum()) if others.sum() > 0 else np.nan
        own = float(gap[part])
        level = rest / (rest - own) if rest != own else np.nan
        rows.append((part, float(share[part]), own, rest, level if 0 <= level <= 1 else np.nan))
    return pd.DataFrame(rows, columns=["part", "weight", "difference", "difference_others", "break_even"])
