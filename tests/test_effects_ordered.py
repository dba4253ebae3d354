"""Ordered logit of grades: derivatives, statsmodels, the proportional-odds test, and the planted change."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.miscmodels.ordinal_model import OrderedModel
from statsmodels.tools.numdiff import approx_fprime
from statsmodels.tools.sm_exceptions import ConvergenceWarning

from helpers.analysis.effects import (
    EffectsError,
    FewClustersWarning,
    OrderedEffect,
    Panel,
    ordered_logit,
    proportional_odds_test,
)
from helpers.analysis.effects.ordered_logit import _Cells
from helpers.synthetic.simulate import panel as simulate

NAMES = ["a", "b", "c", "d"]


def drawn(n=3000, seed=0, slopes=(0.8, -0.5), extra=0.0):
    rng = np.random.default_rng(seed)
    x = pd.DataFrame(rng.integers(0, 2, (n, 2)).astype(float), columns=["u", "v"])
    latent = x.to_numpy() @ np.asarray(slopes) + rng.logistic(size=n)
    cuts = np.asarray([-0.5, 0.6, 1.5])
    code = (latent[:, None] > cuts + extra * x["u"].to_numpy()[:, None] * np.asarray([0, 1, 2])).sum(axis=1)
    return np.asarray(NAMES)[code], x


def test_equals_statsmodels_with_rows_and_weights():
    y, x = drawn()
    ours = ordered_logit(y, x, NAMES)
    model = OrderedModel(pd.Series(pd.Categorical(y, NAMES, ordered=True)), x, distr="logit")
    other = model.fit(method="bfgs", disp=0, maxiter=500)
    np.testing.assert_allclose(ours.table.estimate[:2], other.params[:2], atol=1e-4)
    np.testing.assert_allclose(ours.table.estimate[2:], model.transform_threshold_params(other.params)[1:-1], atol=1e-4)
    np.testing.assert_allclose(ours.table.std_error[:2], other.bse[:2], rtol=1e-3)
    assert ours.deviance == pytest.approx(-2 * other.llf, abs=1e-4)
    cells = x.assign(y=y).groupby(["u", "v", "y"]).size().reset_index(name="w")
    weighted = ordered_logit(cells.y, cells[["u", "v"]], NAMES, cells.w)
    np.testing.assert_allclose(weighted.table.to_numpy(), ours.table.to_numpy(), atol=1e-8)
    np.testing.assert_allclose(ours.probabilities([[1, 0]]).sum(), 1)


def test_derivatives_equal_differences():
    y, x = drawn(200)
    codes = np.asarray([NAMES.index(v) for v in y])
    model = _Cells(codes, x, np.linspace(0.5, 2, len(codes)))
    at = np.asarray([0.3, -0.2, -0.4, 0.1, -0.3])
    np.testing.assert_allclose(model.score(at), approx_fprime(at, model.loglike, centered=True), rtol=1e-5)
    np.testing.assert_allclose(model.hessian(at), approx_fprime(at, model.score, centered=True), rtol=1e-4, atol=1e-4)


def test_threshold_errors_by_simulation():
    found = [ordered_logit(*drawn(800, seed), NAMES).table for seed in range(60)]
    spread = np.std([t.estimate["b|c"] for t in found])
    assert np.mean([t.std_error["b|c"] for t in found]) == pytest.approx(spread, rel=0.25)


def test_clusters_of_copies_do_not_add_information():
    y, x = drawn(600)
    once = ordered_logit(y, x, NAMES, cluster=np.arange(600))
    copied = ordered_logit(np.repeat(y, 4), x.loc[np.repeat(x.index, 4)], NAMES, cluster=np.repeat(np.arange(600), 4))
    np.testing.assert_allclose(copied.table.std_error, once.table.std_error, rtol=1e-6)
    assert copied.n_clusters == 600 and copied.n == 2400


def test_proportional_odds_size_and_power():
    p = [proportional_odds_test(*drawn(1500, seed), NAMES, columns=["u"]).p_value for seed in range(80)]
    assert np.mean(np.asarray(p) < 0.10) < 0.22 and stats.kstest(p, "uniform").pvalue > 0.001
    wrong = proportional_odds_test(*drawn(3000, 1, extra=0.5), NAMES, columns=["u"])
    assert wrong.p_value < 1e-4 and wrong.df == 2 and list(wrong.slopes.columns) == ["u"]
    y, x = drawn(1500, 0)
    cells = x.assign(y=y).groupby(["u", "v", "y"]).size().reset_index(name="w")
    weighted = proportional_odds_test(cells.y, cells[["u", "v"]], NAMES, cells.w, columns=["u"])
    assert weighted.p_value == pytest.approx(p[0], abs=1e-9)


def test_refusals():
    y, x = drawn(100)
    with pytest.raises(EffectsError, match="outside"):
        ordered_logit(y, x, ["a", "b"])
    with pytest.raises(EffectsError, match="no case"):
        ordered_logit(y, x, [*NAMES, "e"])
    with pytest.raises(EffectsError, match="collinear"):
        ordered_logit(y, x.assign(w=1 - x.u), NAMES)
    with pytest.raises(EffectsError, match="single cluster"):
        ordered_logit(y, x, NAMES, cluster=np.zeros(100))
    best = x.assign(p=(y == "d").astype(float))
    with pytest.raises(EffectsError, match="converge"), pytest.warns(ConvergenceWarning):
        ordered_logit(y, best, NAMES)
    with pytest.raises(EffectsError, match="perfectly"):
        proportional_odds_test(y, best, NAMES)


def _panel(scenario, seed, **roles):
    made = simulate(scenario, seed)
    roles = {"strata": "pre_grade", "audit": "is_audit_window"} | roles
    panel = Panel(
        made.frame, unit="service_id", time="month", cohort="optimised_month", cluster="region_iso",
        **{k: v for k, v in roles.items() if v},
    )  # fmt: skip
    return made, panel


def test_planted_change_of_grades_and_no_false_alarm():
    made, panel = _panel("baseline", 1)
    fit = OrderedEffect(panel, "grade").fit()
    treated = made.frame[made.frame.is_treated]
    now, without = (treated[c].value_counts(normalize=True) for c in ("grade", "grade_0"))
    table = fit.distribution.set_index("grade")
    np.testing.assert_allclose(table.with_, now.reindex(table.index), atol=0.03)
    np.testing.assert_allclose(table.without, without.reindex(table.index), atol=0.04)
    assert fit.index_effect > 10 * fit.index_se and table.difference.sum() == pytest.approx(0, abs=1e-9)
    assert fit.dropped["audit month"] > 0 and fit.n_clusters == 89
    _, quiet = _panel("no_effect", 1)
    none = OrderedEffect(quiet, "grade").fit()
    assert abs(none.index_effect) < 2.5 * none.index_se
    _, naive = _panel("no_effect", 1, strata=None, audit=None)
    fooled = OrderedEffect(naive, "grade").fit()
    assert fooled.index_effect > 4 * fooled.index_se  # the grade chose the services: without strata it moves by itself


def test_a_cut_that_separates_on_the_way_is_a_note_not_a_crash():
    """Ten regions: the logit of one cut runs off before it is seen to be separated; the effect itself is estimated."""
    made = simulate("no_effect_rtm_wave", 20_112, n_regions=10)
    roles = {"strata": "pre_grade", "audit": "is_audit_window"}
    panel = Panel(
        made.frame, unit="service_id", time="month", cohort="optimised_month", cluster="region_iso", **roles
    )  # fmt: skip
    fit = OrderedEffect(panel, "grade").fit()
    assert fit.proportional_odds is None and "predicted perfectly" in fit.notes[0]
    half = (fit.distribution.ci_high - fit.distribution.ci_low) / 2
    np.testing.assert_allclose(half, stats.t.ppf(0.975, 9) * fit.distribution.std_error)


def test_few_regions_are_said():
    made = simulate("few_regions", 0)
    roles = {"unit": "service_id", "time": "month", "cohort": "optimised_month", "cluster": "region_iso"}
    with pytest.warns(FewClustersWarning, match="only 6 regions"):
        OrderedEffect(Panel(made.frame, **roles), "grade").fit()


@pytest.mark.filterwarnings("ignore:only . regions")
def test_unknown_grades_are_refused_and_blank_ones_counted():
    made, _ = _panel("few_regions", 0)
    frame = made.frame.copy()
    frame.loc[frame.index[:7], "grade"] = ""
    roles = {"unit": "service_id", "time": "month", "cohort": "optimised_month", "cluster": "region_iso"}
    fit = OrderedEffect(Panel(frame, **roles), "grade").fit()
    assert fit.dropped["no grade"] == 7
    frame.loc[frame.index[:7], "grade"] = "Ы"
    with pytest.raises(EffectsError, match="Ы"):
        OrderedEffect(Panel(frame, **roles), "grade").fit()
