"""Readers: positions, formats, merged cells, hidden sheets, encodings, and clear errors for everything else."""

import io
import zipfile

import docx
import openpyxl
import pytest
import weasyprint
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from helpers.intake import grids
from helpers.intake.grids import archives, delimited, model, pages
from helpers.intake.grids.model import DATE, EMPTY_FORMULA, NUMBER, PERCENT, GridError
from helpers.intake.grids.numbers import decimals_of_format, is_percent_format, number_cell
from helpers.intake.grids.outputs import harmless

TEXT = "Субъект;Баллы;Уровень\nТульская область;90,1;высокий\nКалужская область;80,5;средний\nг. Москва;77;средний\n"
ODS_HEAD = (
    '<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    ' xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0">'
)


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_DOT_", "."), content)
    return buffer.getvalue()


def ods(body, automatic=""):
    content = f"{ODS_HEAD}{automatic}<office:body><office:spreadsheet>{body}</office:spreadsheet></office:body></office:document-content>"
    return zipped(content_DOT_xml=content)


def workbook(build):
    book = openpyxl.Workbook()
    build(book)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def one(data, name="a.csv"):
    (grid,) = grids.read_bytes(data, name)
    return grid


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp1251", "cp866", "koi8-r", "utf-16", "utf-16-le", "utf-16-be"]
)
@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_text_files(encoding, separator):
    text = TEXT.replace("90,1", "90.1").replace("80,5", "80.5") if separator == "," else TEXT
    grid = one(text.replace(";", separator).encode(encoding))
    assert grid.texts.shape == (4, 3) and grid.texts[1, 0] == "Тульская область" and grid.texts[3, 2] == "средний"


def test_sep_line_counts_as_a_record_and_quoted_fields_hold_anything():
    grid = one(("sep=;\r\n" + TEXT).encode())
    assert grid.texts[0, 0] == "sep=;" and grid.texts[2, 0] == "Тульская область"
    grid = one('Субъект;Баллы\n"Тульская\nобласть";"9;1"\nКалужская;"a""b"\n'.encode())
    assert (
        grid.texts.shape == (3, 2)
        and grid.texts[1].tolist() == ["Тульская\nобласть", "9;1"]
        and grid.texts[2, 1] == 'a"b'
    )


def test_ragged_records_are_padded_and_noted():
    grid = one("Субъект;Баллы\nТульская область;1;2\nКалужская область\nОмская область;3\nТомская область;4\n".encode())
    assert grid.texts.shape == (5, 3) and grid.texts[2].tolist() == ["Калужская область", "", ""]
    assert any("another number" in note for note in grid.notes)


def test_commas_are_decimal_until_shown_otherwise():
    assert delimited.choose_separator("а;1,5\nб;2,5\nв;3,5\n") == ";"
    assert delimited.choose_separator('а,"1,5"\nб,"2,5"\nв,"3,5"\n') == ","
    assert delimited.choose_separator("одно слово\n") == ";"


def test_undecodable_text_says_so():
    with pytest.raises(GridError, match="UTF-8") as error:
        grids.read_bytes(bytes(range(128, 256)) * 40, "a.csv")
    assert error.value.reason == "undecodable_text"
    with pytest.raises(GridError, match="utf-8-sig"):
        grids.read_bytes(b"\xef\xbb\xbf\xff\xff;1", "a.csv")
    with pytest.raises(GridError) as error:
        grids.read_bytes("Субъект;1\x07\x00".encode(), "a.csv")
    assert error.value.reason == "undecodable_text"


def test_number_formats():
    assert is_percent_format("0.0%") and not is_percent_format('0.0"%"') and not is_percent_format("0.0\\%")
    assert (
        decimals_of_format("0.00") == 2 and decimals_of_format("General") is None and decimals_of_format("#,##0") == 0
    )
    assert number_cell(0.545, "0.0%") == ("54.5%", PERCENT) and number_cell(60.6, "0.00") == ("60.60", NUMBER)
    assert number_cell(0.1 + 0.2, "General") == ("0.3", NUMBER) and number_cell(1e20, "General")[1] == NUMBER


