"""Ratings: questionnaire index by hand, missing against not applicable, tables of both collections."""

import numpy as np
import pandas as pd
import pytest

from helpers import paths
from helpers.analysis import ratings
from helpers.analysis.composite.uncertainty import Choice
from helpers.analysis.ratings import choices as ratings_choices
from helpers.analysis.ratings import levels as ratings_levels
from helpers.analysis.ratings import questionnaire as ratings_questionnaire
from helpers.analysis.ratings import scores as ratings_scores
from helpers.analysis.ratings import uncertainty as ratings_uncertainty
from helpers.tables import store

CONTRACT = ("scores", "ranks", "groups", "transitions", "targets")
DEFAULTS = {
    "entity_type": "region", "entity_name": "", "value_low": np.nan, "value_high": np.nan, "category": "",
    "unit": "percent", "cmp": "=", "value_before": np.nan, "value_after": np.nan, "observation_id": "",
    "file": "f.csv", "sheet": "", "row": 0, "col": 0, "raw_text": "", "is_synthetic": True, "source_id": "s",
    "value": np.nan, "region_iso": "",
}  # fmt: skip


def observations(rows: list[dict]) -> pd.DataFrame:
    return store.conform("observations", pd.DataFrame([{**DEFAULTS, **row} for row in rows]))


def question(
    region: str, body: str, period: str, number: str, points: float | None, maximum: float, row: int
) -> list[dict]:
    process = number.split(".")[0]
    common = {
        "rating": "b_region_process", "entity_id": body, "region_iso": region, "period": period, "unit": "points",
        "entity_type": "regional_agency", "sheet": body, "row": row,
    }  # fmt: skip
    label = f"process {process} question {number}"
    cells = [{**common, "indicator": f"{label}: max_points", "value": maximum, "col": 6}]
    if points is not None:
        cells.append({**common, "indicator": f"{label}: points", "value": points, "col": 5})
    return cells


def refused(body: str, row: int, reason: str) -> dict:
    return {"source_id": "s", "file": "f.csv", "sheet": body, "row": row, "col": 5, "reason": reason}


@pytest.fixture(scope="module")
def small() -> tuple[pd.DataFrame, pd.DataFrame]:
    """One region, three bodies; body X by hand, Y has a question that does not apply, Z too many gaps."""
    rows = [
        *question("RU-CHE", "X", "2024-H1", "1.1", 5, 10, 1), *question("RU-CHE", "X", "2024-H1", "1.2", 10, 10, 2),
        *question("RU-CHE", "X", "2024-H1", "1.3", 0, 5, 3), *question("RU-CHE", "X", "2024-H1", "2.1", 8, 10, 4),
        *question("RU-CHE", "Y", "2024-H1", "1.1", 4, 10, 1), *question("RU-CHE", "Y", "2024-H1", "1.2", None, 10, 2),
        *question("RU-CHE", "Y", "2024-H1", "1.3", 5, 5, 3), *question("RU-CHE", "Y", "2024-H1", "2.1", 6, 10, 4),
        *question("RU-CHE", "Z", "2024-H1", "1.1", 10, 10, 1), *question("RU-CHE", "Z", "2024-H1", "1.2", None, 10, 2),
        *question("RU-CHE", "Z", "2024-H1", "1.3", None, 5, 3), *question("RU-CHE", "Z", "2024-H1", "2.1", 10, 10, 4),
    ]  # fmt: skip
    rejects = pd.DataFrame(
        [refused("Y", 2, "not_applicable"), refused("Z", 2, "missing_value"), refused("Z", 3, "missing_value")]
    )
    return observations(rows), rejects


