"""Imputation: by hand, against regressions on dummies, against itself without a region, and however the rows come."""

import itertools
import os
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.analysis.effects import (
    EffectsError,
    FewClustersWarning,
    Imputation,
    Panel,
    PoissonImputation,
    cluster_jackknife,
)
from helpers.synthetic import simulate

pytestmark = pytest.mark.filterwarnings("ignore::helpers.analysis.effects.FewClustersWarning")
ROLES = dict(
    unit="service_id",
    time="month",
    cohort="optimised_month",
    cluster="region_iso",
    strata="pre_grade",
    audit="is_audit_window",
    exposure="applications",
)


def long(table, cohorts, regions=None, strata=None):
    """Frame from a table units × months."""
    values = np.asarray(table, dtype=float)
    rows = [
        (
            unit,
            month + 1,
            cohorts[unit],
            (regions or list(range(len(values))))[unit],
            (strata or ["x"] * len(values))[unit],
            y,
        )
        for unit, line in enumerate(values)
        for month, y in enumerate(line)
        if not np.isnan(y)
    ]
    return pd.DataFrame(rows, columns=["u", "t", "g", "r", "s", "y"])


def make(frame, **extra):
    return Panel(frame, unit="u", time="t", cohort="g", cluster="r", **extra)


def random_frame(seed, units=24, months=6, regions=6, holes=0.0, waves=(0, 0, 3, 5)):
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(units, months)) + rng.normal(size=(units, 1)) + np.arange(months) * 0.1
    if holes:
        table[rng.random(table.shape) < holes] = np.nan
    cohorts = [waves[i % len(waves)] for i in range(units)]
    # every region holds treated and untreated services, so that no replicate loses a cohort
    return long(
        table, cohorts, [(i // len(waves)) % regions for i in range(units)], ["ab"[(i // 4) % 2] for i in range(units)]
    )


def dummies_att(frame, by_stratum=False):
    """ETWFE by ordinary least squares: a dummy for every service, month (and stratum), cohort × month cell."""
    treated = (frame.g > 0) & (frame.t >= frame.g)
    month = frame.t.astype(str) + (frame.s if by_stratum else "")
    cell = np.where(treated, frame.g.astype(str) + "_" + frame.t.astype(str) + (frame.s if by_stratum else ""), "none")
    x = pd.concat(
        [
            pd.get_dummies(frame.u, prefix="u", dtype=float),
            pd.get_dummies(month, prefix="t", dtype=float),
            pd.get_dummies(pd.Series(cell, index=frame.index), prefix="c", dtype=float).drop(columns="c_none"),
        ],
        axis=1,
    )
    beta = pd.Series(np.linalg.lstsq(x.to_numpy(), frame.y.to_numpy(), rcond=None)[0], index=x.columns)
    cells = pd.Series(cell, index=frame.index)[treated]
    weights = cells.value_counts()
    effects = pd.Series({name: beta["c_" + name] for name in weights.index})
    return float((effects * weights).sum() / weights.sum()), effects, weights


# ------------------------------------------------------------------ by hand
def test_two_months_by_hand():
    frame = long([[0, 5], [0, 3], [0, 1], [0, 2]], [2, 2, 0, 0])
    fit = Imputation().fit(make(frame), "y")
    assert fit.att == pytest.approx(4 - 1.5)
    # without each unit: 1.5, 3.5, 2, 3
    assert fit.se == pytest.approx(np.sqrt(3 / 4 * (1 + 1 + 0.25 + 0.25)))
    assert fit.df == 3
    low, high = fit.conf_int()
    assert (low + high) / 2 == pytest.approx(2.5)
    assert (high - low) / 2 == pytest.approx(3.182446 * fit.se, rel=1e-6)
    assert fit.n_obs == 2 and fit.n_services == 2 and fit.kept == 1.0


def test_baseline_is_the_mean_of_all_untreated_months():
    frame = long([[1, 2, 10], [1, 2, 12], [1, 3, 4], [2, 2, 3]], [3, 3, 0, 0])
    # controls move by 2 and 1 from the mean of months 1 and 2; treated by 8.5 and 10.5
    assert Imputation().fit(make(frame), "y").att == pytest.approx(9.5 - 1.5)


def test_percent_is_the_transformed_interval():
    frame = long([[0, 5], [0, 3], [0, 1], [0, 2]], [2, 2, 0, 0]).rename(columns={"y": "log_y"})
    fit = Imputation().fit(make(frame), "log_y")
    assert fit.percent().estimate == pytest.approx(100 * (np.exp(2.5) - 1))
    assert fit.percent().low == pytest.approx(100 * (np.exp(fit.conf_int()[0]) - 1))
    assert fit.unit == "log_point"


def test_weights_of_applications():
    frame = long([[0, 5], [0, 3], [0, 1], [0, 2]], [2, 2, 0, 0]).assign(w=[1, 3, 1, 1, 9, 9, 9, 9])
    fit = Imputation(weights="w").fit(make(frame), "y")
    assert fit.att == pytest.approx((3 * 5 + 1 * 3) / 4 - 1.5)


def test_anticipation_leaves_months_out_of_both_sides():
    table = [[0, 0, 7, 5], [0, 0, 7, 5], [0, 0, 0, 0], [0, 0, 0, 0]]
    frame = long(table, [4, 4, 0, 0])
    assert Imputation().fit(make(frame), "y").att == pytest.approx(5 - 7 / 3)
    assert Imputation(anticipation=1).fit(make(frame), "y").att == pytest.approx(5)


def test_audit_months_leave_the_baseline():
    table = [[0, 0, 9, 1], [0, 0, 9, 1], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    frame = long(table, [4, 4, 0, 0, 0]).assign(a=lambda d: d.t == 3)
    assert Imputation().fit(make(frame, audit="a"), "y").att == pytest.approx(1)
    assert Imputation(drop_audit=False).fit(make(frame, audit="a"), "y").att == pytest.approx(1 - 3)


# ------------------------------------------------------------------ equalities
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("by_stratum", [False, True])
def test_equals_etwfe_by_dummies(seed, by_stratum):
    frame = random_frame(seed)
    att, effects, _ = dummies_att(frame, by_stratum)
    effect = "month:strata" if by_stratum else "month"
    fit = Imputation(effects=effect, fallback=()).fit(make(frame, strata="s"), "y")
    assert fit.att == pytest.approx(att, abs=1e-10)
    if not by_stratum:
        by_cohort = fit.by("cohort").set_index("group")["att"]
        for wave in (3, 5):
            mine = effects[[name.startswith(f"{wave}_") for name in effects.index]]
            assert by_cohort[str(wave)] == pytest.approx(mine.mean(), abs=1e-10)
        study = fit.event_study(leads=0).set_index("event_time")["att"]
        assert study[3] == pytest.approx(effects["3_6"], abs=1e-10)
        assert study[1] == pytest.approx((effects["3_4"] + effects["5_6"]) / 2, abs=1e-10)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000), holes=st.sampled_from([0.0, 0.1, 0.25]))
def test_replicates_equal_fits_without_the_region(seed, holes):
    frame = random_frame(seed, holes=holes, units=48)
    spec = Imputation(effects="month:strata", fallback=(), min_share=0.0)
    whole = spec.fit(make(frame, strata="s"), "y")
    without = whole.influence().set_index("cluster")["att_without"]
    thetas = []
    for region in frame.r.unique():
        part = spec.fit(make(frame[frame.r != region], strata="s"), "y")
        assert without[region] == pytest.approx(part.att, abs=1e-9)
        thetas.append(part.att)
    expected = np.sqrt(5 / 6 * ((np.asarray(thetas) - whole.att) ** 2).sum())
    assert whole.se == pytest.approx(expected, rel=1e-8)


def test_leads_equal_a_regression_on_untreated_months():
    frame = random_frame(5, months=8, waves=(0, 0, 5, 7))
    fit = Imputation(effects="month", fallback=()).fit(make(frame), "y")
    study = fit.event_study(leads=2)
    leads = study[study["kind"] == "lead"].set_index("event_time")
    untreated = frame[(frame.g == 0) | (frame.t < frame.g)].copy()
    x = pd.concat(
        [
            pd.get_dummies(untreated.u, prefix="u", dtype=float),
            pd.get_dummies(untreated.t, prefix="t", drop_first=True, dtype=float),
        ],
        axis=1,
    )
    for lead in (-2, -1):
        x[f"lead{lead}"] = ((untreated.g > 0) & (untreated.t - untreated.g == lead)).astype(float)
    found = cluster_jackknife(untreated.y, x, untreated.r)
    for lead in (-2, -1):
        assert leads.loc[lead, "att"] == pytest.approx(found.estimate[f"lead{lead}"], abs=1e-9)
        assert leads.loc[lead, "se"] == pytest.approx(found.se[f"lead{lead}"], rel=1e-7)
    test = fit.pretrend_test(leads=2)
    cov = found.cov.loc[["lead-2", "lead-1"], ["lead-2", "lead-1"]].to_numpy()
    beta = found.estimate[["lead-2", "lead-1"]].to_numpy()
    assert test.statistic == pytest.approx(beta @ np.linalg.solve(cov, beta) / 2, rel=1e-6)
    assert (test.df1, test.df2) == (2, 5)


def test_slope_before_treatment_is_a_regression_on_time():
    frame = random_frame(6, months=8, waves=(0, 0, 5, 7))
    untreated = frame[(frame.g == 0) | (frame.t < frame.g)].copy()
    x = pd.concat([pd.get_dummies(untreated[c], prefix=c, dtype=float) for c in ("u", "t")], axis=1)
    x["slope"] = np.where(untreated.g > 0, untreated.t, 0.0)
    expected = np.linalg.lstsq(x.to_numpy(), untreated.y.to_numpy(), rcond=None)[0][-1]
    test = Imputation(effects="month", fallback=()).fit(make(frame), "y").pretrend_test()
    assert test.slope == pytest.approx(expected, abs=1e-9)
    assert test.slope_low < test.slope < test.slope_high
    assert test.largest_slope == pytest.approx(max(abs(test.slope_low), abs(test.slope_high)))


# ------------------------------------------------------------------ nothing depends on how rows come
@pytest.fixture(scope="module")
def gaps():
    return simulate.panel("missing_months", 3, n_regions=14)


def numbers(fit):
    frames = [fit.event_study(leads=3).drop(columns=["kind", "unit"]), fit.by("cohort")[["att", "se"]]]
    return np.concatenate([[fit.att, fit.se, fit.kept], *[f.to_numpy(dtype=float).ravel() for f in frames]])


def test_order_of_rows_changes_nothing(gaps):
    first = Imputation().fit(Panel(gaps.frame, **ROLES), "log_days")
    second = Imputation().fit(Panel(gaps.frame.sample(frac=1, random_state=4), **ROLES), "log_days")
    assert np.array_equal(numbers(first), numbers(second))
    assert first.by("region").equals(second.by("region"))


def test_single_precision_changes_nothing_that_matters(gaps):
    small = gaps.frame.astype({"log_days": "float32"})
    first = Imputation().fit(Panel(gaps.frame, **ROLES), "log_days")
    second = Imputation().fit(Panel(small, **ROLES), "log_days")
    assert numbers(first) == pytest.approx(numbers(second), abs=1e-6)


@pytest.mark.parametrize("settings_", [{}, {"drop_audit": False}, {"weights": "applications"}, {"effects": "month"}])
def test_pieces_give_the_whole(gaps, settings_):
    spec = Imputation(**settings_)
    whole = spec.fit(Panel(gaps.frame, **ROLES), "log_days")
    by_region = [part for _, part in gaps.frame.groupby("region_iso")]
    by_chance = [part for _, part in gaps.frame.groupby(gaps.frame["service_id"].str[-1])]
    for pieces in (by_region, by_chance, reversed(by_chance)):
        streamed = spec.fit_chunks(pieces, "log_days", **ROLES)
        assert numbers(streamed) == pytest.approx(numbers(whole), abs=1e-9)
        assert streamed.n_services == whole.n_services
        assert {(d.reason, d.rows) for d in streamed.drops} == {(d.reason, d.rows) for d in whole.drops}
        pd.testing.assert_frame_equal(streamed.by("region"), whole.by("region"), rtol=1e-7, atol=1e-10)


def test_a_stream_says_nothing_of_a_region_whose_month_lost_its_comparison():
    """Sums over months cannot be taken apart: no error rather than a wrong one; other regions keep theirs."""
    frame = simulate.panel("baseline", 3, n_regions=12).frame
    first = frame["region_iso"] == "R01"
    late = first & frame["is_treated"] & (frame["time"] == frame["time"].max())
    # in the last month only optimised services of the first region are left in its stratum
    grade = frame.loc[late, "pre_grade"].iloc[0]
    frame = frame[~((frame["time"] == frame["time"].max()) & (frame["pre_grade"] == grade) & ~late)]
    spec = Imputation(effects="month:strata", fallback=(), min_share=0.5)
    whole = spec.fit(Panel(frame, **ROLES), "log_days")
    assert whole.kept < 1
    streamed = spec.fit_chunks([part for _, part in frame.groupby("region_iso")], "log_days", **ROLES)
    mine, theirs = streamed.by("region").set_index("group")["se"], whole.by("region").set_index("group")["se"]
    assert np.isnan(mine["R01"]) and np.isfinite(theirs["R01"])
    pd.testing.assert_series_equal(mine.drop("R01"), theirs.drop("R01"), rtol=1e-7)


def test_a_stream_refuses_what_needs_rows(gaps):
    pieces = [part for _, part in gaps.frame.groupby("region_iso")]
    fit = Imputation().fit_chunks(pieces, "log_days", **ROLES)
    for question in (fit.placebo, fit.permutation_test, fit.unit_effects):
        with pytest.raises(EffectsError, match="whole panel"):
            question()
    with pytest.raises(EffectsError, match="split between pieces"):
        Imputation().fit_chunks([gaps.frame.iloc[:100], gaps.frame.iloc[100:]], "log_days", **ROLES)
    with pytest.raises(EffectsError, match="single region"):
        Imputation().fit_chunks(pieces[:1], "log_days", **ROLES)
    with pytest.raises(EffectsError, match="analytic"):
        Imputation(vcov="analytic").fit_chunks(pieces, "log_days", **ROLES)
    with pytest.raises(EffectsError, match="empty"):
        Imputation().fit_chunks([], "log_days", **ROLES)


def test_hash_seed_changes_nothing():
    code = (
        "import warnings; warnings.simplefilter('ignore');"
        "from helpers.synthetic import simulate; from helpers.analysis.effects import *;"
        "f = simulate.panel('rtm_wave_audit', 2, n_regions=8).frame;"
        f"p = Panel(f, **{ROLES!r});"
        "a = Imputation().fit(p, 'log_days'); b = PoissonImputation().fit(p, 'documents');"
        "print(repr([a.att, a.se, b.att, b.se]))"
    )
    seen = set()
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONHASHSEED": seed}
        )
        assert done.returncode == 0, done.stderr
        seen.add(done.stdout)
    assert len(seen) == 1