def test_xlsx_keeps_formats_merges_visibility_and_superscripts():
    def build(book):
        sheet = book.active
        sheet.title = "Рейтинг"
        sheet["A1"], sheet["B2"], sheet["B3"], sheet["C2"] = "Заголовок", 0.72, 37.1, "=1+1"
        sheet["B2"].number_format, sheet["A3"] = (
            "0%",
            CellRichText("54,5", TextBlock(InlineFont(vertAlign="superscript"), "1")),
        )
        sheet.merge_cells("A1:C1")
        sheet.row_dimensions[3].hidden = True
        sheet.column_dimensions["C"].hidden = True
        book.create_sheet("Скрытый").sheet_state = "veryHidden"
        book["Скрытый"]["A1"] = "старое"

    first, second = grids.read_bytes(workbook(build), "a.xlsx")
    assert first.texts[1, 1] == "72%" and first.kinds[1, 1] == PERCENT and first.kinds[1, 2] == EMPTY_FORMULA
    assert first.spans == ((0, 0, 0, 2),) and 2 in first.hidden_rows and 2 in first.hidden_columns
    assert first.texts[2, 0] == "54,5¹" and (2, 1) in first.general_numbers
    assert second.is_hidden and not first.is_hidden
    texts, _ = grids.spread(first)
    assert texts[0].tolist() == ["Заголовок"] * 3 and first.texts[0].tolist() == ["Заголовок", "", ""]


def test_a_stray_cell_far_away_is_an_error_and_not_an_endless_rectangle():
    def build(book):
        book.active["A1"] = "а"
        book.active.cell(1_000_000, 300).value = "б"

    with pytest.raises(GridError, match="rows"):
        grids.read_bytes(workbook(build), "a.xlsx")


def test_ods_reads_types_repeats_spans_and_hidden_tables():
    body = (
        '<table:table table:name="Т"><table:table-row table:number-rows-repeated="2">'
        '<table:table-cell office:value-type="percentage" office:value="0.725" table:number-columns-repeated="2"><text:p>72,50%</text:p></table:table-cell>'
        '<table:table-cell office:value-type="date" office:date-value="2024-05-04"><text:p>04.05.24</text:p></table:table-cell></table:table-row>'
        '<table:table-row><table:table-cell table:number-columns-spanned="2"><text:p>а<text:s text:c="2"/>б</text:p></table:table-cell><table:covered-table-cell/>'
        '<table:table-cell table:formula="of:=1"/></table:table-row><table:table-row table:number-rows-repeated="1000000"><table:table-cell/></table:table-row></table:table>'
        '<table:table table:name="С" table:style-name="ta2"><table:table-row><table:table-cell><text:p>х</text:p></table:table-cell></table:table-row></table:table>'
    )
    style = '<office:automatic-styles><style:style style:name="ta2"><style:table-properties xmlns:t="urn:x" table:display="false"/></style:style></office:automatic-styles>'
    grid, hidden = grids.read_bytes(ods(body, style), "a.ods")
    assert grid.texts.shape == (3, 3) and grid.texts[0, :2].tolist() == ["72.50%"] * 2 and grid.kinds[0, 2] == DATE
    assert (
        grid.texts[2, 0] == "а  б"
        and grid.spans == ((2, 0, 2, 1),)
        and grid.kinds[2, 2] == EMPTY_FORMULA
        and hidden.is_hidden
    )


def test_html_keeps_spans_titles_and_superscripts_and_never_parses_numbers():
    page = """<meta charset="koi8-r"><title>Сайт</title><body><table><tr><td>Меню</td></tr></table><h1>Рейтинг МФЦ</h1><p>за 2024 год</p>
    <table><caption>Таблица</caption><tr><th rowspan=2>Субъект<th colspan="2">Баллы</tr><tr><td>всего<td>из них</tr>
    <tr><td>Курская<br>область<td>94,0<sup>1</sup><td><script>alert(1)</script>1<table><tr><td>внутри</td></tr></table></tr></table>"""
    first, second, third = grids.read_bytes(page.encode(), "a.html")
    assert (first.sheet, second.sheet, third.sheet) == ("table1", "table2", "table3")
    assert second.titles[0] == "Сайт" and second.titles[-3:] == ("Рейтинг МФЦ", "за 2024 год", "Таблица")
    assert (
        second.texts[2].tolist() == ["Курская область", "94,0¹", "1"]
        and (0, 1, 0, 2) in second.spans
        and (0, 0, 1, 0) in second.spans
    )
    assert third.texts[0, 0] == "внутри"


