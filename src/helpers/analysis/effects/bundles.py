"""Life situations: services that people need together, before and after they are merged into one.

Totals over a bundle are arithmetic, not effects: ``Bundle.panel`` makes the panel of life situations by region on
which the estimators of this package ask what bundling changed.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.analysis.effects.bundle_documents import KEY, asked
from helpers.analysis.effects.coding import NEVER, EffectsError, cohort_number, period_number, require
from helpers.analysis.effects.panel import Panel

EVERYWHERE = "launched everywhere in the same month: no comparison, description only"
NOWHERE = "not launched anywhere: no effect to estimate"
MISSING = "month with a missing service"
MIXED = "month of services measured in different kinds of days"
ABSENT = "service of a situation in a region without any of its services"
OWN = "month since a service of the situation was optimised on its own: a second treatment"
NO_CONTRAST = "month of a situation launched everywhere at once: nothing to compare with"
OTHER_DAYS = "month measured in another kind of days"
_TOTALS = ("days_low", "days_high", "days", "visits", "documents")
_MEANS = ("days_low", "days_high", "days", "visits")


@dataclass(frozen=True, eq=False)
class Bundle:
    """Life situations by region and month.

    Attributes
    ----------
    months : DataFrame
        One row a situation, region and month: ``life_situation, region_iso, month, is_after, days_low`` (all services
        at once), ``days_high`` (one after another), ``days`` (where one number is known), ``days_kind`` (measured,
        critical_path or bounds), ``day_unit, visits`` (of one applicant where applications are known), ``documents``
        (asked of one applicant), ``n_services, launched, own_optimised`` (a service of the bundle was optimised on
        its own by then). A month with a missing service has no totals.
    summary : DataFrame
        One row a situation and region: means of the months before and after the launch, ``…_before``, ``…_after``,
        ``n_before``, ``n_after``. What differs between them is not an effect.
    documents : DataFrame
        One row a situation and region: see :func:`helpers.analysis.effects.bundle_documents.asked`.
    estimable : DataFrame
        ``life_situation, is_estimable, why``.
    dropped : dict
        Rows left out of the totals, by reason.
    """

    months: pd.DataFrame
    summary: pd.DataFrame
    documents: pd.DataFrame
    estimable: pd.DataFrame
    dropped: dict[str, int]

    def comparable(self) -> tuple[pd.DataFrame, dict[str, int]]:
        """Months from which the effect of a launch may be estimated, and how many were left out and why.

        Returns
        -------
        tuple
            Rows of ``months`` with totals, of one kind of days (the most frequent), of situations that were launched
            in some regions and not yet in others or nowhere, before any service was optimised on its own; and the
            number of rows left out by reason.

        Raises
        ------
        EffectsError
            No situation with a comparison.
        """
        if not self.estimable["is_estimable"].any():
            raise EffectsError("no life situation was launched in some regions and not yet in others")
        rows = self.months[self.months["days_high"].notna()]
        alone = self.estimable.loc[self.estimable["why"] == EVERYWHERE, "life_situation"]
        usual = rows["day_unit"].mode()
        left_out = {}
        for reason, bad in (
            (NO_CONTRAST, rows["life_situation"].isin(alone)),
            (OWN, rows["own_optimised"]),
            (OTHER_DAYS, rows["day_unit"] != (usual.iloc[0] if len(usual) else "")),
        ):
            gone = bad.loc[rows.index]
            left_out[reason] = int(gone.sum())
            rows = rows[~gone]
        return rows, left_out

    def panel(self, days: str = "days_high") -> Panel:
        """Panel of situations by region for the effect of bundling.

        Parameters
        ----------
        days : {"days_high", "days_low", "days"}
            Which total becomes ``log_days``.

        Returns
        -------
        Panel
            Unit: situation × region; treatment: launch there; cluster: region; stratum: situation, so that a launch
            is compared with the same situation where it is not launched yet; outcomes ``log_days``, ``visits`` and
            ``documents``. What is left out: :meth:`comparable`.

        Raises
        ------
        EffectsError
            No situation with a comparison, or nothing that :class:`Panel` accepts.
        """
        frame = self.comparable()[0]
        frame = frame[frame[days] > 0].assign(log_days=lambda x: np.log(x[days]))
        return Panel(frame, unit=KEY, time="month", cohort="launched", cluster="region_iso", strata="life_situation")


def bundle(panel: Panel | pd.DataFrame, situations: pd.DataFrame, documents: pd.DataFrame | None = None) -> Bundle:
    """Total time, distinct documents and visits of life situations, before and after their launch.

    Parameters
    ----------
    panel : Panel or DataFrame
        One row a region, service and month: ``region_iso, service_id, month, median_days, visits``; where known
        ``documents, applications`` (visits are then of one applicant), ``day_unit`` and ``optimised_month``.
    situations : DataFrame
        One row a situation and service: ``life_situation, service_id, launched`` (month; blank = not yet), optional
        ``region_iso`` (services and launch of that region alone), ``order`` (step in which the service is asked for,
        equal steps in parallel) and ``bundle_service`` (service under which the merged one is measured after the
        launch).
    documents : DataFrame, optional
        One row a service and document: ``service_id, document, asked_before, asked_after`` (true or false), optional
        ``region_iso``, ``life_situation``. Documents are matched by code; without this table only bounds are known.

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
    merged = rows.merge(_known(frame), on=["region_iso", "service_id"], how="inner", suffixes=("", "_panel"))
    if merged.empty:
        raise EffectsError("the panel has none of the services of these life situations")
    merged["number"] = merged["month"].map(period_number)
    months, dropped = _totals(rows, merged)
    months = _measured(months, rows, _known(frame))
    before = merged[(merged["start"] == NEVER) | (merged["number"] < merged["start"])]
    return Bundle(months, _summary(months), asked(rows, before, documents), _estimable(months), dropped)