# ------------------------------------------------------------------ what cannot be compared is dropped and counted
def test_months_without_controls_leave_the_estimand_and_are_counted():
    # after month 3 everybody is treated
    rng = np.random.default_rng(0)
    frame = long(rng.normal(size=(12, 5)), [2, 4] * 6, [i // 2 for i in range(12)])
    fit = Imputation(min_share=0.0).fit(make(frame), "y")
    assert fit.kept == pytest.approx(12 / 36)
    assert [(d.reason, d.rows) for d in fit.drops] == [
        ("treated month without an untreated comparison in its stratum", 24)
    ]
    assert set(fit.by("month")["group"]) == {"2", "3"}


def test_a_replicate_drops_what_its_region_alone_identified():
    # month 3 of the treated is comparable through region 9 only
    table = np.zeros((8, 3))
    table[:, 1] = 1.0
    table[:4, 1:] = [3.0, 8.0]
    table[4:7, 2] = np.nan
    table[7, 2] = 5.0
    frame = long(table, [2, 2, 2, 2, 0, 0, 0, 0], [0, 1, 2, 3, 4, 5, 6, 9])
    fit = Imputation(effects="month", fallback=(), min_share=0).fit(make(frame), "y")
    assert fit.att == pytest.approx(((3 - 1) + (8 - 5)) / 2)
    without = fit.influence().set_index("cluster")["att_without"]
    # no month effect is set to zero: without region 9 only month 2 remains
    assert without[9] == pytest.approx(2.0)
    assert np.isfinite(fit.se)


def test_unlinked_blocks_are_not_compared():
    # services seen in months 1-2 and services seen in months 3-4 share no month
    table = np.full((8, 4), np.nan)
    table[:4, :2] = [[0, 5], [0, 5], [0, 1], [0, 1]]
    table[4:, 2:] = [[0, 9], [0, 9], [0, 2], [0, 2]]
    frame = long(table, [2, 2, 0, 0, 4, 4, 0, 0])
    fit = Imputation(effects="month", fallback=()).fit(make(frame), "y")
    assert fit.att == pytest.approx((4 + 7) / 2)
    crossing = pd.concat(
        [frame, pd.DataFrame({"u": [9, 9], "t": [1, 4], "g": [4, 4], "r": [9, 9], "s": "x", "y": [0, 50.0]})]
    )
    again = Imputation(effects="month", fallback=(), min_share=0).fit(make(crossing), "y")
    # the ninth service is treated in a month that its only untreated month is not linked with
    assert again.att == pytest.approx(fit.att)
    assert again.kept == pytest.approx(4 / 5)


def test_chain_of_strata_is_declared_and_shown():
    rtm = simulate.panel("rtm_wave_audit", 1, n_regions=20)
    fit = Imputation().fit(Panel(rtm.frame, **ROLES), "log_days")
    assert set(fit.levels["level"]) <= {"month:strata:audit", "month:strata", "month"}
    fine = fit.levels[fit.levels["level"] == "month:strata:audit"]
    assert (fine["never_optimised"] >= 3).all()
    assert fit.note == ""
    hetero = simulate.panel("cohort_heterogeneity", 1, n_regions=20)
    fallen = Imputation().fit(Panel(hetero.frame, **ROLES), "log_days")
    assert fallen.plan.level == "month" and "regression to the mean is not removed" in fallen.note
    strict = Imputation(fallback=("month:strata",)).fit(Panel(hetero.frame, **ROLES), "log_days")
    assert strict.kept < 0.9 and strict.plan.level == "month:strata"


# ------------------------------------------------------------------ refusals and warnings
def test_few_regions_warn_and_one_is_refused():
    frame = long([[0, 5], [0, 3], [0, 1], [0, 2]], [2, 2, 0, 0])
    with pytest.warns(FewClustersWarning, match="4 regions"):
        Imputation().fit(make(frame), "y")
    with pytest.raises(EffectsError, match="single region"):
        make(frame.assign(r=1))


def test_one_treated_region_has_no_standard_error_and_says_so():
    frame = long([[0, 5], [0, 3], [0, 1], [0, 2], [0, 2]], [2, 2, 0, 0, 0], [0, 0, 1, 2, 3])
    with pytest.warns(FewClustersWarning, match="one region"):
        fit = Imputation().fit(make(frame), "y")
    assert np.isnan(fit.se) and fit.att == pytest.approx(4 - 5 / 3)


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"effects": "year"}, "unknown month effects"),
        ({"fallback": ("week",)}, "unknown month effects"),
        ({"vcov": "hc1"}, "unknown vcov"),
    ],
)
def test_unknown_settings(settings_, message):
    with pytest.raises(EffectsError, match=message):
        Imputation(**settings_)


