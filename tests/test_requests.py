"""Request logs: every row is accepted or refused with a reason, and the panel is what the log was made from."""

import datetime
import gzip
import io
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import conftest
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from typer.testing import CliRunner

from helpers import cli, paths
from helpers.intake import workdays
from helpers.intake.requests import columns, command, csv_stream, duplicates, panel, rows, staging
from helpers.intake.requests.columns import LogError
from helpers.synthetic import request_log
from helpers.tables import store

DAY = datetime.date(2024, 12, 31)
HEAD = "Номер заявления;Субъект РФ;Код услуги;Канал подачи;Дата подачи;Дата завершения;Затребовано документов;Визиты;Отказ;Жалоба;Оценка\n"
GOOD = "A1;Челябинская область;У-1;Портал;01.02.2024;09.02.2024;3;1;нет;нет;5\n"


def log(tmp_path, body, name="log.csv", encoding="utf-8", head=HEAD):
    file = tmp_path / name
    file.write_bytes((head + body).encode(encoding))
    return file


def make(tmp_path, *files, services=None, **options):
    services = (
        pd.DataFrame({"service_id": ["У-1"], "statutory_days": [10], "day_unit": ["working_day"]})
        if services is None
        else services
    )
    is_synthetic = options.pop("is_synthetic", False)
    return panel.make(
        list(files), tmp_path / "staging", DAY, services, is_synthetic=is_synthetic, options=panel.Options(**options)
    )


def counts(result):
    return result.counts.groupby("outcome")["rows"].sum().to_dict()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (";Москва;У-1;Портал;01.02.2024;09.02.2024;3;1;нет;нет;5\n", "missing_id"),
        ("A2;Москва;;Портал;01.02.2024;09.02.2024;3;1;нет;нет;5\n", "missing_id"),
        ("A2;Уральский федеральный округ;У-1;Портал;01.02.2024;09.02.2024;3;1;нет;нет;5\n", "federal_district"),
        ("A2;Минская область;У-1;Портал;01.02.2024;09.02.2024;3;1;нет;нет;5\n", "unknown_entity"),
        ("A2;Москва;У-1;Портал;31.02.2024;09.02.2024;3;1;нет;нет;5\n", "bad_date"),
        ("A2;Москва;У-1;Портал;2024;09.02.2024;3;1;нет;нет;5\n", "imprecise_date"),
        ("A2;Москва;У-1;Портал;01.02.2024;скоро;3;1;нет;нет;5\n", "bad_date"),
        ("A2;Москва;У-1;Портал;01.02.2025;;3;1;нет;нет;\n", "future_date"),
        ("A2;Москва;У-1;Портал;01.02.2024;09.02.2025;3;1;нет;нет;5\n", "future_date"),
        ("A2;Москва;У-1;Портал;09.02.2024;01.02.2024;3;1;нет;нет;5\n", "negative_duration"),
        ("A2;Москва;У-1;Портал;01.02.2024;09.02.2024;много;1;нет;нет;5\n", "not_a_number"),
        ("A2;Москва;У-1;голубь;01.02.2024;09.02.2024;3;1;нет;нет;5\n", "not_a_number"),
        ("A2;Москва;У-1;Портал;01.02.2024;09.02.2024;3;1;возможно;нет;5\n", "not_a_number"),
        ("A2;Москва;У-1;Портал;01.02.2024;09.02.2024;-3;1;нет;нет;5\n", "out_of_range"),
        ("A2;Москва;У-1;Портал;01.02.2024;09.02.2024;3;1;нет;нет;6\n", "out_of_range"),
        ("A2;Москва;У-1;Портал;01.02.2024;;3;1;да;нет;\n", "impossible_combination"),
        ("A2;Москва;У-1;Портал;01.02.2024;;3;1;нет;нет;4\n", "impossible_combination"),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else None,
)
def test_each_refusal_is_counted_once_and_kept_with_file_and_record(tmp_path, row, reason):
    result = make(tmp_path, log(tmp_path, GOOD + row))
    assert counts(result) == {"accepted": 1, reason: 1}
    sample = result.samples.iloc[0]
    assert (sample["log"], sample["record"], sample["reason"]) == ("log.csv", 3, reason)
    assert row.split(";")[1] in sample["text"]


