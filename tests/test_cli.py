"""Every verb of the command: what it prints, that mistakes are one clear line, and exit codes that tell the truth."""

import shlex
import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from helpers import cli
from helpers.batch import release, truth
from helpers.batch.options import Outcome
from helpers.intake import cleaning, sources
from helpers.intake.collection import clean_collection
from helpers.synthetic import request_log
from helpers.tables import store

REPOSITORY = Path(__file__).resolve().parents[1]
MFC = (
    "Рейтинг МФЦ. 1 квартал 2024 года\n\nСубъект Российской Федерации;Итого баллов;Уровень\n"
    "Челябинская область;82,4;высокий\nКамчатский край;76,1;средний\nг. Москва;8l,4;высокий\n"
)


def run(*arguments):
    """One call of the command: exit code and what it printed."""
    result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.fixture
def here(world):
    """A small world with the settings and one file as it was sent, outside of it."""
    shutil.copy(REPOSITORY / "params.toml", world / "params.toml")
    file = world / "inbox" / "mfc_2024q1.csv"
    file.parent.mkdir()
    file.write_text(MFC, encoding="cp1251")
    return file


def one_line(output):
    lines = [line for line in output.splitlines() if line.strip()]
    return len(lines) == 1 and lines[0].startswith("error: ")


def test_add_registers_as_sent_and_says_what_is_next(here):
    code, output = run("add", here, "--publisher", "Министерство", "--period", "2024-Q1")
    assert code == 0 and "registered data/raw/files/mfc_2024q1.csv" in output
    assert "unknown for now: address, licence" in output
    assert "next: reports clean data/raw/files/mfc_2024q1.csv --explain" in output
    (source,) = sources.of_collection("real")
    assert source.file.read_bytes() == here.read_bytes() and source.period == "2024-Q1"


def test_add_with_every_field_leaves_nothing_unknown(here):
    code, output = run(
        "add", here, "--publisher", "М", "--title", "Т", "--address", "письмо", "--published", "2024-04-15", "--licence",
        "свободно", "--note", "п", "--synthetic",
    )  # fmt: skip
    assert code == 0 and "unknown" not in output
    assert sources.of_collection("demo")[0].published_date == "2024-04-15"


def test_add_refuses_what_is_there_already_or_not_at_all(here):
    run("add", here)
    for file, says in (
        (here, "is registered already"),
        (here.with_name("absent.xlsx"), "no such file; name files, not folders"),
    ):
        code, output = run("add", file)
        assert code == 2 and one_line(output) and says in output


def test_clean_explains_in_words_and_names_each_refusal(here):
    code, output = run("clean", here, "--explain")
    assert code == 0
    assert "header of c_mfc" in output and "value: total" in output and "data – names a record" in output
    assert "refused: mfc_2024q1.csv, row 6, column 2: «8l,4» – not_a_number" in output
    assert output.rstrip().endswith("5 values accepted, 1 refused")


def test_the_bare_command_names_its_verbs_and_nothing_of_its_making():
    code, output = run()
    assert code == 2 and "trace" in output and "build" in output and "imported" not in output


def test_the_next_command_can_be_pasted_whatever_the_file_is_called(here):
    odd = here.with_name("мфц за 'I' кв 2024.csv")
    odd.write_bytes(here.read_bytes())
    told = next(line for line in run("add", odd)[1].splitlines() if line.startswith("next: "))
    assert shlex.split(told.partition(",")[0])[3] == f"data/raw/files/{odd.name}"


def test_an_unreadable_file_is_said_once_where_it_is_explained(here):
    bad = here.with_name("bad.xlsx")
    bad.write_bytes(b"PK broken")
    code, output = run("clean", bad, "--explain")
    lines = [line for line in output.splitlines() if "unreadable_file" in line]
    assert code == 1 and lines[0].startswith("refused: bad.xlsx") and len(lines) == 2  # the refusal, and the advice
    assert not output.startswith(":")


def test_clean_says_what_a_build_would_refuse_for_want_of_a_period(here):
    here = here.with_name("mfc.csv")
    here.write_text(MFC.replace(". 1 квартал 2024 года", ""), encoding="utf-8")
    code, output = run("clean", here)
    assert code == 0 and "5 values would be refused by reports build: no period in the file; give it" in output
    run("add", here, "--period", "2024-Q1")
    output = run("clean", sources.of_collection("real")[0].file)[1]
    assert "would be refused" not in output and "mfc.csv: 5 values accepted" in output


