"""Counts: by hand, against Poisson regression on dummies, against refitting, and where nothing can be said."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from helpers.analysis.effects import EffectsError, Panel, PoissonImputation
from helpers.analysis.effects import poisson as module
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
MONTH = {"effects": "month", "fallback": ()}


def long(table, cohorts, regions=None):
    values = np.asarray(table, dtype=float)
    units, months = values.shape
    return pd.DataFrame(
        {
            "u": np.repeat(np.arange(units), months),
            "t": np.tile(np.arange(1, months + 1), units),
            "g": np.repeat(cohorts, months),
            "r": np.repeat(np.arange(units) if regions is None else regions, months),
            "y": values.ravel(),
        }
    ).dropna(subset="y")


def make(frame, **extra):
    return Panel(frame, unit="u", time="t", cohort="g", cluster="r", **extra)


def random_frame(seed=0, units=32, months=6, waves=(0, 0, 3, 5), regions=8, mean=6.0):
    rng = np.random.default_rng(seed)
    base = mean * np.exp(0.5 * rng.normal(size=(units, 1)) + 0.1 * np.arange(months))
    frame = long(rng.poisson(base), np.asarray(waves)[np.arange(units) % 4], (np.arange(units) // 4) % regions)
    return frame.assign(x=rng.integers(1, 9, len(frame)).astype(float))


def glm(frame, exposure=None):
    """log Σ Y / Σ Y(0) of treated rows; Y(0) from a regression on dummies of service and month, untreated rows only."""
    treated = (frame.g > 0) & (frame.t >= frame.g)
    x = pd.concat(
        [
            pd.get_dummies(frame.u, prefix="u", dtype=float),
            pd.get_dummies(frame.t, prefix="t", drop_first=True, dtype=float),
        ],
        axis=1,
    )
    offset = np.zeros(len(frame)) if exposure is None else np.log(frame[exposure].to_numpy())
    poisson = sm.families.Poisson()
    rows = ~treated.to_numpy()
    fit = sm.GLM(frame.y[rows], x[rows], family=poisson, offset=offset[rows]).fit(tol=1e-12, maxiter=300)
    mean = fit.predict(x[~rows], offset=offset[~rows])
    return float(np.log(frame.y[treated].sum() / mean.sum()))


def etwfe(frame):
    """The same from pooled Poisson with a dummy for every cohort × month."""
    treated = (frame.g > 0) & (frame.t >= frame.g)
    cell = np.where(treated, frame.g.astype(str) + "_" + frame.t.astype(str), "none")
    x = pd.concat(
        [
            pd.get_dummies(frame.u, prefix="u", dtype=float),
            pd.get_dummies(frame.t, prefix="t", drop_first=True, dtype=float),
            pd.get_dummies(pd.Series(cell, index=frame.index), prefix="c", dtype=float).drop(columns="c_none"),
        ],
        axis=1,
    )
    fit = sm.GLM(frame.y, x, family=sm.families.Poisson()).fit(tol=1e-12, maxiter=300)
    mean = fit.predict(x.assign(**{c: 0.0 for c in x if str(c).startswith("c_")}))
    return float(np.log(frame.y[treated].sum() / mean[treated].sum()))


def test_two_months_by_hand():
    frame = long([[4, 6], [2, 5], [10, 20], [5, 10]], [2, 2, 0, 0])
    fit = PoissonImputation(**MONTH).fit(make(frame), "y")
    assert fit.att == pytest.approx(np.log(11 / (6 * 30 / 15)))
    assert fit.att_pct == pytest.approx(100 * (11 / 12 - 1))
    # without each unit
    thetas = np.log([5 / 4, 6 / 8, 11 / 12, 11 / 12])
    assert fit.se == pytest.approx(np.sqrt(3 / 4 * ((thetas - fit.att) ** 2).sum()), rel=1e-8)
    assert fit.percent().estimate == pytest.approx(fit.att_pct)
    assert fit.se_pct == pytest.approx(100 * np.exp(fit.att) * fit.se)


def test_exposure_by_hand():
    frame = long([[4, 12], [2, 2], [10, 40], [5, 10]], [2, 2, 0, 0]).assign(x=[1, 2, 1, 1, 1, 2, 1, 1])
    fit = PoissonImputation(exposure="x", **MONTH).fit(make(frame), "y")
    # conditional likelihood of the controls: 10:40 with exposures 1:2, 5:10 with 1:1
    grid = np.linspace(0.5, 3, 200_001)
    likelihood = 40 * np.log(2 * grid) - 50 * np.log(1 + 2 * grid) + 10 * np.log(grid) - 15 * np.log(1 + grid)
    ratio = grid[likelihood.argmax()]
    assert fit.att == pytest.approx(np.log(14 / (4 * 2 * ratio + 2 * ratio)), abs=1e-4)


def test_exposure_of_the_panel():
    frame = random_frame(4)
    named = PoissonImputation(exposure="x", **MONTH).fit(make(frame), "y")
    assert PoissonImputation(exposure=True, **MONTH).fit(make(frame, exposure="x"), "y").att == named.att
    with pytest.raises(EffectsError, match="no exposure column"):
        PoissonImputation(exposure=True).fit(make(frame), "y")


@pytest.mark.parametrize("exposure", [None, "x"])
def test_equals_poisson_regression_on_dummies(exposure):
    frame = random_frame(1)
    fit = PoissonImputation(exposure=exposure, **MONTH).fit(make(frame), "y")
    assert fit.att == pytest.approx(glm(frame, exposure), abs=1e-7)
    if exposure is None:
        assert fit.att == pytest.approx(etwfe(frame), abs=1e-7)


@pytest.mark.parametrize("exposure", [None, "x"])
def test_replicates_equal_fits_without_the_region(exposure):
    frame = random_frame(2)
    spec = PoissonImputation(exposure=exposure, **MONTH)
    whole = spec.fit(make(frame), "y")
    without = whole.influence().set_index("cluster")["att_without"]
    for region in frame.r.unique():
        assert without[region] == pytest.approx(spec.fit(make(frame[frame.r != region]), "y").att, abs=1e-8)


def test_one_step_replicates_are_close_to_exact_ones(monkeypatch):
    drawn = simulate.panel("baseline", 3, n_regions=40)
    panel = Panel(drawn.frame, **ROLES)
    for outcome, exposure in (("documents", None), ("visits", "applications")):
        spec = PoissonImputation(exposure=exposure)
        quick = spec.fit(panel, outcome)
        monkeypatch.setattr(module, "FEW_REGIONS", 100)
        exact = spec.fit(panel, outcome)
        monkeypatch.undo()
        assert quick.att == exact.att
        assert quick.se == pytest.approx(exact.se, rel=0.01)


def test_leads_equal_a_poisson_regression_on_untreated_months():
    frame = random_frame(3, months=8, waves=(0, 0, 5, 7))
    fit = PoissonImputation(**MONTH).fit(make(frame), "y")
    leads = fit.event_study(leads=2).set_index("event_time")
    untreated = frame[(frame.g == 0) | (frame.t < frame.g)]
    x = pd.concat(
        [
            pd.get_dummies(untreated.u, dtype=float),
            pd.get_dummies(untreated.t, prefix="t", drop_first=True, dtype=float),
        ],
        axis=1,
    )
    for lead in (-2, -1):
        x[f"l{lead}"] = ((untreated.g > 0) & (untreated.t - untreated.g == lead)).astype(float)
    expected = (
        sm.GLM(untreated.y, x.to_numpy(), family=sm.families.Poisson()).fit(tol=1e-12).params.iloc[-2:].to_numpy()
    )
    assert leads.loc[[-2, -1], "att"].to_numpy() == pytest.approx(expected, abs=1e-7)
    assert np.isfinite(fit.pretrend_test(leads=2).slope)


def test_strata_weights_and_groups():
    drawn = simulate.panel("rtm_wave_audit", 4, n_regions=25)
    panel = Panel(drawn.frame, **ROLES)
    fit = PoissonImputation().fit(panel, "documents")
    heavy = PoissonImputation(weights="applications").fit(panel, "documents")
    assert heavy.att != fit.att and heavy.kept == fit.kept == 1
    true = np.log1p(drawn.truth.att_percent["documents"] / 100)
    assert abs(fit.att - true) < 4 * fit.se
    table = fit.by("region")
    units, level, base = fit.unit_sums()
    assert table["services"].sum() == len(units) == fit.n_services
    assert np.log(level.sum() / base.sum()) == pytest.approx(fit.att)
    assert table["se"].gt(0).any() and fit.unit_effects()[2] == pytest.approx(level / base - 1)
    assert abs(fit.placebo(4).att) < 4 * fit.placebo(4).se
    assert fit.permutation_test(reps=19).p_value <= 0.1
    assert fit.universal().n_pre >= 1


def test_region_standard_error_by_hand():
    frame = long([[4, 6], [2, 5], [10, 20], [5, 10]], [2, 2, 0, 0], [1, 1, 2, 3])
    table = PoissonImputation(**MONTH).fit(make(frame), "y").by("region").set_index("group")
    # imputed means 8 and 4, ratio 11/12
    spread = (6 - 8 * 11 / 12) ** 2 + (5 - 4 * 11 / 12) ** 2
    assert table.loc[1, "se"] == pytest.approx(np.sqrt(2 * spread) / 11)


def test_over_dispersion_is_measured_and_harmless():
    drawn = simulate.panel("baseline", 5, n_regions=30)
    panel = Panel(drawn.frame, **ROLES)
    assert PoissonImputation().fit(panel, "documents").dispersion == pytest.approx(1, abs=0.1)
    assert PoissonImputation(exposure="applications").fit(panel, "visits").dispersion > 5


def test_services_without_a_count_before_treatment_are_dropped_and_counted():
    table = [[4, 6], [0, 5], [10, 20], [5, 10], [0, 3]]
    fit = PoissonImputation(**MONTH).fit(make(long(table, [2, 2, 0, 0, 2])), "y")
    assert [(d.reason, d.rows, d.units) for d in fit.drops] == [("y zero in all untreated months of the service", 4, 2)]
    assert fit.att == pytest.approx(np.log(6 / 8))


def test_months_without_any_count_leave_the_comparison():
    table = [[4, 6, 7], [2, 5, 5], [10, 20, 0], [5, 10, 0]]
    fit = PoissonImputation(**{**MONTH, "min_share": 0.0}).fit(make(long(table, [2, 2, 0, 0])), "y")
    assert fit.att == pytest.approx(np.log(11 / 12)) and fit.kept == pytest.approx(0.5)
    assert ("treated month without an untreated comparison in its stratum", 2) in [
        (d.reason, d.rows) for d in fit.drops
    ]


def test_exposure_of_zero_is_no_observation():
    frame = long([[4, 12], [2, 2], [10, 40], [5, 10]], [2, 2, 0, 0]).assign(x=[1, 2, 1, 1, 1, 2, 1, 0])
    fit = PoissonImputation(exposure="x", **MONTH).fit(make(frame), "y")
    assert [(d.reason, d.rows) for d in fit.drops] == [("x zero or missing", 1)]
    assert fit.att == pytest.approx(np.log(14 / (4 * 4 + 2 * 2)))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[0, 0], [0, 0], [0, 0], [0, 0]], "zero in every untreated"),
        ([[0, 3], [0, 3], [5, 5], [5, 5]], "no treated service has a count"),
        ([[-1, 3], [0, 3], [5, 5], [5, 5]], "negative in 1"),
        ([[4, 6], [2, 5], [10, 0], [5, 0]], "keeps a comparison"),
    ],
)
def test_refused_counts(values, message):
    with pytest.raises(EffectsError, match=message):
        PoissonImputation(**{**MONTH, "min_share": 0.0}).fit(make(long(values, [2, 2, 0, 0])), "y")


def test_counts_have_one_variance_and_no_stream():
    panel = make(random_frame())
    with pytest.raises(EffectsError, match="jackknife variance only"):
        PoissonImputation(vcov="analytic").fit(panel, "y")
    with pytest.raises(EffectsError, match="several passes"):
        PoissonImputation().fit_chunks([], "y")


def test_order_of_rows_changes_nothing():
    drawn = simulate.panel("missing_months", 6, n_regions=12)
    for outcome, exposure in (("documents", None), ("visits", "applications")):
        fits = [
            PoissonImputation(exposure=exposure).fit(Panel(frame, **ROLES), outcome)
            for frame in (drawn.frame, drawn.frame.sample(frac=1, random_state=2))
        ]
        assert (fits[0].att, fits[0].se) == (fits[1].att, fits[1].se)