def _known(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of the panel that totals are made of; visits of one applicant where applications are known."""
    names = ("region_iso", "service_id", "month", "median_days", "day_unit", "visits", "documents", "optimised_month")
    found = frame[[name for name in names if name in frame]].copy()
    if "applications" in frame:
        found["visits"] = frame["visits"] / frame["applications"].where(frame["applications"] > 0)
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
    if merged.duplicated([*KEY, "service_id", "month"]).any():
        raise EffectsError("a service occurs twice in one region and month")
    own = merged.get("optimised_month")
    starts = pd.Series(NEVER, merged.index) if own is None else own.map(cohort_number)
    merged = merged.assign(
        own_optimised=(starts != NEVER) & (starts <= merged["number"]) & (starts != merged["start"]),
        complete=merged["median_days"].notna() & merged["visits"].notna(),
        day_unit=merged.get("day_unit", "day"),
        documents=merged.get("documents", np.nan),
    )
    groups = merged.groupby([*KEY, "month"], sort=True)
    months = groups.agg(
        number=("number", "first"),
        start=("start", "first"),
        launched=("launched", "first"),
        day_unit=("day_unit", "first"),
        units=("day_unit", "nunique"),
        days_low=("median_days", "max"),
        days_high=("median_days", "sum"),
        visits=("visits", "sum"),
        documents=("documents", "sum"),
        counted=("documents", "count"),
        seen=("complete", "sum"),
        own_optimised=("own_optimised", "max"),
    ).reset_index()
    members = rows.groupby(KEY)["service_id"].size().rename("n_services")
    months = months.merge(members.reset_index(), on=KEY).merge(_critical_path(merged), on=[*KEY, "month"], how="left")
    missing, mixed = months["seen"] < months["n_services"], months["units"] > 1
    months.loc[missing | mixed, list(_TOTALS)] = np.nan
    months.loc[mixed, "day_unit"] = ""
    months.loc[months["counted"] < months["n_services"], "documents"] = np.nan
    months["days_kind"] = np.where(months["days"].notna(), "critical_path", "bounds")
    months["is_after"] = (months["start"] != NEVER) & (months["number"] >= months["start"])
    absent = int((~rows.set_index(KEY).index.isin(merged.set_index(KEY).index)).sum())
    dropped = {MISSING: int(missing.sum()), MIXED: int((mixed & ~missing).sum()), ABSENT: absent}
    return months.drop(columns=["units", "counted"]), dropped


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
        part = groups[list(_MEANS)].mean()
        part[f"n_{when}"] = groups.size()
        parts.append(part.rename(columns={name: f"{name}_{when}" for name in _MEANS}))
    table = pd.concat(parts, axis=1).reset_index()
    for name in ("n_before", "n_after"):
        table[name] = table[name].fillna(0).astype(int)
    return table.sort_values(KEY, kind="stable").reset_index(drop=True)


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
