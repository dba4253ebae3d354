"""Workbooks of Excel 97–2003: values with number formats, merged ranges, dates and visibility."""

import contextlib
import io
from datetime import datetime

import xlrd

from helpers.intake.grids.model import ERROR, Grid, GridBuilder, GridError
from helpers.intake.grids.numbers import decimals_of_format, number_cell, plain_cell


def read(data: bytes, name: str) -> list[Grid]:
    """Sheets of a workbook in order.

    Raises
    ------
    GridError
        If the workbook is encrypted or damaged.
    """
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            book = xlrd.open_workbook(file_contents=data, formatting_info=True, logfile=io.StringIO())
            return [_grid(book, sheet, name) for sheet in book.sheets()]
    except GridError:
        raise
    except Exception as error:  # xlrd fails on damaged records with whatever struct, index or assert error comes first
        advice = (
            "Ask the sender for a copy without a password."
            if "ncrypt" in str(error)
            else "Ask the sender for it again."
        )
        raise GridError(f"{name}: the workbook cannot be read ({type(error).__name__}: {error}). {advice}") from error


def _grid(book: xlrd.book.Book, sheet: xlrd.sheet.Sheet, name: str) -> Grid:
    builder = GridBuilder(sheet.name)
    for row in range(sheet.nrows):
        for column in range(sheet.row_len(row)):
            cell = sheet.cell(row, column)
            if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
                continue
            number_format = _format(book, cell.xf_index)
            text, kind = _text(book, cell, number_format)
            builder.put(row, column, text, kind)
            if (
                cell.ctype == xlrd.XL_CELL_NUMBER
                and cell.value != int(cell.value)
                and decimals_of_format(number_format) is None
            ):
                builder.general.add((row, column))
    for first_row, last_row, first_column, last_column in sheet.merged_cells:
        builder.spans.append((first_row, first_column, last_row - 1, last_column - 1))
    hidden_rows = frozenset(row for row, info in sheet.rowinfo_map.items() if info.hidden)
    hidden_columns = frozenset(column for column, info in sheet.colinfo_map.items() if info.hidden)
    return builder.build(name, is_hidden=sheet.visibility != 0, hidden_rows=hidden_rows, hidden_columns=hidden_columns)


def _format(book: xlrd.book.Book, xf_index: int | None) -> str:
    if xf_index is None or xf_index >= len(book.xf_list):
        return "General"
    found = book.format_map.get(book.xf_list[xf_index].format_key)
    return found.format_str if found else "General"


def _text(book: xlrd.book.Book, cell: xlrd.sheet.Cell, number_format: str) -> tuple[str, int]:
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            return plain_cell(datetime(*xlrd.xldate_as_tuple(cell.value, book.datemode)))
        except (xlrd.XLDateError, ValueError):
            return number_cell(cell.value, "General")
    if cell.ctype == xlrd.XL_CELL_NUMBER:
        return number_cell(cell.value, number_format)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return plain_cell(bool(cell.value))
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return xlrd.error_text_from_code.get(cell.value, "#ERROR!"), ERROR
    return str(cell.value), 0
