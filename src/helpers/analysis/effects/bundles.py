"""Life situations: services that people need together, before and after they are merged into one.

Totals over a bundle are arithmetic, not effects: ``Bundle.panel`` makes the panel of life situations by region on
which the estimators of this package ask what bundling changed.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from helpers.analysis.effects.coding import NEVER, EffectsError, cohort_number, period_number, require
from helpers.analysis.effects.panel import Panel

KEY = ["life_situation", "region_iso"]
EVERYWHERE = "launched everywhere in the same month: no comparison, description only"
NOWHERE = "not launched: no effect to estimate"


@dataclass(frozen=True, eq=False)
class Bundle:
    """Life situations by region and month.

    Attributes
    ----------
    months : DataFrame
        One row a situation, region and month: ``life_situation, region_iso, month, is_after, days_low`` (all services
        at once), ``days_high`` (one after another), ``days`` (where one number is known), ``days_kind`` (measured,
        critical_path or bounds), ``visits, n_services, launched, own_optimised`` (a service of the bundle was
        optimised on its own by then). A month with a missing service has no totals.
    summary : DataFrame
        One row a situation and region: means of the months before and after the launch, ``…_before``, ``…_after``,
        ``n_before``, ``n_after``. What differs between them is not an effect.
    documents : DataFrame
        One row a situation: ``asked_before`` (each service asks anew), ``distinct_before``, ``distinct_after``,
        ``duplicates``, ``abolished``, ``added``, and the bounds ``low_before, high_before`` where only counts are
        known (``kind`` = counts); unit: documents a citizen.
    estimable : DataFrame
        ``life_situation, is_estimable, why``.
    dropped : dict
        Rows left out, by reason.
    """

    months: pd.DataFrame
    summary: pd.DataFrame
    documents: pd.DataFrame
    estimable: pd.DataFrame
    dropped: dict[str, int]

    def panel(self, days: str = "days_high") -> Panel:
        """Panel of situations by region for the effect of bundling.

        Parameters
        ----------
        days : {"days_high", "days_low", "days"}
            Which total becomes ``log_days``.

        Returns
        -------
        Panel
            Unit: situation × region; treatment: launch there; cluster: region; outcomes ``log_days`` and ``visits``.
            Months from the first own optimisation of a service on are left out: a second treatment.

        Raises
        ------
        EffectsError
            No situation with a comparison.
        """
        good = self.estimable.loc[self.estimable["is_estimable"], "life_situation"]
        waiting = self.estimable.loc[self.estimable["why"] == NOWHERE, "life_situation"]
        if good.empty:
            raise EffectsError("no life situation was launched in some regions and not yet in others")
        frame = self.months[self.months["life_situation"].isin([*good, *waiting]) & ~self.months["own_optimised"]]
        frame = frame[frame[days] > 0].assign(log_days=lambda x: np.log(x[days]))
        return Panel(frame, unit=KEY, time="month", cohort="launched", cluster="region_iso")


def bundle(panel: Panel | pd.DataFrame, situations: pd.DataFrame, documents: pd.DataFrame | None = None) -> Bundle:
    """Total time, distinct documents and visits of life situations, before and after their launch.

    Parameters
    ----------
    panel : Panel or DataFrame
        One row a region, service and month: ``region_iso, service_id, month, median_days, visits, documents`` and,
        where known, ``optimised_month``.
    situations : DataFrame
        One row a situation and service: ``life_situation, service_id, launched`` (month; blank = not yet), optional
        ``region_iso`` (launch of that region alone), ``order`` (step in which the service is asked for, equal steps in
        parallel) and ``bundle_service`` (service under which the merged one is measured after the launch).
    documents : DataFrame, optional
        One row a service and document: ``service_id, document, asked_before, asked_after`` (true or false). Documents
        are matched by code; without this table only bounds are known.

    Returns
    -------
    Bundle

    Raises
    ------
    EffectsError
        Missing columns, a service twice in one situation, two launches of one situation in one region, or no service
        of any situation in the panel.
    """
    frame = panel.frame if isinstance(panel, Panel) else panel
    require(frame, ["region_iso", "service_id", "month", "median_days", "visits"])
    require(situations, ["life_situation", "service_id", "launched"])
    rows = _by_region(situations, frame)
    merged = rows.merge(frame, on=["region_iso", "service_id"], how="inner", suffixes=("", "_panel"))
    if merged.empty:
        raise EffectsError("the panel has none of the services of these life situations")
    months, dropped = _totals(rows, merged)
    months = _measured(months, rows, frame)
    found = Bundle(
        months, _summary(months), _documents(situations, frame, documents), _estimable(months), dropped
    )  # fmt: skip
    return found


def _by_region(situations: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Members of each situation in each region that has all or some of its services."""
    rows = situations.copy()
    for name in ("order", "bundle_service"):
        if name not in rows:
            rows[name] = np.nan if name == "order" else ""
    if "region_iso" not in rows:
        rows = rows.merge(pd.DataFrame({"region_iso": sorted(set(frame["region_iso"]))}), how="cross")
    rows["start"] = [cohort_number(value) for value in rows["launched"]]
    twice = rows.duplicated([*KEY, "service_id"])
    if twice.any():
        first = rows[twice].iloc[0]
        raise EffectsError(f"service {first['service_id']} occurs twice in situation {first['life_situation']}")
    if (rows["start"] != rows.groupby(KEY)["start"].transform("first")).any():
        raise EffectsError("a life situation has two launch months in one region")
    return rows


