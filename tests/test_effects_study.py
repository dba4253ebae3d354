"""The study as tables: schemas, honest empties and refusals, and real data with a public history."""

import numpy as np
import pandas as pd
import pytest

from helpers.analysis.effects import EffectsError, checks, doing_business, study, study_views
from helpers.synthetic import simulate
from helpers.tables import schemas, store

pytestmark = pytest.mark.filterwarnings("ignore::helpers.analysis.effects.FewClustersWarning")


def service_panel(scenario="rtm_wave_audit", seed=1, regions=24, **changes):
    frame = simulate.panel(scenario, seed, n_regions=regions, **changes).frame
    columns = list(schemas.TABLES["service_panel"].columns)
    return frame[columns].assign(region_iso=frame["region_iso"].str.replace("R", "RU-"))


@pytest.fixture(scope="module")
def tables():
    return study.run(service_panel(), outcomes=["days", "documents", "in_term_share"], reps=19)


def test_every_table_keeps_its_schema(tables):
    assert set(tables) == set(study.TABLES)
    for name, frame in tables.items():
        store.validate(name, store.conform(name, frame))
        assert len(frame) or name == "situation_totals"  # no composition was given
        assert frame["is_synthetic"].all()


def test_contrasts_are_marked_and_estimates_are_not(tables):
    effects = tables["effects"]
    contrasts = {"before_after", "before_after_audit", "audit_against_last_3_months", "twfe"}
    assert set(effects.loc[effects["is_contrast"], "estimator"]) == contrasts
    assert not effects["estimator"].isin(contrasts)[~effects["is_contrast"]].any()
    assert (effects["ci_low"] <= effects["estimate"]).all() and (effects["estimate"] <= effects["ci_high"]).all()
    units = effects.set_index("outcome")["unit"].groupby(level=0).agg(set).to_dict()
    assert units == {"days": {"log_point"}, "documents": {"percent_change"}, "in_term_share": {"percentage_point"}}


def test_the_naive_number_overstates_and_the_split_explains_it(tables):
    days = (
        tables["effects"].query("outcome == 'days' and group == 'all'").set_index(["estimator", "estimand"])["estimate"]
    )
    assert days[("before_after_audit", "change")] < days[("imputation", "att")] - 0.05
    split = tables["rtm"].set_index("group").loc["audit"]
    assert split["naive"] == pytest.approx(split["trend"] + split["regression_to_mean"] + split["effect"])
    assert split["effect"] == pytest.approx(days[("imputation", "att")])
    assert {"audit", "all_months"} <= set(tables["rtm"]["group"])


def test_checks_have_readings(tables):
    found = tables["diagnostics"]
    wanted = {"clusters", "kept_share", "influence", "comparison", "pretrend", "placebo", "placebo_6", "holm"}
    assert wanted <= set(found.loc[found["outcome"] == "days", "check"])
    assert found["reading"].str.endswith(".").all() and found["reading"].str.len().gt(20).all()
    assert {"honest_smoothness", "honest_relative_magnitude", "censored"} <= set(
        found.query("outcome == 'days'")["check"]
    )


def test_the_same_seed_gives_the_same_tables(tables):
    again = study.run(service_panel().sample(frac=1, random_state=3), outcomes=["in_term_share"], reps=19)
    for name in ("effects", "event_study", "diagnostics"):
        mine = tables[name].query("outcome == 'in_term_share'")
        mine = mine[mine["check"] != "holm"] if name == "diagnostics" else mine
        pd.testing.assert_frame_equal(again[name], mine.reset_index(drop=True))


def test_an_empty_panel_gives_empty_tables():
    found = study.run(store.empty("service_panel"))
    for name, frame in found.items():
        assert frame.empty
        store.validate(name, store.conform(name, frame))


def test_what_cannot_be_estimated_says_why_and_nothing_else():
    panel = service_panel(regions=6)
    panel.loc[panel["optimised_month"] != "", "documents"] = 0.0
    found = study.run(panel.assign(optimised_month=""), outcomes=["days"])
    assert found["effects"].empty and found["diagnostics"]["check"].tolist() == ["estimable"]
    assert not found["diagnostics"]["passed"].any()
    zero = study.run(panel.assign(documents=0.0), outcomes=["documents"])
    assert zero["effects"].empty and "zero in every untreated" in zero["diagnostics"]["reading"].iloc[0]
    with pytest.raises(EffectsError, match="unknown outcomes"):
        study.run(panel, outcomes=["happiness"])


def test_kinds_of_days_are_never_mixed():
    panel = service_panel(regions=16)
    calendar = panel["service_id"].str[-1].isin(list("012"))
    panel.loc[calendar, "day_unit"] = "calendar_day"
    frame = study.prepare(panel)
    found = study.declared(frame, ["days"])
    assert [outcome.name for outcome in found] == ["days", "days_calendar_day"]
    assert found[0].rows.sum() + found[1].rows.sum() == len(frame)


def test_days_of_zero_are_missing_and_open_applications_lengthen():
    panel = service_panel(regions=6)
    panel.loc[0, "median_days"] = 0.0
    frame = study.prepare(panel)
    assert np.isnan(frame.loc[0, "log_days"]) and frame["log_days"].notna().sum() == len(frame) - 1
    assert (frame["log_days_bound"] - frame["log_days"]).dropna().ge(0).all()
    no_open = study.prepare(panel.assign(open_count=np.nan))
    assert "log_days_bound" not in no_open


