"""Life situations end to end: the composition file, totals by hand, and what a launch changed against known truth."""

import numpy as np
import pandas as pd
import pytest

from helpers.analysis.effects import EffectsError, Panel, bundle, bundle_documents, bundles, bundles_study, study
from helpers.intake import collection
from helpers.intake.cleaning import clean_grids
from helpers.intake.grids.model import Grid
from helpers.synthetic import situations, world
from helpers.tables import schemas, store

pytestmark = pytest.mark.filterwarnings("ignore::helpers.analysis.effects.FewClustersWarning")
HEAD = [
    "Субъект РФ", "Код ЖС", "Жизненная ситуация", "Запущена с", "Код услуги", "Услуга", "Шаг", "Код документа",
    "Документ", "Отменён после запуска",
]  # fmt: skip


@pytest.fixture(scope="module")
def drawn():
    truth = world.draw(7)
    return situations.draw(truth.regions, truth.situation_documents, 7)


@pytest.fixture(scope="module")
def found(drawn):
    return bundles_study.tables(drawn.panel.frame, drawn.composition, seed=1)


# ------------------------------------------------------------------ documents by hand
def members(*services):
    return pd.DataFrame({"life_situation": "birth", "region_iso": "RU-CHE", "service_id": list(services)})


def documents(*rows):
    return pd.DataFrame(rows, columns=["service_id", "document", "asked_before", "asked_after"])


def test_a_document_asked_by_three_services_counts_once_after():
    lists = documents(
        ("A", "passport", True, True), ("A", "certificate", True, True), ("A", "income", True, False),
        ("B", "passport", True, True), ("B", "income", True, False),
        ("C", "passport", True, True), ("C", "consent", False, True),
    )  # fmt: skip
    row = bundle_documents.asked(members("A", "B", "C"), pd.DataFrame(), lists).iloc[0]
    # asked 3 + 2 + 1; passport, certificate, income are distinct; income is gone and consent is new
    assert (row.kind, row.asked_before, row.distinct_before, row.distinct_after) == ("codes", 6, 3, 3)
    assert (row.duplicates, row.abolished, row.added) == (3, 1, 1)


def test_a_document_abolished_by_one_service_alone_is_still_brought():
    lists = documents(("A", "passport", True, False), ("B", "passport", True, True))
    row = bundle_documents.asked(members("A", "B"), pd.DataFrame(), lists).iloc[0]
    assert (row.asked_before, row.distinct_before, row.distinct_after, row.abolished) == (2, 1, 1, 0)


def test_counts_alone_give_bounds_and_no_point():
    before = pd.DataFrame(
        {
            "life_situation": "birth", "region_iso": "RU-CHE", "service_id": ["A", "B", "C"],
            "documents": [4.0, 3.0, 2.0],
        }
    )  # fmt: skip
    row = bundle_documents.asked(members("A", "B", "C"), before, documents(("A", "passport", True, True))).iloc[0]
    assert (row.kind, row.low_before, row.high_before, row.asked_before) == ("counts", 4, 9, 9)
    assert np.isnan(row.distinct_before) and np.isnan(row.distinct_after)
    unknown = bundle_documents.asked(members("A", "D"), before, None).iloc[0]
    assert np.isnan(unknown.low_before) and unknown.kind == "counts"


def test_lists_of_one_region_do_not_speak_for_another():
    both = pd.concat([members("A"), members("A").assign(region_iso="RU-ORL")])
    lists = documents(("A", "passport", True, True), ("A", "income", True, False))
    found = bundle_documents.asked(both, pd.DataFrame(), lists.assign(region_iso="RU-CHE")).set_index("region_iso")
    assert found.loc["RU-CHE", "distinct_after"] == 1 and found.loc["RU-ORL", "kind"] == "counts"


# ------------------------------------------------------------------ totals
def little(**changes):
    rows = [
        ("RU-CHE", service, month, days, visits, 100.0, 2.0, "working_day", "")
        for month in ("2024-01", "2024-02")
        for service, days, visits in (("A", 10.0, 200.0), ("B", 6.0, 100.0))
    ]
    columns = [
        "region_iso", "service_id", "month", "median_days", "visits", "applications", "documents", "day_unit",
        "optimised_month",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).assign(**changes)