def test_process_scores_by_hand(small) -> None:
    table = ratings_questionnaire.process_scores(ratings_questionnaire.answers(*small))
    scores = table.set_index(["body", "process"])
    assert scores.loc[("X", "1"), "score"] == pytest.approx(100 * 15 / 25)
    assert scores.loc[("X", "2"), "score"] == pytest.approx(80)
    # what does not apply leaves the denominator; what is missing does not
    assert scores.loc[("Y", "1"), "score"] == pytest.approx(100 * 9 / 15)
    assert scores.loc[("Y", "1"), "availability"] == 1
    assert scores.loc[("Y", "1"), "n_not_applicable"] == 1
    assert scores.loc[("Z", "1"), "availability"] == pytest.approx(1 / 3)
    assert np.isnan(scores.loc[("Z", "1"), "score"])


def test_without_rejects_everything_absent_is_missing(small) -> None:
    table = ratings_questionnaire.answers(small[0])
    assert set(table["status"]) == {"answered", "missing"}
    unrelated = small[1].assign(sheet="other")
    assert "not_applicable" not in set(ratings_questionnaire.answers(small[0], unrelated)["status"])


def test_bodies_and_region_by_hand(small) -> None:
    steps = ratings_scores.questionnaires(*small)
    bodies = steps.bodies.set_index("body")
    assert bodies.loc["X", "score"] == pytest.approx((60 + 80) / 2)
    assert bodies.loc["Y", "score"] == pytest.approx((60 + 60) / 2)
    assert np.isnan(bodies.loc["Z", "score"])  # one of two processes is less than two thirds
    regions = steps.regions.set_index("method")
    assert regions.loc["equal_body", "score"] == pytest.approx(65)
    assert regions.loc["equal_body", "n_items"] == 2
    sizes = {"X": 35, "Y": 25}
    expected = (70 * sizes["X"] + 60 * sizes["Y"]) / 60
    assert regions.loc["size_weighted", "score"] == pytest.approx(expected)
    x = np.sqrt((1 + 0.99 * 60) * (1 + 0.99 * 80))
    assert regions.loc["geometric", "score"] == pytest.approx(np.sqrt(x * (1 + 0.99 * 60)))


def test_weights_are_keyed_by_level_and_code(small) -> None:
    weights = pd.Series({("process", "1"): 3.0, ("body", "X"): 2.0, ("body", "1"): 99.0})
    steps = ratings_scores.questionnaires(*small, weights)
    assert steps.bodies.set_index("body").loc["X", "score"] == pytest.approx((3 * 60 + 80) / 4)
    region = steps.regions.set_index("method").loc["equal_body", "score"]
    assert region == pytest.approx((2 * 65 + 60) / 3)


def test_simpson_two_aggregates_may_disagree() -> None:
    rows = []
    for region, bodies in {
        "RU-CHE": [("big", 30, 40), ("tiny", 5, 5)],
        "RU-YAN": [("big", 5, 5), ("tiny", 24, 40)],
    }.items():
        for place, (body, points, maximum) in enumerate(bodies):
            rows += question(region, f"{body} {region}", "2024-H1", "1.1", points, maximum, place)
    steps = ratings_scores.questionnaires(observations(rows))
    wide = steps.regions.pivot_table(index="region_iso", columns="method", values="score")
    gap = wide.loc["RU-CHE"] - wide.loc["RU-YAN"]
    assert gap["equal_body"] > 0
    assert gap["size_weighted"] > gap["equal_body"]


def test_broken_questionnaires_are_refused(small) -> None:
    twice = pd.concat([small[0], small[0].head(1)])
    with pytest.raises(ValueError, match=r"X, 2024-H1: question 1\.1 stands twice"):
        ratings_questionnaire.answers(twice)
    too_many = observations(question("RU-CHE", "X", "2024-H1", "1.1", 11, 10, 1))
    with pytest.raises(ValueError, match="exceed the maximum"):
        ratings_questionnaire.answers(too_many)


REGIONS = [f"RU-{code}" for code in ["AD", "BA", "BU", "AL", "DA", "IN", "KB", "KL", "KC", "KR", "KO", "ME"]]


