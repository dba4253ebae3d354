"""A batch of texts becomes typed rows and refusals, by the cleaner's own parsers on distinct texts.

Every row ends in exactly one heap: accepted, or refused with the first reason that applies in the order of
`REASONS`. A Python parser runs once per distinct text of a column, never once per row; rows are gathered by position.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from helpers.intake.requests import meanings
from helpers.intake.requests.meanings import NONE
from helpers.intake.requests.reading import ID, Batch
from helpers.intake.text import MISSING_MARKS
from helpers.intake.workdays import is_working_day, moved_working_days

REASONS = (
    "blank_row", "undecodable_text", "missing_id", "ambiguous_entity", "aggregate_entity", "federal_district",
    "unknown_entity", "missing_value", "not_applicable", "bad_date", "imprecise_date", "censored_value", "range_value",
    "future_date", "negative_duration", "not_a_number", "contradictory_number", "out_of_range",
    "impossible_combination",
)  # fmt: skip
ACCEPTED = len(REASONS)
_CODE = {name: number for number, name in enumerate(REASONS)} | {"": ACCEPTED}
_TEXT = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [
        ("application_id", pa.string()), ("region_iso", _TEXT), ("municipality", _TEXT),
        ("service_id", _TEXT), ("service_name", _TEXT), ("agency", _TEXT),
        ("received", pa.date32()), ("completed", pa.date32()), ("is_open", pa.int8()),
        ("calendar_days", pa.int32()), ("working_days", pa.int32()),
        ("documents", pa.int32()), ("documents_supplied", pa.int32()), ("visits", pa.int32()),
        ("is_online", pa.int8()), ("is_refused", pa.int8()), ("is_appealed", pa.int8()), ("rating", pa.int8()),
        ("record", pa.int64()), ("line", pa.int64()), ("id_hash", pa.int64()),
    ]
)  # fmt: skip
TEXTS = tuple(one.name for one in SCHEMA if one.type == _TEXT)
COLUMN_OF = {
    "region_iso": "region", "documents": "documents_asked", "is_online": "channel", "is_refused": "refusal",
    "is_appealed": "appeal",
}  # fmt: skip
FIRST_DAY, LAST_DAY = date(2000, 1, 1).toordinal(), date(2040, 12, 31).toordinal()
MOST_KNOWN = 200_000  # distinct texts remembered per column
MOST_SAMPLES = 100  # refused rows kept per reason and log
_STAMPED = (
    r"^\s*(\d{1,2}[./-]\d{1,2}[./-]\d{4}|\d{4}-\d{2}-\d{2})[ T]\d{1,2}:\d{2}"
    r"(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}:?\d{2})?\s*$"
)
_EPOCH = date(1970, 1, 1).toordinal()
_MARKS = pa.array(sorted(MISSING_MARKS), pa.string())


@dataclass(frozen=True)
class Refused:
    """One refused row of the sample."""

    record: int
    line: int
    reason: str
    column: str
    text: str


@dataclass(frozen=True)
class Rows:
    """Typed rows of one batch, counts of refusals by reason, and the refused rows that still fit the sample."""

    table: pa.Table
    refused: dict[str, int]
    samples: list[Refused]


@dataclass(frozen=True)
class _Parsed:
    """Distinct texts of a column parsed: value and reason of each, and the positions of the rows in them."""

    positions: np.ndarray
    values: np.ndarray
    reasons: np.ndarray

    def of(self, rows: np.ndarray | slice) -> np.ndarray:
        """Values of some rows."""
        return self.values[self.positions[rows]]


@dataclass
class Parser:
    """Parsers with their memory of distinct texts; one per log.

    Attributes
    ----------
    as_of : date
        Day on which the log was taken: later dates are refused, open applications are censored there.
    """

    as_of: date
    known: dict[str, dict[str, tuple]] = field(default_factory=dict)
    sampled: Counter[str] = field(default_factory=Counter)
    _hasher: duckdb.DuckDBPyConnection = field(default_factory=lambda: duckdb.connect(config={"threads": 1}))
    _working: np.ndarray = field(default_factory=lambda: working_day_index())

    def __post_init__(self) -> None:
        self._parsers: dict[str, Callable[[str], tuple]] = {
            "region": meanings.region, "service_id": meanings.identifier, "service_name": meanings.name,
            "agency": meanings.name, "municipality": meanings.name, "received": meanings.received(self.as_of),
            "completed": meanings.completed(self.as_of), "documents_asked": meanings.count,
            "documents_supplied": meanings.count, "visits": meanings.count, "channel": meanings.channel,
            "refusal": meanings.flag, "appeal": meanings.flag, "rating": meanings.rating,
        }  # fmt: skip

    def parse(self, batch: Batch) -> Rows:
        """Typed rows of a batch."""
        parsed = {name: self._column(name, batch) for name in batch.columns}
        days = self._days(parsed, len(batch.ids))
        reason = _reasons(batch, parsed, days)
        is_whole = bool(reason.min(initial=ACCEPTED) == ACCEPTED)
        rows = slice(None) if is_whole else np.flatnonzero(reason == ACCEPTED)
        tally = np.bincount(reason, minlength=ACCEPTED + 1)
        return Rows(
            self._typed(batch, parsed, days, rows),
            {name: int(tally[code]) for code, name in enumerate(REASONS) if tally[code]},
            [] if is_whole else self._samples(batch, parsed, reason),
        )

    def _column(self, name: str, batch: Batch) -> _Parsed:
        column = batch.columns[name]
        positions, texts = column.positions, column.texts
        if name in ("received", "completed"):
            positions, texts = _days_of_stamps(positions, texts)
        parse = self._parsers[name]
        is_name = name in (*TEXTS, "region")
        known = self.known.setdefault(name, {})
        if len(known) > MOST_KNOWN:
            known.clear()
        meant = []
        for text in texts:
            if text is None:
                meant.append(("" if is_name else NONE, "undecodable_text"))
                continue
            if text not in known:
                known[text] = parse(text)
            meant.append(known[text])
        values = [value for value, _ in meant]
        reasons = np.array([_CODE[reason] for _, reason in meant], dtype=np.int8)
        return _Parsed(positions, np.array(values, dtype=object if is_name else np.int32), reasons)

    def _days(self, parsed: dict[str, _Parsed], rows: int) -> "_Days":
        received = parsed["received"].of(slice(None))
        completed = parsed["completed"].of(slice(None)) if "completed" in parsed else np.full(rows, NONE, np.int32)
        is_open = completed == NONE
        return _Days(received, completed, is_open, np.where(is_open, np.int32(self.as_of.toordinal()), completed))

    def _typed(self, batch: Batch, parsed: dict[str, _Parsed], days: "_Days", rows: np.ndarray | slice) -> pa.Table:
        is_all = isinstance(rows, slice)
        ids = batch.ids if is_all else batch.ids.take(pa.array(rows))
        received, end, is_open = days.received[rows], days.end[rows], days.is_open[rows]
        ready = {
            "application_id": ids, "received": _dates(received, None), "completed": _dates(end, is_open),
            "is_open": is_open.view(np.int8), "calendar_days": end - received,
            "working_days": self._working[end - FIRST_DAY] - self._working[received - FIRST_DAY],
            "record": batch.records[rows], "line": batch.lines[rows], "id_hash": self._hashes(ids),
        }  # fmt: skip
        arrays = []
        for one in SCHEMA:
            column = parsed.get(COLUMN_OF.get(one.name, one.name))
            if one.name in ready:
                arrays.append(pa.array(ready[one.name]) if isinstance(ready[one.name], np.ndarray) else ready[one.name])
            elif one.name in TEXTS:
                arrays.append(_texts(column, rows, len(ids)))
            else:
                arrays.append(_numbers(column, rows, len(ids), one.type))
        return pa.Table.from_arrays(arrays, schema=SCHEMA)

    def _hashes(self, ids: pa.Array) -> np.ndarray:
        """64 bits of each application number: equal numbers have equal bits, the converse is checked on the text."""
        texts = pa.table({"id": ids})  # noqa: F841 - DuckDB finds it by name
        return self._hasher.execute("SELECT hash(id) AS bits FROM texts").fetchnumpy()["bits"].view(np.int64)

    def _samples(self, batch: Batch, parsed: dict[str, _Parsed], reason: np.ndarray) -> list[Refused]:
        samples = []
        for code in np.unique(reason[reason < ACCEPTED]):
            name = REASONS[code]
            rows = np.flatnonzero(reason == code)[: MOST_SAMPLES - self.sampled[name]]
            self.sampled[name] += len(rows)
            for row in rows:
                fields = {ID: batch.ids[int(row)].as_py()} | {
                    column: texts.texts[texts.positions[row]] for column, texts in batch.columns.items()
                }
                text = "; ".join(f"{column}={value}" for column, value in fields.items())
                guilty = (column for column, p in parsed.items() if p.reasons[p.positions[row]] == code)
                column = next(guilty, {"negative_duration": "completed", "missing_id": ID}.get(name, ""))
                samples.append(Refused(int(batch.records[row]), int(batch.lines[row]), name, column, text[:300]))
        return samples


@dataclass(frozen=True)
class _Days:
    """Days of all rows as ordinals; refused ones are NONE."""

    received: np.ndarray
    completed: np.ndarray
    is_open: np.ndarray
    end: np.ndarray


def _reasons(batch: Batch, parsed: dict[str, _Parsed], days: _Days) -> np.ndarray:
    """Code of the first reason of each row; ACCEPTED for none."""
    reason = np.full(len(batch.ids), ACCEPTED, dtype=np.int8)
    for column in parsed.values():
        if column.reasons.min(initial=ACCEPTED) < ACCEPTED:
            np.minimum(reason, column.reasons[column.positions], out=reason)
    is_missing = pc.is_in(batch.ids, value_set=_MARKS).to_numpy(zero_copy_only=False)
    _lower(reason, is_missing, "missing_id")
    if batch.bad_ids is not None:
        _lower(reason, batch.bad_ids, "undecodable_text")
    _lower(reason, (days.completed < days.received) & ~days.is_open, "negative_duration")
    blank = np.flatnonzero(is_missing)
    for texts in batch.columns.values() if len(blank) else ():
        is_empty = np.array([not text for text in texts.texts], dtype=np.bool_)
        blank = blank[is_empty[texts.positions[blank]]]
    reason[blank] = _CODE["blank_row"]
    still_open = np.flatnonzero(days.is_open)
    is_impossible = np.zeros(len(still_open), dtype=bool)
    for name in ("refusal", "appeal", "rating"):
        if name in parsed:
            is_impossible |= parsed[name].of(still_open) > 0
    reason[still_open] = np.where(
        is_impossible, np.minimum(reason[still_open], _CODE["impossible_combination"]), reason[still_open]
    )
    return reason


def _lower(reason: np.ndarray, where: np.ndarray, name: str) -> None:
    if where.any():
        reason[where] = np.minimum(reason[where], _CODE[name])


def _days_of_stamps(positions: np.ndarray, texts: list[str | None]) -> tuple[np.ndarray, list[str | None]]:
    """Cut times of day off, so that distinct texts are distinct days."""
    column = pa.array(texts, pa.string())
    stamped = pc.match_substring_regex(column, _STAMPED)
    if not pc.any(stamped).as_py():
        return positions, texts
    cut = pc.replace_substring_regex(column, r"^\s*([0-9./-]+)[ T].*$", r"\1")
    days = pc.if_else(stamped, cut, column).dictionary_encode(null_encoding="encode")
    return days.indices.to_numpy(zero_copy_only=False)[positions], days.dictionary.to_pylist()


def _texts(column: _Parsed | None, rows: np.ndarray | slice, size: int) -> pa.Array:
    """Texts as a dictionary without repeats; empty where the log has no such column."""
    if column is None:
        return pa.DictionaryArray.from_arrays(pa.array(np.zeros(size, np.int32)), pa.array([""], pa.string()))
    places: dict[str, int] = {}
    code = np.array([places.setdefault(text, len(places)) for text in column.values], dtype=np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(code[column.positions[rows]]), pa.array(list(places), pa.string()))


def _numbers(column: _Parsed | None, rows: np.ndarray | slice, size: int, kind: pa.DataType) -> pa.Array:
    """Numbers, null for none given."""
    if column is None:
        return pa.nulls(size, kind)
    values = column.values.astype(kind.to_pandas_dtype())[column.positions[rows]]
    return pa.array(values, mask=values == NONE) if NONE in column.values else pa.array(values)


def _dates(days: np.ndarray, is_none: np.ndarray | None) -> pa.Array:
    has_none = is_none is not None and is_none.any()
    return pa.array(days - np.int32(_EPOCH), pa.int32(), mask=is_none if has_none else None).view(pa.date32())


def working_day_index() -> np.ndarray:
    """Count of working days up to each day from 2000-01-01 to 2040-12-31, by the production calendar."""
    moved = moved_working_days()
    days = (is_working_day(date.fromordinal(day), moved) for day in range(FIRST_DAY, LAST_DAY + 1))
    return np.cumsum(np.fromiter(days, dtype=np.int32), dtype=np.int32)