def of(frame):
    declared = members("A", "B").assign(launched="2024-02")
    return bundle(frame, declared)


def test_visits_are_those_of_one_applicant():
    months = of(little()).months
    assert months.visits.tolist() == [3.0, 3.0] and months.documents.tolist() == [4.0, 4.0]
    assert months.days_low.tolist() == [10.0, 10.0] and months.days_high.tolist() == [16.0, 16.0]


def test_a_missing_component_makes_the_total_missing():
    frame = little()
    frame.loc[0, "median_days"] = np.nan
    found = of(frame)
    assert found.months.days_high.isna().tolist() == [True, False] and found.dropped[bundles.MISSING] == 1
    assert of(little().drop(index=3)).months.visits.isna().tolist() == [False, True]


def test_working_and_calendar_days_are_never_added():
    found = of(little(day_unit=["working_day", "calendar_day"] * 2))
    assert found.months.days_high.isna().all() and found.dropped[bundles.MIXED] == 2
    assert set(found.months.day_unit) == {""}


# ------------------------------------------------------------------ the estimate
def test_every_estimate_covers_the_planted_truth(drawn, found):
    effects = found["effects"].query("group == 'all' and not is_contrast").set_index("outcome")
    truth = situations.averages(drawn).set_index("outcome")["value"]
    for outcome, planted in (
        ("situation_days_high", "situation_days"), ("situation_days_low", "situation_days"),
        ("situation_documents", "situation_documents"), ("situation_visits", "situation_visits"),
    ):  # fmt: skip
        row = effects.loc[outcome]
        assert row.ci_low < truth[planted] < row.ci_high < 0, outcome
        assert row.n_clusters > 60 and row.n_services > 40
    naive = found["effects"].query("outcome == 'situation_days_high' and is_contrast").iloc[0]
    # the panel drifts downwards: before and after is further from zero than what was planted
    assert naive.estimate < truth["situation_days"] - 0.02 and naive.estimator == "before_after"


def test_over_several_worlds_the_interval_covers_and_the_mean_error_is_small():
    truth = world.draw(7)
    errors, covered = [], 0
    for seed in range(6):
        drawn = situations.draw(truth.regions, truth.situation_documents, seed)
        rows, _ = bundle(drawn.panel.frame, *bundles_study.declared(drawn.composition)).comparable()
        panel = Panel(
            rows.assign(log_days=np.log(rows["days_high"])), unit=bundle_documents.KEY, time="month",
            cohort="launched", cluster="region_iso", strata="life_situation",
        )  # fmt: skip
        fit = bundles_study.estimator("log").fit(panel, "log_days")
        planted = situations.averages(drawn).set_index("outcome")["value"]["situation_days"]
        low, high = fit.conf_int()
        covered += low < planted < high
        errors.append(fit.att - planted)
    assert covered >= 5 and abs(np.mean(errors)) < 0.025


def test_a_world_without_an_effect_shows_none(monkeypatch):
    monkeypatch.setattr(situations, "EFFECT_DAYS", dict.fromkeys(situations.EFFECT_DAYS, 0.0))
    monkeypatch.setattr(situations, "REGION_SD", 0.0)
    truth = world.draw(3)
    drawn = situations.draw(truth.regions, truth.situation_documents, 3)
    rows = bundles_study.tables(drawn.panel.frame, drawn.composition)["effects"]
    row = rows.query("outcome == 'situation_days_high' and group == 'all' and not is_contrast").iloc[0]
    assert row.ci_low < 0 < row.ci_high


def test_launched_everywhere_is_described_and_not_estimated(drawn, found):
    totals = found["situation_totals"].set_index("situation_id")
    together = totals.loc[situations.TOGETHER]
    assert not together.in_estimate.any() and set(together.why) == {bundles.EVERYWHERE}
    assert together.distinct_after.notna().all() and together.days_high_after.notna().any()
    groups = found["effects"]["group"]
    assert not groups.str.contains(situations.TOGETHER).any()
    assert totals.drop(situations.TOGETHER).in_estimate.mean() > 0.95