def world(seed: int = 0, noise: float = 0.15, bodies: int = 3) -> pd.DataFrame:
    """Twelve regions, three bodies, two processes of four questions, two half-years, printed index beside."""
    rng = np.random.default_rng(seed)
    rows, skill = [], rng.normal(0.55, 0.12, len(REGIONS))
    hard = rng.normal(0, 0.1, 8)
    for period, gain in (("2024-H1", 0.0), ("2025-H1", 0.1)):
        for place, region in enumerate(REGIONS):
            total = []
            for body in range(bodies):
                for item in range(8):
                    share = np.clip(skill[place] + gain + hard[item] + rng.normal(0, noise), 0, 1)
                    number = f"{item // 4 + 1}.{item % 4 + 1}"
                    points = float(np.round(10 * share))
                    total.append(points / 10)
                    rows += question(region, f"body {body} {region}", period, number, points, 10, item)
            value = round(100 * float(np.mean(total)), 2)
            rows.append(
                {
                    "rating": "b_region_index", "entity_id": region, "region_iso": region, "period": period,
                    "indicator": "index", "value": value, "value_low": value - 0.005, "value_high": value + 0.005,
                    "entity_name": region,
                }
            )  # fmt: skip
    return observations(rows)


def reference() -> dict[str, pd.DataFrame]:
    found = {name: store.reference(name) for name in ratings.REFERENCES}
    return {**found, "regions": found["regions"][found["regions"]["iso_3166_2"].isin(REGIONS)]}


@pytest.fixture(scope="module")
def demo() -> dict[str, pd.DataFrame]:
    return ratings.tables(world(), reference(), draws=40, rank_draws=500, seed=1)


def test_demo_tables_keep_the_contract(demo) -> None:
    for name in CONTRACT:
        store.validate(name, demo[name])
        assert demo[name]["is_synthetic"].all()


def test_no_rank_is_bare(demo) -> None:
    table = demo["ranks"]
    assert len(table) == 24
    assert table["interval_kind"].eq("method").all()
    assert ((table["rank_low"] <= table["rank"]) & (table["rank"] <= table["rank_high"])).all()
    assert ((table["rank_ci_low"] <= table["rank"]) & (table["rank"] <= table["rank_ci_high"])).all()
    assert table["units_ranked"].eq(12).all()
    assert table["tier"].ne("").all()
    assert (table["rank_ci_high"] - table["rank_ci_low"]).mean() > 1
    assert table["indistinguishable_count"].eq(table["rank_ci_high"] - table["rank_ci_low"]).all()


def test_the_country_is_the_mean_of_every_region_also_without_a_district() -> None:
    known = reference()
    regions = known["regions"].assign(
        federal_district=known["regions"]["federal_district"].where(known["regions"]["iso_3166_2"] != REGIONS[0], "")
    )
    scores = ratings.tables(world(), known | {"regions": regions}, draws=2, rank_draws=50, seed=1)["scores"]
    total = scores[(scores["group"] == "total") & (scores["period"] == "2025-H1")]
    for method in ("published", "equal_body"):
        part = total[total["method"] == method].set_index("level")
        country = part.loc["country"]
        assert country["n_items"] == len(REGIONS)
        assert country["score"] == pytest.approx(part.loc["region", "score"].mean())


def test_questionnaire_index_equals_the_printed_one(demo) -> None:
    wide = (
        demo["scores"]
        .query("level == 'region' and group == 'total'")
        .pivot_table(index=["entity_id", "period"], columns="method", values="score")
    )
    assert wide["published"].to_numpy() == pytest.approx(wide["equal_body"].to_numpy(), abs=0.0051)


def test_changes_compare_equal_half_years(demo) -> None:
    scores = demo["scores"].query("level == 'region' and group == 'total' and period == '2025-H1'")
    assert scores["is_comparable"].all()
    published = scores[scores["method"] == "published"]
    assert published["score_change"].mean() == pytest.approx(9, abs=3)
    computed = scores[scores["method"] == "equal_body"]
    width = computed["change_high"] - computed["change_low"]
    assert width.min() > (published["change_high"] - published["change_low"]).max()
    first = demo["scores"].query("period == '2024-H1'")
    assert first["score_change"].isna().all()


