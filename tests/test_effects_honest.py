"""Sensitivity to hidden trends: intervals against brute force, and what they guarantee."""

import math

import numpy as np
import pytest
from scipy import optimize

from helpers.analysis.effects import EffectsError, honest_did
from helpers.analysis.effects.hidden_trends import _half_length, folded_quantile, smoothness_interval
from helpers.analysis.effects.honest import event_study_problem
from helpers.analysis.effects.relative_magnitude import (
    excludes_zero,
    magnitude_interval,
    standard_draws,
    steps,
    vertices,
)

RNG = np.random.default_rng(0)


def example(n_pre=4, n_post=3, seed=0):
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((n_pre + n_post, n_pre + n_post)) * 0.05 + 0.1 * np.eye(n_pre + n_post)
    return rng.normal(0, 0.05, n_pre + n_post) + np.r_[np.zeros(n_pre), np.full(n_post, -0.3)], root @ root.T


def worst_bias(vector, n_pre, bound):
    """Largest bias of an affine estimator over trends with second differences up to ``bound``, by linear programme."""
    total = len(vector) + 1
    second = np.diff(np.eye(total), n=2, axis=0)
    keep = np.delete(np.arange(total), n_pre)
    solved = optimize.linprog(
        -vector,
        A_ub=np.vstack([second, -second])[:, keep],
        b_ub=np.full(2 * len(second), bound),
        bounds=[(None, None)] * len(vector),
    )
    return -solved.fun if solved.status == 0 else math.inf


@pytest.mark.parametrize("weights", [None, [1 / 3, 1 / 3, 1 / 3]])
@pytest.mark.parametrize("bound", [0.0, 0.02, 0.2])
def test_smoothness_interval_has_the_bias_it_allows_for_and_no_shorter_one_exists(weights, bound):
    beta, cov = example()
    problem = event_study_problem(beta, cov, 4, weights, 0.05)
    low, high = smoothness_interval(problem, bound)
    # recover the estimator: it is linear in beta
    vector = np.asarray(
        [np.mean(smoothness_interval(event_study_problem(e, cov, 4, weights, 0.05), bound)) for e in np.eye(len(beta))]
    )
    sd = math.sqrt(vector @ cov @ vector)
    bias = worst_bias(vector, 4, bound)
    assert (high - low) / 2 == pytest.approx(_half_length(bias, sd, 0.05), rel=1e-6)
    for _ in range(200):  # any other weights before the reference do no better
        other = vector + np.r_[RNG.normal(0, 0.2, 4), np.zeros(3)]
        other[3] = other[3] - (other[:4] @ np.arange(-4, 0) + other[4:] @ np.arange(1, 4)) / -1.0
        worst = worst_bias(other, 4, bound)
        assert _half_length(worst, math.sqrt(other @ cov @ other), 0.05) >= (high - low) / 2 - 1e-7


def test_one_period_before_leaves_nothing_to_choose():
    beta, cov = np.asarray([0.1, 0.5]), np.diag([0.01, 0.04])
    low, high = smoothness_interval(event_study_problem(beta, cov, 1, None, 0.05), 0.0)
    assert (low + high) / 2 == pytest.approx(0.6) and (high - low) / 2 == pytest.approx(1.959964 * math.sqrt(0.05))


def statistic_by_linear_programme(problem, step, after, bound, theta):
    """min η with moments ≤ η × their standard deviation, over all effects whose average is theta."""
    moments = np.vstack([after - bound * step, -after - bound * step])
    sd = np.sqrt(np.einsum("ij,jk,ik->i", moments, problem.cov, moments))
    k, n_post = problem.n_pre, problem.n_post
    effects = np.vstack([np.zeros((k, n_post)), np.eye(n_post)])
    solved = optimize.linprog(
        np.r_[1, np.zeros(n_post)],
        A_ub=np.column_stack([-sd, -moments @ effects]),
        b_ub=-moments @ problem.beta,
        A_eq=[np.r_[0, problem.weights]],
        b_eq=[theta],
        bounds=[(None, None)] * (n_post + 1),
    )
    return solved.fun


@pytest.mark.parametrize("weights", [[1, 0, 0], [0.2, 0.3, 0.5], [0, 0, 1]])
def test_closed_form_of_the_statistic_equals_the_linear_programme(weights):
    beta, cov = example(seed=3)
    problem = event_study_problem(beta, cov, 4, weights, 0.05)
    before, after = steps(problem)
    for step in (before[0], -before[2]):
        for bound in (0.0, 0.7, 2.0):
            shape = vertices(problem, step, after, bound)
            for theta in (-1.0, -0.3, 0.0, 0.4):
                ours = (shape.linear @ beta - theta * shape.slopes).max()
                assert ours == pytest.approx(
                    statistic_by_linear_programme(problem, step, after, bound, theta), abs=1e-8
                )