def test_outcomes_that_are_no_numbers():
    frame = long([[0, 5], [0, 3], [0, 1], [0, 2]], [2, 2, 0, 0]).assign(text="a", nothing=np.nan, log_zero=-np.inf)
    panel = make(frame)
    for column, message in [
        ("text", "not a number"),
        ("nothing", "no value"),
        ("log_zero", "infinite"),
        ("z", "no column"),
    ]:
        with pytest.raises(EffectsError, match=message):
            Imputation().fit(panel, column)
    with pytest.raises(EffectsError, match="anticipation"):
        Imputation(anticipation=-1).fit(panel, "y")
    with pytest.raises(EffectsError, match="cannot average by"):
        Imputation().fit(panel, "y").by("colour")
    with pytest.raises(EffectsError, match="confidence level"):
        Imputation().fit(panel, "y").conf_int(95)


def test_a_negative_time_is_refused_and_a_negative_logarithm_is_not():
    frame = long([[0, 5], [0, 3], [0, 1], [0, 2]], [2, 2, 0, 0])
    frame = frame.assign(median_days=frame.y - 1, log_days=frame.y - 1)
    with pytest.raises(EffectsError, match="negative time in 4"):
        Imputation().fit(make(frame), "median_days")
    assert Imputation().fit(make(frame), "log_days").att == pytest.approx(2.5)


