"""Reading of request logs: any form of file, every row in exactly one heap, refused rows found again by line."""

import datetime
import gzip
import os
import signal
import subprocess
import sys
import time

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.intake.requests import csv_stream, duplicates, meanings, panel, reading, staging
from helpers.intake.requests.columns import LogError
from helpers.intake.requests.decoding import identifiers
from helpers.synthetic import request_log

DAY = datetime.date(2024, 12, 31)
HEAD = "Номер заявления;Субъект РФ;Код услуги;Канал подачи;Дата подачи;Дата завершения;Затребовано документов;Визиты;Отказ;Комментарий\n"
GOOD = "A{};Москва;У-1;Портал;01.02.2024;09.02.2024;3;1;нет;{}\n"
BAD = "B{};Нигде;У-1;Портал;01.02.2024;09.02.2024;3;1;нет;{}\n"
NO_SERVICES = pd.DataFrame({"service_id": pd.Series(dtype="str")})


def make(tmp_path, *files, **options):
    return panel.make(list(files), tmp_path / "staging", DAY, NO_SERVICES, options=panel.Options(**options))


def counts(result):
    return result.counts.groupby("outcome")["rows"].sum().to_dict()


def write(tmp_path, text, name="log.csv", encoding="utf-8"):
    file = tmp_path / name
    file.write_bytes(text.encode(encoding))
    return file


def messy(rows, *, quoted=True):
    """Rows of which every seventh is refused, every eleventh too short, with line breaks in a column not used."""
    lines = []
    for i in range(rows):
        breaks = "\n" * (i % 3)
        note = f'"первая{breaks}вторая; ""да"""' if quoted and i % 5 == 0 else "без замечаний"
        lines.append("C;обрывок\n" if i % 11 == 3 else (BAD if i % 7 == 2 else GOOD).format(i, note))
        if i % 13 == 5:
            lines.append("\n")
    return "".join(lines)


def lines_that_hold(text, word):
    """Lines on which a record that holds the word starts, by the csv module of the standard library."""
    import csv
    import io

    reader, found, before = csv.reader(io.StringIO(text, newline=""), delimiter=";"), [], 0
    for record in reader:
        if word in record:
            found.append(before + 1)
        before = reader.line_num
    return found


@pytest.mark.parametrize("block", [2_400, 7_000, 4 << 20])
@pytest.mark.parametrize("quoted", [True, False])
def test_every_refused_row_is_found_again_by_its_line(tmp_path, monkeypatch, block, quoted):
    monkeypatch.setattr(csv_stream, "BLOCK_BYTES", block)
    text = HEAD + messy(300, quoted=quoted)
    result = make(tmp_path, write(tmp_path, text))
    by_reason = result.samples.groupby("reason")["line"].agg(list)
    assert by_reason["unknown_entity"] == lines_that_hold(text, "Нигде")
    assert by_reason["ragged_record"] == lines_that_hold(text, "обрывок")
    assert by_reason["blank_row"][:3] == [n for n, line in enumerate(text.split("\n"), 1) if line == ""][:3] or quoted
    assert counts(result)["blank_row"] == 23
    ragged = result.samples[result.samples["reason"] == "ragged_record"]
    assert set(ragged["text"].str.strip()) == {"C;обрывок"}
    assert int(result.counts["rows"].sum()) == 323


def test_samples_do_not_depend_on_the_blocks(tmp_path, monkeypatch):
    file = write(tmp_path, HEAD + messy(3_000))
    expected = make(tmp_path / "a", file).samples
    monkeypatch.setattr(csv_stream, "BLOCK_BYTES", 3_000)
    pd.testing.assert_frame_equal(make(tmp_path / "b", file).samples, expected)
    assert (expected.groupby("reason").size() <= 100).all() and len(expected) > 250


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("block", [311, 313, 1024])
def test_a_line_end_torn_between_blocks_is_one_line_end(tmp_path, monkeypatch, line_end, block):
    monkeypatch.setattr(csv_stream, "BLOCK_BYTES", block)
    text = (HEAD + "".join(GOOD.format(i, "") for i in range(200)) + BAD.format(0, "")).replace("\n", line_end)
    result = make(tmp_path, write(tmp_path, text))
    assert counts(result) == {"accepted": 200, "unknown_entity": 1}
    assert result.samples[["record", "line"]].iloc[0].tolist() == [202, 202]


