"""Regional effects, what to optimise next, and life situations, against known truth and by hand."""

import numpy as np
import pandas as pd
import pytest

from helpers.analysis.effects import (
    EffectsError,
    Imputation,
    Panel,
    PoissonImputation,
    bundle,
    next_services,
    region_effects,
    regret,
)
from helpers.analysis.effects.regions import pooled_variance
from helpers.analysis.effects.selection import after_ramp
from helpers.synthetic.simulate import panel as simulate

ROLES = {
    "unit": "service_id", "time": "month", "cohort": "optimised_month", "cluster": "region_iso",
    "strata": "pre_grade", "audit": "is_audit_window", "exposure": "applications",
}  # fmt: skip


@pytest.fixture(scope="module")
def world():
    drawn = simulate("rtm_wave_audit", 3)
    panel = Panel(drawn.frame, **ROLES)
    return drawn, panel, Imputation().fit(panel, "log_days")


# ------------------------------------------------------------------ regions


def test_standard_errors_follow_the_specification(world):
    _, panel, fit = world
    found = region_effects(fit, panel, same_region=False)
    raw = fit.by("region")
    k, own = raw["services"].to_numpy(dtype=float), raw["se"].to_numpy(dtype=float)
    many = k > 1
    s2 = np.sum((k[many] - 1) * k[many] * own[many] ** 2) / np.sum(k[many] - 1)
    assert found.service_sd == pytest.approx(np.sqrt(s2))
    np.testing.assert_allclose(found.estimates.raw_se**2, s2 / k + found.placebo_excess)
    early = fit.placebo(4).by("region")
    ke, pe = early["services"].to_numpy(dtype=float), early["att"].to_numpy(dtype=float)
    excess = np.sum(ke * (pe**2 - pooled_variance(ke, early["se"].to_numpy(dtype=float)) / ke)) / np.sum(ke)
    assert found.placebo_excess == pytest.approx(max(excess, 0))


def test_pooled_effects_beat_raw_ones_and_their_intervals_cover(world):
    drawn, panel, fit = world
    found = region_effects(fit, panel, same_region=False)
    table = found.table.set_index("region_iso")
    truth = drawn.truth.by_region.reindex(table.index)
    assert ((table.ci_low <= truth) & (truth <= table.ci_high)).mean() > 0.88
    raw = found.estimates.set_index("region_iso").raw
    assert np.mean((table.shrunk - truth) ** 2) < np.mean((raw - truth) ** 2)
    assert set(table.unit) == {"log_point"} and found.dropped["estimate or covariate missing"] == 0


def test_small_regions_are_withheld_and_neighbours_cannot_be_told_apart(world):
    _, panel, fit = world
    found = region_effects(fit, panel, same_region=False)
    table = found.table
    few = table.n_services_optimised < 5
    assert few.any() and table.is_suppressed.equals(few)
    assert table.loc[few, ["raw", "raw_se", "p_value"]].isna().all(axis=None)
    assert table.loc[few, "shrunk"].notna().all()
    ordered = table.sort_values("shrunk")
    one, other = ordered.region_iso.iloc[40], ordered.region_iso.iloc[41]
    assert not found.distinguishable(one, other)
    low, high = table.set_index("region_iso").loc[one, ["ci_low", "ci_high"]]
    assert ((table.ci_low <= high) & (table.ci_high >= low)).sum() - 1 == table.set_index("region_iso").loc[
        one, "indistinguishable"
    ]
    with pytest.raises(EffectsError, match="no estimate"):
        found.distinguishable(one, "XX")


def test_same_region_controls_stand_beside_the_raw_estimate(world):
    _, panel, fit = world
    table = region_effects(fit, panel).table
    both = table[table.same_region.notna()]
    assert len(both) > 40 and not both.is_suppressed.any()
    gap = (both.same_region - both.raw).abs()
    assert both.differs.equals(gap > both.same_region_se)
    assert gap.median() < 0.1


