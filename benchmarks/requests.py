"""Request log → monthly panel: ours and others on the same generated log, interleaved, each in a process of its own.

    python benchmarks/requests.py [--rows 2000000] [--rounds 3] [--engines bare,ours] [--flat 1000000,4000000]

Prints CPU seconds, wall seconds, peak memory and the ratio to the bare version.

``bare`` is what a practised hand would write for this one log: pyarrow streams it into a table of DuckDB, and SQL makes
*the same panel*, equal number by number (the run fails if it is not): the same rows refused, duplicates by number
told apart, calendar and working days, quartiles and ninth decile of both by Kaplan–Meier, share in term, sums. It is
given what ours finds out: encoding, separator, labels, the one format of dates, the spelling of each region with its
code, the calendar of working days. It keeps no sample of refused rows, counts no reasons, and cannot resume. DuckDB may
take 1 GB in it: with 400 MB it fails at twenty million rows.

``thin`` is less than the panel: read, parse, one median of calendar days, no working days, no censoring, no spill of
duplicates (a window over the number). ``polars`` and ``pandas`` do the work of ``thin``; polars runs where it can be
imported (it is not in the lock). ``--flat`` shows our CPU and peak memory at several sizes.
"""

import sys

sys.path.pop(0)  # this file must not stand in for the library of the same name

import argparse
import datetime
import importlib.util
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

AS_OF = datetime.date(2024, 12, 31)
COLUMNS = ("id", "region", "service", "channel", "received", "completed", "documents", "visits", "refusal", "rating")
KEYS = ["region_iso", "service_id", "period"]
QUANTILES = {"q25": 0.25, "median": 0.5, "q75": 0.75, "q90": 0.9}
TYPED = """
CREATE TABLE typed AS
WITH parsed AS (
    SELECT id, region_iso, service, TRY_STRPTIME(received, '%d.%m.%Y')::DATE AS r,
           TRY_STRPTIME(NULLIF(completed, ''), '%d.%m.%Y')::DATE AS c, completed = '' AS is_open,
           TRY_CAST(documents AS INT) AS d, TRY_CAST(visits AS INT) AS v, channel = 'Портал Госуслуг' AS online,
           refusal, TRY_CAST(NULLIF(rating, '') AS TINYINT) AS rating
    FROM reader JOIN regions USING (region)
), good AS (
    SELECT *, COALESCE(c, DATE '2024-12-31') AS e FROM parsed
    WHERE id <> '' AND service <> '' AND r BETWEEN DATE '2000-01-01' AND DATE '2024-12-31'
      AND (is_open OR c BETWEEN r AND DATE '2024-12-31') AND d BETWEEN 0 AND 1000 AND v BETWEEN 0 AND 1000
      AND refusal IN ('да', 'нет') AND (rating IS NULL OR rating BETWEEN 1 AND 5)
      AND NOT (is_open AND (refusal = 'да' OR rating IS NOT NULL))
)
SELECT id, region_iso, service, r, is_open::TINYINT AS is_open, (e - r)::INT AS calendar,
       upto[e - DATE '1999-12-31'] - upto[r - DATE '1999-12-31'] AS working,
       d, v, online::TINYINT AS online, (refusal = 'да')::TINYINT AS refused, rating
FROM good, (SELECT list(working_days ORDER BY day) AS upto FROM calendar)
"""
REPEATED = """
CREATE TABLE repeated AS
WITH copies AS (SELECT * FROM typed SEMI JOIN (SELECT id FROM typed GROUP BY id HAVING count(*) > 1) USING (id))
SELECT id, count(DISTINCT ROW(region_iso, service, r, is_open, calendar, d, v, online, refused, rating)) = 1 AS is_exact
FROM copies GROUP BY id
"""
SINGLE = """
CREATE VIEW single AS
SELECT * FROM typed ANTI JOIN repeated USING (id) UNION ALL
SELECT DISTINCT typed.* FROM typed JOIN repeated USING (id) WHERE is_exact
"""
CURVE = """
{kind}_counts AS (
    SELECT {keys}, {kind} AS days, sum(events) AS events,
           sum(sum(n)) OVER (PARTITION BY {keys} ORDER BY {kind} DESC) AS at_risk
    FROM cells GROUP BY {keys}, {kind}
), {kind}_curve AS (
    SELECT {keys}, days, product(1 - events / at_risk) OVER (PARTITION BY {keys} ORDER BY days) AS still
    FROM {kind}_counts
), {kind}_days AS (
    SELECT {keys}, {quantiles} FROM {kind}_curve GROUP BY ALL
)"""
PANEL = """
WITH cells AS MATERIALIZED (
    SELECT region_iso, service AS service_id, strftime(date_trunc('month', r), '%Y-%m') AS period, calendar, working,
           count(*) AS n, sum(1 - is_open) AS events, sum(d) AS d, sum(v) AS v, sum(online) AS online,
           sum(refused) AS refused, sum(rating) AS rating, count(rating) AS rated
    FROM single GROUP BY ALL
), {calendar}, {working}, sums AS (
    SELECT {keys}, sum(n) AS applications, sum(n) - sum(events) AS open_count, sum(d) / sum(n) AS documents,
           sum(v) AS visits, sum(online) / sum(n) AS online_share, sum(refused) / sum(n) AS refusal_share,
           sum(rating) / sum(rated) AS rating,
           sum(events) FILTER (calendar <= 10) / (sum(n) FILTER (calendar > 10) + sum(events) FILTER (calendar <= 10))
               AS in_term_share
    FROM cells GROUP BY ALL
)
SELECT * FROM sums JOIN calendar_days USING ({keys}) JOIN working_days USING ({keys}) ORDER BY {keys}
"""
THIN = """
WITH typed AS (
    SELECT id, region, service, TRY_STRPTIME(received, '%d.%m.%Y')::DATE AS r,
           COALESCE(TRY_STRPTIME(NULLIF(completed, ''), '%d.%m.%Y')::DATE, DATE '2024-12-31') AS c,
           completed = '' AS is_open, TRY_CAST(documents AS INT) AS d, TRY_CAST(visits AS INT) AS v,
           channel LIKE '%Портал%' AS online, refusal = 'да' AS refused, TRY_CAST(NULLIF(rating, '') AS INT) AS rating
    FROM reader
), good AS (
    SELECT * FROM typed WHERE r IS NOT NULL AND c >= r
), single AS (
    SELECT * FROM good QUALIFY count(*) OVER (PARTITION BY id) = 1
)
SELECT region, service, strftime(r, '%Y-%m') AS month, count(*), sum(is_open::INT), sum(d), sum(v), sum(online::INT),
       sum(refused::INT), sum(rating), quantile_disc(c - r, 0.5) FROM single GROUP BY ALL
"""


