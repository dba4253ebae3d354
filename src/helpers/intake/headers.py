"""Where the labels of a table stand: header rows, column-number rows, repeated headers, side-by-side blocks."""

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from helpers.intake.agencies import judge_agency
from helpers.intake.grids.model import Grid, spread
from helpers.intake.periods import find_mentions, parse_period
from helpers.intake.regions import judge_region
from helpers.intake.text import key_text, normalise
from helpers.intake.vocabulary import ENTITY_ROLES, PERIOD_ROLES, Label, Vocabulary, split_label

MAX_HEADER_ROWS = 4
SCAN_ROWS = 400
_NUMERIC = re.compile(r"^[+-]?[\d\s]+(?:[.,]\d+)?\s*%?$")
_KEY_ROLES = {*ENTITY_ROLES, *PERIOD_ROLES, "number", "question", "question_number", "process"}


@dataclass(frozen=True)
class Header:
    """Header of one block: rows [first, last], 0-based; columns [left, right)."""

    first: int
    last: int
    left: int
    right: int


@dataclass(frozen=True)
class Sheet:
    """A grid made ready for reading: merged cells spread, own and spread texts stripped."""

    grid: Grid
    own: np.ndarray
    texts: np.ndarray
    kinds: np.ndarray

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.texts.shape[0]


def prepare(grid: Grid) -> Sheet:
    """Spread merged cells; blank cells become empty strings."""
    own = _stripped(grid.texts)
    texts, kinds = spread(grid)
    texts = own if texts is grid.texts else _stripped(texts)
    return Sheet(grid, _repeats_once(own), texts, kinds)


def _repeats_once(own: np.ndarray) -> np.ndarray:
    """A row that says the same words in every cell (a merged row written out) says them once."""
    if own.shape[1] < 3:
        return own
    same = (own == own[:, :1]) | (own == "")
    rows = np.flatnonzero(same.all(axis=1) & ((own != "").sum(axis=1) >= 3))
    worded = [int(row) for row in rows if re.search(r"[^\W\d_]{3}", own[row, 0])]
    if worded:
        own = own.copy()
        own[worded, 1:] = ""
    return own


def _stripped(texts: np.ndarray) -> np.ndarray:
    """Cells of blanks only become empty; judged once per distinct text of a column."""
    result = texts.copy()
    for column in range(texts.shape[1]):
        codes, distinct = pd.factorize(texts[:, column])
        blank = np.array([not text.strip() for text in distinct], dtype=bool)
        if blank.any():
            result[blank[codes], column] = ""
    return result


def find_headers(sheet: Sheet, words: Vocabulary) -> list[Header]:
    """Headers in order of rows; an identical header met again is not one of its own (it is a repeated header row)."""
    headers: list[Header] = []
    limit = sheet.rows if sheet.rows <= 20_000 else SCAN_ROWS
    row = 0
    while row < limit:
        if not _starts_header(sheet, row, words):
            row += 1
            continue
        last = _last_header_row(sheet, row, words)
        if not headers or not _repeats(sheet, headers[-1], row, last) or _has_new_period(sheet, headers[-1], row):
            headers.append(Header(row, last, 0, sheet.texts.shape[1]))
        row = last + 1
    return headers


def _has_new_period(sheet: Sheet, header: Header, row: int) -> bool:
    """Does a lone text right above a repeated header name a period: the same table again, for another quarter?"""
    above = row - 1
    while above > header.last and not _cells(sheet, above):
        above -= 1
    cells = _cells(sheet, above) if above > header.last else []
    return len(cells) == 1 and any(mention.is_valid for mention in find_mentions(cells[0])[0])


def _cells(sheet: Sheet, row: int) -> list[str]:
    return [text for text in sheet.own[row] if text]


def _starts_header(sheet: Sheet, row: int, words: Vocabulary) -> bool:
    cells = _cells(sheet, row)
    if len(cells) < 2 or any(_is_datum(text) for text in cells):
        return False
    known = [text for text in cells if words.is_label(text)]
    periods = [text for text in cells if text not in known and parse_period(text)]
    roles = {words.role(split_label((text,)), "early") for text in known}
    many = len(known) + len(periods) >= 2 and 2 * (len(known) + len(periods)) >= len(cells)
    keyed = bool(roles & {*ENTITY_ROLES, *PERIOD_ROLES}) and all(len(text) < 100 for text in cells)
    return bool(known) and (many or keyed) and not any(map(_is_entity, cells))


def _is_datum(text: str) -> bool:
    plain = normalise(text)
    return bool(_NUMERIC.match(plain)) and not re.fullmatch(r"20\d\d", plain)


def _is_entity(text: str) -> bool:
    return judge_region(text).code is not None or judge_agency(text).name is not None


