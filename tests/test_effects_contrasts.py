"""Contrasts, the decomposition of a naive change, and cluster inference: by hand and against plain regressions."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from helpers.analysis.effects import (
    BeforeAfter,
    EffectsError,
    FewClustersWarning,
    Imputation,
    Panel,
    TwoWayFE,
    cluster_jackknife,
    cluster_robust,
    rtm_decomposition,
    rtm_expected_change,
    wild_cluster_bootstrap,
)
from helpers.analysis.effects.inference import multipliers
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


def random_frame(seed=0, units=36, months=6, regions=6, waves=(0, 0, 3, 5)):
    rng = np.random.default_rng(seed)
    u, t = np.repeat(np.arange(units), months), np.tile(np.arange(1, months + 1), units)
    g = np.asarray(waves)[u % len(waves)]
    y = rng.normal(size=units * months) + rng.normal(size=units)[u] + 0.2 * t - 1.0 * ((g > 0) & (t >= g)) * (t - g + 1)
    return pd.DataFrame({"u": u, "t": t, "g": g, "r": (u // len(waves)) % regions, "y": y})


def make(frame, **extra):
    return Panel(frame, unit="u", time="t", cohort="g", cluster="r", **extra)


def dummies(frame):
    return pd.concat(
        [
            pd.get_dummies(frame.u, prefix="u", dtype=float),
            pd.get_dummies(frame.t, prefix="t", drop_first=True, dtype=float),
        ],
        axis=1,
    )


# ------------------------------------------------------------------ before and after
def test_before_after_by_hand():
    frame = pd.DataFrame(
        {"u": np.repeat([1, 2, 3], 3), "t": [1, 2, 3] * 3, "g": np.repeat([3, 2, 0], 3), "r": np.repeat([1, 2, 3], 3)}
    ).assign(y=[1, 3, 7, 4, 5, 6, 0, 0, 0], a=[False, True, False, True] + [False] * 5)
    fit = BeforeAfter().fit(make(frame), "y")
    changes = [7 - 2, 5 - 4, 6 - 4]
    assert fit.att == pytest.approx(np.mean(changes))
    without = [np.mean([1, 2]), 5]
    assert fit.se == pytest.approx(np.sqrt(1 / 2 * sum((x - np.mean(changes)) ** 2 for x in without)))
    assert (fit.n_obs, fit.n_services, fit.n_clusters, fit.df) == (3, 2, 2, 1)
    assert BeforeAfter("audit").fit(make(frame, audit="a"), "y").att == pytest.approx(np.mean([7 - 3, 5 - 4, 6 - 4]))
    last = BeforeAfter(last=1).fit(make(frame), "y")
    assert last.att == pytest.approx(np.mean([5, 2]))
    assert [(d.reason, d.rows) for d in last.drops] == [("outside the comparison", 1)]


def test_contrasts_say_that_they_are_no_effect():
    panel = make(random_frame())
    for spec in (BeforeAfter(), TwoWayFE()):
        fit = spec.fit(panel, "y")
        assert fit.contrast and spec.contrast
        assert fit.summary()["value"].astype(str).str.contains("not an effect").any()
        low, high = fit.conf_int()
        assert low < fit.att < high and 0 <= fit.p_value <= 1
        assert fit.percent().low < fit.percent().estimate < fit.percent().high
    assert not Imputation().fit(panel, "y").contrast


def test_contrasts_refuse_what_they_cannot_do():
    panel = make(random_frame())
    with pytest.raises(EffectsError, match="unknown baseline"):
        BeforeAfter("best")
    with pytest.raises(EffectsError, match="from 1 up"):
        BeforeAfter(last=0)
    with pytest.raises(EffectsError, match="both before"):
        BeforeAfter("audit").fit(panel, "y")
    with pytest.raises(EffectsError, match="unknown vcov"):
        TwoWayFE("hc3")
    with pytest.raises(EffectsError, match="unknown baseline"):
        rtm_decomposition(panel, "y", baseline="worst")
    with pytest.raises(EffectsError, match="in the baseline"):
        rtm_decomposition(panel, "y", baseline="audit")


# ------------------------------------------------------------------ two-way fixed effects
def test_static_coefficient_and_jackknife_equal_the_regression_on_dummies():
    frame = random_frame(1)
    x = dummies(frame).assign(d=((frame.g > 0) & (frame.t >= frame.g)).astype(float))
    expected = cluster_jackknife(frame.y, x, frame.r)
    fit = TwoWayFE().fit(make(frame), "y")
    assert fit.att == pytest.approx(expected.estimate["d"], abs=1e-10)
    assert fit.se == pytest.approx(expected.se["d"], rel=1e-8)


def test_crv1_does_not_count_services_nested_in_regions():
    frame = random_frame(2)
    x = dummies(frame).assign(d=((frame.g > 0) & (frame.t >= frame.g)).astype(float))
    full = cluster_robust(frame.y, x, frame.r)
    n, k = len(frame), 1 + 6
    expected = full.se["d"] * np.sqrt((n - x.shape[1]) / (n - k))
    assert TwoWayFE("crv1").fit(make(frame), "y").se == pytest.approx(expected, rel=1e-8)


def test_wild_bootstrap_of_the_dummy_equals_the_one_on_columns():
    frame = random_frame(3, units=60, regions=14)
    fit = TwoWayFE("wild", reps=499, seed=3).fit(make(frame), "y")
    x = dummies(frame).assign(d=((frame.g > 0) & (frame.t >= frame.g)).astype(float))
    other = wild_cluster_bootstrap(frame.y, x, frame.r, "d", reps=499, seed=3)
    assert fit.p_value == pytest.approx(other.p_value)
    assert fit.conf_int() == pytest.approx(other.conf_int, abs=1e-6)
    with pytest.raises(EffectsError, match="95 %"):
        fit.conf_int(0.9)


def test_event_study_equals_the_regression_on_dummies():
    frame = random_frame(4)
    event = np.where(frame.g > 0, frame.t - frame.g, -1).clip(-3, 2)
    x = dummies(frame)
    for e in (-3, -2, 0, 1, 2):
        x[f"e{e}"] = ((frame.g > 0) & (event == e)).astype(float)
    expected = cluster_jackknife(frame.y, x, frame.r)
    study = TwoWayFE().fit(make(frame), "y").event_study(leads=3, lags=2).set_index("event_time")
    assert list(study.index) == [-3, -2, 0, 1, 2]
    for e in study.index:
        assert study.loc[e, "att"] == pytest.approx(expected.estimate[f"e{e}"], abs=1e-9)
        assert study.loc[e, "se"] == pytest.approx(expected.se[f"e{e}"], rel=1e-6)
        assert study.loc[e, "n"] == ((frame.g > 0) & (event == e)).sum()
    nobody = make(random_frame(4, waves=(3, 5)))
    with pytest.raises(EffectsError, match="not identified"):
        TwoWayFE().fit(nobody, "y").event_study(leads=4)


def test_decomposition_adds_up_and_names_the_bad_comparisons():
    fit = TwoWayFE().fit(make(random_frame(5)), "y")
    parts = fit.decompose()
    assert parts["weight"].sum() == pytest.approx(1)
    assert (parts["weight"] * parts["estimate"]).sum() == pytest.approx(fit.att, abs=1e-10)
    assert set(parts["kind"]) == {"treated vs untreated", "earlier vs later", "later vs earlier"}
    with pytest.raises(EffectsError, match="balanced"):
        TwoWayFE().fit(make(random_frame(5).iloc[1:]), "y").decompose()


def test_treatment_without_variation_within_months():
    frame = random_frame(6, waves=(3, 3))
    frame.loc[frame.u == 0, "g"] = 0
    frame = frame[~((frame.u == 0) & (frame.t < 3))]
    frame.loc[frame.u == 0, "y"] = np.nan
    with pytest.raises(EffectsError, match="does not vary"):
        TwoWayFE().fit(make(frame), "y")


# ------------------------------------------------------------------ regression to the mean
def test_parts_add_up_and_are_the_estimators_themselves():
    drawn = simulate.panel("rtm_common_audit", 5, n_regions=30)
    panel = Panel(drawn.frame, **ROLES)
    found = rtm_decomposition(panel, "log_days")
    assert found.naive == pytest.approx(found.trend + found.regression_to_mean + found.effect, abs=1e-12)
    assert found.naive == pytest.approx(BeforeAfter("audit").fit(panel, "log_days").att)
    assert found.naive_se == pytest.approx(BeforeAfter("audit").fit(panel, "log_days").se, rel=1e-6)
    default = Imputation().fit(panel, "log_days")
    assert (found.effect, found.effect_se) == pytest.approx((default.att, default.se))
    total = np.array([1, -1, -1, -1])
    assert total @ found.cov.to_numpy() @ total == pytest.approx(0, abs=1e-12)
    assert (
        found.table["naive"] - found.table[["trend", "regression_to_mean", "effect"]].sum(axis=1)
    ).abs().max() < 1e-12
    assert found.table["group"].iloc[0] == "all" and len(found.table) > 2
    assert found.conf_int("naive")[0] < found.naive < found.conf_int("naive")[1]
    with pytest.raises(EffectsError, match="unknown part"):
        found.conf_int("luck")


def test_what_comes_back_by_itself_is_called_so():
    drawn = simulate.panel("no_effect_rtm", 7)
    found = rtm_decomposition(Panel(drawn.frame, **ROLES), "log_days")
    assert found.naive + 2 * found.naive_se < 0
    assert found.regression_to_mean < -4 * found.regression_to_mean_se
    assert abs(found.effect) < 3 * found.effect_se
    plain = rtm_decomposition(Panel(simulate.panel("no_effect", 7).frame, **ROLES), "log_days")
    assert abs(plain.regression_to_mean) < 3 * plain.regression_to_mean_se


def test_baseline_of_all_months_mixes_less():
    panel = Panel(simulate.panel("no_effect_rtm", 7).frame, **ROLES)
    both = [rtm_decomposition(panel, "log_days", baseline=b).regression_to_mean for b in ("audit", "all")]
    assert both[0] < both[1] < 0


def test_expected_change_in_closed_form_and_by_drawing():
    assert rtm_expected_change(0, 1, 0.5, 0.0) == pytest.approx(-0.5 * stats.norm.pdf(0) / 0.5)
    assert rtm_expected_change(10, 2, 0.6, 12, "above", 3) == pytest.approx(
        -rtm_expected_change(10, 2, 0.6, 8, "below", 3)
    )
    rng = np.random.default_rng(1)
    level = rng.normal(10, 2 * np.sqrt(0.6), 400_000)
    noise = rng.normal(0, 2 * np.sqrt(0.4), (4, 400_000))
    baseline, later = level + noise[:3].mean(axis=0), level + noise[3]
    chosen = baseline > 12
    assert rtm_expected_change(10, 2, 0.6, 12, "above", 3) == pytest.approx((later - baseline)[chosen].mean(), abs=0.02)
    for bad in ({"side": "left"}, {"sd": 0}, {"rho": 2}, {"n_baseline": 0}):
        with pytest.raises(EffectsError):
            rtm_expected_change(**({"mean": 0, "sd": 1, "rho": 0.5, "cut": 1} | bad))


# ------------------------------------------------------------------ clusters
def regression(groups=15, seed=0):
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), 8)
    x = pd.DataFrame({"const": 1.0, "x": rng.normal(size=len(g)), "d": (g % 3 == 0).astype(float)})
    return 0.5 * x["x"] + rng.normal(size=groups)[g] + rng.normal(size=len(g)), x, g


def test_jackknife_is_refitting_without_each_cluster():
    y, x, g = regression()
    found = cluster_jackknife(y, x, g)
    beta = np.linalg.lstsq(x.to_numpy(), y.to_numpy(), rcond=None)[0]
    moved = [np.linalg.lstsq(x[g != c].to_numpy(), y[g != c].to_numpy(), rcond=None)[0] - beta for c in range(15)]
    assert found.se.to_numpy() == pytest.approx(np.sqrt(14 / 15 * (np.square(moved).sum(axis=0))))
    assert found.estimate.to_numpy() == pytest.approx(beta) and (found.df, found.clusters, found.n) == (14, 15, 120)
    assert (found.conf_int()["lo"] < found.estimate).all()
    again = cluster_jackknife(y[::-1], x.iloc[::-1], g[::-1])
    assert again.se.to_numpy() == pytest.approx(found.se.to_numpy(), rel=1e-12)


def test_crv1_equals_statsmodels():
    y, x, g = regression()
    expected = sm.OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": g}).bse
    assert cluster_robust(y, x, g).se.to_numpy() == pytest.approx(expected.to_numpy())


def test_wild_bootstrap_by_brute_force():
    y, x, g = regression()
    found = wild_cluster_bootstrap(y, x, g, "d", reps=199, seed=5)
    rng = np.random.default_rng(5)
    signs = rng.choice(np.array([-1.0, 1.0]), size=(199, 15))
    null = sm.OLS(y, x[["const", "x"]]).fit()

    def t_of(response):
        fit = sm.OLS(response, x).fit(cov_type="cluster", cov_kwds={"groups": g})
        return fit.params["d"] / fit.bse["d"]

    drawn = [t_of(null.fittedvalues + null.resid * line[g]) for line in signs]
    assert found.t == pytest.approx(t_of(y))
    assert found.p_value == pytest.approx(np.mean(np.abs(drawn) >= abs(t_of(y))), abs=1e-12)
    assert found == wild_cluster_bootstrap(y, x, g, 2, reps=199, seed=5)
    low, high = found.conf_int
    assert low < found.estimate < high
    assert wild_cluster_bootstrap(y, x, g, "d", reps=199, seed=5, null=high + 0.3).p_value < 0.06


def test_every_sign_pattern_once_where_the_draws_suffice():
    """With 12 regions and 9,999 draws the bootstrap is exact: no seed, multiples of 1 / 4,096, as by enumeration."""
    y, x, g = regression(12)
    found = wild_cluster_bootstrap(y, x, g, "d", seed=1)
    other = wild_cluster_bootstrap(y, x, g, "d", seed=2)
    assert found == other and found.reps == 4096 and found.weights == "rademacher"
    assert found.p_value * 4096 == pytest.approx(round(found.p_value * 4096))
    patterns, _ = multipliers(12, 4096, 0)
    assert len(np.unique(patterns, axis=0)) == 4096 and set(np.unique(patterns)) == {-1.0, 1.0}
    assert multipliers(12, 4095, 0)[0].shape == (4095, 12)


def test_webb_weights_with_few_clusters():
    y, x, g = regression(8)
    with pytest.warns(FewClustersWarning):
        assert wild_cluster_bootstrap(y, x, g, "x", reps=99).weights == "webb"


def test_clusters_refuse_bad_input():
    y, x, g = regression()
    with pytest.raises(EffectsError, match="differ in length"):
        cluster_jackknife(y[:-1], x, g)
    with pytest.raises(EffectsError, match="missing or infinite"):
        cluster_jackknife(y.where(y < 1), x, g)
    with pytest.raises(EffectsError, match="single region"):
        cluster_jackknife(y, x, np.zeros(len(y)))
