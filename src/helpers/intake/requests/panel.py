"""From logs to the service panel: stage files, take duplicates out, aggregate, attach what is known of services."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import ibis
import numpy as np
import pandas as pd

from helpers.intake.requests import aggregation
from helpers.intake.requests.columns import LogError
from helpers.intake.requests.staging import Staged, check_disk, stage
from helpers.tables import store

MEMORY_LIMIT = "400MB"
ROWS_PER_BUCKET = 4_000_000
SERVICE_COLUMNS = (
    "service_id", "service_name", "level", "life_situation", "statutory_days", "day_unit", "grade", "pre_grade",
    "audit_month", "optimised_month", "agency", "region_iso",
)  # fmt: skip
_TEXTS = ("service_name", "agency")
CONTENT = (
    "region_iso", "service_id", "received", "completed", "documents", "documents_supplied", "visits", "is_online",
    "is_refused", "is_appealed", "rating",
)  # fmt: skip


@dataclass(frozen=True)
class PanelResult:
    """The panel with everything said about it.

    Attributes
    ----------
    panel : DataFrame
        In the schema of ``service_panel`` (monthly grain without municipalities), else the detail itself.
    detail : DataFrame
        All aggregates, calendar and working days side by side.
    counts : DataFrame
        ``log, outcome, rows``: accepted, and refused by reason; they add up to the rows read.
    samples : DataFrame
        Bounded sample of refused rows: ``log, record, reason, column, text``.
    """

    panel: pd.DataFrame
    detail: pd.DataFrame
    counts: pd.DataFrame
    samples: pd.DataFrame


def connect(folder: Path, memory_limit: str = MEMORY_LIMIT, threads: int = 2) -> duckdb.DuckDBPyConnection:
    """DuckDB with an explicit memory limit, spilling into the staging folder."""
    spill = folder / "spill"
    spill.mkdir(parents=True, exist_ok=True)
    return duckdb.connect(
        config={
            "memory_limit": memory_limit,
            "threads": threads,
            "temp_directory": str(spill),
            "preserve_insertion_order": False,
        }
    )


def make(
    logs: list[Path],
    folder: Path,
    as_of: date,
    services: pd.DataFrame,
    *,
    is_synthetic: bool = False,
    period: str = "month",
    by_municipality: bool = False,
    memory_limit: str = MEMORY_LIMIT,
    threads: int = 2,
    say: Callable[[str], None] = lambda text: None,
    progress: Callable[[int], None] = lambda rows: None,
) -> PanelResult:
    """Panel of one or many logs.

    Parameters
    ----------
    logs : list of Path
        Logs of any supported kind; the same application in two of them is a duplicate.
    folder : Path
        Where staged rows and spilled data may lie; staged rows stay for a resumed run until `clear`.
    as_of : date
        Day on which the logs were taken.
    services : DataFrame
        What is known of services (`SERVICE_COLUMNS`; absent columns are empty), one row a service, or a service
        and region.

    Raises
    ------
    LogError
        If a log cannot be read or understood, or the disk will not do.
    """
    if not logs:
        raise LogError("no log was named")
    for log in logs:
        if not log.is_file() or log.stat().st_size == 0:
            raise LogError(f"{log} is missing or empty")
    folder.mkdir(parents=True, exist_ok=True)
    say(check_disk(logs, folder))
    vocabulary, overrides = store.reference("request_columns"), store.reference("column_overrides")
    staged = [stage(log, folder, as_of, vocabulary, overrides, progress) for log in logs]
    connection = connect(folder, memory_limit, threads)
    try:
        rows_sql = _rows_sql(staged)
        connection.execute(f"CREATE VIEW staged AS {rows_sql}")
        duplicates = _find_duplicates(connection, sum(one.accepted for one in staged))
        connection.register("duplicates", duplicates)
        connection.execute(
            "CREATE VIEW rows AS SELECT * FROM staged ANTI JOIN duplicates USING (file, record)"
            if len(duplicates)
            else "CREATE VIEW rows AS SELECT * FROM staged"
        )
        known = _services(services)
        detail = _aggregate(connection, known, period, by_municipality)
    except duckdb.Error as error:
        raise LogError(f"the logs cannot be aggregated ({error}); free memory or disk, then run again") from error
    finally:
        connection.close()
    counts, samples = _account(staged, duplicates)
    is_table = period == "month" and not by_municipality
    panel = to_service_panel(detail, known, is_synthetic) if is_table else detail
    return PanelResult(panel, detail, counts, samples)


def _rows_sql(staged: list[Staged]) -> str:
    parts = []
    for number, one in enumerate(staged):
        path = one.rows_file.replace("'", "''")
        parts.append(f"SELECT *, {number}::INTEGER AS file FROM read_parquet('{path}')")  # noqa: S608 - our own paths
    return " UNION ALL ".join(parts)


def _find_duplicates(connection: duckdb.DuckDBPyConnection, rows: int) -> pd.DataFrame:
    """Rows to leave out: later copies of equal rows, and every row of an id whose rows differ; bucket by bucket."""
    buckets = max(1, -(-rows // ROWS_PER_BUCKET))
    found = [
        connection.execute(
            "SELECT application_id FROM staged WHERE hash(application_id) % ? = ? GROUP BY 1 HAVING count(*) > 1",
            [buckets, bucket],
        ).df()
        for bucket in range(buckets)
    ]
    repeated = pd.concat(found, ignore_index=True)
    empty = pd.DataFrame(
        {"file": pd.Series(dtype="int32"), "record": pd.Series(dtype="int64"), "reason": pd.Series(dtype="str")}
    )
    if repeated.empty:
        return empty
    connection.register("repeated", repeated)
    columns = ", ".join(f"CAST({name} AS VARCHAR)" for name in CONTENT)
    copies = connection.execute(
        f"SELECT file, record, application_id, concat_ws('|', {columns}) AS content"  # noqa: S608 - our own columns
        " FROM staged SEMI JOIN repeated USING (application_id) ORDER BY file, record"
    ).df()
    copies["content"] = copies["content"].fillna("")
    differs = copies.groupby("application_id")["content"].transform("nunique") > 1
    is_later = copies.duplicated("application_id")
    copies["reason"] = np.where(differs, "duplicate_conflict", "duplicate_exact")
    return copies.loc[differs | is_later, ["file", "record", "reason"]].reset_index(drop=True)


def _services(services: pd.DataFrame) -> pd.DataFrame:
    known = services.reindex(columns=list(SERVICE_COLUMNS)).astype("object")
    known = known.where(known.notna(), "")
    known["statutory_days"] = pd.to_numeric(known["statutory_days"], errors="coerce")
    known["day_unit"] = known["day_unit"].where(known["day_unit"] != "", "calendar_day").astype("str")
    repeated = known.duplicated(["service_id", "region_iso"])
    if repeated.any():
        raise LogError(
            f"services repeat {known.loc[repeated, 'service_id'].tolist()[:5]}; one row a service and region"
        )
    return known


def _aggregate(
    connection: duckdb.DuckDBPyConnection, known: pd.DataFrame, period: str, by_municipality: bool
) -> pd.DataFrame:
    backend = ibis.duckdb.from_connection(connection)
    terms = known.drop_duplicates("service_id")[["service_id", "statutory_days", "day_unit"]]
    terms = terms.astype({"service_id": "str", "statutory_days": "float64"})
    connection.register("service_terms", terms)
    expression = aggregation.panel(
        backend.table("rows"), backend.table("service_terms"), period=period, by_municipality=by_municipality
    )
    detail = expression.to_pandas()
    numbers = [
        column for column in detail if column not in ("region_iso", "service_id", "period", "municipality", *_TEXTS)
    ]
    return detail.astype(dict.fromkeys(numbers, "float64")).astype({column: "str" for column in _TEXTS})


def _account(staged: list[Staged], duplicates: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Counts by log and outcome, and samples of the refused, duplicates included."""
    lines, samples = [], []
    for number, one in enumerate(staged):
        own = duplicates[duplicates["file"] == number]
        lines.append((one.log, "accepted", one.accepted - len(own)))
        lines += [(one.log, reason, count) for reason, count in sorted(one.refused.items())]
        lines += [(one.log, str(reason), len(part)) for reason, part in own.groupby("reason")]
        samples += [(one.log, *sample) for sample in one.samples]
        samples += [
            (one.log, int(r), reason, "", "")
            for r, reason in own[["record", "reason"]].head(100).itertuples(index=False)
        ]
    return (
        pd.DataFrame(lines, columns=["log", "outcome", "rows"]),
        pd.DataFrame(samples, columns=["log", "record", "reason", "column", "text"]),
    )