def test_clean_without_explain_shows_refusals_only_and_writes_files_on_request(here, tmp_path):
    code, output = run("clean", here)
    assert code == 0 and "header of" not in output and "not_a_number" in output
    code, output = run("clean", here, "--out", tmp_path / "out")
    assert code == 0 and output.count("\n") == 1
    tidy = pd.read_csv(tmp_path / "out" / "mfc_2024q1.csv.tidy.csv", dtype=str)
    assert len(tidy) == 5 and set(tidy["entity_id"]) == {"RU-CHE", "RU-KAM", "RU-MOW"}
    assert len(pd.read_csv(tmp_path / "out" / "mfc_2024q1.csv.rejects.csv")) == 1


def test_clean_names_an_absent_file_and_ends_with_one_for_an_unreadable_one(here):
    code, output = run("clean", here, here.with_name("absent.xlsx"))
    assert code == 2 and one_line(output) and "absent.xlsx: no such file" in output
    broken = here.with_name("broken.xlsx")
    broken.write_bytes(b"PK\x03\x04 not a workbook")
    code, output = run("clean", broken)
    assert code == 1 and "unreadable_file" in output and "0 values accepted, 1 refused" in output


def test_a_correction_is_applied_and_one_that_no_longer_fits_stops(here):
    rows = paths_of("corrections")
    rows.write_text(
        rows.read_text(encoding="utf-8") + 'k1,mfc_2024q1.csv,,6,2,"8l,4","81,4",letter of the publisher\n',
        encoding="utf-8",
    )
    code, output = run("clean", here)
    assert code == 0 and "6 values accepted, 0 refused" in output
    here.write_text(MFC.replace("8l,4", "81,9"), encoding="cp1251")
    code, output = run("clean", here)
    assert code == 2 and one_line(output)
    assert "holds «81,9», not «8l,4»" in output and "row k1 of data/reference/corrections.csv" in output


def paths_of(name):
    from helpers import paths

    return paths.reference() / f"{name}.csv"


def test_dictionary_writes_what_the_schemas_say(here):
    (here.parents[1] / "docs").mkdir()
    code, output = run("dictionary")
    written = (here.parents[1] / "docs" / "data_dictionary.md").read_text(encoding="utf-8")
    assert code == 0 and "docs/data_dictionary.md" in output
    assert written == (REPOSITORY / "docs" / "data_dictionary.md").read_text(encoding="utf-8")


def test_trace_without_tables_or_number_is_one_line(here):
    code, output = run("trace", "RU-CHE", "index", "2024-H1")
    assert code == 2 and one_line(output)


def test_trace_prints_the_way_of_a_number(here):
    from helpers.intake.collection import clean_collection

    run("add", here, "--publisher", "Министерство", "--period", "2024-Q1")
    for name, table in clean_collection(sources.of_collection("real")).items():
        store.save(name, table, "real")
    code, output = run("trace", "RU-CHE", "total", "2024-Q1")
    assert code == 0 and "row 4, column 2" in output and "raw text: '82,4'" in output and "sha256" in output
    code, output = run("trace", "RU-CHE", "total", "2023-Q1")
    assert code == 2 and one_line(output) and "there is: 2024-Q1" in output


def test_status_and_send_without_a_release_say_what_to_run(here):
    code, output = run("status", "--collection", "demo")
    assert code == 2 and one_line(output) and "reports build --collection demo" in output
    code, output = run("send")
    assert code == 2 and one_line(output) and "copy recipients.example.csv" in output
    shutil.copy(REPOSITORY / "recipients.example.csv", here.parents[1] / "recipients.csv")
    code, output = run("send")
    assert code == 2 and one_line(output)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("build", "--collection", "reel"), "choose one of real, demo"),
        (("build", "--regions", "RU-CHQ"), "did you mean RU-CHU"),
        (("build", "--only", "new"), "the one valid value is failed"),
        (("check", "--engine", "fast"), "fast"),
    ],
)
def test_bad_options_are_refused_before_anything_starts(here, arguments, says):
    code, output = run(*arguments)
    assert code == 2 and one_line(output) and says in output


def test_what_goes_wrong_in_clean_says_the_next_step(here, tmp_path):
    unknown = tmp_path / "письмо.csv"
    unknown.write_text("a;b\n1;2\n", encoding="utf-8")
    code, output = run("clean", unknown)
    assert code == 0 and "no table was recognised" in output and "sheet_overrides.csv" in output
    code, output = run("clean", tmp_path)
    assert code == 2 and one_line(output) and "not folders" in output
    (tmp_path / "taken").write_text("x", encoding="utf-8")
    code, output = run("clean", unknown, "--out", tmp_path / "taken" / "out")
    assert code == 2 and "choose another folder" in output
    paths_of("corrections").unlink()
    code, output = run("clean", unknown)
    assert code == 2 and one_line(output) and "corrections.csv" in output


def walkthrough(command):
    """What the walk-through says that a command answers: lines of its block, without the command and omissions."""
    text = (REPOSITORY / "docs" / "walkthrough_new_file.ru.md").read_text(encoding="utf-8")
    block = text.partition(f"$ {command}")[2].partition("```")[0]
    return [line for line in block.splitlines()[1:] if line.strip() not in ("", "…") and not line.startswith("   ")]


