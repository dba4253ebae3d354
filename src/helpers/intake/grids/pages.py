"""PDF files: ruled tables page by page, lines of a cell joined, a table and a row that run over a page put
together again.
"""

import io
import re
import zlib
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pdfplumber
import pymorphy3

from helpers.intake.grids.model import Grid, GridBuilder, GridError

MAX_PAGES = 400
MAX_STREAM_BYTES = 200_000_000  # of one stream unpacked; a scanned page at 600 dots an inch has 105 MB
_MAX_TITLE = 400
_PIECE = 1 << 20
_ZLIB_STARTS = (b"x\x01", b"x\x9c", b"x\xda")


def read(data: bytes, name: str) -> list[Grid]:
    """Tables of a document in order of appearance; a table that runs over a page break is one table.

    Raises
    ------
    GridError
        If the file is damaged, encrypted, too long, a scan without text, or holds no table.
    """
    _refuse_bombs(data, name)
    try:
        with pdfplumber.open(io.BytesIO(data)) as document:
            if len(document.pages) > MAX_PAGES:
                raise GridError(f"{name}: {len(document.pages)} pages, more than {MAX_PAGES}. Split the file.")
            pieces, has_text = _pieces(document, name)
    except GridError:
        raise
    except Exception as error:  # pdfminer raises anything on damaged objects
        advice = (
            "Ask the sender for a copy without a password."
            if "ssword" in type(error).__name__
            else "Ask the sender for it again."
        )
        raise GridError(f"{name}: the document cannot be read ({type(error).__name__}: {error}). {advice}") from error
    if not has_text:
        raise GridError(
            f"{name}: no text layer, the pages are pictures (a scan). Ask the sender for the original file."
        )
    if not pieces:
        raise GridError(f"{name}: no ruled table was found on its pages. Ask the sender for a workbook.")
    grids: list[Grid] = []
    for piece, starts_page in pieces:
        if grids and starts_page and _continues(grids[-1], piece):
            grids[-1] = _append(grids[-1], piece)
        else:
            grids.append(replace(piece, sheet=f"table{len(grids) + 1}"))
    return grids


def _refuse_bombs(data: bytes, name: str) -> None:
    """Refuse a stream that unpacks beyond the limit, or is packed twice: the library unpacks without a bound."""
    view = memoryview(data)
    for found in re.finditer(rb"stream\r?\n(?=[\x08-\x78])", data):
        unpacker, size, rest = zlib.decompressobj(), 0, bytes(view[found.end() : found.end() + _PIECE])
        place = found.end() + _PIECE
        try:
            while rest and not unpacker.eof:
                piece = unpacker.decompress(rest, _PIECE)
                is_packed_again = size == 0 and piece[:2] in _ZLIB_STARTS
                size += len(piece)
                if size > MAX_STREAM_BYTES or is_packed_again:
                    raise GridError(
                        f"{name}: a part of the document unpacks to more than {MAX_STREAM_BYTES:,} bytes."
                        " The file was not opened; check who sent it, or ask for a workbook."
                    )
                rest = unpacker.unconsumed_tail
                if not rest:
                    rest, place = bytes(view[place : place + _PIECE]), place + _PIECE
        except zlib.error:  # another kind of stream, or a damaged one: the library will say
            continue


def _pieces(document: pdfplumber.PDF, name: str) -> tuple[list[tuple[Grid, bool]], bool]:
    pieces: list[tuple[Grid, bool]] = []
    has_text = False
    for page in document.pages:
        has_text = has_text or bool(page.chars)
        above = 0.0
        for order, table in enumerate(page.find_tables(_settings(page))):
            titles = _lines_between(page, above, table.bbox[1])
            above = table.bbox[3]
            grid = _grid(table, titles, name)
            if grid.texts.size:
                is_first = order == 0 and (not titles or all(_is_running_head(title) for title in titles))
                pieces.append((grid, is_first))
        page.close()
    return pieces, has_text


def _settings(page: pdfplumber.page.Page) -> dict[str, object]:
    """A row that a page break cuts has no line on the cut: one is put where the vertical lines begin and end."""
    upright = [edge for edge in page.edges if edge["orientation"] == "v" and edge["bottom"] - edge["top"] > 1]
    if not upright:
        return {}
    ends = [min(edge["top"] for edge in upright), max(edge["bottom"] for edge in upright)]
    level = [edge["top"] for edge in page.edges if edge["orientation"] == "h"]
    missing = [end for end in ends if not any(abs(end - line) <= 3 for line in level)]
    return {"explicit_horizontal_lines": missing} if missing else {}


def _lines_between(page: pdfplumber.page.Page, top: float, bottom: float) -> tuple[str, ...]:
    if bottom - top < 4:
        return ()
    box = (page.bbox[0], max(top, page.bbox[1]), page.bbox[2], min(bottom, page.bbox[3]))
    text = page.crop(box, strict=False).extract_text() or ""
    lines = [line.strip() for line in text.splitlines() if line.strip() and len(line) <= _MAX_TITLE]
    return (*lines, *([" ".join(lines)] if len(lines) > 1 else []))