def test_duplicates_by_id_within_and_across_files(tmp_path):
    first = log(tmp_path, GOOD + GOOD + "B1;Москва;У-1;Портал;01.02.2024;09.02.2024;3;1;нет;нет;5\n", "one.csv")
    second = log(
        tmp_path,
        "B1;Москва;У-1;Портал;01.02.2024;09.02.2024;9;1;нет;нет;5\nC1;Москва;У-1;МФЦ;01.02.2024;;3;1;нет;нет;\n",
        "two.csv",
    )
    result = make(tmp_path, first, second)
    assert counts(result) == {"accepted": 2, "duplicate_exact": 1, "duplicate_conflict": 2}
    assert result.panel["applications"].sum() == 2 and result.panel["open_count"].sum() == 1


def test_hand_calculated_month(tmp_path):
    body = "".join(
        f"A{i};Челябинская область;У-1;{'Портал' if i % 2 else 'МФЦ'};01.02.2024;{end};{docs};1;{no};нет;\n"
        for i, (end, docs, no) in enumerate(
            [("02.02.2024", 2, "нет"), ("05.02.2024", 4, "нет"), ("12.02.2024", 3, "да"), ("26.02.2024", 3, "нет")]
        )
    )
    row = make(tmp_path, log(tmp_path, body)).detail.iloc[0]
    assert (row["region_iso"], row["service_id"], row["period"], row["applications"]) == ("RU-CHE", "У-1", "2024-02", 4)
    assert (row["q25_calendar_days"], row["median_calendar_days"], row["q75_calendar_days"]) == (1, 4, 11)
    # 23 February 2024 is a holiday: 1, 2, 7 and 16 working days.
    working = [
        workdays.working_days_between(
            datetime.date(2024, 2, 1), datetime.date(2024, 2, d), workdays.moved_working_days()
        )
        for d in (2, 5, 12, 26)
    ]
    assert working == [1, 2, 7, 16]
    assert (row["median_working_days"], row["q75_working_days"]) == (2, 7)
    assert row["in_term_share"] == 0.75 and row["documents"] == 3 and row["visits"] == 4
    assert row["online_share"] == 0.5 and row["refusal_share"] == 0.25


def test_open_applications_are_censored_not_dropped(tmp_path):
    closed = "".join(f"A{i};Москва;У-1;Портал;02.12.2024;{3 + i:02d}.12.2024;3;1;нет;нет;\n" for i in range(4))
    still = "".join(f"B{i};Москва;У-1;Портал;02.12.2024;;3;1;нет;нет;\n" for i in range(4))
    row = make(tmp_path, log(tmp_path, closed + still)).detail.iloc[0]
    assert row["open_count"] == 4 and row["median_calendar_days"] == 4  # half are done on the fourth day
    assert np.isnan(row["q75_calendar_days"])  # the curve does not reach it: missing, not invented
    assert row["in_term_share"] == 0.5  # the open ones are beyond ten working days: known to be late


def test_median_agrees_with_kaplan_meier_of_statsmodels(tmp_path):
    from statsmodels.duration.survfunc import SurvfuncRight

    file = tmp_path / "log.csv"
    request_log.write(file, 30_000, seed=3, truth=request_log.Truth(services=3, mean_days=40))
    detail = make(tmp_path, file).detail
    typed = pq.read_table(next((tmp_path / "staging").rglob("rows.parquet"))).to_pandas()
    typed = typed[~typed["application_id"].duplicated(keep=False)]
    typed["period"] = typed["received"].astype(str).str[:7]
    compared = 0
    for (region, service, month), part in typed.groupby(["region_iso", "service_id", "period"]):
        if month < "2024-09" or len(part) < 60:
            continue
        curve = SurvfuncRight(part["calendar_days"], 1 - part["is_open"])
        row = detail[
            (detail["region_iso"] == region) & (detail["service_id"] == service) & (detail["period"] == month)
        ].iloc[0]
        for name, q in (("q25", 0.25), ("median", 0.5)):
            reached = curve.surv_times[curve.surv_prob <= 1 - q + 1e-9]
            expected = reached[0] if len(reached) else np.inf
            got = row[f"{name}_calendar_days"]
            assert (np.isnan(got) and not np.isfinite(expected)) or got == expected, (region, service, month)
            compared += 1
    assert compared > 40


