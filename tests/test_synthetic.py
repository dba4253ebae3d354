"""Simulated panels and demonstration files: seeded, calibrated, and with a truth that is really in them."""

import hashlib
import io
import zipfile

import docx
import numpy as np
import openpyxl
import pandas as pd
import pytest
import python_calamine
from lxml import etree

from helpers import paths
from helpers.intake import sources
from helpers.synthetic import demo, world
from helpers.synthetic.scenarios import PRE_GRADE_SHARES, SCENARIOS
from helpers.synthetic.simulate import panel
from helpers.tables import schemas, store


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


@pytest.fixture(scope="module")
def demo_set():
    return demo.generate()


def test_demo_files_are_the_same_bytes_for_the_same_seed(demo_set, tmp_path):
    rows = demo.write(tmp_path, truth_folder=tmp_path / "truth")
    for file, row in zip(demo_set.files, rows, strict=True):
        content = (tmp_path / row["path"]).read_bytes()
        assert content == file.content, file.name
        assert row["sha256"] == hashlib.sha256(content).hexdigest()
        assert row["is_synthetic"] == "1" and row["path"].startswith("demo/demo_")
        assert all(row[column] for column in row if column not in ("period", "note"))
        assert sources.Source(**row).path == row["path"]
    assert sorted(p.stem for p in (tmp_path / "truth").iterdir()) == sorted(demo_set.truth)
    assert not list(tmp_path.rglob(".*.tmp"))


def test_another_seed_gives_other_files():
    first, other = world.draw(1), world.draw(2)
    assert not first.index["index"].equals(other.index["index"])


def test_every_demo_file_says_that_it_is_one(demo_set):
    for file in demo_set.files:
        content = file.content
        if file.name.endswith((".xlsx", ".ods", ".docx")):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                assert all(info.date_time == (2025, 7, 15, 9, 0, 0) for info in archive.infolist())
                content = b"".join(archive.read(name) for name in archive.namelist())
        encodings = ("utf-8", "cp1251", "cp866", "utf-16")
        assert any("ДЕМОНСТРАЦИОННЫЕ ДАННЫЕ".encode(e).removeprefix(b"\xff\xfe") in content for e in encodings), (
            file.name
        )


def test_no_published_value_is_given_to_its_own_region(demo_set):
    published = pd.read_csv(paths.raw() / "published" / "published_facts.csv", dtype=str)
    printed = published[published["indicator"].isin(["client_centricity_index"]) & published["value"].notna()]
    regions = printed[printed["entity_type"] == "region"]
    truth = demo_set.truth["index"].set_index(["region_iso", "period"])["index"]
    for fact in regions.itertuples():
        assert truth[fact.iso_3166_2, fact.period] != float(fact.value)


def test_world_is_calibrated_to_published_figures(demo_set):
    mfc = demo_set.truth["mfc"]
    counts = mfc.groupby(["period", "level"]).size().unstack(fill_value=0)
    assert counts.loc["2023-Q1", ["high", "medium", "low"]].tolist() == [47, 33, 5]
    assert counts.loc["2023-Q4", ["high", "medium", "low"]].tolist() == [63, 22, 0]
    assert counts.loc["2025-Q2"].sum() == 89 and counts.loc["2024-Q4"].sum() == 85
    scored = mfc.dropna(subset=["total"])
    assert np.allclose(scored[["access", "quality", "client", "digital", "support"]].sum(axis=1), scored["total"])
    assert scored.loc[scored["level"] == "high", "total"].min() >= 80
    assert scored.loc[scored["level"] == "medium", "total"].between(60, 79.95).all()
    index = demo_set.truth["index"].groupby("period")["index"]
    assert index.mean()["2023"] == pytest.approx(38, abs=3) and index.mean()["2025-H1"] == pytest.approx(60, abs=3)
    assert index.std().between(5, 11).all()
    effects = demo_set.truth["effects"].set_index("outcome")
    assert effects.loc["log_days", "population"] == pytest.approx(-0.309, abs=0.01)
    panel_ = demo_set.truth["service_panel"]
    first = panel_.drop_duplicates("service_id")
    assert first["pre_grade"].isin(["Б", "Б+"]).mean() == pytest.approx(0.54, abs=0.03)
    assert panel_["region_iso"].nunique() == 89 and 1_500 < len(first) < 1_900
    store.validate("service_panel", panel_)


