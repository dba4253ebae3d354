"""Right-censored times: derivatives, recovery of planted parameters, bounds."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.tools.numdiff import approx_fprime

from helpers.analysis.effects import CensoredHazard, CensoredLogNormal, EffectsError, Imputation, Panel, share_in_term
from helpers.analysis.effects.censored import _LogNormal
from helpers.analysis.effects.censored_checks import censored_checks, quarter_cases
from helpers.analysis.effects.checks import diagnostics
from helpers.synthetic.simulate import panel as simulate


def cases(n=1500, seed=0, limit=20.0):
    rng = np.random.default_rng(seed)
    x = pd.DataFrame({"const": 1.0, "treated": rng.integers(0, 2, n)})
    time = np.exp(2.5 - 0.3 * x.treated + 0.6 * rng.standard_normal(n))
    return np.minimum(time, limit), x, time > limit


def test_derivatives_equal_differences():
    y, x, censored = cases(300)
    model = _LogNormal(np.log(y), x, censored.to_numpy())
    at = np.asarray([2.3, -0.2, -0.4])
    np.testing.assert_allclose(model.score(at), approx_fprime(at, model.loglike, centered=True), rtol=1e-5)
    np.testing.assert_allclose(model.hessian(at), approx_fprime(at, model.score, centered=True), rtol=1e-4)


def test_planted_effect_is_found_where_leaving_open_cases_out_misses_it():
    found, naive, hits = [], [], 0
    for seed in range(40):
        y, x, censored = cases(seed=seed)
        fit = CensoredLogNormal(y, x, censored).fit()
        row = fit.table.loc["treated"]
        found.append(row.estimate)
        hits += row.ci_low <= -0.3 <= row.ci_high
        closed = ~censored
        naive.append(np.log(y)[closed & (x.treated == 1)].mean() - np.log(y)[closed & (x.treated == 0)].mean())
    assert np.mean(found) == pytest.approx(-0.3, abs=0.02) and hits >= 35
    assert np.mean(naive) > -0.2
    assert fit.sigma == pytest.approx(0.6, abs=4 * fit.sigma_se)
    assert fit.n_censored == int(censored.sum()) and "open" in fit.reading


def test_share_and_median():
    y, x, censored = cases(5000)
    fit = CensoredLogNormal(y, x, censored).fit()
    rows = [[1, 0], [1, 1]]
    share = fit.share_within(15, rows)
    assert share.share[1] == pytest.approx((y[x.treated == 1] <= 15).mean(), abs=0.02)
    assert (share.low < share.share).all() and (share.share < share.high).all()
    np.testing.assert_allclose(fit.median(rows), np.exp([2.5, 2.2]), rtol=0.05)


def test_clusters_widen_the_interval_when_cases_are_copies():
    y, x, censored = cases(400)
    again = np.repeat(np.arange(400), 3)
    model = CensoredLogNormal(y.to_numpy()[again], x.iloc[again], censored.to_numpy()[again]).fit()
    cluster = CensoredLogNormal(y.to_numpy()[again], x.iloc[again], censored.to_numpy()[again], again).fit()
    assert cluster.table.std_error["treated"] > 1.5 * model.table.std_error["treated"]
    assert cluster.n_clusters == 400


def test_few_open_cases_are_said_and_bad_rows_counted():
    y, x, censored = cases(500, limit=400.0)
    y = y.to_numpy().copy()
    y[:3] = [np.nan, 0.0, -1.0]
    fit = CensoredLogNormal(y, x, censored).fit()
    assert fit.dropped == 3 and fit.n == 497 and "may be treated as observed" in fit.reading


def test_refusals():
    y, x, censored = cases(50)
    with pytest.raises(EffectsError, match="collinear"):
        CensoredLogNormal(y, x.assign(other=x.treated), censored).fit()
    with pytest.raises(EffectsError, match="no finished case"):
        CensoredLogNormal(y, x, np.ones(50, dtype=bool)).fit()
    with pytest.raises(EffectsError, match="lengths"):
        CensoredLogNormal(y[:10], x, censored).fit()


def test_share_in_term_bounds_by_hand():
    found = share_in_term([3, 5, 12, 4, 20], [False, False, False, True, True], term=10)
    assert (found.low, found.high) == (0.4, 0.6)
    assert (found.n, found.n_open, found.n_undecided) == (5, 2, 1)
    assert found.median_low == 5 and found.median_high == 12
    assert np.isnan(share_in_term([1, 2, 3], [True, True, False], 5).median_high)
    with pytest.raises(EffectsError):
        share_in_term([], [], 5)


# ------------------------------------------------------------------ hazards stratified by service


def services(seed=0, n=30, each=40, ratio=1.6, limit=12.0):
    """Cases of services with very different paces; treated ones end ``ratio`` times as fast, at any age."""
    rng = np.random.default_rng(seed)
    service = np.repeat(np.arange(n), each)
    treated = rng.integers(0, 2, n * each) * (service % 2)
    pace = np.exp(rng.normal(-1.8, 0.8, n))[service] * ratio**treated
    time = rng.exponential(1 / pace)
    return np.minimum(time, limit), pd.DataFrame({"treated": treated}), time > limit, service


def test_hazards_by_service_find_the_planted_ratio_and_cover_it():
    found, hits = [], 0
    for seed in range(15):
        y, x, is_open, service = services(seed)
        row = CensoredHazard(y, x, is_open, service).fit().table.loc["treated"]
        found.append(row.estimate)
        hits += row.ratio_low <= 1.6 <= row.ratio_high
    assert np.mean(found) == pytest.approx(np.log(1.6), abs=0.05) and hits >= 12


def test_strata_matter_where_treated_services_are_slow():
    """Without strata the slow services that were treated hide the effect; the partial likelihood is by hand."""
    rng = np.random.default_rng(3)
    service = np.repeat(np.arange(40), 50)
    treated = ((service % 2) & (rng.random(2000) < 0.5)).astype(int)
    time = rng.exponential(np.where(service % 2, 20.0, 5.0) / 1.6**treated)
    x = pd.DataFrame({"treated": treated})
    inside = CensoredHazard(time, x, np.zeros(2000, bool), service).fit()
    pooled = CensoredHazard(time, x, np.zeros(2000, bool), np.zeros(2000, int)).fit()
    assert inside.table.ratio["treated"] == pytest.approx(1.6, abs=0.3) and pooled.table.ratio["treated"] < 0.9
    two = CensoredHazard([1.0, 2, 3, 4], [[1], [0], [1], [0]], [0, 0, 0, 1], list("aaaa")).fit()
    grid = np.linspace(-3, 5, 80_001)
    by_hand = grid - np.log(2 * np.exp(grid) + 2) - np.log(np.exp(grid) + 2) + grid - np.log(np.exp(grid) + 1)
    assert two.table.estimate.iloc[0] == pytest.approx(grid[by_hand.argmax()], abs=1e-3)
    assert two.log_likelihood == pytest.approx(by_hand.max(), abs=1e-6)


def test_hazards_count_what_is_left_out_and_cluster_by_region():
    y, x, is_open, service = services(n=20, limit=3.0)
    y[:3] = [np.nan, 0.0, -1.0]
    is_open[service == 5] = True
    fit = CensoredHazard(y, x, is_open, service, service // 2).fit()
    assert (fit.dropped, fit.n, fit.n_strata, fit.n_idle, fit.n_clusters) == (3, 797, 20, 1, 10)
    assert fit.n_censored == int(is_open[3:].sum()) and "keep the fast ones" in fit.reading
    again = np.repeat(np.arange(800), 3)
    y[:3] = 1.0
    model = CensoredHazard(y[again], x.iloc[again], is_open[again], service[again]).fit()
    cluster = CensoredHazard(y[again], x.iloc[again], is_open[again], service[again], again).fit()
    assert cluster.table.std_error["treated"] > 1.4 * model.table.std_error["treated"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"X": np.arange(800) // 40}, "no variation within any service"),
        ({"censored": np.ones(800, dtype=bool)}, "no finished case"),
        ({"strata": np.zeros(3)}, "lengths"),
    ],
)
def test_hazards_refuse(changes, message):
    y, x, is_open, service = services(n=20)
    roles = {"y": y, "X": x, "censored": is_open, "strata": service} | changes
    with pytest.raises(EffectsError, match=message):
        CensoredHazard(**roles).fit()


# ------------------------------------------------------------------ checks of a panel


def make_panel(frame):
    return Panel(
        frame, unit="service_id", time="month", cohort="optimised_month", cluster="region_iso", strata="pre_grade",
        audit="is_audit_window", exposure="applications", censored="open_count",
    )  # fmt: skip


def test_quartiles_become_quarters_of_the_applications():
    frame = simulate("baseline", 0, n_regions=8).frame
    frame.loc[frame.index % 5 == 0, "q75_days"] = np.nan
    frame.loc[frame.index % 10 == 0, "median_days"] = np.nan
    panel = make_panel(frame)
    cases = quarter_cases(panel, anticipation=1, most=30)
    assert len(np.unique(cases.unit)) == cases.services <= 30 and len(cases.days) == 4 * cases.months
    assert not panel.audit[cases.unit, cases.month].any()
    assert not (panel.event[cases.unit, cases.month] == -1).any()
    grades = [np.unique(panel.stratum_code[np.unique(cases.unit[cases.treated])], return_counts=True)]
    others = np.setdiff1d(cases.unit, cases.unit[cases.treated])
    assert set(panel.stratum_code[others]) <= set(grades[0][0])
    frame = pd.DataFrame({"unit": cases.unit, "month": cases.month, "days": cases.days, "open": cases.is_open})
    days = [panel.matrix(name) for name in ("q25_days", "median_days", "q75_days")]
    for (unit, month), rows in frame.groupby(["unit", "month"]):
        known = [x[unit, month] for x in days if np.isfinite(x[unit, month])]
        assert sorted(rows.days[~rows.open]) == sorted(known)
        assert (rows.days[rows.open] == max(known)).all() and rows.open.sum() == 4 - len(known)


def test_both_regressions_find_the_effect_of_a_panel_and_none_where_there_is_none():
    errors, wrong = [], 0
    for seed in range(2):
        drawn = simulate("rtm_wave_audit", seed, n_regions=30)
        normal, hazard = censored_checks(make_panel(drawn.frame), seed=seed)
        errors.append(normal.estimate - drawn.truth.att)
        assert normal.is_faster and hazard.is_faster and hazard.low > 1 and normal.high < 0
        assert 60 < normal.services <= 80 and normal.clusters <= 30
        null = censored_checks(make_panel(simulate("no_effect", seed, n_regions=30).frame), seed=seed)
        wrong += sum(check.p_value < 0.05 for check in null)
    assert abs(np.mean(errors)) < 0.08 and wrong <= 2


def test_diagnostics_say_what_the_regressions_say_from_two_per_cent_on():
    frame = simulate("baseline", 1, n_regions=12).frame
    panel = make_panel(frame)
    fit = Imputation().fit(panel, "log_days")
    table = diagnostics("days", fit, panel).set_index("check")
    assert table.statistic["censored"] > 0.02
    assert table.reading["censored_log_normal"].startswith("Log-normal regression with open applications as longer, 70")
    assert table.reading["censored_hazard"].endswith("times as fast, which does not contradict the estimate.")
    assert table.statistic["censored_log_normal"] < 0 and table.statistic["censored_hazard"] > 1
    few = diagnostics("days", fit, make_panel(frame.assign(open_count=0.0))).set_index("check")
    assert few.reading["censored"].endswith("treated as observed.") and "censored_hazard" not in few.index
    bare = diagnostics("days", fit, make_panel(frame.drop(columns="q25_days"))).set_index("check")
    assert "censored_hazard" not in bare.index and "censored" in bare.index


def test_a_check_against_the_estimate_fails_it():
    """Quartiles that say the opposite of the median: the estimate must not be called an effect."""
    frame = simulate("baseline", 1, n_regions=12).frame
    after = frame.is_treated.to_numpy()
    for name in ("q25_days", "q75_days", "median_days"):
        frame[name] = np.where(after, 3 * frame[name], frame[name])
    panel = make_panel(frame)
    table = diagnostics("days", Imputation().fit(panel, "log_days"), panel).set_index("check")
    assert not table.passed["censored_log_normal"] and not table.passed["censored_hazard"]
    assert "against the estimate" in table.reading["censored_hazard"]


def test_too_few_services_are_said():
    frame = simulate("baseline", 1, n_regions=12).frame
    kept = frame.groupby("region_iso").service_id.transform(lambda x: x.isin(x.unique()[:2]))
    panel = make_panel(
        frame[kept & ((frame.cohort == 0) | (frame.service_id == frame.service_id[frame.cohort > 0].min()))]
    )
    with pytest.raises(EffectsError, match="at least 5 of each"):
        censored_checks(panel)
