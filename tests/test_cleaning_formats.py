"""The samples put into every other format give the same values: recognition rests on what a table says, not on its container."""

import csv
import html
import io

import docx
import openpyxl
import pytest
import weasyprint

from helpers import paths
from helpers.intake import grids
from helpers.intake.cleaning import clean_grids

SAMPLES = (
    "s01_fed_index_2024.xlsx", "s02_regions_cp1251.csv", "s03_mfc_2024q1.xls", "s04_mfc_2024q2.html", "s05_grades.docx", "s06_roadmap.xlsx",
    "s07_mfc_long_utf8bom.csv", "s08_mfc_levels_2023.ods",
)  # fmt: skip
STYLE = "<meta charset=utf-8><style>table,td{border:1px solid;border-collapse:collapse;font-size:8pt}@page{size:A3 landscape}</style>"


def title_rows(grid):
    """How many leading rows hold one text at most."""
    count = 0
    while sum(bool(text.strip()) for text in grid.texts[count]) <= 1:
        count += 1
    return count


def titles(grid):
    return [*grid.titles, *(text for row in grid.texts[: title_rows(grid)] for text in row if text.strip())]


def as_html(grid):
    spans = {(a, b): (c - a + 1, d - b + 1) for a, b, c, d in grid.spans}
    covered = {(i, j) for a, b, c, d in grid.spans for i in range(a, c + 1) for j in range(b, d + 1)} - set(spans)
    lines = [f"<h2>{html.escape(text)}</h2>" for text in titles(grid)]
    for i in range(title_rows(grid), len(grid.texts)):
        cells = [j for j in range(grid.texts.shape[1]) if (i, j) not in covered]
        size = {j: spans.get((i, j), (1, 1)) for j in cells}
        row = "".join(
            f"<td rowspan={size[j][0]} colspan={size[j][1]}>{html.escape(grid.texts[i, j])}</td>" for j in cells
        )
        lines.append(f"{'<table>' if i == title_rows(grid) else ''}<tr>{row}</tr>")
    return f"{STYLE}{''.join(lines)}</table>".encode()


def as_pdf(grid):
    return weasyprint.HTML(string=as_html(grid).decode()).write_pdf()


def as_xlsx(grid):
    book = openpyxl.Workbook()
    sheet, shift = book.active, len(grid.titles)
    sheet.title = grid.sheet if grid.sheet and not grid.sheet.startswith("table") else "Лист1"
    for text in grid.titles:
        sheet.append([text])
    for i, row in enumerate(grid.texts, shift + 1):
        for j, text in enumerate(row, 1):
            if text:
                sheet.cell(i, j).value = text
    for a, b, c, d in grid.spans:
        sheet.merge_cells(start_row=a + 1 + shift, start_column=b + 1, end_row=c + 1 + shift, end_column=d + 1)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def as_docx(grid):
    document, first = docx.Document(), title_rows(grid)
    for text in titles(grid):
        document.add_paragraph(text)
    table = document.add_table(len(grid.texts) - first, grid.texts.shape[1])
    for a, b, c, d in grid.spans:
        if a >= first:
            table.cell(a - first, b).merge(table.cell(c - first, d))
    for i, row in enumerate(grid.texts[first:]):
        for j, text in enumerate(row):
            if text:
                table.cell(i, j).text = text.replace("\n", " ")
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def as_csv(grid):
    """Merged cells written out in every cell they cover, as programs do that know no merged cells."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=";")
    writer.writerows([text] for text in grid.titles)
    writer.writerows(grids.spread(grid)[0])
    return stream.getvalue().encode("cp1251", "replace")


def accepted(result):
    """Values by record; numbers as numbers, because a text cell and a formatted one print their zeros differently."""

    def plain(value):
        return float(value) if value.replace(".", "", 1).isdigit() else value

    return {
        (row.entity_id, row.period, row.indicator): (plain(row.value), row.unit, row.cmp)
        for row in result.tidy.itertuples()
    }


@pytest.mark.parametrize(
    ("suffix", "convert"), [("html", as_html), ("xlsx", as_xlsx), ("docx", as_docx), ("pdf", as_pdf), ("csv", as_csv)]
)
@pytest.mark.parametrize("name", SAMPLES)
def test_another_container_gives_the_same_values(name, suffix, convert, outside_data):
    sheet = [grid for grid in grids.read(paths.shared() / "data" / "sample_raw" / name) if not grid.is_hidden][-1]
    truth = accepted(clean_grids([sheet], name))
    other = f"{name.split('.')[0]}.{suffix}"
    assert truth and accepted(clean_grids(grids.read_bytes(convert(sheet), other), other)) == truth
