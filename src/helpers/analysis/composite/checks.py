"""Is the index consistent? Reliability, first component, correlations, weights against importance, strengths.

Grain in: units × indicators (or pillars). Grain out: one indicator, pair or unit per row.

References
----------
Feldt (1965), The approximate sampling distribution of Kuder–Richardson reliability coefficient twenty, Psychometrika
30. Becker, Saisana, Paruolo, Vandecasteele (2017), Weights and importance in composite indicators, Ecological
Indicators 80.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

DOUBLE_COUNTING, CONFLICT = 0.9, -0.4


@dataclass(frozen=True)
class Alpha:
    """Cronbach's α with Feldt's interval; ``n`` rows and ``k`` items were used."""

    alpha: float
    low: float
    high: float
    n: int
    k: int


@dataclass(frozen=True)
class Component:
    """First principal component of the correlation matrix: share of variance and unit-length loadings."""

    share: float
    loadings: pd.Series


def cronbach_alpha(items: pd.DataFrame, missing: str = "pairwise", level: float = 0.95) -> Alpha:
    """Cronbach's α.

    Parameters
    ----------
    items
        Units × items.
    missing
        ``pairwise`` uses every pair of answers there is; ``listwise`` only complete rows.

    Raises
    ------
    ValueError
        For another option, fewer than two items or three rows, or items without any variance.
    """
    if missing not in ("pairwise", "listwise"):
        raise ValueError(f"missing must be 'pairwise' or 'listwise', got {missing!r}")
    used = items.dropna() if missing == "listwise" else items
    n, k = used.shape
    if k < 2 or n < 3:
        raise ValueError(f"alpha needs two items and three rows, got {k} and {n}")
    covariance = used.cov()
    total = float(covariance.to_numpy().sum())
    if not total > 0:
        raise ValueError("items without common variance have no alpha")
    alpha = k / (k - 1) * (1 - np.trace(covariance) / total)
    tail = (1 - level) / 2
    low, high = (1 - (1 - alpha) * stats.f.isf(q, n - 1, (n - 1) * (k - 1)) for q in (tail, 1 - tail))
    return Alpha(float(alpha), float(low), float(high), n, k)


def first_component(data: pd.DataFrame) -> Component:
    """First component within a pillar; its sign is arbitrary and fixed so that the loadings add up to more than zero.

    Raises
    ------
    ValueError
        If a column does not vary.
    """
    correlation = data.corr().to_numpy()
    if not np.isfinite(correlation).all():
        raise ValueError("a column without spread has no correlation")
    values, vectors = np.linalg.eigh(correlation)
    loadings = vectors[:, -1] * (1 if vectors[:, -1].sum() >= 0 else -1)
    return Component(float(values[-1] / values.sum()), pd.Series(loadings, index=data.columns))


def correlation_flags(data: pd.DataFrame, pillars: dict[str, str]) -> pd.DataFrame:
    """Pairs worth a second look.

    Parameters
    ----------
    pillars
        Indicator → pillar.

    Returns
    -------
    pandas.DataFrame
        Columns ``first, second, correlation, is_same_pillar, flag``: *double_counting* for |r| > 0.9,
        *conflict* for r < −0.4 within a pillar.
    """
    matrix = data.corr()
    rows = []
    for position, first in enumerate(matrix.columns):
        for second in matrix.columns[position + 1 :]:
            r, same = float(matrix.loc[first, second]), pillars[first] == pillars[second]
            flag = "double_counting" if abs(r) > DOUBLE_COUNTING else "conflict" if same and r < CONFLICT else ""
            if flag:
                rows.append((first, second, r, same, flag))
    return pd.DataFrame(rows, columns=["first", "second", "correlation", "is_same_pillar", "flag"])


def weights_beside_correlations(parts: pd.DataFrame, index: pd.Series, weights: pd.Series) -> pd.DataFrame:
    """Effective weight of each part beside its correlation with the index: a nominal weight is not importance.

    Returns
    -------
    pandas.DataFrame
        Columns ``effective_weight, correlation, n``, one row per part.
    """
    both = parts.notna().mul(index.notna(), axis=0)
    return pd.DataFrame(
        {
            "effective_weight": weights.reindex(parts.columns),
            "correlation": parts.corrwith(index),
            "n": both.sum(),
        }
    )


def strengths_and_weaknesses(data: pd.DataFrame, directions: pd.Series, unit: str, count: int = 5) -> pd.DataFrame:
    """Best and worst ranks of one unit among its indicators.

    Parameters
    ----------
    directions
        Indicator → 1 or −1.

    Returns
    -------
    pandas.DataFrame
        Columns ``indicator, value, rank, units, side`` (*strength* or *weakness*), best and worst first.
        An indicator in which more than half the units share one value is left out: a place in it says nothing.
    """
    units = data.notna().sum()
    largest_tie = data.apply(lambda column: column.value_counts().max() if column.notna().any() else 0)
    telling = data.columns[(largest_tie <= units / 2) & data.loc[unit].notna().to_numpy()]
    ranks = (data[telling] * directions.reindex(telling)).rank(ascending=False, method="min")
    table = pd.DataFrame(
        {
            "indicator": telling,
            "value": data.loc[unit, telling].to_numpy(),
            "rank": ranks.loc[unit].to_numpy(),
            "units": units[telling].to_numpy(),
        }
    )
    table["position"] = table["rank"] / table["units"]
    ordered = table.sort_values(["position", "indicator"], kind="stable").drop(columns="position")
    half = min(count, len(ordered) // 2)
    strengths = ordered.head(half).assign(side="strength")
    return pd.concat([strengths, ordered.tail(half)[::-1].assign(side="weakness")], ignore_index=True)
