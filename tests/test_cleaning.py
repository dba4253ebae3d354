"""The cleaner as a whole: samples against their answer keys, attacks, damage, heaps, corrections, overrides, tables."""

import csv
import dataclasses
import importlib.util
import random

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import paths
from helpers.intake import grids
from helpers.intake.cleaning import clean_file, clean_grids, clean_many, write_result
from helpers.intake.collection import bounds, clean_collection
from helpers.intake.dating import dated
from helpers.intake.frames import REJECT_COLUMNS, TIDY_COLUMNS
from helpers.intake.overrides import CorrectionError
from helpers.intake.quality_views import changes, coverage, guessed_names, last_run, refusals
from helpers.intake.sources import Source
from helpers.tables import store

SAMPLES = (
    "s01_fed_index_2024.xlsx", "s02_regions_cp1251.csv", "s03_mfc_2024q1.xls", "s04_mfc_2024q2.html", "s05_grades.docx", "s06_roadmap.xlsx",
    "s07_mfc_long_utf8bom.csv", "s08_mfc_levels_2023.ods",
)  # fmt: skip
KEY = ["entity_id", "period", "indicator"]
OUTCOME = ["value", "unit", "cmp"]
TWINS = str.maketrans("АВЕКМНОРСТХаеорсух", "ABEKMHOPCTXaeopcyx")


@pytest.fixture(scope="module")
def samples():
    folder = paths.shared() / "data" / "sample_raw"
    if not folder.is_dir():
        pytest.skip("the folder ../shared with outside data is absent")
    return folder


@pytest.fixture(scope="module")
def sheets(samples):
    return {name: grids.read(samples / name) for name in SAMPLES}


def accepted(result):
    frame = result.tidy[KEY + OUTCOME].astype(object)
    return {tuple(row[:3]): tuple(row[3:]) for row in frame.itertuples(index=False)}


def score_tool():
    tool = paths.shared() / "tools" / "score_raw.py"
    spec = importlib.util.spec_from_file_location("score_raw", tool)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_against_their_keys(name, samples, tmp_path):
    score = score_tool()
    write_result(clean_file(samples / name), tmp_path)
    aliases = score.read_region_aliases(samples / "regions_reference.csv")
    key, ok, wrong, extra, must_report, reported = score.score_file(
        samples / "answers" / f"{name}.key.csv", tmp_path, aliases
    )
    assert key > 0 and (ok, wrong, extra, reported) == (key, 0, 0, must_report)


@pytest.mark.parametrize("name", SAMPLES)
def test_reasons_and_places_are_those_of_the_key(name, samples, tmp_path):
    write_result(clean_file(samples / name), tmp_path)
    with (samples / "answers" / f"{name}.rejects.csv").open(encoding="utf-8", newline="") as handle:
        expected = {
            (row["row"], row["col"], row["reason"]) for row in csv.DictReader(handle) if row["must_report"] == "yes"
        }
    with (tmp_path / f"{name}.rejects.csv").open(encoding="utf-8", newline="") as handle:
        found = {(row["row"], row["col"], row["reason"]) for row in csv.DictReader(handle)}
    assert expected <= found
    # Beyond the key, only blank cells of records are listed.
    assert {reason for *_, reason in found - expected} <= {"missing_value"}


@pytest.mark.parametrize("name", SAMPLES)
def test_four_heaps_add_up(name, sheets):
    result = clean_grids(sheets[name], name)
    counts = result.counts
    assert counts.accepted + counts.rejected + counts.structural + counts.not_kept == counts.total
    assert counts.total == sum(grid.texts.size for grid in sheets[name]) and counts.accepted == len(result.tidy)
    assert counts.rejected >= (result.rejects["col"] > 0).sum()
    assert list(result.tidy.columns) == list(TIDY_COLUMNS) and list(result.rejects.columns) == list(REJECT_COLUMNS)
    assert not result.tidy.astype(str).duplicated([*KEY]).any() and set(result.tidy["cmp"]) <= {"=", "<="}


def change(grid, **new):
    return dataclasses.replace(grid, **new)


