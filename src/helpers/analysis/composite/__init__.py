"""Composite indicators step by step: describe, treat, normalise, weight, aggregate.

Grain in: units in rows, indicators in columns. The tree of the index is a table with one node per row: ``level``
(1 = indicator), ``code``, ``parent``, ``weight`` and, for indicators, ``direction`` (1 or −1). Weights are keyed by
(level, code), so that a code may stand on two levels.

References
----------
OECD, JRC (2008), Handbook on constructing composite indicators. Joanes, Gill (1998), Comparing measures of sample
skewness and kurtosis, The Statistician 47. Mazziotta, Pareto (2018), Measuring well-being over time: the adjusted
Mazziotta–Pareto index versus other non-compensatory indices, Social Indicators Research 136.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

SKEW_LIMIT, KURTOSIS_LIMIT, MAX_WINSORISED = 2.0, 3.5, 5
AVAILABILITY = 2 / 3  # a group with less than this share of its data has no score
NORMALISATIONS = ("min_max", "goalposts", "z", "rank", "ampi")
AGGREGATIONS = ("arithmetic", "geometric", "ampi")
TREE_COLUMNS = ("level", "code", "parent", "weight", "direction")


@dataclass(frozen=True)
class Treated:
    """One indicator after the treatment of outliers: values, method (none, winsorised, log), points moved."""

    values: pd.Series
    method: str
    n_winsorised: int


def describe(data: pd.DataFrame) -> pd.DataFrame:
    """Statistics of every indicator (grain: indicator): n, missing, min, max, mean, median, std, skew, kurtosis.

    ``std`` has n − 1 below; ``skew`` and ``kurtosis`` are the sample versions G1 and G2 (excess).
    """
    return pd.DataFrame(
        {
            "n": data.notna().sum(),
            "missing": data.isna().sum(),
            "min": data.min(),
            "max": data.max(),
            "mean": data.mean(),
            "median": data.median(),
            "std": data.std(ddof=1),
            "skew": data.skew(),
            "kurtosis": data.kurt(),
        }
    )


def is_outlying(values: pd.Series) -> bool:
    """|skew| ≥ 2 and excess kurtosis ≥ 3.5: both, or the indicator is left alone."""
    return bool(abs(values.skew()) >= SKEW_LIMIT and values.kurt() >= KURTOSIS_LIMIT)


def treat_outliers(values: pd.Series, max_winsorised: int = MAX_WINSORISED) -> Treated:
    """Winsorise up to five points on the side of the skew, each time to the next value; else take logarithms.

    Only an indicator that :func:`is_outlying` is touched. If winsorising does not bring it inside the limits, the
    untreated values become ln(x − min + 0.01 · range). Off by default everywhere: an outlier may be the finding.
    """
    if not is_outlying(values):
        return Treated(values, "none", 0)
    current = values.astype(float)
    for count in range(1, max_winsorised + 1):
        current = _pull_in_one(current, values, count)
        if not is_outlying(current):
            return Treated(current, "winsorised", count)
    lowest, spread = values.min(), values.max() - values.min()
    return Treated(np.log(values - lowest + 0.01 * spread), "log", 0)


def _pull_in_one(current: pd.Series, original: pd.Series, count: int) -> pd.Series:
    """The ``count`` most extreme original values on the side of the skew take the next value."""
    ordered = original.dropna().sort_values(ascending=bool(original.skew() < 0), kind="stable")
    if len(ordered) <= count:
        return current
    pulled = current.copy()
    pulled[ordered.index[:count]] = float(ordered.iloc[count])
    return pulled


def normalise(
    values: pd.Series,
    method: str = "min_max",
    direction: int = 1,
    low: float | None = None,
    high: float | None = None,
) -> pd.Series:
    """One indicator on a scale where more is better.

    Parameters
    ----------
    method
        ``goalposts`` (0–100 between ``low`` and ``high``, capped): the only one that may be compared over time.
        ``min_max`` (0–100 between the data's ends), ``z`` (50 + 10 standard deviations), ``rank``
        (0–100, ties share the mean rank): within one period. ``ampi`` (70–130 between ``low`` and ``high`` or the
        data's ends).
    direction
        −1 mirrors an indicator whose smaller values are better.

    Raises
    ------
    ValueError
        For an unknown method or direction, goalposts that are missing or not in order, or values without spread.
    """
    if direction not in (1, -1):
        raise ValueError(f"direction must be 1 or -1, got {direction}")
    if method not in NORMALISATIONS:
        raise ValueError(f"unknown normalisation {method!r}; one of {', '.join(NORMALISATIONS)}")
    values = values.astype(float)
    if method == "rank":
        ranks = (direction * values).rank(method="average")
        return 100 * (ranks - 1) / max(values.notna().sum() - 1, 1)
    if method == "z":
        deviation = _spread(values, float(values.std(ddof=1)))
        return 50 + 10 * direction * (values - values.mean()) / deviation
    if method == "goalposts" and (low is None or high is None):
        raise ValueError("goalposts need low and high")
    if method == "min_max" or low is None or high is None:
        low, high = float(values.min()), float(values.max())
    unit = ((values - low) / _spread(values, high - low)).clip(0, 1)
    unit = unit if direction == 1 else 1 - unit
    return 70 + 60 * unit if method == "ampi" else 100 * unit


def _spread(values: pd.Series, spread: float) -> float:
    if not spread > 0:
        raise ValueError(f"indicator {values.name!r} cannot be normalised: its spread is {spread:g}")
    return spread


def check_tree(tree: pd.DataFrame) -> pd.DataFrame:
    """The tree, if it is one: columns present, (level, code) unique, parents one level up, weights positive, one top.

    Raises
    ------
    ValueError
        Naming the node that is wrong.
    """
    missing = [column for column in TREE_COLUMNS if column not in tree]
    if missing:
        raise ValueError(f"the tree lacks the columns {', '.join(missing)}")
    if tree.duplicated(["level", "code"]).any():
        raise ValueError("a code stands twice on one level of the tree")
    if not (tree["weight"] > 0).all():
        raise ValueError("weights of the tree must be positive")
    nodes = set(zip(tree["level"], tree["code"], strict=True))
    top = tree["level"].max()
    for level, code, parent in zip(tree["level"], tree["code"], tree["parent"], strict=True):
        if level < top and (level + 1, parent) not in nodes:
            raise ValueError(f"parent {parent!r} of {code!r} is not on level {level + 1}")
    if (tree["level"] == top).sum() != 1:
        raise ValueError(f"the tree needs one top node, got {(tree['level'] == top).sum()} on level {top}")
    return tree


def effective_weights(tree: pd.DataFrame) -> pd.Series:
    """Product of normalised weights down the tree, keyed by (level, code); sums to one on every level."""
    tree = check_tree(tree)
    result: dict[tuple[int, str], float] = {}
    for level in sorted(tree["level"].unique(), reverse=True):
        rows = tree[tree["level"] == level]
        share = rows["weight"] / rows.groupby("parent", dropna=False)["weight"].transform("sum")
        for code, parent, part in zip(rows["code"], rows["parent"], share, strict=True):
            result[level, code] = part * result.get((level + 1, parent), 1.0)
    series = pd.Series(result, name="effective_weight")
    return series.rename_axis(["level", "code"]).sort_index()


def weighted_mean(
    data: pd.DataFrame, weights: pd.Series, method: str = "arithmetic", availability: float = AVAILABILITY
) -> pd.Series:
    """Mean of each row over its known columns; missing where less than ``availability`` of the columns is known.

    Raises
    ------
    ValueError
        For an unknown method, or a value that is not positive under the geometric mean (a zero kills it: use a
        scale from 1 to 100).

    *Assumes* that a missing value says nothing about the others: its weight goes to them in proportion.
    """
    if method not in AGGREGATIONS:
        raise ValueError(f"unknown aggregation {method!r}; one of {', '.join(AGGREGATIONS)}")
    values = data.to_numpy(dtype=float)
    known = np.isfinite(values)
    shares = np.where(known, weights.reindex(data.columns).to_numpy(dtype=float), 0.0)
    total = shares.sum(axis=1)
    shares = np.divide(shares, total[:, None], out=np.zeros_like(shares), where=total[:, None] > 0)
    filled = np.where(known, values, 1.0)
    if method == "geometric":
        if (filled <= 0).any():
            raise ValueError("the geometric mean needs positive values; scale to 1–100 first")
        result = np.exp((shares * np.log(filled)).sum(axis=1))
    else:
        result = (shares * filled).sum(axis=1)
        if method == "ampi":
            variance = (shares * (filled - result[:, None]) ** 2).sum(axis=1)
            result = result - np.divide(variance, result, out=np.zeros_like(result), where=result != 0)
    enough = known.sum(axis=1) >= availability * values.shape[1] - 1e-12
    return pd.Series(np.where(enough & (total > 0), result, np.nan), index=data.index)


def aggregate(
    normalised: pd.DataFrame,
    tree: pd.DataFrame,
    method: str = "arithmetic",
    availability: float = AVAILABILITY,
) -> pd.DataFrame:
    """Scores of every node above the indicators.

    Parameters
    ----------
    normalised
        Units × indicator codes, all on one scale where more is better.
    tree
        See the module.
    method
        ``arithmetic``, ``geometric`` or ``ampi`` (mean less variance over mean: imbalance is punished).

    Returns
    -------
    pandas.DataFrame
        Units × codes of levels 2 and up; level by level, the top last.

    Raises
    ------
    ValueError
        For a broken tree, an indicator without a column, or as :func:`weighted_mean`.
    """
    tree = check_tree(tree)
    absent = [code for code in tree.loc[tree["level"] == 1, "code"] if code not in normalised]
    if absent:
        raise ValueError(f"no data for the indicators {', '.join(absent)}")
    current, results = normalised, {}
    for level in range(2, int(tree["level"].max()) + 1):
        below = tree[tree["level"] == level - 1]
        columns = {}
        for code in tree.loc[tree["level"] == level, "code"]:
            parts = below[below["parent"] == code]
            if parts.empty:
                raise ValueError(f"node {code!r} of level {level} has no parts")
            weights = parts.set_index("code")["weight"]
            columns[code] = weighted_mean(current[list(weights.index)], weights, method, availability)
        current = pd.DataFrame(columns)
        results.update(columns)
    return pd.DataFrame(results)


def to_positive(scores: pd.DataFrame) -> pd.DataFrame:
    """0–100 → 1–100, the scale on which a geometric mean is meaningful."""
    return 1 + 0.99 * scores


def rank(scores: pd.Series) -> pd.Series:
    """Rank 1 = largest, ties take the smaller; missing scores stay missing."""
    return scores.rank(ascending=False, method="min")