def test_the_first_quote_may_stand_far_beyond_the_sample(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_stream, "SAMPLE_BYTES", 2_000)
    monkeypatch.setattr(csv_stream, "BLOCK_BYTES", 4_000)
    text = HEAD + "".join(GOOD.format(i, "") for i in range(300)) + GOOD.format(300, '"три\nстроки\nздесь"')
    text += BAD.format(0, "")
    result = make(tmp_path, write(tmp_path, text))
    assert counts(result) == {"accepted": 301, "unknown_entity": 1}
    assert result.samples[["record", "line"]].iloc[0].tolist() == [303, 305]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "koi8_r", "cp866", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_encodings_and_separators(tmp_path, encoding, separator):
    text = (HEAD + messy(200, quoted=False)).replace(";", separator)
    result = make(tmp_path, write(tmp_path, text, encoding=encoding))
    assert counts(result) == {"accepted": 155, "ragged_record": 18, "unknown_entity": 27, "blank_row": 15}
    assert "обрывок" in result.samples.set_index("reason").loc["ragged_record", "text"].iloc[-1]
    assert result.detail["region_iso"].tolist() == ["RU-MOW"]


@pytest.mark.parametrize("first", ["sep=;\r\n", '"sep=;"\n', "\n\n", "\ufeffsep=;\n"])
def test_lines_before_the_header(tmp_path, first):
    result = make(tmp_path, write(tmp_path, first + HEAD + GOOD.format(1, "") + BAD.format(2, "")))
    assert counts(result) == {"accepted": 1, "unknown_entity": 1}
    assert result.samples["line"].iloc[0] == first.count("\n") + 3


def test_a_header_of_two_lines(tmp_path):
    text = HEAD.replace("Дата подачи", '"Дата\nподачи"') + BAD.format(1, "")
    assert make(tmp_path, write(tmp_path, text)).samples[["record", "line"]].iloc[0].tolist() == [2, 3]


def test_a_quote_that_is_never_closed_is_a_clear_error(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_stream, "BLOCK_BYTES", 6_000)
    text = HEAD + "".join(GOOD.format(i, "") for i in range(500))
    with pytest.raises(LogError, match=r"log.csv, after line \d+: a record does not end, perhaps a quote"):
        make(tmp_path, write(tmp_path, text.replace("A200;", '"A200;')))


def test_packed_pieces_one_after_another_are_one_log(tmp_path):
    file = tmp_path / "log.csv.gz"
    file.write_bytes(gzip.compress((HEAD + GOOD.format(1, "")).encode()) + gzip.compress(GOOD.format(2, "").encode()))
    assert counts(make(tmp_path, file)) == {"accepted": 2}


def test_a_byte_that_is_no_text_refuses_its_row_only(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_stream, "SAMPLE_BYTES", 20_000)
    rows = [GOOD.format(i, "").encode() for i in range(5)]
    rows[1] = rows[1].replace("Москва".encode(), b"\xff\xfe\xfd")
    rows[3] = rows[3].replace(b"A3", b"A\xff3")
    file = tmp_path / "log.csv"
    file.write_bytes((HEAD + "".join(GOOD.format(100 + i, "") for i in range(3000))).encode() + b"".join(rows))
    result = make(tmp_path, file)
    assert counts(result) == {"accepted": 3003, "undecodable_text": 2}
    assert result.samples["line"].tolist() == [3003, 3005]


def test_application_numbers_of_one_byte_encodings_are_decoded_exactly():
    import pyarrow as pa

    texts = ["З-1", "", "№ 5", "plain", "ёЁ§"]
    column = pa.array([text.encode("cp1251") for text in texts], pa.binary())
    assert identifiers(column, "cp1251")[0].to_pylist() == texts
    assert identifiers(column.slice(2, 2), "cp1251")[0].to_pylist() == texts[2:4]
    got, bad = identifiers(pa.array([b"\x98", b"1"], pa.binary()), "cp1251")  # no letter of cp1251
    assert got.to_pylist() == ["", "1"] and bad is not None and bad.tolist() == [True, False]


