"""Files from sheets, the same bytes for the same content: xlsx, ods, docx, html and csv.

Written by hand, in the few parts that every reader accepts, because the usual libraries stamp the hour into the file.
"""

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from helpers.synthetic.grid import Cell, Draft, Sheet, Styled

STAMP = (2025, 7, 15, 9, 0, 0)
_EXCEL_EPOCH = dt.date(1899, 12, 30)
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SHEET_NS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_WORD_NS = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def _zip(parts: Iterable[tuple[str, str]], stored: tuple[str, ...] = ()) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in parts:
            info = zipfile.ZipInfo(name, STAMP)
            info.compress_type = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, text.encode("utf-8"))
    return buffer.getvalue()


def _relations(*targets: tuple[str, str]) -> str:
    lines = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'{_DECLARATION}<Relationships xmlns="{_PACKAGE}/relationships">{lines}</Relationships>'


def _types(*parts: tuple[str, str]) -> str:
    lines = "".join(f'<Override PartName="{part}" ContentType="{kind}"/>' for part, kind in parts)
    return (
        f'{_DECLARATION}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{lines}</Types>'
    )


def _letters(column: int) -> str:
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def _number(value: float | dt.date) -> str:
    return str((value - _EXCEL_EPOCH).days) if isinstance(value, dt.date) else repr(value)


def xlsx(draft: Draft) -> bytes:
    """Workbook with number formats, merged ranges and hidden sheets."""
    strings: dict[str, int] = {}
    formats: dict[str, int] = {}
    sheets = [_sheet_xml(sheet, strings, formats) for sheet in draft.sheets]
    main = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    entries = "".join(
        f'<sheet name={quoteattr(sheet.name)} sheetId="{number}"'
        f'{" state=" + quoteattr("hidden") if sheet.is_hidden else ""} r:id="rId{number}"/>'
        for number, sheet in enumerate(draft.sheets, 1)
    )
    names = [f"worksheets/sheet{number}.xml" for number in range(1, len(sheets) + 1)]
    return _zip(
        [
            (
                "[Content_Types].xml",
                _types(
                    ("/xl/workbook.xml", f"{main}.sheet.main+xml"),
                    ("/xl/styles.xml", f"{main}.styles+xml"),
                    ("/xl/sharedStrings.xml", f"{main}.sharedStrings+xml"),
                    *((f"/xl/{name}", f"{main}.worksheet+xml") for name in names),
                ),
            ),
            ("_rels/.rels", _relations(("officeDocument", "xl/workbook.xml"))),
            (
                "xl/workbook.xml",
                f'{_DECLARATION}<workbook xmlns="{_SHEET_NS}" xmlns:r="{_OFFICE}">'
                f"<sheets>{entries}</sheets></workbook>",
            ),
            (
                "xl/_rels/workbook.xml.rels",
                _relations(
                    *(("worksheet", name) for name in names),
                    ("styles", "styles.xml"),
                    ("sharedStrings", "sharedStrings.xml"),
                ),
            ),
            ("xl/styles.xml", _styles_xml(formats)),
            ("xl/sharedStrings.xml", _strings_xml(strings)),
            *((f"xl/{name}", text) for name, text in zip(names, sheets, strict=True)),
        ]
    )


def _sheet_xml(sheet: Sheet, strings: dict[str, int], formats: dict[str, int]) -> str:
    rows = []
    for number, row in enumerate(sheet.rows, 1):
        cells = "".join(
            _cell_xml(cell, f"{_letters(col)}{number}", strings, formats) for col, cell in enumerate(row, 1)
        )
        rows.append(f'<row r="{number}">{cells}</row>')
    merges = "".join(f'<mergeCell ref="{_letters(c1)}{r1}:{_letters(c2)}{r2}"/>' for r1, c1, r2, c2 in sheet.merges)
    merged = f'<mergeCells count="{len(sheet.merges)}">{merges}</mergeCells>' if merges else ""
    return f'{_DECLARATION}<worksheet xmlns="{_SHEET_NS}"><sheetData>{"".join(rows)}</sheetData>{merged}</worksheet>'