def test_both_intervals_cover_when_the_trend_is_as_bad_as_allowed():
    n_pre, n_post = 4, 1
    trend = np.cumsum([0, 0.1, -0.1, 0.1, 0.1, 0.1])  # steps of 0.1 throughout: M̄ = 1 holds
    trend = np.delete(trend - trend[n_pre], n_pre)
    cov = 0.03**2 * (np.eye(5) + 0.3)
    truth = np.r_[trend[:n_pre], -0.3 + trend[n_pre:]]
    root = np.linalg.cholesky(cov)
    rng = np.random.default_rng(1)
    hits = {"smoothness": 0, "relative_magnitude": 0}
    for _ in range(60):
        beta = truth + root @ rng.standard_normal(5)
        for delta, bound in (("smoothness", 0.2), ("relative_magnitude", 1.0)):
            problem = event_study_problem(beta, cov, n_pre, None, 0.05)
            if delta == "smoothness":
                low, high = smoothness_interval(problem, bound)
            else:
                draws = np.random.default_rng(0).standard_normal((n_post + 2, 4000))
                low, high, _ = magnitude_interval(problem, bound, draws)
            hits[delta] += low <= -0.3 <= high
    assert min(hits.values()) >= 0.90 * 60


def test_intervals_widen_and_breakdown_is_where_zero_enters():
    beta, cov = example()
    for delta in ("smoothness", "relative_magnitude"):
        found = honest_did(beta, cov * 0.05, 4, delta=delta)
        width = (found.table["high"] - found.table["low"]).to_numpy()
        assert (np.diff(width) >= -1e-6).all()
        assert 0 < found.breakdown < math.inf
        around = honest_did(beta, cov * 0.05, 4, delta=delta, grid=[found.breakdown * 0.99, found.breakdown * 1.01])
        assert list(around.table["excludes_zero"]) == [True, False]
    nothing = honest_did(np.zeros(7), cov, 4)
    assert nothing.breakdown == 0 and not nothing.table["excludes_zero"].any()
    assert nothing.low < 0 < nothing.high


@pytest.mark.parametrize("seed", [0, 3, 5])
def test_the_quick_verdict_on_zero_is_that_of_the_whole_interval(seed):
    """The search for the breakdown value asks only where zero lies; also with zero just inside and just outside."""
    beta, cov = example(seed=seed)
    problem = event_study_problem(beta, cov * 0.05, 4, None, 0.05)
    draws = standard_draws(problem, 0)
    for bound in (0.0, 0.3, 1.0):
        low, high, _ = magnitude_interval(problem, bound, draws)
        for end, away in ((low, 1), (high, -1)):
            for shift, verdict in ((1e-9, True), (-1e-9, False)):
                moved = beta - np.r_[np.zeros(4), np.full(3, end - away * shift)]
                near = event_study_problem(moved, cov * 0.05, 4, None, 0.05)
                # all effects move together, and so does the interval
                assert excludes_zero(near, bound, draws) == verdict
        assert excludes_zero(problem, bound, draws) == (low > 0 or high < 0)


def test_a_sign_change_mirrors_the_interval():
    beta, cov = example()
    one = honest_did(beta, cov, 4, "relative_magnitude", [0.5], seed=1).table
    other = honest_did(-beta, cov, 4, "relative_magnitude", [0.5], seed=1).table
    assert one["low"][0] == pytest.approx(-other["high"][0], abs=0.01)


def test_folded_quantile():
    assert folded_quantile(0, 0.05) == pytest.approx(1.959964, abs=1e-6)
    assert folded_quantile(10, 0.05) == pytest.approx(10 + 1.644854, abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_pre": 0}, "at least one period"),
        ({"n_pre": 7}, "at least one period"),
        ({"delta": "other"}, "unknown delta"),
        ({"grid": [-1.0]}, "negative"),
        ({"weights": [0, 0, 0]}, "weights"),
        ({"cov": np.eye(3)}, "fit"),
        ({"beta": np.full(7, np.nan)}, "missing"),
    ],
)
def test_refusals(changes, message):
    beta, cov = example()
    arguments = {"beta": beta, "cov": cov, "n_pre": 4} | changes
    with pytest.raises(EffectsError, match=message):
        honest_did(**arguments)