def shuffled(grid, rng):
    """Columns in another order; only grids without merged ranges over columns can be shuffled."""
    order = list(range(grid.texts.shape[1]))
    rng.shuffle(order)
    place = {old: new for new, old in enumerate(order)}
    if any(b != d for _, b, _, d in grid.spans):
        return grid
    spans = tuple((a, place[b], c, place[d]) for a, b, c, d in grid.spans)
    general = frozenset((row, place[column]) for row, column in grid.general_numbers)
    kinds = None if grid.kinds is None else grid.kinds[:, order]
    return change(grid, texts=grid.texts[:, order], kinds=kinds, spans=spans, general_numbers=general)


def with_twins(grid, rng):
    texts = grid.texts.copy()
    for place in np.ndindex(texts.shape):
        text = texts[place]
        if text and rng.random() < 0.5:
            texts[place] = "".join(c.translate(TWINS) if rng.random() < 0.2 else c for c in text)
    return change(grid, texts=texts)


def with_totals(grid, rng):
    if grid.spans:
        return grid
    width = grid.texts.shape[1]
    rows = [
        [word, *["99"] * (width - 1)]
        for word in ("Итого", "Всего по России", "Российская Федерация", "Среднее значение")
    ]
    kinds = None if grid.kinds is None else np.vstack([grid.kinds, np.zeros((4, width), dtype=np.int8)])
    return change(grid, texts=np.vstack([grid.texts, np.array(rows, dtype=object)]), kinds=kinds)


def renamed(grid, rng):
    return (
        change(grid, sheet=rng.choice(["Лист1", "Sheet1", "Данные", "Свод", "1"]))
        if not grid.sheet.startswith("table")
        else grid
    )


def with_notes(grid, rng):
    rows = [["" for _ in range(grid.texts.shape[1])] for _ in range(2)]
    rows[1][0] = "* По данным ведомств за 2019 год; на 01.01.2020."
    kinds = None if grid.kinds is None else np.vstack([grid.kinds, np.zeros((2, grid.texts.shape[1]), dtype=np.int8)])
    return change(grid, texts=np.vstack([grid.texts, np.array(rows, dtype=object)]), kinds=kinds)


@pytest.mark.parametrize("attack", [shuffled, with_twins, with_totals, renamed, with_notes])
@pytest.mark.parametrize("name", SAMPLES)
def test_attacks_lose_values_but_change_none(name, attack, sheets):
    truth = accepted(clean_grids(sheets[name], name))
    names = {entity for entity, *_ in truth}
    for seed in range(4):
        rng = random.Random(seed)
        spoilt = accepted(clean_grids([grid if grid.is_hidden else attack(grid, rng) for grid in sheets[name]], name))
        for place, outcome in spoilt.items():
            if place[0] in names or attack is not with_twins:  # codes of services are text: spoilt ones are other codes
                assert truth.get(place) == outcome, (attack.__name__, place, outcome)
        if attack in (with_totals, with_notes):
            assert spoilt == truth


@pytest.mark.parametrize("separator", [",", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp866", "koi8-r", "utf-16"])
def test_other_separators_and_encodings_give_the_same_values(separator, encoding, samples, tmp_path):
    for name, origin in (("s02_regions_cp1251.csv", "cp1251"), ("s07_mfc_long_utf8bom.csv", "utf-8-sig")):
        text = (
            (samples / name)
            .read_text(encoding=origin)
            .replace("\u00a0", " ")
            .replace("…", "...")
            .replace("—", "-")
            .replace("–", "-")
        )
        rows = list(csv.reader(text.splitlines(), delimiter=";"))
        path = tmp_path / name
        with path.open("w", encoding=encoding, newline="") as handle:
            csv.writer(handle, delimiter=separator).writerows(rows)
        assert accepted(clean_file(path)) == accepted(clean_file(samples / name))


@pytest.mark.parametrize("name", SAMPLES)
def test_random_damage_ends_in_a_table_or_a_clear_error(name, samples, tmp_path):
    data = (samples / name).read_bytes()
    truth = accepted(clean_file(samples / name))
    rng = random.Random(len(data))
    is_checked = not name.endswith((".csv", ".html", ".xls"))  # zipped parts carry checksums, plain text does not
    for turn in range(12):
        damaged = bytearray(data)
        for _ in range(rng.choice((1, 3, 20))):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        if turn % 5 == 0:
            damaged = damaged[: rng.randrange(len(damaged))]
        path = tmp_path / name
        path.write_bytes(damaged)
        result = clean_file(path)
        if not len(result.tidy):
            assert len(result.rejects) or result.counts.total >= 0
        if is_checked:
            for place, outcome in accepted(result).items():
                assert truth.get(place) == outcome


CELLS = st.one_of(
    st.sampled_from(["Субъект", "Баллы", "Уровень", "ФОИВ", "Индекс, %", "Тульская область", "г. Москва", "Росстат", "90,1", "н/д", "", "2024 год", "I квартал", "Итого", "№ КТ", "Код", "до", "=1+1", "1", "2"]),
    st.text(max_size=12),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=1, max_size=6), min_size=1, max_size=8), st.booleans())
