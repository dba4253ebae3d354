"""Text files: encoding, separator, quoted newlines, ragged records. Rows are records, not lines."""

import csv
import io
import re
from collections import Counter
from itertools import islice

import numpy as np
from charset_normalizer import from_bytes

from helpers.intake.grids.model import Grid, GridError, check_size

ENCODINGS = ("utf_8", "utf_16", "cp1251", "cp866", "koi8_r")
SEPARATORS = (";", "\t", "|", ",")
_SAMPLE = 64 * 1024
_CHUNK = 50_000
_SEP_LINE = re.compile(r"^\"?sep=(.)\"?\r?\n", re.I)
# The most frequent pairs of letters of Russian text: a wrong decoding of Cyrillic bytes has hardly any.
_PAIRS = frozenset(
    [
        "ст",
        "но",
        "то",
        "на",
        "ен",
        "ов",
        "ни",
        "ра",
        "во",
        "ко",
        "ос",
        "ро",
        "ал",
        "ли",
        "ор",
        "го",
        "ер",
        "по",
        "ет",
        "ре",
        "ка",
        "ри",
        "ан",
        "ес",
        "ть",
        "ом",
        "ол",
        "та",
        "пр",
        "ий",
        "ая",
        "ск",
        "об",
        "ла",
        "ло",
        "ле",
        "да",
        "ие",
        "ес",
        "ки",
        "ик",
        "ти",
        "ка",
        "ва",
        "не",
        "де",
        "ог",
        "ве",
        "ел",
        "ин",
        "ат",
        "тв",
        "ад",
        "ге",
        "мо",
        "са",
        "ми",
        "ас",
        "ци",
        "че",
        "за",
        "ьн",
        "нн",
        "те",
        "ин",
        "ны",
        "сс",
        "ач",
    ]
)


def decode(data: bytes, name: str) -> tuple[str, str]:
    """Text and the encoding it was found to be in.

    Raises
    ------
    GridError
        ``undecodable_text`` when no encoding leaves clean Cyrillic or plain ASCII.
    """
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return _strict(data, encoding, name), encoding
    for encoding in ("utf-8", *_wide_encodings(data)):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not _is_dirty(text[:_SAMPLE]):
            return text, encoding
    best = _guess(data)
    if best is None:
        raise GridError(f"{name}: no encoding gives readable Russian text. Save the file as UTF-8.", "undecodable_text")
    return _strict(data, best, name), best


def read(data: bytes, name: str) -> list[Grid]:
    """The one table of a text file.

    Raises
    ------
    GridError
        If it cannot be decoded or is larger than the limits.
    """
    text, encoding = decode(data, name)
    sample = text[:_SAMPLE]
    del text  # the bytes are decoded again record by record: a long file is never held twice as text
    announced = _SEP_LINE.match(sample)
    separator = announced.group(1) if announced else choose_separator(sample)
    texts, widths = _table(data, encoding, separator, announced.group() if announced else "", name)
    usual = widths.most_common(1)[0][0] if widths else 0
    ragged = sum(count for width, count in widths.items() if width != usual)
    notes = (
        f"encoding {encoding}",
        f"separator {separator!r}",
        *([f"{ragged} records with another number of fields"] if ragged else []),
    )
    return [Grid("", texts, is_flat=True, notes=notes)]


def choose_separator(sample: str) -> str:
    """The separator that gives the most constant number of fields above one; a comma between digits is a decimal
    comma first.
    """
    scores = {}
    for separator in SEPARATORS:
        text = re.sub(r"(?<=\d),(?=\d)", ".", sample) if separator == "," else sample
        try:
            widths = [len(record) for record in csv.reader(io.StringIO(text), delimiter=separator) if any(record)][
                :-1
            ] or [len(record) for record in csv.reader(io.StringIO(text), delimiter=separator) if any(record)]
        except csv.Error:
            continue
        usual, count = Counter(widths).most_common(1)[0] if widths else (1, 0)
        scores[separator] = (count / max(len(widths), 1) if usual > 1 else 0.0, usual)
    return (
        max(scores, key=lambda separator: scores[separator], default=";")
        if any(score for score, _ in scores.values())
        else ";"
    )


