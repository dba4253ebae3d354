"""Every number can be followed back to its source cell."""

import pandas as pd
import pytest

from helpers import paths
from helpers.intake import published, sources
from helpers.tables import store
from helpers.tables.trace import TraceError, trace


@pytest.fixture(scope="module")
def material():
    file = "published/published_facts.csv"
    facts = published.read(paths.raw() / file)
    observations = published.observations(
        facts, store.reference("published_indicators"), store.reference("published_units"), file
    )
    scores = store.empty("scores")
    scores.loc[0] = {
        "rating": "b_region_index", "entity_type": "region", "entity_id": "RU-CHE", "entity_name": "x", "period": "2024-H1",
        "level": "region", "group": "total", "method": "published", "region_iso": "RU-CHE", "score": 64.54,
        "score_low": 64.535, "score_high": 64.545, "interval_kind": "rounding", "std_error": None, "n_items": 1,
        "score_change": None, "change_low": None, "change_high": None, "is_comparable": False,
        "effective_weight": 1.0, "unit": "percent", "is_synthetic": False,
    }  # fmt: skip
    catalog = pd.DataFrame([vars(s) for s in sources.read_catalog(paths.raw() / "catalog.csv")])
    return {"observations": observations, "scores": scores}, catalog, facts


def test_the_regional_index_leads_to_its_cell_checksum_and_reference(material):
    tables, catalog, facts = material
    (way,) = trace("RU-CHE", "index", "2024-H1", tables, catalog, facts)
    names = [step.name for step in way]
    assert names == [
        "table scores", "table observations", "source cell", "source file", "published by", "public reference",
    ]  # fmt: skip
    cell = way[names.index("source cell")]
    assert "published_facts.csv" in cell.place and "row 32" in cell.place and "'64.54'" in cell.content
    assert catalog["sha256"][0] in way[names.index("source file")].content
    assert "SEED1" in way[-1].place
    assert "64.54 [64.535; 64.545]" in way[0].content


@pytest.mark.parametrize(
    ("question", "says"),
    [
        (("RU-XXX", "index", "2023"), "is the code right"),
        (("RU-CHE", "index", "2022"), "there is: 2023, 2024-H1"),
        (("RU-CHE", "indeks", "2023"), "there is: index"),
    ],
)
def test_a_number_that_is_not_there_says_what_is(material, question, says):
    tables, catalog, facts = material
    with pytest.raises(TraceError, match=says):
        trace(*question, tables, catalog, facts)


def test_a_category_is_traced_without_an_interval(material):
    tables, catalog, _ = material
    (way,) = trace("RU-CHE", "stage", "2023", tables, catalog)
    assert "продвинутый" in way[-4].content or any("продвинутый" in step.content for step in way)
    assert not any(step.name == "public reference" for step in way)


def test_a_corrected_cell_shows_what_the_file_holds_and_the_correction(material):
    tables, catalog, facts = material
    row = tables["observations"].set_index("observation_id").loc["F031"]
    applied = store.empty("corrections_applied")
    applied.loc[0] = {
        "correction_id": "k1", "source_id": "x", "file": "published_facts.csv", "sheet": row["sheet"], "row": row["row"],
        "col": row["col"], "old_value": "64.45", "new_value": "64.54", "reason": "letter", "is_synthetic": False,
    }  # fmt: skip
    (way,) = trace("RU-CHE", "index", "2024-H1", tables | {"corrections_applied": applied}, catalog, facts, ["a.html"])
    assert way[0].name == "report" and way[0].place == "a.html"
    names = [step.name for step in way]
    correction, cell = way[names.index("correction")], way[names.index("source cell")]
    assert correction.content == "'64.45' → '64.54': letter" and "'64.45'" in cell.content
