"""The panel of services by month: coded once, checked, and read by every estimator of this package.

How to use it
-------------
``panel = Panel(df, unit=..., time=..., cohort=..., cluster=...)`` codes the columns and refuses what cannot be
estimated. An estimator then works on units × steps of time, never on rows::

    y = panel.matrix("log_days")      # float64, shape (n_units, n_times), NaN where there is no observation
    panel.treated                     # bool, same shape: month at or after the unit's first treated month
    panel.event                       # int32, same shape: months since the first treated one (NEVER if none)
    panel.audit                       # bool, same shape: audit window
    panel.weight_matrix("applications")   # float64, same shape, 0 where missing

and on one code a unit: ``panel.cluster_code`` (0 … G−1), ``panel.stratum_code``, ``panel.audit_code`` (position of
the first audit month in ``panel.times``, −1 when none), ``panel.cohort`` (number of the first treated step,
``NEVER`` if none). ``panel.times`` are the numbers of the steps (year × 12 + month − 1 for months), sorted;
``panel.time_labels``, ``units``, ``cluster_labels`` and ``stratum_labels`` name them. Units are sorted by name, so
no result depends on the order of rows. Another constant of a unit: ``panel.unit_values("agency")``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from helpers.analysis.effects.building import Builder, Drop
from helpers.analysis.effects.coding import (
    NEVER,
    BoolArray,
    EffectsError,
    FloatArray,
    IntArray,
    columns_of,
    month_label,
    require,
)

__all__ = ["NEVER", "Drop", "EffectsError", "Panel"]


@dataclass(frozen=True, init=False, eq=False)
class Panel:
    """Services by month with staggered optimisation; one row a service and month.

    Parameters
    ----------
    df : DataFrame
        One row a unit and step of time; not changed and not copied.
    unit : str or sequence of str
        Service; several columns make a joint key.
    time : str
        Months (``2024-06``, dates, periods) or whole numbers from 0 up.
    cohort : str, optional
        First treated month of the unit, constant within it; 0, blank, missing or infinite = never.
    treatment : str, optional
        Instead of ``cohort``: 0/1 status of the row; the cohort is the first 1. Going back to 0 is refused.
    cluster : str, optional
        Region, constant within the unit; default: every unit is its own cluster.
    strata : str or sequence of str, optional
        Grade before optimisation, constant within the unit.
    audit : str, optional
        True in the months whose grade chose the services; the first one is the audit date of the unit.
    exposure : str, optional
        Applications: exposure of visits, and weights on request.
    censored : str, optional
        Number (or share) of applications still open, for ``describe``.
    sample : bool
        False for one chunk of a stream: the checks that need the whole sample are left to the end of the stream.

    Attributes
    ----------
    times : int array, shape (T,)
        Numbers of the steps of time, sorted.
    units, cluster_labels, stratum_labels : arrays
        Names behind the codes.
    cohort, cluster_code, stratum_code, audit_code : int32 arrays, shape (N,)
        One value a unit.
    left_out : array
        Names of the units left out.
    drops : tuple of Drop
        What was left out and why.

    Raises
    ------
    EffectsError
        Missing columns, duplicate service-months, treatment that is not absorbing, a cluster or stratum that
        changes within a unit, negative time, no treated unit, no untreated control in any treated month, a single
        region.
    """

    frame: pd.DataFrame = field(repr=False)
    names: dict[str, Any]
    times: npt.NDArray[np.int64]
    units: npt.NDArray[Any] = field(repr=False)
    cluster_labels: npt.NDArray[Any] = field(repr=False)
    stratum_labels: npt.NDArray[Any] = field(repr=False)
    cohort: IntArray = field(repr=False)
    cluster_code: IntArray = field(repr=False)
    stratum_code: IntArray = field(repr=False)
    audit_code: IntArray = field(repr=False)
    audit: BoolArray = field(repr=False)
    observed: BoolArray = field(repr=False)
    left_out: npt.NDArray[Any] = field(repr=False)
    drops: tuple[Drop, ...]
    position: npt.NDArray[np.int64] | None = field(repr=False)

    def __init__(
        self,
        df: pd.DataFrame,
        *,
        unit: str | Sequence[str],
        time: str,
        cohort: str | None = None,
        treatment: str | None = None,
        cluster: str | Sequence[str] | None = None,
        strata: str | Sequence[str] | None = None,
        audit: str | None = None,
        exposure: str | None = None,
        censored: str | None = None,
        sample: bool = True,
    ) -> None:
        if (cohort is None) == (treatment is None):
            raise EffectsError(
                "give either cohort (first treated month) or treatment (0/1 status), not both and not neither"
            )
        names = {
            "unit": unit, "time": time, "cohort": cohort, "treatment": treatment, "cluster": cluster, "strata": strata,
            "audit": audit, "exposure": exposure, "censored": censored,
        }  # fmt: skip
        require(df, [name for role in names.values() if role is not None for name in columns_of(role)])
        if df.empty:
            raise EffectsError("the frame has no rows")
        build = Builder(df, names)
        values = build.run()
        for name, value in values.items():
            object.__setattr__(self, name, value)
        if sample:
            _check_sample(self)

    # ------------------------------------------------------------------ shapes
    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.units)

    @property
    def n_times(self) -> int:
        """Number of steps of time."""
        return len(self.times)

    @property
    def n_clusters(self) -> int:
        """Number of clusters (regions)."""
        return len(self.cluster_labels)

    @property
    def time_labels(self) -> list[str]:
        """Names of the steps of time."""
        return [month_label(int(number)) for number in self.times]

    @cached_property
    def event(self) -> IntArray:
        """Steps since the first treated one, shape (N, T); ``NEVER`` for units never treated."""
        steps = (self.times[None, :] - self.cohort[:, None].astype(np.int64)).astype(np.int32)
        steps[self.cohort == NEVER] = NEVER
        return steps

    @cached_property
    def treated(self) -> BoolArray:
        """Whether the unit is treated in that step, shape (N, T)."""
        steps = np.arange(self.n_times)
        start = np.searchsorted(self.times, self.cohort)
        start[self.cohort == NEVER] = self.n_times
        return np.asarray((steps >= np.arange(self.n_times + 1)[:, None])[start])

    # ------------------------------------------------------------------ values
    def matrix(self, column: str, dtype: type = np.float64) -> npt.NDArray[Any]:
        """Column as units × steps of time, NaN where there is no row.

        Raises
        ------
        EffectsError
            When the column is missing, not a number, or infinite (the logarithm of zero, say).
        """
        require(self.frame, [column])
        series = self.frame[column]
        if series.dtype.kind not in "iufb" and not pd.api.types.is_numeric_dtype(series):
            raise EffectsError(f"column {column} is not a number but {series.dtype}")
        values = np.asarray(series.to_numpy(dtype=dtype, na_value=np.nan))
        if np.isinf(values).any():
            count = int(np.isinf(values).sum())
            raise EffectsError(
                f"column {column} is infinite in {count} rows: the logarithm of zero? Use Poisson for counts"
            )
        return self.spread(values)

    def spread(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Place one value a row into units × steps of time (NaN, or 0 for whole numbers, elsewhere)."""
        shape = (self.n_units, self.n_times)
        if self.position is None:
            return values.reshape(shape)
        empty = np.nan if values.dtype.kind == "f" else 0
        flat = np.full(shape[0] * shape[1], empty, dtype=values.dtype)
        kept = self.position >= 0
        if kept.all():
            flat[self.position] = values
        else:
            flat[self.position[kept]] = values[kept]
        return flat.reshape(shape)

    def weight_matrix(self, column: str | None = None) -> FloatArray:
        """Weights as units × steps of time, 0 where missing.

        Parameters
        ----------
        column : str, optional
            Default: the exposure column of the panel.

        Raises
        ------
        EffectsError
            Without a column, or with a negative weight.
        """
        name = column or self.names["exposure"]
        if name is None:
            raise EffectsError("weights need a column: name one, or give the panel its exposure")
        weights = np.nan_to_num(self.matrix(name), nan=0.0)
        if (weights < 0).any():
            raise EffectsError(f"column {name} is negative in {int((weights < 0).sum())} rows")
        return weights

    def unit_values(self, column: str) -> pd.Series:
        """Constant of each unit (agency, say), indexed by position; its first month's value where it changes."""
        require(self.frame, [column])
        first = np.zeros(self.n_units, dtype=np.int64)
        rows = np.arange(len(self.frame), dtype=np.int64)
        if self.position is None:
            first = rows[:: self.n_times]
        else:
            kept = self.position >= 0
            order = np.argsort(self.position[kept], kind="stable")
            unit = self.position[kept][order] // self.n_times
            starts = np.concatenate(([True], unit[1:] != unit[:-1]))
            first[unit[starts]] = rows[kept][order][starts]
        return self.frame[column].iloc[first].reset_index(drop=True)

    def describe(self) -> pd.DataFrame:
        """What the panel holds, before any outcome is looked at.

        Returns
        -------
        DataFrame
            One row an item: ``item``, ``value``, ``unit``.
        """
        ever = self.cohort != NEVER
        in_sample = ever & (self.cohort <= self.times[-1])
        treated = self.treated & self.observed
        supported = (self.observed & ~self.treated).any(axis=0)
        rows: list[tuple[str, float, str]] = [
            ("services", self.n_units, "service"),
            ("steps of time", self.n_times, "month"),
            ("service-months", int(self.observed.sum()), "service_month"),
            ("balance", float(self.observed.mean()), "share"),
            ("regions", self.n_clusters, "region"),
            ("regions with an optimised service", len(np.unique(self.cluster_code[in_sample])), "region"),
            ("services optimised", int(in_sample.sum()), "service"),
            ("services never optimised", int((~ever).sum()), "service"),
            ("services optimised after the last month", int((ever & ~in_sample).sum()), "service"),
            ("service-months treated", int(treated.sum()), "service_month"),
            ("treated service-months without any control", int(treated[:, ~supported].sum()), "service_month"),
            ("audit months", int((self.audit & self.observed).sum()), "service_month"),
        ]
        rows += [
            (f"services of cohort {month_label(int(g))}", int((self.cohort == g).sum()), "service")
            for g in np.unique(self.cohort[ever])
        ]
        if self.names["censored"] is not None:
            rows.append(("open (censored) share", self._censored_share(), "share"))
        rows += [(f"dropped: {drop.reason}", drop.rows, "service_month") for drop in self.drops]
        return pd.DataFrame(rows, columns=["item", "value", "unit"])

    def _censored_share(self) -> float:
        open_ = np.nansum(self.matrix(self.names["censored"]))
        if self.names["exposure"] is None:
            return float(open_ / self.observed.sum())
        total = self.weight_matrix().sum()
        return float(open_ / total) if total else float("nan")


def _check_sample(panel: Panel) -> None:
    """Checks that need all regions and services at once."""
    if panel.n_units == 0:
        raise EffectsError("every service is treated in all its months: there is nothing to compare with")
    if panel.n_clusters < 2:
        raise EffectsError(
            "a single region (cluster): its uncertainty cannot be measured; at least two are needed, or another "
            "cluster inside the region, such as the agency"
        )
    treated = panel.treated
    optimised = (treated & panel.observed).any(axis=0)
    if not optimised.any():
        raise EffectsError("no treated service-month: nothing was optimised within the months of the panel")
    if not (optimised & (~treated & panel.observed).any(axis=0)).any():
        raise EffectsError(
            "no controls: in every treated month all services are treated already (one cohort, nobody left untreated)"
        )
