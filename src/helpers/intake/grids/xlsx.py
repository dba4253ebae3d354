"""Workbooks of Excel 2007 and later: values with their number formats, merged ranges, visibility and superscripts."""

import io
import re
import warnings
import zipfile

import openpyxl
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.worksheet.worksheet import Worksheet

from helpers.intake.grids.archives import check_members, open_archive, read_member
from helpers.intake.grids.model import (
    EMPTY_FORMULA,
    ERROR,
    MAX_SHEETS,
    Grid,
    GridBuilder,
    GridError,
    check_merged,
    check_size,
)
from helpers.intake.grids.numbers import decimals_of_format, number_cell, plain_cell
from helpers.intake.text import to_superscript

_EMPTY_FORMULA = re.compile(
    rb'<c\b[^>]*?\br="([A-Z]{1,3}\d{1,7})"[^>]*>\s*<f\b(?:[^>]*/>|[^>]*>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>'
)
_MERGE = re.compile(rb"mergeCell\s[^>]*?ref\s*=\s*[\"']\$?([A-Za-z]{1,3})\$?(\d{1,7}):\$?([A-Za-z]{1,3})\$?(\d{1,7})")


def read(data: bytes, name: str) -> list[Grid]:
    """Sheets of a workbook in order.

    Raises
    ------
    GridError
        If the workbook is damaged, too large, or holds no sheet.
    """
    archive = open_archive(data, name)
    check_members(archive, name, _refuse_huge_merges)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(data), data_only=True, rich_text=True, keep_links=False)
    except Exception as error:  # openpyxl raises whatever its parsers raise on damaged parts
        raise GridError(
            f"{name}: the workbook is damaged ({type(error).__name__}: {error}). Ask the sender for it again."
        ) from error
    sheets = [sheet for sheet in book.worksheets if isinstance(sheet, Worksheet)]
    if not sheets or len(sheets) > MAX_SHEETS:
        raise GridError(f"{name}: the workbook holds {len(sheets)} sheets; between 1 and {MAX_SHEETS} can be read.")
    formulas = _formulas_without_value(archive, name)
    return [_grid(sheet, name, formulas.get(number, frozenset())) for number, sheet in enumerate(sheets, 1)]


def _refuse_huge_merges(content: bytes, name: str) -> None:
    """Refuse merged ranges so large that openpyxl, which makes an object of each cell, would not come back."""
    plain = content.replace(b"\x00", b"") if b"\x00" in content[:200] else content
    cells = 0
    for first, top, last, bottom in _MERGE.findall(plain):
        cells += (abs(int(bottom) - int(top)) + 1) * (abs(_column(last) - _column(first)) + 1)
    check_merged(name, cells)


def _column(letters: bytes) -> int:
    """Number of a column by its letters: A is 1."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _grid(sheet: Worksheet, name: str, empty_formulas: frozenset[str]) -> Grid:
    builder = GridBuilder(sheet.title)
    for (
        row,
        column,
    ), cell in sheet._cells.items():  # iter_rows would walk a rectangle that one stray cell can make endless
        value = cell.value
        if value is None:
            if cell.coordinate in empty_formulas:
                builder.put(row - 1, column - 1, "", EMPTY_FORMULA)
            continue
        text, kind = _text(value, cell.number_format, cell.data_type)
        builder.put(row - 1, column - 1, text, kind)
        if isinstance(value, float) and value != int(value) and decimals_of_format(cell.number_format) is None:
            builder.general.add((row - 1, column - 1))
    for area in sheet.merged_cells.ranges:
        builder.spans.append((area.min_row - 1, area.min_col - 1, area.max_row - 1, area.max_col - 1))
    if builder.cells:
        check_size(
            f"{name}, sheet «{sheet.title}»", max(r for r, _ in builder.cells) + 1, max(c for _, c in builder.cells) + 1
        )
    hidden_rows = frozenset(number - 1 for number, row in sheet.row_dimensions.items() if row.hidden)
    hidden_columns = frozenset(
        column - 1
        for dimension in sheet.column_dimensions.values()
        if dimension.hidden and dimension.min
        for column in range(dimension.min, min(dimension.max, dimension.min + 500) + 1)
    )
    return builder.build(
        name,
        is_hidden=sheet.sheet_state != "visible",
        hidden_rows=hidden_rows,
        hidden_columns=hidden_columns,
    )


def _text(value: object, number_format: str, data_type: str) -> tuple[str, int]:
    if isinstance(value, CellRichText):
        return "".join(_run(part) for part in value), 0
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number_cell(float(value), number_format or "General")
    if data_type == "e":
        return str(value), ERROR
    return plain_cell(value)


def _run(part: str | TextBlock) -> str:
    if isinstance(part, TextBlock):
        return to_superscript(part.text) if part.font and part.font.vertAlign == "superscript" else part.text
    return part


def _formulas_without_value(archive: zipfile.ZipFile, name: str) -> dict[int, frozenset[str]]:
    found = {}
    names = [entry for entry in archive.namelist() if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", entry)]
    for number, member in enumerate(sorted(names, key=lambda entry: int(re.findall(r"\d+", entry)[-1])), 1):
        content = read_member(archive, member, name)
        if b"<f" in content:
            found[number] = frozenset(match.decode() for match in _EMPTY_FORMULA.findall(content))
    return found