def test_too_few_controls_without_a_fallback():
    frame = long([[0, 5], [0, 3], [0, 1], [0, 2]], [2, 2, 0, 0])
    with pytest.raises(EffectsError, match="need 3 services never optimised"):
        Imputation(fallback=()).fit(make(frame), "y")


def test_missing_outcomes_are_counted():
    frame = random_frame(1)
    frame.loc[[3, 10], "y"] = np.nan
    fit = Imputation(effects="month").fit(make(frame), "y")
    assert [(d.reason, d.rows, d.units) for d in fit.drops] == [("y missing", 2, 2)]


@pytest.mark.parametrize("estimator", [Imputation, PoissonImputation])
@pytest.mark.parametrize("settings_", [{}, {"anticipation": 2}, {"drop_audit": False}, {"weights": "applications"}])
def test_every_row_is_effect_baseline_or_counted(gaps, estimator, settings_):
    frame = gaps.frame.reset_index(drop=True).copy()
    rng = np.random.default_rng(0)
    frame.loc[rng.choice(len(frame), 50, replace=False), ["log_days", "documents"]] = np.nan
    frame.loc[rng.choice(len(frame), 200, replace=False), "applications"] = 0
    always = frame["service_id"] == frame["service_id"][0]
    frame.loc[always, "optimised_month"] = frame["month"].min()
    panel = Panel(frame, **ROLES)
    outcome = "log_days" if estimator is Imputation else "documents"
    spec = estimator(**settings_)
    fit = spec.fit(panel, outcome)
    masks = spec.masks(panel, outcome)
    baseline = int(masks.untreated(spec.drop_audit).sum())
    idle = sum(d.rows for d in fit.drops if "zero in all untreated" in d.reason)
    assert idle == 0  # such services would leave the baseline as well
    assert fit.n_obs + baseline + sum(drop.rows for drop in fit.drops) == len(frame)
    reasons = {drop.reason for drop in fit.drops}
    assert {"no untreated month of the service", f"{outcome} missing"} <= reasons
    assert ("applications zero or missing" in reasons) == ("weights" in settings_)
    assert ("audit month left out of the baseline" in reasons) == ("drop_audit" not in settings_)
    assert ("month of anticipation, neither baseline nor effect" in reasons) == ("anticipation" in settings_)


