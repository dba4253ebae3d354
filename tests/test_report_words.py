"""Words of single blocks: places of districts, pace of targets, sentences on outcomes, moves between groups, coverage."""

import dataclasses
import re

import pandas as pd
import pytest
import test_results
import world_tables

from helpers.presentation import blocks, formats, points, publications
from helpers.presentation.results import Release
from helpers.presentation.results import blocks as results_blocks
from helpers.presentation.results import context as results_context
from helpers.presentation.results import facts as results_facts
from helpers.presentation.results import moves as results_moves
from helpers.presentation.results import national as results_national
from helpers.presentation.results import regional as results_regional
from helpers.presentation.results.estimates import Estimate
from helpers.presentation.results.parts import Check
from helpers.presentation.tables import facts as tables_facts
from helpers.presentation.tables import more as tables_more
from helpers.presentation.wording import effects as wording_effects
from helpers.tables import store

DEMO = Release(collection="demo")
real = test_results.real
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
            table = tables_facts.targets(regional(dict(demo, targets=targets), lang))
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
        assert [item.outcome for item in points.outcomes_in_words(result.effect)] == ["days", "documents", "visits"]
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
    assert "срок оптимизированных услуг в рабочих днях" in result.effect.regional_sentence
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


MARGINS = {"2023-Q1": (47, 22, 5), "2023-Q4": (63, 22, 0)}


def with_totals(demo, margins=None):
    """Printed totals of groups without any region's own group, and the pair that admits no table."""
    rows = [
        {
            "rating": "published", "entity_id": "RU", "period": period, "indicator": f"mfc_regions_{level}",
            "source_id": "SEED2", "entity_type": "country", "value": float(count), "value_low": float(count),
            "value_high": float(count), "unit": "regions", "cmp": "=", "observation_id": f"{period}{level}",
        }
        for period, counts in (margins or MARGINS).items()
        for level, count in zip(("high", "medium", "low"), counts, strict=True)
    ]  # fmt: skip
    moves = [
        {
            "rating": "c_mfc", "period_from": "2023-Q1", "period_to": "2023-Q4", "group_from": a, "group_to": b,
            "count": float("nan"), "share": float("nan"), "low": float("nan"), "high": float("nan"),
            "interval_kind": "none",
        }
        for a in ("high", "medium", "low")
        for b in ("high", "medium", "low")
    ]  # fmt: skip
    observations = world_tables.frame("observations", rows)
    return dict(demo, observations=observations, transitions=world_tables.frame("transitions", moves))


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_printed_totals_admit_no_table_and_bound_the_rise_under_an_assumption(demo, lang):
    block = results_national.national(with_totals(demo), PERIOD, lang, DEMO).groups
    text = " ".join(block.sentences).replace("\xa0", " ")
    assert "47/22/5" in text and "63/22/0" in text and "74" in text and "47/33/5" in text
    words = {
        "ru": ("ни одна таблица", "Предположение", "не менее 11 регионов"),
        "en": ("no table", "assumption", "at least 11 regions"),
    }
    assert all(word in text for word in words[lang])
    assert (
        block.moves == ()
        and tables_more.moves(results_national.national(with_totals(demo), PERIOD, lang, DEMO)) is None
    )
    assert not [s for s in regional(with_totals(demo), lang).groups.sentences if "47/33/5" in s]


def test_bound_of_the_rise_agrees_with_all_tables_of_moves():
    """The least number of risers over every table of moves with these totals, by enumeration on a smaller case."""
    before, after = (5, 4, 1), (7, 3, 0)
    found = min(
        mh for mh in range(before[1] + 1) for hh in range(before[0] + 1) for lh in range(before[2] + 1)
        if hh + mh + lh == after[0]
    )  # fmt: skip
    assert found == max(0, before[1] + after[0] - sum(after)) == 1


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_moves_have_shares_with_intervals_and_few_regions_none(demo, lang):
    rows = []
    for start, counts in (("high", (50, 5, 0)), ("medium", (7, 14, 1)), ("low", (0, 2, 1))):
        for end, n in zip(("high", "medium", "low"), counts, strict=True):
            share = n / sum(counts)
            rows.append({
                "rating": "c_mfc", "period_from": "2025-Q1", "period_to": "2025-Q2", "group_from": start,
                "group_to": end, "count": float(n), "share": share, "low": share / 2, "high": min(1.0, share * 1.5),
                "interval_kind": "sampling_95",
            })  # fmt: skip
    result = results_national.national(
        dict(demo, transitions=world_tables.frame("transitions", rows)), PERIOD, lang, DEMO
    )
    assert len(result.groups.moves) == 9 and [m.n for m in result.groups.moves] == [55] * 3 + [22] * 3 + [3] * 3
    assert all((m.share is None) == (m.n == 3) for m in result.groups.moves)
    text = " ".join(result.groups.sentences).replace("\xa0", " ")
    assert ("7 из 22 регионов" if lang == "ru" else "7 of 22 regions") in text
    assert ("31,8 %" if lang == "ru" else "31.8%") in text and ("15,9–47,7" if lang == "ru" else "15.9–47.7") in text
    table = tables_more.moves(result)
    assert len(table.rows) == 9 and table.cells[3][3] == ("31,8" if lang == "ru" else "31.8")
    assert blocks.escape(table.caption, lang) in blocks.groups(result)


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_last_issue_late_values_and_coverage_are_said(demo, lang):
    text = " ".join(regional(demo, lang).quality.sentences)
    assert ("первый выпуск" if lang == "ru" else "first issue") in text
    assert ("92,9" if lang == "ru" else "92.9") in text  # 26 of 28 values
    assert ("опоздания не считаются" if lang == "ru" else "delays are not counted") in text


