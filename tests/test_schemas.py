"""Tables: contract, store, periods and the dictionary that is generated from the contract."""

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import paths
from helpers.tables import dictionary, periods, schemas, stamps, store


def groups(**change):
    row = {
        "rating": "c_mfc", "entity_id": "RU-CHE", "entity_name": "Челябинская область", "period": "2023-Q1",
        "region_iso": "RU-CHE", "group": "high", "source_id": "S", "is_synthetic": False,
    } | change  # fmt: skip
    return pd.DataFrame([row])


@pytest.mark.parametrize("name", list(schemas.TABLES))
def test_every_table_has_a_key_of_its_columns_and_an_empty_frame_that_is_valid(name):
    table = schemas.TABLES[name]
    assert set(table.key) <= set(table.columns) and table.about
    assert all(column.about for column in table.columns.values())
    assert list(store.validate(name, store.empty(name))) == list(table.columns)


def test_save_and_load_give_the_same_rows_sorted_by_key(world):
    frame = pd.concat([groups(period="2023-Q3"), groups(), groups(entity_id="RU-AD", region_iso="RU-AD")])
    store.save("groups", frame, "real")
    loaded = store.load("groups", "real")
    assert loaded["period"].tolist() == ["2023-Q1", "2023-Q1", "2023-Q3"] and loaded["entity_id"][0] == "RU-AD"
    assert store.load("groups", "real", columns=["group"]).columns.tolist() == ["group"]
    assert len(store.load("groups", "real", filters=[("region_iso", "=", "RU-AD")])) == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"period": "2023-Q5"}, "2023-Q5"),
        ({"rating": "X 1"}, "'X 1'"),
        ({"region_iso": "74"}, "'74'"),
    ],
)
def test_a_broken_value_is_named_with_row_and_column_and_nothing_is_written(world, change, says):
    with pytest.raises(store.StoreError) as error:
        store.save("groups", groups(**change), "real")
    assert says in str(error.value) and "row 0" in str(error.value)
    assert not store.exists("groups", "real")


def test_errors_point_to_the_source_cell(world):
    frame = store.empty("rejects")
    frame.loc[0] = ["s", "f.xlsx", "Лист1", 7, 3, "no_such_reason", "raw", "", "", False]
    with pytest.raises(store.StoreError, match=r"f\.xlsx Лист1 row 7 col 3"):
        store.save("rejects", frame, "real")


def test_repeated_keys_missing_columns_and_bad_types_are_refused(world):
    with pytest.raises(store.StoreError, match="break the schema"):
        store.save("groups", pd.concat([groups(), groups()]), "real")
    with pytest.raises(store.StoreError, match="missing columns"):
        store.save("groups", groups().drop(columns="group"), "real")
    bad = store.empty("diagnostics")
    bad.loc[0] = ["o", "c", "a lot", 0.5, "r", True, False]
    with pytest.raises(store.StoreError, match="statistic"):
        store.save("diagnostics", bad, "real")


def test_real_and_synthetic_never_meet(world):
    with pytest.raises(store.StoreError, match="never meet"):
        store.save("groups", groups(is_synthetic=True), "real")
    with pytest.raises(store.StoreError, match="never meet"):
        store.save("groups", groups(is_synthetic=False), "demo")


def test_a_full_disk_is_a_clear_error_and_the_earlier_table_stays(world, monkeypatch):
    store.save("groups", groups(), "real")

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store, "_write", full)
    with pytest.raises(store.StoreError, match="No space left on device"):
        store.save("groups", groups(group="low"), "real")
    monkeypatch.undo()
    monkeypatch.setenv(paths.ROOT_VARIABLE, str(world))
    assert store.load("groups", "real")["group"].tolist() == ["high"]
    assert sorted(p.name for p in paths.processed("real").iterdir()) == [".groups.validated", "groups.parquet"]


def test_missing_damaged_and_undeclared_tables_say_what_to_do(world):
    with pytest.raises(store.StoreError, match="reports build --collection real"):
        store.load("groups", "real")
    path = store.save("groups", groups(), "real")
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(store.StoreError, match="delete it"):
        store.load("groups", "real")
    with pytest.raises(store.StoreError, match="no table 'grups'"):
        store.load("grups", "real")
    with pytest.raises(store.StoreError, match="no collection"):
        store.load("groups", "rael")
    with pytest.raises(store.StoreError, match="no reference table"):
        store.reference("nothing")


@pytest.fixture
def examined(monkeypatch):
    """Names of the tables that were examined row by row."""
    names, before = [], store.validate
    monkeypatch.setattr(store, "validate", lambda name, *rest: names.append(name) or before(name, *rest))
    return names


def test_a_table_that_is_what_was_saved_is_not_examined_again_and_comes_out_the_same(world, examined):
    codes = ["RU-AD", "RU-BA", "RU-CHE", ""]
    frame = pd.concat([groups(entity_id=f"e{i}", region_iso=codes[i % 4]) for i in range(30)], ignore_index=True)
    path = store.save("groups", pd.concat([frame.assign(source_id=f"s{k}") for k in range(200)]), "real")
    for name in ("scores", "rejects"):
        store.save(name, store.empty(name), "real")
    examined.clear()
    names, filters = ("groups", "scores", "rejects"), [("region_iso", "in", ["RU-BA", ""])]
    quick = {name: store.load(name, "real") for name in names}
    sliced = store.load("groups", "real", filters=filters)
    assert not examined
    for stamp in path.parent.glob(".*.validated"):
        stamp.unlink()
    for name in names:
        pd.testing.assert_frame_equal(store.load(name, "real"), quick[name])
    pd.testing.assert_frame_equal(store.load("groups", "real", filters=filters), sliced)
    assert examined == [*names, "groups"] and len(sliced) == 3000


