"""CSV and XLSX appendix of a report: every table with units, a data dictionary, and no formulas from names.

CSV is for machines (UTF-8 with BOM, comma, decimal point, ISO dates, true numbers), XLSX for people (typed cells,
frozen header). The same result gives the same bytes.
"""

import csv
import io
import re
import zipfile
from datetime import datetime

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.worksheet import Worksheet

from helpers.presentation.results import NationalResult, Result
from helpers.presentation.tables import build as tables_build
from helpers.presentation.tables import facts as tables_facts
from helpers.presentation.tables import more as tables_more
from helpers.presentation.tables import situations as tables_situations
from helpers.presentation.tables.parts import Table, Value
from helpers.presentation.wording.terms import pick

BUILDERS = (
    tables_build.kpis,
    tables_build.comparison,
    tables_build.trend,
    tables_build.effect,
    tables_build.events,
    tables_build.next_services,
    tables_situations.situations,
    tables_build.rank,
    tables_more.tiles,
    tables_more.agencies,
    tables_more.gaps,
    tables_more.groups,
    tables_more.movers,
    tables_more.moves,
    tables_facts.targets,
    tables_facts.quality,
    tables_facts.contradictions,
    tables_facts.sources,
)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_STAMP = datetime(2000, 1, 1)  # a fixed time, so that the bytes are the same on every run
_ZIP_STAMP = (2000, 1, 1, 0, 0, 0)
_DICTIONARY = ("table", "column", "about", "unit", "kind")
_FORMATS = {"number": "#,##0.00", "integer": "0"}


def tables(result: Result) -> tuple[Table, ...]:
    """All tables of a report that have rows, published figures last."""
    found = [table for build in BUILDERS if (table := build(result)) is not None and table.rows]
    return (*found, *(table for table in tables_facts.published(result) if table.rows))


def files(result: Result) -> dict[str, bytes]:
    """Every file of the appendix by name: a CSV a table, the data dictionary, one workbook.

    Names of synthetic results begin with ``demo_``.
    """
    found = tables(result)
    prefix = "demo_" if result.is_synthetic else ""
    contents = {f"{prefix}{table.name}.csv": csv_bytes(table) for table in found}
    contents[f"{prefix}data_dictionary.csv"] = _csv(_DICTIONARY, dictionary(found))
    contents[f"{prefix}tables.xlsx"] = xlsx_bytes(found, result)
    return contents


def dictionary(found: tuple[Table, ...]) -> list[tuple[Value, ...]]:
    """One row a column of every table: table, column, about, unit, kind."""
    return [
        (table.name, column.key, column.about, column.unit, column.kind) for table in found for column in table.columns
    ]


def csv_bytes(table: Table) -> bytes:
    """A table as CSV; text that a spreadsheet would run as a formula gets a leading apostrophe."""
    return _csv(tuple(column.key for column in table.columns), list(table.rows))


def _csv(header: tuple[str, ...], rows: list[tuple[Value, ...]]) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([tuple(_csv_value(value) for value in row) for row in rows])
    return buffer.getvalue().encode("utf-8-sig")


def _csv_value(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return neutral(value)
    return repr(value) if isinstance(value, float) else str(value)


def neutral(text: str) -> str:
    """Text that no spreadsheet reads as a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def xlsx_bytes(found: tuple[Table, ...], result: Result) -> bytes:
    """Workbook: a first sheet about the report, a sheet a table, the data dictionary."""
    book = Workbook()
    book.properties.creator = "client-centricity"
    book.properties.created = book.properties.modified = _STAMP
    book.properties.title = result.title
    _about(book.active, result)
    for table in found:
        _sheet(book.create_sheet(table.name[:31]), tuple(c.key for c in table.columns), table)
    _dictionary_sheet(book.create_sheet("data_dictionary"), dictionary(found))
    buffer = io.BytesIO()
    book.save(buffer)
    return _same_bytes(buffer.getvalue())


def _about(sheet: Worksheet, result: Result) -> None:
    sheet.title = "about"
    place = pick(("Россия", "Russia"), result.lang)
    if not isinstance(result, NationalResult):
        place = result.region.name if result.lang == "ru" else result.region.name_en
    lines = [result.banner, result.title, place, result.period, result.edition_label, result.headline.sentence]
    for number, line in enumerate((line for line in lines if line), start=1):
        _write(sheet, number, 1, line)
    sheet.column_dimensions["A"].width = 100


def _sheet(sheet: Worksheet, header: tuple[str, ...], table: Table) -> None:
    for position, (key, column) in enumerate(zip(header, table.columns, strict=True), start=1):
        unit = f", {column.unit}" if column.unit and column.unit != "see unit" else ""
        _write(sheet, 1, position, f"{key}{unit}")
    _head_style(sheet, len(header))
    for number, row in enumerate(table.rows, start=2):
        for position, (value, column) in enumerate(zip(row, table.columns, strict=True), start=1):
            _write(sheet, number, position, value, _FORMATS.get(column.kind, ""))


def _dictionary_sheet(sheet: Worksheet, rows: list[tuple[Value, ...]]) -> None:
    for number, row in enumerate([_DICTIONARY, *rows], start=1):
        for position, value in enumerate(row, start=1):
            _write(sheet, number, position, value)
    _head_style(sheet, len(_DICTIONARY))


def _head_style(sheet: Worksheet, width: int) -> None:
    for cell in sheet[1]:
        cell.font = Font(bold=True)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = "A2"
    for position in range(1, width + 1):
        sheet.column_dimensions[sheet.cell(1, position).column_letter].width = 18


def _write(sheet: Worksheet, row: int, column: int, value: Value, number_format: str = "") -> None:
    cell = sheet.cell(row, column)
    if isinstance(value, str):
        cell.value = _CONTROL.sub("", value)
        cell.data_type = "s"
    else:
        cell.value = value
        if number_format and value is not None:
            cell.number_format = number_format


def _same_bytes(data: bytes) -> bytes:
    """The archive with fixed times of its members and of the document."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist()):
            content = old.read(name)
            if name == "docProps/core.xml":
                pattern = rb"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)"
                content = re.sub(pattern, rb"\g<1>2000-01-01T00:00:00Z\g<2>", content)
            info = zipfile.ZipInfo(name, _ZIP_STAMP)
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, content)
    return buffer.getvalue()
