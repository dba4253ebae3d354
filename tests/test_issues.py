"""What changed since the issue before: carried into a table by the batch, said in block 12, with nothing from a clock."""

import dataclasses
import shutil

import pandas as pd
import pytest
import test_results

from helpers import paths
from helpers.batch import issues, plan
from helpers.batch.options import Options
from helpers.presentation import blocks, formats, pages, results
from helpers.presentation.results import Release
from helpers.presentation.results import issues as results_issues
from helpers.presentation.results import regional as results_regional
from helpers.tables import store

demo = test_results.demo
DEMO = Release(collection="demo", made_date="2026-11-25", next_issue="2027-05-25", contact="a@example.org")
NOW, BEFORE = "2025-H1", "2024-H1"


def said(tables, lang="ru", period=NOW):
    result = results_regional.regional(tables, "RU-CHE", period, lang, DEMO)
    return " ".join(result.quality.sentences).replace("\xa0", " ")


def before(**changes):
    row = {
        "region_iso": "RU-CHE", "period": BEFORE, "edition": "preliminary", "index": 58.9, "index_low": 55.5,
        "index_high": 62.3, "interval_kind": "sampling_95", "n_values": 20, "n_sources": 3,
        "data_version": "0123456789ab", "is_synthetic": True,
    } | changes  # fmt: skip
    return store.validate("earlier_issue", pd.DataFrame([row]))


def test_the_first_issue_says_so(demo):
    assert "Это первый выпуск" in said(demo)
    other = dict(demo, earlier_issue=before(region_iso="RU-ORL"))
    assert "Это первый выпуск" in said(other)
    same = dict(demo, earlier_issue=before(period=NOW))
    assert "Это первый выпуск" in said(same)  # a run of the same period is no issue of its own


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_a_revised_value_and_new_values_are_said(demo, lang):
    known = results_regional.regional(demo, "RU-CHE", BEFORE, lang, DEMO).headline.estimate
    text = said(dict(demo, earlier_issue=before(index=known.value + 1)), lang)
    old, new = (formats.number(v, lang) for v in (known.value + 1, known.value))
    assert ("уточнено: было" if lang == "ru" else "was revised:") in text
    assert old in text and new in text
    assert ("Значений было 20, стало 26." if lang == "ru" else "Values used: 20 before, 26 now.") in text


def test_what_did_not_change_is_said_too(demo):
    result = results_regional.regional(demo, "RU-CHE", NOW, "ru", DEMO)
    version = result.colophon.data_version
    known = results_regional.regional(demo, "RU-CHE", BEFORE, "ru", DEMO).headline.estimate
    text = said(dict(demo, earlier_issue=before(index=known.value, data_version=version)))
    assert "Значение за I полугодие 2024 г. с тех пор не изменилось. Исходные файлы те же." in text
    unknown = said(dict(demo, earlier_issue=before(index=float("nan"), interval_kind="none")))
    assert "Теперь известно и значение за I полугодие 2024 г." in unknown
    gone = said(dict(demo, earlier_issue=before(period="2019")))
    assert "Значения за 2019 год в данных больше нет." in gone


@pytest.fixture
def place(world, monkeypatch):
    return plan.Release(Options(collection="demo"), NOW, ("ru",), ("RU-CHE",), paths.reports("demo", NOW))


def keep(result, period):
    folder = paths.reports("demo", period) / "results"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{result.report_id}.json").write_text(results.to_json(result), encoding="utf-8")


def test_the_latest_earlier_release_is_carried_into_the_table(demo, place):
    assert issues.carry(place, {}) is False and not store.exists("earlier_issue", "demo")
    for period in ("2023-H1", BEFORE, NOW):
        for lang in ("ru", "en"):
            keep(results_regional.regional(demo, "RU-CHE", period, lang, DEMO), period)
    assert issues.carry(place, {}) is True and issues.carry(place, {}) is False
    rows = store.load("earlier_issue", "demo")
    assert rows["period"].tolist() == [BEFORE] and rows["region_iso"].tolist() == ["RU-CHE"]
    (paths.reports("demo", BEFORE) / "results" / "RU-ORL.ru.json").write_text("{}", encoding="utf-8")
    assert issues.carry(place, {}) is False  # what an older version wrote is left out
    shutil.rmtree(paths.reports("demo"))
    assert issues.carry(place, {}) is True and not store.exists("earlier_issue", "demo")


def test_remembered_numbers_are_those_of_the_result(demo):
    result = results_regional.regional(demo, "RU-CHE", NOW, "ru", DEMO)
    row = results_issues.remembered([result]).iloc[0]
    estimate = result.headline.estimate
    assert (row["index"], row["index_low"], row["index_high"]) == (estimate.value, estimate.low, estimate.high)
    assert row["n_values"] == 26 and row["data_version"] == result.colophon.data_version


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_the_colophon_is_complete_and_the_page_adds_commit_and_run(demo, lang):
    result = results_regional.regional(demo, "RU-CHE", NOW, lang, DEMO)
    text = blocks.colophon(result).replace("\xa0", " ")
    for expected in ("05_region_report", result.colophon.data_version, "a@example.org"):
        assert expected in text
    assert ("25 ноября 2026 г." if lang == "ru" else "25 November 2026") in text
    assert ("25 мая 2027 г." if lang == "ru" else "25 May 2027") in text
    assert ("сверено со схемами таблиц: " if lang == "ru" else "tables validated") in text
    assert pages.metadata(result)["provenance"] == ""
    made = results.with_run(result, "a" * 40 + "+", "b" * 64)
    assert made.colophon.commit == "a" * 12 + "+" and made.colophon.run_id == "b" * 12
    assert "a" * 12 + "+; " in pages.metadata(made)["provenance"] and made.headline == result.headline
    assert dataclasses.replace(made, colophon=result.colophon) == result


@pytest.fixture
def ledger(world):
    from helpers.delivery.ledger import Ledger

    made = Ledger(paths.reports("ledger.sqlite"))
    yield made
    made.close()


def letter(scope, day, lang="ru", period=NOW, state="sent"):
    from helpers.delivery.ledger import Entry

    return Entry("demo", period, scope, "a@example.org", lang, "preliminary", f"<{scope}{lang}{period}@x>", state, 0, "", "", f"{day}T10:00:00+00:00")  # fmt: skip


def test_the_index_knows_when_a_report_was_sent(place, ledger):
    from helpers.batch import overview, records

    status = records.Status(place.folder)
    for code in ("RU-CHE", "RU-ORL", ""):
        status.rows[f"{code or 'national'}.ru"] = records.Row(f"{code or 'national'}.ru", code, "ru", NOW, "demo")
    assert overview.sent_on(place, status) == {}
    for entry in (
        letter("RU-CHE", "2026-11-22"), letter("Уральский федеральный округ", "2026-11-23"), letter("national", "2026-11-24"),
        letter("RU-ORL", "2026-11-25", lang="en"), letter("RU-ORL", "2026-11-25", period=BEFORE), letter("all", "2026-11-26", state="planned"),
    ):  # fmt: skip
        planned = ledger.plan(entry)
        ledger.set_state(planned.message_id, entry.state, entry.updated_at)
    ledger.close()
    assert overview.sent_on(place, status) == {"RU-CHE.ru": "2026-11-23", "national.ru": "2026-11-24"}