def _cell_xml(cell: Cell, place: str, strings: dict[str, int], formats: dict[str, int]) -> str:
    if cell is None or cell == "":
        return ""
    if isinstance(cell, str):
        return f'<c r="{place}" t="s"><v>{strings.setdefault(cell, len(strings))}</v></c>'
    if isinstance(cell, Styled):
        style = formats.setdefault(cell.format, len(formats) + 1)
        return f'<c r="{place}" s="{style}"><v>{_number(cell.value)}</v></c>'
    return f'<c r="{place}"><v>{_number(cell)}</v></c>'


def _styles_xml(formats: dict[str, int]) -> str:
    codes = "".join(f'<numFmt numFmtId="{163 + i}" formatCode={quoteattr(code)}/>' for code, i in formats.items())
    declared = f'<numFmts count="{len(formats)}">{codes}</numFmts>' if formats else ""
    plain = '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    styled = "".join(
        f'<xf numFmtId="{163 + i}" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
        for i in formats.values()
    )
    return (
        f'{_DECLARATION}<styleSheet xmlns="{_SHEET_NS}">{declared}'
        '<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        f'<cellXfs count="{len(formats) + 1}">{plain}{styled}</cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )


def _strings_xml(strings: dict[str, int]) -> str:
    items = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in strings)
    return f'{_DECLARATION}<sst xmlns="{_SHEET_NS}" uniqueCount="{len(strings)}">{items}</sst>'


