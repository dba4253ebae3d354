"""Words of single blocks: places of districts, pace of targets, sentences on outcomes, moves between groups, coverage."""

import dataclasses

import pandas as pd
import pytest
import world_tables

from helpers.presentation import (
    blocks,
    formats,
    results_blocks,
    results_context,
    results_national,
    results_regional,
    tables_more,
    wording_effects,
)
from helpers.presentation.results import Estimate, Release

DEMO = Release(collection="demo")
PERIOD = "2025-H1"


@pytest.fixture(scope="module")
def demo():
    return world_tables.tables()


def regional(tables, lang="ru", code="RU-CHE"):
    return results_regional.regional(tables, code, PERIOD, lang, DEMO)


@pytest.mark.parametrize(("indicator", "units"), [("rank_in_district", 6), ("rank", 0), ("index", 0)])
def test_place_in_a_district_or_among_nobody_is_no_place_in_the_country(demo, indicator, units):
    ranks = demo["ranks"].assign(indicator=indicator, units_ranked=units)
    ctx = results_context.build(dict(demo, ranks=ranks), PERIOD, "ru", DEMO)
    region = ctx.names["RU-CHE"]
    assert results_blocks.rank(ctx, region) is None and results_blocks.rank(ctx, None) is None
    result = regional(dict(demo, ranks=ranks))
    assert result.rank is None and result.absence("rank")
    both = pd.concat([demo["ranks"], ranks.assign(rank=1, entity_id="RU-CHE", region_iso="RU-CHE").head(1)])
    assert regional(dict(demo, ranks=both)).rank.rank == regional(demo).rank.rank


@pytest.mark.parametrize(
    ("why", "kind"),
    [
        ("2 points identify no curve; the interval is the slowest and fastest step", "method"),
        ("4 points identify no curve; the interval is the slowest and fastest step", "method"),
        ("5 points: 70.0 to 80.0 expected at the date if growth goes on", "sampling_95"),
        ("12 points: 70.0 to 80.0 expected at the date if growth goes on", "sampling_95"),
        ("", "method"),
    ],
)
def test_interval_of_a_pace_is_named_for_what_it_is(demo, why, kind):
    targets = demo["targets"].assign(why=why, verdict="cannot_tell")
    target = regional(dict(demo, targets=targets)).targets[0]
    assert target.observed.interval_kind == kind
    html = blocks.targets(regional(dict(demo, targets=targets)))
    assert ("самый быстрый шаг" in html) == (kind == "method")


def test_units_of_pace_have_words(demo):
    said = {
        "percentage_point_per_year": ("34,6 п. п. в год", "34.6 pp a year"),
        "count_per_year": ("35 в год", "35 a year"),
        "logit_per_year": ("34,60 по логит-шкале в год", "34.60 on the logit scale a year"),
    }
    for unit, words in said.items():
        value = 35 if unit == "count_per_year" else 34.6
        places = 0 if unit == "count_per_year" else None
        texts = tuple(formats.quantity(value, unit, lang, places).replace("\xa0", " ") for lang in ("ru", "en"))
        assert texts == words
        targets = demo["targets"].assign(pace_unit=unit)
        for lang in ("ru", "en"):
            table = tables_more.targets(regional(dict(demo, targets=targets), lang))
            shown = " ".join(table.cells[0])
            assert "_" not in shown and formats.unit_after(1, unit, lang, 1).strip() in shown
    assert [column.key for column in table.columns].count("observed_interval_kind") == 1


def test_targets_that_cannot_be_judged_share_a_sentence(demo):
    rows = [demo["targets"].assign(target_id=f"t{i}", verdict="cannot_tell") for i in range(3)]
    result = regional(dict(demo, targets=pd.concat(rows)))
    html = blocks.targets(result)
    assert len(result.targets) == 3 and html.count("не позволяют") == 1


OUTCOMES = ("days", "days_calendar_day", "documents", "visits", "in_term_share", "grade_at_least_Б+")


@pytest.fixture(scope="module")
def many(demo):
    """The world with six outcomes, the times in two units."""
    first = demo["effects"].query("not is_contrast").head(1)
    effects = pd.concat([first.assign(outcome=outcome) for outcome in OUTCOMES], ignore_index=True)
    return dict(demo, effects=effects, region_effects=demo["region_effects"].assign(outcome="days"))


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_three_outcomes_are_said_and_all_stand_in_the_table(many, lang):
    for result in (regional(many, lang), results_national.national(many, PERIOD, lang, DEMO)):
        assert [item.outcome for item in result.effect.results] == list(OUTCOMES)
        assert [item.outcome for item in blocks.said(result.effect)] == ["days", "documents", "visits"]
        html = blocks.effect(result)
        for item in result.effect.results:
            assert html.count(blocks.escape(item.sentence, lang)) == (item.outcome in ("days", "documents", "visits"))
        labels = {cells[0] for cells in blocks.TABLES["effect"](result).cells}
        assert len(labels) == len(OUTCOMES)


def test_own_sentence_follows_the_first_and_both_name_their_days(many):
    result = regional(many)
    html = blocks.effect(result)
    own = html.index(result.effect.regional_sentence)
    assert html.index(result.effect.results[0].sentence) < own < html.index(result.effect.results[2].sentence)
    assert "в рабочих днях" in result.effect.results[0].sentence
    assert "срок в рабочих днях" in result.effect.regional_sentence
    assert "в календарных днях" in result.effect.results[1].sentence
    texts = [item.sentence for item in result.effect.results]
    assert len(set(texts)) == len(texts)
    english = regional(many, "en").effect
    assert "less time in working days than" in english.results[0].sentence
    assert english.results[1].label == "Time in calendar days"


def test_days_without_a_second_unit_are_not_given_one(demo):
    assert "рабочих" not in regional(demo).effect.results[0].sentence
    wide = Estimate(-1.0, -3.0, 2.0, "percent_change", "sampling_95")
    assert "срок в календарных днях изменился" in wording_effects.effect("days_calendar_day", wide, 9, True, "ru")[1]
    narrow = dataclasses.replace(wide, high=-0.5, unit="day")
    assert "календарных" not in wording_effects.effect("days_calendar_day", narrow, 9, True, "ru")[1]
