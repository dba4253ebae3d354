"""Permutation of dates: how large an effect chance alone would show."""

from dataclasses import dataclass

import numpy as np

from helpers.analysis.effects.coding import EffectsError, IntArray
from helpers.analysis.effects.fit import Fit


@dataclass(frozen=True)
class PermutationTest:
    """Estimate against its distribution under dates dealt out anew.

    Attributes
    ----------
    att : float
    p_value : float
        (1 + draws at least as large in absolute value) / (1 + draws).
    reps : int
        Draws that could be estimated.
    level : str
        What was permuted: ``region`` or ``service``.
    low, high : float
        2.5 % and 97.5 % points of the draws.
    """

    att: float
    p_value: float
    reps: int
    level: str
    low: float
    high: float


def permutation_test(fit: Fit, reps: int, seed: int) -> PermutationTest:
    """See :meth:`Fit.permutation_test`."""
    if reps < 19:
        raise EffectsError("a permutation test needs at least 19 draws")
    panel = fit._whole_panel()
    rng = np.random.default_rng(seed)
    by_region = _whole_regions(panel.cluster_code, panel.cohort)
    draws = np.full(reps, np.nan)
    for draw in range(reps):
        if by_region:
            cohort = _between_regions(panel.cluster_code, panel.cohort, rng)
        else:
            cohort = _between_services(panel.stratum_code, panel.audit_code, panel.cohort, rng)
        draws[draw] = _point(fit, cohort)
    kept = draws[np.isfinite(draws)]
    if len(kept) < 19:
        raise EffectsError(f"only {len(kept)} of {reps} permutations can be estimated")
    p = (1 + int((np.abs(kept) >= abs(fit.att) - 1e-12).sum())) / (1 + len(kept))
    low, high = np.quantile(kept, [0.025, 0.975])
    level = "region" if by_region else "service"
    return PermutationTest(fit.att, p, len(kept), level, float(low), float(high))


def _whole_regions(cluster: IntArray, cohort: IntArray) -> bool:
    """Whether all services of each region start in the same month."""
    order = np.lexsort((cohort, cluster))
    same = cluster[order][1:] == cluster[order][:-1]
    return not bool((same & (cohort[order][1:] != cohort[order][:-1])).any())


def _between_regions(cluster: IntArray, cohort: IntArray, rng: np.random.Generator) -> IntArray:
    first = np.unique(cluster, return_index=True)[1]
    return rng.permutation(cohort[first])[cluster]


def _between_services(stratum: IntArray, audit: IntArray, cohort: IntArray, rng: np.random.Generator) -> IntArray:
    """Dates dealt out anew among services of the same stratum and audit date."""
    order = np.lexsort((audit, stratum))
    shuffled = np.lexsort((rng.random(len(cohort)), audit, stratum))
    dealt = np.empty_like(cohort)
    dealt[order] = cohort[shuffled]
    return dealt


def _point(fit: Fit, cohort: IntArray) -> float:
    try:
        return fit.spec.point(fit._whole_panel(), fit.outcome, fit.shift, cohort)
    except EffectsError:
        return float("nan")
