"""CSV and XLSX of every table: units, dictionary, true numbers, no formulas, the same bytes on every run."""

import csv
import io

import example_results
import openpyxl
import pytest

from helpers.presentation.results.estimates import Estimate
from helpers.presentation.tables import out as tables_out
from helpers.presentation.tables.parts import (
    Column,
    Table,
    change_interval,
    change_text,
    interval_text,
    level_text,
)


def read(data):
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize("name", list(example_results.ALL))
def test_every_file_opens_and_is_described(name, lang):
    result = example_results.ALL[name](lang)
    files = tables_out.files(result)
    prefix = "demo_" if result.is_synthetic else ""
    dictionary = read(files[f"{prefix}data_dictionary.csv"])
    described = {(row[0], row[1]) for row in dictionary[1:]}
    assert dictionary[0] == ["table", "column", "about", "unit", "kind"] and all(row[2] for row in dictionary)
    book = openpyxl.load_workbook(io.BytesIO(files[f"{prefix}tables.xlsx"]))
    for table in tables_out.tables(result):
        data = files[f"{prefix}{table.name}.csv"]
        assert data.startswith(b"\xef\xbb\xbf") and b"\r\n" in data
        rows = read(data)
        assert {(table.name, key) for key in rows[0]} <= described
        assert len(rows) == len(table.rows) + 1 == len(table.cells) + 1
        assert {len(row) for row in rows} == {len(table.columns)}
        assert {len(row) for row in table.cells} == {len(table.head)}
        assert table.name[:31] in book.sheetnames and book[table.name[:31]].freeze_panes == "A2"
        assert all(text for row in table.cells for text in row), (table.name, "an empty cell")
    assert "data_dictionary" in book.sheetnames and "about" in book.sheetnames


def test_headline_number_is_the_same_in_the_appendix():
    result = example_results.rich("ru")
    rows = read(tables_out.files(result)["demo_comparison.csv"])
    own = dict(zip(rows[0], next(row for row in rows if row[0] == "RU-CHE"), strict=True))
    assert (float(own["value"]), float(own["low"]), float(own["high"])) == (61.3, 57.9, 64.7)
    assert own["unit"] == "percent" and own["interval_kind"] == "sampling_95" and own["period"] == "2025-H1"


def test_formulas_are_neutralised_and_negative_numbers_stay_numbers():
    files = tables_out.files(example_results.rich("ru"))
    rows = read(files["demo_next_services.csv"])
    assert rows[1][rows[0].index("agency")].startswith("'=1+1")
    effect = read(files["demo_effect.csv"])
    assert effect[1][effect[0].index("value")] == "-1.4"
    book = openpyxl.load_workbook(io.BytesIO(files["demo_tables.xlsx"]))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert all(cell.data_type != "f" for cell in cells)
    sheet = book["next_services"]
    agency = next(cell.column for cell in sheet[1] if cell.value.startswith("agency"))
    assert sheet.cell(2, agency).value == example_results.HOSTILE_AGENCY
    value = next(cell.column for cell in book["effect"][1] if cell.value == "value")
    assert book["effect"].cell(2, value).value == -1.4
    assert isinstance(book["effect"].cell(2, value).value, float)


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx"])
def test_every_start_of_a_formula(text):
    table = Table("t", "c", (Column("a", "x"),), ((text,), ("норма",)), ("A",), ((text,), ("норма",)))
    rows = tables_out.csv_bytes(table).decode("utf-8-sig")
    assert f"'{text}" in rows and "'норма" not in rows


def test_control_characters_do_not_break_the_workbook():
    table = Table("t", "c", (Column("a", "x"),), (("a\x0bb",),), ("A",), (("ab",),))
    data = tables_out.xlsx_bytes((table,), example_results.poor())
    assert openpyxl.load_workbook(io.BytesIO(data))["t"]["A2"].value == "ab"


def test_the_same_bytes_on_every_run(monkeypatch):
    import time

    first = tables_out.files(example_results.rich("en"))
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 86_400)
    assert tables_out.files(example_results.rich("en")) == first


def test_cells_of_levels_and_changes():
    rounded = Estimate(64.54, 64.535, 64.545, "percent", "rounding")
    assert level_text(rounded, "ru") == "64,54" and interval_text(rounded, "ru") == "64,535–64,545"
    bound = Estimate(70.0, 70.0, 100.0, "percent", "published_bound")
    assert level_text(bound, "ru") == "более\u00a070\u00a0%"
    assert level_text(None, "en") == interval_text(None, "en") == change_text(None, "en") == "n/a"
    change = Estimate(-1.44, -2.3, -0.5, "working_day", "sampling_95")
    assert change_text(change, "en") == "\u22121.4\u00a0working\u00a0days".replace("working\u00a0days", "working days")
    assert change_interval(change, "en") == "\u22122.3 to \u22120.5"