def test_docx_merged_cells_come_once():
    document = docx.Document()
    document.add_paragraph("Результаты 2024 года")
    table = document.add_table(3, 3)
    table.cell(0, 0).merge(table.cell(1, 0)).text = "Код"
    table.cell(0, 1).merge(table.cell(0, 2)).text = "Оценка"
    table.cell(1, 1).text, table.cell(1, 2).text, table.cell(2, 0).text = "до", "после", "ТО-1"
    run = table.cell(2, 1).paragraphs[0].add_run("1")
    run.font.superscript = True
    buffer = io.BytesIO()
    document.save(buffer)
    (grid,) = grids.read_bytes(buffer.getvalue(), "a.docx")
    assert grid.texts[0].tolist() == ["Код", "Оценка", ""] and set(grid.spans) == {(0, 0, 1, 0), (0, 1, 0, 2)}
    assert grid.titles == ("Результаты 2024 года",) and grid.texts[2, 1] == "¹"
    empty = io.BytesIO()
    docx.Document().save(empty)
    with pytest.raises(GridError, match="no table"):
        grids.read_bytes(empty.getvalue(), "a.docx")


def pdf(body, style=""):
    style = f"<style>table,td{{border:1px solid;border-collapse:collapse}} {style}</style>"
    return weasyprint.HTML(string=f"<meta charset=utf-8>{style}{body}").write_pdf()


def test_pdf_tables_run_over_pages_and_broken_words_are_joined():
    rows = "".join(f"<tr><td>{n}<td>Волгоградская область<td>{n},5</tr>" for n in range(1, 70))
    grid, *rest = grids.read_bytes(
        pdf(
            f"<h2>Рейтинг МФЦ, 2 квартал 2024 года</h2><table><tr><td>№<td>Субъект<td>Баллы</tr>{rows}</table>",
            "td:nth-child(2){width:2.2cm;word-break:break-all}",
        ),
        "a.pdf",
    )
    assert not rest and grid.texts.shape == (70, 3) and set(grid.texts[1:, 1]) == {"Волгоградская область"}
    assert any("2 квартал 2024" in title for title in grid.titles) and grid.sheet == "table1"


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("Волгоградска\nя область", "Волгоградская область"), ("Чувашская\nРеспублика", "Чувашская Республика"), ("22,\n4", "22,4"),
        ("Ямало-\nНенецкий АО", "Ямало-Ненецкий АО"), ("5 рабочих\nдней", "5 рабочих дней"), ("Труд и\nв праздники", "Труд и в праздники"),
        ("до\nпосле", "до после"), ("", ""),
    ],
)  # fmt: skip
def test_lines_of_a_pdf_cell(cell, text):
    assert pages.join_lines(cell) == text


def test_a_pdf_without_text_or_tables_says_so():
    with pytest.raises(GridError, match="scan"):
        grids.read_bytes(pdf(""), "a.pdf")
    with pytest.raises(GridError, match="no ruled table"):
        grids.read_bytes(pdf("<p>Просто текст</p>"), "a.pdf")


def test_answers_and_form_of_the_xml():
    answer = '<answer orderNumber="7" okato="70401000000" receivedDate="2025-03-01T10:00:00Z"><rates><rate indicator-id="9" value-id="45"/></rates></answer>'
    (grid,) = grids.read_bytes(f"<a>{answer}</a>".encode(), "a.xml")
    assert "indicator 9" in grid.texts[0] and "45" in grid.texts[1]
    form = '<form><indicators><indicator id="9"><title>Время</title><values><value id="41"><title>Плохо</title></value></values></indicator></indicators></form>'
    (grid,) = grids.read_bytes(form.encode(), "a.xml")
    assert grid.texts[1].tolist() == ["9", "Время", "41", "Плохо"]
    for bad in ("<a><b/></a>", "<a><b></a>", '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'):
        with pytest.raises(GridError):
            grids.read_bytes(bad.encode(), "a.xml")