def test_covariates_enter_the_centre(world):
    _, panel, fit = world
    names = [str(x) for x in panel.cluster_labels]
    rng = np.random.default_rng(0)
    found = region_effects(
        fit, panel, covariates=pd.DataFrame({"x": rng.normal(size=len(names))}, index=names), same_region=False
    )
    assert len(found.pooled.delta) == 2


def test_regions_need_services_to_measure_noise():
    frame = pd.DataFrame(
        [
            (f"s{r}{u}", r, m, 4 if u == 0 else 0, float(m + (u == 0 and m >= 4)))
            for r in range(4)
            for u in range(2)
            for m in range(1, 7)
        ],
        columns=["unit", "region", "month", "cohort", "y"],
    )
    panel = Panel(frame, unit="unit", time="month", cohort="cohort", cluster="region")
    with pytest.warns(UserWarning, match="only 4 regions"):
        fit = Imputation(effects="month", fallback=()).fit(panel, "y")
    assert fit.att == pytest.approx(1.0)
    with pytest.raises(EffectsError, match="two optimised services"):
        region_effects(fit, panel)


# ------------------------------------------------------------------ selection


def test_gains_are_ordered_promised_and_delivered(world):
    drawn, panel, fit = world
    found = next_services(fit, panel, k=3)
    all_ = found.candidates
    truth = all_.merge(drawn.truth.services, on="service_id", suffixes=("", "_true"))
    gain = (truth.applications_year_true * truth.level_days * -np.expm1(truth.effect_log_days)).to_numpy()
    top = all_.position.to_numpy() <= round(0.2 * len(all_))
    assert regret(top, gain) < 0.10
    assert all_.expected_gain[top].sum() == pytest.approx(gain[top].sum(), rel=0.2)
    assert ((all_.gain_low <= gain) & (gain <= all_.gain_high)).mean() > 0.85
    assert (np.diff(all_.expected_gain) <= 0).all() and list(all_.position) == list(range(1, len(all_) + 1))
    assert found.table.groupby("region_iso").size().max() == 3
    assert (found.table.groupby("region_iso").expected_gain.diff().dropna() <= 0).all()
    expected = all_.applications_year * all_.level_now * -np.expm1(all_.effect)
    np.testing.assert_allclose(all_.expected_gain, expected)
    assert set(all_.reason) <= {"share", "level", "effect"} and set(all_.unit) == {"days_year"}
    assert not set(all_.service_id) & set(drawn.frame.loc[drawn.frame.is_treated, "service_id"])


def test_only_services_that_the_region_can_change_are_listed(world):
    _, panel, fit = world
    everything = next_services(fit, panel)
    eligible = np.arange(panel.n_units) % 2 == 0
    found = next_services(fit, panel, eligible=eligible)
    allowed = set(panel.unit_values("service_id")[eligible])
    assert set(found.candidates.service_id) == set(everything.candidates.service_id) & allowed
    assert found.dropped["not for those who decide to change"] > 0
    with pytest.raises(EffectsError, match="nothing to choose"):
        next_services(fit, panel, eligible=np.zeros(panel.n_units, dtype=bool))
    same = everything.candidates.set_index("service_id").effect.reindex(found.candidates.service_id)
    np.testing.assert_allclose(found.candidates.effect, same)  # the others still inform the estimate


def test_same_seed_same_table_and_rows_in_any_order(world):
    drawn, panel, fit = world
    one, two = next_services(fit, panel, seed=1), next_services(fit, panel, seed=1)
    pd.testing.assert_frame_equal(one.table, two.table)
    assert not one.table.gain_low.equals(next_services(fit, panel, seed=2).table.gain_low)
    shuffled = Panel(drawn.frame.sample(frac=1, random_state=0), **ROLES)
    again = next_services(Imputation().fit(shuffled, "log_days"), shuffled, seed=1)
    pd.testing.assert_frame_equal(one.table, again.table, rtol=1e-8)


