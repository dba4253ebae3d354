"""nbval through warm kernels: real comparisons, in parallel, with a verdict for everything that can go wrong."""

import base64
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import batch_world
import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from helpers import paths
from helpers.batch import check, environment, records, release, samples, truth, warm
from helpers.batch.options import Options

REGIONS = ("RU-CHE", "RU-KAM", "RU-MOW", "national")
QUICK = Options(regions=REGIONS, jobs=2, quiet=True, timeout=60)


@pytest.fixture(scope="module", autouse=True)
def steady():
    before = dict(os.environ)
    environment.prepare()
    with warm.pinned():
        yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, steady):
    root = batch_world.write_world(tmp_path_factory.mktemp("checked"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(paths.ROOT_VARIABLE, str(root))
        outcome = release.build(replace(QUICK, check=True))
    assert outcome.exit_code == 0, outcome.summary()
    return root, outcome


@pytest.fixture
def made(finished, tmp_path, monkeypatch):
    root = tmp_path / "world"
    shutil.copytree(finished[0], root)
    monkeypatch.setenv(paths.ROOT_VARIABLE, str(root))
    return root


def folder(root):
    return root / "reports" / "real" / "2024-H1"


def report(root, name="RU-CHE.ru"):
    return folder(root) / f"{name}.ipynb"


def change(path, old, new):
    """Replace a text in the stored outputs."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_build_with_check_records_a_passed_verdict_for_every_report(finished):
    root, outcome = finished
    assert set(outcome.checked) == {f"{region}.ru" for region in REGIONS}
    for row in records.Status(folder(root)).rows.values():
        assert row.is_checked
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(paths.ROOT_VARIABLE, str(root))
        assert truth.status(QUICK).exit_code == 0


def test_a_checked_release_is_not_checked_again(made, monkeypatch):
    monkeypatch.setattr(check, "validate", lambda *_a, **_k: pytest.fail("checked again"))
    assert release.check(QUICK).checked == ()
    assert release.build(replace(QUICK, check=True)).exit_code == 0


def test_a_rebuilt_report_has_no_verdict_until_it_is_checked(made):
    release.build(replace(QUICK, regions=("RU-CHE",), force=True))
    assert not records.Status(folder(made)).rows["RU-CHE.ru"].is_checked
    assert release.check(QUICK).checked == ("RU-CHE.ru",)


def test_one_changed_number_fails_the_check(made):
    change(report(made), "0.35000000000000003", "0.45")
    outcome = release.check(replace(QUICK, force=True))
    assert set(outcome.check_failed) == {"RU-CHE.ru"}
    assert outcome.exit_code == 1
    row = records.Status(folder(made)).rows["RU-CHE.ru"]
    assert row.checked == "failed"
    assert row.error.startswith("check: cell ")
    assert not row.is_checked
    assert "0.45" in (folder(made) / "failed" / "RU-CHE.ru.check.txt").read_text()
    assert release.build(QUICK).built == ("RU-CHE.ru",)  # the file no longer matches its checksum
    assert release.check(QUICK).checked == ("RU-CHE.ru",)
    assert not (folder(made) / "failed" / "RU-CHE.ru.check.txt").exists()
    assert records.Status(folder(made)).rows["RU-CHE.ru"].error == ""


def test_a_table_cell_and_a_picture_count(made):
    table = report(made, "RU-KAM.ru")
    change(table, "<td>1.1</td>", "<td>1.2</td>")
    book = nbformat.read(report(made), as_version=4)
    output = next(o for c in book.cells for o in c.get("outputs", []) if "image/png" in o.get("data", {}))
    picture = bytearray(base64.b64decode(output["data"]["image/png"]))
    picture[-20] ^= 1
    output["data"]["image/png"] = base64.b64encode(bytes(picture)).decode() + "\n"
    nbformat.write(book, report(made))
    verdicts = check.validate([report(made), table], jobs=2)
    assert [verdict.passed for verdict in verdicts] == [False, False]
    assert "image/png" in verdicts[0].message
    assert "text/html" in verdicts[1].message
    assert check.validate([report(made)], pictures=False)[0].passed


def executed(path, *sources, run=True, kernel=environment.WARM_KERNEL):
    book = new_notebook(cells=[new_code_cell(source) for source in sources])
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    if run:
        NotebookClient(book, kernel_name=kernel, record_timing=False).execute()
    nbformat.write(book, path)
    return path


def test_whatever_goes_wrong_is_a_verdict(tmp_path):
    marker = tmp_path / "second"
    later = f"import pathlib, os, time; seen = pathlib.Path({str(marker)!r}).exists()\n"
    books = {
        "good": executed(tmp_path / "good.ipynb", "1 + 1", "object()"),
        "random": executed(tmp_path / "random.ipynb", "import random; random.random()"),
        "error": executed(tmp_path / "error.ipynb", later + "assert not seen, 'нет'"),
        "dies": executed(tmp_path / "dies.ipynb", later + "if seen: os._exit(1)"),
        "hangs": executed(tmp_path / "hangs.ipynb", later + "if seen: time.sleep(60)"),
        "never_run": executed(tmp_path / "never_run.ipynb", "1", run=False),
        "empty": executed(tmp_path / "empty.ipynb", run=False),
        "stderr": executed(tmp_path / "stderr.ipynb", later + "import sys\nif seen: print('hm', file=sys.stderr)"),
    }
    (tmp_path / "damaged.ipynb").write_text("{")
    marker.touch()
    wanted = [*books.values(), tmp_path / "damaged.ipynb"]
    seen = []
    verdicts = check.validate(wanted, jobs=3, timeout=3, finished=seen.append)
    assert [verdict.name for verdict in verdicts] == [path.stem for path in wanted]
    found = {verdict.name: verdict for verdict in verdicts}
    assert [name for name in found if found[name].passed] == ["good"]
    assert "Cell outputs differ" in found["random"].message
    assert "нет" in found["error"].message
    assert "cell 1" in found["dies"].message
    assert "Timeout of 3 seconds" in found["hangs"].message
    assert "never run" in found["never_run"].message
    assert "never run" in found["empty"].message
    assert "cannot be read" in found["damaged"].message
    assert "stderr" in found["stderr"].message
    assert {verdict.name for verdict in seen} == set(books) - {"never_run", "empty"}
    assert not re.search("\x1b", found["random"].message)


def test_the_verdict_is_that_of_nbval_itself(made):
    """The same notebook through ``pytest --nbval`` in a process of its own, good and altered."""
    for altered in (False, True):
        if altered:
            change(report(made, "RU-MOW.ru"), "Columns: [region_iso", "Columns: [region_iso_")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-kernel-name", "python3",
             "-p", "no:cacheprovider", str(report(made, "RU-MOW.ru"))],
            capture_output=True, text=True, check=False, cwd=made,
        )  # fmt: skip
        assert (done.returncode != 0) is altered, done.stdout
        assert check.validate([report(made, "RU-MOW.ru")])[0].passed is not altered


def test_the_plain_engine_gives_the_same_verdict(made):
    assert check.validate([report(made)], engine="plain")[0].passed


def test_an_unreadable_report_gets_its_verdict_recorded(made):
    report(made).write_text("{")
    outcome = release.check(replace(QUICK, force=True, regions=("RU-CHE",)))
    assert "cannot be read" in outcome.check_failed["RU-CHE.ru"]
    assert records.Status(folder(made)).rows["RU-CHE.ru"].checked == "failed"


def test_samples_are_copied_only_when_checked_and_fail_on_a_changed_number(made, monkeypatch):
    monkeypatch.setattr(samples, "SAMPLES", REGIONS)
    monkeypatch.setattr(samples, "LANGUAGES", ("ru",))
    copied = samples.make(QUICK)
    assert len(copied) == 2 * len(REGIONS)
    assert [path.name for path in samples.notebooks()] == sorted(f"{region}.ru.ipynb" for region in REGIONS)
    assert all(verdict.passed for verdict in samples.revalidate(pictures=True))
    change(samples.folder() / "RU-CHE.ru.ipynb", "0.35000000000000003", "0.45")
    found = {verdict.name: verdict.passed for verdict in samples.revalidate()}
    assert found == {"RU-CHE.ru": False, "RU-KAM.ru": True, "RU-MOW.ru": True, "national.ru": True}


def test_samples_that_cannot_be_made_leave_the_old_ones(made, monkeypatch):
    monkeypatch.setattr(samples, "SAMPLES", ("RU-CHE",))
    samples.make(QUICK)
    before = (samples.folder() / "RU-CHE.ru.ipynb").read_bytes()
    batch_world.write_world(made, extra_cell="1 / 0")
    with pytest.raises(samples.SampleError, match="ZeroDivisionError"):
        samples.make(QUICK)
    assert (samples.folder() / "RU-CHE.ru.ipynb").read_bytes() == before
    path = made / "notebooks" / "01_clean.ipynb"
    path.write_text(path.read_text().replace("print(len(panel)", "1 / 0; print(len(panel)"))
    with pytest.raises(samples.SampleError, match="ZeroDivisionError"):
        samples.revalidate()
