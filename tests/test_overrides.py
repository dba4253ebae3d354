"""Reviewed exceptions: a row that cannot mean anything stops, a row that matched nothing is named with what is nearest."""

import shutil

import conftest
import pandas as pd
import pytest

from helpers import paths
from helpers.intake import explain_text, idle_rows, override_rules, regions, sources
from helpers.intake.cleaning import clean_file
from helpers.intake.collection import idle_exceptions
from helpers.intake.override_rules import OverrideError
from helpers.tables import schemas, store

MFC = (
    "Рейтинг МФЦ за 1 квартал 2024 года;;;;;;\n"
    "Субъект;Доступность;Качество;Клиентоцентричность;Цифровизация офисов;СПС;Итого баллов\n"
    "Тульская область;20,0;20,0;20,0;20,0;10,0;90,0\n"
    "Омская область;21,3;20,0;16,0;18,3;8,2;91,1\n"
)
MONTHLY = (
    "Субъект;Код услуги;Месяц;Услуга;Оценка;Заявлений;Срок, медиана;Единица срока;Доля отказов, %;Через портал, %\n"
    "Тульская обл.;У-1;2024-06;Л;В;3;5,5;р.д.;2,5;60\n"
)


@pytest.fixture(scope="module")
def one_world(tmp_path_factory):
    """One folder for all tests of this file: reading the lists of names takes longer than any test."""
    folder = tmp_path_factory.mktemp("world")
    shutil.copytree(conftest.REPOSITORY / "data" / "reference", folder / "data" / "reference")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(paths.ROOT_VARIABLE, str(folder))
        yield folder


@pytest.fixture
def world(one_world):
    """The same folder without exceptions and without raw files."""
    shutil.rmtree(one_world / "data" / "raw", ignore_errors=True)
    (one_world / "data" / "raw").mkdir()
    for name in override_rules.FILE_COLUMN:
        shutil.copy(conftest.REPOSITORY / "data" / "reference" / f"{name}.csv", one_world / "data" / "reference")
    return one_world


@pytest.fixture
def file(world):
    """A rating file with one wrong total."""
    path = world / "mfc_2024q1.csv"
    path.write_text(MFC, encoding="utf-8")
    return path


def put(name, **cells):
    path = paths.reference() / f"{name}.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    pd.concat([table, pd.DataFrame([cells])]).fillna("").to_csv(path, index=False)


def test_a_row_that_works_is_not_named(file):
    put("column_overrides", file_pattern="mfc*", label_pattern="Цифровизация", role="not_kept", reason="r")
    put("sheet_overrides", file_pattern="mfc*", action="read", rating="c_mfc", reason="r")
    result = clean_file(file)
    assert result.idle == () and "digital" not in set(result.tidy["indicator"])
    assert idle_rows.orphans([file.name]) == []


@pytest.mark.parametrize(
    ("table", "cells", "says"),
    [
        ("column_overrides", {"label_pattern": "^офис", "role": "not_kept"}, "nearest: «цифровизация офисов», column 5"),
        ("column_overrides", {"label_pattern": "цифравизация", "role": "not_kept"}, "nearest: «цифровизация офисов»"),
        ("column_overrides", {"label_pattern": "xyz", "role": "not_kept"}, "labels: «Субъект», «Доступность»"),
        ("column_overrides", {"column": "9", "role": "not_kept"}, "no column 9; the table has columns 1–7"),
        ("column_overrides", {"sheet_pattern": "Лист1", "column": "2", "role": "not_kept"}, "no sheet «Лист1»"),
        (
            "column_overrides", {"label_pattern": "качество", "rating": "a_fed_index", "indicator": "index"},
            "the table was read as c_mfc",
        ),
        ("column_overrides", {"label_pattern": "качество", "role": "online_share"}, "belongs to monthly files"),
        ("sheet_overrides", {"sheet_pattern": "Рейтнг", "action": "skip"}, "no sheet «Рейтнг»"),
    ],
)  # fmt: skip
def test_a_row_that_matched_nothing_is_named_with_what_is_nearest(file, table, cells, says):
    put(table, file_pattern="mfc_2024q1.csv", reason="r", **cells)
    result = clean_file(file)
    (sentence,) = result.idle
    assert sentence.startswith(f"row 2 of data/reference/{table}.csv matched nothing: ") and says in sentence
    assert len(result.tidy) == 11, "nothing else changed"