def test_level_ignores_the_audit_and_leans_on_its_grade(world):
    drawn, panel, fit = world
    found = next_services(fit, panel).candidates.set_index("service_id")
    frame = drawn.frame
    recent = frame[(frame.time > 12) & ~frame.is_audit_window].assign(days=lambda x: np.exp(x.log_days))
    own = recent.groupby("service_id").days.mean().reindex(found.index)
    assert np.corrcoef(np.log(own), np.log(found.level_now))[0, 1] > 0.99
    spread = found.assign(own=own).groupby("grade")[["own", "level_now"]].agg(lambda x: np.log(x).std())
    assert (spread.level_now <= spread.own).all()


def test_counts_have_gains_too(world):
    drawn, panel, _ = world
    fit = PoissonImputation(exposure="applications").fit(panel, "visits")
    found = next_services(fit, panel, k=2)
    truth = found.candidates.merge(drawn.truth.services, on="service_id", suffixes=("", "_true"))
    assert set(found.table.unit) == {"visits_year"}
    assert np.corrcoef(np.log(truth.level_now), np.log(truth.level_visits))[0, 1] > 0.9


def test_selection_refuses_and_counts(world):
    _, panel, fit = world
    bare = Panel(panel.frame, **{k: v for k, v in ROLES.items() if k != "exposure"})
    with pytest.raises(EffectsError, match="applications"):
        next_services(fit, bare)
    for bad in ({"k": 0}, {"ramp": -1}):
        with pytest.raises(EffectsError):
            next_services(fit, panel, **bad)
    frame = panel.frame.copy()
    quiet = frame.loc[frame.optimised_month == "", "service_id"].iloc[0]
    frame.loc[frame.service_id == quiet, "applications"] = 0
    silent = Panel(frame, **ROLES)
    assert next_services(Imputation().fit(silent, "log_days"), silent).dropped["no applications"] == 1
    assert after_ramp(panel, 0) is panel
    late = after_ramp(panel, 3)
    assert late.event[late.treated & late.observed].min() == 3


def test_regret_by_hand():
    assert regret([True, False, True], [3, 2, 1]) == pytest.approx(1 - 4 / 5)
    assert regret([0, 1], [3, 2, 1]) == 0
    for chosen, gain in [([], [1.0]), ([0], [0.0])]:
        with pytest.raises(EffectsError):
            regret(np.asarray(chosen, dtype=int), gain)


# ------------------------------------------------------------------ life situations


