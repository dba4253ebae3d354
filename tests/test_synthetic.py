"""Simulated panels and demonstration files: seeded, calibrated, and with a truth that is really in them."""

import numpy as np
import pandas as pd
import pytest

from helpers.synthetic.scenarios import PRE_GRADE_SHARES, SCENARIOS
from helpers.synthetic.simulate import panel


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_simulated_panel_is_well_formed(scenario):
    drawn = panel(scenario, seed=5)
    frame, truth = drawn.frame, drawn.truth
    assert not frame.duplicated(["region_iso", "service_id", "month"]).any()
    assert frame["is_synthetic"].all()
    assert frame.loc[~frame["is_treated"] & (frame["event_time"] < -2), "tau_log_days"].eq(0).all()
    assert np.allclose(frame["log_days"] - frame["tau_log_days"], frame["log_days_0"])
    assert truth.att == pytest.approx(frame.loc[frame["is_treated"], "tau_log_days"].mean())
    assert frame["in_term_share"].between(0, 1).all() and frame["online_share"].between(0, 1).all()
    assert (frame[["documents", "visits", "open_count"]] >= 0).all().all()
    assert (frame["applications"] >= 1).all()
    per_service = frame.groupby("service_id")[["cohort", "pre_grade", "audit_month"]].nunique()
    assert (per_service == 1).all().all(), "cohort, grade and audit belong to the service"


def test_simulated_panel_is_deterministic():
    first, again, other = panel("rtm_wave_audit", 7), panel("rtm_wave_audit", 7), panel("rtm_wave_audit", 8)
    pd.testing.assert_frame_equal(first.frame, again.frame)
    pd.testing.assert_frame_equal(first.truth.services, again.truth.services)
    assert not first.frame["log_days"].equals(other.frame["log_days"])


def test_baseline_has_the_stated_size_shocks_and_effect():
    drawn = [panel("baseline", seed) for seed in range(4)]
    assert np.mean([d.truth.att_population for d in drawn]) == pytest.approx(-0.309, abs=0.005)
    frame = drawn[0].frame
    assert 1_600 < frame["service_id"].nunique() < 1_800 and frame["month"].nunique() == 24
    assert frame["region_iso"].nunique() == 89
    shares = frame.drop_duplicates("service_id")["pre_grade"].value_counts(normalize=True)
    for grade, share in PRE_GRADE_SHARES.items():
        assert shares[grade] == pytest.approx(share, abs=0.03)
    wide = frame.pivot(index="service_id", columns="time", values="log_days_0").to_numpy()
    residual = wide - wide.mean(axis=1, keepdims=True) - wide.mean(axis=0) + wide.mean()
    # within a window of 24 months a service's own mean takes (1 + rho) / (1 - rho) / 24 of its shock variance
    assert residual.var() == pytest.approx(0.30**2 * (1 - 3 / 24) + 0.06**2, rel=0.08)


def test_regression_to_the_mean_is_in_the_audit_window_only_where_it_is_said():
    def bad_draw(scenario):
        frame = panel(scenario, 3).frame
        low = frame[frame["pre_grade"].isin(["Г", "В"]) & (frame["cohort"] == 0)]
        mean = low.groupby("service_id")["log_days_0"].transform("mean")
        return (low["log_days_0"] - mean)[low["is_audit_window"]].mean()

    assert bad_draw("rtm_common_audit") > 0.08
    assert bad_draw("rtm_wave_audit") > 0.08
    assert abs(bad_draw("trend_violation")) < 0.05


def test_audit_windows_end_where_their_wave_begins():
    frame = panel("rtm_wave_audit", 2).frame
    optimised = frame[frame["cohort"] > 0]
    last = optimised[optimised["is_audit_window"]].groupby("service_id")["time"].max()
    assert (last + 1 == optimised.groupby("service_id")["cohort"].first()).all()
    common = panel("rtm_common_audit", 2).frame
    assert common["audit_month"].nunique() == 1 and frame["audit_month"].nunique() == 4


def test_scenarios_differ_as_named():
    assert panel("no_effect_rtm_wave", 1).truth.att == 0
    assert panel("cohort_heterogeneity", 1).truth.att_population == pytest.approx(-0.134, abs=0.01)
    early = panel("anticipation", 1).frame
    assert (early.loc[early["event_time"].isin([-1, -2]), "tau_log_days"].mean()) < -0.1
    gaps = panel("missing_months", 1)
    full = panel("baseline", 1)
    assert 0.80 < len(gaps.frame) / len(full.frame) < 0.93
    assert panel("few_regions", 1).frame["region_iso"].nunique() == 6
    assert panel("few_regions", 1, n_regions=10).frame["region_iso"].nunique() == 10
    drift = panel("trend_violation", 1).frame.groupby([lambda i: 0, "time"])["log_days_0"].mean()
    assert drift.iloc[-1] < full.frame.groupby("time")["log_days_0"].mean().iloc[-1] - 0.05


def test_potential_effects_cover_services_never_optimised():
    services = panel("baseline", 4).truth.services
    never = services[services["cohort"] == 0]
    assert len(never) > 500 and never["effect_log_days"].notna().all()
    assert (services[["level_days", "level_documents", "level_visits", "applications_year"]] > 0).all().all()


def test_counts_follow_their_means():
    frame = panel("baseline", 6).frame
    assert frame["documents"].mean() == pytest.approx(frame["documents_mean_1"].mean(), rel=0.01)
    assert frame["visits"].sum() == pytest.approx(frame["visits_mean_1"].sum(), rel=0.02)
    excess = ((frame["visits"] - frame["visits_mean_1"]) ** 2 - frame["visits_mean_1"]) / frame["visits_mean_1"] ** 2
    assert excess.mean() == pytest.approx(0.10, abs=0.03), "visits are over-dispersed"


def test_bad_requests_are_refused():
    with pytest.raises(KeyError, match="known: baseline"):
        panel("nonsense", 1)
    with pytest.raises(ValueError, match="at least one region"):
        panel("baseline", 1, n_regions=0)
    with pytest.raises(ValueError, match="months are too few"):
        panel("baseline", 1, n_months=18)
