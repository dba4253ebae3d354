"""Life situations in the reports: rows, bounds, softening, both languages, nothing where nothing is known."""

import pytest
from world_tables import HOSTILE, frame, tables

from helpers.presentation import blocks, results
from helpers.presentation.results import Release
from helpers.presentation.results.estimates import Estimate
from helpers.presentation.results.national import national
from helpers.presentation.results.regional import regional
from helpers.presentation.tables import out as tables_out
from helpers.presentation.wording import lint as wording_lint
from helpers.presentation.wording import situations as wording_situations

RELEASE = Release(collection="demo")
NBSP = "\u00a0"


def total(region_iso="RU-CHE", situation_id="ЖС-01", **more):
    known = {
        "region_iso": region_iso, "situation_id": situation_id, "situation": "Рождение ребёнка", "n_services": 4,
        "launched": "2025-01", "documents_kind": "codes", "asked_before": 15.0, "distinct_before": 9.0,
        "distinct_after": 7.0, "duplicates": 6.0, "abolished": 2.0, "documents_low": 9.0, "documents_high": 9.0,
        "day_unit": "working_day", "days_low_before": 20.5, "days_high_before": 38.5, "days_low_after": 11.4,
        "days_high_after": 21.7, "visits_before": 4.3, "visits_after": 2.3, "n_before": 17, "n_after": 6,
        "in_estimate": True,
    }  # fmt: skip
    return known | more


def estimate(outcome="situation_days_high", value=-0.3, half=0.06, unit="log_point"):
    known = {"outcome": outcome, "estimator": "imputation", "estimand": "att", "group": "all", "unit": unit}
    bounds = {"estimate": value, "ci_low": value - half, "ci_high": value + half, "std_error": half / 2}
    return known | bounds | {"n_services": 83, "n_clusters": 67, "n_obs": 915}


def world(*totals, effects=(), passed=True):
    found = tables()
    found["situation_totals"] = frame("situation_totals", list(totals))
    rows = [*found["effects"].to_dict("records"), *effects]
    found["effects"] = frame("effects", rows)
    checks = [
        {"outcome": row["outcome"], "check": "pretrend", "reading": "equal course", "passed": passed} for row in effects
    ]
    found["diagnostics"] = frame("diagnostics", [*found["diagnostics"].to_dict("records"), *checks])
    return found


def of_region(found, lang="ru", region="RU-CHE"):
    return regional(found, region, "2025-H1", lang, RELEASE)


def test_a_region_shows_its_situations_before_and_after():
    nothing = dict.fromkeys(("days_low_after", "days_high_after", "visits_after"), float("nan"))
    waiting = total(situation_id="ЖС-02", situation="Утрата работы", launched="", n_after=0, **nothing)
    result = of_region(world(total(), waiting, total("RU-KGN"), effects=[estimate()]))
    block = result.situations
    assert [row.name for row in block.rows] == ["Рождение ребёнка", "Утрата работы"]
    assert block.caption == f"В регионе 2{NBSP}жизненные ситуации, одним комплексом предоставляется: 1"
    table = next(table for table in tables_out.tables(result) if table.name == "situations")
    first, second = table.cells
    assert first == (
        "Рождение ребёнка", "4", f"январь 2025{NBSP}г.", f"15{NBSP}→ 7", f"4,3{NBSP}→ 2,3", "20,5–38,5", "11,4–21,7",
    )  # fmt: skip
    assert second[2] == "ещё нет" and second[4] == f"4,3{NBSP}→ н/д" and second[6] == "н/д"
    assert results.from_json(results.to_json(result)) == result


def test_the_sentence_follows_the_checks():
    sound = of_region(world(total(), effects=[estimate()])).situations
    assert sound.effects[0].sentence_id == "E1"
    assert "по оценке, на 25,9" in sound.effects[0].sentence and "чем был бы без запуска" in sound.effects[0].sentence
    assert "83" in sound.effects[0].sentence and f"67{NBSP}регионов" in sound.effects[0].sentence
    failed = of_region(world(total(), effects=[estimate()], passed=False)).situations
    assert failed.effects[0].sentence_id == "E2" and "без запуска" not in failed.effects[0].sentence
    assert "не доказывает" in " ".join(failed.notes)
    unclear = of_region(world(total(), effects=[estimate(half=0.5)])).situations
    assert unclear.effects[0].sentence_id == "E3" and "не позволяют утверждать" in unclear.effects[0].sentence
    assert not any("не доказывает" in note for note in unclear.notes)
    assert of_region(world(total())).situations.effects == ()


def test_a_launch_is_no_outcome_of_block_seven():
    result = of_region(world(total(), effects=[estimate()]))
    assert not any(item.outcome.startswith("situation_") for item in result.effect.results)


def test_nothing_is_said_where_nothing_is_registered():
    result = of_region(tables())
    assert result.situations is None and blocks.block_html(result, "situations") == ""
    other = of_region(world(total("RU-KGN")))
    assert other.situations is None
    refused = total(documents_kind="", why="a row of its composition was refused: no totals", in_estimate=False)
    assert of_region(world(refused)).situations is None


def test_the_country_counts_regions_and_names_what_has_no_comparison():
    together = {"situation": "Покупка жилья", "in_estimate": False, "why": "launched everywhere in the same month: …"}
    found = world(
        total(), total("RU-KGN", launched=""), total("RU-SVE", "ЖС-09", **together),
        effects=[estimate(), estimate("situation_visits", -40.0, 3.0, "percent_change")],
    )  # fmt: skip
    result = national(found, "2025-H1", "ru", RELEASE)
    rows = {row.situation_id: row for row in result.situations.rows}
    assert (rows["ЖС-01"].n_regions, rows["ЖС-01"].n_launched, rows["ЖС-01"].launched) == (2, 1, "")
    assert result.situations.caption == f"Всего 2{NBSP}жизненные ситуации; запусков в регионах: 2 из 3"
    assert len(result.situations.effects) == 2 and "на 40,0" in result.situations.effects[1].sentence
    assert "Покупка жилья" in " ".join(result.situations.notes)
    table = next(table for table in tables_out.tables(result) if table.name == "situations")
    assert table.cells[0][2] == "1 из 2"


def test_counts_alone_are_bounds():
    unknown = {"distinct_before": float("nan"), "distinct_after": float("nan"), "documents_kind": "counts"}
    row = of_region(world(total(documents_low=5.0, documents_high=15.0, **unknown))).situations.rows[0]
    assert (row.distinct_before.value, row.distinct_before.low, row.distinct_before.high) == (None, 5.0, 15.0)
    assert row.distinct_after is None


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_words_are_whole_and_claim_no_cause(lang):
    hostile = total(situation_id="ЖС-03", situation=HOSTILE)
    result = of_region(world(total(), hostile, effects=[estimate()]), lang)
    block = result.situations
    for text in (block.caption, *(item.sentence for item in block.effects), *block.notes):
        assert not wording_lint.forbidden(text, lang) and not wording_lint.broken(text), text
    page = blocks.block_html(result, "situations")
    assert "<script>" not in page and "&lt;script&gt;" in page and page.count("<tr>") == 3
    few = Estimate(-3.0, -5.0, -1.0, "percent_change", "sampling_95")
    for n in (1, 2, 21):
        sentence = wording_situations.effect("visits", few, n, n, True, lang)[1]
        assert not wording_lint.broken(sentence), sentence
