"""Rank uncertainty: hand cases, a slow second implementation, symmetries and joint coverage by simulation."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.analysis import ranks


def slow_sets(x, s, level, draws, seed, centre=None):
    """The step-down procedure written with plain loops over ordered pairs."""
    n = len(x)
    noise = np.random.default_rng(seed).standard_normal((n, draws), dtype=np.float32) * np.asarray(
        s, dtype=np.float32
    ).reshape(-1, 1)
    pairs = [(a, b) for a, b in itertools.permutations(range(n), 2) if centre is None or centre in (a, b)]
    sigma = {(a, b): np.hypot(s[a], s[b]) for a, b in pairs}
    rejected: set = set()
    while True:
        active = [p for p in pairs if p not in rejected]
        if not active:
            break
        top = np.max([(noise[a] - noise[b]) / sigma[a, b] for a, b in active], axis=0)
        c = np.quantile(top, level)
        newly = {(a, b) for a, b in active if (x[a] - x[b]) / sigma[a, b] > c}
        if not newly:
            break
        rejected |= newly
    low = [1 + sum((k, j) in rejected for k in range(n)) for j in range(n)]
    high = [n - sum((j, k) in rejected for k in range(n)) for j in range(n)]
    return low, high


X = np.array([10.0, 9.0, 9.2, 5.0, 1.0, 0.5])
S = np.array([0.3, 0.3, 0.4, 0.8, 0.2, 0.3])


def test_simultaneous_equals_the_slow_version() -> None:
    result = ranks.confidence_sets(X, S, 0.9, "simultaneous", draws=2000, seed=5)
    low, high = slow_sets(X, S, 0.9, 2000, 5)
    assert result["rank_low"].tolist() == low
    assert result["rank_high"].tolist() == high
    assert result["rank"].tolist() == [1, 3, 2, 4, 5, 6]


def test_marginal_equals_the_slow_version_unit_by_unit() -> None:
    result = ranks.confidence_sets(X, S, 0.9, "marginal", draws=2000, seed=5)
    for unit in range(len(X)):
        low, high = slow_sets(X, S, 0.9, 2000, 5, centre=unit)
        assert (result["rank_low"][unit], result["rank_high"][unit]) == (low[unit], high[unit])


def test_without_noise_sets_are_ranks_and_ties_stay_together() -> None:
    result = ranks.confidence_sets([3.0, 1.0, 3.0, 2.0], [0, 0, 0, 0], kind="simultaneous", draws=50)
    assert result.to_numpy().tolist() == [[1, 1, 2], [4, 4, 4], [1, 1, 2], [3, 3, 3]]
    marginal = ranks.confidence_sets([3.0, 1.0, 3.0, 2.0], [0, 0, 0, 0], draws=50)
    assert marginal.equals(result)


def test_pure_noise_says_nothing() -> None:
    result = ranks.confidence_sets([1.0, 1.1, 0.9], [5.0, 5.0, 5.0], kind="simultaneous", seed=3)
    assert result["rank_low"].eq(1).all()
    assert result["rank_high"].eq(3).all()


def test_low_is_best_mirrors_high() -> None:
    names = pd.Index(list("abcdef"))
    high = ranks.confidence_sets(pd.Series(X, names), pd.Series(S, names), seed=1, kind="simultaneous")
    low = ranks.confidence_sets(pd.Series(-X, names), pd.Series(S, names), seed=1, kind="simultaneous", best="low")
    pd.testing.assert_frame_equal(high, low)
    assert list(high.index) == list("abcdef")


def test_positive_covariance_tells_more_apart() -> None:
    x, s = np.array([1.0, 0.0]), np.array([1.0, 1.0])
    apart = ranks.confidence_sets(x, s, seed=2, covariance=np.array([[1, 0.99], [0.99, 1]]))
    together = ranks.confidence_sets(x, s, seed=2)
    assert apart["rank_high"].tolist() == [1, 2]
    assert together["rank_high"].tolist() == [2, 2]


def test_independent_covariance_changes_little() -> None:
    plain = ranks.confidence_sets(X, S, seed=2, kind="simultaneous")
    given_matrix = ranks.confidence_sets(X, S, seed=2, kind="simultaneous", covariance=np.diag(S**2))
    assert (plain - given_matrix).abs().to_numpy().max() <= 1


def test_same_seed_same_sets() -> None:
    rng = np.random.default_rng(0)
    x, s = rng.normal(50, 10, 40), np.full(40, 3.0)
    first, second = (ranks.confidence_sets(x, s, seed=9) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    other = ranks.confidence_sets(x, s, seed=10)
    assert (first - other).abs().to_numpy().max() <= 1


def test_marginal_is_never_wider_than_simultaneous_by_more_than_noise() -> None:
    rng = np.random.default_rng(1)
    x, s = rng.normal(0, 3, 25), rng.uniform(0.5, 1.5, 25)
    one = ranks.confidence_sets(x, s, seed=4)
    all_of_them = ranks.confidence_sets(x, s, seed=4, kind="simultaneous")
    assert (one["rank_low"] >= all_of_them["rank_low"] - 1).all()
    assert (one["rank_high"] <= all_of_them["rank_high"] + 1).all()


@given(
    st.lists(st.tuples(st.floats(-50, 50), st.floats(0.01, 10)), min_size=2, max_size=8),
    st.floats(0.5, 20),
    st.floats(-30, 30),
)
@settings(max_examples=40, deadline=None)
def test_sets_hold_the_rank_and_ignore_units_of_measurement(units, scale, shift) -> None:
    x, s = (np.array(column) for column in zip(*units, strict=True))
    first = ranks.confidence_sets(x, s, draws=200, seed=1, kind="simultaneous")
    assert (first["rank_low"] <= first["rank"]).all()
    assert (first["rank"] <= first["rank_high"]).all()
    second = ranks.confidence_sets(x * scale + shift, s * scale, draws=200, seed=1, kind="simultaneous")
    # float noise may move a statistic across its critical value only when they coincide
    assert (first[["rank_low", "rank_high"]] - second[["rank_low", "rank_high"]]).abs().to_numpy().max() <= 1


def test_joint_coverage_with_ties() -> None:
    truth = np.repeat(np.arange(4) * 2.0, 4)
    best = 1 + (truth[None, :] > truth[:, None]).sum(axis=1)
    worst = len(truth) - (truth[None, :] < truth[:, None]).sum(axis=1)
    rng = np.random.default_rng(7)
    hits = []
    for run in range(150):
        x = truth + rng.normal(0, 1, len(truth))
        sets = ranks.confidence_sets(x, np.ones_like(x), kind="simultaneous", draws=500, seed=run)
        hits.append((sets["rank_low"] <= best).all() and (sets["rank_high"] >= worst).all())
    assert np.mean(hits) >= 0.93  # 0.95 less two Monte Carlo errors of 150 runs


def test_tau_best_holds_the_leaders() -> None:
    table = ranks.tau_best(pd.Series(X, list("abcdef")), pd.Series(S, list("abcdef")), 2, seed=1)
    assert list(table.index) == ["a", "c", "b"]
    with pytest.raises(ValueError, match="tau"):
        ranks.tau_best(X, S, 7)


def test_tiers_and_counts() -> None:
    table = ranks.indistinguishable_groups([10.0, 9.9, 5.0, 4.9, 0.0], [0.1] * 5, seed=1)
    assert table["tier"].tolist() == [1, 1, 2, 2, 3]
    assert table["indistinguishable_count"].tolist() == [1, 1, 1, 1, 0]
    assert (table["rank_high"] - table["rank_low"]).equals(table["indistinguishable_count"])


def test_joint_intervals_by_hand() -> None:
    table = ranks.joint_intervals([1.0, 2.0, 9.0], [0.5, 0.5, 0.5], best="high")
    z = ranks.joint_multiplier(3)
    assert z == pytest.approx(2.3877, abs=1e-4)
    assert table["low"].to_numpy() == pytest.approx(np.array([1, 2, 9]) - 0.5 * z)
    assert table[["rank", "rank_low", "rank_high"]].to_numpy().tolist() == [[3, 2, 3], [2, 2, 3], [1, 1, 1]]
    low = ranks.joint_intervals([1.0, 2.0, 9.0], [0.5, 0.5, 0.5], best="low")
    assert low[["rank", "rank_low", "rank_high"]].to_numpy().tolist() == [[1, 1, 2], [2, 1, 2], [3, 3, 3]]
    assert (low["low"] < low["estimate"]).all()
    assert (low["high"] > low["estimate"]).all()


def test_joint_intervals_are_wider_than_single_ones() -> None:
    assert ranks.joint_multiplier(85, correction="bonferroni") > ranks.joint_multiplier(85) > 1.96
    with pytest.raises(ValueError, match="correction"):
        ranks.joint_multiplier(3, correction="holm")


def test_rounding_alone_can_tie() -> None:
    # 47, 47.4 and 46 printed whole; an exact twin pair; «more than 70»
    table = ranks.rounding_ranks([46.5, 46.5, 45.5, 70.0], [47.5, 47.5, 46.5, np.nan], [47, 47, 46, 70])
    assert table["rank"].tolist() == [2, 2, 4, 1]
    assert table["rank_low"].tolist() == [2, 2, 4, 1]
    assert table["rank_high"].tolist() == [3, 3, 4, 1]
    assert table["tier"].tolist() == [2, 2, 3, 1]
    assert table["indistinguishable_count"].tolist() == [1, 1, 0, 0]


def test_rounding_of_exact_and_open_figures() -> None:
    exact = ranks.rounding_ranks([5.0, 5.0, 4.0], [5.0, 5.0, 4.0])
    assert exact[["rank_low", "rank_high"]].to_numpy().tolist() == [[1, 2], [1, 2], [3, 3]]
    leaders = ranks.rounding_ranks(pd.Series([70.0, 70.0], ["x", "y"]), pd.Series([np.nan, np.nan], ["x", "y"]))
    assert leaders["rank"].isna().all()
    assert leaders[["rank_low", "rank_high"]].to_numpy().tolist() == [[1, 2], [1, 2]]
    low = ranks.rounding_ranks([1.5, 2.5], [2.5, 3.5], best="low")
    assert low["rank"].tolist() == [1, 2]
    with pytest.raises(ValueError, match="lower end"):
        ranks.rounding_ranks([2], [1])


def test_bars_are_for_pictures() -> None:
    bars = ranks.overlap_bars(pd.Series([10.0]), pd.Series([2.0]))
    assert bars.to_numpy().tolist() == [[10 - 2.78, 10 + 2.78]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"level": 1.0}, "level"),
        ({"kind": "joint"}, "kind"),
        ({"best": "top"}, "best"),
        ({"draws": 0}, "draws"),
        ({"std_errors": [1.0, -1.0]}, "negative"),
        ({"std_errors": [1.0, np.nan]}, "finite"),
        ({"std_errors": [1.0]}, "one standard error each"),
        ({"covariance": np.eye(3)}, "symmetric"),
        ({"covariance": np.diag([1.0, 2.0])}, "diagonal"),
    ],
)
def test_bad_input_is_refused(change: dict, message: str) -> None:
    arguments = {"estimates": [1.0, 2.0], "std_errors": [1.0, 1.0], **change}
    with pytest.raises(ValueError, match=message):
        ranks.confidence_sets(**arguments)


def test_indexes_must_agree() -> None:
    with pytest.raises(ValueError, match="indexes"):
        ranks.confidence_sets(pd.Series([1.0, 2.0], ["a", "b"]), pd.Series([1.0, 2.0], ["b", "a"]))