def ours(path: Path, folder: Path):
    """The product, from a file about which nothing is known."""
    from helpers.intake.requests import panel
    from helpers.synthetic import request_log

    return panel.make([path], folder, AS_OF, request_log.services(), is_synthetic=True).detail


def _stream(path: Path):
    import pyarrow.csv as pc

    return pc.open_csv(
        path,
        read_options=pc.ReadOptions(encoding="cp1251", column_names=COLUMNS, skip_rows=1, block_size=8 << 20),
        parse_options=pc.ParseOptions(delimiter=";"),
        convert_options=pc.ConvertOptions(column_types=dict.fromkeys(COLUMNS, "string"), strings_can_be_null=False),
    )


def bare(path: Path, folder: Path):
    """Pyarrow streams the log into a table of DuckDB; SQL makes the panel."""
    import duckdb

    reader = _stream(path)  # noqa: F841 - DuckDB finds it by name
    settings = {"memory_limit": "1GB", "threads": 2, "temp_directory": str(folder), "preserve_insertion_order": False}
    connection = duckdb.connect(str(folder / "bare.duckdb"), config=settings)
    for name in ("regions", "calendar"):
        connection.execute(f"CREATE TABLE {name} AS FROM read_csv('{path.parent / name}.csv')")
    for step in (TYPED, REPEATED, SINGLE):
        connection.execute(step)
    keys = ", ".join(KEYS)
    curves = {}
    for kind in ("calendar", "working"):
        wanted = (f"min(days) FILTER (still <= {1 - q} + 1e-9) AS {n}_{kind}_days" for n, q in QUANTILES.items())
        curves[kind] = CURVE.format(kind=kind, keys=keys, quantiles=", ".join(wanted))
    return connection.execute(PANEL.format(keys=keys, **curves)).df()


def thin(path: Path, folder: Path) -> None:
    """Pyarrow streams the log into one query of DuckDB, which makes less than the panel."""
    import duckdb

    reader = _stream(path)  # noqa: F841 - DuckDB finds it by name
    connection = duckdb.connect(config={"memory_limit": "400MB", "threads": 2, "temp_directory": str(folder)})
    connection.execute(THIN).fetchall()


def with_polars(path: Path, folder: Path) -> None:
    """Transcoded to utf-8, then polars' streaming engine."""
    import polars as pl

    copy = folder / "utf8.csv"
    with path.open(encoding="cp1251", newline="") as source, copy.open("w", encoding="utf-8", newline="") as sink:
        while piece := source.read(1 << 22):
            sink.write(piece)
    frame = pl.scan_csv(copy, separator=";", new_columns=list(COLUMNS), infer_schema=False, empty_string_is_null=False)
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
    out.collect(engine="streaming")