def test_few_treated_regions_bring_the_permutation_test():
    panel = service_panel(regions=8)
    treated = panel["region_iso"].isin(sorted(panel["region_iso"].unique())[:3])
    panel.loc[~treated, "optimised_month"] = ""
    found = study.run(panel, outcomes=["in_term_share"], reps=19)["diagnostics"].set_index("check")
    assert "permutation" in found.index and not found.loc["clusters", "passed"]
    assert isinstance(checks.refused("days", "because").iloc[0]["reading"], str)


def test_one_region_is_studied_with_agencies_as_clusters():
    panel = service_panel("baseline", seed=3, regions=6)
    mine = panel[panel["region_iso"] == panel["region_iso"].iloc[0]]
    alone = study.run(mine, outcomes=["in_term_share"])
    assert alone["effects"].empty and "such as the agency" in alone["diagnostics"]["reading"].iloc[0]
    found = study.run(mine, outcomes=["documents", "in_term_share"], cluster="agency", reps=19)
    assert len(found["effects"]) and found["region_effects"].empty and found["next_services"].empty
    reading = found["diagnostics"].set_index(["outcome", "check"]).loc[("in_term_share", "clusters"), "reading"]
    assert "12 clusters" in reading


# ------------------------------------------------------------------ views
def test_log_points_become_per_cent_bound_by_bound(tables):
    read = study_views.readable(tables["effects"])
    assert "log_point" not in set(read["unit"]) and "std_error" not in read
    own = tables["effects"].iloc[0]
    assert own["unit"] == "log_point" and read.iloc[0]["ci_low"] == pytest.approx(
        100 * np.expm1(own["ci_low"]), abs=0.05
    )


def test_overview_says_what_there_is():
    panel = service_panel(regions=6)
    table = study_views.overview(panel).set_index("item")["value"]
    assert table["service-months"] == len(panel) == table["months measured in working_days"]
    assert study_views.overview(panel.head(0))["value"].tolist() == [0.0]
    assert study_views.overview(panel.assign(optimised_month=""))["item"].iloc[0].startswith("not usable: no treated")
    early = study_views.until(panel, "2023-H2")
    assert early["month"].max() == "2023-12" and len(early) == len(panel) / 4


def test_published_pairs_are_differences_and_no_more():
    row = {
        "entity_name": "А", "indicator": "service_time", "period": "2023", "value_before": 4.0, "value_after": 2.0,
        "unit": "day", "observation_id": "F022",
    }  # fmt: skip
    rows = [row, row | {"indicator": "share", "unit": "percent", "period": ""}, row | {"value_after": np.nan}]
    found = study_views.published_changes(pd.DataFrame(rows)).set_index("indicator")
    assert found.loc["service_time", "change"] == -2 and found.loc["service_time", "change_percent"] == -50
    assert len(found) == 2 and np.isnan(found.loc["share", "change_percent"])
    assert "season, trend and luck" in found.loc["service_time", "cannot_tell"]
    assert "dates" in found.loc["share", "cannot_tell"] and "dates" not in found.loc["service_time", "cannot_tell"]


# ------------------------------------------------------------------ Doing Business
def test_doing_business_tables_are_empty_without_the_data():
    assert all(frame.empty for frame in study_views.doing_business_tables(pd.DataFrame()).values())


def tiny():
    rows = []
    for economy, kind, base, cut in [
        ("A", None, 40.0, 2010), ("B", None, 30.0, 0), ("C", None, 20.0, 0), ("D", None, 50.0, 2011),
        ("E", "population_weighted_average", 10.0, 0), ("E Town", "city", 10.0, 0), ("China", None, 10.0, 2009),
    ]:  # fmt: skip
        for year in range(2008, 2013):
            after = cut and year >= cut
            rows.append((economy, year, "export", 8.0 - 2 * bool(after), base * (0.5 if after else 1), kind))
    return pd.DataFrame(rows, columns=["economy", "report_year", "topic", "steps", "time", "is_city_or_average"])


def test_a_halved_time_is_found_and_rows_left_out_are_counted():
    found = doing_business.study(tiny(), "documents")
    assert found.fit.percent().estimate == pytest.approx(-50)
    assert found.left_out["economy with irregular figures"] == 5
    assert found.left_out["average of cities that are in the data themselves"] == 5
    assert found.table["steps_removed"].tolist() == [2.0] and found.table["reforms"].tolist() == [2]
    assert found.per_step.estimate["step"] > 0
    with pytest.raises(EffectsError, match="unknown steps"):
        doing_business.study(tiny(), "visits")


def test_a_city_belongs_to_its_country():
    assert set(doing_business.country(tiny()).iloc[25:30]) == {"E"}


def test_real_reforms_that_cut_steps(outside_data):
    path = outside_data / "doing_business_steps_time_2004_2020.csv"
    if not path.exists():
        pytest.skip(f"{path.name} is absent")
    frame = pd.read_csv(path)
    for steps in doing_business.TOPICS:
        found = doing_business.study(frame, steps)
        change = found.fit.percent()
        assert change.high < 0 and found.fit.n_clusters > 150 and found.fit.kept > 0.9
        assert found.per_step.conf_int()["lo"].iloc[0] > 0
        assert not found.fit.layout.cluster_labels.astype(str).tolist().count("China")
    tables = study_views.doing_business_tables(frame)
    assert set(tables["reforms"]["steps"]) == {"documents", "procedures"} and len(tables["checks"]) == 2
    cities = tables["cities"]
    moscow = cities.set_index(["topic", "city"]).loc[("getting_electricity", "Moscow")]
    # 162 days in 2014, 38 in 2020
    assert moscow["change_percent"] == pytest.approx(100 * (38 / 162 - 1))
    assert moscow["countries"] == 9 and moscow["low"] < moscow["difference_percent"] < moscow["high"]