def test_parquet_of_any_types(tmp_path):
    frame = pd.DataFrame(
        {
            "application_id": [101, 102, 103, 104], "region": pd.Categorical(["Москва", "Москва", None, "Москва"]),
            "service_id": ["1", "1", "1", None],
            "received": pd.to_datetime(["2024-02-01 10:00:00", "2024-02-01 23:59:59", "2024-02-01 00:30:00", "2024-02-01 00:00:00"]).tz_localize("Europe/Moscow"),
            "completed": [datetime.date(2024, 2, 9), None, datetime.date(2024, 2, 9), None],
            "visits": [1.0, np.nan, 2.0, 2.5], "refusal": [True, False, False, False],
        }
    )  # fmt: skip
    file = tmp_path / "log.parquet"
    frame.to_parquet(file)
    result = make(tmp_path, file)
    assert counts(result) == {"accepted": 2, "missing_id": 2}
    row = result.detail.iloc[0]
    assert (row["period"], row["visits"], row["open_count"], row["refusal_share"]) == ("2024-02", 1, 1, 0.5)
    assert result.samples["line"].tolist() == [3, 4] and result.samples["column"].tolist() == ["region", "service_id"]


@pytest.mark.parametrize(
    ("parse", "text", "expected"),
    [
        (meanings.count, "3,0", (3, "")), (meanings.count, "2,5", (-1, "out_of_range")), (meanings.count, "н/д", (-1, "")),
        (meanings.count, "3 (три)", (3, "")), (meanings.count, "3 (четыре)", (-1, "contradictory_number")),
        (meanings.count, "много", (-1, "not_a_number")), (meanings.count, "более 4", (-1, "censored_value")),
        (meanings.count, "1001", (-1, "out_of_range")), (meanings.flag, "н/д", (-1, "")), (meanings.flag, "", (0, "")),
        (meanings.flag, "отказано в предоставлении", (1, "")), (meanings.channel, "лично", (0, "")),
        (meanings.channel, "", (-1, "")), (meanings.region, "Алтай", ("", "ambiguous_entity")),
        (meanings.region, "", ("", "missing_id")), (meanings.identifier, "-", ("", "missing_id")),
        (meanings.received(DAY), "", (-1, "missing_value")), (meanings.received(DAY), "IV кв. 2024", (-1, "imprecise_date")),
        (meanings.completed(DAY), "", (-1, "")), (meanings.completed(DAY), "01.01.2025", (-1, "future_date")),
    ],
)  # fmt: skip
def test_texts_mean_what_they_mean_to_the_cleaner(parse, text, expected):
    assert parse(text) == expected


def test_a_column_that_the_log_lacks_is_missing_not_zero(tmp_path):
    head = "id;регион;код услуги;дата подачи;дата завершения\n"
    row = make(tmp_path, write(tmp_path, head + "1;Москва;У-1;01.02.2024;02.02.2024\n")).panel.iloc[0]
    assert row[["refusal_share", "online_share", "documents", "visits"]].isna().all() and row["applications"] == 1


def test_copies_that_differ_only_in_what_is_missing_are_a_conflict(tmp_path):
    one = "A1;Москва;У-1;Портал;01.02.2024;09.02.2024;3;;нет;\n"
    other = "A1;Москва;У-1;Портал;01.02.2024;09.02.2024;;3;нет;\n"
    assert counts(make(tmp_path, write(tmp_path, HEAD + one + other))) == {"accepted": 0, "duplicate_conflict": 2}


def test_numbers_that_share_their_bits_are_two_applications(tmp_path, monkeypatch):
    from helpers.intake.requests import rows

    monkeypatch.setattr(rows.Parser, "_hashes", lambda self, ids: np.zeros(len(ids), dtype=np.int64))
    text = HEAD + "".join(GOOD.format(i, "") for i in (1, 2, 3, 3))
    assert counts(make(tmp_path, write(tmp_path, text))) == {"accepted": 3, "duplicate_exact": 1}


