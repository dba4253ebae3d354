"""Workbooks of OpenDocument: value types from the XML (a percentage keeps its type), repeated and covered cells,
visibility.
"""

from lxml import etree

from helpers.intake.grids.archives import open_archive, read_member
from helpers.intake.grids.model import (
    DATE,
    EMPTY_FORMULA,
    MAX_COLUMNS,
    MAX_MERGED,
    NUMBER,
    PERCENT,
    Grid,
    GridBuilder,
    GridError,
    check_size,
)

_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"


def read(data: bytes, name: str) -> list[Grid]:
    """Sheets of a workbook in order.

    Raises
    ------
    GridError
        If the workbook is encrypted, damaged or too large.
    """
    archive = open_archive(data, name)
    if (
        b"encryption-data" in read_member(archive, "META-INF/manifest.xml", name)
        if _has(archive, "META-INF/manifest.xml")
        else False
    ):
        raise GridError(f"{name}: the workbook is encrypted. Ask the sender for a copy without a password.")
    content = read_member(archive, "content.xml", name)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=len(content) > 10_000_000
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise GridError(f"{name}: the workbook is damaged ({error}). Ask the sender for it again.") from error
    hidden_styles = {
        style.get(f"{_STYLE}name")
        for style in root.iter(f"{_STYLE}style")
        for properties in style.iter(f"{_STYLE}table-properties")
        if properties.get(f"{_TABLE}display") == "false"
    }
    return [_grid(table, name, hidden_styles) for table in root.iter(f"{_TABLE}table")]


def _has(archive, member: str) -> bool:
    return member in archive.namelist()


def _grid(table: etree._Element, name: str, hidden_styles: set[str | None]) -> Grid:
    builder = GridBuilder(table.get(f"{_TABLE}name") or "")
    hidden_rows = set()
    row = 0
    for element in table.iter(f"{_TABLE}table-row"):
        repeat = _repeat(element, "number-rows-repeated")
        before = len(builder.cells)
        _read_row(element, row, builder)
        if element.get(f"{_TABLE}visibility") in ("collapse", "filter"):
            hidden_rows.add(row)
        if repeat > 1 and len(builder.cells) > before:
            if repeat * (len(builder.cells) - before) > MAX_MERGED:
                raise GridError(f"{name}: a row is repeated {repeat:,} times. Delete the copies below the data.")
            for copy in range(1, repeat):
                _read_row(element, row + copy, builder)
        row += repeat
    return builder.build(
        name, is_hidden=table.get(f"{_TABLE}style-name") in hidden_styles, hidden_rows=frozenset(hidden_rows)
    )


def _read_row(element: etree._Element, row: int, builder: GridBuilder) -> None:
    column = 0
    for cell in element:
        if cell.tag not in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            continue
        repeat = _repeat(cell, "number-columns-repeated")
        if cell.tag == f"{_TABLE}table-cell":
            text, kind = _text(cell)
            if text.strip() or kind:
                check_size(f"sheet «{builder.sheet[:100]}»", row + 1, column + min(repeat, MAX_COLUMNS))
                for copy in range(min(repeat, MAX_COLUMNS)):
                    builder.put(row, column + copy, text, kind)
            down, right = _repeat(cell, "number-rows-spanned"), _repeat(cell, "number-columns-spanned")
            if down > 1 or right > 1:
                builder.spans.append((row, column, row + down - 1, column + right - 1))
        column += repeat


def _text(cell: etree._Element) -> tuple[str, int]:
    kind = cell.get(f"{_OFFICE}value-type")
    shown = "\n".join(_paragraph(paragraph) for paragraph in cell.findall(f"{_TEXT}p"))
    if kind in ("float", "currency", "percentage"):
        try:
            value = float(cell.get(f"{_OFFICE}value", ""))
        except ValueError:
            return shown, 0
        return _number(value, shown, is_percent=kind == "percentage")
    if kind == "date":
        return (cell.get(f"{_OFFICE}date-value") or shown).replace("T00:00:00", "").replace("T", " "), DATE
    if not shown and cell.get(f"{_TABLE}formula"):
        return "", EMPTY_FORMULA
    return shown, 0


def _number(value: float, shown: str, *, is_percent: bool) -> tuple[str, int]:
    scaled = round(value * 100, 10) if is_percent else value
    text = f"{scaled:.10f}".rstrip("0").rstrip(".")
    digits = shown.replace(",", ".").strip(" %\u00a0")
    decimals = len(digits.split(".")[1]) if digits.count(".") == 1 and digits.split(".")[1].isdigit() else 0
    if decimals > (len(text.split(".")[1]) if "." in text else 0) and decimals <= 6:
        text = f"{scaled:.{decimals}f}"
    return (f"{text}%", PERCENT) if is_percent else (text, NUMBER)


def _paragraph(element: etree._Element) -> str:
    parts = [element.text or ""]
    for child in element:
        if child.tag == f"{_TEXT}s":
            parts.append(" " * min(_repeat_text(child), 100))
        elif child.tag in (f"{_TEXT}tab", f"{_TEXT}line-break"):
            parts.append(" ")
        elif child.tag not in (f"{_TEXT}note", f"{_OFFICE}annotation"):
            parts.append(_paragraph(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _repeat_text(element: etree._Element) -> int:
    value = element.get(f"{_TEXT}c", "1")
    return int(value) if value.isdigit() else 1


def _repeat(element: etree._Element, attribute: str) -> int:
    value = element.get(f"{_TABLE}{attribute}", "1")
    return max(1, int(value)) if value.isdigit() and len(value) < 9 else 1