def test_a_changed_file_or_another_contract_is_examined(world, examined, monkeypatch):
    path = store.save("groups", groups(), "real")
    altered = pd.read_parquet(path).assign(group="x", period="2023-Q5")
    modified = path.stat()
    altered.to_parquet(path, index=False)
    os.utime(path, ns=(modified.st_atime_ns, modified.st_mtime_ns))
    with pytest.raises(store.StoreError, match="2023-Q5"):
        store.load("groups", "real")
    store.save("groups", groups(), "real")
    examined.clear()
    monkeypatch.setattr(stamps, "contract", lambda: "another schema")
    assert len(store.load("groups", "real")) == 1 and examined == ["groups"]
    stamps.stamp_path(path).write_bytes(b"\xff not a stamp")
    assert len(store.load("groups", "real")) == 1 and examined == ["groups", "groups"]


def test_the_contract_is_all_code_of_the_tables(tmp_path, monkeypatch):
    copy = tmp_path / "tables"
    shutil.copytree(Path(stamps.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(stamps, "__file__", str(copy / "stamps.py"))
    digests = {stamps.contract.__wrapped__()}
    for source in sorted(copy.glob("*.py")):
        source.write_text(source.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        digests.add(stamps.contract.__wrapped__())
    assert len(digests) == len(list(copy.glob("*.py"))) + 1


def test_a_stamp_that_cannot_be_written_leaves_the_earlier_table(world, monkeypatch):
    store.save("groups", groups(), "real")

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(stamps, "put", full)
        with pytest.raises(store.StoreError, match="No space left on device"):
            store.save("groups", groups(group="low"), "real")
    assert store.load("groups", "real")["group"].tolist() == ["high"]


def test_large_tables_are_written_by_region_so_that_a_report_reads_its_slice(world):
    import pyarrow.parquet as pq

    codes = ["RU-AD", "RU-BA", "RU-CHE"]
    frame = pd.concat([groups(entity_id=f"e{i}", region_iso=codes[i % 3]) for i in range(30)])
    many = pd.concat([frame.assign(source_id=f"s{k}") for k in range(200)], ignore_index=True)
    path = store.save("groups", many, "real")
    assert pq.ParquetFile(path).num_row_groups == 3
    assert len(store.load("groups", "real", filters=[("region_iso", "=", "RU-BA")])) == 2000


def test_release_tables_come_empty_when_not_made(world):
    tables = store.read_release("real", ("groups", "service_panel"), region="RU-CHE")
    assert tables["groups"].empty and tables["service_panel"].empty
    store.save("groups", groups(), "real")
    assert len(store.read_release("real", ("groups",))["groups"]) == 1


def test_data_dictionary_is_what_the_schemas_say():
    file = paths.root() / "docs" / "data_dictionary.md"
    assert file.read_text(encoding="utf-8") == dictionary.markdown(), "run: reports dictionary"


def test_dictionary_shows_ranges_and_lists():
    text = dictionary.markdown()
    assert "≥ 0 and ≤ 1" in text and "`working_day`, `calendar_day`" in text


# ---- periods ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["2024", "2024-H1", "2024-Q3", "2024-06"])
def test_period_text_round_trips(text):
    assert str(periods.parse(text)) == text


@given(st.integers(2000, 2099), st.sampled_from(["", "-H1", "-H2", "-Q1", "-Q4", "-01", "-12"]))
def test_every_period_of_the_grammar_is_read(year, tail):
    assert str(periods.parse(f"{year}{tail}")) == f"{year}{tail}"


@pytest.mark.parametrize("text", ["2024-H3", "2024-Q5", "2024-13", "24", "", "2024-00", "2024 год"])
def test_other_texts_are_no_periods(text):
    assert not periods.is_period(text)
    with pytest.raises(ValueError, match="not a period"):
        periods.parse(text)


def test_periods_are_ordered_and_compared_only_like_with_like():
    ordered = sorted(["2024", "2023-Q4", "2024-H1", "2023", "2024-06", "before"], key=periods.sort_key)
    assert ordered == ["before", "2023-Q4", "2023", "2024-06", "2024-H1", "2024"]
    assert periods.is_comparable("2024-H1", "2025-H1") and not periods.is_comparable("2023", "2024-H1")
    assert not periods.is_comparable("2023", "2025") and not periods.is_comparable("before", "2024")
    assert periods.year_earlier("2025-H1") == "2024-H1"
    assert periods.ends_by("2024-Q2", "2024-H1") and not periods.ends_by("2024", "2024-H1")


def test_text_is_never_null_after_conforming():
    frame = groups().astype("object")
    frame.loc[0, "entity_name"] = np.nan
    assert store.conform("groups", frame)["entity_name"].tolist() == [""]
