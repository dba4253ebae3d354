"""What the explore notebook shows, without a browser: every choice has an answer, nothing of the data is markup."""

import re

import numpy as np
import pandas as pd
import pytest
from table_rows import frame

from helpers.presentation import explorer, explorer_tables
from helpers.presentation.explorer_views import Choice, Sources, answer, trend_chart
from helpers.presentation.wording import explorer as wording_explorer
from helpers.tables import schemas, store

INDEX = {"rating": "b_region_index", "entity_type": "region", "indicator": "index", "unit": "percent", "cmp": "="}
CATALOG = pd.DataFrame(
    [{"source_id": "s", "path": "files/s.csv", "sha256": "abc", "licence": "l", "publisher": "p", "title": "t", "address": "a"}]
)  # fmt: skip
REGISTER = pd.DataFrame(
    {"name_ru": ["Альфа", "Бета", "Гамма"], "iso_3166_2": ["RU-ALF", "RU-BET", "RU-GAM"]}, dtype="str"
)


def observed(code, name, period, value, **more):
    cell = {"source_id": "s", "file": "files/s.csv", "row": 2, "col": 3, "raw_text": str(value)}
    return INDEX | cell | {
        "entity_id": code, "region_iso": code, "entity_name": name, "period": period, "value": value,
        "value_low": value - 0.5, "value_high": value + 0.5,
    } | more  # fmt: skip


@pytest.fixture
def tables():
    empty = {name: store.empty(name) for name in explorer.TABLES}
    stage = {"indicator": "stage", "category": "<b>начальный</b>", "value": np.nan, "unit": "category"}
    effect = {"outcome": "days", "estimand": "att", "group": "all", "unit": "log_point", "n_services": 9}
    return empty | {
        "observations": frame(
            "observations",
            observed("RU-ALF", "Альфа", "2023", 40.0), observed("RU-ALF", "Альфа", "2024-H1", 64.54),
            observed("RU-BET", "Бета", "2024-H1", 61.0), observed("RU-ALF", "Альфа", "2023", np.nan) | stage,
        ),
        "ranks": frame(
            "ranks",
            {"rating": "b_region_index", "entity_id": "RU-ALF", "period": "2024-H1", "indicator": "index", "value": 64.54,
             "rank": 3, "rank_low": 2, "rank_high": 5, "interval_kind": "rounding", "units_ranked": 85},
        ),
        "service_panel": frame(
            "service_panel",
            {"region_iso": "RU-ALF", "service_id": "У-1", "service_name": "Льготы", "month": "2024-05", "median_days": 5.5,
             "day_unit": "working_day"},
        ),
        "effects": frame(
            "effects",
            effect | {"estimator": "imputation", "estimate": np.log(0.8), "ci_low": np.log(0.7), "ci_high": np.log(0.9)},
            effect | {"estimator": "before_after", "estimate": np.log(0.5), "is_contrast": True},
        ),
        "region_effects": frame(
            "region_effects",
            {"region_iso": "RU-ALF", "outcome": "days", "raw": np.log(0.6), "shrunk": np.log(0.75), "ci_low": np.log(0.6),
             "ci_high": np.log(0.9), "unit": "log_point", "n_services_optimised": 5},
        ),
        "rejects": frame("rejects", {"file": "files/s.csv", "row": 7, "col": 3, "reason": "not_a_number", "raw": "8l,4",
                                     "region_iso": "RU-ALF"}),
    }  # fmt: skip


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL))


def section(page, name, lang="ru"):
    title = wording_explorer.SECTIONS[name][0 if lang == "ru" else 1]
    return text_of(page.partition(f"<h3>{title}</h3>")[2].partition("</section>")[0])