def test_any_table_is_read_to_the_last_cell(rows, is_merged):
    width = max(map(len, rows))
    texts = np.array([[*row, *[""] * (width - len(row))] for row in rows], dtype=object)
    spans = ((0, 0, min(1, len(rows) - 1), width - 1),) if is_merged else ()
    result = clean_grids([grids.Grid("Лист", texts, np.zeros(texts.shape, dtype=np.int8), spans)], "любой 2024.xlsx")
    counts = result.counts
    assert counts.accepted + counts.rejected + counts.structural + counts.not_kept == counts.total == texts.size
    assert counts.accepted == len(result.tidy)


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=400),
    st.sampled_from(["a.csv", "a.xlsx", "a.xls", "a.html", "a.pdf", "a.ods", "a.docx", "a.xml"]),
)
def test_any_bytes_end_in_a_table_or_a_clear_error(data, name):
    try:
        clean_grids(grids.read_bytes(data, name), name)
    except grids.GridError as error:
        assert name in str(error)


def test_a_bad_file_is_one_line_and_never_stops_the_rest(tmp_path):
    good, bad = tmp_path / "мфц 2024.csv", tmp_path / "bad.xlsx"
    good.write_text("Субъект;Баллы\nТульская область;90,1\n", encoding="utf-8")
    bad.write_bytes(b"PK\x03\x04")
    first, second, third = clean_many([bad, good, tmp_path / "none.csv"])
    assert [row.reason for row in first.rejects.itertuples()] == ["unreadable_file"] and "bad.xlsx" in first.rejects[
        "suggestion"
    ].iloc[0]
    assert len(second.tidy) == 1 and third.rejects["reason"].tolist() == ["unreadable_file"] and not len(third.tidy)


def test_written_files_hold_no_formulas(tmp_path):
    source = tmp_path / "мфц 2024.csv"
    source.write_text('Субъект;Баллы\n"=cmd|x";90,1\nТульская область;=1+1\n', encoding="utf-8")
    tidy, rejects = write_result(clean_file(source), tmp_path / "out")
    for path in (tidy, rejects):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert not any(cell.startswith(("=", "@", "+")) for cell in line.split(","))
    assert rejects.read_text(encoding="utf-8").count("'=") == 2


def put(world, name, rows):
    path = world / "data" / "reference" / f"{name}.csv"
    pd.concat([pd.read_csv(path, dtype=str, keep_default_na=False), pd.DataFrame(rows)]).fillna("").to_csv(
        path, index=False
    )


def test_corrections_apply_and_fail_loudly(world):
    source = world / "мфц 2024.csv"
    source.write_text("Субъект;Баллы\nТульская область;901\n", encoding="utf-8")
    row = {
        "correction_id": "C1",
        "file": source.name,
        "sheet": "",
        "row": "2",
        "col": "2",
        "expected_old": "901",
        "new_value": "90,1",
        "reason": "a lost comma",
    }
    put(world, "corrections", [row])
    result = clean_file(source)
    assert result.tidy["value"].tolist() == ["90.1"] and result.corrections[0]["old_value"] == "901"
    source.write_text("Субъект;Баллы\nТульская область;90,1\n", encoding="utf-8")
    with pytest.raises(CorrectionError, match="C1"):
        clean_file(source)
    source.write_text("Субъект\n", encoding="utf-8")
    with pytest.raises(CorrectionError, match="no such cell"):
        clean_file(source)