def with_pandas(path: Path, folder: Path) -> None:
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
    grouped.agg({"documents": "sum", "visits": "sum", "days": "median"})


ENGINES = {"bare": bare, "thin": thin, "ours": ours, "polars": with_polars, "pandas": with_pandas}


def _peak_mb() -> float:
    """High-water mark of this process alone (ru_maxrss would start from that of the parent)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def _run_one(engine: str, path: Path, folder: Path) -> None:
    """Run an engine in this process; CPU seconds and peak MB go to the screen, the panel into the log's folder."""
    frame = ENGINES[engine](path, folder)
    used, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = used.ru_utime + used.ru_stime + children.ru_utime + children.ru_stime
    print(f"{cpu:.3f} {_peak_mb():.1f}")
    if frame is not None:
        frame.to_parquet(path.parent / f"{engine}.parquet")


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


def _compare_panels(folder: Path) -> str:
    """Hold the panel of the bare version against ours, column by column."""
    import pandas as pd

    ours_, bare_ = (pd.read_parquet(folder / f"{name}.parquet") for name in ("ours", "bare"))
    numbers = [column for column in bare_ if column not in KEYS]
    kinds = dict.fromkeys(numbers, "float64") | dict.fromkeys(KEYS, "str")
    sides = [side[[*KEYS, *numbers]].astype(kinds).sort_values(KEYS, ignore_index=True) for side in (ours_, bare_)]
    pd.testing.assert_frame_equal(*sides, rtol=1e-9)
    return f"bare and ours: the same {len(bare_):,} rows, equal in {len(numbers)} columns"


def _lists(folder: Path) -> None:
    """What the bare version is given: spellings of regions with their codes, and working days up to each day."""
    import pandas as pd

    from helpers.intake.regions import match_region
    from helpers.intake.requests.rows import working_day_index
    from helpers.synthetic import request_log

    codes = {name: match_region(name).code for name in request_log.REGIONS}
    known = [(name, code) for name, code in codes.items() if code]
    pd.DataFrame(known, columns=["region", "region_iso"]).to_csv(folder / "regions.csv", index=False)
    index = working_day_index()
    days = [datetime.date(2000, 1, 1) + datetime.timedelta(days=day) for day in range(len(index))]
    pd.DataFrame({"day": days, "working_days": index}).to_csv(folder / "calendar.csv", index=False)


def _print_table(results: dict[str, list[tuple[float, float, float]]]) -> None:
    base = statistics.median(cpu for cpu, _, _ in results["bare"]) if results.get("bare") else float("nan")
    print(f"{'engine':8} {'CPU s':>8} {'wall s':>8} {'peak MB':>8} {'CPU / bare':>11}")
    for engine, runs in results.items():
        if runs:
            cpu, wall, peak = (statistics.median(column) for column in zip(*runs, strict=True))
            print(f"{engine:8} {cpu:8.1f} {wall:8.1f} {peak:8.0f} {cpu / base:11.2f}", flush=True)


def _compare(log: Path, engines: list[str], rounds: int) -> None:
    """Run the engines in turn, print the table."""
    if "polars" in engines and importlib.util.find_spec("polars") is None:
        print("polars is not installed: not measured (pip install polars somewhere on PYTHONPATH)")
        engines = [engine for engine in engines if engine != "polars"]
    results: dict[str, list[tuple[float, float, float]]] = {engine: [] for engine in engines}
    for _ in range(rounds):
        for engine in engines:
            try:
                results[engine].append(measure(engine, log))
            except RuntimeError as error:
                print(f"{engine}: not measured ({error})")
    if results.get("bare") and results.get("ours"):
        print(_compare_panels(log.parent))
    _print_table(results)


def main() -> None:
    """Write the log, compare the engines on it, then measure ours at several sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--flat", default="")
    parser.add_argument("--engine", choices=ENGINES, help="run this one here, for the benchmark itself")
    parser.add_argument("--log", type=Path, help="a log written before, instead of a new one")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.engine:
        _run_one(options.engine, options.log, options.folder)
        return
    from helpers.synthetic import request_log

    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        log = Path(folder) / "log.csv"
        if options.log:
            log.symlink_to(options.log.resolve())
        elif options.rounds:
            request_log.write(log, options.rows, seed=1)
        if options.rounds:
            _lists(Path(folder))
            print(f"{log.stat().st_size / 1e6:.0f} MB, medians of {options.rounds}", flush=True)
            _compare(log, options.engines.split(","), options.rounds)
        for rows in (int(text) for text in options.flat.split(",") if text):
            log.unlink(missing_ok=True)
            request_log.write(log, rows, seed=1)
            cpu, wall, peak = measure("ours", log)
            print(f"ours at {rows:>12,} rows: {cpu:.1f} CPU s, {wall:.1f} s, peak {peak:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
