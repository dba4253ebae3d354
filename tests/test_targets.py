"""Targets: pace needed and observed, and silence where points are few; bounded and ordered models."""

import numpy as np
import pandas as pd
import pytest

from helpers.analysis import targets, targets_models
from helpers.tables import store

SHARE = targets.Target("t", "share", 99, "2030-12", "share")
COUNT = targets.Target("n", "proactive", 100, "2030-12", "count")


def series(values: list[float], first: int = 2020, **columns) -> pd.DataFrame:
    years = [str(first + i) for i in range(len(values))]
    return pd.DataFrame({"period": years, "value": values, **columns})


def logistic(start: float, slope: float, count: int, noise: float = 0.0, seed: int = 0) -> list[float]:
    x = np.log(start / (100 - start)) + slope * np.arange(count)
    x = x + np.random.default_rng(seed).normal(0, noise, count)
    return list(100 / (1 + np.exp(-x)))


def test_reference_targets_are_read() -> None:
    found = {t.target_id: t for t in targets.read_targets(store.reference("targets"))}
    assert found["electronic_2030"].value == 99
    assert found["electronic_2030"].pace_scale == "logit"
    assert found["proactive_2030"].pace_scale == "count"
    assert found["curators_2025"].pace_scale == "points"
    bad = store.reference("targets").assign(scale="odds")
    with pytest.raises(ValueError, match="odds"):
        targets.read_targets(bad)


def test_required_pace_by_hand() -> None:
    row = targets.assess(SHARE, series([50.0], 2025))
    assert row["required_pace"] == pytest.approx(np.log(99) / 5)
    assert row["pace_unit"] == "logit_per_year"
    assert (row["verdict"], row["why"]) == ("cannot_tell", "one point shows no pace")
    counted = targets.assess(COUNT, series([40.0], 2025))
    assert counted["required_pace"] == pytest.approx(12)


def test_no_value_and_bare_bounds_say_nothing() -> None:
    bare = pd.DataFrame({"period": ["2025"], "value": [np.nan], "value_low": [400.0], "value_high": [np.nan]})
    for points in (bare, bare.head(0)):
        row = targets.assess(SHARE, points)
        assert row["verdict"] == "cannot_tell"
        assert np.isnan(row["required_pace"])


@pytest.mark.parametrize("count", [2, 3, 4])
def test_few_points_never_make_a_curve(count: int) -> None:
    points = series([20.0, 60.0, 90.0, 97.0][:count])
    row = targets.assess(SHARE, points)
    assert row["verdict"] == "cannot_tell"
    assert f"{count} points" in str(row["why"])
    assert row["observed_low"] <= row["observed_pace"] <= row["observed_high"]
    with pytest.raises(ValueError, match="5 are needed"):
        targets.forecast(points, SHARE)


def test_rounding_widens_the_band() -> None:
    plain = targets.observed_pace(series([47.0, 57.0]), "points")
    rounded = targets.observed_pace(series([47.0, 57.0], value_low=[46.5, 56.5], value_high=[47.5, 57.5]), "points")
    assert (plain["observed_low"], plain["observed_high"]) == (10, 10)
    assert (rounded["observed_low"], rounded["observed_high"]) == (9, 11)


@pytest.mark.parametrize(
    ("points", "target", "verdict"),
    [
        (series(logistic(50, 0.8, 6, 0.02)), SHARE, "reachable"),
        (series(logistic(20, 0.1, 6, 0.02)), SHARE, "behind"),
        (series(logistic(40, 0.5, 6, 0.5)), SHARE, "cannot_tell"),
        (series([10.0, 22, 29, 41, 50, 62]), COUNT, "reachable"),
        (series([10.0, 11, 12, 13, 14, 15]), COUNT, "behind"),
        (series([100.0], 2025), COUNT, "reachable"),
        (series([90.0], 2031), COUNT, "behind"),
    ],
)
def test_verdicts(points: pd.DataFrame, target: targets.Target, verdict: str) -> None:
    row = targets.assess(target, points, seed=1)
    assert row["verdict"] == verdict
    store.validate("targets", pd.DataFrame([row]).assign(is_synthetic=True))


def test_same_seed_same_forecast() -> None:
    points = series(logistic(50, 0.3, 6, 0.1))
    assert targets.forecast(points, SHARE, seed=3) == targets.forecast(points, SHARE, seed=3)
    ahead = targets.forecast(points, SHARE, seed=3)
    assert 0 <= ahead.low < ahead.high <= 100
    assert 0 <= ahead.chance <= 1


def test_order_of_rows_does_not_matter() -> None:
    points = series(logistic(50, 0.3, 6, 0.1))
    assert targets.assess(SHARE, points) == targets.assess(SHARE, points.iloc[::-1])


