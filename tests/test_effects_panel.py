"""The panel: what it refuses, what it drops and counts, and that it reads months as people write them."""

import numpy as np
import pandas as pd
import pytest

from helpers.analysis.effects import NEVER, EffectsError, Panel
from helpers.analysis.effects.coding import code, cohort_number, month_label, period_number


def frame(**changes):
    base = pd.DataFrame(
        {
            "u": np.repeat(["a", "b", "c", "d"], 3),
            "t": np.tile([1, 2, 3], 4),
            "g": np.repeat([2, 3, 0, 0], 3),
            "r": np.repeat([1, 2, 1, 2], 3),
            "s": np.repeat(["x", "y", "x", "y"], 3),
            "w": 1.0,
            "y": np.arange(12.0),
        }
    )
    return base.assign(**changes)


def make(data=None, **roles):
    return Panel(
        frame() if data is None else data, **({"unit": "u", "time": "t", "cohort": "g", "cluster": "r"} | roles)
    )


def test_codes_and_shapes():
    panel = make(strata="s", exposure="w")
    assert (panel.n_units, panel.n_times, panel.n_clusters) == (4, 3, 2)
    assert panel.matrix("y").tolist() == np.arange(12.0).reshape(4, 3).tolist()
    assert panel.cohort.tolist() == [2, 3, NEVER, NEVER]
    assert panel.treated.tolist() == [[False, True, True], [False, False, True], [False] * 3, [False] * 3]
    assert panel.event[0].tolist() == [-1, 0, 1] and (panel.event[2] == NEVER).all()
    assert list(panel.stratum_labels) == ["x", "y"]
    assert panel.weight_matrix().sum() == 12
    assert panel.unit_values("s").tolist() == ["x", "y", "x", "y"]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "uint64"])
@pytest.mark.parametrize("values", [[5, 3, 5, 9], [0, 1, 2, 0], [100, 101, 100, 127]])
def test_whole_numbers_are_coded_like_any_other_values(values, dtype):
    """The table of a narrow range gives what sorting gives, whatever the width of the numbers."""
    coded = code(pd.DataFrame({"x": np.asarray(values, dtype=dtype)}), "x")
    labels, where = np.unique(values, return_inverse=True)
    assert coded.labels.tolist() == labels.tolist() and coded.codes.tolist() == where.tolist()
    assert coded.labels.dtype == dtype and coded.codes.dtype == np.int32


@pytest.mark.parametrize(
    "values", [[-100, 100, 27], [-(2**31), 2**31 - 1, 0], [-(2**62), 2**62, 7], [2**40, 2**40 + 1]]
)
def test_wide_and_far_ranges_do_not_overflow(values):
    coded = code(pd.DataFrame({"x": np.asarray(values, dtype="int64")}), "x")
    assert coded.labels[coded.codes].tolist() == values and coded.labels.tolist() == sorted(values)
    if max(map(abs, values)) <= 127:
        small = code(pd.DataFrame({"x": np.asarray(values, dtype="int8")}), "x")
        assert small.labels[small.codes].tolist() == values


def test_cohorts_named_in_two_ways_are_one():
    """0 and a missing value both mean never; a row in either way is no change of treatment."""
    mixed = make(frame(g=[2.0, 2, 2, 3, 3, 3, 0, np.nan, 0, np.nan, 0, np.inf]))
    assert mixed.cohort.tolist() == [2, 3, NEVER, NEVER]
    with pytest.raises(EffectsError, match="cohort changes within 1 of 4 units"):
        make(frame(g=[2, 2, 3, 3, 3, 3, 0, 0, 0, 0, 0, 0]))


def test_order_of_rows_changes_nothing():
    first, second = make(strata="s"), make(frame().sample(frac=1, random_state=1), strata="s")
    assert np.array_equal(first.matrix("y"), second.matrix("y"))
    assert np.array_equal(first.cluster_code, second.cluster_code)
    assert list(first.units) == list(second.units)
    assert second.unit_values("s").tolist() == ["x", "y", "x", "y"]


@pytest.mark.parametrize(
    "months",
    [
        ["2024-01", "2024-02", "2024-03"],
        list(pd.period_range("2024-01", periods=3, freq="M")),
        list(pd.date_range("2024-01-01", periods=3, freq="MS")),
        [24288, 24289, 24290],
    ],
)
def test_months_in_any_form(months):
    data = frame(t=months * 4, g=np.repeat([months[1], months[2], None, None], 3))
    panel = make(data)
    assert panel.times.tolist() == [24288, 24289, 24290]
    assert panel.cohort.tolist() == [24289, 24290, NEVER, NEVER]
    assert panel.time_labels[0] == "2024-01"


def test_never_is_written_in_many_ways():
    assert {cohort_number(x) for x in (0, None, "", "never", float("nan"), float("inf"), pd.NaT, np.nan)} == {NEVER}
    assert cohort_number("2024-06") == 2024 * 12 + 5
    assert period_number(np.int64(7)) == 7 and period_number("7") == 7 and period_number(7.0) == 7
    assert month_label(2024 * 12 + 5) == "2024-06" and month_label(2007) == "2007"
    for bad in ("June", 2.5, "2024-13", object()):
        with pytest.raises(EffectsError, match="no step of time"):
            period_number(bad)


def test_joint_keys_and_categories():
    data = frame(u=np.tile(np.repeat(["1", "2"], 3), 2), r=np.repeat([1, 1, 2, 2], 3))
    with pytest.raises(EffectsError, match="more than once"):
        make(data)
    panel = make(data.astype({"s": "category"}), unit=("r", "u"), strata="s")
    assert panel.units.tolist() == [(1, "1"), (1, "2"), (2, "1"), (2, "2")]
    assert list(panel.stratum_labels) == ["x", "y"]