def test_a_fit_cannot_be_changed():
    fit = Imputation().fit(make(random_frame(1)), "y")
    with pytest.raises(AttributeError):
        fit.att = 0.0


# ------------------------------------------------------------------ further questions
def test_regions_carry_the_spread_of_their_own_services():
    frame = long(
        [[0, 5], [0, 3], [0, 4], [0, 1], [0, 2], [0, 0], [0, 7], [0, 0]],
        [2, 2, 2, 0, 0, 0, 2, 0],
        [0, 0, 0, 0, 1, 1, 1, 2],
    )
    table = Imputation(effects="month").fit(make(frame), "y").by("region").set_index("group")
    trend = (1 + 2 + 0 + 0) / 4
    assert table.loc[0, "att"] == pytest.approx(4 - trend)
    assert table.loc[0, "se"] == pytest.approx(np.sqrt(3 / 2 * (1 + 1 + 0) / 9))
    assert table.loc[0, "df"] == 2
    assert table.loc[1, "services"] == 1 and np.isnan(table.loc[1, "se"])


def test_placebo_dates_use_untreated_months_alone():
    table = np.zeros((6, 6))
    table[:3, 4:] = 100.0
    table[:3, 3] = 2.0
    frame = long(table, [5, 5, 5, 0, 0, 0])
    early = Imputation().fit(make(frame), "y").placebo(shift=2)
    # fake start in month 3: effect of months 3 and 4 is 0 and 2, the real months do not enter
    assert early.att == pytest.approx(1.0)
    assert early.n_obs == 6
    with pytest.raises(EffectsError, match="at least one month"):
        Imputation().fit(make(frame), "y").placebo(shift=0)