def test_a_log_sent_twice_is_counted_once_within_little_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(duplicates, "HASHES_PER_PASS", 10_000)
    file, copy = tmp_path / "a.csv", tmp_path / "b.csv"
    request_log.write(file, 60_000, seed=7)
    copy.write_bytes(file.read_bytes())
    alone = make(tmp_path / "one", file)
    both = make(tmp_path / "two", file, copy, memory_limit="200MB")
    pd.testing.assert_frame_equal(both.detail, alone.detail)
    accepted = both.counts[both.counts["outcome"] == "accepted"].set_index("log")["rows"]
    assert accepted["b.csv"] == 0 and accepted["a.csv"] == counts(alone)["accepted"]
    with pytest.raises(LogError, match="named twice"):
        make(tmp_path, file, file)


def test_a_term_of_one_region_holds_there_only(tmp_path):
    services = pd.DataFrame({"service_id": "У-1", "region_iso": ["", "RU-TUL"], "statutory_days": ["10", "5"]})
    text = HEAD + GOOD.format(1, "") + GOOD.format(2, "").replace("Москва", "Тульская область")
    result = panel.make([write(tmp_path, text)], tmp_path / "staging", DAY, services)
    assert result.panel.set_index("region_iso")["in_term_share"].to_dict() == {"RU-MOW": 1.0, "RU-TUL": 0.0}


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [("statutory_days", "десять", "write a number of days"), ("day_unit", "дней", "write calendar_day or working_day")],
)
def test_a_bad_list_of_services_is_refused(tmp_path, column, value, says):
    services = pd.DataFrame({"service_id": ["У-1"], column: [value]})
    with pytest.raises(LogError, match=says):
        panel.make([write(tmp_path, HEAD + GOOD.format(1, ""))], tmp_path / "staging", DAY, services)


def test_progress_tells_bytes_and_rows_up_to_the_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_stream, "BLOCK_BYTES", 20_000)
    files = [tmp_path / "a.csv", tmp_path / "b.csv.gz"]
    request_log.write(files[0], 2_000, seed=1)
    files[1].write_bytes(gzip.compress(files[0].read_bytes()))
    told = []
    make(tmp_path, *files, progress=lambda *now: told.append(now))
    assert told == sorted(told) and len(told) > 4
    assert told[-1] == (sum(file.stat().st_size for file in files), 4_000)


def test_a_run_killed_in_the_middle_resumes_and_agrees(tmp_path):
    files = []
    for number in range(3):
        files.append(tmp_path / f"{number}.csv")
        request_log.write(files[-1], 40_000, seed=number)
    script = (
        "import sys, time, datetime\nfrom pathlib import Path\nimport pandas as pd\n"
        "from helpers.intake.requests import csv_stream, panel\n"
        "csv_stream.BLOCK_BYTES = 200_000\n"
        "panel.make([Path(p) for p in sys.argv[2:]], Path(sys.argv[1]), datetime.date(2024, 12, 31),"
        " pd.DataFrame({'service_id': pd.Series(dtype='str')}),"
        " options=panel.Options(progress=lambda position, rows: time.sleep(0.05)))\n"
    )
    folder = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-c", script, str(folder), *map(str, files)])
    deadline = time.monotonic() + 120
    while not list(folder.glob("*/manifest.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    done = {file.parent.name: file.stat().st_mtime_ns for file in folder.glob("*/manifest.json")}
    assert 1 <= len(done) < 3
    (folder / "spill").mkdir(exist_ok=True)
    (folder / "spill" / "left_by_the_killed.tmp").write_bytes(b"x")
    resumed = panel.make(files, folder, DAY, NO_SERVICES)
    fresh = panel.make(files, tmp_path / "fresh", DAY, NO_SERVICES)
    pd.testing.assert_frame_equal(resumed.detail, fresh.detail)
    pd.testing.assert_frame_equal(resumed.samples, fresh.samples)
    assert all((folder / name / "manifest.json").stat().st_mtime_ns == when for name, when in done.items())
    assert not (folder / "spill").exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="limits of file size are those of Unix")
def test_a_disk_that_fills_up_is_one_sentence_and_leaves_nothing(tmp_path):
    """A limit on the size of files stands for the full disk: writing fails in the middle all the same."""
    file = tmp_path / "log.csv"
    request_log.write(file, 60_000, seed=1)
    script = (
        "import resource, signal, sys\nfrom typer.testing import CliRunner\nfrom helpers import cli\n"
        "import helpers.intake.requests.command\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "done = CliRunner().invoke(cli.app, ['panel', sys.argv[1], '--out', sys.argv[2], '--as-of', '2024-12-31'])\n"
        "print(done.exit_code, done.output)\n"
    )
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "-c", script, str(file), str(out)], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("2 "), done.stdout + done.stderr
    assert "free space and run again" in done.stdout and "Traceback" not in done.stdout
    assert not list(out.rglob("*.parquet")) and not list(out.rglob("*.csv")) and not list(out.rglob("*.tmp"))


