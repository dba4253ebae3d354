"""A csv log as a stream of batches, with the record and the line on which every row starts.

A log is read the quick way first: its bytes are not decoded, columns not recognised are not parsed, a line is a
record. The first quote, or the first record with a wrong number of fields, raises `Reopen`: the log is then read from
its start the careful way, decoded to utf-8, all columns parsed, line breaks inside fields counted.
"""

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv

from helpers.intake.grids import delimited
from helpers.intake.grids.model import GridError
from helpers.intake.requests.columns import LogError
from helpers.intake.requests.decoding import coded, identifiers
from helpers.intake.requests.reading import ID, Batch, Ragged, Reader

SAMPLE_BYTES = 256 * 1024
BLOCK_BYTES = 4 << 20
_SEPARATOR_SAMPLE = 64 * 1024
_COMPRESSION = {".gz": "gzip", ".gzip": "gzip", ".zst": "zstd", ".zstd": "zstd"}
_BYTEWISE = ("utf-8", "utf-8-sig", "utf_8", "cp1251", "cp866", "koi8_r")  # separators are bytes of their own


class Reopen(Exception):
    """The log must be read the careful way."""


@dataclass(frozen=True)
class Form:
    """What the head of the file shows.

    Attributes
    ----------
    skipped : int
        Records before the header: ``sep=`` and blank lines.
    header_lines : int
        Lines up to the end of the header.
    is_careful : bool
        Read the careful way.
    """

    path: Path
    encoding: str
    separator: str
    labels: tuple[str, ...]
    skipped: int
    header_lines: int
    is_careful: bool


def open_csv(path: Path, *, is_careful: bool = False) -> Reader:
    """Open a csv log for streaming.

    Raises
    ------
    LogError
        If the file is undecodable, or has no header.
    """
    form = _form(path, is_careful)
    source = _Source(path, form.encoding if form.is_careful else "")
    ragged: list[Ragged] = []

    def stream(columns: dict[str, str]) -> Iterator[Batch]:
        return _batches(form, source, columns, ragged)

    return Reader(path, form.labels, stream, lambda: source.position, ragged)


def compression_of(path: Path) -> str | None:
    """Packing of a log by its extension, None for plain."""
    return _COMPRESSION.get(path.suffix.lower())


