"""Times of which some are not over yet, compared within each service: proportional hazards with a stratum a service."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from statsmodels.duration.hazard_regression import PHReg

from helpers.analysis.effects.censored import reading_of
from helpers.analysis.effects.coding import BoolArray, EffectsError, FloatArray
from helpers.analysis.effects.inference import reference_law, warn_few


@dataclass(frozen=True, eq=False)
class HazardFit:
    """Fitted proportional hazards.

    Attributes
    ----------
    table : DataFrame
        Index: terms; columns ``estimate``, ``std_error``, ``p_value`` (log hazard ratio; positive = finished sooner),
        ``ratio``, ``ratio_low``, ``ratio_high`` (how many times as fast cases finish at any age, 95 %).
    n, n_censored, dropped : int
        Cases used; open among them; left out for a missing value or a time that is not positive.
    n_strata, n_idle : int
        Services, and those of them without a finished case, which say nothing.
    n_clusters : int or None
        Clusters of the covariance; None = model-based.
    reading : str
        What the share of open cases means for the simpler estimates.
    """

    table: pd.DataFrame
    log_likelihood: float
    n: int
    n_censored: int
    dropped: int
    n_strata: int
    n_idle: int
    n_clusters: int | None
    reading: str


@dataclass(frozen=True, eq=False)
class CensoredHazard:
    """Cox regression stratified by service, when some times are only known to be longer.

    Every service has a baseline of its own, whatever its shape; regressors act within the service. A check of the
    sign and strength of an effect on time, in a unit of its own: no distribution of times is assumed.

    Parameters
    ----------
    y : array-like
        Times (days), positive: finished, or elapsed so far where ``censored``.
    X : DataFrame or array
        Regressors without a constant: treatment and month dummies, say.
    censored : array-like of bool
        True where the case is still open.
    strata : array-like
        Service of the case.
    cluster : array-like, optional
        Region of the case: sandwich covariance by cluster, with the factor G/(G − 1), and t(G − 1).

    Notes
    -----
    *Assumes* hazards proportional within a service, and an end of observation unrelated to how long the case would
    have taken. Ties by Breslow's method.

    References
    ----------
    Cox 1972; Lin & Wei 1989 (sandwich covariance); statsmodels ``PHReg``.
    """

    y: Any
    X: Any
    censored: Any
    strata: Any
    cluster: Any = None

    def fit(self) -> HazardFit:
        """Maximum partial likelihood.

        Raises
        ------
        EffectsError
            No usable finished case, unequal lengths, or regressors that do not vary within any service.
        """
        y, design, censored, strata, cluster, dropped = self._clean()
        if not _varies(design.to_numpy(), strata).all():
            still = design.columns[~_varies(design.to_numpy(), strata)]
            raise EffectsError(f"no variation within any service in {', '.join(still[:5])}: its effect cannot be told")
        said = _informative(y, censored, strata)
        ended = (~censored[said]).astype(float)
        model = PHReg(y[said], design[said], status=ended, strata=strata[said], ties="breslow")
        result = model.fit(groups=None if cluster is None else cluster[said], disp=0)
        clusters = None if cluster is None else len(np.unique(cluster))
        error = np.asarray(result.bse, dtype=float)
        if clusters is not None:
            warn_few(clusters)
            error = error * np.sqrt(clusters / (clusters - 1))
        if not (np.isfinite(result.params).all() and np.isfinite(error).all() and (error > 0).all()):
            raise EffectsError("the hazard regression has no finite estimate: collinear regressors, or a separated one")
        _, where = np.unique(strata, return_inverse=True)
        finished = np.bincount(where, weights=~censored)
        return HazardFit(
            _table(np.asarray(result.params, dtype=float), error, design.columns, clusters), float(result.llf), len(y),
            int(censored.sum()), dropped, len(finished), int((finished == 0).sum()),
            clusters, reading_of(float(censored.mean())),
        )  # fmt: skip

    def _clean(self) -> tuple[FloatArray, pd.DataFrame, BoolArray, npt.NDArray[Any], Any, int]:
        y = np.asarray(self.y, dtype=float)
        frame = self.X if isinstance(self.X, pd.DataFrame) else pd.DataFrame(np.asarray(self.X, dtype=float))
        design = frame.astype(float).reset_index(drop=True)
        design.columns = [str(name) for name in design.columns]
        censored, strata = np.asarray(self.censored).astype(bool), pd.factorize(np.asarray(self.strata))[0]
        if not len(y) == len(design) == len(censored) == len(strata):
            lengths = f"{len(y)} times, {len(design)} rows, {len(censored)} marks, {len(strata)} services"
            raise EffectsError(f"lengths differ: {lengths}")
        used = np.isfinite(y) & (y > 0) & np.isfinite(design.to_numpy()).all(axis=1) & (strata >= 0)
        if not (used & ~censored).any():
            raise EffectsError("no finished case with a positive time: nothing can be estimated")
        cluster = None if self.cluster is None else pd.factorize(np.asarray(self.cluster))[0][used]
        return y[used], design[used], censored[used], strata[used], cluster, int((~used).sum())


def _varies(design: FloatArray, strata: npt.NDArray[Any]) -> BoolArray:
    """Which columns differ between the cases of some stratum."""
    order = np.argsort(strata, kind="stable")
    together = strata[order][1:] == strata[order][:-1]
    return np.asarray(((np.diff(design[order], axis=0) != 0) & together[:, None]).any(axis=0))


def _informative(y: FloatArray, censored: BoolArray, strata: npt.NDArray[Any]) -> BoolArray:
    """Cases in some risk set: not those open before the first finished case of their service.

    They add nothing to the partial likelihood, and statsmodels' covariance by cluster is NaN with them.
    """
    first = np.full(int(strata.max()) + 1, np.inf)
    np.minimum.at(first, strata[~censored], y[~censored])
    return np.asarray(y >= first[strata])


def _table(params: FloatArray, error: FloatArray, names: pd.Index, clusters: int | None) -> pd.DataFrame:
    law = reference_law(clusters)
    half = law.ppf(0.975) * error
    return pd.DataFrame(
        {
            "estimate": params, "std_error": error, "p_value": 2 * law.sf(np.abs(params / error)),
            "ratio": np.exp(params), "ratio_low": np.exp(params - half), "ratio_high": np.exp(params + half),
        },
        index=pd.Index(names, name="term"),
    )  # fmt: skip