def test_predictive_interval_covers_new_values() -> None:
    hits = []
    for run in range(200):
        x = -1 + 0.2 * np.arange(7) + np.random.default_rng(run).normal(0, 0.15, 7)
        values = 100 / (1 + np.exp(-x))
        target = targets.Target("t", "i", 50, "2026-12", "share")
        ahead = targets.forecast(series(list(values[:6])), target, seed=run, draws=2000)
        hits.append(ahead.low <= values[6] <= ahead.high)
    assert 0.90 <= np.mean(hits) <= 0.99


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    """Regions differ a lot, the slope within each is 0.75."""
    rng = np.random.default_rng(2)
    rows = []
    for region in range(40):
        level = rng.normal(0, 1.2)
        for time in range(6):
            mean = 1 / (1 + np.exp(-(level + 0.75 * (time - 2.5))))
            rows.append((f"r{region}", time - 2.5, rng.beta(mean * 60, (1 - mean) * 60)))
    return pd.DataFrame(rows, columns=["region", "time", "share"])


def test_pooled_slopes_are_attenuated(panel: pd.DataFrame) -> None:
    pooled = targets_models.fit_shares(panel, "share ~ time", clusters="region")
    within = targets_models.fit_shares(panel, "share ~ time + C(region)")
    assert pooled.coefficients.loc["time", "estimate"] < 0.70
    slope = within.coefficients.loc["time"]
    assert slope["low"] < 0.75 < slope["high"]
    assert pooled.coefficients.loc["time", "std_error"] > slope["std_error"]
    assert within.precision == pytest.approx(60, rel=0.4)


def test_predictions_on_new_rows(panel: pd.DataFrame) -> None:
    fit = targets_models.fit_shares(panel, "share ~ time")
    new = pd.DataFrame({"time": [-2.5, 0.0, 2.5]}, index=["x", "y", "z"])
    table = targets_models.predict_shares(fit, new)
    assert list(table.index) == ["x", "y", "z"]
    assert table["mean"].is_monotonic_increasing
    assert ((table["low"] < table["mean"]) & (table["mean"] < table["high"])).all()
    inside = targets_models.predict_shares(fit, panel)
    assert ((panel["share"] > inside["low"]) & (panel["share"] < inside["high"])).mean() > 0.9


def test_zero_and_one_are_moved_inside_and_counted(panel: pd.DataFrame) -> None:
    edged = panel.copy()
    edged.loc[0, "share"], edged.loc[1, "share"] = 0.0, 1.0
    fit = targets_models.fit_shares(edged, "share ~ time")
    assert fit.n_squeezed == 2
    assert fit.n == len(edged)
    assert targets_models.squeeze(pd.Series([0.0, 1.0])).tolist() == [0.25, 0.75]
    with pytest.raises(ValueError, match="between 0 and 1"):
        targets_models.fit_shares(edged.assign(share=edged["share"] * 100), "share ~ time")


def test_ordered_stages() -> None:
    rng = np.random.default_rng(4)
    index = rng.uniform(10, 90, 500)
    latent = 0.2 * index + rng.logistic(0, 1, 500)
    stage = np.select([latent < 6, latent < 12], ["low", "mid"], "top")
    fit = targets_models.fit_ordered(
        pd.DataFrame({"index": index, "stage": stage}), "stage", ["index"], ["low", "mid", "top"]
    )
    assert fit.coefficients.iloc[0] == pytest.approx(0.2, rel=0.15)
    assert (fit.thresholds / fit.coefficients.iloc[0]).to_numpy() == pytest.approx([30, 60], abs=3)
    table = targets_models.stage_probabilities(fit, [30.0, 45.0, 80.0])
    assert table[["low", "mid", "top"]].sum(axis=1).to_numpy() == pytest.approx(1)
    assert table[["low", "mid", "top"]].idxmax(axis=1).tolist()[1:] == ["mid", "top"]
    assert table["distance"].iloc[0] < 3


def test_ordered_input_is_checked() -> None:
    data = pd.DataFrame({"s": ["a", "b"], "x": [1.0, 2.0], "n": [1.5, 1], "g": ["u", "v"]})
    with pytest.raises(ValueError, match=r"\['b'\]"):
        targets_models.fit_ordered(data, "s", ["x"], ["a"])
    with pytest.raises(ValueError, match="whole"):
        targets_models.fit_ordered(data, "s", ["x"], ["a", "b"], weights="n")
    rng = np.random.default_rng(1)
    two = pd.DataFrame(
        {"s": rng.choice(["a", "b", "c"], 90), "x": rng.normal(size=90), "g": rng.choice(["u", "v"], 90)}
    )
    fit = targets_models.fit_ordered(two, "s", ["x", "g"], ["a", "b", "c"])
    assert list(fit.coefficients.index) == ["x", "gv"]
    with pytest.raises(ValueError, match="only term"):
        targets_models.stage_probabilities(fit, [1.0])
