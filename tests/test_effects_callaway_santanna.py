"""Callaway–Sant'Anna: by hand, against leave-one-out done the long way, and on simulated panels."""

import numpy as np
import pandas as pd
import pytest

from helpers.analysis.effects import CallawaySantAnna, EffectsError, FewClustersWarning, Panel
from helpers.synthetic.simulate import panel as simulate

pytestmark = pytest.mark.filterwarnings("ignore:only . regions")


def small(seed=0, regions=8, months=10, audit=False):
    rng = np.random.default_rng(seed)
    rows = []
    for unit in range(48):
        cohort = (0, 5, 7)[unit % 3]
        level = rng.normal()
        for month in range(1, months + 1):
            effect = -0.5 if cohort and month >= cohort else 0.0
            rows.append((unit, month, cohort, unit % regions, level + 0.1 * month + effect + 0.1 * rng.normal()))
    frame = pd.DataFrame(rows, columns=["unit", "month", "cohort", "region", "y"])
    if audit:
        frame["audit"] = frame.month.isin([3, 4])
    return frame


def make(frame, **roles):
    return Panel(frame, unit="unit", time="month", cohort="cohort", cluster="region", **roles)


def long_way(frame, control="not_yet_treated", anticipation=0):
    """Simple aggregate by loops over groups, base g − 1."""
    wide = frame.pivot(index="unit", columns="month", values="y")
    cohort = frame.groupby("unit").cohort.first()
    total = weight = 0.0
    for g in sorted(set(cohort) - {0}):
        for t in range(g, wide.columns.max() + 1):
            later = (cohort > t + anticipation) if control == "not_yet_treated" else False
            others = (cohort == 0) | later
            change = wide[t] - wide[g - 1 - anticipation]
            if others.any():
                n = (cohort == g).sum()
                total += n * (change[cohort == g].mean() - change[others & (cohort != g)].mean())
                weight += n
    return total / weight


@pytest.mark.parametrize("control", ["not_yet_treated", "never_treated"])
def test_point_and_jackknife_equal_the_long_way(control):
    frame = small()
    found = CallawaySantAnna(control=control, base="g-1").fit(make(frame), "y").aggregate("simple")
    assert found.att == pytest.approx(long_way(frame, control), abs=1e-10)
    without = np.asarray([long_way(frame[frame.region != r], control) for r in range(8)])
    assert found.se == pytest.approx(np.sqrt(7 / 8 * np.sum((without - found.att) ** 2)), abs=1e-10)
    assert found.df == 7
    low, high = found.conf_int()
    assert low < -0.5 < high and found.att == pytest.approx((low + high) / 2)


def test_anticipation_moves_base_and_controls():
    frame = small()
    found = CallawaySantAnna(base="g-1", anticipation=1).fit(make(frame), "y").aggregate("simple")
    assert found.att == pytest.approx(long_way(frame, anticipation=1), abs=1e-10)


def test_bases():
    frame = small(audit=True)
    panel = make(frame, audit="audit")
    before = CallawaySantAnna().fit(panel, "y")
    assert set(before.cells.base) == {"2"}
    assert set(CallawaySantAnna(base="g-1").fit(panel, "y").cells.base) == {"4", "6"}
    universal = CallawaySantAnna(base="universal").fit(panel, "y")
    assert universal.reference == -5 and set(universal.cells.base) == {"2"}
    assert universal.drops[-1].reason == "cohort 5: no month before its audit window"
    varying = CallawaySantAnna(base="varying").fit(panel, "y")
    early = varying.cells[varying.cells.event_time < 0]
    assert (early.month.astype(int) - early.base.astype(int) == 1).all() and varying.reference is None
    base = before.cells[before.cells.month == "2"]
    assert (base.att == 0).all()


def test_aggregates_are_averages_of_cells():
    fit = CallawaySantAnna(base="g-1").fit(make(small()), "y")
    cells = fit.cells[fit.cells.event_time >= 0]
    calendar = fit.aggregate("calendar").table.set_index("month").att
    month9 = cells[cells.month == "9"]
    assert calendar["9"] == pytest.approx(np.average(month9.att, weights=month9.n_treated))
    group = fit.aggregate("group")
    assert group.table.att.iloc[0] == pytest.approx(cells[cells.cohort == "5"].att.mean())
    dynamic = fit.aggregate("dynamic")
    assert dynamic.att == pytest.approx(dynamic.table[dynamic.table.event_time >= 0].att.mean())
    assert (dynamic.table.loc[dynamic.table.event_time == -1, ["att", "se"]] == 0).all(axis=None)
    np.testing.assert_allclose(np.sqrt(np.diag(dynamic.covariance)), dynamic.table.se)
    with pytest.raises(EffectsError, match="unknown aggregate"):
        fit.aggregate("other")