REFUSED = {
    "duplicate months": (frame().pipe(lambda d: pd.concat([d, d.head(1)])), {}, "more than once, the first: a in 1"),
    "changing cohort": (frame(g=[2, 2, 0] + [3] * 3 + [0] * 6), {}, "absorbing"),
    "changing region": (frame(r=[1, 1, 2] + [2] * 9), {}, "cluster changes within 1 of 4"),
    "changing grade": (frame(s=["x", "z", "x"] + ["y"] * 9), {"strata": "s"}, "strata changes within 1 of 4"),
    "no controls": (frame(g=2), {}, "no controls"),
    "nobody treated": (frame(g=0), {}, "no treated service-month"),
    "treated after the end": (frame(g=9), {}, "no treated service-month"),
    "everybody always treated": (frame(g=1), {}, "nothing to compare"),
    "one region": (frame(r=1), {}, "single region"),
    "negative time": (frame(t=[-1, 2, 3] * 4), {}, "negative time"),
    "missing month": (frame(t=[np.nan, 2, 3] * 4), {}, "time is missing in 4 rows"),
    "missing region": (frame(r=[np.nan] * 3 + [1] * 9), {}, "cluster is missing in 3 rows"),
    "no rows": (frame().head(0), {}, "no rows"),
    "no such column": (frame(), {"strata": "grade"}, "no column grade"),
    "audit in words": (frame(s="2024-01"), {"audit": "s"}, "true or false"),
    "two treatments": (frame(), {"treatment": "w"}, "either cohort"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_a_reason(case):
    data, roles, message = REFUSED[case]
    with pytest.raises(EffectsError, match=message):
        make(data, **roles)


def test_status_instead_of_cohort():
    status = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    panel = make(frame(d=status), cohort=None, treatment="d")
    assert panel.cohort.tolist() == [2, 3, NEVER, NEVER]
    with pytest.raises(EffectsError, match="goes back to 0 in 1 of 4"):
        make(frame(d=[0, 1, 0, *status[3:]]), cohort=None, treatment="d")
    with pytest.raises(EffectsError, match="must be 0 or 1"):
        make(frame(d=[0, 2, 2, *status[3:]]), cohort=None, treatment="d")


def test_services_without_an_untreated_month_are_dropped_and_counted():
    panel = make(frame(g=np.repeat([1, 3, 0, 0], 3)))
    assert [(d.reason, d.rows, d.units) for d in panel.drops] == [("no untreated month of the service", 3, 1)]
    assert list(panel.units) == ["b", "c", "d"] and list(panel.left_out) == ["a"]
    assert panel.matrix("y").tolist() == np.arange(3.0, 12).reshape(3, 3).tolist()
    assert panel.unit_values("s").tolist() == ["y", "x", "y"]
    described = panel.describe().set_index("item")["value"]
    assert described["dropped: no untreated month of the service"] == 3


def test_missing_grade_is_a_stratum_of_its_own():
    panel = make(frame(s=[None] * 3 + ["y"] * 9), strata="s")
    assert list(panel.stratum_labels) == ["y", "(missing)"]


def test_values_that_are_refused():
    panel = make(frame(text="a", deep=[-np.inf] + [0.0] * 11, minus=[-1.0] + [0.0] * 11))
    for column, message in [("text", "not a number"), ("deep", "infinite in 1 rows"), ("nothing", "no column")]:
        with pytest.raises(EffectsError, match=message):
            panel.matrix(column)
    with pytest.raises(EffectsError, match="negative in 1 rows"):
        panel.weight_matrix("minus")
    with pytest.raises(EffectsError, match="weights need a column"):
        panel.weight_matrix()


def test_describe_counts_what_has_no_control():
    data = pd.DataFrame(
        {
            "u": np.repeat(["a", "b"], 4),
            "t": np.tile([1, 2, 3, 4], 2),
            "g": np.repeat([2, 4], 4),
            "r": np.repeat([1, 2], 4),
            "open": [0, 0, 1, 1, 0, 0, 0, 0],
            "n": [2] * 8,
        }
    )
    described = make(data, censored="open", exposure="n").describe().set_index("item")["value"]
    assert described["service-months treated"] == 4
    assert described["treated service-months without any control"] == 2
    assert described["open (censored) share"] == pytest.approx(2 / 16)
    assert described["services of cohort 2"] == 1 and described["balance"] == 1
    alone = make(data, censored="open").describe().set_index("item")["value"]
    assert alone["open (censored) share"] == pytest.approx(2 / 8)


def test_first_audit_month_without_a_row_is_still_the_audit_date():
    rows = [(u, t, 6 if u < 4 else 0, u % 3, 3 <= t <= 5, 0.0) for u in range(9) for t in range(1, 9)]
    data = pd.DataFrame(rows, columns=["u", "t", "g", "r", "a", "y"])
    holes = data[
        ~((data.u == 1) & (data.t == 3)) & ~((data.u == 2) & (data.t == 5)) & ~((data.u == 5) & data.t.isin([2, 3]))
    ]
    panel = make(holes, audit="a")
    assert (panel.audit_code == 2).all()
    late = data.assign(a=data.a & ~((data.u == 7) & (data.t == 3)))
    # observed outside the audit: a date of its own
    assert make(late, audit="a").audit_code.tolist() == [2] * 7 + [3, 2]
    assert (make(data.assign(a=False), audit="a").audit_code == -1).all()