def test_any_encoding_separator_packing_and_parquet_give_the_same_panel(tmp_path):
    plain = tmp_path / "a.csv"
    request_log.write(plain, 5_000, seed=1)
    text = plain.read_bytes().decode("cp1251")
    variants = {
        "utf8.csv": text.encode("utf-8-sig"),
        "koi.csv": text.encode("koi8_r", "replace"),
        "utf16.csv": text.encode("utf-16"),
        "tab.tsv": text.replace(";", "\t").encode("cp1251"),
        "sep.csv": ("sep=;\r\n" + text).encode("cp1251"),
        "packed.csv.gz": gzip.compress(text.encode("cp1251")),
        "stamped.csv": text.replace(".2024;", ".2024 10:15;").encode("cp1251"),
    }
    expected = make(tmp_path, plain)
    for name, data in variants.items():
        (tmp_path / name).write_bytes(data)
        got = panel.make(
            [tmp_path / name],
            tmp_path / f"s-{name}",
            DAY,
            pd.DataFrame({"service_id": ["У-1"], "statutory_days": [10], "day_unit": ["working_day"]}),
        )
        pd.testing.assert_frame_equal(got.detail, expected.detail, obj=name)
    packed = tmp_path / "z.csv.zst"
    with pa.output_stream(str(packed), compression="zstd") as sink:
        sink.write(text.encode("cp1251"))
    pd.testing.assert_frame_equal(make(tmp_path / "z", packed).detail, expected.detail)
    frame = pd.read_csv(plain, sep=";", encoding="cp1251", dtype=str, keep_default_na=False)
    received = pd.to_datetime(frame["Дата подачи"], format="%d.%m.%Y", errors="coerce")
    typed = frame.assign(
        **{"Дата подачи": received, "Визиты": frame["Кол-во визитов"].astype(int), "Отказ": frame["Отказ"] == "да"}
    )
    typed.drop(columns=["Кол-во визитов"]).to_parquet(tmp_path / "t.parquet")
    got = make(tmp_path / "p", tmp_path / "t.parquet").detail
    pd.testing.assert_frame_equal(got, expected.detail)


def test_the_same_whatever_the_chunking_threads_memory_and_split_into_files(tmp_path, monkeypatch):
    whole = tmp_path / "whole.csv"
    request_log.write(whole, 20_000, seed=2)
    lines = whole.read_bytes().replace(b"\r\n", b"\n").split(b"\n")
    expected = make(tmp_path / "a", whole)
    halves = []
    for number, part in enumerate((lines[1:9000], lines[9000:-1])):
        file = tmp_path / f"part{number}.csv"
        file.write_bytes(b"\r\n".join([lines[0], *part]) + b"\r\n")
        halves.append(file)
    monkeypatch.setattr(csv_stream, "BLOCK_BYTES", 50_000)
    monkeypatch.setattr(duplicates, "HASHES_PER_PASS", 1_000)
    got = make(tmp_path / "b", *halves, threads=1, memory_limit="200MB")
    pd.testing.assert_frame_equal(got.detail, expected.detail)
    assert counts(got) == counts(expected)
    assert counts(got)["duplicate_conflict"] > 0


def test_weeks_and_municipalities_on_request(tmp_path):
    head = HEAD.strip() + ";Муниципальное образование\n"
    body = "".join(
        f"A{i};Москва;У-1;Портал;{d:02d}.02.2024;20.02.2024;3;1;нет;нет;5;{m}\n"
        for i, (d, m) in enumerate([(5, "Химки"), (6, "Химки"), (12, "Центр")])
    )
    result = make(tmp_path, log(tmp_path, body, head=head), period="week", by_municipality=True)
    assert result.panel[["period", "municipality", "applications"]].values.tolist() == [
        ["2024-02-05", "Химки", 2],
        ["2024-02-12", "Центр", 1],
    ]


def test_what_is_known_of_services_goes_into_the_panel(tmp_path):
    services = pd.DataFrame(
        {
            "service_id": ["У-1", "У-1"], "region_iso": ["", "RU-MOW"], "statutory_days": ["10", "5"], "service_name": ["Общее", "Московское"],
            "audit_month": ["2024-02", ""], "optimised_month": ["2024-06", ""], "pre_grade": ["В", "Г"], "level": ["regional", "regional"],
        }
    )  # fmt: skip
    moscow = GOOD.replace("A1", "A2").replace("Челябинская область", "Москва")
    frame = make(tmp_path, log(tmp_path, GOOD + moscow), services=services).panel.set_index("region_iso")
    assert frame.loc["RU-CHE", ["service_name", "pre_grade", "optimised_month"]].tolist() == ["Общее", "В", "2024-06"]
    assert frame.loc["RU-MOW", ["service_name", "pre_grade", "optimised_month"]].tolist() == ["Московское", "Г", ""]
    assert frame["is_audit_window"].to_dict() == {"RU-CHE": True, "RU-MOW": False}
    assert frame.loc["RU-CHE", "day_unit"] == "calendar_day" and frame.loc["RU-CHE", "median_days"] == 8
    with pytest.raises(LogError, match="one row a service and region"):
        make(tmp_path, log(tmp_path, GOOD), services=pd.concat([services, services]))