def corrected(world, *rows, name="mfc.csv"):
    """Rows of ``corrections`` for a file with two rows about one region: (row, column, old, new)."""
    file = world / name
    file.write_text(
        "Рейтинг МФЦ за 2023 год;\nСубъект;Баллы\nТульская область;81,7\nТульская область;90,1\n", encoding="utf-8"
    )
    cells = [
        {"correction_id": f"C{number}", "file": name, "sheet": "", "row": row, "col": col, "expected_old": old,
         "new_value": new, "reason": "letter"}
        for number, (row, col, old, new) in enumerate(rows, start=1)
    ]  # fmt: skip
    put(world, "corrections", cells)
    return clean_file(file)


def test_a_correction_may_write_the_decimal_mark_either_way(world):
    result = corrected(world, ("3", "2", "81.7", "90.1"))
    assert result.tidy["value"].tolist() == ["90.1"] and result.corrections[0]["old_value"] == "81,7"


def test_two_corrections_of_one_cell_name_both_rows(world):
    with pytest.raises(
        CorrectionError, match=r"rows 2 and 3 of data/reference/corrections\.csv both correct this cell"
    ):
        corrected(world, ("3", "2", "81,7", "71,7"), ("3", "2", "81.7", "61,7"))


def test_of_two_rows_that_contradict_one_is_dropped_by_a_correction_of_its_name(world):
    result = corrected(world, ("3", "1", "Тульская область", ""))
    assert result.tidy["value"].tolist() == ["90.1"] and result.rejects["reason"].tolist() == ["missing_id"]


def test_a_hidden_sheet_is_read_only_where_a_row_names_it_exactly(world):
    file = world / "mfc.xlsx"
    book = openpyxl.Workbook()
    for row in (["Рейтинг МФЦ за 2023 год"], ["Субъект", "Баллы"], ["Омская область", 80.5]):
        book.active.append(row)
    book.active.title, book.active.sheet_state = "Архив", "hidden"
    book.create_sheet("Пусто")
    book.save(file)
    rows = {"file_pattern": "mfc*", "action": "read", "rating": "c_mfc", "reason": "letter"}
    put(world, "sheet_overrides", [{**rows, "sheet_pattern": "Арх*"}])
    result = clean_file(file)
    assert not len(result.tidy) and "name it exactly in sheet_overrides.csv" in " ".join(result.explanation["why"])
    table = world / "data" / "reference" / "sheet_overrides.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("Арх*", "Архив"), encoding="utf-8")
    assert clean_file(file).tidy["value"].tolist() == ["80.5"]


def test_overrides_are_rows(world):
    source = world / "странный.csv"
    source.write_text("Что-то;Значок\nТульская область;90,1\nпредисловие;\n", encoding="utf-8")
    assert not len(clean_file(source).tidy)
    put(
        world,
        "sheet_overrides",
        [
            {
                "file_pattern": "странный*",
                "action": "read",
                "header_first_row": "1",
                "rating": "c_mfc",
                "period": "2023-Q1",
                "reason": "test",
            }
        ],
    )
    put(
        world,
        "column_overrides",
        [
            {
                "file_pattern": "странный*",
                "label_pattern": "значок",
                "rating": "c_mfc",
                "indicator": "total",
                "reason": "test",
            }
        ],
    )
    result = clean_file(source)
    assert accepted(result) == {("RU-TUL", "2023-Q1", "total"): ("90.1", "points", "=")}
    put(world, "sheet_overrides", [])
    path = world / "data" / "reference" / "sheet_overrides.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",read,", ",skip,"), encoding="utf-8")
    assert not len(clean_file(source).tidy) and "skipped" in set(clean_file(source).explanation["taken_for"])


def source(path, **more):
    known = {
        name: "x" for name in ("publisher", "title", "address", "published_date", "accessed_date", "licence", "sha256")
    }
    return Source(
        **{
            "source_id": path.split(".")[0],
            "path": path,
            "kind": "rating_file",
            "period": "",
            "is_synthetic": "0",
            **known,
            **more,
        }
    )


