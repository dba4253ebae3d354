"""From logs to the service panel: stage files, take duplicates out, aggregate, attach what is known of services."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import ibis
import pandas as pd

from helpers.intake.requests import aggregation, duplicates
from helpers.intake.requests import services as service_facts
from helpers.intake.requests.columns import LogError
from helpers.intake.requests.rows import FIRST_DAY, LAST_DAY
from helpers.intake.requests.staging import Disk, Staged, plan_disk, stage

MEMORY_LIMIT = "200MB"
_KEYS = ("region_iso", "service_id", "period", "municipality", "service_name", "agency")


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
        Bounded sample of refused rows: ``log, record, line, reason, column, text``.
    unknown_columns : dict
        Log → labels that were not recognised and not used.
    """

    panel: pd.DataFrame
    detail: pd.DataFrame
    counts: pd.DataFrame
    samples: pd.DataFrame
    unknown_columns: dict[str, list[str]]


@dataclass(frozen=True)
class Options:
    """How the panel is made; the result does not depend on memory, threads, or who listens."""

    period: str = "month"
    by_municipality: bool = False
    memory_limit: str = MEMORY_LIMIT
    threads: int = 2
    say: Callable[[str], None] = lambda text: None
    progress: Callable[[int, int], None] = lambda bytes_read, rows: None


def connect(
    folder: Path, spilled: int, memory_limit: str = MEMORY_LIMIT, threads: int = 2
) -> duckdb.DuckDBPyConnection:
    """DuckDB with an explicit memory limit, spilling at most so many bytes into the staging folder."""
    spill = folder / "spill"
    shutil.rmtree(spill, ignore_errors=True)  # what a killed run left
    spill.mkdir(parents=True)
    return duckdb.connect(
        config={
            "memory_limit": memory_limit,
            "threads": threads,
            "temp_directory": str(spill),
            "max_temp_directory_size": f"{spilled // 1_000_000}MB",
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
    options: Options = Options(),
) -> PanelResult:
    """Panel of one or many logs.

    Parameters
    ----------
    logs : list of Path
        Logs of any supported kind; the same application in two of them is a duplicate.
    folder : Path
        Where staged rows and spilled data may lie; staged rows stay for a resumed run.
    as_of : date
        Day on which the logs were taken.
    services : DataFrame
        What is known of services (`services.SERVICE_COLUMNS`; absent columns are empty), one row a service, or a
        service and region.

    Raises
    ------
    LogError
        If a log cannot be read or understood, or the disk will not do.
    """
    _check(logs, as_of)
    known = service_facts.known(services)
    folder.mkdir(parents=True, exist_ok=True)
    disk = plan_disk(logs, folder)
    options.say(disk.sentence())
    staged = _stage_all(logs, folder, as_of, options)
    detail, counts, samples = _aggregated(staged, known, folder, disk, options)
    is_table = options.period == "month" and not options.by_municipality
    panel = service_facts.to_service_panel(detail, known, is_synthetic) if is_table else detail
    return PanelResult(panel, detail, counts, samples, {one.log: one.unknown_columns for one in staged})


def _check(logs: list[Path], as_of: date) -> None:
    if not logs:
        raise LogError("no log was named")
    for log in logs:
        if not log.is_file() or log.stat().st_size == 0:
            raise LogError(f"{log} is missing or empty")
    if len(set(logs)) < len(logs):
        raise LogError("a log is named twice; every application in it would be a duplicate")
    if not FIRST_DAY <= as_of.toordinal() <= LAST_DAY:
        raise LogError(f"{as_of} is outside 2000–2040; write the day on which the logs were taken")


def _stage_all(logs: list[Path], folder: Path, as_of: date, options: Options) -> list[Staged]:
    staged: list[Staged] = []
    for number, log in enumerate(logs):
        before = sum(one.stat().st_size for one in logs[:number])
        rows_before = sum(one.read for one in staged)
        staged.append(
            stage(
                log, folder, as_of,
                lambda position, rows, b=before, r=rows_before: options.progress(b + position, r + rows),  # type: ignore[misc]
            )
        )  # fmt: skip
    return staged


def _aggregated(
    staged: list[Staged], known: pd.DataFrame, folder: Path, disk: Disk, options: Options
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The same as `_aggregate`, on a connection that leaves nothing behind."""
    try:
        connection = connect(folder, disk.spilled, options.memory_limit, options.threads)
        try:
            return _aggregate(connection, staged, known, options)
        finally:
            connection.close()
    except duckdb.Error as error:
        why = str(error).splitlines()[0]
        raise LogError(
            f"the logs cannot be aggregated ({why}); give more --memory, or free disk, and run again"
        ) from error
    finally:
        shutil.rmtree(folder / "spill", ignore_errors=True)


def _aggregate(
    connection: duckdb.DuckDBPyConnection, staged: list[Staged], known: pd.DataFrame, options: Options
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The detail, the counts by outcome, and the sample of refused rows."""
    connection.execute(f"CREATE VIEW staged AS {_rows_sql(staged)}")
    duplicates.find(connection, [Path(one.rows_file) for one in staged], sum(one.accepted for one in staged))
    repeated = duplicates.counts(connection)
    single = "staged ANTI JOIN duplicates USING (place)" if len(repeated) else "staged"
    connection.execute(f"CREATE VIEW rows AS SELECT * FROM {single}")  # noqa: S608 - one of two texts above
    connection.register("service_terms", service_facts.terms(known))
    backend = ibis.duckdb.from_connection(connection)
    expression = aggregation.panel(
        backend.table("rows"), backend.table("service_terms"),
        period=options.period, by_municipality=options.by_municipality,
    )  # fmt: skip
    detail = expression.to_pandas()
    kinds = {column: "str" if column in _KEYS else "float64" for column in detail}
    return detail.astype(kinds), _counts(staged, repeated), _samples(staged, duplicates.samples(connection))


def _rows_sql(staged: list[Staged]) -> str:
    parts = []
    for number, one in enumerate(staged):
        path = one.rows_file.replace("'", "''")
        parts.append(
            f"SELECT *, {number}::INTEGER AS file, ({number}::BIGINT << 40) + record AS place"  # noqa: S608 - our own
            f" FROM read_parquet('{path}')"
        )
    return " UNION ALL ".join(parts)


def _counts(staged: list[Staged], repeated: pd.DataFrame) -> pd.DataFrame:
    """Rows by log and outcome; by log they add up to the rows read."""
    lines = []
    for number, one in enumerate(staged):
        own = repeated[repeated["file"] == number]
        lines.append((one.log, "accepted", one.accepted - int(own["rows"].sum())))
        refused = one.refused | dict(zip(own["reason"], own["rows"].astype("int"), strict=True))
        lines += [(one.log, reason, count) for reason, count in sorted(refused.items())]
    return pd.DataFrame(lines, columns=["log", "outcome", "rows"])


def _samples(staged: list[Staged], repeated: pd.DataFrame) -> pd.DataFrame:
    """Samples of the refused rows of all logs, duplicates included."""
    lines = [(one.log, *sample) for one in staged for sample in one.samples]
    lines += [
        (staged[row.file].log, row.record, row.line, row.reason, "", f"application_id={row.application_id}")
        for row in repeated.itertuples(index=False)
    ]
    return pd.DataFrame(lines, columns=["log", "record", "line", "reason", "column", "text"])
