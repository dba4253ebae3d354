"""Bytes of a log's columns → texts: few distinct texts decoded once each, application numbers decoded as a whole.

A value that its encoding cannot be decoded from refuses its row; it never stops the log.
"""

import functools
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_REPLACED = "\ufffd"  # stands where a decoder found no letter


@dataclass(frozen=True)
class Coded:
    """A column as positions in its distinct texts; a text that cannot be decoded is None."""

    positions: np.ndarray
    texts: list[str | None]


def coded(column: pa.DictionaryArray, encoding: str) -> Coded:
    """Distinct texts of a dictionary of bytes or texts; null is the empty text."""
    texts = [_text(value, encoding) for value in column.dictionary.to_pylist()]
    indices = column.indices
    if indices.null_count:
        indices = pc.fill_null(indices, len(texts))
        texts.append("")
    return Coded(indices.to_numpy(zero_copy_only=False), texts)


def _text(value: bytes | str | None, encoding: str) -> str | None:
    if not isinstance(value, bytes):
        return value or ""
    try:
        text = value.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if _REPLACED in text else text


def identifiers(column: pa.Array, encoding: str) -> tuple[pa.Array, np.ndarray | None]:
    """Application numbers as trimmed text, and which of them cannot be decoded (None: all can)."""
    try:
        texts = column.cast(pa.string()) if encoding == "utf-8" else _decoded(column, encoding)
        is_clean = not _holds(texts.buffers()[2], _REPLACED.encode())
    except (pa.ArrowInvalid, UnicodeDecodeError):
        is_clean = False
    if is_clean:
        return pc.utf8_trim_whitespace(pc.fill_null(texts, "")), None
    values = [_text(value, encoding) for value in column.to_pylist()]
    bad = np.array([value is None for value in values], dtype=np.bool_)
    return pc.utf8_trim_whitespace(pa.array([value or "" for value in values], pa.string())), bad


def _holds(buffer: pa.Buffer | None, part: bytes) -> bool:
    return buffer is not None and part in buffer.to_pybytes()


def _decoded(column: pa.Array, encoding: str) -> pa.Array:
    """A column of bytes of a one-byte encoding as text: its buffer is decoded whole, its offsets are counted anew."""
    if column.null_count or not len(column):
        return pa.array([_strict(value, encoding) for value in column.to_pylist()], pa.string())
    _, offsets_buffer, data = column.buffers()
    offsets = np.frombuffer(offsets_buffer, dtype=np.int32)[column.offset : column.offset + len(column) + 1]
    raw = np.frombuffer(data, dtype=np.uint8)[offsets[0] : offsets[-1]] if data else np.empty(0, np.uint8)
    offsets = offsets - offsets[0]
    packed = raw.tobytes()
    if not packed.isascii():
        ends = np.concatenate([[0], np.cumsum(_widths(encoding)[raw], dtype=np.int32)])
        offsets = ends[offsets].astype(np.int32)
        packed = packed.decode(encoding).encode()
    return pa.StringArray.from_buffers(len(column), pa.py_buffer(offsets), pa.py_buffer(packed))


def _strict(value: bytes | None, encoding: str) -> str:
    return (value or b"").decode(encoding)


@functools.lru_cache(maxsize=8)
def _widths(encoding: str) -> np.ndarray:
    """Bytes of utf-8 that each byte of a one-byte encoding becomes."""
    letters = (bytes([byte]).decode(encoding, errors="replace") for byte in range(256))
    return np.array([len(letter.encode()) for letter in letters], dtype=np.uint8)