def test_permutation_over_regions_counts_exactly():
    frame = long([[0, 9], [0, 8], [0, 1], [0, 2], [0, 0], [0, 3]], [2, 2, 0, 0, 0, 0])
    fit = Imputation(effects="month").fit(make(frame), "y")
    test = fit.permutation_test(reps=400, seed=1)
    changes = np.asarray([9, 8, 1, 2, 0, 3])
    exact = [abs(changes[list(c)].mean() - np.delete(changes, c).mean()) for c in itertools.combinations(range(6), 2)]
    share = np.mean(np.asarray(exact) >= fit.att - 1e-9)
    assert test.level == "region"
    assert test.p_value == pytest.approx(share, abs=0.04)
    assert test == fit.permutation_test(reps=400, seed=1)
    with pytest.raises(EffectsError, match="19"):
        fit.permutation_test(reps=5)


def test_permutation_among_services_keeps_strata():
    drawn = simulate.panel("no_effect", 1, n_regions=8)
    fit = Imputation().fit(Panel(drawn.frame, **ROLES), "log_days")
    test = fit.permutation_test(reps=99, seed=0)
    assert test.level == "service" and 0 < test.p_value <= 1 and test.low < 0 < test.high


def test_simultaneous_bands_are_wider_and_seeded():
    drawn = simulate.panel("baseline", 1, n_regions=20)
    fit = Imputation().fit(Panel(drawn.frame, **ROLES), "log_days")
    study = fit.event_study(leads=3, seed=1)
    assert (study["hi_simultaneous"] >= study["hi"]).all() and (study["lo_simultaneous"] <= study["lo"]).all()
    assert study.equals(fit.event_study(leads=3, seed=1))
    assert not study.equals(fit.event_study(leads=3, seed=2))
    assert list(study.columns[:8]) == [
        "event_time", "att", "se", "lo", "hi", "lo_simultaneous", "hi_simultaneous", "n",
    ]  # fmt: skip


