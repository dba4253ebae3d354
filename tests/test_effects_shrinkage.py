"""Pooling and its critical values, multiplicity and power."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats

from helpers.analysis.effects import EffectsError, cva, fdr, holm, mde, overlap_groups, romano_wolf, shrink
from helpers.analysis.effects.critical_values import critical_values
from helpers.analysis.effects.shrinkage import paule_mandel


def worst_miss_by_linear_programme(m2, kappa, chi):
    """Largest average miss rate over all distributions on a fine grid of t = b²."""
    t = np.concatenate([np.linspace(0, 12 * m2 + 20, 1500), np.geomspace(12 * m2 + 21, 1e5, 200)])
    miss = special.ndtr(-chi - np.sqrt(t)) + special.ndtr(np.sqrt(t) - chi)
    rows, right = [t], [m2]
    solved = optimize.linprog(
        -miss,
        A_ub=None if math.isinf(kappa) else [t**2 / 1e4],
        b_ub=None if math.isinf(kappa) else [kappa * m2**2 / 1e4],
        A_eq=[np.ones_like(t), *rows],
        b_eq=[1, *right],
    )
    return -solved.fun


@pytest.mark.parametrize(("m2", "kappa"), [(0.5, math.inf), (4, math.inf), (1, 3), (0.3, 1.5), (6, 2)])
def test_critical_value_is_the_worst_case(m2, kappa):
    chi = cva(m2, kappa, 0.05)
    assert worst_miss_by_linear_programme(m2, kappa, chi) == pytest.approx(0.05, abs=2e-4)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.01, 50), st.floats(1.0, 20), st.floats(0.01, 0.3))
def test_critical_value_grows_with_bias_and_kurtosis_and_covers(m2, kappa, alpha):
    chi = cva(m2, kappa, alpha)
    assert cva(0, kappa, alpha) <= chi <= cva(m2, math.inf, alpha) + 1e-8
    assert chi <= cva(m2 * 1.1, kappa, alpha) + 1e-8
    fixed = stats.norm.sf(chi - math.sqrt(m2)) + stats.norm.cdf(-chi - math.sqrt(m2))
    assert fixed <= alpha + 1e-6  # a bias of constant size is one of the distributions


def test_critical_value_far_out_and_refusals():
    assert cva(1e3) == pytest.approx(math.sqrt(1e3 / 0.05), rel=0.1)
    assert cva(1e3) > cva(900) > cva(100)
    assert cva(math.inf) == math.inf
    assert cva(2.0, 1.0, 0.1) < cva(2.0, 1.5, 0.1)
    for bad in [(-1, 3, 0.05), (1, 0.5, 0.05), (1, 3, 0)]:
        with pytest.raises(EffectsError):
            cva(*bad)


def test_interpolated_values_equal_exact_ones():
    m2 = np.exp(np.linspace(-5, 5, 60))
    exact = np.asarray([cva(float(x)) for x in m2])
    np.testing.assert_allclose(critical_values(m2, math.inf, 0.05), exact, rtol=2e-5)


def test_paule_mandel_equals_statsmodels():
    from statsmodels.stats.meta_analysis import combine_effects

    rng = np.random.default_rng(0)
    se = rng.uniform(0.1, 0.5, 30)
    y = rng.normal(0.3, 0.4, 30) + se * rng.standard_normal(30)
    other = combine_effects(y, se**2, method_re="pm", atol=1e-12)
    assert paule_mandel(y, se**2, np.ones((30, 1))) == pytest.approx(other.tau2, abs=1e-8)
    pooled = shrink(y, se)
    assert pooled.delta[0] == pytest.approx(other.mean_effect_re, abs=1e-6)


@pytest.mark.parametrize("draw", ["normal", "two points", "one outlier"])
def test_robust_intervals_cover_on_average(draw):
    rng = np.random.default_rng(5)
    hits = []
    for _ in range(60):
        n = 60
        effects = {
            "normal": rng.normal(0, 0.1, n),
            "two points": rng.choice([-0.1, 0.1], n),
            "one outlier": np.where(np.arange(n) < 3, 0.5, 0.0),
        }[draw]
        se = rng.uniform(0.05, 0.2, n)
        fit = shrink(effects - 0.3 + se * rng.standard_normal(n), se)
        hits.append(np.mean((fit.low <= effects - 0.3) & (effects - 0.3 <= fit.high)))
    assert np.mean(hits) > 0.94


def test_pooling_reduces_error_and_keeps_missing_entries():
    rng = np.random.default_rng(1)
    truth = rng.normal(0, 0.1, 200)
    se = np.full(200, 0.15)
    raw = truth + se * rng.standard_normal(200)
    raw[:3], se[3] = np.nan, 0.0
    fit = shrink(raw, se)
    assert fit.dropped == 4 and fit.n == 196 and np.isnan(fit.shrunk[:4]).all()
    used = slice(4, None)
    assert np.mean((fit.shrunk[used] - truth[used]) ** 2) < 0.6 * np.mean((raw[used] - truth[used]) ** 2)
    assert ((fit.weight[used] > 0) & (fit.weight[used] < 1)).all()


def test_covariates_move_the_centre():
    x = np.arange(50.0)
    rng = np.random.default_rng(2)
    fit = shrink(0.1 * x + 0.05 * rng.standard_normal(50), np.full(50, 0.05), covariates=x)
    assert fit.delta[1] == pytest.approx(0.1, abs=0.005)


def test_floor_keeps_intervals_from_collapsing():
    y, se = [0.1, 0.1, 0.1, 0.1], [0.2, 0.3, 0.2, 0.3]
    assert shrink(y, se, floor=False).tau == 0
    assert shrink(y, se).tau > 0 and shrink(y, se).tau_moment == 0
    assert (shrink(y, se).high - shrink(y, se).low > shrink(y, se, floor=False).half_unshrunk.min() * 0.5).all()


def test_shrink_refuses():
    for arguments in [([1.0], [1.0]), ([1, 2], [1, 2, 3]), ([1, 2], [0, 0])]:
        with pytest.raises(EffectsError):
            shrink(*arguments)
    with pytest.raises(EffectsError, match="unknown method"):
        shrink([1, 2], [1, 1], method="dl")


def test_kappa_estimated_is_finite_and_shortens_intervals():
    rng = np.random.default_rng(3)
    y = rng.normal(0, 1, 300)
    free, bounded = shrink(y, np.full(300, 0.8)), shrink(y, np.full(300, 0.8), kappa="estimate")
    assert 1 <= bounded.kappa < 10 and math.isinf(free.kappa)
    assert (bounded.high - bounded.low < free.high - free.low + 1e-9).all()
    assert math.isinf(shrink([1, 1, 1], [1, 1, 1], kappa="estimate", floor=False).kappa)


def test_overlap_groups():
    assert list(overlap_groups([0, 0.5, 3], [1, 2, 4])) == [1, 1, 2]
    assert np.isnan(overlap_groups([0, np.nan], [1, 2])[1])


def test_multiplicity_by_hand():
    p = [0.01, np.nan, 0.04, 0.03]
    assert list(holm(p).rejected) == [True, False, False, False]
    np.testing.assert_allclose(holm(p).adjusted, [0.03, np.nan, 0.06, 0.06])
    np.testing.assert_allclose(fdr(p, 0.05).adjusted, [0.03, np.nan, 0.04, 0.04])
    assert fdr(p, 0.05).n_rejected == 3 and fdr(p).n_missing == 1
    assert fdr([np.nan]).n_tests == 0
    for bad in [[1.2], [[0.1]]]:
        with pytest.raises(EffectsError):
            fdr(bad)
    with pytest.raises(EffectsError):
        holm([0.1], alpha=0)


def test_romano_wolf_is_sharper_than_holm_for_equal_outcomes():
    rng = np.random.default_rng(0)
    common = rng.standard_normal((4999, 1))
    theta, se = np.full(5, 2.3), np.ones(5)
    together = romano_wolf(theta, theta + np.repeat(common, 5, axis=1), se)
    apart = romano_wolf(theta, theta + rng.standard_normal((4999, 5)), se)
    assert together.adjusted.max() == pytest.approx(2 * stats.norm.sf(2.3), abs=0.005)
    assert apart.adjusted[0] == pytest.approx(1 - (1 - 2 * stats.norm.sf(2.3)) ** 5, abs=0.015)
    with pytest.raises(EffectsError):
        romano_wolf([1], [[1, 2]], [1])


def test_mde():
    class Fit:
        se, df = 0.02, 88.0

    assert mde(Fit()) == pytest.approx(0.02 * (stats.t.ppf(0.975, 88) + stats.t.ppf(0.8, 88)))
    assert mde(0.02, df=5) > mde(Fit()) > mde(0.02) == pytest.approx(0.056, abs=1e-4)
    with pytest.raises(EffectsError):
        mde(-1.0)


def test_other_methods_by_hand():
    schools = ([28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18])
    pooled = shrink(*schools, method="pooled", floor=False)
    weights = 1 / np.square(schools[1])
    assert pooled.delta[0] == pytest.approx(np.average(schools[0], weights=weights))
    assert pooled.delta_se[0] == pytest.approx(weights.sum() ** -0.5)
    assert (pooled.shrunk == pooled.shrunk[0]).all() and pooled.tau == 0
    y = np.asarray([1.0, 2.0, 3.0, 4.0, 9.0])
    stein = shrink(y, np.ones(5), method="james_stein")
    assert stein.q == pytest.approx(np.sum((y - y.mean()) ** 2))
    np.testing.assert_allclose(stein.shrunk, y.mean() + (1 - 2 / stein.q) * (y - y.mean()))
    moments = shrink(y, np.full(5, 0.5), method="moments")
    assert moments.tau**2 == pytest.approx(np.var(y) - 0.25) and moments.delta[0] == pytest.approx(y.mean())
    floored = shrink(np.full(4, 1.0), np.full(4, 0.5), method="moments")
    assert floored.tau_moment == 0 and floored.tau**2 == pytest.approx(2 * 0.25 / 4)