def ods(draft: Draft) -> bytes:
    """OpenDocument spreadsheet with value types and merged ranges."""
    space = "urn:oasis:names:tc:opendocument:xmlns"
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    tables = "".join(_ods_table(sheet) for sheet in draft.sheets)
    content = (
        f'{_DECLARATION}<office:document-content xmlns:office="{space}:office:1.0" xmlns:table="{space}:table:1.0" '
        f'xmlns:text="{space}:text:1.0" office:version="1.2"><office:body><office:spreadsheet>{tables}'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = (
        f'{_DECLARATION}<manifest:manifest xmlns:manifest="{space}:manifest:1.0" manifest:version="1.2">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
    )
    parts = [("mimetype", kind), ("content.xml", content), ("META-INF/manifest.xml", manifest)]
    return _zip(parts, stored=("mimetype",))


def _spans(sheet: Sheet) -> tuple[dict[tuple[int, int], tuple[int, int]], set[tuple[int, int]]]:
    """Extent (rows, columns) of every merged corner, and the places it covers."""
    corners, covered = {}, set()
    for r1, c1, r2, c2 in sheet.merges:
        corners[r1, c1] = (r2 - r1 + 1, c2 - c1 + 1)
        covered |= {(r, c) for r in range(r1, r2 + 1) for c in range(c1, c2 + 1)} - {(r1, c1)}
    return corners, covered


def _ods_table(sheet: Sheet) -> str:
    corners, covered = _spans(sheet)
    rows = []
    for number, row in enumerate(sheet.rows, 1):
        cells = []
        for col in range(1, sheet.width + 1):
            cell = row[col - 1] if col <= len(row) else None
            if (number, col) in covered:
                cells.append("<table:covered-table-cell/>")
                continue
            span = ""
            if (number, col) in corners:
                down, across = corners[number, col]
                span = f' table:number-columns-spanned="{across}" table:number-rows-spanned="{down}"'
            cells.append(_ods_cell(cell, span))
        rows.append(f"<table:table-row>{''.join(cells)}</table:table-row>")
    return f"<table:table table:name={quoteattr(sheet.name)}>{''.join(rows)}</table:table>"


def _ods_cell(cell: Cell, span: str) -> str:
    if cell is None or cell == "":
        return f"<table:table-cell{span}/>"
    if isinstance(cell, str):
        return f'<table:table-cell{span} office:value-type="string"><text:p>{escape(cell)}</text:p></table:table-cell>'
    value = cell.value if isinstance(cell, Styled) else cell
    if isinstance(cell, Styled) and cell.format.endswith("%") and not isinstance(value, dt.date):
        shown = f"{100 * value:.{cell.format.count('0') - 1}f}%".replace(".", ",")
        kind = "percentage"
    else:
        kind, shown = "float", _number(value).replace(".", ",")
    return (
        f'<table:table-cell{span} office:value-type="{kind}" office:value="{_number(value)}">'
        f"<text:p>{shown}</text:p></table:table-cell>"
    )


def docx(draft: Draft) -> bytes:
    """Word document: for each sheet its heading lines as paragraphs, then a table with merged cells."""
    body = "".join("".join(_paragraph(line) for line in sheet.heading) + _docx_table(sheet) for sheet in draft.sheets)
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    return _zip(
        [
            ("[Content_Types].xml", _types(("/word/document.xml", kind))),
            ("_rels/.rels", _relations(("officeDocument", "word/document.xml"))),
            (
                "word/document.xml",
                f'{_DECLARATION}<w:document xmlns:w="{_WORD_NS}"><w:body>{body}{_paragraph("")}<w:sectPr/>'
                "</w:body></w:document>",
            ),
        ]
    )


def _paragraph(text: str) -> str:
    run = f'<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r>' if text else ""
    return f"<w:p>{run}</w:p>"


def _docx_table(sheet: Sheet) -> str:
    corners, covered = _spans(sheet)
    below = {(r, c1): c2 - c1 + 1 for r1, c1, r2, c2 in sheet.merges for r in range(r1 + 1, r2 + 1)}
    rows = []
    for number, row in enumerate(sheet.rows, 1):
        cells = []
        for col in range(1, sheet.width + 1):
            place = (number, col)
            text = "" if col > len(row) or row[col - 1] is None else str(row[col - 1])
            if place in below:
                cells.append(f"<w:tc><w:tcPr>{_grid_span(below[place])}<w:vMerge/></w:tcPr>{_paragraph('')}</w:tc>")
            elif place in corners:
                down, across = corners[place]
                restart = '<w:vMerge w:val="restart"/>' if down > 1 else ""
                cells.append(f"<w:tc><w:tcPr>{_grid_span(across)}{restart}</w:tcPr>{_paragraph(text)}</w:tc>")
            elif place not in covered:
                cells.append(f"<w:tc>{_paragraph(text)}</w:tc>")
        rows.append(f"<w:tr>{''.join(cells)}</w:tr>")
    grid = "<w:gridCol/>" * sheet.width
    return f"<w:tbl><w:tblPr/><w:tblGrid>{grid}</w:tblGrid>{''.join(rows)}</w:tbl>"


def _grid_span(columns: int) -> str:
    return f'<w:gridSpan w:val="{columns}"/>' if columns > 1 else ""


def html(draft: Draft, title: str, tail: str = "") -> bytes:
    """Web page: a site menu as the first table, then each sheet under its heading; rows and columns span."""
    menu = '<table><tr><td><a href="#">Главная</a></td><td><a href="#">Документы</a></td><td>Поиск</td></tr></table>'
    tables = "".join(
        "".join(f"<h1>{escape(line)}</h1>\n" for line in sheet.heading) + _html_table(sheet)
        for sheet in draft.sheets
        if sheet.rows
    )
    page = (
        f'<!DOCTYPE html><html lang="ru"><head><meta charset="utf-8"><title>{escape(title)}</title></head><body>\n'
        f"{menu}\n{tables}<p>{escape(tail)}</p></body></html>\n"
    )
    return page.encode("utf-8")


def _html_table(sheet: Sheet) -> str:
    corners, covered = _spans(sheet)
    rows = []
    for number, row in enumerate(sheet.rows, 1):
        cells = []
        for col in range(1, sheet.width + 1):
            if (number, col) in covered:
                continue
            down, across = corners.get((number, col), (1, 1))
            span = (f' rowspan="{down}"' if down > 1 else "") + (f' colspan="{across}"' if across > 1 else "")
            text = "" if col > len(row) or row[col - 1] is None else escape(str(row[col - 1]))
            cells.append(f"<td{span}>{text.replace(chr(160), '&nbsp;')}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>\n")
    return f'<table border="1">\n{"".join(rows)}</table>\n'


def delimited(draft: Draft, encoding: str, separator: str = ";") -> bytes:
    """Text table; a row that only says ``sep=;`` is written as it stands (it counts as a record)."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, lineterminator="\r\n")
    for row in draft.sheets[0].rows:
        if row and str(row[0]).startswith("sep="):
            buffer.write(f"{row[0]}\r\n")
        else:
            writer.writerow(["" if cell is None else cell for cell in row])
    text = buffer.getvalue()
    if encoding == "cp866":  # it has no long dashes; whoever saved the file got short ones
        text = text.replace("—", "-").replace("–", "-")
    return text.encode(encoding)
