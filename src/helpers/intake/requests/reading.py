"""Any log as a stream of batches: csv of any encoding and separator, plain, gzip or zstd, and Parquet.

Only recognised columns are parsed. All but the application number come as positions in their distinct texts, so that
whatever follows works on distinct texts; bytes of one-byte encodings are decoded after parsing, not before.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from helpers.intake.requests.columns import LogError
from helpers.intake.requests.decoding import Coded, coded, identifiers

BATCH_ROWS = 64 * 1024
ID = "application_id"
PARQUET = (".parquet", ".pq")


@dataclass(frozen=True)
class Batch:
    """A piece of a log.

    Attributes
    ----------
    ids : StringArray
        Application numbers.
    bad_ids : ndarray of bool or None
        Which of them cannot be decoded; None where all can.
    columns : dict
        Our column name → its texts, the application number apart.
    records, lines : ndarray of int64
        1-based record of each row in its file, and the line on which the record starts; the two differ after a quoted
        line break. In Parquet a line is a record.
    """

    ids: pa.Array
    bad_ids: np.ndarray | None
    columns: dict[str, Coded]
    records: np.ndarray
    lines: np.ndarray


@dataclass(frozen=True)
class Ragged:
    """A record with a wrong number of fields."""

    record: int
    line: int
    text: str


@dataclass
class Reader:
    """Stream of one log.

    Attributes
    ----------
    labels : tuple of str
        Column labels as printed.
    stream : callable
        Our column name → label, to batches of these columns.
    position : callable
        Bytes of the file read so far, at most its size.
    ragged : list of Ragged
        Filled while streaming.
    """

    path: Path
    labels: tuple[str, ...]
    stream: Callable[[dict[str, str]], Iterator[Batch]]
    position: Callable[[], int]
    ragged: list[Ragged] = field(default_factory=list)


def open_log(path: Path) -> Reader:
    """Open a log for streaming.

    Raises
    ------
    LogError
        If the file is undecodable, or not a table with a header.
    """
    if path.suffix.lower() in PARQUET:
        return _open_parquet(path)
    from helpers.intake.requests import csv_stream  # it needs the classes above

    return csv_stream.open_csv(path)


def _open_parquet(path: Path) -> Reader:
    try:
        schema = pq.read_schema(path)
        texts = [one.name for one in schema if pa.types.is_string(one.type) or pa.types.is_large_string(one.type)]
        file = pq.ParquetFile(path, read_dictionary=texts)
    except (pa.ArrowException, OSError) as error:
        raise LogError(f"{path.name} is not a readable Parquet file ({error}); export it again") from error
    done = [0]
    size, total = path.stat().st_size, max(file.metadata.num_rows, 1)

    def stream(columns: dict[str, str]) -> Iterator[Batch]:
        first = 1
        for piece in file.iter_batches(batch_size=BATCH_ROWS, columns=list(columns.values())):
            records = np.arange(first, first + piece.num_rows, dtype=np.int64)
            first += piece.num_rows
            done[0] = size * (first - 1) // total
            texts = {
                name: coded(_distinct(piece.column(label)), "utf-8") for name, label in columns.items() if name != ID
            }
            ids, bad = identifiers(_plain(piece.column(columns[ID])), "utf-8")
            yield Batch(ids, bad, texts, records, records)

    return Reader(path, tuple(schema.names), stream, lambda: done[0])


def _distinct(column: pa.Array) -> pa.DictionaryArray:
    """A column of any type as a dictionary of the texts that the cleaner reads: ISO days, decimal points."""
    if pa.types.is_timestamp(column.type):
        local = pc.local_timestamp(column) if column.type.tz else column
        column = pc.floor_temporal(local, unit="day")
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    return pa.DictionaryArray.from_arrays(column.indices, _as_text(column.dictionary))


def _as_text(values: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(values.type):
        return pc.strftime(values, format="%Y-%m-%d")
    if pa.types.is_boolean(values.type):
        return pc.if_else(values, "да", "нет")
    return values if pa.types.is_binary(values.type) else values.cast(pa.string())


def _plain(column: pa.Array) -> pa.Array:
    """Application numbers of any type as bytes or text."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column if pa.types.is_binary(column.type) else column.cast(pa.string())
