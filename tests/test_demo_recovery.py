"""The cleaner, run on the demonstration files, recovers the truth they were printed from: every value, no other refusal."""

import numpy as np
import pandas as pd
import pytest

from helpers.intake.cleaning import clean_file
from helpers.synthetic import demo

# one half-year of one district stands for all workbooks of questionnaires: they share their layout
QUESTIONNAIRES = ("demo_b_questionnaires_2025h1_ufo", "demo_b_questionnaires_2025h1_other")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo_set():
    return demo.generate()


@pytest.fixture(scope="module")
def cleaned(demo_set, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    results = {}
    for file in demo_set.files:
        if "questionnaires" in file.name and not file.name.startswith(QUESTIONNAIRES):
            continue
        path = folder / file.name
        path.write_bytes(file.content)
        results[file.name] = clean_file(path)
    return results


def _number(text):
    try:
        return f"{float(text):.6f}"
    except ValueError:
        return text


def _cells(frame):
    columns = [
        "sheet",
        "row",
        "col",
        "rating",
        "entity_id",
        "region_iso",
        "period",
        "indicator",
        "value",
        "unit",
        "cmp",
    ]
    texts = frame[columns].astype("str")
    texts["value"] = texts["value"].map(_number)
    texts["cmp"] = texts["cmp"].replace("", "=")
    return set(texts.itertuples(index=False, name=None))


def _refusals(frame):
    texts = frame[["sheet", "row", "col", "reason"]].astype("str")
    texts["col"] = texts["col"].replace("0", "")
    return set(texts.itertuples(index=False, name=None))


def _is_rating(name):
    return not name.startswith("demo_i_")


def test_every_rating_value_is_recovered_and_nothing_else(demo_set, cleaned):
    for file in demo_set.files:
        if file.name in cleaned and _is_rating(file.name):
            expected, found = _cells(file.draft.key_frame()), _cells(cleaned[file.name].tidy)
            assert not expected - found, (file.name, sorted(expected - found)[:3])
            assert not found - expected, (file.name, sorted(found - expected)[:3])


def test_refusals_are_exactly_the_planted_ones(demo_set, cleaned):
    for file in demo_set.files:
        if file.name in cleaned and _is_rating(file.name):
            expected, found = _refusals(file.draft.refusal_frame()), _refusals(cleaned[file.name].rejects)
            assert expected == found, (file.name, sorted(expected ^ found)[:4])


@pytest.mark.parametrize(
    ("name", "table"),
    [("demo_i_services_monthly.csv", "service_panel"), ("demo_i_situations_monthly.csv", "situation_panel")],
)
def test_monthly_panels_are_recovered_cell_by_cell(demo_set, cleaned, name, table):
    result = cleaned[name]
    truth = demo_set.truth[table].sort_values(["region_iso", "service_id", "month"], ignore_index=True)
    found = result.panel.sort_values(["region_iso", "service_id", "month"], ignore_index=True)
    assert len(found) == len(truth)
    for column in truth.columns.drop("is_synthetic"):
        if pd.api.types.is_numeric_dtype(truth[column]) and truth[column].dtype != bool:
            assert np.allclose(found[column], truth[column], atol=6e-4, equal_nan=True), column
        else:
            assert found[column].astype("str").tolist() == truth[column].astype("str").tolist(), column
    file = next(f for f in demo_set.files if f.name == result.file)
    assert _refusals(file.draft.refusal_frame()) == _refusals(result.rejects)
    assert result.tidy.empty


def test_compositions_of_life_situations_are_recovered_row_by_row(demo_set, cleaned):
    result = cleaned["demo_j_life_situations.xlsx"]
    key = ["region_iso", "situation_id", "service_id", "document_id"]
    truth = demo_set.truth["life_situations"].sort_values(key, ignore_index=True).drop(columns="is_synthetic")
    found = result.situations.sort_values(key, ignore_index=True)[list(truth.columns)]
    pd.testing.assert_frame_equal(found, truth, check_dtype=False)
    assert set(result.rejects["reason"]) >= {"bad_status", "bad_period", "missing_id", "duplicate_conflict"}
    assert (~found["is_complete"]).sum() > 4 and found["is_complete"].mean() > 0.95