def test_bombs_and_attacks_end_in_a_clear_error(monkeypatch):
    with pytest.raises(GridError, match="unpack"):
        grids.read_bytes(zipped(content_DOT_xml=b"0" * 60_000_000), "bomb.ods")
    with pytest.raises(GridError, match="entities"):
        grids.read_bytes(zipped(content_DOT_xml='<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'), "a.ods")
    with pytest.raises(GridError, match="entities"):
        grids.read_bytes(zipped(xl__workbook_DOT_xml='<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>'), "a.xlsx")
    monkeypatch.setattr(model, "MAX_ROWS", 2)
    with pytest.raises(GridError, match="rows"):
        grids.read_bytes(TEXT.encode(), "a.csv")


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"", "a.csv", "empty"), (b"PK\x03\x04damaged", "a.xlsx", "damaged"), (zipped(a_DOT_txt="x"), "a.zip", "archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "a.xlsx", "encrypted"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"), "a.doc", "docx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600, "a.xls", "cannot be read"), (b"{\\rtf1 x}", "a.rtf", "RTF"),
        (b"%PDF-1.4 damaged", "a.pdf", "cannot be read|text layer"), (b"\x89PNG\r\n\x1a\n....", "a.png", "no table"),
        (b"plain text", "a.xlsx", "damaged"), (b"<html><body>no tables</body></html>", "a.html", "no table"),
        (zipped(content_DOT_xml="<a>"), "a.ods", "damaged"), (zipped(xl__workbook_DOT_xml="<a>"), "a.xlsx", "damaged"),
        (zipped(word__document_DOT_xml="<a>"), "a.docx", "damaged"),
        (zipped(content_DOT_xml="<a/>", **{"META-INF__manifest_DOT_xml": "<m>encryption-data</m>"}), "a.ods", "encrypted"),
    ],
)  # fmt: skip
def test_unreadable_files_say_what_to_do(data, name, words):
    with pytest.raises(GridError, match=words) as error:
        grids.read_bytes(data, name)
    assert name in str(error.value) and error.value.reason in ("unreadable_file", "undecodable_text")


def test_a_missing_file_and_a_huge_one(tmp_path, monkeypatch):
    with pytest.raises(GridError, match="cannot be opened"):
        grids.read(tmp_path / "no.csv")
    (tmp_path / "big.csv").write_text(TEXT, encoding="utf-8")
    assert grids.read(tmp_path / "big.csv")[0].texts.shape == (4, 3)
    monkeypatch.setattr(grids, "MAX_BYTES", 10)
    with pytest.raises(GridError, match="Split"):
        grids.read(tmp_path / "big.csv")


def test_an_archive_that_lies_about_its_sizes(monkeypatch):
    archive = archives.open_archive(zipped(content_DOT_xml="x" * 1000), "a.ods")
    monkeypatch.setattr(archive.getinfo("content.xml"), "file_size", 10)
    with pytest.raises(GridError):
        archives.read_member(archive, "content.xml", "a.ods")
    with pytest.raises(GridError, match="cannot be read"):
        archives.read_member(archive, "no.xml", "a.ods")


def test_a_workbook_named_xls_that_is_a_page(tmp_path):
    assert one("<table><tr><td>а</td></tr></table>".encode(), "report.xls").texts[0, 0] == "а"


@pytest.mark.parametrize(
    ("text", "safe"),
    [("=1+1", "'=1+1"), ("@cmd", "'@cmd"), ("-12,0", "-12,0"), ("-1+cmd", "'-1+cmd"), ("+7", "'+7"), ("а", "а")],
)
def test_texts_are_written_harmless(text, safe):
    assert harmless(text) == safe