def test_what_is_left_out_is_counted(drawn, found):
    reading = found["diagnostics"].query("check == 'left_out'").iloc[0]
    result = bundle(drawn.panel.frame, *bundles_study.declared(drawn.composition))
    rows, left_out = result.comparable()
    months = result.months
    assert len(rows) + sum(left_out.values()) + result.dropped[bundles.MISSING] == len(months)
    assert left_out[bundles.OWN] > 0 and left_out[bundles.NO_CONTRAST] > 0
    assert reading.statistic == sum(left_out.values()) + sum(result.dropped.values())
    assert bundles.OWN in reading.reading and reading.passed


def test_checks_speak_of_situations(found):
    readings = found["diagnostics"]["reading"]
    assert not readings.str.contains("grade|optimised service|service-months").any()
    assert readings.str.contains("the same situation where it is not yet launched").any()


def test_totals_keep_the_schema(found):
    table = found["situation_totals"].assign(is_synthetic=True)
    store.validate("situation_totals", table[list(schemas.TABLES["situation_totals"].columns)])
    known = table[table["days_high_before"].notna()]
    assert (known["days_low_before"] <= known["days_high_before"]).all()
    ordered = known[known["situation_id"].isin(list(situations.STEPS))]
    assert ordered["days_before"].between(ordered["days_low_before"], ordered["days_high_before"]).all()
    assert (known["asked_before"] == known["distinct_before"] + known["duplicates"]).all()


def test_launches_leave_the_estimates_about_single_services(drawn):
    panel, composition = drawn.panel.frame, drawn.composition
    left, count = bundles_study.before_launch(panel, composition)
    starts = composition.set_index(["region_iso", "service_id"])["launched"].to_dict()
    launched = [starts[key] for key in zip(left["region_iso"], left["service_id"], strict=True)]
    assert all(start == "" or month < start for start, month in zip(launched, left["month"], strict=True))
    assert count == len(panel) - len(left) > 1000
    assert len(bundles_study.before_launch(panel, composition.head(0))[0]) == len(panel)


def test_the_study_writes_both_kinds_of_estimates(drawn):
    tables = study.run(drawn.panel.frame, outcomes=["in_term_share"], situations=drawn.composition, reps=19)
    assert {"in_term_share", "situation_days_high"} <= set(tables["effects"]["outcome"])
    alone = tables["diagnostics"].query("outcome == @bundles_study.ALONE").iloc[0]
    assert alone.statistic == bundles_study.before_launch(drawn.panel.frame, drawn.composition)[1]
    for name, table in tables.items():
        store.validate(name, store.conform(name, table))
    without = study.run(drawn.panel.frame, outcomes=["in_term_share"], reps=19)
    assert without["situation_totals"].empty and set(without["effects"]["outcome"]) == {"in_term_share"}


def test_an_incomplete_situation_has_no_totals(drawn):
    composition = drawn.composition.copy()
    first = composition["region_iso"].iloc[0]
    composition.loc[composition["region_iso"] == first, "is_complete"] = False
    totals = bundles_study.tables(drawn.panel.frame, composition)["situation_totals"]
    mine = totals[totals["region_iso"] == first]
    assert set(mine["why"]) == {bundles_study.INCOMPLETE} and mine["asked_before"].isna().all()
    nothing = bundles_study.tables(drawn.panel.frame, composition.assign(is_complete=False))
    assert list(nothing) == ["diagnostics"] and "refused row" in nothing["diagnostics"]["reading"].iloc[0]


def test_without_a_comparison_there_are_totals_and_a_reason(drawn):
    everywhere = drawn.composition.assign(launched="2024-06")
    tables = bundles_study.tables(drawn.panel.frame, everywhere)
    assert set(tables) == {"situation_totals", "diagnostics"}
    assert set(tables["situation_totals"]["why"]) == {bundles.EVERYWHERE}
    assert "some regions and not yet in others" in tables["diagnostics"]["reading"].iloc[0]
    nowhere = bundles_study.tables(drawn.panel.frame, drawn.composition.assign(launched=""))
    assert set(nowhere["situation_totals"]["why"]) == {bundles.NOWHERE}
    with pytest.raises(EffectsError, match="none of the services"):
        bundle(drawn.panel.frame.assign(service_id="?"), *bundles_study.declared(drawn.composition))
    assert bundles_study.tables(store.empty("service_panel"), drawn.composition) == {}


# ------------------------------------------------------------------ the file
def read(*rows, head=HEAD, spans=()):
    texts = np.array([head, *rows], dtype=object)
    return clean_grids([Grid("Лист1", texts, spans=spans)], "состав.xlsx")