def test_disk_said_before_covers_what_staging_takes(tmp_path):
    shortest = tmp_path / "short.csv"
    body = "".join(f"{i};77;1;{1 + i % 28}.2.24;\n" for i in range(50_000))
    shortest.write_text("id;регион;код услуги;дата подачи;дата выдачи\n" + body, encoding="utf-8")
    usual = tmp_path / "usual.csv"
    request_log.write(usual, 50_000, seed=1)
    for file in (shortest, usual):
        folder = tmp_path / file.stem
        folder.mkdir()
        staging.stage(file, folder, DAY)
        taken = sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
        assert taken < staging.plan_disk([file], folder).staged, file.name


def test_spilled_data_never_outgrow_what_was_said(tmp_path):
    """A table of 80 MB in a memory of 60 MB, with room to spill and without."""
    table = "CREATE TABLE numbers AS SELECT hash(range) AS bits FROM range(10_000_000)"
    with panel.connect(tmp_path, 500_000_000, "60MB") as roomy:
        assert roomy.execute(table).fetchall() == [(10_000_000,)]
    with (
        panel.connect(tmp_path, 1_000_000, "60MB") as tight,
        pytest.raises(duckdb.OutOfMemoryException, match="max_temp_directory_size"),
    ):
        tight.execute(table)


def test_too_little_memory_is_one_sentence(tmp_path):
    file = tmp_path / "log.csv"
    request_log.write(file, 20_000, seed=1)
    with pytest.raises(LogError, match=r"cannot be aggregated \(Out of Memory[^\n]*give more --memory, or free disk"):
        make(tmp_path, file, memory_limit="1MB")
    assert not (tmp_path / "staging" / "spill").exists()


def test_a_reader_says_what_is_wrong(tmp_path):
    with pytest.raises(LogError, match="has no header"):
        reading.open_log(write(tmp_path, "\n\n;;;\n"))
    with pytest.raises(LogError, match="outside 2000"):
        panel.make([write(tmp_path, HEAD)], tmp_path, datetime.date(2055, 1, 1), NO_SERVICES)


def test_the_search_for_duplicates_holds_one_piece_of_the_column_at_a_time(tmp_path):
    file, rows_of_piece, pieces = tmp_path / "rows.parquet", 1 << 16, 48
    bits = np.random.default_rng(1).integers(-(2**62), 2**62, rows_of_piece * pieces)
    bits[-1] = bits[0]
    pq.write_table(pa.table({"id_hash": bits}), file, row_group_size=rows_of_piece, compression="none")
    before, pool = pa.default_memory_pool(), pa.proxy_memory_pool(pa.default_memory_pool())
    pa.set_memory_pool(pool)
    try:
        found = [one for number in range(4) for one in duplicates._repeated([file], number, 4)["id_hash"].to_pylist()]
    finally:
        pa.set_memory_pool(before)
    assert found == [bits[0]]
    assert pool.max_memory() < bits.nbytes / 4
