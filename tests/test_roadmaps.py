"""Road maps: status on a date, fulfilment with small-count intervals."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers.analysis import roadmaps

POINTS = pd.DataFrame(
    [
        ("X", "1", "2024-03-01", "2024-02-20"),
        ("X", "2", "2024-03-01", "2024-03-11"),
        ("X", "3", "2024-04-01", ""),
        ("X", "4", "2024-12-01", ""),
        ("Y", "1", "2024-05-01", "2024-08-01"),
        ("Y", "2", "", ""),
        ("Z", "1", "2025-01-01", ""),
    ],
    columns=["body", "point", "plan_date", "fact_date"],
)


def test_status_on_a_date() -> None:
    table = roadmaps.classify(POINTS, "2024-06-30")
    assert table["status"].tolist() == ["done", "done_late", "overdue", "not_due", "overdue", "not_due"]
    assert table["days_late"].fillna(-1).tolist() == [-1, 10, 90, -1, 60, -1]


def test_fulfilment_by_body() -> None:
    table = roadmaps.fulfilment(POINTS, "2024-06-30").set_index("body")
    assert table.loc["X", ["done", "done_late", "overdue", "not_due", "due"]].tolist() == [1, 1, 1, 1, 3]
    assert table.loc["X", "share"] == pytest.approx(2 / 3)
    assert table.loc["Y", "without_plan"] == 1
    assert table.loc["Z", "due"] == 0
    assert np.isnan(table.loc["Z", "share"])
    assert table.loc["all", "due"] == 4
    assert table.loc["all", "without_plan"] == 1
    assert table.loc["X", "median_days_late"] == 50
    assert (table["low"].dropna() <= table["share"].dropna()).all()


def test_over_time_points_only_get_done() -> None:
    table = roadmaps.over_time(POINTS, ["2024-01-01", "2024-06-30", "2024-12-31"])
    assert table["as_of"].tolist() == ["2024-01-01", "2024-06-30", "2024-12-31"]
    assert (table["done"] + table["done_late"]).is_monotonic_increasing
    assert table["due"].is_monotonic_increasing


def test_intervals_against_published_values() -> None:
    # Agresti and Coull's Wilson interval of 0 in 10; Jeffreys' from Brown, Cai, DasGupta
    wilson = roadmaps.share_interval(0, 10, method="wilson").iloc[0]
    assert (wilson["low"], wilson["high"]) == (pytest.approx(0), pytest.approx(0.2775, abs=1e-4))
    jeffreys = roadmaps.share_interval(0, 10).iloc[0]
    assert (jeffreys["low"], jeffreys["high"]) == (0, pytest.approx(0.2172, abs=1e-4))
    assert roadmaps.share_interval(10, 10).iloc[0]["high"] == 1
    overdue = roadmaps.share_interval(67, 3000).iloc[0]
    assert overdue["low"] < 0.0223 < overdue["high"]
    assert overdue["high"] - overdue["low"] < 0.012


@pytest.mark.parametrize("method", roadmaps.INTERVALS)
def test_intervals_cover_on_average(method: str) -> None:
    n, p = 12, np.linspace(0.05, 0.95, 19)
    k = np.arange(n + 1)
    table = roadmaps.share_interval(k, np.full(n + 1, n), method=method)
    inside = (table["low"].to_numpy()[:, None] <= p) & (p <= table["high"].to_numpy()[:, None])
    coverage = (inside * stats.binom.pmf(k[:, None], n, p)).sum(axis=0)
    assert coverage.mean() > 0.94


def test_bad_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="between 0"):
        roadmaps.share_interval(5, 3)
    with pytest.raises(ValueError, match="wald"):
        roadmaps.share_interval(1, 3, method="wald")


def test_launched_against_planned() -> None:
    table = roadmaps.launched_against_planned(pd.DataFrame({"launched": [15, 34], "planned": [24, 25]}))
    assert table.loc[0, "share"] == pytest.approx(15 / 24)
    assert table["is_over_plan"].tolist() == [False, True]
    assert np.isnan(table.loc[1, "share"])


def observed(rows: list[dict]) -> pd.DataFrame:
    blank = {name: "" for name in ("rating", "entity_id", "period", "indicator", "category")}
    return pd.DataFrame([{**blank, "value": np.nan, "value_low": np.nan, "value_high": np.nan, **row} for row in rows])


def test_points_from_the_table_of_observations() -> None:
    common = {"rating": "e_roadmap", "period": "2024"}
    table = roadmaps.points_of(
        observed(
            [
                {**common, "entity_id": "A / B / 1.1", "indicator": "plan_date", "category": "2024-03-01"},
                {**common, "entity_id": "A / B / 1.1", "indicator": "fact_date", "category": "2024-02-01"},
                {**common, "entity_id": "C / 2", "indicator": "plan_date", "category": "2024-05-01"},
                {**common, "entity_id": "C", "indicator": "points_total", "value": 5.0},
            ]
        )
    )
    assert table.to_numpy().tolist() == [
        ["A / B", "2024 1.1", "2024-03-01", "2024-02-01"],
        ["C", "2024 2", "2024-05-01", ""],
    ]
    assert roadmaps.points_of(observed([{"rating": "c_mfc"}])).empty


def test_published_counts_keep_their_precision() -> None:
    rows = [
        {
            "period": "2023",
            "indicator": "roadmap_control_points_unfulfilled",
            "value": 67,
            "value_low": 67,
            "value_high": 67,
        },
        {
            "period": "2023",
            "indicator": "roadmap_control_points_due",
            "value": 3000,
            "value_low": 2850,
            "value_high": 3150,
        },
    ]
    row = roadmaps.published_overdue(observed(rows)).iloc[0]
    assert (row["share"], row["low"], row["high"]) == (67 / 3000, 67 / 3150, 67 / 2850)
    assert roadmaps.published_overdue(observed(rows[:1])).empty


def test_published_life_situations() -> None:
    rows = [
        {"period": "2023", "indicator": "life_situations_launched", "value": 15},
        {"period": "2023", "indicator": "life_situation_prototypes", "value": 24},
        {"period": "2024", "indicator": "life_situations_launched", "value": 34},
    ]
    table = roadmaps.published_life_situations(observed(rows))
    assert table[["period", "launched", "planned"]].to_numpy().tolist() == [["2023", 15, 24]]
    assert roadmaps.published_life_situations(observed([{"indicator": "x"}])).empty


@pytest.mark.parametrize(
    ("period", "day"), [("2024-H1", "2024-06-30"), ("2024", "2024-12-31"), ("2024-02", "2024-02-29")]
)
def test_last_day_of_a_period(period: str, day: str) -> None:
    assert roadmaps.period_end(period) == day
