"""Composite indicators: properties of each step, hand cases, uncertainty over choices."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.analysis import composite
from helpers.analysis.composite import checks as composite_checks
from helpers.analysis.composite import uncertainty as composite_uncertainty
from helpers.analysis.composite import whatif as composite_whatif
from helpers.analysis.composite.uncertainty import Choice, Space

TREE = pd.DataFrame(
    [
        (1, "a", "P", 1.0, 1), (1, "b", "P", 3.0, 1), (1, "c", "Q", 1.0, -1), (1, "d", "Q", 1.0, 1),
        (2, "P", "T", 2.0, 1), (2, "Q", "T", 1.0, 1), (3, "T", "", 1.0, 1),
    ],
    columns=list(composite.TREE_COLUMNS),
)  # fmt: skip
GOALPOSTS = TREE.assign(low=0.0, high=100.0)


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    skill = rng.normal(50, 12, 30)
    frame = pd.DataFrame({code: skill + rng.normal(0, 8, 30) for code in "abcd"}, index=[f"u{i}" for i in range(30)])
    return frame.assign(c=100 - frame["c"]).clip(1, 99)


def test_describe_by_hand() -> None:
    table = composite.describe(pd.DataFrame({"x": [1.0, 2, 3, 4, 10, np.nan]})).loc["x"]
    assert table[["n", "missing", "min", "max", "mean", "median"]].tolist() == [5, 1, 1, 10, 4, 3]
    assert table["std"] == pytest.approx(np.sqrt(12.5))
    assert table["skew"] == pytest.approx(1.6971, abs=1e-4)  # G1 of Joanes and Gill
    assert table["kurtosis"] == pytest.approx(3.152, abs=1e-3)


def test_treatment_touches_only_outliers() -> None:
    calm = pd.Series([1.0, 2, 3, 4, 5])
    assert composite.treat_outliers(calm).method == "none"
    one = pd.Series([*np.linspace(1, 2, 20), 50.0])
    treated = composite.treat_outliers(one)
    assert (treated.method, treated.n_winsorised) == ("winsorised", 1)
    assert treated.values.iloc[-1] == 2.0
    left = composite.treat_outliers(-one)
    assert left.values.iloc[-1] == -2.0
    assert composite.treat_outliers(one.where(one != 1.0)).values.isna().sum() == 1


def test_stubborn_tail_takes_logarithms() -> None:
    values = pd.Series(np.r_[np.linspace(0, 1, 100), np.linspace(50, 57, 8)])
    treated = composite.treat_outliers(values)
    assert treated.method == "log"
    expected = np.log(values - values.min() + 0.01 * (values.max() - values.min()))
    assert treated.values.to_numpy() == pytest.approx(expected.to_numpy())
    short = pd.Series([0.0, 0, 0, 0, 0, 0, 1000.0])
    assert composite.treat_outliers(short, 9).method == "winsorised"
    assert composite._pull_in_one(short, short, 7).equals(short)


@pytest.mark.parametrize("method", ["min_max", "z", "rank", "ampi", "goalposts"])
@pytest.mark.parametrize("direction", [1, -1])
def test_every_scale_keeps_or_mirrors_the_order(method: str, direction: int) -> None:
    values = pd.Series([3.0, 9.0, 5.0, np.nan, 7.0])
    scaled = composite.normalise(values, method, direction, low=0, high=10)
    assert scaled.isna().equals(values.isna())
    assert (scaled.rank().dropna() == (direction * values).rank().dropna()).all()


def test_scales_by_hand() -> None:
    values = pd.Series([0.0, 5.0, 20.0], name="x")
    assert composite.normalise(values, "min_max").tolist() == [0, 25, 100]
    assert composite.normalise(values, "goalposts", low=0, high=10).tolist() == [0, 50, 100]
    assert composite.normalise(values, "goalposts", -1, low=0, high=10).tolist() == [100, 50, 0]
    assert composite.normalise(values, "rank").tolist() == [0, 50, 100]
    assert composite.normalise(values, "ampi", low=0, high=20).tolist() == [70, 85, 130]
    z = composite.normalise(values, "z")
    assert (z.mean(), z.std()) == (pytest.approx(50), pytest.approx(10))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "log"}, "log"),
        ({"direction": 0}, "direction"),
        ({"method": "goalposts"}, "low and high"),
        ({"method": "goalposts", "low": 5, "high": 5}, "spread"),
    ],
)
def test_bad_scales_are_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        composite.normalise(pd.Series([1.0, 2.0], name="x"), **arguments)
    with pytest.raises(ValueError, match="'flat'"):
        composite.normalise(pd.Series([1.0, 1.0], name="flat"))


def test_effective_weights_sum_to_one_on_every_level() -> None:
    weights = composite.effective_weights(TREE)
    assert weights.groupby("level").sum().to_numpy() == pytest.approx(1)
    assert weights[1, "b"] == pytest.approx(0.75 * 2 / 3)
    assert weights[2, "Q"] == pytest.approx(1 / 3)


def test_aggregation_by_hand_and_missing_values() -> None:
    scores = pd.DataFrame({"a": [10.0, np.nan], "b": [50.0, 50.0], "c": [20.0, 20.0], "d": [80.0, 80.0]})
    table = composite.aggregate(scores, TREE)
    assert table.loc[0].tolist() == pytest.approx([40, 50, 130 / 3])
    assert np.isnan(table.loc[1, "P"])  # one of two indicators is less than two thirds
    assert np.isnan(table.loc[1, "T"])
    tolerant = composite.aggregate(scores, TREE, availability=0.5)
    assert tolerant.loc[1, "P"] == 50
    geometric = composite.aggregate(scores.loc[[0]], TREE, "geometric")
    assert geometric.loc[0, "P"] == pytest.approx(10**0.25 * 50**0.75)
    ampi = composite.aggregate(scores.loc[[0]], TREE, "ampi")
    assert ampi.loc[0, "Q"] == pytest.approx(50 - 900 / 50)


def test_geometric_refuses_a_zero() -> None:
    zero = pd.DataFrame({"a": [0.0], "b": [50.0]})
    with pytest.raises(ValueError, match="1–100"):
        composite.weighted_mean(zero, pd.Series({"a": 1, "b": 1}), "geometric")
    safe = composite.weighted_mean(composite.to_positive(zero), pd.Series({"a": 1, "b": 1}), "geometric")
    assert safe.iloc[0] == pytest.approx(np.sqrt(1 * 50.5))
    with pytest.raises(ValueError, match="median"):
        composite.weighted_mean(zero, pd.Series({"a": 1, "b": 1}), "median")


@given(st.lists(st.floats(1, 100), min_size=3, max_size=3), st.lists(st.floats(0.1, 5), min_size=3, max_size=3))
@settings(max_examples=60, deadline=None)
def test_means_lie_between_the_ends_and_geometric_is_lower(values: list, weights: list) -> None:
    frame, share = pd.DataFrame([values], columns=list("xyz")), pd.Series(weights, list("xyz"))
    plain = composite.weighted_mean(frame, share).iloc[0]
    geometric = composite.weighted_mean(frame, share, "geometric").iloc[0]
    assert min(values) - 1e-9 <= geometric <= plain + 1e-9 <= max(values) + 1e-8
    assert composite.weighted_mean(frame, share, "ampi").iloc[0] <= plain + 1e-9


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (TREE.drop(columns="weight"), "weight"),
        (pd.concat([TREE, TREE.head(1)]), "twice"),
        (TREE.assign(weight=0.0), "positive"),
        (TREE[TREE["code"] != "Q"], "'Q'"),
        (pd.concat([TREE, TREE.tail(1).assign(code="T2")]), "one top node"),
    ],
)
def test_broken_trees_are_refused(tree: pd.DataFrame, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        composite.check_tree(tree)


def test_aggregate_names_what_is_missing() -> None:
    with pytest.raises(ValueError, match="d"):
        composite.aggregate(pd.DataFrame({"a": [1.0], "b": [1.0], "c": [1.0]}), TREE)
    hollow = pd.concat([TREE, pd.DataFrame([(2, "R", "T", 1.0, 1)], columns=TREE.columns)])
    with pytest.raises(ValueError, match="'R'"):
        composite.aggregate(pd.DataFrame(1.0, index=[0], columns=list("abcd")), hollow)


def test_alpha_of_parallel_items() -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(size=4000)
    items = pd.DataFrame({i: true + rng.normal(size=4000) for i in range(4)})
    found = composite_checks.cronbach_alpha(items)
    assert found.alpha == pytest.approx(4 * 0.5 / (1 + 3 * 0.5), abs=0.02)
    assert found.low < found.alpha < found.high
    for bad, message in ((items[[0]], "two items"), (items * 0, "variance")):
        with pytest.raises(ValueError, match=message):
            composite_checks.cronbach_alpha(bad)
    with pytest.raises(ValueError, match="drop"):
        composite_checks.cronbach_alpha(items, "drop")


def test_first_component_fixes_the_sign() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=300)
    frame = pd.DataFrame({"x": base + rng.normal(0, 0.3, 300), "y": base + rng.normal(0, 0.3, 300)})
    found = composite_checks.first_component(frame)
    assert found.share > 0.9
    assert found.loadings.to_numpy() == pytest.approx(np.sqrt([0.5, 0.5]))
    with pytest.raises(ValueError, match="spread"):
        composite_checks.first_component(frame.assign(y=1.0))


def test_flags_and_weights(data: pd.DataFrame) -> None:
    extra = data.assign(copy=data["a"] + 0.01, opposite=-data["b"])
    pillars = {"a": "P", "b": "P", "c": "Q", "d": "Q", "copy": "Q", "opposite": "P"}
    flags = composite_checks.correlation_flags(extra, pillars).set_index(["first", "second"])["flag"]
    assert flags["a", "copy"] == "double_counting"
    assert flags["a", "opposite"] == "conflict"
    assert ("c", "opposite") not in flags.index
    scores = composite.aggregate(composite.to_positive(data), TREE)
    beside = composite_checks.weights_beside_correlations(
        scores[["P", "Q"]], scores["T"], composite.effective_weights(TREE).loc[2]
    )
    assert beside["effective_weight"].sum() == pytest.approx(1)
    assert beside.loc["P", "correlation"] > beside.loc["Q", "correlation"]
    assert beside["n"].eq(30).all()


def test_strengths_leave_out_ties() -> None:
    frame = pd.DataFrame(
        {
            "good": [9.0, 1, 2, 3],
            "bad": [1.0, 5, 6, 7],
            "costs": [1.0, 5, 6, 7],
            "tied": [1.0, 1, 1, 2],
            "gap": [np.nan, 1, 2, 3],
            "mid": [3.0, 1, 2, 4],
        },
        index=list("wxyz"),
    )
    directions = pd.Series({"good": 1, "bad": 1, "costs": -1, "tied": 1, "gap": 1, "mid": 1})
    table = composite_checks.strengths_and_weaknesses(frame, directions, "w")
    assert table["side"].tolist() == ["strength", "strength", "weakness", "weakness"]
    assert set(table.loc[table["side"] == "strength", "indicator"]) == {"good", "costs"}
    assert table.loc[table["side"] == "weakness", "indicator"].tolist() == ["bad", "mid"]
    assert not {"tied", "gap"} & set(table["indicator"])


def test_remove_one(data: pd.DataFrame) -> None:
    table = composite_whatif.remove_one(data, TREE, 1).set_index("removed")
    assert set(table.index) == set("abcd")
    assert table.loc["b", "mean_rank_change"] == table["mean_rank_change"].max()
    by_pillar = composite_whatif.remove_one(data, TREE, 2)
    assert by_pillar["removed"].tolist()[0] == "P"
    for level in (3, 7):
        with pytest.raises(ValueError, match="nothing to remove"):
            composite_whatif.remove_one(data, TREE, level)


def test_removing_the_last_part_takes_the_parent() -> None:
    smaller = composite_whatif.without(composite_whatif.without(TREE, 1, "c"), 1, "d")
    assert set(smaller["code"]) == {"a", "b", "P", "T"}
    assert set(composite_whatif.without(TREE, 2, "P")["code"]) == {"c", "d", "Q", "T"}


def test_break_even_weights_make_two_units_level() -> None:
    parts = pd.DataFrame({"P": [80.0, 60.0], "Q": [40.0, 70.0], "R": [50.0, 50.0]}, index=["A", "B"])
    weights = pd.Series({"P": 1.0, "Q": 1.0, "R": 1.0})
    table = composite_whatif.break_even_weights(parts, weights, "A", "B").set_index("part")
    w = table.loc["P", "break_even"]
    assert w == pytest.approx(15 / 35)
    level = w * parts["P"] + (1 - w) * parts[["Q", "R"]].mean(axis=1)
    assert level["A"] == pytest.approx(level["B"])
    ahead = parts.assign(Q=[71.0, 70.0])
    never = composite_whatif.break_even_weights(ahead, weights, "A", "B")
    assert never.set_index("part").loc[["P", "Q"], "break_even"].isna().all()


SPACE = Space(
    normalisations=("goalposts", "min_max", "z", "rank"),
    aggregations=("arithmetic", "geometric"),
    treatments=(False, True),
    left_out=("a", "d"),
    weights=((1, "a"), (1, "b"), (2, "P"), (2, "Q")),
    with_rounding=True,
)


def test_uncertainty_logs_every_draw(data: pd.DataFrame) -> None:
    model = composite_uncertainty.indicator_model(data, GOALPOSTS, pd.Series(0.5, list("abcd")))
    result = composite_uncertainty.rank_uncertainty(model, SPACE, draws=60, seed=3)
    assert len(result.log) == 60
    assert set(result.log["normalisation"]) == set(SPACE.normalisations)
    assert set(result.log["left_out"]) == {"", "a", "d"}
    factors = result.log[[c for c in result.log if c.startswith("weight_")]]
    assert factors.shape[1] == 4
    assert ((factors >= 0.75) & (factors <= 1.25)).all(axis=None)
    ranks = result.ranks
    assert ((ranks["best"] <= ranks["low"]) & (ranks["low"] <= ranks["high"]) & (ranks["high"] <= ranks["worst"])).all()
    again = composite_uncertainty.rank_uncertainty(model, SPACE, draws=60, seed=3)
    pd.testing.assert_frame_equal(result.ranks, again.ranks)
    pd.testing.assert_frame_equal(result.log, again.log)


def test_one_way_to_calculate_has_no_uncertainty(data: pd.DataFrame) -> None:
    model = composite_uncertainty.indicator_model(data, GOALPOSTS)
    result = composite_uncertainty.rank_uncertainty(model, Space(), draws=3)
    assert (result.ranks["best"] == result.ranks["nominal"]).all()
    assert (result.ranks["worst"] == result.ranks["nominal"]).all()
    assert result.log["mean_rank_shift"].eq(0).all()


def test_impossible_choice_stops_the_run(data: pd.DataFrame) -> None:
    flat = data.assign(a=5.0)
    model = composite_uncertainty.indicator_model(flat, GOALPOSTS)
    space = Space(normalisations=("goalposts", "z"))
    with pytest.raises(ValueError, match="draw .* cannot be calculated.*'a'"):
        composite_uncertainty.rank_uncertainty(model, space, draws=20)
    with pytest.raises(ValueError, match="'nobody'"):
        composite_uncertainty.indicator_model(data, GOALPOSTS)(Choice(left_out="nobody"))


def test_sensitivity_finds_the_factor_that_matters() -> None:
    names = [f"u{i}" for i in range(12)]
    base = pd.Series(np.arange(12.0), names)

    def model(choice: Choice) -> pd.Series:
        turned = base[::-1].set_axis(names) if choice.normalisation == "turned" else base
        return turned + 0.001 * choice.weight_factors[1, "a"]

    space = Space(normalisations=("plain", "turned"), weights=((1, "a"),))
    table = composite_uncertainty.sensitivity(model_with_nominal(model), space, base=64, seed=1)
    assert table["factor"].tolist() == ["normalisation", "weights"]
    assert table["ST"].iloc[0] > 0.9
    assert table["ST"].iloc[1] < 0.05


def model_with_nominal(model):
    """The nominal choice carries no weight factors."""
    return lambda choice: model(
        choice if choice.weight_factors else Choice(choice.normalisation, weight_factors={(1, "a"): 1.0})
    )


def test_sensitivity_of_the_indicator_model(data: pd.DataFrame) -> None:
    model = composite_uncertainty.indicator_model(data, GOALPOSTS)
    space = Space(normalisations=("goalposts", "rank"), aggregations=("arithmetic", "geometric"))
    table = composite_uncertainty.sensitivity(model, space, base=16, seed=2)
    assert set(table["factor"]) == {"normalisation", "aggregation"}
    assert table["ST"].gt(-0.5).all()


def test_sensitivity_refuses_nonsense(data: pd.DataFrame) -> None:
    model = composite_uncertainty.indicator_model(data, GOALPOSTS)
    with pytest.raises(ValueError, match="two factors"):
        composite_uncertainty.sensitivity(model, Space(normalisations=("goalposts", "rank")))
    with pytest.raises(ValueError, match="power of two"):
        composite_uncertainty.sobol_indices(lambda x: x[0], [(0, 1)], base=100)
    with pytest.raises(ValueError, match="variance"):
        composite_uncertainty.sobol_indices(lambda _: 1.0, [(0, 1)], base=8)