def test_everything_about_a_choice_is_there(tables):
    page = answer(tables, Choice("RU-ALF", "2024-H1", "index", "У-1", "days"), Sources(CATALOG))
    assert "64,54" in section(page, "value") and "64,04" in section(page, "value") and "65,04" in section(page, "value")
    assert all(mark in section(page, "rank") for mark in (" 3 ", " 2 ", " 5 ", "округл", "85"))
    assert "40" in section(page, "trend") and "data:image/png" in page and 'alt="Значения по периодам' in page
    assert "▶ Альфа" in section(page, "comparison") and "Бета" in section(page, "comparison")
    effect, _, contrast = section(page, "effect").partition("это не эффект")
    assert "−25" in effect and "−20" in effect and "−50" not in effect and "−50" in contrast
    assert "2024-05" in section(page, "service") and "рабочих дней" in section(page, "service")
    assert "8l,4" in section(page, "refused") and "Отклонено: 1" in section(page, "refused")
    assert "files/s.csv, row 2, column 3" in section(page, "way") and "abc" in section(page, "way")
    assert "table region_effects" in section(page, "effect_way")


def test_a_text_of_the_data_is_never_markup(tables):
    page = answer(tables, Choice("RU-ALF", "2023", "stage"), Sources(CATALOG))
    assert "<b>" not in page and "&lt;b&gt;начальный" in page


def test_where_there_is_nothing_it_is_said(tables):
    page = answer(tables, Choice("RU-GAM"), Sources(CATALOG), "en")
    for name, says in (
        ("value", "no published"), ("trend", "one period"), ("rank", "no rank"), ("comparison", "no other region"),
        ("effect", "none is invented"), ("service", "no monthly data"), ("refused", "nothing refused"), ("way", "nothing was observed"),
    ):  # fmt: skip
        assert says in section(page, name, "en"), name
    assert trend_chart(tables, Choice("RU-BET", "2024-H1", "index")) is None


def test_a_place_of_another_indicator_is_named_as_such(tables):
    page = answer(tables, Choice("RU-ALF", "2024-H1", "stage"), Sources(CATALOG))
    assert "Индекс" in section(page, "rank")


def test_numbers_of_both_languages(tables):
    rows = tables["observations"][["period", "value"]]
    assert "64,54" in explorer_tables.shown(rows, "ru") and "64.54" in explorer_tables.shown(rows, "en")
    per_cent = explorer_tables.in_per_cent(tables["region_effects"], ["shrunk"])
    assert per_cent["shrunk"].tolist() == [-25.0] and set(per_cent["unit"]) == {"percent_change"}


def test_a_picker_changes_the_answer_and_what_the_others_offer(tables):
    box = explorer.app(tables, REGISTER, Sources(CATALOG))
    row, view = box.children
    pickers = dict(zip(wording_explorer.PICKERS, row.children, strict=True))
    assert [label for label, _ in pickers["region"].options] == ["Альфа", "Бета", "Гамма (нет данных)"]
    assert pickers["indicator"].value == "index" and pickers["period"].value == "2024-H1" and "64,54" in view.value
    pickers["period"].value = "2023"
    assert "40" in section(view.value, "value") and "64,54" not in section(view.value, "value")
    pickers["indicator"].value = "stage"
    assert pickers["period"].value == "2023" and "начальный" in section(view.value, "value")
    pickers["region"].value = "RU-BET"
    assert pickers["indicator"].value == "index" and "61" in section(view.value, "value")
    assert pickers["service"].options == () and pickers["outcome"].value == "days"
    pickers["region"].value = "RU-GAM"
    assert "нет ни одного значения" in section(view.value, "value")


def test_every_column_that_is_shown_has_words_in_both_languages():
    known = {column for table in schemas.TABLES.values() for column in table.columns} | {"text"}
    assert set(wording_explorer.COLUMNS) <= known
    for words in (
        wording_explorer.COLUMNS,
        wording_explorer.SECTIONS,
        wording_explorer.TEXTS,
        wording_explorer.PICKERS,
    ):
        assert all(len(pair) == 2 and all(pair) for pair in words.values())