def test_latest_values_are_not_those_of_targets_ahead(demo):
    ctx = results_context.build(demo, PERIOD, "ru", DEMO)
    rows = pd.DataFrame({"period": ["2024", "2030", "2025-H1"]})
    assert "— I\xa0полугодие 2025" in results_moves.latest_sentences(ctx, rows)[0]


def test_cells_name_the_publication_and_the_key_stays_in_the_file():
    sources = store.reference("publications")
    assert set(publications.NAMES) == set(sources["source_id"])
    assert not [text for _, text in publications.NAMES.values() if not text.isascii()]
    assert publications.name("demo_answers", "ru") == "demo_answers"


def test_only_the_russian_words_of_an_english_sentence_are_marked_as_russian():
    text = blocks.escape("34 graded “Б” and 5 graded “Б+”; Минстрой Челябинской обл. first", "en")
    assert re.findall('<span lang="ru">(.*?)</span>', text) == ["Б", "Б", "Минстрой Челябинской обл"]


def test_printed_change_is_a_short_figure_with_its_earlier_value_in_the_note(real):
    for lang, value, note in (("ru", "около 2 дней", "было около 4; "), ("en", "about 2 days", "before: about 4; ")):
        result = results_national.national(real, "2024-H1", lang, Release(collection="real"))
        card = next(card for card in result.kpis if card.key == "days")
        assert card.value.replace("\xa0", " ") == value and card.note.replace("\xa0", " ").startswith(note)
        cells = [cells[-1] for table in tables_facts.published(result) for cells in table.cells]
        assert cells and not [cell for cell in cells if "SEED" in cell]


def test_a_contradiction_between_two_sets_is_laid_at_the_one_that_does_not_add_up():
    columns = ["claim_id", "relation", "fact_ids", "verdict"]
    rows = [
        ("c1", "sum_equals", "F1 F2 F9", "consistent"),
        ("c2", "sum_equals", "F5 F6 F9", "inconsistent"),
        ("c3", "conserved", "F5 F6 F1 F2", "inconsistent"),
        ("c4", "conserved", "F1 F2", "inconsistent"),
    ]
    found = results_facts.marks(pd.DataFrame(rows[:3], columns=columns), "ru")
    assert set(found) == {"F5", "F6", "F9"}
    assert set(results_facts.marks(pd.DataFrame(rows, columns=columns), "en")) == {"F5", "F6", "F9", "F1", "F2"}


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_the_change_of_a_region_stands_beside_that_of_the_country(demo, lang):
    trend = regional(demo, lang).trend
    words = (
        "За тот же год: Россия +0,4\u00a0п.\u00a0п. (от" if lang == "ru" else "In the same year: Russia +0.4\u00a0pp ("
    )
    assert trend.sentence.startswith(words)
    assert blocks.escape(trend.sentence, lang) in blocks.trend(regional(demo, lang))


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_an_outcome_whose_checks_failed_is_named(many, lang):
    result = regional(many, lang)
    doubtful = dataclasses.replace(result.effect.results[1], design_passed=False)
    checks = (Check("placebo", "placebo", "nothing", True),)
    block = dataclasses.replace(result.effect, results=(result.effect.results[0], doubtful), checks=checks)
    html = blocks.effect(dataclasses.replace(result, effect=block))
    assert ("Не все проверки пройдены" in html or "Not all checks passed" in html) and doubtful.label in html


def test_the_file_behind_an_estimate_is_a_source_too(demo):
    own = demo["quality"]
    monthly = pd.concat([own, own.assign(source_id="monthly"), own.assign(source_id="refused", n_accepted=0)])
    found = {source.source_id for source in regional(dict(demo, quality=monthly), "ru").sources}
    assert {"demo_answers", "monthly"} <= found and "refused" not in found
