"""Every number can be followed back to its source cell."""

import pandas as pd
import pytest
from table_rows import frame

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
        (("Росреест", "index", "2023"), "nearest: Росреестр"),
        (("RU-CHE", "index", "2022"), "there is: 2023, 2024-H1"),
        (("RU-CHE", "indeks", "2023"), "nearest: index; there is: index"),
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
    (way,) = trace(
        "RU-CHE", "index", "2024-H1", tables | {"corrections_applied": applied}, catalog, facts, {"a.html": ""}
    )
    assert way[0].name == "report" and way[0].place == "a.html"
    names = [step.name for step in way]
    correction, cell = way[names.index("correction")], way[names.index("source cell")]
    assert correction.content == "'64.45' → '64.54': letter" and "'64.45'" in cell.content


OF = {"rating": "c_mfc", "entity_id": "RU-CHE", "region_iso": "RU-CHE", "period": "2024-Q1"}
CELL = {"source_id": "m", "file": "files/m.xls", "sheet": "S", "row": 5, "unit": "points", "cmp": "="}
CATALOG = pd.DataFrame(
    [
        {"source_id": "m", "path": "files/m.xls", "sha256": "abc", "licence": "l", "publisher": "p", "title": "t", "address": "a"},
        {"source_id": "n", "path": "files/n.csv", "sha256": "def", "licence": "l", "publisher": "q", "title": "u", "address": "b"},
    ]
)  # fmt: skip


@pytest.fixture(scope="module")
def made():
    """A region with printed points and level, questionnaires of two bodies, and an effect."""
    cells = [
        OF | CELL | {"indicator": "access", "value": 23.7, "col": 3, "raw_text": "23,7"},
        OF | CELL | {"indicator": "total", "value": 91.7, "col": 8, "raw_text": "91,7"},
        OF | CELL | {"indicator": "level", "category": "high", "col": 9, "raw_text": "Высокий", "unit": "category"},
    ]
    for body, sheet in (("Минобр", "A"), ("Минздрав", "B")):
        answer = CELL | {"rating": "b_region_process", "entity_id": body, "region_iso": "RU-CHE", "period": "2024-H1"}
        for process in (1, 2):
            name = f"process {process} question {process}.1"
            cells.append(
                answer | {"sheet": sheet, "indicator": f"{name}: points", "value": 2.0, "row": process, "col": 5}
            )
            cells.append(
                answer | {"sheet": sheet, "indicator": f"{name}: max_points", "value": 4.0, "row": process, "col": 6}
            )
    score = OF | {"level": "region", "unit": "points"}
    node = {"entity_id": "RU-CHE", "period": "2024-H1", "level": "region", "score": 50.0, "unit": "percent"}
    return {
        "observations": frame("observations", *cells),
        "groups": frame("groups", OF | {"group": "high", "source_id": "m"}),
        "scores": frame(
            "scores",
            score | {"group": "total", "method": "published", "score": 91.7},
            node | {"rating": "b_region_index", "group": "total", "method": "equal_body"},
            node | {"rating": "b_region_index", "group": "total", "method": "geometric", "score": 49.0},
            node | {"rating": "b_region_process", "group": "process 2", "method": "equal_body"},
            node | {"rating": "b_region_process", "entity_id": "Минобр", "level": "body", "group": "total", "method": "equal_body"},
            node | {"rating": "b_region_process", "entity_id": "Минздрав", "level": "body", "group": "total", "method": "equal_body"},
            node | {"rating": "b_region_index", "entity_id": "RU", "level": "country", "group": "total", "method": "equal_body"},
        ),
        "ranks": frame(
            "ranks",
            OF | {"indicator": "total", "value": 91.7, "rank": 20, "units_ranked": 85},
            {"rating": "b_region_index", "entity_id": "RU-CHE", "period": "2024-H1", "indicator": "index", "value": 50.0, "rank": 7},
        ),
        "region_effects": frame("region_effects", {"region_iso": "RU-CHE", "outcome": "days", "shrunk": -0.3, "unit": "log_point"}),
        "service_panel": frame("service_panel", {"region_iso": "RU-CHE", "service_id": "У-1", "month": "2024-06"}),
        "quality": frame("quality", {"region_iso": "RU-CHE", "source_id": "n", "indicator": "service_panel"}),
    }  # fmt: skip


