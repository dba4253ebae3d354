"""Typed rows of each log on disk: an interrupted run resumes by file, and memory never holds a whole log."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from helpers.intake.requests.columns import LogError, recognise
from helpers.intake.requests.csv_stream import Reopen, compression_of, open_csv
from helpers.intake.requests.reading import PARQUET, Reader, open_log
from helpers.intake.requests.rows import MOST_SAMPLES, SCHEMA, Parser, Refused
from helpers.tables import store

VERSION = 2  # of the staged rows; another one is staged again
DISK_SHARE = 0.8  # staged rows take at most about this share of the log's unpacked bytes
SPILL_SHARE, SPILL_LEAST = 8, 1_000_000_000  # more than this beside staged rows is an error, not a full disk
_UNPACKED = {"gzip": 12, "zstd": 15, "parquet": 6}  # a packed log unpacks to at most about so many times its size
_REFERENCE = (
    "request_columns", "column_overrides", "regions", "region_aliases", "refused_names", "moved_working_days",
)  # fmt: skip


@dataclass(frozen=True)
class Staged:
    """Typed rows of one log and what was refused in it; accepted + refused = read, always.

    Attributes
    ----------
    samples : list of list
        Record, line, reason, column, text of refused rows.
    """

    log: str
    rows_file: str
    read: int
    accepted: int
    refused: dict[str, int]
    samples: list[list]
    unknown_columns: list[str]

    def check(self) -> None:
        """Raise AssertionError if a row was lost."""
        assert self.read == self.accepted + sum(self.refused.values()), f"{self.log}: rows were lost"


def key_of(log: Path, as_of: date) -> str:
    """Identity of staged rows: the log (name, size, time of change, first bytes), the day it is censored at, the
    reference tables it was read by, and the version of what is staged.
    """
    stat = log.stat()
    digest = hashlib.sha256(
        f"{VERSION}|{duckdb.__version__}|{log.name}|{stat.st_size}|{stat.st_mtime_ns}|{as_of}".encode()
    )
    with log.open("rb") as handle:
        digest.update(handle.read(1 << 16))
    for name in _REFERENCE:
        digest.update(store.reference(name).to_csv().encode())
    return digest.hexdigest()[:20]


@dataclass(frozen=True)
class Disk:
    """Bytes that staged rows and, beside them, spilled data may take at most, and what is free in the folder."""

    staged: int
    spilled: int
    free: int
    folder: str

    def sentence(self) -> str:
        """What is said before starting."""
        return (
            f"staging takes up to {self.staged / 1e9:.2f} GB in {self.folder}, spilled data at most"
            f" {self.spilled / 1e9:.2f} GB more; {self.free / 1e9:.1f} GB are free"
        )


def plan_disk(logs: list[Path], folder: Path) -> Disk:
    """Upper estimates of the disk that logs take.

    Raises
    ------
    LogError
        If staged rows may not find room.
    """
    staged = int(DISK_SHARE * sum(log.stat().st_size * _UNPACKED.get(_packing(log), 1) for log in logs))
    free = shutil.disk_usage(folder).free
    disk = Disk(staged, max(0, min(free - staged, SPILL_SHARE * staged + SPILL_LEAST)), free, folder.name)
    if staged > free:
        raise LogError(f"{disk.sentence()}. Free space, or choose another folder with --out")
    return disk


def _packing(log: Path) -> str:
    return "parquet" if log.suffix.lower() in PARQUET else compression_of(log) or ""


def stage(
    log: Path, folder: Path, as_of: date, progress: Callable[[int, int], None] = lambda position, rows: None
) -> Staged:
    """Typed rows of one log as Parquet, or what an earlier run has staged already.

    Parameters
    ----------
    progress : callable
        Told the bytes of the log read so far and its rows so far.

    Raises
    ------
    LogError
        If the log cannot be read or the disk is full; nothing half-written is left.
    """
    target = folder / key_of(log, as_of)
    manifest = target / "manifest.json"
    if manifest.exists():
        staged = Staged(**json.loads(manifest.read_text(encoding="utf-8")))
        progress(log.stat().st_size, staged.read)
        return staged
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    try:
        try:
            staged = _stage_rows(log, open_log(log), target, as_of, progress)
        except Reopen:
            staged = _stage_rows(log, open_csv(log, is_careful=True), target, as_of, progress)
        staged.check()
        temporary = manifest.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(staged), ensure_ascii=False), encoding="utf-8")
        temporary.replace(manifest)
    except OSError as error:
        shutil.rmtree(target, ignore_errors=True)
        raise LogError(
            f"{log.name}: cannot stage rows ({error.strerror or error}); free space and run again"
        ) from error
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    return staged


def _stage_rows(log: Path, reader: Reader, target: Path, as_of: date, progress: Callable[[int, int], None]) -> Staged:
    columns = recognise(list(reader.labels), log.name)
    parser = Parser(as_of)
    read = accepted = 0
    refused: Counter[str] = Counter()
    samples: list[Refused] = []
    rows_file = target / "rows.parquet"
    few = [name for name in SCHEMA.names if name not in ("application_id", "record", "line", "id_hash")]
    packed = {"record": "DELTA_BINARY_PACKED", "line": "DELTA_BINARY_PACKED"}
    with pq.ParquetWriter(
        rows_file, SCHEMA, compression="lz4", use_dictionary=few, column_encoding=packed, write_statistics=False,
        store_schema=False,
    ) as writer:  # fmt: skip
        for batch in reader.stream(columns.labels):
            rows = parser.parse(batch)
            read += len(batch.ids)
            accepted += rows.table.num_rows
            refused.update(rows.refused)
            samples += rows.samples
            writer.write_table(rows.table)
            progress(reader.position(), read)
    if reader.ragged:
        read += len(reader.ragged)
        refused["ragged_record"] = len(reader.ragged)
        samples += [
            Refused(one.record, one.line, "ragged_record", "", one.text[:300]) for one in reader.ragged[:MOST_SAMPLES]
        ]
    lines = [list(asdict(one).values()) for one in sorted(samples, key=lambda one: one.record)]
    return Staged(log.name, str(rows_file), read, accepted, dict(refused), lines, list(columns.unknown))