def _last_header_row(sheet: Sheet, first: int, words: Vocabulary) -> int:
    last = first
    spans_down = [span for span in sheet.grid.spans if span[0] <= first <= span[2]]
    while last + 1 < min(sheet.rows, first + MAX_HEADER_ROWS):
        row = last + 1
        cells = _cells(sheet, row)
        joined = any(span[2] >= row for span in spans_down if sheet.own[span[0], span[1]])
        labels = [text for text in cells if words.is_label(text) or parse_period(text)]
        is_labels = bool(cells) and not any(_is_datum(text) for text in cells) and not any(map(_is_entity, cells))
        if not is_labels or not (joined or (len(labels) == len(cells) and _fits_below(sheet, first, row))):
            break
        if joined or not _has_key_label(sheet, row, words) or _names_again(sheet, row, words):
            last = row
        else:
            break
    return last


def _fits_below(sheet: Sheet, first: int, row: int) -> bool:
    """A second header row leaves blank what the first row already named for good, and is not a lone title."""
    return len(_cells(sheet, row)) >= 2 and bool(
        sheet.own[first, 0] == "" or sheet.own[row, 0] == "" or sheet.texts[row, 0] == sheet.texts[first, 0]
    )


def _is_key(text: str, words: Vocabulary) -> bool:
    return words.role(split_label((text,)), "early") in _KEY_ROLES


def _has_key_label(sheet: Sheet, row: int, words: Vocabulary) -> bool:
    return any(_is_key(text, words) for text in _cells(sheet, row))


def _names_again(sheet: Sheet, row: int, words: Vocabulary) -> bool:
    """Are the key labels of a row those that stand right above them (a label merged downwards, written out)?"""
    labels = [(column, text) for column, text in enumerate(sheet.own[row]) if text and _is_key(text, words)]
    return all(sheet.own[row - 1, column] == text for column, text in labels)


def _repeats(sheet: Sheet, header: Header, first: int, last: int) -> bool:
    return all(is_repeat(sheet, header, row) for row in range(first, last + 1))


def is_repeat(sheet: Sheet, header: Header, row: int) -> bool:
    """Does every filled cell of a row repeat a label of its own column?"""
    hits = 0
    for column in range(header.left, header.right):
        text = sheet.texts[row, column]
        if text:
            if key_text(text) not in {
                key_text(label) for label in sheet.texts[header.first : header.last + 1, column] if label
            }:
                return False
            hits += 1
    return hits >= 2


def labels_of(sheet: Sheet, header: Header) -> list[Label]:
    """Label of each column of a block: the path from parent to child, an unmerged parent being carried to the
    right.
    """
    area = sheet.texts[header.first : header.last + 1, header.left : header.right].copy()
    for row in range(len(area) - 1):
        for column in range(1, area.shape[1]):
            has_child = any(area[row + 1 :, column]) and any(area[row + 1 :, column - 1])
            if not area[row, column] and area[row, column - 1] and has_child:
                area[row, column] = area[row, column - 1]
    labels = []
    for column in range(area.shape[1]):
        path = [text for text in area[:, column] if text]
        path = [text for place, text in enumerate(path) if place == 0 or text != path[place - 1]]
        labels.append(split_label(tuple(path)))
    return labels


def split_side_by_side(sheet: Sheet, header: Header, words: Vocabulary) -> list[Header]:
    """Blocks of one header: split where the labels start again, or at an empty column with an entity on both
    sides.
    """
    labels = labels_of(sheet, header)
    roles = [words.role(label, "early") for label in labels]
    anchors = [
        column
        for column, role in enumerate(roles)
        if role in ("region", "federal_agency", "service_code", "point_number")
    ]
    starts = [0]
    names = [" / ".join(label.texts) for label in labels]
    first_name = next((name for name in names if name), "")
    for left, right in pairwise(anchors):
        if roles[left] != roles[right]:
            empty = [c for c in range(left + 1, right) if _is_empty(sheet, header, c)]
            if empty and roles[left] in ("region", "federal_agency"):
                starts.append(empty[-1] + 1)
            continue
        again = [c for c in range(left + 1, right + 1) if names[c] == first_name]
        empty = [c for c in range(left + 1, right) if _is_empty(sheet, header, c)]
        if again or empty or names[left] == names[right]:
            starts.append(again[0] if again else (empty[-1] + 1 if empty else right))
    ends = [*starts[1:], header.right - header.left]
    return [
        Header(header.first, header.last, header.left + start, header.left + end)
        for start, end in zip(starts, ends, strict=True)
    ]


def _is_empty(sheet: Sheet, header: Header, column: int) -> bool:
    return not any(sheet.texts[header.first :, header.left + column])
