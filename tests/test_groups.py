"""Groups over time: counts by hand, intervals, bounds from totals, breaks."""

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.analysis import groups
from helpers.analysis.groups import markov as groups_markov
from helpers.analysis.groups.bounds import MarginError, transport_bounds
from helpers.tables import store

ORDER = ["low", "medium", "high"]
START, END = {"low": 5, "medium": 33, "high": 47}, {"low": 0, "medium": 22, "high": 63}
NO_BREAKS = pd.DataFrame({"rating": [], "period": []}, dtype=str)


def frame(rows: list[tuple[str, str, str]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["entity_id", "period", "group"])
    return table.assign(rating="c_mfc", source_id="S")


QUARTERS = frame(
    [
        ("A", "2023-Q3", "low"), ("A", "2023-Q4", "high"), ("A", "2025-Q2", "high"),
        ("B", "2023-Q3", "low"), ("B", "2023-Q4", "high"),
        ("C", "2023-Q3", "high"), ("C", "2023-Q4", "medium"),
        ("D", "2023-Q3", "medium"), ("D", "2023-Q4", "medium"), ("D", "2025-Q2", "low"),
        ("E", "2023-Q4", "medium"),
    ]
)  # fmt: skip


def bounds(table: pd.DataFrame) -> dict[tuple[str, str], tuple[float, float]]:
    return {(r.group_from, r.group_to): (r.low, r.high) for r in table.itertuples()}


def test_published_totals_of_2023_bound_the_moves() -> None:
    cells = bounds(transport_bounds(START, END))
    assert cells["medium", "high"] == (11, 33)
    assert cells["low", "high"] == (0, 5)
    assert cells["high", "high"] == (25, 47)
    assert cells["low", "low"] == (0, 0)


def test_printed_totals_admit_no_table() -> None:
    with pytest.raises(MarginError, match="74 units before, 85 after"):
        transport_bounds({"low": 5, "medium": 22, "high": 47}, END)


def test_named_moves_narrow_the_bounds() -> None:
    cells = bounds(transport_bounds(START, END, {("low", "high"): (2, None)}))
    assert cells["low", "high"] == (2, 5)
    assert cells["low", "medium"] == (0, 3)
    with pytest.raises(MarginError):
        transport_bounds(START, END, {("low", "high"): (6, None)})
    with pytest.raises(ValueError, match="groups differ"):
        transport_bounds(START, {"high": 85})


@given(st.lists(st.integers(0, 3), min_size=6, max_size=6), st.randoms())
@settings(max_examples=25, deadline=None)
def test_bounds_equal_enumeration(units: list[int], random) -> None:
    before = {"a": units[0], "b": units[1], "c": units[2]}
    pool = [name for name, count in before.items() for _ in range(count)]
    shuffled = [random.choice("abc") for _ in pool]
    after = {name: shuffled.count(name) for name in "abc"}
    found = bounds(transport_bounds(before, after))
    tables = []
    for cells in itertools.product(range(max(units[:3]) + 1), repeat=4):
        t = np.array([[cells[0], cells[1], 0], [cells[2], cells[3], 0], [0, 0, 0]])
        t[0, 2], t[1, 2] = before["a"] - t[0].sum(), before["b"] - t[1].sum()
        t[2] = [after[n] - t[:2, i].sum() for i, n in enumerate("abc")]
        if (t >= 0).all() and t[2].sum() == before["c"]:
            tables.append(t)
    stack = np.stack(tables)
    for (i, a), (j, b) in itertools.product(enumerate("abc"), repeat=2):
        assert found[a, b] == (stack[:, i, j].min(), stack[:, i, j].max())


def test_movers_steps_and_jumps() -> None:
    moved = groups.movers(QUARTERS, "c_mfc", ORDER, NO_BREAKS)
    first = moved[moved["period_to"] == "2023-Q4"].set_index("entity_id")
    assert first["steps"].to_dict() == {"A": 2, "B": 2, "C": -1, "D": 0}
    assert first["is_jump"].to_dict() == {"A": True, "B": True, "C": False, "D": False}
    assert first["direction"].to_dict() == {"A": "up", "B": "up", "C": "down", "D": "stay"}
    counted = groups.summary(moved).iloc[0]
    assert counted[["up", "down", "stay", "jumps", "units"]].tolist() == [2, 1, 1, 2, 4]


def test_a_break_ends_the_chain() -> None:
    breaks = store.reference("series_breaks")
    moved = groups.movers(QUARTERS, "c_mfc", ORDER, breaks)
    assert set(moved["period_to"]) == {"2023-Q4"}
    assert groups.crosses_break(breaks, "c_mfc", "2023-Q4", "2025-Q2")
    assert groups.crosses_break(breaks, "b_region_index", "2023", "2024-H1")
    assert not groups.crosses_break(breaks, "b_region_index", "2024-H1", "2025-H1")
    assert not groups.crosses_break(breaks, "d_grades", "2023", "2024")
    kinds = groups.breaks_between(breaks, "c_mfc", "2024-Q4", "2025-Q1")["kind"]
    assert set(kinds) == {"participants", "indicators"}


def test_two_groups_in_one_period_are_refused() -> None:
    twice = pd.concat([QUARTERS, frame([("A", "2023-Q3", "high")])])
    with pytest.raises(ValueError, match="A has two groups of c_mfc in 2023-Q3"):
        groups.chains(twice, "c_mfc")


def test_few_named_regions_get_no_share() -> None:
    table = groups.observed_transitions(QUARTERS, "c_mfc", ORDER, store.reference("series_breaks"))
    assert table["count"].tolist() == [2, 1, 1]
    assert table["share"].isna().all()
    assert table["interval_kind"].eq("none").all()
    store.validate("transitions", table.assign(is_synthetic=False))


def test_many_regions_get_shares_with_intervals() -> None:
    rng = np.random.default_rng(3)
    rows = [
        (f"r{i}", p, ORDER[g])
        for i in range(60)
        for p, g in zip(("2023-Q1", "2023-Q2"), rng.integers(0, 3, 2), strict=True)
    ]
    table = groups.observed_transitions(frame(rows), "c_mfc", ORDER, NO_BREAKS, seed=1, draws=300)
    assert len(table) == 9
    assert table["count"].sum() == 60
    assert table.groupby("group_from")["share"].sum().to_numpy() == pytest.approx(1)
    assert ((table["low"] <= table["share"]) & (table["share"] <= table["high"])).all()
    assert (table["high"] - table["low"]).min() > 0.1
    store.validate("transitions", table.assign(is_synthetic=True))
    assert groups.observed_transitions(frame(rows[:1]), "c_mfc", ORDER, NO_BREAKS).empty


def test_bounded_transitions_of_the_published_year() -> None:
    totals = {
        "2023-Q1": {"high": 47, "medium": 22, "low": 5},
        "2023-Q3": {"high": 51},
        "2023-Q4": {"high": 63, "medium": 22, "low": 0},
    }
    table = groups.bounded_transitions(totals, "c_mfc", ORDER, NO_BREAKS)
    assert table["note"].eq("no table possible: 74 before, 85 after").all()
    assert table["low"].isna().all()
    totals["2023-Q1"]["medium"] = 33
    fixed = {("2023-Q1", "2023-Q4", "low", "high"): 2}
    repaired = groups.bounded_transitions(totals, "c_mfc", ORDER, NO_BREAKS, fixed)
    assert bounds(repaired)["medium", "high"] == (11, 33)
    assert bounds(repaired)["low", "high"] == (2, 5)
    assert repaired.set_index(["group_from", "group_to"]).loc[("low", "low"), "count"] == 0
    for result in (table, repaired):
        store.validate("transitions", result.assign(is_synthetic=False))
    assert groups.bounded_transitions({}, "c_mfc", ORDER, NO_BREAKS).empty


def test_counts_by_hand() -> None:
    chains = pd.DataFrame({"q1": ["a", "b", None], "q2": ["b", "b", "a"], "q3": ["b", "a", "a"]})
    counts = groups_markov.transition_counts(chains, ["a", "b"])
    assert counts.to_numpy().tolist() == [[1, 1], [1, 2]]
    with pytest.raises(ValueError, match="'b'"):
        groups_markov.transition_counts(chains, ["a"])
    shares = groups_markov.row_shares(counts)
    assert shares.to_numpy() == pytest.approx(np.array([[0.5, 0.5], [1 / 3, 2 / 3]]))
    assert groups_markov.mobility(shares) == pytest.approx(2 - 0.5 - 2 / 3)
    empty = pd.DataFrame([[0, 0], [1, 1]])
    assert groups_markov.row_shares(empty).iloc[0].isna().all()
    assert groups_markov.row_shares(empty, 0.5).iloc[0].tolist() == [0.5, 0.5]


def test_empty_and_full_cells_are_not_certain() -> None:
    chains = pd.DataFrame({"q1": ["a"] * 10, "q2": ["a"] * 10})
    table = groups_markov.share_intervals(chains, ["a", "b"], draws=200).set_index(["group_from", "group_to"])
    assert table.loc[("a", "b"), "high"] == pytest.approx(0.217, abs=0.002)  # Jeffreys, 0 of 10
    assert table.loc[("a", "a"), "low"] == pytest.approx(1 - 0.217, abs=0.002)
    assert table.loc[("b", "a"), ["share", "low", "high"]].isna().all()


def test_intervals_cover() -> None:
    truth, hits = np.array([[0.8, 0.2], [0.3, 0.7]]), []
    rng = np.random.default_rng(5)
    for run in range(120):
        state = rng.integers(0, 2, 60)
        columns = [state]
        for _ in range(3):
            state = np.array([rng.choice(2, p=truth[s]) for s in state])
            columns.append(state)
        chains = pd.DataFrame(np.column_stack(columns))
        table = groups_markov.share_intervals(chains, [0, 1], draws=300, seed=run)
        cell = table.iloc[1]
        hits.append(cell["low"] <= 0.2 <= cell["high"])
    assert 0.89 <= np.mean(hits) <= 1.0


def test_homogeneity_sees_a_change() -> None:
    same = [pd.DataFrame([[40, 10], [10, 40]])] * 3
    assert groups_markov.homogeneity(same)["p_value"] == pytest.approx(1)
    changed = groups_markov.homogeneity([same[0], pd.DataFrame([[10, 40], [10, 40]])])
    assert changed["p_value"] < 1e-6
    assert changed["df"] == 2
    alone = groups_markov.homogeneity([pd.DataFrame([[5, 0], [0, 0]])] * 2)
    assert alone["df"] == 0
    assert np.isnan(alone["p_value"])


def test_steady_state_warns_and_refuses() -> None:
    shares = pd.DataFrame([[0.5, 0.5], [0.25, 0.75]])
    with pytest.warns(UserWarning, match="3 steps"):
        long_run = groups_markov.steady_state(shares, 3)
    assert long_run.to_numpy() == pytest.approx([1 / 3, 2 / 3])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        groups_markov.steady_state(shares, 20)
    with pytest.raises(ValueError, match="closed classes"):
        groups_markov.steady_state(pd.DataFrame(np.eye(2)), 20)
    with pytest.raises(ValueError, match="sum to one"):
        groups_markov.steady_state(pd.DataFrame([[0.0, 0.0], [0.5, 0.5]]), 20)


def test_first_passage_times() -> None:
    times = groups_markov.first_passage(pd.DataFrame([[0.5, 0.5], [0.25, 0.75]]))
    assert times.to_numpy() == pytest.approx(np.array([[3.0, 2.0], [4.0, 1.5]]))
    trapped = groups_markov.first_passage(pd.DataFrame([[1.0, 0.0], [0.5, 0.5]]))
    assert trapped.iloc[0, 1] == np.inf
    assert trapped.iloc[1, 0] == pytest.approx(2)
    assert trapped.iloc[1, 1] == np.inf


def test_quantile_classes_by_period() -> None:
    values = pd.DataFrame({"y": np.arange(1.0, 11.0)})
    assert groups_markov.quantile_classes(values)["y"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_records_at_any_dates_are_consecutive() -> None:
    records = pd.DataFrame({"unit": [1, 1, 1, 2, 2], "when": [3, 1, 2, 9, 4], "state": [2, 1, 1, 1, 2]})
    counts = groups_markov.counts_of_long(records, "unit", "when", "state", [1, 2])
    assert counts.to_numpy().tolist() == [[1, 1], [1, 0]]


def test_assumed_middle_closes_the_printed_totals() -> None:
    totals = {
        "2023-Q1": {"high": 47, "medium": 22, "low": 5},
        "2023-Q3": {"high": 51},
        "2023-Q4": {"high": 63, "medium": 22, "low": 0},
    }
    closed = groups.closed_totals(totals, {"2023": 85}, "medium")
    assert closed["2023-Q1"]["medium"] == 33
    assert closed["2023-Q4"] == totals["2023-Q4"]
    assert closed["2023-Q3"] == {"high": 51}
    assert totals["2023-Q1"]["medium"] == 22
    cells = bounds(groups.bounded_transitions(closed, "c_mfc", ORDER, NO_BREAKS))
    assert cells["medium", "high"] == (11, 33)
    assert groups.closed_totals(totals, {}, "medium") == totals
