"""Request log → monthly panel: ours, a bare streaming reader → DuckDB, polars and pandas in chunks, on the same work.

    python benchmarks/requests.py [--rows 2000000] [--rounds 3] [--flat 1000000,10000000]

Each engine runs in a process of its own, interleaved, and prints CPU seconds, wall seconds, peak memory and the ratio
to the bare version. The work: read a cp1251 log with ``;``, parse days and numbers, leave repeated ids out, count and
sum by service, region and month, median of calendar days. ``--flat`` then shows our peak memory at several sizes.
"""

import sys

sys.path.pop(0)  # this file must not stand in for the library of the same name

import argparse
import datetime
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

AS_OF = datetime.date(2024, 12, 31)
COLUMNS = ("id", "region", "service", "channel", "received", "completed", "documents", "visits", "refusal", "rating")
SQL = """
WITH typed AS (
    SELECT id, region, service, TRY_STRPTIME(received, '%d.%m.%Y')::DATE AS r,
           COALESCE(TRY_STRPTIME(NULLIF(completed, ''), '%d.%m.%Y')::DATE, DATE '2024-12-31') AS c,
           completed = '' AS is_open, TRY_CAST(documents AS INT) AS d, TRY_CAST(visits AS INT) AS v,
           channel LIKE '%Портал%' AS online, refusal = 'да' AS refused, TRY_CAST(NULLIF(rating, '') AS INT) AS rating
    FROM {source}
), good AS (
    SELECT * FROM typed WHERE r IS NOT NULL AND c >= r
), single AS (
    SELECT * FROM good QUALIFY count(*) OVER (PARTITION BY id) = 1
), days AS (
    SELECT region, service, strftime(r, '%Y-%m') AS month, c - r AS days, count(*) AS n, sum(is_open::INT) AS o,
           sum(d) AS d, sum(v) AS v, sum(online::INT) AS online, sum(refused::INT) AS refused, sum(rating) AS rating
    FROM single GROUP BY ALL
)
SELECT region, service, month, sum(n), sum(o), sum(d), sum(v), sum(online), sum(refused), sum(rating),
       quantile_disc(days, 0.5) FROM days GROUP BY ALL
"""


def ours(path: Path, folder: Path) -> int:
    """The product: typed by the cleaner's parsers, staged, duplicates told apart, calendar and working days."""
    from helpers.intake.requests import panel
    from helpers.synthetic import request_log

    return len(panel.make([path], folder, AS_OF, request_log.services(), is_synthetic=True).panel)


def bare(path: Path, folder: Path) -> int:
    """Pyarrow streams the log into DuckDB, which does everything in SQL."""
    import duckdb
    import pyarrow.csv as pc

    reader = pc.open_csv(  # noqa: F841 - DuckDB finds it by name
        path,
        read_options=pc.ReadOptions(encoding="cp1251", column_names=COLUMNS, skip_rows=1, block_size=8 << 20),
        parse_options=pc.ParseOptions(delimiter=";"),
        convert_options=pc.ConvertOptions(column_types=dict.fromkeys(COLUMNS, "string"), strings_can_be_null=False),
    )
    connection = duckdb.connect(config={"memory_limit": "400MB", "threads": 2, "temp_directory": str(folder)})
    return len(connection.execute(SQL.format(source="reader")).fetchall())


def with_polars(path: Path, folder: Path) -> int:
    """Transcoded to utf-8, then polars' streaming engine."""
    import polars as pl

    copy = folder / "utf8.csv"
    with path.open(encoding="cp1251", newline="") as source, copy.open("w", encoding="utf-8", newline="") as sink:
        while piece := source.read(1 << 22):
            sink.write(piece)
    frame = pl.scan_csv(
        copy, separator=";", new_columns=list(COLUMNS), infer_schema=False, missing_utf8_is_empty_string=True
    )
    day = [pl.col(name).str.to_date("%d.%m.%Y", strict=False) for name in ("received", "completed")]
    typed = frame.with_columns(*day, is_open=pl.col("completed") == "").with_columns(
        pl.col("completed").fill_null(AS_OF), pl.col("documents", "visits", "rating").cast(pl.Int32, strict=False)
    )
    good = typed.filter(pl.col("received").is_not_null() & (pl.col("completed") >= pl.col("received")))
    single = good.filter(pl.len().over("id") == 1)
    out = single.group_by("region", "service", pl.col("received").dt.strftime("%Y-%m")).agg(
        pl.len(), pl.col("documents", "visits", "rating").sum(), pl.col("is_open").sum(),
        (pl.col("completed") - pl.col("received")).dt.total_days().median(),
    )  # fmt: skip
    return out.collect(engine="streaming").height