def row(region="Тульская обл.", situation="ЖС-1", launch="2024-02", service="У-1", document="Д01", flag="нет", step=""):
    return [region, situation, "Рождение", launch, service, "Пособие", step, document, "паспорт", flag]


def refused(result):
    return set(result.rejects[["row", "col", "reason"]].itertuples(index=False, name=None))


def test_merged_cells_name_every_row_and_marks_are_read():
    first = row(launch="март 2024 г.", step="1", flag="")
    second = ["", "", "", "", "", "", "", "д02", "СНИЛС", "Да"]
    spans = tuple((1, column, 2, column) for column in range(7))
    result = read(first, second, ["Итого: 1", *[""] * 9], ["Примечание: нет", *[""] * 9], spans=spans)
    found = result.situations
    assert found["region_iso"].tolist() == ["RU-TUL"] * 2 and found["launched"].tolist() == ["2024-03"] * 2
    assert found["document_id"].tolist() == ["Д01", "Д02"] and found["is_abolished"].tolist() == [False, True]
    assert found["step"].tolist() == [1.0, 1.0] and found["is_complete"].all() and result.tidy.empty
    assert not len(result.rejects) and result.counts.accepted == 20 and result.counts.total == 50
    assert set(result.situations.columns) | {"is_synthetic"} == set(schemas.TABLES["life_situations"].columns)


def test_a_refused_row_makes_its_situation_incomplete_and_no_other():
    result = read(
        row(), row(document="Д02", flag="частично"), row(situation="ЖС-2"), row(situation="ЖС-2", service="—"),
        row(region="Калужская область", launch=""), row(region="Атлантида", launch=""),
    )  # fmt: skip
    assert refused(result) == {(3, 10, "bad_status"), (5, 0, "missing_id"), (7, 0, "unknown_entity")}
    complete = result.situations.groupby(["region_iso", "situation_id"])["is_complete"].all().to_dict()
    assert complete == {("RU-TUL", "ЖС-1"): False, ("RU-TUL", "ЖС-2"): False, ("RU-KLU", "ЖС-1"): True}


def test_contradictions_are_refused_in_every_row_and_repeats_cost_nothing():
    result = read(
        row(), row(), row(situation="ЖС-2"), row(situation="ЖС-2", document="Д02", launch="2024-05"),
        row(situation="ЖС-3", flag="да"), row(situation="ЖС-3"), row(situation="ЖС-4", launch="IV кв. 2024"),
    )  # fmt: skip
    conflict = "duplicate_conflict"
    expected = {(4, 0, conflict), (5, 0, conflict), (6, 0, conflict), (7, 0, conflict)}
    assert refused(result) == expected | {(3, 0, "duplicate_exact"), (8, 0, "bad_period")}
    assert result.situations[["situation_id", "is_complete"]].to_numpy().tolist() == [["ЖС-1", True]]


def test_a_row_that_names_no_situation_spoils_its_region():
    result = read(row(), row(situation="", document="Д02"), row(region="Калужская область"))
    assert result.situations.set_index("region_iso")["is_complete"].to_dict() == {"RU-TUL": False, "RU-KLU": True}


def test_columns_that_the_file_lacks_are_empty_and_other_tables_stay_what_they_are():
    kept = [0, 1, 3, 4]
    result = read([row()[i] for i in kept], head=[HEAD[i] for i in kept])
    found = result.situations.iloc[0]
    assert (found.document_id, found.situation, found.bundle_service) == ("", "", "") and np.isnan(found.step)
    without_launch = read([row()[i] for i in (0, 1, 4)], head=[HEAD[i] for i in (0, 1, 4)])
    assert without_launch.situations.empty


def test_a_record_of_two_files_is_kept_once_or_refused_in_both():
    frame = read(row(), row(document="Д02")).situations.assign(is_synthetic=True)
    other = frame.assign(is_abolished=[False, True])
    frames = [frame.assign(source_id="one"), other.assign(source_id="two")]
    table, repeats = collection._records("life_situations", frames)
    assert table["document_id"].tolist() == ["Д01"]
    assert repeats["source_id"].tolist() == ["one", "two"] and set(repeats["reason"]) == {"duplicate_conflict"}