def test_of_two_rows_for_one_thing_the_second_is_named(file):
    for reason in ("first", "second"):
        put("column_overrides", file_pattern="mfc*", label_pattern="качество", role="not_kept", reason=reason)
        put("sheet_overrides", file_pattern="mfc*", action="read", reason=reason)
    sheets, columns = clean_file(file).idle
    assert "row 3 of data/reference/sheet_overrides.csv" in sheets and "row 2 of the table comes first" in sheets
    assert "row 3 of data/reference/column_overrides.csv" in columns and "an earlier row" in columns


def test_a_row_for_a_file_that_is_not_there_is_named_with_the_nearest_file(file):
    put("column_overrides", file_pattern="mfc_2024q1.xls", label_pattern="качество", role="not_kept", reason="r")
    put(
        "corrections",
        correction_id="k",
        file="other.xls",
        row="1",
        col="1",
        expected_old="1",
        new_value="2",
        reason="r",
    )
    put(
        "column_overrides",
        file_pattern="log*.csv",
        label_pattern="дата",
        role="received",
        reason="a log, not registered",
    )
    column, correction = idle_rows.orphans([file.name])
    assert "no registered file «mfc_2024q1.xls»; nearest: mfc_2024q1.csv" in column
    assert correction == "row 2 of data/reference/corrections.csv matched nothing: no registered file «other.xls»"


def test_a_table_without_a_header_says_where_to_name_it(world):
    path = world / "letter.csv"
    path.write_text("Уважаемые коллеги;\nпросим учесть;\n", encoding="utf-8")
    put("column_overrides", file_pattern="letter.csv", label_pattern="качество", role="not_kept", reason="r")
    assert "name its header row in sheet_overrides.csv" in clean_file(path).idle[0]


@pytest.mark.parametrize(
    ("table", "cells", "says"),
    [
        ("sheet_overrides", {"action": "skipp"}, "action is «skipp»; write read or skip"),
        ("sheet_overrides", {"action": "read", "rating": "mfc"}, "no rating «mfc»; nearest: c_mfc"),
        ("sheet_overrides", {"action": "read", "period": "1 кв. 2024"}, "is not a period; write 2024"),
        ("sheet_overrides", {"action": "read", "header_first_row": "две"}, "header_first_row is «две»; write a number"),
        ("sheet_overrides", {"action": "read", "header_last_row": "2"}, "without a header_first_row"),
        (
            "sheet_overrides",
            {"action": "read", "header_first_row": "3", "header_last_row": "2"},
            "before its first row 3",
        ),
        ("column_overrides", {"label_pattern": "итог", "rating": "c_mfc", "indicator": "totl"}, "nearest: total"),
        ("column_overrides", {"label_pattern": "итог", "role": "skip"}, "no role «skip»"),
        ("column_overrides", {"label_pattern": "итог"}, "says neither indicator nor role"),
        ("column_overrides", {"role": "not_kept"}, "neither label_pattern nor column"),
        ("column_overrides", {"label_pattern": "итог(", "role": "not_kept"}, "no regular expression"),
        ("column_overrides", {"column": "C", "role": "not_kept"}, "column is «C»"),
        ("corrections", {"row": "", "col": "2"}, "row is «»; write a number"),
    ],
)
def test_a_row_that_cannot_mean_anything_stops_and_says_what_it_may_say(file, table, cells, says):
    name = {"corrections": "file"}.get(table, "file_pattern")
    put(table, **{name: file.name}, reason="r", **cells)
    with pytest.raises(OverrideError) as caught:
        clean_file(file)
    assert str(caught.value).startswith(f"row 2 of data/reference/{table}.csv: ") and says in str(caught.value)


def test_a_table_of_exceptions_without_a_column_says_its_header(file):
    path = paths.reference() / "corrections.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("expected_old", "expected"), encoding="utf-8")
    with pytest.raises(
        OverrideError, match="no column expected_old; its header is correction_id,file,sheet,row,col,exp"
    ):
        clean_file(file)


