"""Word documents: tables with their grid positions; a merged cell comes once; paragraphs above a table are its
titles.
"""

import io

import docx
from docx.oxml.ns import qn

from helpers.intake.grids.archives import check_members, open_archive
from helpers.intake.grids.model import Grid, GridBuilder, GridError
from helpers.intake.text import to_superscript


def read(data: bytes, name: str) -> list[Grid]:
    """Tables of a document in order of appearance.

    Raises
    ------
    GridError
        If the document is damaged or holds no table.
    """
    check_members(open_archive(data, name), name)
    try:
        document = docx.Document(io.BytesIO(data))
        grids = _tables(document.element.body, name)
    except GridError:
        raise
    except Exception as error:  # python-docx raises whatever its parsers raise on damaged parts
        raise GridError(
            f"{name}: the document is damaged ({type(error).__name__}: {error}). Ask the sender for it again."
        ) from error
    if not grids:
        raise GridError(
            f"{name}: the document holds no table. If the table is a picture, ask the sender for a workbook."
        )
    return grids


def _tables(body, name: str) -> list[Grid]:
    grids: list[Grid] = []
    titles: list[str] = []
    for element in body.iter(qn("w:p"), qn("w:tbl")):
        if any(parent.tag == qn("w:tc") for parent in element.iterancestors()):
            continue
        if element.tag == qn("w:p"):
            text = _text(element).strip()
            titles += [text] if text else []
        else:
            grids.append(_grid(element, f"table{len(grids) + 1}", tuple(titles), name))
            titles = titles[:1] if len(grids) == 1 else titles[-1:]
    return grids


def _grid(table, sheet: str, titles: tuple[str, ...], name: str) -> Grid:
    builder = GridBuilder(sheet)
    open_merges: dict[int, tuple[int, int]] = {}
    for row_number, row in enumerate(table.findall(qn("w:tr"))):
        column = _grid_before(row)
        for cell in row.iter(qn("w:tc")):
            if next(parent for parent in cell.iterancestors() if parent.tag == qn("w:tbl")) is not table:
                continue
            width, merge = _properties(cell)
            if merge == "continue" and column in open_merges:
                first, first_width = open_merges[column]
                builder.spans = [span for span in builder.spans if span[:2] != (first, column)]
                builder.spans.append((first, column, row_number, column + first_width - 1))
            else:
                builder.put(row_number, column, "\n".join(_text(paragraph) for paragraph in cell.findall(qn("w:p"))))
                if width > 1:
                    builder.spans.append((row_number, column, row_number, column + width - 1))
                open_merges.pop(column, None)
                if merge == "restart":
                    open_merges[column] = (row_number, width)
            column += width
    return builder.build(name, titles=titles)


def _grid_before(row) -> int:
    before = row.find(f"{qn('w:trPr')}/{qn('w:gridBefore')}")
    value = before.get(qn("w:val"), "0") if before is not None else "0"
    return int(value) if value.isdigit() else 0


def _properties(cell) -> tuple[int, str]:
    properties = cell.find(qn("w:tcPr"))
    if properties is None:
        return 1, ""
    span, merge = properties.find(qn("w:gridSpan")), properties.find(qn("w:vMerge"))
    width = span.get(qn("w:val"), "1") if span is not None else "1"
    kind = "" if merge is None else merge.get(qn("w:val"), "continue")
    return (min(int(width), 500) if width.isdigit() and width != "0" else 1), kind


def _text(paragraph) -> str:
    parts = []
    for run in paragraph.iter(qn("w:t"), qn("w:br"), qn("w:tab"), qn("w:noBreakHyphen")):
        if run.tag == qn("w:noBreakHyphen"):
            parts.append("-")
        elif run.tag != qn("w:t"):
            parts.append(" ")
        else:
            parts.append(to_superscript(run.text or "") if _is_superscript(run) else run.text or "")
    return "".join(parts)


def _is_superscript(element) -> bool:
    run = element.getparent()
    align = run.find(f"{qn('w:rPr')}/{qn('w:vertAlign')}") if run is not None else None
    return align is not None and align.get(qn("w:val")) == "superscript"