def test_summary_holds_what_is_needed_to_judge():
    drawn = simulate.panel("missing_months", 1, n_regions=12)
    fit = Imputation().fit(Panel(drawn.frame, **ROLES), "log_days")
    items = fit.summary().set_index("item")["value"]
    assert items["effect"] == fit.att and items["regions"] == 12
    assert 1 < items["effective regions"] <= 12
    assert items["share of treated service-months kept"] == fit.kept
    assert any(str(name).startswith("left out:") for name in items.index) == bool(fit.drops)
    assert fit.never() > 0 and fit.p_value < 0.05


def test_analytic_variance_is_offered_beside_the_jackknife():
    drawn = simulate.panel("baseline", 2, n_regions=30)
    panel = Panel(drawn.frame, **ROLES)
    both = [Imputation(vcov=v).fit(panel, "log_days") for v in ("jackknife", "analytic")]
    assert both[0].att == both[1].att
    assert both[1].se == pytest.approx(both[0].se, rel=0.25)


def test_universal_study_and_honest_did():
    table = np.zeros((8, 7))
    table[:4, 4:] = 2.0
    table += np.random.default_rng(0).normal(scale=0.01, size=table.shape)
    frame = long(table, [5, 5, 5, 5, 0, 0, 0, 0])
    fit = Imputation(effects="month").fit(make(frame), "y")
    study = fit.universal(leads=2)
    assert study.reference == -1 and study.n_pre == 2 and list(study.events) == [-3, -2, 0, 1, 2]
    gaps_ = frame.pivot(index="u", columns="t", values="y")
    by_hand = (gaps_[5] - gaps_[4])[:4].mean() - (gaps_[5] - gaps_[4])[4:].mean()
    assert study.beta[2] == pytest.approx(by_hand)
    honest = fit.honest(delta="smoothness", grid=[0.0], leads=2)
    assert honest.table["low"].iloc[0] < 2 < honest.table["high"].iloc[0]


def test_reference_of_the_universal_study_lies_before_the_audit():
    drawn = simulate.panel("rtm_wave_audit", 1, n_regions=20)
    study = Imputation().fit(Panel(drawn.frame, **ROLES), "log_days").universal()
    assert study.reference == -4
    assert (study.weights[study.events[study.n_pre :] < 0] == 0).all()
    assert study.weights.sum() == pytest.approx(1)


# ------------------------------------------------------------------ known truth
@pytest.mark.parametrize(
    "scenario", ["baseline", "missing_months", "rtm_common_audit", "rtm_wave_audit", "cohort_heterogeneity"]
)
def test_finds_the_truth(scenario):
    errors, spreads = [], []
    for seed in range(40, 46):
        drawn = simulate.panel(scenario, seed)
        fit = Imputation().fit(Panel(drawn.frame, **ROLES), "log_days")
        errors.append(fit.att - drawn.truth.att)
        spreads.append(fit.se)
    assert abs(np.mean(errors)) < 3 * np.mean(spreads) / np.sqrt(len(errors))
    assert np.abs(errors).max() < 4 * max(spreads)


def test_no_effect_is_not_invented_by_regression_to_the_mean():
    rejected = 0
    for seed in range(60, 70):
        drawn = simulate.panel("no_effect_rtm_wave", seed)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fit = Imputation().fit(Panel(drawn.frame, **ROLES), "log_days")
        rejected += fit.p_value < 0.05
    assert rejected <= 3