def test_the_walk_through_of_a_new_file_is_what_the_program_says(here, outside_data):
    sent = here.with_name("mfc_2024q1.xls")
    shutil.copy(outside_data / "sample_raw" / "s03_mfc_2024q1.xls", sent)
    file = here.parents[1] / "data" / "raw" / "files" / sent.name
    _, output = run("add", sent, "--publisher", "М", "--address", "п", "--licence", "л", "--period", "2024-Q1")
    assert walkthrough("reports add") == output.splitlines()
    code, output = run("clean", file, "--explain")
    said = walkthrough("reports clean data/raw/files/mfc_2024q1.xls --explain")
    assert code == 0 and len(said) > 10
    assert [line for line in said if line not in output.splitlines()] == []
    corrections = paths_of("corrections")
    row = "k1,mfc_2024q1.xls,Рейтинг,18,8,91.1,83.8,letter\n"
    corrections.write_text(corrections.read_text(encoding="utf-8") + row, encoding="utf-8")
    _, output = run("clean", file)
    assert walkthrough("reports clean data/raw/files/mfc_2024q1.xls\n")[-1] in output.splitlines()
    for name, table in clean_collection(sources.of_collection("real")).items():
        store.save(name, table, "real")
    code, output = run("trace", "RU-ARK", "total", "2024-Q1")
    text = (REPOSITORY / "docs" / "walkthrough_new_file.ru.md").read_text(encoding="utf-8")
    way = text.partition("$ reports trace RU-ARK total 2024-Q1")[2].partition("```")[0]
    below = [line.strip() for line in way.partition("table observations: ")[2].splitlines() if "sha256" not in line]
    given = ("письмо издателя от 20.04.2024", "Минэкономразвития", "Рейтинг МФЦ, I")
    assert code == 0 and len(below) == 9
    assert [line for line in below if line not in output and not any(word in line for word in given)] == []
    overrides = paths_of("column_overrides")
    row = "mfc_2024q1.xls,,цифровизац,,not_kept,,,,asked by the publisher\n"
    overrides.write_text(overrides.read_text(encoding="utf-8") + row, encoding="utf-8")
    _, output = run("clean", file, "--explain")
    assert "columns 6: not_kept" in output and "override: asked by the publisher" in output


def test_a_panel_of_logs_can_be_added_and_is_read_back_unchanged(here, tmp_path):
    log, services, out = tmp_path / "log.csv", tmp_path / "services.csv", tmp_path / "out"
    request_log.write(log, 4000, seed=1)
    request_log.services().to_csv(services, index=False)
    code, output = run("panel", log, "--out", out, "--as-of", "2024-12-31", "--services", services)
    assert code == 0 and "(accepted + refused = read)" in output
    file = output.splitlines()[-1].removeprefix("next: reports add ")
    made, read = pd.read_parquet(out / "service_panel.parquet"), cleaning.clean_file(Path(file)).panel
    key = ["region_iso", "service_id", "month"]
    both = made.merge(read, on=key, suffixes=("", "_read"))
    assert len(both) == len(made) == len(read)
    for column in (
        "in_term_share",
        "online_share",
        "refusal_share",
        "median_days",
        "documents",
        "visits",
        "applications",
    ):
        pd.testing.assert_series_equal(
            both[column].astype(float), both[f"{column}_read"].astype(float), check_names=False, rtol=1e-9
        )
    code, output = run("clean", file)
    assert code == 0 and f"{len(made)} service-months accepted" in output


def test_build_check_and_status_take_the_same_choice_of_reports(here, monkeypatch):
    seen = {}

    def asked(verb):
        def answer(options):
            seen[verb] = options
            return Outcome(options.collection, "2024-H1", here.parent)

        return answer

    for verb in ("build", "check"):
        monkeypatch.setattr(release, verb, asked(verb))
    monkeypatch.setattr(truth, "status", lambda options: seen.update(status=options) or truth.Truth(here.parent, ()))
    (here.parent / "status.csv").touch()
    choice = ("--collection", "real", "--period", "2024-H1", "--regions", "RU-CHE, national", "--lang", "ru,en")
    work = ("--jobs", "3", "--force", "--engine", "plain", "--timeout", "7", "--quiet", "--log-format", "json")
    assert run("build", *choice, *work)[0] == run("check", *choice, *work)[0] == run("status", *choice)[0] == 0
    assert seen["build"] == seen["check"]
    assert seen["check"].force and seen["check"].timeout == 7
    assert {(o.regions, o.langs, o.period) for o in seen.values()} == {
        (("RU-CHE", "national"), ("ru", "en"), "2024-H1")
    }