def test_half_year_index_is_the_mean_of_the_bodies(demo_set):
    drawn = world.draw(demo.SEED)
    halves = world.body_index(drawn.questionnaires).groupby(["region_iso", "period"])["index"].mean().round(2)
    printed = drawn.index.set_index(["region_iso", "period"])["index"]
    assert np.allclose(halves, printed.loc[halves.index], atol=0.011)


def test_answers_point_at_the_cells_they_describe(demo_set):
    name = "demo_a_fed_index_2024.xlsx"
    file = next(f for f in demo_set.files if f.name == name)
    sheet = openpyxl.load_workbook(io.BytesIO(file.content), data_only=True)["Рейтинг"]
    for key in file.draft.key_frame().itertuples():
        cell = sheet.cell(key.row, key.col)
        shown = str(cell.value).replace(",", ".").rstrip(" %")
        number = float(shown) * (100 if "%" in cell.number_format else 1)
        assert number == pytest.approx(float(key.value), abs=1e-6)
        assert sheet.cell(key.row, 2).value == key.entity_raw
    assert len(file.draft.refusal_frame()) == 5


def test_keys_are_unique_and_refusals_are_not_keys(demo_set):
    keys, refusals = demo_set.truth["keys"], demo_set.truth["refusals"]
    assert not keys.duplicated(["file", "sheet", "row", "col"]).any()
    assert not keys.duplicated(["file", "entity_id", "period", "indicator"]).any()
    cells = set(map(tuple, refusals[["file", "sheet", "row", "col"]].to_numpy().tolist()))
    rows = {cell[:3] for cell in cells if cell[3] == ""}
    assert not cells & set(map(tuple, keys[["file", "sheet", "row", "col"]].to_numpy().tolist()))
    assert not rows & set(map(tuple, keys[["file", "sheet", "row"]].to_numpy().tolist()))
    assert set(refusals["reason"]) <= set(schemas.REJECT_REASONS)
    assert keys.loc[keys["region_iso"] != "", "region_iso"].nunique() == 89


def test_spreadsheets_open_in_other_readers(demo_set):
    for file in demo_set.files:
        if file.name.endswith(".ods"):
            book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(file.content))
            rows = book.get_sheet_by_index(0).to_python()
            assert len(rows) == len(file.draft.sheets[0].rows)
        elif file.name.endswith(".docx"):
            document = docx.Document(io.BytesIO(file.content))
            assert len(document.tables) == len(file.draft.sheets)
            assert [c.text for c in document.tables[0].rows[0].cells][:5] == [
                "№", "Код", "Наименование услуги", "Оценка", "Оценка",
            ]  # fmt: skip


def test_feedback_has_the_published_ceiling(demo_set):
    file = next(f for f in demo_set.files if f.name.endswith(".xml"))
    root = etree.fromstring(file.content)
    values = [int(rate.get("value-id")) for rate in root.iter("rate") if rate.get("indicator-id") == "9"]
    shares = pd.Series(values).value_counts(normalize=True)
    assert shares[45] == pytest.approx(0.76, abs=0.04) and set(shares.index) <= set(range(41, 46))
    truth = demo_set.truth["feedback"]
    assert truth["count"].sum() == len(root.findall(".//rate"))


def test_bundles_ask_each_distinct_document_once():
    drawn = world.draw(3)
    documents = drawn.situation_documents.groupby("code")
    situations = drawn.situations.set_index("code")
    assert situations["documents_before"].equals(documents.size().rename("documents_before"))
    kept = {code: set(group.loc[group["is_kept"], "document_code"]) for code, group in documents}
    assert situations["documents_after"].to_dict() == {code: len(names) for code, names in kept.items()}
    assert (situations["documents_after"] < situations["documents_before"]).all()
