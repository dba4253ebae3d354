"""Files made to hurt: bombs of merges and repetitions, entities in other encodings; each is one clear refusal."""

import io
import zipfile
import zlib

import pytest

from helpers.intake import grids, sources
from helpers.intake.grids import model, pages

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
)
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="{0}" Target="{1}"/></Relationships>'
)
WORKBOOK = (
    f'<?xml version="1.0"?><workbook {MAIN} xmlns:r="{RELATION}"><sheets><sheet name="S" sheetId="1" r:id="rId1"/>'
    "</sheets></workbook>"
)
ROW = '<row r="1"><c r="A1" t="inlineStr"><is><t>Регион</t></is></c></row>'
OPEN = "urn:oasis:names:tc:opendocument:xmlns:"
SPACES = f'xmlns:office="{OPEN}office:1.0" xmlns:table="{OPEN}table:1.0" xmlns:text="{OPEN}text:1.0"'
CELL = 'office:value-type="string"><text:p>x</text:p></table:table-cell>'


def packed(**parts):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def xlsx(sheet):
    return packed(**{
        "[Content_Types].xml": TYPES, "_rels/.rels": RELATIONS.format(f"{RELATION}/officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": WORKBOOK,
        "xl/_rels/workbook.xml.rels": RELATIONS.format(f"{RELATION}/worksheet", "worksheets/sheet1.xml"),
        "xl/worksheets/sheet1.xml": sheet,
    })  # fmt: skip


def merged(*ranges, encoding="utf-8"):
    cells = "".join(f'<mergeCell ref="{one}"/>' for one in ranges)
    text = f"<worksheet {MAIN}><sheetData>{ROW}</sheetData><mergeCells>{cells}</mergeCells></worksheet>"
    return xlsx(f'<?xml version="1.0" encoding="{encoding.upper()}"?>{text}'.encode(encoding))


def ods(rows, before=""):
    return packed(**{
        "content.xml": f'<?xml version="1.0"?>{before}<office:document-content {SPACES}><office:body><office:spreadsheet>'
        f'<table:table table:name="a">{rows}</table:table></office:spreadsheet></office:body></office:document-content>'
    })  # fmt: skip


def row(cells, repeated=1):
    return f'<table:table-row table:number-rows-repeated="{repeated}">{cells}</table:table-row>'


BOMBS = {
    "merge of a whole sheet": ("a.xlsx", lambda: merged("A1:XFD1048576"), "merged cells cover"),
    "the same in UTF-16": ("a.xlsx", lambda: merged("A1:XFD1048576", encoding="utf-16"), "merged cells cover"),
    "with dollar signs": ("a.xlsx", lambda: merged("$A$1:$XFD$1048576"), "merged cells cover"),
    "many merges": ("a.xlsx", lambda: merged(*(f"A{i}:XFD{i + 500}" for i in range(1, 9000, 501))), "merged cells cover"),
    "rows by columns": ("a.ods", lambda: ods(row(f'<table:table-cell table:number-columns-repeated="2000" {CELL}', 20_000)), "repeated 20,000"),
    "rows": ("a.ods", lambda: ods(row(f"<table:table-cell {CELL}", 99_999_999)), "repeated 99,999,999"),
    "columns": ("a.ods", lambda: ods(row(f'<table:table-cell table:number-columns-repeated="2000" {CELL}' * 9)), "columns, more than"),
    "spans over spans": (
        "a.ods",
        lambda: ods("".join(row(f'<table:table-cell table:number-rows-spanned="9000" table:number-columns-spanned="900" {CELL}') for _ in range(9))),
        "merged cells cover",
    ),
    "spans of a page": (
        "a.html",
        lambda: b"<html><table>" + b"<tr><td rowspan=99999 colspan=99999>x</td></tr>" * 3000 + b"</table></html>",
        "merged cells cover",
    ),
    "entities in UTF-16": (
        "a.xml",
        lambda: '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>'.encode("utf-16"),
        "declares a document type",
    ),
    "entities of a sheet": ("a.ods", lambda: ods("", '<!DOCTYPE a [<!ENTITY b "b">]>'), "declares a document type"),
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_are_refused_at_once_and_by_name(bomb):
    name, make, says = BOMBS[bomb]
    with pytest.raises(grids.GridError, match=says):
        grids.read_bytes(make(), name)


def pdf(stream):
    return (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]/Contents 4 0 R>>endobj\n4 0 obj<</Length "
        + str(len(stream)).encode() + b"/Filter/FlateDecode>>stream\n" + stream + b"\nendstream endobj\n"
        b"trailer<</Root 1 0 R>>\n%%EOF"
    )  # fmt: skip


def test_a_stream_that_unpacks_without_end_is_not_unpacked():
    bomb = zlib.compress(b" " * (pages.MAX_STREAM_BYTES + 1), 9)
    for stream in (bomb, zlib.compress(bomb)):
        with pytest.raises(grids.GridError, match="unpacks to more than"):
            grids.read_bytes(pdf(stream), "a.pdf")
    for stream in (zlib.compress(b"BT ET"), b"not packed at all", zlib.compress(b"x" * 5_000_000)):
        with pytest.raises(grids.GridError, match="no text layer"):
            grids.read_bytes(pdf(stream), "a.pdf")


def test_ordinary_merges_and_repetitions_are_read():
    assert grids.read_bytes(merged("A1:D3"), "a.xlsx")[0].spans == ((0, 0, 2, 3),)
    assert grids.read_bytes(merged("A1:D3", encoding="utf-16"), "a.xlsx")[0].spans == ((0, 0, 2, 3),)
    page = b"<html><table><tr><td rowspan=0>a</td><td colspan=3>b</td></tr><tr><td>c</td></tr></table></html>"
    assert grids.read_bytes(page, "a.html")[0].texts.shape == (2, 4)
    assert grids.read_bytes(ods(row(f"<table:table-cell {CELL}", 1000) + row("", 9_999_999)), "a.ods")[
        0
    ].texts.shape == (1000, 1)


def test_cells_that_would_fill_the_memory_are_refused(monkeypatch):
    monkeypatch.setattr(model, "MAX_COLLECTED", 3)
    builder = model.GridBuilder("S")
    with pytest.raises(grids.GridError, match="more than 3 cells"):
        for column in range(5):
            builder.put(0, column, "x")


# ---- the register ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["a\nb.csv", "x\u202egpj.csv", "a\u200b.csv", "=1+1.csv", "-rf.csv", "@sum.csv", ".hidden.csv", "~$lock.xlsx"],
)
def test_odd_file_names_are_refused_before_anything_is_copied(world, name):
    (world / name).write_text("x", encoding="utf-8")
    with pytest.raises(sources.SourceError, match="rename the file"):
        sources.add(world / name, "2026-01-01")
    assert not (world / "data" / "raw" / "files").exists()


@pytest.mark.parametrize("path", ["../../secret.csv", "/etc/hostname", "files/../../x.csv", "..\\x.csv"])
def test_a_catalogue_row_may_not_lead_out_of_the_folder(world, path):
    (world / "a.csv").write_text("x", encoding="utf-8")
    sources.add(world / "a.csv", "2026-01-01")
    catalogue = world / "data" / "raw" / sources.CATALOG
    catalogue.write_text(catalogue.read_text(encoding="utf-8").replace("files/a.csv", path), encoding="utf-8")
    with pytest.raises(sources.SourceError, match=r"line 2: path .* leads out of data/raw"):
        sources.of_collection("real")