def test_tables_of_a_collection(world):
    raw = world / "data" / "raw"
    (raw / "mfc.csv").write_text(
        "Рейтинг МФЦ за 1 квартал 2024 года;;\nСубъект;Баллы;Уровень\nТульская область;90,1;высокий\nОмская область;н/д;низкий\nАлтай;1;низкий\n",
        encoding="utf-8",
    )
    (raw / "bad.pdf").write_bytes(b"%PDF-")
    answer = '<answer orderNumber="{}" okato="70401000000" receivedDate="2025-03-01"><rates><rate indicator-id="9" value-id="{}"/></rates></answer>'
    (raw / "vk.xml").write_text("<a>" + answer.format(1, 45) + answer.format(2, 42) + "</a>", encoding="utf-8")
    panel = "Субъект;Код услуги;Месяц;Услуга;Оценка;Заявлений;Срок, медиана;Единица срока;Доля отказов, %;Доля онлайн, %\nТульская обл.;У-1;2024-06;Л;В;{};5,5;р.д.;2,5;60\n"
    (raw / "p1.csv").write_text(panel.format(1), encoding="utf-8")
    (raw / "p2.csv").write_text(panel.format(2), encoding="utf-8")
    tables = clean_collection([source(name) for name in ("mfc.csv", "bad.pdf", "vk.xml", "p1.csv", "p2.csv")])
    for name, table in tables.items():
        store.save(name, table, "real")
    found = tables["observations"].set_index(["entity_id", "indicator"])
    assert found.loc[("RU-TUL", "total"), ["value", "value_low", "value_high"]].tolist() == pytest.approx(
        [90.1, 90.05, 90.15]
    )
    assert (
        found.loc[("RU-TUL", "level"), "category"] == "high"
        and found.loc[("RU-TUL", "total"), "observation_id"] == "mfc!!3!2"
    )
    assert found.loc[("RU-TUL", "time"), "value"] == 3.5 and found.loc[("RU-TUL", "time answers"), "value"] == 2
    assert found.loc[("RU-TUL", "time"), "period"] == "2025-H1" and found.loc[("RU-TUL", "time mark 2"), "value"] == 1
    rejects = tables["rejects"]
    assert set(rejects["reason"]) == {"missing_value", "ambiguous_entity", "unreadable_file", "duplicate_conflict"}
    assert rejects.set_index("reason").loc["missing_value", "region_iso"] == "RU-OMS" and tables["service_panel"].empty
    quality = tables["quality"].set_index(["source_id", "region_iso", "indicator"])
    assert (
        quality.loc[("mfc", "RU-OMS", "total"), "coverage"] == 0
        and quality.loc[("mfc", "RU-TUL", "total"), "n_accepted"] == 1
    )
    assert coverage(tables["quality"], "source_id").set_index("source_id").loc["bad", "coverage"] == 0
    assert refusals(rejects).iloc[0]["n"] == 2 and refusals(rejects.iloc[:0]).empty
    before = last_run("real")
    assert changes(before, tables["observations"]).empty
    altered = tables["observations"].assign(value=lambda frame: frame["value"] + 1).iloc[1:]
    assert changes(before, altered).set_index("source_id").loc["mfc", ["n_gone", "n_new"]].tolist() == [1, 0]


def test_values_without_a_period_take_that_of_the_catalogue_or_are_refused(world):
    raw = world / "data" / "raw"
    rows = "Рейтинг МФЦ;;\nСубъект;Баллы;Уровень\nТульская область;90,1;высокий\nОмская область;80,1;средний\n"
    (raw / "mfc_a.csv").write_text(rows, encoding="utf-8")
    (raw / "mfc_b.csv").write_text(rows.replace("90,1", "90,2"), encoding="utf-8")
    tables = clean_collection([source("mfc_a.csv"), source("mfc_b.csv", period="2024-Q1")])
    for name, table in tables.items():
        store.save(name, table, "real")
    assert tables["observations"].groupby("source_id")["period"].agg(set).to_dict() == {"mfc_b": {"2024-Q1"}}
    rejects = tables["rejects"]
    assert rejects[["source_id", "reason"]].drop_duplicates().to_numpy().tolist() == [["mfc_a", "bad_period"]]
    assert len(rejects) == 4 and rejects["suggestion"].str.contains("reports add FILE --period").all()
    assert tables["quality"].groupby("source_id")["n_accepted"].sum().to_dict() == {"mfc_a": 0, "mfc_b": 4}