def test_effective_weights_sum_to_one(demo) -> None:
    scores = demo["scores"]
    by_body = scores.query("level == 'body'").groupby(["region_iso", "period"])["effective_weight"].sum()
    by_process = (
        scores.query("rating == 'b_region_process' and level == 'region'")
        .groupby(["region_iso", "period"])["effective_weight"]
        .sum()
    )
    assert by_body.to_numpy() == pytest.approx(1)
    assert by_process.to_numpy() == pytest.approx(1)
    assert demo["weights"].groupby("period")["effective_weight"].sum().to_numpy() == pytest.approx(1)
    assert demo["weights"]["correlation"].between(0.3, 1).all()


def test_method_log_holds_every_draw(demo) -> None:
    log = demo["method_log"]
    assert log.groupby("period").size().to_dict() == {"2024-H1": 40, "2025-H1": 40}
    assert {"normalisation", "aggregation", "left_out", "weight_1_1"} <= set(log)


def test_another_nominal_way_and_its_names() -> None:
    arguments = {"draws": 5, "rank_draws": 100, "seed": 1}
    plain = ratings.tables(world(), reference(), **arguments)["method_ranks"]
    other = ratings.tables(world(), reference(), **arguments, normalisation="rank", weights="size_weighted")[
        "method_ranks"
    ]
    assert len(plain) == len(other) == 24
    assert not plain["nominal"].equals(other["nominal"])
    for bad, message in (
        ({"normalisation": "log"}, "goalposts"), ({"aggregation": "median"}, "geometric"), ({"weights": "gdp"}, "equal_body"),
        ({"weights": "size_weighted", "aggregation": "geometric"}, "arithmetic mean only"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            ratings.tables(world(), reference(), **arguments, **bad)
    with pytest.raises(ValueError, match="median"):
        ratings_uncertainty.questionnaire_space(ratings_scores.questionnaires(world()).processes, aggregation="median")


CHOICES = store.reference("method_choices")


def test_the_choices_in_the_table_are_all_that_there_are_and_each_says_why() -> None:
    assert ratings_choices.read(CHOICES) == ratings_choices.MethodChoices()
    named = {(row["choice"], row["option"]) for row in CHOICES.to_dict("records")}
    assert named == {(choice, option) for choice, options in ratings_choices.SERVED.items() for option in options}
    assert (CHOICES[["why_ru", "why_en"]] != "").all().all()


def test_a_row_taken_out_is_not_tried_any_more() -> None:
    tried = CHOICES[~CHOICES["option"].isin(["z", "geometric", "winsorise", "one_body", "perturbed"])]
    log = ratings.tables(world(), reference() | {"method_choices": tried}, draws=60, rank_draws=50, seed=1)[
        "method_log"
    ]
    assert set(log["normalisation"]) == {"goalposts", "min_max", "rank"}
    assert set(log["aggregation"]) == {"arithmetic", "size_weighted"}
    assert not log["is_treated"].any() and set(log["left_out"]) == {""} and "weight_1_1" not in log
    alone = ratings_choices.read(CHOICES[CHOICES["option"].isin(["goalposts", "arithmetic"])])
    part = ratings_scores.questionnaires(world()).processes.query("period == '2025-H1'")
    assert ratings_uncertainty.method_sensitivity(part, base=8, seed=1, choices=alone).empty


@pytest.mark.parametrize(
    ("choice", "option", "parameter", "says"),
    [
        ("weighting", "equal_body", "", "no choice 'weighting'; there is: normalisation"),
        ("normalisation", "log", "", "normalisation has no option 'log'; there is: goalposts"),
        ("normalisation", "goalposts", "100;0", "goalposts needs low;high"),
        ("weights", "perturbed", "25 %", "perturbed needs a share between 0 and 1, not '25 %'"),
        ("treatment", "winsorise", "2.5", "winsorise needs a number of points"),
    ],
)
def test_a_choice_that_no_function_serves_is_refused(choice, option, parameter, says) -> None:
    row = pd.DataFrame([{"choice": choice, "option": option, "parameter": parameter}])
    with pytest.raises(ValueError, match=says):
        ratings_choices.read(row)


def test_parameters_of_choices_are_used() -> None:
    narrow = CHOICES.assign(parameter=CHOICES["parameter"].replace({"0.25": "0.05", "0;100": "-50;150", "5": "2"}))
    found = ratings_choices.read(narrow)
    assert (found.weight_spread, found.goalposts, found.winsorised) == (0.05, (-50.0, 150.0), 2)
    part = ratings_scores.questionnaires(world()).processes.query("period == '2025-H1'")
    space = ratings_uncertainty.questionnaire_space(part, choices=found)
    assert space.weight_spread == 0.05
    wide, plain = (
        ratings_uncertainty.questionnaire_model(part, None, one)(Choice())
        for one in (found, ratings_choices.MethodChoices())
    )
    assert np.allclose(wide, (plain + 50) / 2)


def test_sensitivity_of_the_questionnaire_index(demo) -> None:
    part = demo["process_scores"].query("period == '2025-H1'")
    table = ratings_uncertainty.method_sensitivity(part, base=8, seed=1)
    assert set(table["factor"]) == {"normalisation", "aggregation", "treatment", "left_out", "weights"}
    assert ratings_uncertainty.method_sensitivity(part.head(0)).empty


def test_same_seed_same_tables() -> None:
    first, second = (ratings.tables(world(), reference(), draws=10, rank_draws=200, seed=4) for _ in range(2))
    for name, table in first.items():
        pd.testing.assert_frame_equal(table, second[name])


def test_standard_errors_match_the_noise_of_questions() -> None:
    errors = []
    for seed in range(6):
        steps = ratings_scores.questionnaires(world(seed))
        regions = steps.regions.query("method == 'equal_body' and period == '2024-H1'").set_index("region_iso")
        errors.append(regions["std_error"].mean())
    expected = 100 * 0.15 / np.sqrt(24)  # 24 questions of equal weight
    assert np.mean(errors) == pytest.approx(expected, rel=0.1)


def test_one_missing_error_means_no_confidence_set() -> None:
    data = world()
    gone = (data["region_iso"] == "RU-AD") & (data["rating"] == "b_region_process")
    table = ratings.tables(data[~gone], reference(), draws=5, rank_draws=100)["ranks"]
    assert table["rank_ci_low"].isna().all()
    assert table["rank_low"].notna().all()


def test_model_of_choices() -> None:
    steps = ratings_scores.questionnaires(world())
    part = steps.processes.query("period == '2025-H1'")
    model = ratings_uncertainty.questionnaire_model(part)
    nominal = steps.regions.query("method == 'equal_body' and period == '2025-H1'").set_index("region_iso")["score"]
    pd.testing.assert_series_equal(model(Choice()), nominal, check_names=False, check_index_type=False)
    geometric = model(Choice(aggregation="geometric"))
    assert (geometric < 1 + 0.99 * nominal + 1e-9).all()
    assert not model(Choice(left_out="1")).equals(model(Choice(left_out="2")))
    with pytest.raises(ValueError, match="one period"):
        ratings_uncertainty.questionnaire_model(steps.processes)
    alone = ratings_scores.questionnaires(world(bodies=1)).processes.query("period == '2025-H1'")
    assert ratings_uncertainty.questionnaire_space(alone).left_out == ()
    with pytest.raises(ValueError, match="no body is left"):
        ratings_uncertainty.questionnaire_model(alone)(Choice(left_out="1"))


def test_collections_never_meet() -> None:
    mixed = pd.concat([world().head(3), world().head(3).assign(is_synthetic=False)])
    with pytest.raises(ValueError, match="never meet"):
        ratings.tables(mixed, reference())
    with pytest.raises(ValueError, match="mfc_levels"):
        ratings.tables(world().head(3), {k: v for k, v in reference().items() if k != "mfc_levels"})


def test_second_source_is_dropped_and_listed() -> None:
    rows = [
        {"rating": "b_region_index", "entity_id": "RU-AD", "region_iso": "RU-AD", "period": "2024", "indicator": "index",
         "value": v, "value_low": v - h, "value_high": v + h, "source_id": s}
        for v, h, s in ((47.0, 0.5, "a"), (47.3, 0.05, "b"))
    ]  # fmt: skip
    scores, dropped = ratings_scores.published_scores(observations(rows), pd.Series(dtype=str))
    assert scores["score"].tolist() == [47.3]
    assert dropped["source_id"].tolist() == ["a"]
    assert dropped["reason"].ne("").all()


def test_names_come_from_the_register_not_from_a_file() -> None:
    rows = [
        {"rating": "b_region_index", "entity_id": "RU-AD", "region_iso": "RU-AD", "period": "2024", "indicator": "index",
         "value": 47.0, "entity_name": "Рecпубликa Адыгeя"},
        {"rating": "c_mfc", "entity_id": "RU-AD", "region_iso": "RU-AD", "period": "2024-Q1", "indicator": "level",
         "category": "high", "entity_name": "Адыгея, респ."},
        {"rating": "b_region_index", "entity_id": "RU-AD", "region_iso": "RU-AD", "period": "2024", "value": 3.0,
         "indicator": "rank", "entity_name": "Адыгея"},
        {"rating": "a_fed_index", "entity_id": "ФНС России", "period": "2024", "indicator": "index", "value": 50.0,
         "entity_type": "federal_agency", "entity_name": "Федеральная налоговая  служба"},
    ]  # fmt: skip
    found = ratings.tables(observations(rows), reference())
    names = {name for key in ("scores", "ranks", "groups") for name in found[key]["entity_name"]}
    assert names == {"Республика Адыгея", "ФНС России"}


def test_curators_are_summed_for_the_country() -> None:
    rows = []
    for period, first, second in (("2024", 10, 30), ("2025-H1", 40, 60)):
        for region, total, with_curator in (("RU-AD", 100, first), ("RU-BA", 50, second / 2)):
            common = {"rating": "g_curators", "entity_id": region, "region_iso": region, "period": period}
            rows += [
                {**common, "indicator": "services_total", "value": total, "unit": "count"},
                {**common, "indicator": "services_with_curator", "value": with_curator, "unit": "count"},
                {**common, "indicator": "curator_share", "value": 100 * with_curator / total},
            ]
    table = (
        ratings.tables(observations(rows), reference())["targets"]
        .query("target_id == 'curators_2025'")
        .set_index("entity_id")
    )
    assert table.loc["RU", "current_value"] == pytest.approx(100 * 70 / 150)
    assert table.loc["RU-BA", "current_value"] == pytest.approx(60)
    assert table["verdict"].eq("cannot_tell").all()
    assert table.loc["RU", "required_pace"] == pytest.approx((100 - 100 * 70 / 150) / 0.5)


def test_a_rated_value_without_a_period_is_left_out_and_listed() -> None:
    rows = [
        {"rating": "b_region_index", "entity_id": "RU-AD", "region_iso": "RU-AD", "period": period, "indicator": name,
         "value": 47.0, "value_low": 46.5, "value_high": 47.5, "category": "базовый" if name == "stage" else ""}
        for period in ("2024", "", "before") for name in ("index", "stage")
    ]  # fmt: skip
    found = ratings.tables(observations(rows), reference())
    assert found["scores"]["period"].tolist() == ["2024"] and found["groups"]["period"].tolist() == ["2024"]
    assert found["dropped"]["period"].tolist() == ["", "", "before", "before"]
    assert set(found["dropped"]["reason"]) == {"its source says no period"}


def test_nothing_in_nothing_out() -> None:
    found = ratings.tables(store.empty("observations"), reference())
    assert all(found[name].empty for name in ("ranks", "groups", "transitions", "movers", "dropped"))
    assert found["targets"]["verdict"].eq("cannot_tell").all()


def test_sources_that_disagree_give_no_total() -> None:
    rows = [
        {"rating": "published", "entity_id": "m", "period": "2023-Q1", "indicator": "mfc_regions_high", "value": v, "source_id": s}
        for v, s in ((47, "a"), (48, "b"))
    ]  # fmt: skip
    assert ratings.published_totals(observations(rows)) == {}
    assert ratings.published_totals(observations(rows[:1])) == {"2023-Q1": {"high": 47.0}}


def test_published_participants() -> None:
    rows = [
        {"rating": "published", "entity_id": "m", "period": p, "indicator": "regions_rated", "value": v, "source_id": s}
        for p, v, s in (("2023", 85, "a"), ("2025-Q2", 89, "a"), ("2025-Q2", 88, "b"))
    ]  # fmt: skip
    assert ratings.participants(observations(rows)) == {"2023": 85.0}
    assert ratings.participants(store.empty("observations")) == {}


@pytest.fixture(scope="module")
def real() -> dict[str, pd.DataFrame]:
    path = paths.shared() / "data" / "published_facts.csv"
    if not path.exists():
        pytest.skip(f"the published figures are not beside the repository: {path}")
    from helpers.intake import published

    facts = published.read(path)
    found = published.observations(
        facts, store.reference("published_indicators"), store.reference("published_units"), path.name
    )
    full = {name: store.reference(name) for name in ratings.REFERENCES}
    return ratings.tables(store.conform("observations", found), full)


def test_real_tables_keep_the_contract(real) -> None:
    for name in CONTRACT:
        store.validate(name, real[name])
        assert not real[name]["is_synthetic"].any()


def test_published_precision_is_kept(real) -> None:
    scores = real["scores"].query("rating == 'b_region_index'").set_index(["entity_id", "period"])
    first, last = scores.loc[("RU-CHE", "2023")], scores.loc[("RU-CHE", "2024-H1")]
    assert (first["score_low"], first["score_high"]) == (46.5, 47.5)
    assert last["score_change"] == pytest.approx(17.54)
    assert (last["change_low"], last["change_high"]) == (pytest.approx(17.035), pytest.approx(18.045))
    assert not last["is_comparable"]  # a half-year against a year, and the index changed
    bodies = real["scores"].query("level == 'body' and rating == 'b_region_index'")
    assert len(bodies) == 6
    assert bodies["score"].isna().all()
    assert bodies["score_low"].eq(70).all()


def test_a_few_leaders_are_not_a_league(real) -> None:
    ranks = real["ranks"]
    assert set(ranks["indicator"]) == {"rank", "rank_in_district"}
    federal = ranks.query("rating == 'a_fed_index'").set_index("entity_name")["rank"]
    assert federal.to_dict() == {"Росреестр": 1, "ФНС России": 2, "Росаккредитация": 3, "Росфинмониторинг": 4}
    assert ranks.query("rating == 'a_fed_index'")["units_ranked"].eq(0).all()
    region = ranks.query("entity_id == 'RU-CHE'").set_index("indicator")
    assert region.loc["rank_in_district", ["rank", "units_ranked"]].tolist() == [2, 6]
    assert np.isnan(region.loc["rank", "rank"])
    assert region.loc["rank", "rank_high"] == 10
    assert ranks["rank_ci_low"].isna().all()


def test_real_groups_and_moves(real) -> None:
    moved = real["movers"]
    assert set(moved["entity_id"]) == {"RU-ORL", "RU-IN"}
    assert moved["is_jump"].all()
    table = real["transitions"]
    assert table.query("period_from == '2023-Q3'")["count"].tolist() == [2]
    printed = table.query("period_from == '2023-Q1'")
    assert printed["note"].eq("no table possible: 74 before, 85 after").all()
    assert printed["low"].isna().all()


def test_ties_of_printed_values_share_places() -> None:
    rows = []
    for body, place, value in (("A", 1, 72.0), ("B", 2, 72.0), ("C", 3, 60.0)):
        common = {"rating": "a_fed_index", "entity_id": body, "entity_type": "federal_agency", "period": "2023"}
        rows.append(
            {**common, "indicator": "index", "value": value, "value_low": value - 0.5, "value_high": value + 0.5}
        )
        rows.append(
            {**common, "indicator": "rank", "value": place, "value_low": place, "value_high": place, "unit": "count"}
        )
    table = ratings.tables(observations(rows), reference())["ranks"].set_index("entity_id")
    assert table.loc["A", ["rank_low", "rank_high"]].tolist() == [1, 2]
    assert table.loc["B", "rank_high"] >= 2
    assert table.loc["C", ["rank_low", "rank_high"]].tolist() == [3, 3]


def scored(*rows: tuple[float, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["score", "score_low", "score_high"])


def test_no_bound_is_made_up() -> None:
    for table, scale in (("mfc_levels", "c_mfc"), ("stages", "index")):
        with pytest.raises(ratings_levels.BoundsError, match="give assumed lower bounds"):
            ratings_levels.scale_bounds(store.reference(table), scale)
    with pytest.raises(ratings_levels.BoundsError, match="there are: c_mfc"):
        ratings_levels.scale_bounds(store.reference("mfc_levels"), "stars")
    with pytest.raises(ratings_levels.BoundsError, match="rise"):
        ratings_levels.scale_bounds(store.reference("mfc_levels"), "c_mfc", {"medium": 80, "high": 60})


def test_no_official_bound_without_a_source() -> None:
    for name in ("mfc_levels", "stages"):
        table = store.reference(name)
        official = table[table["is_official"] == "1"]
        assert official["source"].ne("").all()
        assert table.loc[table["is_official"] == "0", "lower_bound"].eq("").all()
    bounds = ratings_levels.scale_bounds(store.reference("mfc_levels"), "c_mfc", {"medium": 60, "high": 80})
    assert not bounds["is_official"].any()
    assert set(bounds["source"]) == {"assumed"}


def test_rounding_alone_can_change_a_level() -> None:
    bounds = ratings_levels.scale_bounds(store.reference("mfc_levels"), "c_mfc", {"medium": 60, "high": 80})
    table = ratings_levels.levels_of(scored((80, 79.5, 80.5), (90, 89.5, 90.5), (60, 60, 60), (59.5, 59, 60)), bounds)
    assert table["level"].tolist() == ["high", "high", "medium", "low"]
    assert table["is_certain"].tolist() == [False, True, True, True]
    assert table["level_low"].tolist()[0] == "medium"
    assert table["distance"].tolist() == [0, 10, 0, 0.5]
    assert table["is_conditional"].all()
    bare = ratings_levels.levels_of(scored((np.nan, 80, np.nan), (np.nan, 0, 80), (np.nan, np.nan, np.nan)), bounds)
    assert bare["level"].tolist() == ["high", "", ""]


def test_published_bounds_of_2017() -> None:
    bounds = ratings_levels.scale_bounds(store.reference("mfc_levels"), "c_mfc_2017")
    table = ratings_levels.levels_of(scored((np.nan, 80, 100), (np.nan, 0, 55), (70, 70, 70)), bounds)
    assert table["level"].tolist() == ["high", "bottom", "middle"]
    assert not table["is_conditional"].any()
