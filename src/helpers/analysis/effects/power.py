"""How small an effect the data could have shown at all."""

import math
from typing import Any

from scipy import stats

from helpers.analysis.effects.coding import EffectsError


def mde(fit_or_se: Any, df: float = math.inf, alpha: float = 0.05, power: float = 0.8) -> float:
    """Minimum detectable effect of a two-sided test, in the unit of the standard error.

    Parameters
    ----------
    fit_or_se : float or fit
        Standard error, or a fitted estimator with ``se`` (and ``df``, used unless another is given).
    df : float
        Degrees of freedom; inf = normal quantiles (Bloom's multiplier 2.80).
    alpha, power : float
        Size of the test, and the chance wanted to find an effect of that size.

    Returns
    -------
    float
        (t[1 − alpha/2] + t[power]) × se.

    Raises
    ------
    EffectsError
        A negative or missing standard error, or levels outside 0 … 1.

    References
    ----------
    Bloom 1995, Evaluation Review 19(5).
    """
    if hasattr(fit_or_se, "se"):
        se = float(fit_or_se.se)
        own = getattr(fit_or_se, "df", None)
        df = float(own) if math.isinf(df) and own is not None else df
    else:
        se = float(fit_or_se)
    if not (se >= 0 and df > 0 and 0 < alpha < 1 and 0 < power < 1):
        raise EffectsError(f"mde needs se ≥ 0, df > 0 and levels between 0 and 1; got {se}, {df}, {alpha}, {power}")
    law = stats.norm if math.isinf(df) else stats.t(df)
    return float((law.ppf(1 - alpha / 2) + law.ppf(power)) * se)