def _is_running_head(line: str) -> bool:
    return bool(
        re.fullmatch(
            r"(?:стр(?:аница|\.)?\s*)?\d{1,3}(?:\s*(?:из|/)\s*\d{1,3})?|продолжение(?: таблицы.*| приложения.*)?",
            line.strip().lower(),
        )
    )


def _grid(table: pdfplumber.table.Table, titles: tuple[str, ...], name: str) -> Grid:
    builder = GridBuilder("")
    edges = sorted({round(cell[0]) for cell in table.cells} | {round(cell[2]) for cell in table.cells})
    starts = _merge_close(edges)
    texts = table.extract(x_tolerance=1.5)
    for row_number, (row, row_texts) in enumerate(zip(table.rows, texts, strict=True)):
        for column, (cell, text) in enumerate(zip(row.cells, row_texts, strict=True)):
            if cell is None:
                continue
            builder.put(row_number, column, join_lines(text or ""))
            right = sum(1 for start in starts if cell[0] + 2 < start < cell[2] - 2)
            down = sum(
                1
                for other in table.rows[row_number + 1 :]
                if other.bbox[1] < cell[3] - 2 and other.bbox[1] > cell[1] + 2
            )
            if right or down:
                builder.spans.append((row_number, column, row_number + down, column + right))
    return builder.build(name, titles=titles)


def _merge_close(edges: list[int]) -> list[int]:
    kept: list[int] = []
    for edge in edges:
        if not kept or edge - kept[-1] > 3:
            kept.append(edge)
    return kept


def join_lines(text: str) -> str:
    """Lines of one cell as one text: a broken word or number is joined without a space.

    A word is taken for broken when the joined word is in the dictionary («…градска» + «я»), or when a hyphen
    ends the line.
    """
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    joined = lines[0] if lines else ""
    for line in lines[1:]:
        joined += line if _is_broken(joined, line) else f" {line}"
    return joined


def _is_broken(before: str, after: str) -> bool:
    if (re.search(r"\d[.,]$", before) and after[0].isdigit()) or (
        re.search(r"\d$", before) and re.match(r"[.,]\d", after)
    ):
        return True
    if re.search(r"\w-$", before) and after[0].isalpha():
        return True
    left, right = re.search(r"[а-яёА-ЯЁ-]+$", before), re.match(r"[а-яё]+", after)
    if not left or not right:
        return False
    if left.group().lower() in _SHORT_WORDS or right.group() in _SHORT_WORDS:
        return False
    if len(right.group()) <= 2:
        return True
    return _is_word(left.group() + right.group())


_SHORT_WORDS = {"и", "в", "с", "к", "о", "у", "а", "на", "по", "за", "от", "до", "из", "об", "не", "ао", "рф", "г"}


@lru_cache(maxsize=1)
def _analyzer() -> pymorphy3.MorphAnalyzer:
    return pymorphy3.MorphAnalyzer()


@lru_cache(maxsize=20_000)
def _is_word(word: str) -> bool:
    return _analyzer().word_is_known(word.lower().rsplit("-", 1)[-1]) and len(word) > 1


def _continues(first: Grid, second: Grid) -> bool:
    return first.texts.shape[1] == second.texts.shape[1]


def _append(first: Grid, second: Grid) -> Grid:
    """Rows of the next page below; what only continues the last row is joined to it, over a repeated header if
    need be.
    """
    top, bottom = first.texts, second.texts
    while len(top) and not any(text.strip() for text in top[-1]):
        top = top[:-1]  # the page break left the empty upper edge of a row behind
    blank = next((row for row, cells in enumerate(bottom) if any(text.strip() for text in cells)), 0)
    tail = blank
    while tail < min(len(bottom), len(top)) and (bottom[tail] == top[tail - blank]).all():
        tail += 1
    keep = np.ones(len(bottom), dtype=bool)
    keep[:blank] = False
    if len(top) and tail < len(bottom) and _is_row_tail(top[-1], bottom[tail]):
        top = top.copy()
        top[-1] = [join_lines(f"{upper}\n{lower}") for upper, lower in zip(top[-1], bottom[tail], strict=True)]
        keep[tail] = False
    places = np.cumsum(keep) - 1 + len(top)
    spans = [(int(places[a]), b, int(places[c]), d) for a, b, c, d in second.spans if keep[a] and keep[c]]
    return replace(first, texts=np.vstack([top, bottom[keep]]), kinds=None, spans=(*first.spans, *spans))


def _is_row_tail(upper: np.ndarray, lower: np.ndarray) -> bool:
    """A tail has no first cell, and each of its cells continues the one above in lower case or fills a blank one."""
    filled = [column for column, text in enumerate(lower) if text.strip()]
    if not filled or filled[0] == 0 or not upper[0].strip():
        return False
    continues = re.compile(r"[а-яё)(]|[.,]\d")
    return all(not upper[column].strip() or continues.match(lower[column].strip()) for column in filled)
