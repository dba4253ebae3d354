"""Effect on the grade of a service (Г < В < Б < Б+ < А) by an ordered logit, as a check of the grade indicators.

Rows that share regressors, grade and cluster are one weighted cell, so a large panel costs no more than its cells.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from statsmodels.tools.numdiff import approx_fprime

from helpers.analysis.effects.coding import BoolArray, EffectsError, FloatArray
from helpers.analysis.effects.inference import reference_law, warn_few
from helpers.analysis.effects.ordered_logit import (
    OrderedLogit,
    ProportionalOdds,
    ordered_logit,
    proportional_odds_test,
)
from helpers.analysis.effects.panel import Panel

GRADES = ("Г", "В", "Б", "Б+", "А")
MIN_TREATED = 5


@dataclass(frozen=True, eq=False)
class OrderedFit:
    """Effect of treatment on the distribution of grades, over treated service-months.

    Attributes
    ----------
    distribution : DataFrame
        One row a grade: ``grade``, ``without``, ``with_``, ``difference``, ``std_error``, ``ci_low``, ``ci_high``
        (unit: share of treated service-months; the interval is of the difference).
    index_effect, index_se : float
        Mean coefficient of treatment on the index (log odds), cohort × event-time cells weighted by service-months.
    logit : OrderedLogit
        All coefficients and thresholds.
    proportional_odds : ProportionalOdds or None
        Test on the treatment coefficient; None where a cut cannot be estimated (``notes`` says so).
    """

    distribution: pd.DataFrame
    index_effect: float
    index_se: float
    logit: OrderedLogit
    proportional_odds: ProportionalOdds | None
    n: int
    n_treated: int
    n_clusters: int
    dropped: dict[str, int]
    notes: tuple[str, ...]
    unit: str = "share"


@dataclass(frozen=True, eq=False)
class OrderedEffect:
    """Ordered logit of the grade on cohort, month and treatment dummies, clustered by region, t(G − 1).

    A panel with strata (the grade before optimisation) has cohort and month dummies of its own in each stratum, and
    audit months are left out: only then is a service compared with others that stood as badly at the audit.

    Parameters
    ----------
    panel : Panel
    column : str
        Grade of the service-month (text).
    categories : sequence of str
        All grades, worst first.

    Notes
    -----
    *Assumes* parallel trends on the index of the logit (Puhani 2012) within strata, and proportional odds. Without
    strata regression to the mean is NOT removed, and it is strongest here: the grade chose the services.
    """

    panel: Panel
    column: str
    categories: Sequence[str] = GRADES

    def fit(self) -> OrderedFit:
        """Maximum likelihood on weighted cells.

        Raises
        ------
        EffectsError
            Grades outside the list, no treated service-month with a grade, no convergence.
        """
        cells, dropped = self._cells()
        treated = np.asarray(cells["treated"], dtype=bool)
        weight = cells["weight"].to_numpy(dtype=float)
        if not treated.any():
            raise EffectsError("no treated service-month has a grade")
        present = [g for g in self.categories if (cells["grade"] == g).any()]
        design, labels = _dummies(cells)
        logit = ordered_logit(cells["grade"], design, present, weight, cells["cluster"])
        rows = design[treated].to_numpy(dtype=float)
        share = weight[treated] / weight[treated].sum()
        without = rows.copy()
        without[:, : len(labels)] = 0.0
        params = logit.table["estimate"].to_numpy(dtype=float)

        def means(values: FloatArray) -> FloatArray:
            return np.concatenate(
                [share @ logit.probabilities(without, values), share @ logit.probabilities(rows, values)]
            )

        k = len(present)
        both = means(params)
        gradient = approx_fprime(params, lambda v: means(v)[k:] - means(v)[:k], centered=True)
        error = np.sqrt(np.einsum("ij,jk,ik->i", gradient, logit.covariance, gradient))
        clusters = int(cells["cluster"].nunique())
        warn_few(clusters)
        half = reference_law(clusters).ppf(0.975) * error
        change = both[k:] - both[:k]
        distribution = pd.DataFrame(
            {
                "grade": present, "without": both[:k], "with_": both[k:], "difference": change, "std_error": error,
                "ci_low": change - half, "ci_high": change + half,
            }
        )  # fmt: skip
        mix = share @ rows[:, : len(labels)]
        variance = mix @ logit.covariance[: len(labels), : len(labels)] @ mix
        odds, notes = self._odds(cells, present)
        return OrderedFit(
            distribution, float(mix @ params[: len(labels)]), math.sqrt(variance), logit, odds, int(weight.sum()),
            int(weight[treated].sum()), clusters, dropped, notes,
        )  # fmt: skip

    def _odds(self, cells: pd.DataFrame, present: list[str]) -> tuple[ProportionalOdds | None, tuple[str, ...]]:
        simple, _ = _dummies(cells.assign(cell=np.where(cells["treated"], "treated", "")))
        try:
            test = proportional_odds_test(
                cells["grade"], simple, present, cells["weight"].to_numpy(dtype=float), cells["cluster"], ["treated"]
            )
        except EffectsError as reason:
            return None, (f"proportional odds not tested: {reason}",)
        return test, ()

    def _cells(self) -> tuple[pd.DataFrame, dict[str, int]]:
        panel = self.panel
        text = panel.frame[self.column]
        grades = pd.Index(list(self.categories)).get_indexer(pd.Index(text.to_numpy(dtype=object))).astype(float)
        given = np.asarray(text.notna() & (text.astype(str) != ""))
        if (given & (grades < 0)).any():
            unknown = sorted(set(text[given & (grades < 0)].astype(str)))[:5]
            raise EffectsError(f"grades outside {', '.join(self.categories)}: {', '.join(unknown)}")
        grades[grades < 0] = np.nan
        table = panel.spread(grades)
        graded = panel.observed & np.isfinite(table)
        free = ~panel.audit | (len(panel.stratum_labels) < 2)
        supported = self._supported(graded & free)
        concerned = np.isin(panel.stratum_code, panel.stratum_code[(graded & panel.treated).any(axis=1)])[:, None]
        used = graded & free & supported & concerned
        dropped = {
            "no grade": int((panel.observed & ~graded).sum()),
            "audit month": int((graded & ~free).sum()),
            "month without untreated services of the stratum": int((graded & free & ~supported).sum()),
            "stratum without treated services": int((graded & free & supported & ~concerned).sum()),
        }
        unit, month = np.nonzero(used)
        started = panel.treated[unit, month]
        event = np.where(started, panel.event[unit, month], 0)
        rows = pd.DataFrame(
            {
                "grade": np.asarray(self.categories, dtype=object)[table[unit, month].astype(int)],
                "cohort": panel.cohort[unit], "month": month, "treated": started, "event": event,
                "cluster": panel.cluster_code[unit], "stratum": panel.stratum_code[unit],
            }
        )  # fmt: skip
        cells = rows.groupby(list(rows.columns), sort=True, observed=True).size().rename("weight").reset_index()
        cells["cell"] = np.where(
            cells["treated"], "treated " + cells["cohort"].astype(str) + " " + cells["event"].astype(str), ""
        )
        return _merge_rare(cells), dropped

    def _supported(self, graded: BoolArray) -> BoolArray:
        """Whether some untreated service of the stratum has a grade in that month, shape (N, T)."""
        panel = self.panel
        there = np.zeros((len(panel.stratum_labels), panel.n_times), dtype=bool)
        for stratum in range(len(there)):
            there[stratum] = (graded & ~panel.treated)[panel.stratum_code == stratum].any(axis=0)
        return np.asarray(there[panel.stratum_code])


def _merge_rare(cells: pd.DataFrame) -> pd.DataFrame:
    """A treated cell with one grade or few cases has no finite coefficient: such cells are taken together."""
    each = cells[cells["treated"]].groupby("cell").agg(grades=("grade", "nunique"), cases=("weight", "sum"))
    rare = each.index[(each["grades"] < 2) | (each["cases"] < MIN_TREATED)]
    late = cells["cell"].isin(rare)
    return cells.assign(cell=np.where(late, "treated other", cells["cell"]))


def _dummies(cells: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Treatment cells first (labels returned), then strata, and cohorts and months within each stratum."""
    labels = sorted(set(cells["cell"]) - {""})
    columns = {label: (cells["cell"] == label).to_numpy(dtype=float) for label in labels}
    for position, stratum in enumerate(sorted(set(cells["stratum"]))):
        here = (cells["stratum"] == stratum).to_numpy(dtype=bool)
        if position:
            columns[f"stratum {stratum}"] = here.astype(float)
        for what in ("cohort", "month"):
            for value in sorted(set(cells.loc[here, what]))[1:]:
                columns[f"{what} {value} of {stratum}"] = (here & (cells[what] == value)).to_numpy(dtype=float)
    return pd.DataFrame(columns), labels