def _totals(rows: pd.DataFrame, merged: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    members = rows.groupby(KEY)["service_id"].size().rename("n_services")
    if merged.duplicated([*KEY, "service_id", "month"]).any():
        raise EffectsError("a service occurs twice in one region and month")
    own = merged.get("optimised_month")
    starts = pd.Series(NEVER, merged.index) if own is None else own.map(cohort_number)
    number = merged["month"].map(period_number)
    merged = merged.assign(
        number=number,
        own_optimised=(starts != NEVER) & (starts <= number) & (starts != merged["start"]),
        complete=merged["median_days"].notna() & merged["visits"].notna(),
    )
    groups = merged.groupby([*KEY, "month"], sort=True)
    months = groups.agg(
        number=("number", "first"),
        start=("start", "first"),
        launched=("launched", "first"),
        days_low=("median_days", "max"),
        days_high=("median_days", "sum"),
        visits=("visits", "sum"),
        seen=("complete", "sum"),
        own_optimised=("own_optimised", "max"),
    ).reset_index()
    months = months.merge(members.reset_index(), on=KEY)
    missing = months["seen"] < months["n_services"]
    path = _critical_path(merged)
    months = months.merge(path, on=[*KEY, "month"], how="left")
    months.loc[missing, ["days_low", "days_high", "days", "visits"]] = np.nan
    months["days_kind"] = np.where(months["days"].notna(), "critical_path", "bounds")
    months["is_after"] = (months["start"] != NEVER) & (months["number"] >= months["start"])
    absent = int((~rows.set_index(KEY).index.isin(merged.set_index(KEY).index)).sum())
    return months, {
        "month with a missing service": int(missing.sum()),
        "service of a situation in a region without any of its services": absent,
    }


def _critical_path(merged: pd.DataFrame) -> pd.DataFrame:
    """Sum over steps of the slowest service, where the step of every service is known."""
    known = merged.groupby(KEY)["order"].transform(lambda x: x.notna().all())
    steps = merged[known].groupby([*KEY, "month", "order"])["median_days"].max()
    return steps.groupby(level=[0, 1, 2]).sum(min_count=1).rename("days").reset_index()


def _measured(months: pd.DataFrame, rows: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """After the launch the merged service itself is measured, where the panel has it."""
    names = rows.loc[rows["bundle_service"].fillna("") != "", [*KEY, "bundle_service"]].drop_duplicates()
    if names.empty:
        return months
    own = names.merge(frame, left_on=["region_iso", "bundle_service"], right_on=["region_iso", "service_id"])
    own = own[[*KEY, "month", "median_days", "visits"]].rename(
        columns={"median_days": "own_days", "visits": "own_visits"}
    )
    months = months.merge(own, on=[*KEY, "month"], how="left")
    after = (months["is_after"] & months["own_days"].notna()).to_numpy(dtype=bool)
    for name in ("days", "days_low", "days_high"):
        months[name] = np.where(after, months["own_days"], months[name])
    months["visits"] = np.where(after & months["own_visits"].notna(), months["own_visits"], months["visits"])
    months["days_kind"] = np.where(after, "measured", months["days_kind"])
    return months.drop(columns=["own_days", "own_visits"])


def _summary(months: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for when, chosen in (("before", ~months["is_after"]), ("after", months["is_after"])):
        groups = months[chosen & months["days_high"].notna()].groupby(KEY)
        part = groups[["days_low", "days_high", "days", "visits"]].mean()
        part[f"n_{when}"] = groups.size()
        parts.append(part.rename(columns={c: f"{c}_{when}" for c in ("days_low", "days_high", "days", "visits")}))
    table = pd.concat(parts, axis=1).reset_index()
    for name in ("n_before", "n_after"):
        table[name] = table[name].fillna(0).astype(int)
    return table.sort_values(KEY, kind="stable").reset_index(drop=True)


def _documents(situations: pd.DataFrame, frame: pd.DataFrame, documents: pd.DataFrame | None) -> pd.DataFrame:
    members = situations[["life_situation", "service_id"]].drop_duplicates()
    counts = frame.groupby("service_id")["documents"].mean() if "documents" in frame else pd.Series(dtype=float)
    if documents is not None:
        require(documents, ["service_id", "document", "asked_before", "asked_after"])
    rows = []
    for situation, part in members.groupby("life_situation", sort=True):
        services = list(part["service_id"])
        known = documents is not None and set(services) <= set(documents["service_id"])
        if known and documents is not None:
            rows.append(_distinct(str(situation), documents[documents["service_id"].isin(services)]))
        else:
            rows.append(_bounds(str(situation), counts.reindex(services).to_numpy(dtype=float)))
    return pd.DataFrame(rows)


def _distinct(situation: str, asked: pd.DataFrame) -> dict[str, Any]:
    before = asked[asked["asked_before"].astype(bool)]
    first, last = set(before["document"]), set(asked.loc[asked["asked_after"].astype(bool), "document"])
    total = len(before.drop_duplicates(["service_id", "document"]))
    return {
        "life_situation": situation, "kind": "codes", "asked_before": float(total),
        "distinct_before": float(len(first)), "distinct_after": float(len(last)),
        "duplicates": float(total - len(first)), "abolished": float(len(first - last)),
        "added": float(len(last - first)), "low_before": float(len(first)), "high_before": float(len(first)),
        "unit": "documents",
    }  # fmt: skip


def _bounds(situation: str, counts: npt.NDArray[np.float64]) -> dict[str, Any]:
    complete = bool(np.isfinite(counts).all())
    nan = float("nan")
    return {
        "life_situation": situation, "kind": "counts", "asked_before": float(counts.sum()) if complete else nan,
        "distinct_before": nan, "distinct_after": nan, "duplicates": nan, "abolished": nan, "added": nan,
        "low_before": float(counts.max()) if complete else nan,
        "high_before": float(counts.sum()) if complete else nan, "unit": "documents",
    }  # fmt: skip


def _estimable(months: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for situation, part in months.groupby("life_situation", sort=True):
        starts = part.drop_duplicates("region_iso")["start"]
        last = part["number"].max()
        launched = starts[(starts != NEVER) & (starts <= last)]
        if launched.empty:
            why = NOWHERE
        elif len(launched) == len(starts) and (launched == launched.iloc[0]).all():
            why = EVERYWHERE
        else:
            why = ""
        rows.append((situation, why == "", why))
    return pd.DataFrame(rows, columns=["life_situation", "is_estimable", "why"])
