"""Right-censored times: derivatives, recovery of planted parameters, bounds."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.tools.numdiff import approx_fprime

from helpers.analysis.effects import CensoredLogNormal, EffectsError, share_in_term
from helpers.analysis.effects.censored import _LogNormal


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