class _Source:
    """Unpacked bytes of a log, decoded to utf-8 if an encoding is given; notes how far the file is read and whether a
    quote was met.
    """

    closed = False

    def __init__(self, path: Path, encoding: str = "") -> None:
        try:
            self._file = pa.OSFile(str(path))
            packing = compression_of(path)
            self._stream = pa.CompressedInputStream(self._file, packing) if packing else self._file
        except (pa.ArrowException, OSError) as error:
            raise LogError(f"{path.name} cannot be opened ({error})") from error
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace") if encoding else None
        self._held = b""
        self.position = 0
        self.has_quotes = False

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most size; a line end of two bytes is never torn, which the parser would take for two."""
        if self._decoder:
            raw = self._stream.read(size // 3)  # a byte becomes three at most
            piece = self._held + self._decoder.decode(raw, final=not raw).encode()
        else:
            piece = self._held + self._stream.read(size - len(self._held))
        self._held = b"\r" if piece.endswith(b"\r") and len(piece) > 1 else b""
        self.position = self._file.tell()
        self.has_quotes = self.has_quotes or b'"' in piece
        return piece[: len(piece) - len(self._held)]

    def readable(self) -> bool:
        """A file object of the csv reader must say so."""
        return True

    def seekable(self) -> bool:
        """Packed logs are read once, forward."""
        return False

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        self._file.close()


def _form(path: Path, is_careful: bool) -> Form:
    source = _Source(path)
    try:
        head = source.read(SAMPLE_BYTES)
    except (pa.ArrowException, OSError) as error:
        raise LogError(f"{path.name} cannot be read ({error}); the file may be cut or damaged") from error
    finally:
        source.close()
    try:
        text, encoding = delimited.decode(_whole_lines(head), path.name)
    except GridError as error:
        raise LogError(str(error)) from error
    text = text.lstrip("\ufeff")
    announced = text.lower().startswith(("sep=", '"sep='))
    start = text.find("\n") + 1 if announced else 0
    separator = text[text.index("=") + 1] if announced else delimited.choose_separator(text[:_SEPARATOR_SAMPLE])
    skipped = int(announced)
    while text[start:].startswith(("\n", "\r\n")):
        start, skipped = text.index("\n", start) + 1, skipped + 1
    reader = csv.reader(text[start:].splitlines(keepends=True), delimiter=separator)
    labels = tuple(next(reader, []))
    _check_labels(path, labels)
    is_careful = is_careful or '"' in text or encoding not in _BYTEWISE
    return Form(path, encoding, separator, labels, skipped, skipped + reader.line_num, is_careful)


def _whole_lines(head: bytes) -> bytes:
    """A character of several bytes may be cut at the end of the sample: end at a line, utf-16 at a pair of bytes."""
    if b"\x00" in head[:1000]:
        return head[: len(head) // 2 * 2]
    return head[: head.rfind(b"\n") + 1] if b"\n" in head else head


def _check_labels(path: Path, labels: tuple[str, ...]) -> None:
    if not any(labels):
        raise LogError(f"{path.name} has no header; the first record must name the columns")
    if len(set(labels)) < len(labels):
        raise LogError(f"{path.name}: the header repeats a label: {list(labels)}; give each column its own")


def _batches(form: Form, source: _Source, columns: dict[str, str], ragged: list[Ragged]) -> Iterator[Batch]:
    places = {name: f"c{form.labels.index(label)}" for name, label in columns.items()}
    encoding = "utf-8" if form.is_careful or form.encoding.startswith("utf") else form.encoding
    skipped: list[tuple[int, str]] = []
    counter = _Lines(form.skipped + 2, form.header_lines + 1)
    try:
        for piece in _parsed(form, source, places, skipped):
            if source.has_quotes and not form.is_careful:
                raise Reopen
            breaks = _breaks(piece) if form.is_careful else None
            records, lines = counter.place(piece.num_rows, breaks, skipped, ragged)
            ids, bad = identifiers(piece.column(places[ID]), encoding)
            texts = {name: coded(piece.column(place), encoding) for name, place in places.items() if name != ID}
            yield Batch(ids, bad, texts, records, lines)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, pa.ArrowInvalid) and not form.is_careful:
            raise Reopen from error
        is_endless = "straddling" in str(error)
        why = (
            "a record does not end, perhaps a quote is not closed"
            if is_endless
            else f"{error}; it may be cut or damaged"
        )
        raise LogError(f"{form.path.name}, after line {counter.line - 1}: {why}") from error
    finally:
        source.close()
    counter.place(0, None, skipped, ragged, is_last=True)


def _parsed(form: Form, source: _Source, places: dict[str, str], skipped: list[tuple[int, str]]) -> Any:
    """Batches of bytes; the careful way all columns, since any may hold line breaks."""

    def note(row: Any) -> str:
        skipped.append((int(row.number), str(row.text)))
        return "skip"

    names = [f"c{place}" for place in range(len(form.labels))]
    few = pa.dictionary(pa.int32(), pa.binary())
    types: dict[str, pa.DataType] = dict.fromkeys(names, pa.binary()) | dict.fromkeys(places.values(), few)
    types[places[ID]] = pa.binary()
    included = names if form.is_careful else list(places.values())
    return pc_csv.open_csv(
        source,
        read_options=pc_csv.ReadOptions(
            skip_rows=form.skipped, column_names=names, skip_rows_after_names=1,
            use_threads=False, block_size=BLOCK_BYTES,
        ),
        parse_options=pc_csv.ParseOptions(
            delimiter=form.separator, newlines_in_values=form.is_careful, ignore_empty_lines=False,
            invalid_row_handler=note if form.is_careful else None,
        ),
        convert_options=pc_csv.ConvertOptions(
            column_types=types, strings_can_be_null=False, include_columns=included,
        ),
    )  # fmt: skip


def _breaks(piece: pa.RecordBatch) -> np.ndarray | None:
    """Line breaks inside the fields of each row; None where there are none."""
    total = np.zeros(piece.num_rows, dtype=np.int64)
    for column in piece.columns:
        is_coded = pa.types.is_dictionary(column.type)
        values = column.dictionary if is_coded else column
        buffer = values.buffers()[2]
        if buffer is not None and b"\n" in buffer.to_pybytes():
            counts = pc.count_substring(values, b"\n").to_numpy(zero_copy_only=False)
            total += counts[column.indices.to_numpy(zero_copy_only=False)] if is_coded else counts
    return total if total.any() else None


@dataclass
class _Lines:
    """Record and line of the next row."""

    record: int
    line: int
    noted: int = field(default=0)

    def place(
        self,
        rows: int,
        breaks: np.ndarray | None,
        skipped: list[tuple[int, str]],
        ragged: list[Ragged],
        is_last: bool = False,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Records and lines of the next rows; skipped records among them (or, after the last row, all) go to ragged."""
        mine: list[tuple[int, str]] = []
        while self.noted < len(skipped) and (is_last or skipped[self.noted][0] < self.record + rows + len(mine)):
            mine.append(skipped[self.noted])
            self.noted += 1
        whole = rows + len(mine)
        at = np.array([number for number, _ in mine], dtype=np.int64) - self.record
        is_row = np.ones(whole, dtype=bool)
        is_row[at] = False
        inside = np.zeros(whole, dtype=np.int64)
        if breaks is not None:
            inside[is_row] = breaks
        inside[at] = [text.count("\n") for _, text in mine]
        records = np.arange(self.record, self.record + whole, dtype=np.int64)
        lines = records + (self.line - self.record) + np.cumsum(inside) - inside
        for place, (number, text) in zip(at, mine, strict=True):
            ragged.append(Ragged(number, int(lines[place]), text))
        self.record += whole
        self.line += whole + int(inside.sum())
        return records[is_row], lines[is_row]
