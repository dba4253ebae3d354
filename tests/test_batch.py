"""The batch: every report once, only what changed, one failure costs one report, nothing half-written, the truth told."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import batch_world
import nbformat
import psutil
import pytest

from helpers import paths
from helpers.batch import (
    environment,
    execute,
    files,
    keys,
    locking,
    overview,
    parameters,
    plan,
    publishing,
    records,
    release,
    truth,
    warm,
    workers,
)
from helpers.batch.jobs import Job, Product
from helpers.batch.options import OptionError, Options, Outcome
from helpers.batch.progress import Progress
from helpers.delivery import ledger
from helpers.presentation import formats

REGIONS = ("RU-CHE", "RU-KAM", "RU-ORL", "RU-MOW", "national")
QUICK = Options(regions=REGIONS, jobs=2, quiet=True, timeout=60)


@pytest.fixture(scope="module", autouse=True)
def steady():
    """The batch's environment, and one warm process for the module even while source files are edited."""
    before = dict(os.environ)
    environment.prepare()
    with warm.pinned():
        yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, steady):
    """A world with a finished release; tests work on copies of it."""
    root = batch_world.write_world(tmp_path_factory.mktemp("finished"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(paths.ROOT_VARIABLE, str(root))
        outcome = release.build(QUICK)
    assert outcome.exit_code == 0, outcome.summary()
    return root, outcome


@pytest.fixture
def made(finished, tmp_path, monkeypatch):
    """A copy of the finished world."""
    root = tmp_path / "world"
    shutil.copytree(finished[0], root)
    monkeypatch.setenv(paths.ROOT_VARIABLE, str(root))
    return root


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A world in which nothing was built."""
    root = tmp_path / "world"
    root.mkdir()
    monkeypatch.setenv(paths.ROOT_VARIABLE, str(root))
    return batch_world.write_world(root)


def folder(root):
    return root / "reports" / "real" / "2024-H1"


def rows(root):
    return records.Status(folder(root)).rows


def bytes_of(root, *suffixes):
    """Content of the report files by name."""
    found = {}
    for suffix in suffixes:
        found |= {
            path.name: path.read_bytes() for path in folder(root).rglob(f"*.*{suffix}") if "analysis" not in path.parts
        }
    return found


# -- a whole release


def test_every_report_is_built_and_recorded(finished):
    root, outcome = finished
    assert sorted(outcome.built) == sorted(f"{region}.ru" for region in REGIONS)
    for name, row in rows(root).items():
        assert row.status == ("no_data" if name == "RU-MOW.ru" else "built")
        assert records.faults(folder(root), row) == []
        assert row.content_key
        assert float(row.cpu_seconds) > 0
        assert int(row.bytes_html) > 1000
        assert list((folder(root) / "tables" / name).glob("*.csv")) or name == "RU-MOW.ru"
    assert rows(root)["RU-KAM.ru"].value == repr(1.3499999999999999)
    run = json.loads((folder(root) / "run.json").read_text())
    assert run["state"] == "finished"
    assert run["exit_code"] == 0
    assert run["versions"]["papermill"]
    assert run["tables"]["service_panel"]
    log = [json.loads(line) for line in (folder(root) / "run.jsonl").read_text().splitlines()]
    assert [line["item"] for line in log if line["event"] == "done"][-1] in rows(root)
    assert not list(root.rglob("*.tmp"))


def test_index_and_differences_are_made(finished):
    root, _ = finished
    index = (folder(root) / "index.html").read_text()
    for name in ("RU-CHE.ru", "RU-MOW.ru", "national.ru"):
        assert f'href="{name}.html"' in index
    assert "Прежнего выпуска нет" in (folder(root) / "diff.html").read_text()


def test_differences_compare_with_the_run_before(made):
    panel = made / "data" / "raw" / "panel.csv"
    panel.write_text(panel.read_text().replace("RU-KAM,6,1.6", "RU-KAM,6,7.6"))
    assert release.build(QUICK).exit_code == 0
    page = (folder(made) / "diff.html").read_text()
    assert "Изменения: 1" in page
    (folder(made) / "index.html").write_text("damaged")
    assert release.build(QUICK).built == ()
    assert "</html>" in (folder(made) / "index.html").read_text()
    assert (folder(made) / "diff.html").read_text() == page


def test_the_first_run_of_a_period_compares_with_the_release_before(made):
    shutil.copytree(folder(made), folder(made).with_name("2023"))
    later = replace(QUICK, period="2024-H2", regions=("RU-CHE",))
    assert release.build(later).exit_code == 0
    assert "Сравнение с прежним выпуском" in (folder(made).with_name("2024-H2") / "diff.html").read_text()


def deliver(region, lang="ru", state="sent", at="2024-07-30T10:00:00+00:00"):
    """A letter in the ledger of the world."""
    book = ledger.Ledger(paths.reports("ledger.sqlite"))
    entry = ledger.Entry("real", "2024-H1", region, "a@b.ru", lang, "final", f"<{region}@x>", "planned", 0, "", "", at)
    book.set_state(book.plan(entry).message_id, state, at)
    book.close()


def test_the_index_shows_what_was_sent_at_once_and_after_the_next_run(made):
    index, states = folder(made) / "index.html", lambda: truth.status(replace(QUICK, regions=("RU-CHE",))).problems
    first, later = formats.date("2024-07-30", "ru"), formats.date("2024-08-01", "ru")
    deliver("RU-CHE")
    deliver("RU-KAM", state="refused")
    assert first not in index.read_text()
    with locking.exclusive("real", "now"):
        overview.after_sending(QUICK)  # a run is at work: it will show that itself
    assert first not in index.read_text()
    overview.after_sending(QUICK)
    assert index.read_text().count(first) == 1 and not states()
    deliver("Центральный федеральный округ", at="2024-08-01T10:00:00+00:00")  # Orel and Moscow
    assert release.build(QUICK).built == ()
    assert index.read_text().count(later) == 2 and not states()


def test_notebooks_carry_nothing_that_differs_from_run_to_run(finished):
    root, _ = finished
    for path in folder(root).glob("*.ipynb"):
        text = path.read_text()
        assert str(root) not in text
        book = nbformat.read(path, as_version=4)
        nbformat.validate(book)
        assert "start_time" not in book.metadata.papermill
        assert all("papermill" not in cell.metadata and "execution" not in cell.metadata for cell in book.cells)
        assert book.metadata.papermill.parameters["period"] == "2024-H1"


def test_an_unchanged_release_costs_next_to_nothing_and_starts_no_kernel(made, finished, monkeypatch):
    monkeypatch.setattr(execute, "produce", lambda job: pytest.fail(f"{job.report_id} ran again"))
    monkeypatch.setattr(warm, "heat", lambda: pytest.fail("a warm process was wanted"))
    monkeypatch.setattr(overview, "_pages", lambda *_: pytest.fail("the index was made again"))
    before = {path: path.stat().st_mtime_ns for path in folder(made).rglob("*") if path.is_file()}
    outcome = release.build(QUICK)
    assert sorted(outcome.skipped) == sorted(f"{region}.ru" for region in REGIONS)
    assert outcome.exit_code == 0
    assert outcome.cpu_seconds < 0.02 * finished[1].cpu_seconds + 0.1  # five reports: the fixed part counts
    changed = {path.name for path in before if path.stat().st_mtime_ns != before[path]}
    assert changed <= {"run.json", "run.jsonl"}


def test_one_regions_data_changed_means_one_report(made):
    panel = made / "data" / "raw" / "panel.csv"
    panel.write_text(panel.read_text().replace("RU-KAM,6,1.6", "RU-KAM,6,1.7"))
    outcome = release.build(QUICK)
    assert outcome.built == ("RU-KAM.ru", "national.ru") or set(outcome.built) == {"RU-KAM.ru", "national.ru"}
    assert len(outcome.skipped) == len(REGIONS) - 2
    assert float(rows(made)["RU-KAM.ru"].value) > 1.35


def test_a_report_shows_what_its_key_covers(made):
    """Rows of another region in a table that counts by region do not change a report's bytes."""
    before = bytes_of(made, "ru.ipynb")["RU-CHE.ru.ipynb"]
    table = made / "data" / "processed" / "real" / "service_panel.parquet"
    import pandas as pd

    frame = pd.read_parquet(table)
    frame.loc[frame["region_iso"] == "RU-KAM", "value"] += 1
    frame.to_parquet(table)
    job = plan.report_jobs(plan.resolve(QUICK), keys.base(), keys.Inputs("real"))[0]
    assert job.report_id == "RU-CHE.ru"
    assert job.content_key == rows(made)["RU-CHE.ru"].content_key
    assert execute.produce(job).notebook == before


def _edit_notebook(root):
    path = root / "notebooks" / "05_region_report.ipynb"
    book = nbformat.read(path, as_version=4)
    book.cells[-1].source += "\n# changed"
    nbformat.write(book, path)


def _run_in_lab(root):
    path = root / "notebooks" / "05_region_report.ipynb"
    book = nbformat.read(path, as_version=4)
    book.cells[-1].outputs = [nbformat.v4.new_output("stream", text="seen")]
    book.cells[-1].execution_count = 4
    nbformat.write(book, path)


def _edit(name):
    def change(root):
        path = root / name
        path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")

    return change


@pytest.mark.parametrize(
    ("change", "regional", "national"),
    [
        (_edit_notebook, True, False),
        (_run_in_lab, False, False),
        (_edit("params.toml"), True, True),
        (_edit("data/reference/regions.csv"), True, True),
        (_edit("data/reference/corrections.csv"), False, False),
        (lambda root: None, False, False),
    ],
    ids=["notebook", "outputs only", "params", "reference", "reference of cleaning", "nothing"],
)
def test_what_changes_a_key(made, change, regional, national):
    change(made)
    wanted = {line.name: line.action for line in release.build(replace(QUICK, dry_run=True)).plan}
    assert (wanted["RU-CHE.ru"] == "run") is regional
    assert (wanted["national.ru"] == "run") is national


def test_a_correction_that_changes_no_table_runs_the_cleaning_and_no_report(made):
    _edit("data/reference/corrections.csv")(made)
    outcome = release.build(replace(QUICK, dry_run=True))
    assert {line.name for line in outcome.plan if line.reason == "content changed at 01_clean"} >= {"01_clean"}
    assert release.build(QUICK).built == ()


def test_lists_of_cleaning_are_read_by_nothing_else():
    """Neither by name, nor through the rooms of the intake: only the notebook that reads raw files imports them."""
    root = Path(keys.__file__).resolve().parents[3]
    names = "|".join(name.removesuffix(".csv") for name in keys.OF_CLEANING)
    reports = [*(step.name for step in plan.STEPS[1:]), plan.REGIONAL, plan.NATIONAL]
    texts = [root / "notebooks" / f"{name}.ipynb" for name in reports]
    for room in ("analysis", "presentation", "tables"):
        texts += (root / "src" / "helpers" / room).rglob("*.py")
    for path in texts:
        found = re.search(rf"""reference\([\\]*["'](?:{names})|helpers\.intake""", path.read_text(encoding="utf-8"))
        assert not found, (path, found)
    assert all((root / "data" / "reference" / name).is_file() for name in keys.OF_CLEANING)


def test_code_versions_and_language_change_a_key(made, monkeypatch):
    resolved = plan.resolve(QUICK)

    def key(base, lang="ru"):
        return plan.report_jobs(replace(resolved, langs=(lang,)), base, keys.Inputs("real"))[0].content_key

    base = keys.base()
    seen = {key(base), key(base, "en"), *(key({**base, part: "other"}) for part in base)}
    assert len(seen) == 2 + len(base)
    assert keys.versions()["python"] == ".".join(map(str, sys.version_info[:3]))


def test_rooms_digest_covers_code_and_templates_but_not_the_batch(tmp_path):
    (tmp_path / "analysis").mkdir()
    (tmp_path / "batch").mkdir()
    (tmp_path / "analysis" / "a.py").write_text("1")
    first = keys.folder(tmp_path, keys.NOT_IN_REPORTS)
    (tmp_path / "batch" / "b.py").write_text("1")
    assert keys.folder(tmp_path, keys.NOT_IN_REPORTS) == first
    (tmp_path / "analysis" / "page.html.j2").write_text("1")
    assert keys.folder(tmp_path, keys.NOT_IN_REPORTS) != first


def test_force_builds_all_again_with_the_same_bytes(made):
    before = bytes_of(made, "ru.ipynb", "ru.html", "ru.json")
    outcome = release.build(replace(QUICK, force=True, regions=("RU-CHE", "RU-MOW")))
    assert set(outcome.built) == {"RU-CHE.ru", "RU-MOW.ru"}
    assert bytes_of(made, "ru.ipynb", "ru.html", "ru.json") == before


def test_the_plain_engine_gives_the_same_bytes(made):
    before = bytes_of(made, "ru.ipynb", "ru.html", "ru.json")
    outcome = release.build(replace(QUICK, force=True, engine="plain", regions=("RU-CHE", "national")))
    assert outcome.exit_code == 0, outcome.summary()
    assert bytes_of(made, "ru.ipynb", "ru.html", "ru.json") == before


def test_pdf_and_other_language_are_made_when_wanted(made):
    pytest.importorskip("weasyprint")
    wanted = replace(QUICK, regions=("RU-MOW",), langs=("ru", "en"), pdf=True)
    outcome = release.build(wanted)
    assert set(outcome.built) == {"RU-MOW.ru", "RU-MOW.en"}
    assert (folder(made) / "RU-MOW.en.pdf").read_bytes().startswith(b"%PDF")
    assert "RU-MOW.ru.html" in (folder(made) / "RU-MOW.en.html").read_text()
    assert release.build(wanted).built == ()


def test_twenty_at_once_equal_one_by_one(fresh):
    regions = tuple(row["iso_3166_2"] for row in parameters.regions()[:20])
    batch_world.write_world(fresh, regions=regions)
    wanted = replace(QUICK, regions=regions)
    assert release.build(replace(wanted, jobs=20)).exit_code == 0
    at_once = bytes_of(fresh, "ru.ipynb", "ru.html", "ru.json")
    pictures = {cell["data"]["image/png"] for name in at_once if name.endswith(".ipynb")
                for c in json.loads(at_once[name])["cells"] for cell in c.get("outputs", []) if "image/png" in cell.get("data", {})}  # fmt: skip
    assert len(pictures) == 20  # no region shows another one's chart
    assert release.build(replace(wanted, jobs=1, force=True)).exit_code == 0
    assert bytes_of(fresh, "ru.ipynb", "ru.html", "ru.json") == at_once


# -- one failure costs one report

TROUBLE = """
import os, time
if (paths.root() / "trouble").exists():
    if region == "RU-KAM":
        raise ValueError("плохие данные <b>")
    if region == "RU-ORL":
        os._exit(1)
    if region == "RU-AD":
        time.sleep(600)
    if region == "RU-MOW":
        hoard = bytearray(3 << 30)
    if region == "RU-SPE":
        os.kill(os.getpid(), 9)
"""


def test_a_failure_costs_one_report_and_explains_itself(fresh):
    batch_world.write_world(fresh, extra_cell=TROUBLE)
    wanted = replace(
        QUICK, regions=("RU-CHE", "RU-KAM", "RU-ORL", "RU-AD", "RU-MOW", "RU-SPE", "RU-TVE"), timeout=4, memory_mb=4096
    )
    assert release.build(replace(wanted, regions=("RU-KAM",))).exit_code == 0  # an earlier, good report
    (fresh / "trouble").touch()
    outcome = release.build(replace(wanted, force=True))
    assert outcome.exit_code == 1
    assert set(outcome.built) == {"RU-CHE.ru", "RU-TVE.ru"}
    assert "cell" in outcome.failed["RU-KAM.ru"]
    assert "плохие данные" in outcome.failed["RU-KAM.ru"]
    assert outcome.failed["RU-ORL.ru"].startswith("the kernel died in cell 5: out of memory")
    assert outcome.failed["RU-AD.ru"].startswith("cell 5 took longer than 4 s")
    assert outcome.failed["RU-MOW.ru"] == "cell 5: MemoryError"
    assert "the kernel died in cell 5" in outcome.failed["RU-SPE.ru"]
    for name in outcome.failed:
        assert not (folder(fresh) / f"{name}.html").exists()
        assert not (folder(fresh) / f"{name}.ipynb").exists()
        page = (folder(fresh) / "failed" / f"{name}.html").read_text()
        assert "reports build --only failed" in page
        assert rows(fresh)[name].status == "failed"
    page = (folder(fresh) / "failed" / "RU-KAM.ru.html").read_text()
    assert "&lt;b&gt;" in page and "Cell In" in page and "execute.py" not in page  # the cell, not our own lines
    assert (folder(fresh) / "failed" / "previous.RU-KAM.ru.html").exists()
    partial = nbformat.read(folder(fresh) / "failed" / "RU-AD.ru.ipynb", as_version=4)
    assert partial.cells[3].outputs  # the cells before the hanging one
    assert "failed" in outcome.summary()
    (fresh / "trouble").unlink()
    again = release.build(replace(wanted, only_failed=True))
    assert set(again.built) == set(outcome.failed)
    assert set(again.skipped) == set(outcome.built)
    assert again.exit_code == 0
    assert not list((folder(fresh) / "failed").glob("*"))


def test_a_failing_step_stops_the_run_with_its_notebook_kept(fresh):
    path = fresh / "notebooks" / "02_claims.ipynb"
    book = nbformat.read(path, as_version=4)
    book.cells[-1].source = "1 / 0"
    nbformat.write(book, path)
    outcome = release.build(QUICK)
    assert outcome.exit_code == 1
    assert "ZeroDivisionError" in outcome.failed["02_claims"]
    assert outcome.built == ()
    assert (folder(fresh) / "failed" / "02_claims.ipynb").exists()
    assert "ZeroDivisionError" in (folder(fresh) / "failed" / "02_claims.html").read_text()


MEET = """
import time
from helpers import paths
(paths.root() / "{own}").touch()
deadline = time.monotonic() + 40
while not (paths.root() / "{other}").exists():
    assert time.monotonic() < deadline, "the other step did not start"
    time.sleep(0.05)
"""


def test_a_build_says_what_the_cleaning_refused(fresh):
    path = fresh / "notebooks" / "01_clean.ipynb"
    book = nbformat.read(path, as_version=4)
    book.cells[-1].source += """
reasons = {"reason": ["not_a_number", "missing_id", "unreadable_file"], "file": ["a.csv", "a.csv", "files/bad.xlsx"]}
pd.DataFrame(reasons).to_parquet(folder / "rejects.parquet")"""
    nbformat.write(book, path)
    wanted = replace(QUICK, regions=("RU-CHE",))
    first = release.build(wanted).summary()
    assert (
        "01_clean: 2 values or rows refused, 1 files unreadable (files/bad.xlsx): see analysis/01_clean.ipynb" in first
    )
    assert "refused" not in release.build(wanted).summary()


def test_steps_run_side_by_side_and_only_what_depends_on_a_change_runs_again(fresh):
    for name, own, other in (("02_claims", "a", "b"), ("04_effects", "b", "a")):
        book = batch_world.notebook(batch_world.STEP, MEET.format(own=own, other=other))
        nbformat.write(book, fresh / "notebooks" / f"{name}.ipynb")
    wanted = replace(QUICK, regions=("RU-CHE",))
    assert release.prepare(wanted).exit_code == 0
    events = [json.loads(line) for line in (folder(fresh) / "run.jsonl").read_text().splitlines()]
    assert sorted(event["item"] for event in events if event["event"] == "done") == [step.name for step in plan.STEPS]
    memory = json.loads((folder(fresh) / ".steps.json").read_text())
    nbformat.write(batch_world.notebook(batch_world.STEP, "print(2)"), fresh / "notebooks" / "02_claims.ipynb")
    assert {line.name: line.action for line in release.build(replace(wanted, dry_run=True)).plan} == {
        "01_clean": "skip", "02_claims": "run", "03_ratings": "run", "04_effects": "skip", "RU-CHE.ru": "run",
    }  # fmt: skip
    assert release.prepare(wanted).exit_code == 0
    again = json.loads((folder(fresh) / ".steps.json").read_text())
    # Claims ran again; the ratings, which read their table, did not have to: the table came out the same.
    assert [name for name in again if again[name] != memory[name]] == ["02_claims"]


def test_a_notebook_without_result_is_a_failure(fresh):
    path = fresh / "notebooks" / "05_region_report.ipynb"
    book = nbformat.read(path, as_version=4)
    del book.cells[-1]
    nbformat.write(book, path)
    outcome = release.build(replace(QUICK, regions=("RU-CHE",)))
    assert "displays no application/vnd.client-centricity.result+json" in outcome.failed["RU-CHE.ru"]


def test_a_full_disk_costs_the_report_and_keeps_the_old_one(made, monkeypatch):
    before = bytes_of(made, "ru.html")
    real = files.write

    def full(path, content):
        if path.name == "RU-CHE.ru.html":
            raise OSError(28, "No space left on device")
        return real(path, content)

    monkeypatch.setattr(files, "write", full)
    outcome = release.build(replace(QUICK, force=True, regions=("RU-CHE", "RU-KAM")))
    assert outcome.failed == {"RU-CHE.ru": "cannot be written: No space left on device"}
    assert outcome.built == ("RU-KAM.ru",)
    assert bytes_of(made, "ru.html") == before


def test_a_write_that_fails_leaves_no_trace(tmp_path, monkeypatch):
    target = tmp_path / "a.txt"
    files.write(target, b"old")
    monkeypatch.setattr(files.os, "fsync", lambda _fd: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        files.write(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_private_folders_of_processes_that_are_gone_are_swept(monkeypatch):
    base = Path(tempfile.mkdtemp(prefix="b", dir="/tmp"))  # short: sockets live there
    monkeypatch.setattr(files.tempfile, "gettempdir", lambda: str(base))
    own = files.private_folder("kernel")
    gone = subprocess.Popen(["true"])
    gone.wait()
    (base / f"cc-kernel-{gone.pid}-abc").mkdir()
    files.sweep_private()
    assert list(base.iterdir()) == [own]
    shutil.rmtree(base)
    monkeypatch.setattr(files.tempfile, "gettempdir", lambda: "/" + "x" * 60)
    short = files.private_folder("kernel")
    assert len(str(short)) < 60
    short.rmdir()


# -- interruptions

DRIVER = """
import sys
from helpers.batch import release
from helpers.batch.options import Options
outcome = release.build(Options(regions=tuple(sys.argv[1].split(",")), jobs=2, quiet=True))
sys.exit(outcome.exit_code)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_run_loses_no_finished_report_and_leaves_no_half_one(fresh, number):
    regions = tuple(row["iso_3166_2"] for row in parameters.regions()[:7])
    batch_world.write_world(fresh, regions=regions, extra_cell="import time; time.sleep(0.3)")
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, ",".join(regions)], start_new_session=True)
    journal = folder(fresh) / ".status.jsonl"
    deadline = time.monotonic() + 90
    while not (journal.exists() and journal.read_bytes().count(b"\n") >= 2) and time.monotonic() < deadline:
        time.sleep(0.01)
    children = psutil.Process(driver.pid).children(recursive=True)
    driver.send_signal(number)
    assert driver.wait(30) == (-9 if number == signal.SIGKILL else 128 + number)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []  # no kernel outlives its run
    survivors = records.Status(folder(fresh)).rows
    assert 2 <= len(survivors) < 7
    for row in survivors.values():
        assert row.status == "built"
        assert records.faults(folder(fresh), row) == []
    for path in folder(fresh).glob("RU-*.html"):
        assert path.read_text().rstrip().endswith("</html>")
    told = truth.status(replace(QUICK, regions=regions))
    assert told.counts().get("unchecked") == len(survivors)
    outcome = release.build(replace(QUICK, regions=regions))
    assert outcome.exit_code == 0
    assert set(outcome.skipped) >= set(survivors)
    assert len(rows(fresh)) == 7
    assert not [path for path in fresh.rglob(".*.tmp")]


def test_a_signal_waits_for_the_report_that_is_being_published():
    stopper, seen = workers.Stopper(), []
    with pytest.raises(workers.Stopped) as stopped, stopper.installed():
        with stopper.held():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.05)
            seen.append("published")
        seen.append("never")
    assert seen == ["published"]
    assert stopped.value.number == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_leaving_the_loop_forgets_what_waits(tmp_path):
    jobs = [Job(str(n), tmp_path, {}) for n in range(50)]
    began = []

    def work(job):
        began.append(job.report_id)
        time.sleep(0.02)
        return Product(job.report_id)

    for product in workers.local(jobs, 2, lambda _name: None, work):
        assert product.report_id in began
        break
    time.sleep(0.1)
    assert len(began) < 10


def test_two_runs_at_once_are_refused_with_the_name_of_the_first(fresh):
    with locking.exclusive("real", "10:00"):
        with pytest.raises(locking.Busy, match=f"process {os.getpid()} on .*, since 10:00.*finished reports are kept"):
            release.build(QUICK)
        with locking.exclusive("demo", "10:00"):
            pass
    with locking.exclusive("real", "10:01"):
        pass


def test_the_journal_survives_a_torn_line(tmp_path):
    status = records.Status(tmp_path)
    status.put(records.Row("a.ru", status="built", error='«,"\n'))
    status.put(records.Row("b.ru", status="failed"))
    with (tmp_path / ".status.jsonl").open("ab") as stream:
        stream.write(b'{"report_id": "c.ru", "stat')
    read = records.Status(tmp_path)
    assert read.rows == status.rows
    read.save()
    assert not (tmp_path / ".status.jsonl").exists()
    assert records.Status(tmp_path).rows == status.rows
    assert (tmp_path / "status.csv").read_text(encoding="utf-8-sig").splitlines()[0] == ",".join(records.COLUMNS)


# -- the truth


def state(root):
    return {line.name: line.state for line in truth.status(QUICK).lines}


def test_status_tells_the_truth_about_files(made):
    assert set(state(made).values()) == {"unchecked"}
    status = records.Status(folder(made))
    for name, row in list(status.rows.items()):
        status.change(name, checked="passed", checked_at_key=row.content_key)
    status.change("RU-MOW.ru", checked="failed", error="check: cell 2")
    status.save()
    overview.write(plan.resolve(QUICK), status, keys.base(), workers.Stopper())
    (folder(made) / "RU-CHE.ru.html").unlink()
    (folder(made) / "RU-KAM.ru.ipynb").write_text("{}")
    with (folder(made) / "results" / "RU-ORL.ru.json").open("a") as stream:
        stream.write(" ")
    (folder(made) / "RU-XX.ru.html").write_text("?")
    told = truth.status(QUICK)
    assert state(made) == {
        "RU-CHE.ru": "damaged",
        "RU-KAM.ru": "damaged",
        "RU-ORL.ru": "damaged",
        "RU-MOW.ru": "differs",
        "national.ru": "ok",
        "RU-XX.ru.html": "stray",
    }
    assert told.exit_code == 1
    assert "RU-CHE.ru.html is missing" in told.summary()
    assert "results/RU-ORL.ru.json was changed" in told.summary()
    assert "status.csv is not the one" in told.summary()
    outcome = release.build(QUICK)
    assert set(outcome.built) == {"RU-CHE.ru", "RU-KAM.ru", "RU-ORL.ru"}
    (folder(made) / "RU-XX.ru.html").unlink()
    assert truth.status(QUICK).counts() == {"ok": 1, "unchecked": 3, "differs": 1}


def test_tables_and_pdf_that_are_gone_are_seen_and_made_again(made):
    pytest.importorskip("weasyprint")
    wanted = replace(QUICK, regions=("RU-CHE", "RU-MOW"), pdf=True)
    release.build(wanted)
    tables = folder(made) / "tables"
    before = {path: path.read_bytes() for path in tables.rglob("*.*") if path.is_file()}
    assert before and truth.status(wanted).exit_code == 0
    shutil.rmtree(tables / "RU-CHE.ru")
    (folder(made) / "RU-MOW.ru.pdf").unlink()
    told = truth.status(wanted)
    assert told.counts() == {"damaged": 2} and told.exit_code == 1
    assert "tables/RU-CHE.ru is missing" in told.summary() and "RU-MOW.ru.pdf is missing" in told.summary()
    assert set(release.build(QUICK).built) == {"RU-CHE.ru", "RU-MOW.ru"}
    assert {path: path.read_bytes() for path in tables.rglob("*.*") if path.is_file()} == before
    next((tables / "RU-CHE.ru").glob("*.csv")).write_text("?", encoding="utf-8")
    assert "tables/RU-CHE.ru was changed" in truth.status(wanted).summary()


def test_a_release_not_checked_yet_is_in_order_and_says_what_comes_before_sending(made):
    told = truth.status(QUICK)
    assert told.exit_code == 0 and "5 unchecked built and whole, not checked yet: reports check" in told.summary()
    assert len(told.summary().splitlines()) == 2


def test_status_sees_stale_absent_failed_and_killed(made):
    _edit("params.toml")(made)
    assert set(state(made).values()) == {"stale"}
    lines = {line.name: line.state for line in truth.status(replace(QUICK, regions=("RU-AD",))).lines}
    assert lines["RU-AD.ru"] == "absent"
    status = records.Status(folder(made))
    status.put(records.Row("RU-CHE.ru", status="failed", error="cell 3"))
    assert state(made)["RU-CHE.ru"] == "failed"
    run = json.loads((folder(made) / "run.json").read_text())
    for pid, says in ((2**22 + 1, "was killed; run: reports build"), (os.getpid(), "is at work")):
        (folder(made) / "run.json").write_text(json.dumps({**run, "state": "running", "pid": pid}))
        assert says in truth.status(QUICK).summary()
    (folder(made) / "run.json").unlink()
    assert "run.json: missing" in truth.status(QUICK).summary()


def test_status_of_nothing(fresh):
    assert truth.status(QUICK).counts() == {"absent": 5}
    with pytest.raises(OptionError, match="run: reports build --collection real"):
        release.check(QUICK)
    assert not folder(fresh).exists()
    (fresh / "notebooks" / "05_region_report.ipynb").unlink()
    assert truth.status(QUICK).counts() == {"absent": 5}


def test_a_dry_run_prints_the_plan_and_writes_nothing(fresh):
    outcome = release.build(replace(QUICK, dry_run=True))
    assert [line.action for line in outcome.plan] == ["run"] * 9
    assert "9 to run" in outcome.summary()
    assert not (fresh / "reports").exists()


def test_a_dry_run_says_what_depends_on_a_step(made):
    _edit("data/raw/panel.csv")(made)
    lines = {line.name: line for line in release.build(replace(QUICK, dry_run=True)).plan}
    assert lines["01_clean"].action == "run"
    assert "unless 01_clean changes its tables" in lines["RU-CHE.ru"].reason


def test_a_damaged_table_or_step_notebook_is_made_again(made):
    (made / "data" / "processed" / "real" / "service_panel.parquet").unlink()
    (folder(made) / "analysis" / "03_ratings.ipynb").unlink()
    assert release.build(QUICK).built == ()
    assert (made / "data" / "processed" / "real" / "service_panel.parquet").exists()
    assert (folder(made) / "analysis" / "03_ratings.ipynb").exists()


# -- options and parameters

TEMPLATE = "05_region_report.ipynb"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"regoin": "RU-CHE"}, "no parameter 'regoin'; did you mean 'region'"),
        ({"region": 74}, "wants str, got int 74; for example 'RU-CHE'"),
        ({"region": "RU-CHL"}, "unknown region 'RU-CHL'; did you mean .*RU-CHE"),
        ({"region": "Челябинска область"}, r"did you mean RU-CHE \(Челябинская область\)"),
        ({"region": "zzz"}, "see data/reference/regions.csv"),
        ({"lang": "rus"}, "did you mean 'ru'.* choose one of: ru, en"),
        ({"period": "2024-H3"}, "write 2024, 2024-H1"),
        ({"collection": True}, "wants str, got bool"),
    ],
)
def test_a_wrong_parameter_is_refused_with_the_nearest_valid_one(fresh, values, message):
    with pytest.raises(parameters.ParameterError, match=message):
        parameters.check(fresh / "notebooks" / TEMPLATE, values)


@pytest.mark.parametrize(
    ("text", "code"),
    [("RU-CHE", "RU-CHE"), (" ru-che ", "RU-CHE"), ("Челябинская область", "RU-CHE"), ("в Челябинской области", "RU-CHE"),
     ("Chelyabinsk Oblast", "RU-CHE"), ("КАМЧАТСКИЙ  КРАЙ", "RU-KAM"), ("RU-CR", "UA-43"), ("UA-43", "UA-43")],
)  # fmt: skip
def test_a_region_may_be_spelled(fresh, text, code):
    assert parameters.check(fresh / "notebooks" / TEMPLATE, {"region": text}) == {"region": code}


def test_every_official_name_resolves_to_its_own_region(fresh):
    for row in parameters.regions():
        for column in ("name_ru", "name_ru_official", "name_en", "genitive_ru", "prepositional_ru"):
            assert parameters.region_code(row[column]) == row["iso_3166_2"]


def test_a_schema_is_read_with_types_defaults_and_help(fresh):
    declared = {parameter.name: parameter for parameter in parameters.schema(fresh / "notebooks" / TEMPLATE)}
    assert (declared["region"].kind, declared["region"].default, declared["region"].help) == (
        "str",
        "RU-CHE",
        "ISO code or name",
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [("region = 'x'", "name: type = default"), ("x: list = 3", "type 'list'"), ("x: int = (", "not Python"), ("import os", "name: type")],
)  # fmt: skip
def test_a_parameters_cell_that_cannot_be_checked_is_refused(tmp_path, source, message):
    nbformat.write(batch_world.notebook(source), tmp_path / "a.ipynb")
    with pytest.raises(parameters.ParameterError, match=message):
        parameters.schema(tmp_path / "a.ipynb")


def test_unreadable_notebooks_are_clear_errors(tmp_path):
    with pytest.raises(parameters.ParameterError, match="no notebook"):
        parameters.schema(tmp_path / "none.ipynb")
    (tmp_path / "bad.ipynb").write_text("{")
    with pytest.raises(parameters.ParameterError, match="not a readable notebook"):
        parameters.schema(tmp_path / "bad.ipynb")
    (tmp_path / "bare.ipynb").write_text('{"cells": []}')
    with pytest.raises(parameters.ParameterError, match="no cell tagged"):
        parameters.schema(tmp_path / "bare.ipynb")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(collection="rael"), "collection 'rael': choose one of real, demo"),
        (Options(engine="hot"), "engine"),
        (Options(langs=("de",)), "language 'de'"),
        (Options(period="2024-H7"), "is not a period"),
        (Options(regions=("Атлантида",)), "unknown region"),
        (Options(collection="demo"), "no period"),
        (Options(jobs=-1), "--jobs is 0"),
        (Options(timeout=0), "--timeout a second"),
        (Options(scheduler="head:8786"), "write tcp://host:8786"),
        (Options(scheduler="tcp://head:many"), "write tcp://host:8786"),
        (Options(scheduler="tcp://127.0.0.1:1"), "no Dask scheduler answers at tcp://127.0.0.1:1"),
    ],
)
def test_wrong_options_are_refused_before_anything_starts(fresh, options, message):
    with pytest.raises((OptionError, parameters.ParameterError), match=message):
        release.build(options)
    assert not (fresh / "reports").exists()
    assert not (fresh / "reports").exists()


def test_missing_release_parameters_are_a_clear_error(fresh):
    (fresh / "params.toml").write_text("[")
    with pytest.raises(OptionError, match=r"params\.toml cannot be read"):
        release.build(QUICK)


def test_defaults_come_from_the_release_parameters(fresh):
    resolved = plan.resolve(Options())
    assert (resolved.period, resolved.langs, len(resolved.regions)) == ("2024-H1", ("ru",), 90)
    assert resolved.regions[-1] == "national"
    assert Options(jobs=3).workers == 3
    assert Options().workers >= 1


def test_longest_reports_first():
    status = type("Status", (), {"rows": {"a": records.Row("a", seconds="1"), "b": records.Row("b", seconds="9")}})()
    jobs = [Job(name, Path(), {}) for name in ("a", "new", "b")]
    assert [job.report_id for job in release._longest_first(jobs, status)] == ["new", "b", "a"]


# -- progress and outcome


class Screen:
    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def isatty(self):
        return False

    def flush(self):
        pass


def test_progress_counts_rates_and_logs(tmp_path):
    screen = Screen()
    with Progress(tmp_path / "log.jsonl", "bar", screen) as progress:  # no terminal: lines
        progress.begin("reports", 3, skipped=2)
        progress.started("a")
        progress.started("b")
        assert progress.remaining() == 0
        progress.finished("a", seconds=0.5)
        assert progress.remaining() > 0
        progress.finished("b", "cell 1: no")
        progress.note("look")
    assert "reports 2/3 · 1 failed · 2 skipped" in screen.text
    assert "b: cell 1: no" in screen.text
    events = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events] == ["begin", "done", "failed", "note"]
    assert events[2]["failed"] == 1


@pytest.mark.parametrize(("style", "lines"), [("quiet", 0), ("json", 2), ("log", 2)])
def test_progress_styles(style, lines):
    screen = Screen()
    with Progress(None, style, screen) as progress:
        progress.begin("reports", 1)
        progress.finished("a")
    assert len(screen.text.splitlines()) == lines


def test_progress_bar_on_a_terminal():
    import io

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    with Progress(None, "bar", screen) as progress:
        for phase in ("reports", "checks"):
            progress.begin(phase, 2)
            progress.started("RU-CHE.ru")
            progress.finished("RU-CHE.ru", "cell 1: [red]no[/red]")
    assert "RU-CHE.ru: cell 1: [red]no[/red]" in screen.getvalue()
    assert "checks 1/2" in screen.getvalue()


def test_outcome_says_what_happened(tmp_path):
    outcome = Outcome("real", "2024-H1", tmp_path, ("a",), {"b": "cell 1"}, (), check_failed={"c": "cell 2"}, signal=15)
    assert outcome.exit_code == 143
    for words in ("b: cell 1", "c: cell 2", "1 built, 1 failed", "stopped before the end", "--only failed"):
        assert words in outcome.summary()
    assert replace(outcome, signal=0).exit_code == 1
    nothing = Outcome("real", "2024-H1", tmp_path)
    assert nothing.exit_code == 0 and "0 built, 0 failed, 0 up to date; 0.0 s" in nothing.summary()
    checked = replace(nothing, checked=("a",), checked_before=2)
    assert "2024-H1: 1 re-run with the same result, 0 with another, 2 checked before; 0.0 s" in checked.summary()


def test_tables_of_an_earlier_build_do_not_stay(tmp_path):
    publishing.write_tables(tmp_path / "t", {"a.csv": b"1", "b.csv": b"2"})
    publishing.write_tables(tmp_path / "t", {"b.csv": b"3"})
    assert {path.name: path.read_bytes() for path in (tmp_path / "t").iterdir()} == {"b.csv": b"3"}


def test_importing_what_runs_notebooks_does_not_compile_the_grammar_of_iris():
    code = (
        "import sys; from helpers.batch import environment; environment.import_jsonschema(); import papermill, nbformat\n"
        "assert 'jsonschema' in sys.modules and 'rfc3987_syntax' not in sys.modules\n"
        "environment.import_jsonschema(); import rfc3987_syntax; print(rfc3987_syntax.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "rfc3987_syntax", done.stderr


def test_planning_needs_neither_pandas_nor_papermill():
    code = (
        "import sys; from helpers.batch import release; print([m for m in ('pandas', 'papermill') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


def test_slices_differ_by_region_and_hold_common_rows(tmp_path, monkeypatch):
    import pandas as pd

    monkeypatch.setenv(paths.ROOT_VARIABLE, str(tmp_path))
    table = paths.processed("real") / "service_panel.parquet"
    table.parent.mkdir(parents=True)

    def slices(values):
        pd.DataFrame({"region_iso": ["A", "A", "B", ""], "v": values}).to_parquet(table)
        inputs = keys.Inputs("real")
        found = [inputs.slice("service_panel", region) for region in ("A", "B", "C")]
        inputs.remember()
        assert keys.Inputs("real").slice("service_panel", "A") == found[0]
        return found

    first = slices([1.0, 2.0, 3.0, 4.0])
    assert slices([1.0, 2.5, 3.0, 4.0])[1:] == first[1:]
    assert slices([1.0, 2.5, 3.0, 4.0])[0] != first[0]
    assert not set(slices([1.0, 2.0, 3.0, 5.0])) & set(first)  # a common row belongs to all
    assert keys.Inputs("real").slice("absent", "A") == keys.Inputs("real").slice("absent", "B")
    pd.DataFrame({"v": [1]}).to_parquet(table)
    assert keys.Inputs("real").slice("service_panel", "A") == keys.Inputs("real").slice("service_panel", "B")


def test_large_raw_files_count_by_size_and_time(tmp_path, monkeypatch):
    monkeypatch.setenv(paths.ROOT_VARIABLE, str(tmp_path))
    monkeypatch.setattr(keys, "LARGE", 3)
    raw = paths.raw() / "log.csv"
    raw.parent.mkdir(parents=True)
    raw.write_text("12345")
    first = keys.raw_files("real")
    os.utime(raw, (1, 1))
    assert keys.raw_files("real") != first


def test_demonstration_files_are_no_business_of_the_real_collection(made):
    before = state(made)
    (made / "data" / "raw" / "demo").mkdir()
    (made / "data" / "raw" / "demo" / "new.csv").write_text("1")
    assert keys.raw_files("real") != keys.raw_files("demo") and state(made) == before
    assert {line.action for line in release.build(replace(QUICK, dry_run=True)).plan} == {"skip"}


def test_a_corrected_title_in_the_catalogue_reaches_the_pages(made):
    (made / "data" / "raw" / "catalog.csv").write_text("source_id,title\ns,Т\n", encoding="utf-8")
    assert set(state(made).values()) == {"stale"}
