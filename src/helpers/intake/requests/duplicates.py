"""Applications that stand in the logs more than once, found in bounded memory.

Rows are compared by 64 bits of the application number first: sorted in as many passes as keep a pass small. Only
rows whose bits repeat are compared by the number itself, so two numbers with the same bits are never taken for one.
"""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from helpers.intake.requests.aggregation import CONTENT

HASHES_PER_PASS = 8_000_000  # 64 MB
MOST_SAMPLES = 100


def find(connection: duckdb.DuckDBPyConnection, files: list[Path], rows: int) -> None:
    """Make the table ``duplicates`` of rows to leave out: later copies of equal rows, and all rows that differ.

    Parameters
    ----------
    connection : DuckDBPyConnection
        With the view ``staged``.
    files : list of Path
        Staged rows, for their bits.
    rows : int
        How many rows the files hold.

    Notes
    -----
    Grain of ``duplicates``: place (file and record in one number); ``file, record, line, application_id, reason``.
    """
    connection.execute("CREATE TABLE repeated (id_hash BIGINT)")
    passes = max(1, -(-rows // HASHES_PER_PASS))
    for number in range(passes):
        bits = _repeated(files, number, passes)  # noqa: F841 - DuckDB finds it by name
        connection.execute("INSERT INTO repeated SELECT id_hash FROM bits")
    content = ", ".join(f"coalesce(CAST({name} AS VARCHAR), chr(1))" for name in CONTENT)
    connection.execute(
        "CREATE TABLE copies AS SELECT place, file, record, line, application_id,"  # noqa: S608 - our own columns
        f" concat_ws(chr(2), {content}) AS content FROM staged SEMI JOIN repeated USING (id_hash)"
    )
    connection.execute(
        """
        CREATE TABLE duplicates AS
        SELECT place, file, record, line, application_id,
               CASE WHEN differs THEN 'duplicate_conflict' ELSE 'duplicate_exact' END AS reason
        FROM copies JOIN (
            SELECT application_id, min(place) AS first, min(content) <> max(content) AS differs
            FROM copies GROUP BY application_id HAVING count(*) > 1
        ) USING (application_id)
        WHERE differs OR place > first
        """
    )
    connection.execute("DROP TABLE copies")


def _repeated(files: list[Path], number: int, passes: int) -> pa.Table:
    """Bits that more than one row has, among those of one pass."""
    parts = []
    for file in files:
        rows = pq.ParquetFile(file)
        for group in range(rows.num_row_groups):  # one by one: batches of a whole file would hold its whole column
            bits = rows.read_row_group(group, columns=["id_hash"], use_threads=False).column(0).to_numpy()
            parts.append(bits if passes == 1 else bits[bits.view(np.uint64) % np.uint64(passes) == number])
    bits = np.concatenate(parts) if parts else np.empty(0, np.int64)
    parts.clear()
    bits.sort()
    return pa.table({"id_hash": np.unique(bits[1:][bits[1:] == bits[:-1]])})


def counts(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Rows left out, by file and reason."""
    return connection.execute("SELECT file, reason, count(*) AS rows FROM duplicates GROUP BY ALL ORDER BY ALL").df()


def samples(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """The first rows left out of each file for each reason: file, record, line, reason, application_id."""
    return connection.execute(
        "SELECT file, record, line, reason, application_id FROM duplicates"
        " QUALIFY row_number() OVER (PARTITION BY file, reason ORDER BY record) <= ? ORDER BY ALL",
        [MOST_SAMPLES],
    ).df()