def own_reference(tmp_path, monkeypatch, **tables):
    """A root of its own with the project's reference tables, some of them replaced."""
    shutil.copytree(paths.root() / "data" / "reference", tmp_path / "root" / "data" / "reference")
    for name, text in tables.items():
        (tmp_path / "root" / "data" / "reference" / f"{name}.csv").write_text(text, encoding="utf-8")
    monkeypatch.setenv("CLIENT_CENTRICITY_ROOT", str(tmp_path / "root"))


OVERRIDES_HEAD = "file_pattern,sheet_pattern,label_pattern,column,role,rating,indicator,period,reason\n"


def test_columns_are_recognised_or_the_error_says_what_to_do():
    with pytest.raises(LogError, match=r"no column for region, service_id"):
        columns.recognise(["Номер заявления", "Дата подачи", "Дата завершения"], "x.csv")
    with pytest.raises(LogError, match="both look like 'received'"):
        columns.recognise(["id", "регион", "код услуги", "дата подачи", "дата приема", "дата выдачи"], "x.csv")
    by_name = columns.recognise(["id", "регион", "услуга", "дата подачи", "дата выдачи", "цвет"], "x.csv")
    assert by_name.labels["service_id"] == "услуга" and by_name.unknown == ("цвет",)


def test_overrides_of_the_cleaner_hold_for_logs_too(tmp_path, monkeypatch):
    own_reference(
        tmp_path, monkeypatch,
        column_overrides=OVERRIDES_HEAD
        + "x*.csv,,когда ПРИШЁЛ,,received,,,,by label\nx1.csv,,,6,visits,,,,by number\n"
        + "x*.csv,,дата приема,,not_kept,,,,another stage\ny.csv,,регион,,receivd,,,,misspelt\n",
    )  # fmt: skip
    labels = ["id", "регион", "код услуги", "Когда пришёл", "дата выдачи", "сколько раз", "дата приема"]
    found = columns.recognise(labels, "x1.csv")
    assert (found.labels["received"], found.labels["visits"]) == ("Когда пришёл", "сколько раз")
    assert found.unknown == ()
    with pytest.raises(LogError, match="no column for received"):
        columns.recognise(["id", "регион", "код услуги", "Когда пришёл"], "z.csv")
    with pytest.raises(LogError, match=r"row 5 of .*column_overrides.*receivd.*nearest: received"):
        columns.recognise(labels, "y.csv")
    head = HEAD.replace("Дата подачи", "Когда пришёл")
    assert counts(make(tmp_path, log(tmp_path, GOOD, name="x2.csv", head=head))) == {"accepted": 1}


def test_staged_rows_are_made_again_when_an_override_changes(tmp_path, monkeypatch):
    file = log(tmp_path, GOOD, head=HEAD.replace("Визиты", "Сколько раз"))
    first = make(tmp_path, file)
    assert first.unknown_columns == {"log.csv": ["Сколько раз"]} and np.isnan(first.panel["visits"].iloc[0])
    own_reference(
        tmp_path, monkeypatch, column_overrides=f"{OVERRIDES_HEAD}log.csv,,сколько раз,,visits,,,,publisher told us\n"
    )
    assert make(tmp_path, file).panel["visits"].iloc[0] == 1


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "missing or empty"),
        (b"\x00\x01\x02\xff" * 500, ""),
        ((HEAD.replace("Оценка", "Жалоба") + GOOD).encode(), "repeats a label"),
    ],
)
def test_unreadable_logs_are_clear_errors(tmp_path, data, says):
    file = tmp_path / "bad.csv"
    file.write_bytes(data)
    with pytest.raises(LogError, match=says):
        make(tmp_path, file)
    with pytest.raises(LogError):
        make(tmp_path, tmp_path / "absent.csv")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(LogError, match="Parquet"):
        make(tmp_path, tmp_path / "bad.parquet")
    with pytest.raises(LogError, match="no log"):
        make(tmp_path)