def to_service_panel(detail: pd.DataFrame, known: pd.DataFrame, is_synthetic: bool) -> pd.DataFrame:
    """The monthly detail in the schema of ``service_panel``; days in each service's own unit, never mixed."""
    facts = _facts(detail, known)

    def fact(column: str) -> pd.Series:
        return facts[column]

    unit = fact("day_unit").replace("", "calendar_day")
    working = unit == "working_day"
    frame = pd.DataFrame(
        {
            "region_iso": detail["region_iso"], "service_id": detail["service_id"], "month": detail["period"],
            "service_name": fact("service_name").where(fact("service_name") != "", detail["service_name"].fillna("")),
            "agency": fact("agency").where(fact("agency") != "", detail["agency"].fillna("")),
            "level": fact("level"), "life_situation": fact("life_situation"), "grade": fact("grade"),
            "pre_grade": fact("pre_grade"), "audit_month": fact("audit_month"), "is_audit_window": False,
            "optimised_month": fact("optimised_month"), "applications": detail["applications"],
            "day_unit": unit, "statutory_days": pd.to_numeric(fact("statutory_days"), errors="coerce"),
            "in_term_share": detail["in_term_share"], "open_count": detail["open_count"],
            "documents": detail["documents"], "visits": detail["visits"], "online_share": detail["online_share"],
            "refusal_share": detail["refusal_share"], "is_synthetic": is_synthetic,
        }
    )  # fmt: skip
    for ours, name in (("median_days", "median"), ("q25_days", "q25"), ("q75_days", "q75")):
        frame[ours] = detail[f"{name}_working_days"].where(working, detail[f"{name}_calendar_days"])
    audit = frame["audit_month"].astype("str")
    frame["is_audit_window"] = (audit != "") & (frame["month"] >= audit) & (frame["month"] < audit.map(_window_end))
    return store.validate("service_panel", frame, "panel of the logs")


def _facts(detail: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """What is known of each row's service: the row of its region, else the row for all regions, else nothing."""
    keys = detail[["service_id", "region_iso"]]
    own = keys.merge(known[known["region_iso"] != ""], how="left", on=["service_id", "region_iso"])
    everywhere = known[known["region_iso"] == ""].drop(columns="region_iso")
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