def test_a_row_without_a_reason_stops(file):
    put("sheet_overrides", file_pattern=file.name, action="read", rating="c_mfc")
    with pytest.raises(OverrideError, match=r"row 2 of data/reference/sheet_overrides\.csv: reason is empty"):
        clean_file(file)


@pytest.mark.parametrize(
    ("code", "says"), [("RU-XX", "no code of regions.csv"), ("RU-TULA", "nearest: RU-TUL"), ("", "leads to «»")]
)
def test_an_alias_of_no_region_stops_and_names_its_row(file, code, says):
    table = paths.reference() / "region_aliases.csv"
    before = table.read_text(encoding="utf-8")
    row = before.count("\n") + 1
    try:
        table.write_text(f"{before}Тулия,{code},r\n", encoding="utf-8")
        regions._register.cache_clear()
        with pytest.raises(
            store.StoreError, match=f"row {row} of data/reference/region_aliases.csv: «Тулия»"
        ) as caught:
            regions.region_name("RU-TUL")
        assert says in str(caught.value)
    finally:
        table.write_text(before, encoding="utf-8")
        regions._register.cache_clear()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("подпись,роль\n".encode("cp1251"), "is not in UTF-8"),
        (b"file_pattern;sheet_pattern;action\n", "has no commas between fields: «file_pattern;sheet_pattern;action»"),
        (
            b"file_pattern,sheet_pattern,action,reason\nm.csv,,read\n",
            "row 2 («m.csv»): 3 fields where the header has 4",
        ),
        (b"file_pattern,reason\nm.csv,a\nn.csv,a, b\n", "row 3 («n.csv»): 3 fields where the header has 2"),
    ],
)
def test_a_table_saved_by_a_spreadsheet_says_how_to_save_it(file, content, says):
    (paths.reference() / "sheet_overrides.csv").write_bytes(content)
    with pytest.raises(store.StoreError) as caught:
        clean_file(file)
    assert str(caught.value).startswith("data/reference/sheet_overrides.csv") and says in str(caught.value)


def test_a_byte_order_mark_is_no_part_of_a_label(file):
    table = paths.reference() / "sheet_overrides.csv"
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes())
    assert len(clean_file(file).tidy)


def test_a_total_that_its_parts_do_not_make_tells_their_sum(file):
    (refused,) = clean_file(file).rejects.to_dict("records")
    assert refused["reason"] == "inconsistent_total" and refused["row"] == 4
    assert refused["suggestion"].startswith("the 5 parts add up to 83.8")


def test_every_reason_of_refusal_has_its_next_step():
    assert set(explain_text.ADVICE) == set(schemas.REJECT_REASONS)
    rejects = pd.DataFrame({"reason": ["missing_value", "bad_date", "missing_value"]})
    first, second = explain_text.advice(rejects)
    assert first.startswith("missing_value (2): nothing") and second.startswith("bad_date (1): ask")


def test_labels_of_a_monthly_file_can_be_named(world):
    path = world / "panel.csv"
    path.write_text(MONTHLY, encoding="utf-8")
    assert clean_file(path).panel["online_share"].isna().all()
    put("column_overrides", file_pattern="panel.csv", label_pattern="портал", role="online_share", reason="r")
    put("column_overrides", file_pattern="panel.csv", label_pattern="отказов", role="not_kept", reason="r")
    put("column_overrides", file_pattern="panel.csv", label_pattern="партал", role="online_share", reason="r")
    result = clean_file(path)
    assert result.panel["online_share"].tolist() == [0.6] and result.panel["refusal_share"].isna().all()
    (sentence,) = result.idle
    assert "row 4" in sentence and "nearest: «через портал, %», column 10" in sentence


def test_a_collection_lists_idle_rows_of_its_files_and_of_no_file(world, file):
    put("column_overrides", file_pattern=file.name, label_pattern="цифравизация", role="not_kept", reason="r")
    put("sheet_overrides", file_pattern="gone.xls", action="skip", reason="r")
    source = sources.add(file, "2024-05-01")
    listed = idle_exceptions([source])["what"].tolist()
    assert len(listed) == 2 and listed[0].startswith(f"{source.path}: row 2") and "gone.xls" in listed[1]
    assert idle_exceptions([])["what"].tolist() == listed[1:]