def services(regions=10, months=24, effect=0.0, launch=12, seed=0):
    rng = np.random.default_rng(seed)
    rows = []
    for r in range(regions):
        for m in range(months):
            down = effect if r < regions // 2 and m >= launch else 0.0
            for name, days, visits in (("A", 10, 2), ("B", 6, 1), ("C", 4, 1)):
                month = f"{2023 + m // 12}-{m % 12 + 1:02d}"
                rows.append((f"R{r}", name, month, days * np.exp(down + 0.05 * rng.standard_normal()), visits, 2))
    frame = pd.DataFrame(rows, columns=["region_iso", "service_id", "month", "median_days", "visits", "documents"])
    situations = pd.DataFrame(
        [("child", s, f"R{r}", "2024-01" if r < regions // 2 else "") for r in range(regions) for s in "ABC"],
        columns=["life_situation", "service_id", "region_iso", "launched"],
    )
    return frame, situations


DOCUMENTS = pd.DataFrame(
    [
        ("A", "passport", True, True), ("A", "birth", True, True), ("B", "passport", True, True),
        ("B", "form", True, False), ("C", "birth", True, False), ("C", "consent", False, True),
    ],
    columns=["service_id", "document", "asked_before", "asked_after"],
)  # fmt: skip


def test_documents_by_hand():
    frame, situations = services()
    row = bundle(frame, situations, DOCUMENTS).documents.iloc[0]
    # before: A 2, B 2, C 1 asked; passport, birth, form distinct; after: passport, birth, consent
    assert (row.asked_before, row.distinct_before, row.distinct_after) == (5, 3, 3)
    assert (row.duplicates, row.abolished, row.added, row.kind) == (2, 1, 1, "codes")
    counts = bundle(frame, situations).documents.iloc[0]
    assert (counts.low_before, counts.high_before, counts.kind) == (2, 6, "counts") and np.isnan(counts.distinct_before)


def test_time_has_two_bounds_and_a_path_where_the_order_is_known():
    frame, situations = services()
    frame["median_days"] = frame.service_id.map({"A": 10.0, "B": 6.0, "C": 4.0})
    months = bundle(frame, situations).months
    assert set(months.days_low) == {10.0} and set(months.days_high) == {20.0} and months.days.isna().all()
    assert set(months.days_kind) == {"bounds"} and set(months.visits) == {4}
    known = situations.assign(order=situations.service_id.map({"A": 1, "B": 1, "C": 2}))
    path = bundle(frame, known).months
    assert set(path.days) == {14.0} and set(path.days_kind) == {"critical_path"}


def test_measured_bundle_after_the_launch():
    frame, situations = services()
    own = frame[(frame.service_id == "A") & (frame.month >= "2024-01")].assign(
        service_id="LS", median_days=7.0, visits=1
    )
    named = situations.assign(bundle_service="LS")
    months = bundle(pd.concat([frame, own]), named).months
    after = months[months.is_after]
    assert set(after.days_high) == {7.0} and set(after.days_kind) == {"measured"} and set(after.visits) == {1}
    assert set(months[~months.is_after].days_kind) == {"bounds"}


def test_a_month_with_a_missing_service_has_no_total():
    frame, situations = services()
    gone = frame.drop(frame[(frame.region_iso == "R1") & (frame.service_id == "B")].index[:2])
    found = bundle(gone, situations)
    assert found.dropped["month with a missing service"] == 2
    assert found.months.days_high.isna().sum() == 2
    assert found.summary.set_index("region_iso").loc["R1", "n_before"] == 10


def test_effect_of_bundling_is_found():
    frame, situations = services(effect=-0.3)
    found = bundle(frame, situations, DOCUMENTS)
    assert found.estimable.is_estimable.all()
    fit = Imputation(effects="month", fallback=()).fit(found.panel(), "log_days")
    low, high = fit.conf_int()
    assert low <= -0.3 <= high and fit.se < 0.05
    summary = found.summary.set_index("region_iso")
    assert summary.loc["R0", "days_high_after"] < 0.8 * summary.loc["R0", "days_high_before"]
    assert summary.loc["R9", "n_after"] == 0


def test_own_optimisation_is_a_second_treatment_and_left_out():
    frame, situations = services()
    frame["optimised_month"] = np.where((frame.region_iso == "R9") & (frame.service_id == "A"), "2023-06", "")
    found = bundle(frame, situations)
    months = found.months
    assert months[months.own_optimised].groupby("region_iso").size().to_dict() == {"R9": 19}
    assert found.panel().observed.sum() == 240 - 19


def test_launched_everywhere_or_nowhere_is_description_only():
    frame, situations = services()
    everywhere = bundle(frame, situations.assign(launched="2024-01"))
    assert "everywhere" in everywhere.estimable.why[0]
    with pytest.raises(EffectsError, match="not yet in others"):
        everywhere.panel()
    assert "not launched" in bundle(frame, situations.assign(launched="")).estimable.why[0]


def test_bundle_refusals():
    frame, situations = services()
    with pytest.raises(EffectsError, match="twice"):
        bundle(frame, pd.concat([situations, situations.head(1)]))
    two = situations.copy()
    two.loc[0, "launched"] = "2023-05"
    with pytest.raises(EffectsError, match="two launch months"):
        bundle(frame, two)
    with pytest.raises(EffectsError, match="none of the services"):
        bundle(frame.assign(service_id="Z"), situations)
    with pytest.raises(EffectsError, match="more than once|twice"):
        bundle(pd.concat([frame, frame.head(1)]), situations)
    with pytest.raises(EffectsError, match="no column"):
        bundle(frame.drop(columns="visits"), situations)
    everyone = situations.drop(columns="region_iso").drop_duplicates("service_id")
    assert bundle(frame, everyone).months.region_iso.nunique() == 10
