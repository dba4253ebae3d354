"""A batch of text becomes typed rows and refusals, by the cleaner's own parsers on distinct texts.

Every row ends in exactly one heap: accepted, or refused with the first reason that applies in the order of
`REASONS`. A Python parser runs once per distinct text of a column, never once per row.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from helpers.intake import values
from helpers.intake.regions import match_region
from helpers.intake.requests.columns import ColumnMap
from helpers.intake.requests.reading import Batch
from helpers.intake.text import is_missing, key_text, normalise
from helpers.intake.workdays import is_working_day, moved_working_days

REASONS = (
    "missing_id", "unknown_entity", "bad_date", "future_date", "negative_duration",
    "not_a_number", "out_of_range", "impossible_combination",
)  # fmt: skip
SCHEMA = pa.schema(
    [
        ("application_id", pa.string()), ("region_iso", pa.string()), ("municipality", pa.string()),
        ("service_id", pa.string()), ("service_name", pa.string()), ("agency", pa.string()),
        ("received", pa.date32()), ("completed", pa.date32()), ("is_open", pa.int8()),
        ("calendar_days", pa.int32()), ("working_days", pa.int32()),
        ("documents", pa.int32()), ("documents_supplied", pa.int32()), ("visits", pa.int32()),
        ("is_online", pa.int8()), ("is_refused", pa.int8()), ("is_appealed", pa.int8()), ("rating", pa.int8()),
        ("record", pa.int64()),
    ]
)  # fmt: skip
FIRST_DAY, LAST_DAY = date(2000, 1, 1).toordinal(), date(2040, 12, 31).toordinal()
_STAMPED = (
    r"^\s*(\d{1,2}[./-]\d{1,2}[./-]\d{4}|\d{4}-\d{2}-\d{2})[ T]\d{1,2}:\d{2}"
    r"(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}:?\d{2})?\s*$"
)
_EPOCH = date(1970, 1, 1).toordinal()
_NONE = -1  # no value given
_BAD = -2  # a text that is no value
_OUT = -3  # a value that cannot be
_YES = {"да", "1", "true", "yes", "отказ", "отказано", "жалоба", "есть", "y", "+"}
_NO = {"нет", "0", "false", "no", "", "предоставлена", "оказана", "n", "-"}
_ONLINE = ("портал", "епгу", "рпгу", "госуслуг", "online", "онлайн", "portal", "электрон", "сайт", "мобильн")
_OFFLINE = ("мфц", "mfc", "лично", "очно", "in person", "in_person", "почт", "ведомств", "приём", "прием", "орган")


@dataclass(frozen=True)
class Rows:
    """Typed rows of one batch, counts of refusals by reason, and a bounded sample of the refused."""

    table: pa.Table
    refused: dict[str, int]
    samples: list[tuple[int, str, str, str]]  # record, reason, column, text


@dataclass
class Parser:
    """Parsers with their memory of distinct texts; one per file, so that memory stays bounded by distinct texts.

    Attributes
    ----------
    as_of : date
        Day on which the log was taken: later dates are refused, open applications are censored there.
    sample_limit : int
        Refused rows kept per reason and batch.
    """

    columns: ColumnMap
    as_of: date
    sample_limit: int = 20
    memory: dict[str, dict[str, Any]] = field(default_factory=dict)
    _working: np.ndarray = field(default_factory=lambda: working_day_index())

    def parse(self, batch: Batch) -> Rows:
        """Typed rows of a batch."""
        table, n = batch.table, batch.table.num_rows
        get = self._column_getter(table, n)
        ids = _trimmed(get("application_id"))
        regions, region_ok = self._coded(get("region"), "region", _region)
        services, service_ok = self._coded(get("service_id"), "service_id", _identifier)
        received = self._numbers(_day_part(get("received")), "received", _day)
        completed = self._numbers(_day_part(get("completed")), "completed", _day_or_open)
        counts = {
            name: self._numbers(get(name), name, _count) for name in ("documents_asked", "documents_supplied", "visits")
        }
        refused = self._numbers(get("refusal"), "refusal", _flag)
        appealed = self._numbers(get("appeal"), "appeal", _flag)
        rating = self._numbers(get("rating"), "rating", _rating)
        online = self._numbers(get("channel"), "channel", _channel)
        as_of = self.as_of.toordinal()
        is_open = completed == _NONE
        numbers = [*counts.values(), refused, appealed, rating, online]
        checks = {
            "missing_id": (pc.equal(pc.utf8_length(ids), 0).to_numpy(zero_copy_only=False) | ~service_ok),
            "unknown_entity": ~region_ok,
            "bad_date": (received < FIRST_DAY) | (received > LAST_DAY) | (completed == _BAD),
            "future_date": (received > as_of) | (completed > as_of),
            "negative_duration": ~is_open & (completed > 0) & (completed < received),
            "not_a_number": np.logical_or.reduce([column == _BAD for column in numbers]),
            "out_of_range": np.logical_or.reduce([column == _OUT for column in numbers]),
            "impossible_combination": is_open & ((refused == 1) | (appealed == 1) | (rating > 0)),
        }
        reason = np.full(n, len(REASONS), dtype=np.int8)
        for number, name in reversed(list(enumerate(REASONS))):
            reason[checks[name]] = number
        keep = reason == len(REASONS)
        end = np.where(is_open, as_of, completed)
        typed = {
            "application_id": ids, "region_iso": regions, "municipality": _trimmed(get("municipality")),
            "service_id": services, "service_name": _trimmed(get("service_name")), "agency": _trimmed(get("agency")),
            "received": _dates(received), "completed": _dates(np.where(is_open, _BAD, completed)),
            "is_open": is_open.astype(np.int8),
            "calendar_days": (end - received).astype(np.int32),
            "working_days": self._working_days(received, end),
            "documents": _nullable(counts["documents_asked"]),
            "documents_supplied": _nullable(counts["documents_supplied"]),
            "visits": _nullable(counts["visits"]), "is_online": _nullable(online, np.int8),
            "is_refused": _nullable(refused, np.int8), "is_appealed": _nullable(appealed, np.int8),
            "rating": _nullable(rating, np.int8), "record": np.arange(batch.first_record, batch.first_record + n),
        }  # fmt: skip
        arrays = [pa.array(column) if isinstance(column, np.ndarray) else column for column in typed.values()]
        whole = pa.table(arrays, names=list(typed)).select(SCHEMA.names)
        accepted = whole.filter(pa.array(keep)) if not keep.all() else whole
        tally = np.bincount(reason, minlength=len(REASONS) + 1)
        return Rows(
            accepted.cast(SCHEMA),
            {name: int(tally[number]) for number, name in enumerate(REASONS) if tally[number]},
            self._samples(table, reason, batch.first_record),
        )

    def _column_getter(self, table: pa.Table, n: int) -> Callable[[str], pa.Array]:
        empty = pa.array([""] * n, pa.string()) if n else pa.array([], pa.string())

        def get(name: str) -> pa.Array:
            label = self.columns.labels.get(name)
            if label is None:
                return empty
            index = [name.lstrip("\ufeff") for name in table.column_names].index(label)
            column = table.column(index)
            return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)

        return get

    def _distinct(self, column: pa.Array, name: str, parse: Callable[[str], Any]) -> tuple[np.ndarray, list[Any]]:
        """Positions into the parsed distinct texts of a column."""
        encoded = column.dictionary_encode()
        known = self.memory.setdefault(name, {})
        parsed = []
        for text in encoded.dictionary.to_pylist():
            if text not in known:
                known[text] = parse(text or "")
            parsed.append(known[text])
        return encoded.indices.to_numpy(zero_copy_only=False), parsed

    def _numbers(self, column: pa.Array, name: str, parse: Callable[[str], int]) -> np.ndarray:
        positions, parsed = self._distinct(column, name, parse)
        return np.asarray(parsed, dtype=np.int64)[positions] if len(parsed) else np.empty(0, np.int64)

    def _coded(self, column: pa.Array, name: str, parse: Callable[[str], str]) -> tuple[pa.Array, np.ndarray]:
        positions, parsed = self._distinct(column, name, parse)
        texts = pa.array(parsed, pa.string())
        known = np.asarray([bool(text) for text in parsed], dtype=bool)
        return texts.take(pa.array(positions)), known[positions] if len(parsed) else np.empty(0, bool)

    def _working_days(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        low, high = np.clip(start, FIRST_DAY, LAST_DAY), np.clip(end, FIRST_DAY, LAST_DAY)
        return (self._working[high - FIRST_DAY] - self._working[low - FIRST_DAY]).astype(np.int32)

    def _samples(self, table: pa.Table, reason: np.ndarray, first: int) -> list[tuple[int, str, str, str]]:
        samples = []
        for number, name in enumerate(REASONS):
            for row in np.flatnonzero(reason == number)[: self.sample_limit]:
                record = table.slice(int(row), 1).to_pylist()[0]
                text = "; ".join(f"{key}={value}" for key, value in record.items())
                samples.append((first + int(row), name, "", text[:300]))
        return samples


def working_day_index() -> np.ndarray:
    """Count of working days up to each day from 2000-01-01 to 2040-12-31, by the production calendar."""
    moved = moved_working_days()
    days = (is_working_day(date.fromordinal(day), moved) for day in range(FIRST_DAY, LAST_DAY + 1))
    return np.cumsum(np.fromiter(days, dtype=np.int32))


def _trimmed(column: pa.Array) -> pa.Array:
    return pc.utf8_trim_whitespace(column)


def _day_part(column: pa.Array) -> pa.Array:
    """Cut a time of day off, so that distinct texts are distinct days."""
    stamped = pc.match_substring_regex(column, _STAMPED)
    if not pc.any(stamped).as_py():
        return column
    cut = pc.replace_substring_regex(column, r"^\s*([0-9./-]+)[ T].*$", r"\1")
    return pc.if_else(stamped, cut, column)


def _dates(days: np.ndarray) -> pa.Array:
    known = days > 0
    return pa.array(np.where(known, days - _EPOCH, 0).astype(np.int32), mask=~known).cast(pa.date32())


def _nullable(column: np.ndarray, kind: type = np.int32) -> pa.Array:
    return pa.array(np.clip(column, 0, None).astype(kind), mask=column < 0)


def _region(text: str) -> str:
    return match_region(text).code or ""


def _identifier(text: str) -> str:
    return normalise(text).strip()


def _day(text: str) -> int:
    parsed = values.parse_date(text)
    return date.fromisoformat(parsed.value).toordinal() if isinstance(parsed.value, str) and parsed.value else _BAD


def _day_or_open(text: str) -> int:
    parsed = values.parse_date(text)
    if parsed.reason == "missing_value":
        return _NONE
    return date.fromisoformat(parsed.value).toordinal() if isinstance(parsed.value, str) and parsed.value else _BAD


def _count(text: str) -> int:
    parsed = values.parse_count(text)
    if parsed.reason in ("missing_value", "not_applicable"):
        return _NONE if is_missing(text) or parsed.reason == "not_applicable" else _BAD
    if parsed.reason == "out_of_range":
        return _OUT
    if not isinstance(parsed.value, float):
        return _BAD
    return int(parsed.value) if parsed.value <= 1000 else _OUT


def _rating(text: str) -> int:
    number = _count(text)
    return number if number < 0 or 1 <= number <= 5 else _OUT


def _flag(text: str) -> int:
    word = key_text(text)
    if word in _YES or word.startswith(("отказ", "жалоб")):
        return 1
    return 0 if word in _NO else _BAD


def _channel(text: str) -> int:
    word = key_text(text)
    if not word:
        return _NONE
    if any(part in word for part in _ONLINE):
        return 1
    return 0 if any(part in word for part in _OFFLINE) else _BAD