def test_row_order_missing_rows_and_missing_values():
    frame = small()
    shuffled = frame.sample(frac=1, random_state=1)
    one, two = (CallawaySantAnna().fit(make(x), "y").aggregate("simple") for x in (frame, shuffled))
    assert (one.att, one.se) == pytest.approx((two.att, two.se), abs=1e-12)
    holes = frame.copy()
    holes.loc[holes.sample(20, random_state=0).index, "y"] = np.nan
    fit = CallawaySantAnna().fit(make(holes), "y")
    assert fit.drops[-1].reason == "outcome missing" and fit.drops[-1].rows == 20
    gone = CallawaySantAnna().fit(make(holes.dropna()), "y")
    assert fit.aggregate().att == pytest.approx(gone.aggregate().att, abs=1e-12)


@pytest.mark.parametrize("base", ["g-1", "varying"])
@pytest.mark.parametrize("missing", [0, 25, 48])
def test_every_cell_equals_the_difference_of_means_whichever_units_have_gaps(base, missing):
    """Units seen in every month and units with gaps go different ways; none, some and all of them have gaps."""
    frame = small()
    rng = np.random.default_rng(2)
    gaps = [(unit, int(rng.integers(1, 11))) for unit in range(missing)]
    frame.loc[pd.MultiIndex.from_frame(frame[["unit", "month"]]).isin(gaps), "y"] = np.nan
    cells = CallawaySantAnna(base=base).fit(make(frame), "y").cells
    wide = frame.pivot(index="unit", columns="month", values="y")
    cohort = frame.groupby("unit").cohort.first()
    assert len(cells) > 10
    for cell in cells.itertuples():
        g, month, start = int(cell.cohort), int(cell.month), int(cell.base)
        change = wide[month] - wide[start]
        others = (cohort == 0) | ((cohort > max(month, start)) & (cohort != g))
        assert cell.n_treated == change[cohort == g].count() and cell.n_control == change[others].count()
        assert cell.att == pytest.approx(change[cohort == g].mean() - change[others].mean(), abs=1e-12)


def test_analytic_and_jackknife_agree_with_many_regions():
    frame = small(regions=48)
    panel = make(frame)
    jackknife = CallawaySantAnna(base="g-1").fit(panel, "y").aggregate("group")
    analytic = CallawaySantAnna(base="g-1", vcov="analytic").fit(panel, "y").aggregate("group")
    assert analytic.se == pytest.approx(jackknife.se, rel=0.15) and np.isinf(analytic.df)
    assert analytic.att == jackknife.att


def test_without_the_only_treated_region_there_is_no_standard_error():
    """A replicate that cannot be made is not one that agrees with the estimate."""
    frame = small()
    frame = frame[(frame.cohort == 0) | (frame.region == 2)]
    with pytest.warns(FewClustersWarning, match="lie in one region"):
        fit = CallawaySantAnna(base="g-1").fit(make(frame), "y")
    simple = fit.aggregate("simple")
    assert np.isfinite(simple.att) and np.isnan(simple.se) and np.isnan(simple.conf_int()).all()
    # a cohort of one region: no error of its own, but one of the whole
    mixed = small()
    mixed = mixed[(mixed.cohort != 7) | (mixed.region == 2)]
    both = CallawaySantAnna(base="g-1").fit(make(mixed), "y").aggregate("group")
    assert np.isfinite(both.table.se[0]) and np.isnan(both.table.se[1]) and np.isfinite(both.se)


def test_refusals():
    for changes in [{"control": "x"}, {"base": "x"}, {"vcov": "x"}, {"anticipation": -1}]:
        with pytest.raises(EffectsError):
            CallawaySantAnna(**changes)
    frame = small()
    never = frame[frame.cohort > 0]
    fit = CallawaySantAnna(control="never_treated")
    with pytest.raises(EffectsError, match="controls"):
        fit.fit(make(never), "y")


def test_honest_needs_one_reference_and_finds_the_planted_effect():
    panel = make(small(months=10))
    with pytest.raises(EffectsError, match="universal"):
        CallawaySantAnna(base="varying").fit(panel, "y").honest()
    found = CallawaySantAnna(base="universal").fit(panel, "y").honest("relative_magnitude", grid=[0.0], last=2)
    assert found.table.high[0] < -0.3 and found.n_pre == 5 and found.breakdown > 0
    with pytest.raises(EffectsError, match="gaps"):
        CallawaySantAnna(base="universal").fit(make(small()[lambda x: x.month != 6]), "y").honest(last=9)


def test_simulated_panel_without_selection():
    """Base before the audit: nearly unbiased in the baseline and under cohort heterogeneity; covers the truth."""
    errors, hits = [], []
    for seed in range(8):
        drawn = simulate("baseline", seed)
        panel = Panel(
            drawn.frame, unit="service_id", time="month", cohort="optimised_month", cluster="region_iso",
            audit="is_audit_window",
        )  # fmt: skip
        found = CallawaySantAnna().fit(panel, "log_days").aggregate("simple")
        low, high = found.conf_int()
        errors.append(found.att - drawn.truth.att)
        hits.append(low <= drawn.truth.att <= high)
    assert abs(np.mean(errors)) < 0.02 and np.mean(hits) >= 0.75