def test_heaps_still_add_up_where_a_period_is_missing(world):
    path = world / "mfc_a.csv"
    path.write_text("Рейтинг МФЦ;\nСубъект;Баллы\nТульская область;90,1\n", encoding="utf-8")
    before = clean_file(path)
    after, given = dated(before, ""), dated(before, "2024")
    assert (before.counts.accepted, after.counts.accepted, given.counts.accepted) == (1, 0, 1)
    assert after.counts.total == before.counts.total and after.counts.rejected == before.counts.rejected + 1
    assert given.tidy["period"].tolist() == ["2024"] and after.tidy.empty and len(after.rejects) == 1


def test_names_read_by_likeness_have_a_view_of_their_own(world):
    rows = "Рейтинг МФЦ за 2023 год;;\nСубъект;Баллы;Уровень\nСвердловкая область;90,1;высокий\nОмская обл.;8;низкий\n"
    (world / "data" / "raw" / "mfc.csv").write_text(rows, encoding="utf-8")
    view = guessed_names(clean_collection([source("mfc.csv")])["observations"])
    assert view.to_numpy().tolist() == [["mfc", "Свердловкая область", 3, 2, "Свердловская область"]]
    assert guessed_names(store.empty("observations")).empty


def test_an_empty_collection_and_the_first_run(world):
    tables = clean_collection([])
    assert all(table.empty for table in tables.values()) and last_run("demo").empty


def test_printed_precision_becomes_an_interval():
    low, high = bounds(
        np.array([47.0, 7.0, 3.0, 99.9, 2.0]),
        np.array([0, 0, 0, 0, 0]),
        np.array(["percent", "working_day", "count", "percent", "points"], dtype=object),
        np.array(["=", "<=", "=", "=", "="], dtype=object),
        np.array(["b_region_index", "d_grades", "d_grades", "a_fed_index", "b_region_process"], dtype=object),
    )
    assert low.tolist() == [46.5, 0.0, 3.0, 99.4, 2.0] and high.tolist() == [47.5, 7.0, 3.0, 100.0, 2.0]


def test_published_figures_keep_their_own_reader(world):
    folder = world / "data" / "raw" / "published"
    folder.mkdir()
    original = paths.Path(__file__).resolve().parents[1] / "data" / "raw" / "published" / "published_facts.csv"
    (folder / original.name).write_bytes(original.read_bytes())
    tables = clean_collection([source("published/published_facts.csv", kind="published_figures")])
    assert len(tables["observations"]) > 200 and tables["quality"]["coverage"].eq(1).all()


@pytest.mark.parametrize(
    ("label", "cell", "is_refused"),
    [
        ("Доля онлайн", "0,78", True),
        ("Доля онлайн, %", "0,78", False),
        ("Доля онлайн", "78", False),
        ("Доля онлайн", "0,78 %", False),
    ],
)
def test_a_share_whose_unit_nobody_says_is_refused_not_guessed(world, tmp_path, label, cell, is_refused):
    text = f"Субъект;Код услуги;Месяц;Услуга;Оценка;Заявлений;Срок, медиана;Единица срока;{label}\n"
    text += f"Тульская обл.;У-1;2024-06;Л;В;10;5,5;р.д.;{cell}\nТульская обл.;У-2;2024-06;М;В;10;5,5;р.д.;0,5\n"
    file = tmp_path / "panel.csv"
    file.write_text(text, encoding="utf-8")
    result = clean_file(file)
    refused = result.rejects[result.rejects["reason"] == "ambiguous_unit"]
    assert bool(len(refused)) == is_refused
    assert len(result.panel) == 2 and result.panel["online_share"].isna().all() == is_refused