def with_pandas(path: Path, folder: Path) -> int:
    """Pandas in chunks; repeated ids are kept in a set, days in lists by group."""
    import pandas as pd

    parts = []
    for chunk in pd.read_csv(
        path, sep=";", encoding="cp1251", names=COLUMNS, skiprows=1, dtype=str, keep_default_na=False, chunksize=500_000
    ):
        received = pd.to_datetime(chunk["received"], format="%d.%m.%Y", errors="coerce")
        completed = pd.to_datetime(chunk["completed"], format="%d.%m.%Y", errors="coerce").fillna(pd.Timestamp(AS_OF))
        good = received.notna() & (completed >= received)
        parts.append(
            pd.DataFrame(
                {
                    "id": chunk["id"], "region": chunk["region"], "service": chunk["service"],
                    "month": received.dt.strftime("%Y-%m"), "days": (completed - received).dt.days,
                    "documents": pd.to_numeric(chunk["documents"]), "visits": pd.to_numeric(chunk["visits"]),
                }
            )[good]
        )  # fmt: skip
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[~rows["id"].duplicated(keep=False)]
    grouped = rows.groupby(["region", "service", "month"])
    return len(grouped.agg({"documents": "sum", "visits": "sum", "days": "median"}))


ENGINES = {"bare": bare, "ours": ours, "polars": with_polars, "pandas": with_pandas}


def _peak_mb() -> float:
    """High-water mark of this process alone (ru_maxrss would start from that of the parent)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def measure(engine: str, path: Path) -> tuple[float, float, float]:
    """CPU seconds, wall seconds and peak MB of one engine in a process of its own."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, __file__, "--engine", engine, "--log", str(path), "--folder", folder],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        wall = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else engine)
    cpu, peak = map(float, done.stdout.split()[-2:])
    return cpu, wall, peak


def main() -> None:
    """Write the log, run the engines in turn, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--flat", default="")
    parser.add_argument("--engine", choices=ENGINES)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.engine:
        ENGINES[options.engine](options.log, options.folder)
        used, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        cpu = used.ru_utime + used.ru_stime + children.ru_utime + children.ru_stime
        print(f"{cpu:.3f} {_peak_mb():.1f}")
        return
    from helpers.synthetic import request_log

    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.csv"
        request_log.write(log, options.rows, seed=1)
        print(f"{options.rows:,} rows, {log.stat().st_size / 1e6:.0f} MB, medians of {options.rounds}")
        results: dict[str, list[tuple[float, float, float]]] = {}
        for _ in range(options.rounds):
            for engine in ENGINES:
                try:
                    results.setdefault(engine, []).append(measure(engine, log))
                except RuntimeError as error:
                    results.setdefault(engine, [])
                    print(f"{engine}: not measured ({error})")
        base = statistics.median(cpu for cpu, _, _ in results["bare"])
        print(f"{'engine':8} {'CPU s':>8} {'wall s':>8} {'peak MB':>8} {'CPU / bare':>11}")
        for engine, runs in results.items():
            if runs:
                cpu, wall, peak = (statistics.median(column) for column in zip(*runs, strict=True))
                print(f"{engine:8} {cpu:8.1f} {wall:8.1f} {peak:8.0f} {cpu / base:11.2f}")
        for rows in (int(text) for text in options.flat.split(",") if text):
            request_log.write(log, rows, seed=1)
            cpu, wall, peak = measure("ours", log)
            print(f"ours at {rows:>12,} rows: {cpu:.1f} CPU s, {wall:.1f} s, peak {peak:.0f} MB")


if __name__ == "__main__":
    main()
