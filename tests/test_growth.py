"""Growth: three columns that never mix, and a decomposition that adds up."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.analysis import growth


def test_the_published_rise_in_three_scales() -> None:
    row = pd.DataFrame(
        [
            {
                "before": 47,
                "before_low": 46.5,
                "before_high": 47.5,
                "after": 64.54,
                "after_low": 64.535,
                "after_high": 64.545,
            }
        ]
    )
    result = growth.changes(row).iloc[0]
    assert result["points"] == pytest.approx(17.54)
    assert (result["points_low"], result["points_high"]) == (pytest.approx(17.035), pytest.approx(18.045))
    assert result["percent"] == pytest.approx(37.3, abs=0.05)
    assert result["logit"] == pytest.approx(0.72, abs=0.005)
    assert result["percent_low"] < result["percent"] < result["percent_high"]
    assert result["logit_low"] < result["logit"] < result["logit_high"]
    assert result["is_beyond_rounding"]


def test_equal_print_is_no_change_and_ends_have_no_logit() -> None:
    rows = pd.DataFrame(
        {
            "before": [47.0, 0.0],
            "before_low": [46.5, 0],
            "before_high": [47.5, 0],
            "after": [47.0, 10],
            "after_low": [46.5, 10],
            "after_high": [47.5, 10],
        }
    )
    result = growth.changes(rows)
    assert not result.loc[0, "is_beyond_rounding"]
    assert np.isnan(result.loc[1, "logit"])
    assert np.isnan(result.loc[1, "percent"])
    with pytest.raises(ValueError, match="after_high"):
        growth.changes(rows.drop(columns="after_high"))
    with pytest.raises(ValueError, match="between 0 and 100"):
        growth.changes(rows.assign(after=120))


def test_change_against_sampling_noise() -> None:
    table = growth.noise_test(pd.Series([5.0, 2.0]), pd.Series([1.0, 1.0]), pd.Series([1.0, 1.0]))
    assert table["is_beyond_noise"].tolist() == [True, False]
    assert table["change_low"].iloc[0] == pytest.approx(5 - 1.96 * np.sqrt(2))


@pytest.mark.parametrize(
    ("first", "last", "is_yearly"),
    [("2023", "2024", True), ("2023", "2024-H1", False), ("2024-H1", "2025-H1", True), ("2023", "2025", False)],
)
def test_only_equal_periods_make_a_yearly_rate(first: str, last: str, is_yearly: bool) -> None:
    assert np.isfinite(growth.yearly_rate(5.0, first, last)) == is_yearly


def bodies(rows: list[tuple[str, float, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["body", "weight", "value"])


def test_decomposition_by_hand() -> None:
    before = bodies([("a", 1, 40), ("b", 1, 60)])
    after = bodies([("a", 1, 50), ("c", 1, 90)])
    result = growth.decompose(before, after)
    assert result.total == pytest.approx(20)
    assert result.within == pytest.approx(0.5 * 10)
    assert result.between == pytest.approx(0)
    assert result.entry == pytest.approx(0.5 * (90 - 60))
    assert result.exit_ == pytest.approx(0.5 * (60 - 60))
    assert result.bodies.set_index("body")["status"].to_dict() == {"a": "both", "b": "left", "c": "entered"}


units = st.dictionaries(
    st.sampled_from("abcdefgh"), st.tuples(st.floats(0.01, 100), st.floats(0, 100)), min_size=1, max_size=8
)


@given(units, units)
@settings(max_examples=60, deadline=None)
def test_decomposition_adds_up(first: dict, last: dict) -> None:
    tables = [bodies([(name, w, x) for name, (w, x) in part.items()]) for part in (first, last)]
    result = growth.decompose(*tables)
    means = [np.average(t["value"], weights=t["weight"]) for t in tables]
    assert result.total == pytest.approx(means[1] - means[0], abs=1e-9)
    parts = result.within + result.between + result.entry - result.exit_
    assert abs(parts - result.total) < 1e-9


def test_only_weights_moved() -> None:
    before, after = bodies([("a", 1, 20), ("b", 3, 80)]), bodies([("a", 3, 20), ("b", 1, 80)])
    result = growth.decompose(before, after)
    assert result.within == 0
    assert result.between == pytest.approx(result.total) == pytest.approx(-30)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", 1, 2), ("a", 1, 3)], "twice"),
        ([("a", 0, 2)], "weights"),
        ([("a", 1, np.nan)], "weights"),
        ([("a", -1, 2), ("b", 3, 2)], "weights"),
    ],
)
def test_bad_bodies_are_refused(rows: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        growth.decompose(bodies(rows), bodies([("a", 1, 2)]))
