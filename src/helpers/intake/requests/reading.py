"""Any log as a stream of text batches: csv of any encoding and separator, plain, gzip or zstd, and Parquet."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq

from helpers.intake.grids import delimited
from helpers.intake.grids.model import GridError
from helpers.intake.requests.columns import LogError

SAMPLE_BYTES = 256 * 1024
BLOCK_BYTES = 8 << 20
BATCH_ROWS = 256 * 1024
_COMPRESSION = {".gz": "gzip", ".gzip": "gzip", ".zst": "zstd", ".zstd": "zstd"}


@dataclass(frozen=True)
class Batch:
    """A piece of a log: columns as text, and the 1-based record number of its first row in the file."""

    table: pa.Table
    first_record: int


@dataclass
class Reader:
    """Stream of one log.

    Attributes
    ----------
    labels : list of str
        Column labels as printed.
    malformed : list of (int, str)
        Records with a wrong number of fields, filled while streaming: number and text.
    bytes_read : callable-like counter for progress, updated while streaming.
    """

    path: Path
    labels: list[str]
    batches: Iterator[Batch]
    malformed: list[tuple[int, str]]
    total_bytes: int


def open_log(path: Path) -> Reader:
    """Open a log for streaming.

    Raises
    ------
    LogError
        If the file is undecodable, or not a table with a header.
    """
    if path.suffix.lower() in (".parquet", ".pq"):
        return _open_parquet(path)
    return _open_csv(path)


def _open_parquet(path: Path) -> Reader:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise LogError(f"{path.name} is not a readable Parquet file ({error}); export it again") from error

    def stream() -> Iterator[Batch]:
        first = 1
        for batch in file.iter_batches(batch_size=BATCH_ROWS):
            table = pa.table({name: _as_text(batch.column(name)) for name in batch.schema.names})
            yield Batch(table, first)
            first += batch.num_rows

    return Reader(path, list(file.schema_arrow.names), stream(), [], path.stat().st_size)


def _as_text(column: pa.Array) -> pa.Array:
    """Typed Parquet columns become the text the cleaner reads: ISO dates, decimal points, empty for null."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_timestamp(kind):
        column = pc.strftime(column, format="%Y-%m-%d")
    elif pa.types.is_boolean(kind):
        column = pc.if_else(column, "да", "нет")
    elif not pa.types.is_string(kind):
        column = column.cast(pa.string())
    return pc.fill_null(column, "")


def _open_csv(path: Path) -> Reader:
    head = _head(path)
    try:
        text, encoding = delimited.decode(head, path.name)
    except GridError as error:
        raise LogError(str(error)) from error
    announced = text.lower().lstrip("\ufeff").startswith("sep=")
    skip = 1 if announced else 0
    separator = text.lstrip("\ufeff")[4] if announced else delimited.choose_separator(text)
    malformed: list[tuple[int, str]] = []

    def note(row: Any) -> str:
        malformed.append((int(row.number or 0), str(row.text)[:200]))
        return "skip"

    options: dict[str, Any] = {
        "parse_options": pc_csv.ParseOptions(
            delimiter=separator, newlines_in_values='"' in text, invalid_row_handler=note
        ),
    }
    read = pc_csv.ReadOptions(
        encoding=_python_name(encoding), skip_rows=skip, use_threads=False, block_size=BLOCK_BYTES
    )
    labels = _labels(path, text, separator, skip)
    options["convert_options"] = pc_csv.ConvertOptions(
        strings_can_be_null=False, column_types=dict.fromkeys(labels, pa.string())
    )

    def stream() -> Iterator[Batch]:
        first = 2 + skip
        try:
            for batch in pc_csv.open_csv(_stream_of(path), read_options=read, **options):
                yield Batch(pa.Table.from_batches([batch]), first)
                first += batch.num_rows
        except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
            raise LogError(f"{path.name}, after record {first}: {error}; the file may be cut or damaged") from error

    return Reader(path, labels, stream(), malformed, path.stat().st_size)


def _python_name(encoding: str) -> str:
    return {"utf-8-sig": "utf8", "utf_8": "utf8", "utf-8": "utf8"}.get(encoding, encoding)


def _labels(path: Path, sample: str, separator: str, skip: int) -> list[str]:
    """Header of the sample, read by the csv module: one record, which may be quoted."""
    lines = sample.lstrip("\ufeff").splitlines(keepends=True)[skip:]
    names = next(csv.reader(lines, delimiter=separator), [])
    if not names:
        raise LogError(f"{path.name} has no header; the first record must name the columns")
    if len(set(names)) < len(names):
        raise LogError(f"{path.name}: the header repeats a label: {names}; give each column its own")
    return names


def _head(path: Path) -> bytes:
    with _stream_of(path) as stream:
        head = stream.read(SAMPLE_BYTES)
    # A character of several bytes may be cut at the end of the sample: end at a line.
    line_end = {b"\xff\xfe": b"\n\x00", b"\xfe\xff": b"\x00\n"}.get(head[:2], b"\n")
    return head[: head.rfind(line_end) + len(line_end)] if line_end in head else head


def _stream_of(path: Path) -> Any:
    compression = _COMPRESSION.get(path.suffix.lower())
    try:
        return pa.input_stream(str(path), compression=compression)
    except (pa.ArrowException, OSError) as error:
        raise LogError(f"{path.name} cannot be opened ({error})") from error