def test_ragged_records_are_refused_and_counted(tmp_path):
    result = make(tmp_path, log(tmp_path, GOOD + "A2;Москва;У-1\n" + GOOD.replace("A1", "A3")))
    assert counts(result) == {"accepted": 2, "ragged_record": 1}


def test_a_cut_packed_log_leaves_nothing_half_written(tmp_path):
    file = tmp_path / "log.csv.gz"
    file.write_bytes(gzip.compress((HEAD + GOOD * 20000).encode())[:-200])
    with pytest.raises(LogError):
        make(tmp_path, file)
    assert not list((tmp_path / "staging").rglob("*.parquet"))


def test_an_interrupted_run_resumes_by_file(tmp_path, monkeypatch):
    files = [log(tmp_path, GOOD.replace("A1", f"A{i}"), f"{i}.csv") for i in range(3)]
    calls = []
    original = staging._stage_rows

    def counted(file, *rest):
        calls.append(file.name)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(file, *rest)

    monkeypatch.setattr(staging, "_stage_rows", counted)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, *files)
    assert len(make(tmp_path, *files).panel) == 1
    assert calls == ["0.csv", "1.csv", "2.csv", "2.csv"]


def test_a_full_disk_is_said_before_and_survived_during(tmp_path, monkeypatch):
    file = log(tmp_path, GOOD)
    monkeypatch.setattr(staging.shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(LogError, match="Free space, or choose another folder"):
        make(tmp_path, file)
    monkeypatch.undo()

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(staging, "_stage_rows", full)
    with pytest.raises(LogError, match="No space left"):
        make(tmp_path, file)
    assert not list((tmp_path / "staging").rglob("manifest.json"))


def test_the_truth_of_a_generated_log_is_recovered(tmp_path):
    truth = request_log.Truth(services=30, mean_days=20)
    file = tmp_path / "log.csv"
    request_log.write(file, 150_000, seed=5, truth=truth)
    result = make(tmp_path, file, services=request_log.services(truth), is_synthetic=True)
    frame = result.panel[result.panel["month"] < "2024-11"]
    assert abs(frame["online_share"].mean() - truth.online_share) < 0.01
    late = frame[frame["month"] >= "2024-09"]
    treated = late[late["optimised_month"] != ""]
    never = late[late["optimised_month"] == ""]
    gap = np.log(treated["median_days"] + 0.5).mean() - np.log(never["median_days"] + 0.5).mean()
    assert abs(gap - truth.effect) < 0.05
    assert result.panel["is_synthetic"].all()
    effects = pytest.importorskip("helpers.analysis.effects", reason="effects are not installed")
    monthly = result.panel.assign(log_days=np.log(result.panel["median_days"] + 0.5))
    monthly = monthly[monthly["month"] < "2024-11"]
    one = effects.Panel(
        monthly.assign(unit=monthly["region_iso"] + monthly["service_id"]), unit="unit", time="month", cohort="optimised_month", cluster="region_iso",
    )  # fmt: skip
    fit = effects.Imputation(effects="month", fallback=()).fit(one, "log_days")
    low, high = fit.conf_int(0.95)
    assert abs(fit.att - truth.effect) < 0.03 and low < truth.effect + 0.03 and high > truth.effect - 0.03


def test_the_study_of_notebook_04_recovers_the_planted_effect(tmp_path):
    """Long terms, so that whole days are fine enough; the last months, of which much is open, are left out."""
    from helpers.analysis.effects import study

    truth = request_log.Truth(services=24, mean_days=60)
    file = tmp_path / "log.csv"
    request_log.write(file, 150_000, seed=11, truth=truth)
    frame = make(tmp_path, file, services=request_log.services(truth), is_synthetic=True).panel
    tables = study.run(frame[frame["month"] < "2024-11"], outcomes=("days",), reps=19)
    effects = tables["effects"].query("outcome == 'days' and estimator == 'imputation' and estimand == 'att'").iloc[0]
    assert effects["ci_low"] < truth.effect < effects["ci_high"]
    assert abs(effects["estimate"] - truth.effect) < 0.02 and effects["ci_high"] - effects["ci_low"] < 0.06
    cohorts = tables["effects"].query("outcome == 'days' and estimator == 'imputation' and estimand == 'att_cohort'")
    assert len(cohorts) == 2 and (cohorts["estimate"] - truth.effect).abs().max() < 0.03


def test_the_command_writes_four_files_and_one_summary(tmp_path):
    file = log(tmp_path, GOOD + "=1;Нигде;У-1;Портал;01.02.2024;09.02.2024;3;1;нет;нет;5\n")
    services = tmp_path / "services.csv"
    services.write_text("service_id,statutory_days,day_unit\nУ-1,10,working_day\n", encoding="utf-8")
    out = tmp_path / "out"
    result = CliRunner().invoke(
        cli.app, ["panel", str(file), "--out", str(out), "--as-of", "2024-12-31", "--services", str(services)]
    )
    assert result.exit_code == 0, result.output
    assert "read 2, accepted 1, refused 1" in result.output
    assert {p.name for p in out.glob("*.*")} >= {
        "service_panel.parquet",
        "service_panel_detail.parquet",
        "counts.csv",
        "refused_sample.csv",
    }
    store.validate("service_panel", pd.read_parquet(out / "service_panel.parquet"))
    assert ",=1" not in (out / "refused_sample.csv").read_text(encoding="utf-8-sig")


def test_the_bar_shows_rate_and_time_that_remains():
    screen = io.StringIO()
    with command.bar_of(Console(file=screen, force_terminal=True, width=140)) as bar:
        tell = command.listener(bar, 8_000_000)
        for step in (1, 2, 3):
            time.sleep(0.02)
            tell(step * 1_000_000, step * 10_000)
        bar.refresh()
        assert re.search(r"reading.*3.0/8.0 MB.*30,000 rows, [\d,]+ rows/s.*\d:\d\d:\d\d", screen.getvalue(), re.DOTALL)
        tell(8_000_000, 80_000)
        assert bar.tasks[0].description == "aggregating"


@pytest.mark.parametrize(
    "options",
    [
        ["--as-of", "вчера"],
        ["--as-of", "2024-12-31", "--memory", "much"],
        ["--as-of", "2024-12-31", "--period", "year"],
        ["--as-of", "2024-12-31", "--services", "absent.csv"],
    ],
)
def test_bad_options_of_the_command_are_one_line(tmp_path, options):
    file = log(tmp_path, GOOD)
    result = CliRunner().invoke(cli.app, ["panel", str(file), "--out", str(tmp_path / "o"), *options])
    assert result.exit_code == 2 and "error:" in result.output


@pytest.mark.spark
@pytest.mark.slow
def test_the_same_expression_on_duckdb_and_spark(tmp_path):
    """A million rows, equal results; Spark is optional and installed by tools/install_system.sh."""
    folder = Path(__file__).resolve().parents[1] / ".spark"
    if not (folder / "pyspark").is_dir() or not shutil.which("java"):
        reason = "needs pyspark in .spark and Java 17: run tools/install_system.sh as root"
        if conftest.on_ci():
            pytest.fail(reason)
        pytest.skip(reason)
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    request_log.write(files[0], 900_000, seed=4)
    request_log.write(files[1], 100_000, seed=4)  # numbers of the first log again, mostly of other applications
    services = request_log.services()
    result = make(tmp_path, *files, services=services)
    assert counts(result)["duplicate_exact"] > 0 and counts(result)["duplicate_conflict"] > 100_000
    services.to_csv(tmp_path / "services.csv", index=False)
    out = tmp_path / "spark.parquet"
    script = Path(__file__).parent / "spark_panel.py"
    paths_ = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), str(tmp_path / "services.csv"), str(out)],
        env={**os.environ, "PYTHONPATH": paths_}, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    expected, got = result.detail, pd.read_parquet(out)
    got = got[expected.columns.tolist()].sort_values(["region_iso", "service_id", "period"], ignore_index=True)
    pd.testing.assert_frame_equal(got, expected, check_dtype=False, rtol=1e-9)
    panels = (store.validate("service_panel", pd.read_parquet(f"{out}.panel"), "spark"), result.panel)
    keys = ["region_iso", "service_id", "month"]
    pd.testing.assert_frame_equal(*(one.sort_values(keys, ignore_index=True) for one in panels), rtol=1e-9)


def test_working_day_index_counts_what_the_calendar_says():
    index = rows.working_day_index()
    start, end = datetime.date(2024, 4, 25), datetime.date(2024, 5, 13)
    counted = index[end.toordinal() - rows.FIRST_DAY] - index[start.toordinal() - rows.FIRST_DAY]
    assert counted == workdays.working_days_between(start, end, workdays.moved_working_days())
