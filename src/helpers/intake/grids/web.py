"""HTML pages: every table in order of appearance, spans kept, numbers never parsed, line breaks read as spaces."""

import re

from lxml import etree, html

from helpers.intake.grids.delimited import decode
from helpers.intake.grids.model import MAX_COLUMNS, Grid, GridBuilder, GridError, check_merged
from helpers.intake.text import to_superscript

_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6", "p", "caption", "div", "b", "strong", "span", "li", "center"}
_SILENT = {"script", "style", "noscript", "template", "head", "nav", "footer"}
_MAX_TITLE = 400


def read(data: bytes, name: str) -> list[Grid]:
    """Tables of a page; the title of the page and the headings above a table are its titles.

    Raises
    ------
    GridError
        If the page cannot be decoded or holds no table.
    """
    text, encoding = decode(data, name)
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
    try:
        root = html.document_fromstring(
            text, parser=html.HTMLParser(no_network=True, huge_tree=False, remove_comments=True, remove_pis=True)
        )
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise GridError(f"{name}: the page is damaged ({error}). Save it again from the browser.") from error
    tables = list(root.iter("table"))
    if not tables:
        raise GridError(
            f"{name}: the page holds no table. Save the page that shows the table, or copy the table into a workbook."
        )
    page_title = " ".join(root.xpath("string(//title)").split())
    headings = _headings_before(root)
    grids = []
    for number, table in enumerate(tables, 1):
        titles = tuple(title for title in (page_title, *headings.get(number, ())) if title)
        grids.append(_grid(table, f"table{number}", titles, name, encoding))
    return grids


def _headings_before(root: etree._Element) -> dict[int, tuple[str, ...]]:
    """Headings and paragraphs outside tables, between the previous table and this one (headings of all levels
    persist).
    """
    found: dict[int, tuple[str, ...]] = {}
    lasting: list[str] = []
    near: list[str] = []
    number = 0
    for element in root.iter(etree.Element):
        if element.tag == "table":
            number += 1
            caption = [_text(child).strip() for child in element if child.tag == "caption"]
            found[number] = (*lasting, *near, *caption)
            near = []
        elif element.tag in _HEADINGS and not _inside(element, {"table", *_SILENT}) and not element.xpath(".//table"):
            line = _text(element).strip()
            if line and len(line) <= _MAX_TITLE:
                if element.tag == "h1":
                    lasting, near = [line], []
                else:
                    near.append(line)
    return found


def _inside(element: etree._Element, tags: set[str]) -> bool:
    return any(parent.tag in tags for parent in element.iterancestors())


def _grid(table: etree._Element, sheet: str, titles: tuple[str, ...], name: str, encoding: str) -> Grid:
    builder = GridBuilder(sheet)
    taken: set[tuple[int, int]] = set()
    covered = 0
    rows = [row for row in table.iter("tr") if _own(row, table)]
    for row_number, row in enumerate(rows):
        column = 0
        for cell in row:
            if cell.tag not in ("td", "th"):
                continue
            while (row_number, column) in taken:
                column += 1
            down = min(_span(cell, "rowspan") or len(rows), len(rows) - row_number)
            right = min(_span(cell, "colspan") or 1, MAX_COLUMNS)
            builder.put(row_number, column, _text(cell))
            if down > 1 or right > 1:
                builder.spans.append((row_number, column, row_number + down - 1, column + right - 1))
            covered += down * right if down > 1 or right > 1 else 0
            check_merged(name, covered)
            taken.update((row_number + i, column + j) for i in range(down) for j in range(right))
            column += right
    return builder.build(name, titles=titles, notes=(f"encoding {encoding}",))


def _own(row: etree._Element, table: etree._Element) -> bool:
    return next(parent for parent in row.iterancestors() if parent.tag == "table") is table


def _span(cell: etree._Element, attribute: str) -> int:
    value = (cell.get(attribute) or "1").strip()
    return int(value) if value.isdigit() and len(value) < 6 else 1


def _text(element: etree._Element) -> str:
    return re.sub(r"[ \t\r\n]+", " ", "".join(_pieces(element, is_top=True)))


def _pieces(element: etree._Element, *, is_top: bool = False) -> list[str]:
    if not isinstance(element.tag, str) or (element.tag in _SILENT | {"table"} and not is_top):
        return [element.tail or ""]
    inner = [element.text or ""]
    for child in element:
        inner += _pieces(child)
    if element.tag == "sup":
        inner = [to_superscript("".join(inner))]
    if element.tag in ("br", "p", "div", "li"):
        inner = [" ", *inner, " "]
    return inner if is_top else [*inner, element.tail or ""]
