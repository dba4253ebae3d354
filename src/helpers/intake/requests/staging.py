"""Typed rows of each log on disk: an interrupted run resumes by file, and memory never holds a whole log."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from helpers.intake.requests.columns import LogError, recognise
from helpers.intake.requests.reading import open_log
from helpers.intake.requests.rows import SCHEMA, Parser

SAMPLES_PER_REASON = 100
DISK_SHARE = 0.6  # staged rows take at most about this share of the log's unpacked bytes
_PACKED = 8  # a packed log unpacks to about so many times its size


@dataclass
class Staged:
    """Typed rows of one log and what was refused in it; accepted + refused = read, always."""

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
    """Identity of a log for resuming: name, size, time of change, first bytes, and the day it is censored at."""
    stat = log.stat()
    with log.open("rb") as handle:
        head = hashlib.sha256(handle.read(1 << 16)).hexdigest()
    return hashlib.sha256(f"{log.name}|{stat.st_size}|{stat.st_mtime_ns}|{head}|{as_of}".encode()).hexdigest()[:20]


def disk_needed(logs: list[Path]) -> int:
    """Bytes that staging may take, an upper estimate said before starting."""
    return int(
        sum(log.stat().st_size * (_PACKED if log.suffix.lower() in (".gz", ".zst", ".zstd") else 1) for log in logs)
        * DISK_SHARE
    )


def check_disk(logs: list[Path], folder: Path) -> str:
    """One sentence about the disk; raises LogError if it will not do."""
    needed, free = disk_needed(logs), shutil.disk_usage(folder).free
    sentence = f"staging takes up to {needed / 1e9:.2f} GB in {folder.name}; {free / 1e9:.1f} GB are free"
    if needed > free:
        raise LogError(f"{sentence}. Free space, or choose another folder with --out")
    return sentence


def stage(
    log: Path,
    folder: Path,
    as_of: date,
    vocabulary: pd.DataFrame,
    overrides: pd.DataFrame,
    progress: Callable[[int], None] = lambda rows: None,
) -> Staged:
    """Typed rows of one log as Parquet, or what an earlier run has staged already.

    Raises
    ------
    LogError
        If the log cannot be read or the disk is full; nothing half-written is left.
    """
    target = folder / key_of(log, as_of)
    manifest = target / "manifest.json"
    if manifest.exists():
        staged = Staged(**json.loads(manifest.read_text(encoding="utf-8")))
        progress(staged.read)
        return staged
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    try:
        staged = _stage_rows(log, target, as_of, vocabulary, overrides, progress)
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


def _stage_rows(
    log: Path,
    target: Path,
    as_of: date,
    vocabulary: pd.DataFrame,
    overrides: pd.DataFrame,
    progress: Callable[[int], None],
) -> Staged:
    reader = open_log(log)
    columns = recognise(reader.labels, vocabulary, overrides, log.name)
    parser = Parser(columns, as_of)
    read = accepted = 0
    refused: dict[str, int] = {}
    samples: list[list] = []
    kept: dict[str, int] = {}
    rows_file = target / "rows.parquet"
    with pq.ParquetWriter(rows_file, SCHEMA, compression="lz4", use_dictionary=True) as writer:
        for batch in reader.batches:
            rows = parser.parse(batch)
            read += batch.table.num_rows
            accepted += rows.table.num_rows
            for reason, count in rows.refused.items():
                refused[reason] = refused.get(reason, 0) + count
            for sample in rows.samples:
                if kept.get(sample[1], 0) < SAMPLES_PER_REASON:
                    kept[sample[1]] = kept.get(sample[1], 0) + 1
                    samples.append(list(sample))
            writer.write_table(rows.table)
            progress(batch.table.num_rows)
    if reader.malformed:
        read += len(reader.malformed)
        refused["unreadable_file"] = len(reader.malformed)
        samples += [[n, "unreadable_file", "", text] for n, text in reader.malformed[:SAMPLES_PER_REASON]]
    return Staged(log.name, str(rows_file), read, accepted, refused, samples, list(columns.unknown))