def _table(data: bytes, encoding: str, separator: str, announced: str, name: str) -> tuple[np.ndarray, Counter[int]]:
    """Cells of all records, the shorter ones padded, and how many records have which number of fields."""
    interned: dict[str, str] = {}
    keep = interned.setdefault
    csv.field_size_limit(10_000_000)
    widths: Counter[int] = Counter()
    pieces: list[np.ndarray] = []
    count = int(bool(announced))
    with io.TextIOWrapper(io.BytesIO(data), encoding=encoding, newline="") as stream:
        if announced:
            stream.readline()
            pieces.append(np.array([[announced.strip()]], dtype=object))
        reader = csv.reader(stream, delimiter=separator, strict=False)
        try:
            while chunk := [[keep(field, field) for field in record] for record in islice(reader, _CHUNK)]:
                widths.update(len(record) for record in chunk if record)
                count += len(chunk)
                pieces.append(_rectangle(chunk))
                check_size(name, count, max(piece.shape[1] for piece in pieces))
        except csv.Error as error:
            raise GridError(f"{name}: the table breaks off after record {count} ({error}).") from error
    width = max((piece.shape[1] for piece in pieces), default=0)
    padded = [
        piece if piece.shape[1] == width else np.pad(piece, ((0, 0), (0, width - piece.shape[1])), constant_values="")
        for piece in pieces
    ]
    return (np.vstack(padded) if padded else np.full((0, 0), "", dtype=object)), widths


def _rectangle(records: list[list[str]]) -> np.ndarray:
    width = max(len(record) for record in records)
    cells = np.full((len(records), width), "", dtype=object)
    if width and all(len(record) == width for record in records):
        cells[:] = records
        return cells
    for row, record in enumerate(records):
        cells[row, : len(record)] = record
    return cells


def _wide_encodings(data: bytes) -> tuple[str, ...]:
    """UTF-16 without a mark: every second byte of Russian text is 4 or 0."""
    sample = data[:2000]
    if len(sample) < 4 or sample.count(0) + sample.count(4) < len(sample) * 0.3:
        return ()
    odd = sum(byte in (0, 4) for byte in sample[1::2])
    even = sum(byte in (0, 4) for byte in sample[0::2])
    return ("utf-16-le",) if odd > even else ("utf-16-be",)


def _guess(data: bytes) -> str | None:
    sample = data[:_SAMPLE]
    scores = {}
    for encoding in ("cp1251", "cp866", "koi8_r"):
        try:
            text = sample.decode(encoding)
        except UnicodeDecodeError:
            continue
        scores[encoding] = _plausibility(text)
    ranked = sorted(scores, key=lambda encoding: -scores[encoding])
    if (
        ranked
        and scores[ranked[0]] > 0.3
        and (len(ranked) == 1 or scores[ranked[0]] > 1.5 * max(scores[ranked[1]], 0.05))
    ):
        return ranked[0]
    found = from_bytes(sample, cp_isolation=list(ENCODINGS)).best()
    if found and scores.get(found.encoding, 0) > 0.15:
        return found.encoding
    return None


def _plausibility(text: str) -> float:
    """Share of frequent pairs among the pairs of neighbouring Cyrillic letters; minus odd signs and case flips
    inside words.
    """
    pairs = re.findall(r"(?=([а-яё]{2}))", text.lower())
    if not pairs:
        return 0.0
    good = sum(pair in _PAIRS for pair in pairs) / len(pairs)
    flips = len(re.findall(r"[а-яё][А-ЯЁ]", text)) / len(pairs)
    odd = len(re.findall(r"[\u2500-\u25ff\u0402\u0403\u040a-\u040f\u0452-\u045f\u0490\u0491\u0404\u0454]", text)) / len(
        pairs
    )
    return good - flips - odd


def _is_dirty(text: str) -> bool:
    return bool(re.search(r"[\x00-\x08\x0b\x0e-\x1f\ufffd]", text))


def _strict(data: bytes, encoding: str, name: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise GridError(
            f"{name}: begins as {encoding} but byte {error.start} is not. Save the file again as UTF-8.",
            "undecodable_text",
        ) from error
    if _is_dirty(text):
        raise GridError(
            f"{name}: the text holds control characters; it is damaged or not text. Save it as UTF-8.",
            "undecodable_text",
        )
    return text
