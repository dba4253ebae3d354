"""Before and after: what officials compare today. A contrast, never an effect."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from helpers.analysis.effects.averages import sum_by
from helpers.analysis.effects.building import Drop
from helpers.analysis.effects.coding import BoolArray, EffectsError, IntArray
from helpers.analysis.effects.inference import Percent, interval, p_value, warn_few
from helpers.analysis.effects.masks import make_masks
from helpers.analysis.effects.panel import Panel
from helpers.analysis.effects.solving import jackknife_variance
from helpers.analysis.effects.sums import Rows, treated_rows

BASELINES = ("all", "audit")


@dataclass(frozen=True)
class ContrastFit:
    """A naive change with its interval; ``contrast`` is true: it must not be shown as an effect."""

    outcome: str
    att: float
    se: float
    df: float
    unit: str
    n_obs: int
    n_services: int
    n_clusters: int
    drops: tuple[Drop, ...] = field(repr=False)
    estimator: str = "before_after"

    contrast = True

    @property
    def p_value(self) -> float:
        """Two-sided p value of no change."""
        return p_value(self.att, self.se, self.df)

    def conf_int(self, level: float = 0.95) -> tuple[float, float]:
        """Interval of the change, t(G − 1)."""
        return interval(self.att, self.se, self.df, level)

    def percent(self, level: float = 0.95) -> Percent:
        """Change of a logarithm in per cent."""
        return Percent(*(float(100 * np.expm1(x)) for x in (self.att, *self.conf_int(level))))

    def summary(self) -> pd.DataFrame:
        """Estimate, interval and counts; columns ``item``, ``value``."""
        low, high = self.conf_int()
        items: list[tuple[str, object]] = [
            ("outcome", self.outcome),
            ("estimator", self.estimator),
            ("note", "a contrast, not an effect"),
            ("change", self.att),
            ("standard error", self.se),
            ("95 % interval, low", low),
            ("95 % interval, high", high),
            ("unit", self.unit),
            ("degrees of freedom", self.df),
            ("regions", self.n_clusters),
            ("service-months after", self.n_obs),
            ("services", self.n_services),
        ]
        items += [(f"left out: {drop.reason}", drop.rows) for drop in self.drops]
        return pd.DataFrame(items, columns=["item", "value"])


@dataclass(frozen=True)
class BeforeAfter:
    """Mean after optimisation minus mean before, of the optimised services alone.

    Parameters
    ----------
    baseline : str
        ``all`` untreated months of the service, or its ``audit`` months.
    last : int, optional
        Only the last so many months of the panel count as after.
    weights : str, optional
        Column of weights of the months after.

    Notes
    -----
    Mixes the effect with the common trend, the season, and regression to the mean: services were chosen because they
    looked bad at the audit.
    """

    baseline: str = "all"
    last: int | None = None
    weights: str | None = None

    contrast = True

    def __post_init__(self) -> None:
        if self.baseline not in BASELINES:
            raise EffectsError(f"unknown baseline {self.baseline!r}; there are {', '.join(BASELINES)}")
        if self.last is not None and self.last < 1:
            raise EffectsError("last is a number of months from 1 up")

    def fit(self, panel: Panel, outcome: str) -> ContrastFit:
        """Change of one outcome, jackknife over regions.

        Raises
        ------
        EffectsError
            No optimised service has both a month before and one after.
        """
        masks = make_masks(panel, outcome, weights=self.weights)
        base = masks.clean & panel.audit if self.baseline == "audit" else masks.clean
        after = masks.treated & np.asarray(base.any(axis=1))[:, None]
        if self.last is not None:
            after = after & (np.arange(panel.n_times) >= panel.n_times - self.last)
        drops = (*masks.drops, *_lost(masks.treated, after))
        if not after.any():
            raise EffectsError(f"no optimised service has {outcome} both before ({self.baseline}) and after")
        rows = treated_rows(masks.keys, after, base, masks.y, masks.weights)
        value, se, regions = ratio(rows, rows.level, panel.n_clusters)
        unit = "log_point" if outcome.startswith("log") else "outcome_unit"
        return ContrastFit(
            outcome, value, se, regions - 1, unit, int(rows.count.sum()), int(rows.cell_units.sum()), regions, drops
        )


def _lost(treated: BoolArray, after: BoolArray) -> tuple[Drop, ...]:
    gone = treated & ~after
    if not gone.any():
        return ()
    return (Drop("outside the comparison", int(gone.sum()), int(gone.any(axis=1).sum())),)


def ratio(rows: Rows, level: np.ndarray, clusters: int) -> tuple[float, float, int]:
    """Σ level / Σ weight with its jackknife over the regions that have rows."""
    code: IntArray = rows.cluster
    top = sum_by(code.astype(np.int64), level, clusters)
    bottom = sum_by(code.astype(np.int64), rows.weight, clusters)
    used = np.zeros(clusters, dtype=bool)
    used[code] = True
    warn_few(int(used.sum()))
    whole = np.asarray([top.sum() / bottom.sum()])
    without = ((top.sum() - top) / (bottom.sum() - bottom))[:, None]
    return float(whole[0]), float(np.sqrt(jackknife_variance(whole, without, used)[0, 0])), int(used.sum())