def ways(made, *question, pages=None):
    return [
        [(step.name, step.place, step.content) for step in way] for way in trace(*question, made, CATALOG, None, pages)
    ]


def test_only_the_number_asked_for_is_shown(made):
    """Neither score and rank of the total above a criterion, nor those of anything else above a level."""
    (access,) = ways(made, "RU-CHE", "access", "2024-Q1")
    assert [name for name, _, _ in access] == ["table observations", "source cell", "source file", "published by"]
    (level,) = ways(made, "RU-CHE", "level", "2024-Q1")
    assert level[0] == ("table groups", "c_mfc · RU-CHE · 2024-Q1 · level", "group high")
    assert [name for name, _, _ in level[1:]] == ["table observations", "source cell", "source file", "published by"]
    (total,) = ways(made, "RU-CHE", "total", "2024-Q1")
    assert [name for name, _, _ in total[:3]] == ["table ranks", "table scores", "table observations"]
    assert "rank 20" in total[0][2] and "score 91.7" in total[1][2]
    assert "data/raw/files/m.xls, sheet 'S', row 5, column 8" in total[3][1]


def test_a_calculated_index_leads_to_all_cells_of_its_questionnaires(made):
    (way,) = ways(made, "RU-CHE", "index", "2024-H1")
    assert [name for name, _, _ in way] == [
        "table ranks", "table scores", "table scores", "table observations", "source cells", "source file", "published by",
    ]  # fmt: skip
    assert "equal_body; by other ways: geometric 49" in way[1][2]
    assert "2 bodies" in way[2][1] and "Минздрав 50; Минобр 50" in way[2][2]
    assert way[3][2] == "4 questions with points and 4 maxima, 2 bodies"
    assert way[4][2] == "8 cells: sheet 'A', rows 1–2, columns 5–6; sheet 'B', rows 1–2, columns 5–6"
    assert "sha256 abc" in way[5][2]


def test_a_process_and_a_body_lead_to_their_own_cells_only(made):
    (process,) = ways(made, "RU-CHE", "process 2", "2024-H1")
    assert process[-3][2].startswith("4 cells") and "rows 2–2" in process[-3][2]
    (body,) = ways(made, "Минобр", "total", "2024-H1")
    assert body[-3][2] == "4 cells: sheet 'A', rows 1–2, columns 5–6"
    (country,) = ways(made, "RU", "index", "2024-H1")
    assert country[-1][2] == "the mean of the regions; trace each of them"


def test_an_effect_leads_to_the_monthly_file(made):
    (way,) = ways(made, "RU-CHE", "days", "", pages={"RU-CHE.ru.html": "<html>"})
    assert way[0] == ("report", "RU-CHE.ru.html#effect", "shown in: effect")
    assert way[1][:2] == ("table region_effects", "days · RU-CHE")
    assert "1 service-months of 1 services, 2024-06 to 2024-06" in way[2][2]
    assert way[3][:2] == ("source file", "files/n.csv") and "def" in way[3][2]


PAGE = '<section id="headline"><p>Индекс — 91,7&#160;балла</p></section><section id="trend"><td>1\u00a0191,7</td></section>'


@pytest.mark.parametrize(
    ("indicator", "place", "content"),
    [
        ("total", "p.html#headline", "shown in: headline"),
        ("access", "p.html", "the page about RU-CHE does not print this number itself"),
        ("level", "p.html", "the page about RU-CHE"),
    ],
)
def test_the_way_begins_at_the_block_that_prints_the_number(made, indicator, place, content):
    (way,) = ways(made, "RU-CHE", indicator, "2024-Q1", pages={"p.html": PAGE})
    assert way[0] == ("report", place, content)
