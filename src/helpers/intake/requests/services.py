"""What is known of services, and the panel of logs in the schema of ``service_panel``."""

import pandas as pd

from helpers.intake.requests.columns import LogError
from helpers.tables import store

SERVICE_COLUMNS = (
    "service_id", "service_name", "level", "life_situation", "statutory_days", "day_unit", "grade", "pre_grade",
    "audit_month", "optimised_month", "agency", "region_iso",
)  # fmt: skip
_UNITS = ("calendar_day", "working_day")


def known(services: pd.DataFrame) -> pd.DataFrame:
    """Services with all of `SERVICE_COLUMNS`, one row a service, or a service and region.

    Raises
    ------
    LogError
        If rows repeat, or a unit or a term is none.
    """
    table = services.reindex(columns=list(SERVICE_COLUMNS)).astype("object")
    table = table.where(table.notna(), "")
    terms = pd.to_numeric(table["statutory_days"], errors="coerce")
    wrong = table[(terms.isna() & (table["statutory_days"] != "")) | (terms < 0)]
    if len(wrong):
        raise LogError(f"services: statutory_days is «{wrong['statutory_days'].iloc[0]}»; write a number of days")
    table["statutory_days"] = terms
    table["day_unit"] = table["day_unit"].where(table["day_unit"] != "", _UNITS[0]).astype("str")
    strange = set(table["day_unit"]) - set(_UNITS)
    if strange:
        raise LogError(f"services: day_unit is «{min(strange)}»; write {' or '.join(_UNITS)}")
    repeated = table.duplicated(["service_id", "region_iso"])
    if repeated.any():
        raise LogError(
            f"services repeat {table.loc[repeated, 'service_id'].tolist()[:5]}; one row a service and region"
        )
    return table


def terms(services: pd.DataFrame) -> pd.DataFrame:
    """The part of known services that the aggregation needs."""
    kinds = {"service_id": "str", "region_iso": "str", "statutory_days": "float64", "day_unit": "str"}
    return services[list(kinds)].astype(kinds)


def to_service_panel(detail: pd.DataFrame, services: pd.DataFrame, is_synthetic: bool) -> pd.DataFrame:
    """The monthly detail in the schema of ``service_panel``; days in each service's own unit, never mixed.

    Parameters
    ----------
    detail : DataFrame
        Monthly result of `aggregation.panel`.
    services : DataFrame
        See `known`.
    """
    facts = _facts(detail, services)
    frame = facts[["level", "life_situation", "grade", "pre_grade", "audit_month", "optimised_month"]].assign(
        region_iso=detail["region_iso"], service_id=detail["service_id"], month=detail["period"],
        service_name=_first(facts["service_name"], detail["service_name"]),
        agency=_first(facts["agency"], detail["agency"]), day_unit=facts["day_unit"].replace("", _UNITS[0]),
        statutory_days=pd.to_numeric(facts["statutory_days"], errors="coerce"), is_synthetic=is_synthetic,
    )  # fmt: skip
    same = ("applications", "open_count", "in_term_share", "documents", "visits", "online_share", "refusal_share")
    frame[list(same)] = detail[list(same)]
    working = frame["day_unit"] == "working_day"
    for ours, name in (("median_days", "median"), ("q25_days", "q25"), ("q75_days", "q75")):
        frame[ours] = detail[f"{name}_working_days"].where(working, detail[f"{name}_calendar_days"])
    audit = frame["audit_month"].astype("str")
    frame["is_audit_window"] = (audit != "") & (frame["month"] >= audit) & (frame["month"] < audit.map(_window_end))
    return store.validate("service_panel", frame, "panel of the logs")


def _first(stated: pd.Series, of_log: pd.Series) -> pd.Series:
    return stated.where(stated != "", of_log.fillna(""))


def _facts(detail: pd.DataFrame, services: pd.DataFrame) -> pd.DataFrame:
    """What is known of each row's service: the row of its region, else the row for all regions, else nothing."""
    keys = detail[["service_id", "region_iso"]]
    own = keys.merge(services[services["region_iso"] != ""], how="left", on=["service_id", "region_iso"])
    everywhere = services[services["region_iso"] == ""].drop(columns="region_iso")
    general = keys.merge(everywhere, how="left", on="service_id")
    has_own = own["day_unit"].notna()
    facts = own.where(has_own, general)
    texts = [column for column in SERVICE_COLUMNS if column != "statutory_days"]
    facts[texts] = facts[texts].fillna("").astype("str")
    return facts.set_index(detail.index)


def _window_end(audit_month: str) -> str:
    """First month after the three-month audit window that starts in ``audit_month``."""
    if not audit_month:
        return ""
    year, month = int(audit_month[:4]), int(audit_month[5:7]) + 3
    return f"{year + (month - 1) // 12:04d}-{(month - 1) % 12 + 1:02d}"
