"""Local git habits: templates are stored without outputs, samples with them, raw files byte for byte."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent


def git(folder, *arguments, text=True):
    done = subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments],
        cwd=folder, capture_output=True, text=text, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def clone(tmp_path):
    """An empty repository with the project's attributes and the habits that `make` sets up."""
    if not (BIN / "nbstripout").exists():
        pytest.skip("nbstripout is not installed in this environment")
    git(tmp_path, "init", "--quiet")
    for name in (".gitattributes", ".gitignore"):
        shutil.copy(ROOT / name, tmp_path / name)
    subprocess.run(["sh", str(ROOT / "tools" / "git_setup.sh"), str(BIN)], cwd=tmp_path, check=True, timeout=60)
    return tmp_path


def executed():
    cell = new_code_cell(
        "1 + 1", execution_count=3, outputs=[new_output("execute_result", {"text/plain": "2"}, execution_count=3)]
    )
    cell.metadata = {"tags": ["parameters"], "papermill": {"duration": 1.0}}
    cell.id = "a"
    return new_notebook(
        cells=[cell], metadata={"papermill": {"parameters": {}}, "kernelspec": {"name": "python3", "display_name": "x"}}
    )


def stored(clone, path):
    """The notebook as git keeps it after `git add`."""
    file = clone / path
    file.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(executed(), file)
    git(clone, "add", "--force", path)
    return json.loads(git(clone, "show", f":{path}"))


def test_a_template_is_stored_without_outputs_and_without_traces_of_papermill(clone):
    notebook = stored(clone, "notebooks/05_region_report.ipynb")
    (cell,) = notebook["cells"]
    assert cell["outputs"] == [] and cell["execution_count"] is None
    assert cell["metadata"] == {"tags": ["parameters"]} and "papermill" not in notebook["metadata"]
    assert json.loads((clone / "notebooks/05_region_report.ipynb").read_text())["cells"][0]["outputs"], (
        "the working copy"
    )


def test_a_sample_keeps_its_outputs(clone):
    (cell,) = stored(clone, "reports/sample/RU-CHE.ru.ipynb")["cells"]
    assert cell["outputs"][0]["data"]["text/plain"] == ["2"] and cell["execution_count"] == 3


def test_a_raw_file_is_stored_byte_for_byte(clone):
    file = clone / "data" / "raw" / "files" / "as_sent.csv"
    file.parent.mkdir(parents=True)
    sent = "Регион;Балл\r\nТомская область;1\r\n".encode("cp1251")
    file.write_bytes(sent)
    git(clone, "add", "data/raw/files/as_sent.csv")
    assert git(clone, "show", ":data/raw/files/as_sent.csv", text=False) == sent
    file.unlink()
    git(clone, "checkout", "--quiet", "--", "data/raw/files/as_sent.csv")
    assert file.read_bytes() == sent


@pytest.mark.parametrize(
    ("path", "attribute", "value"),
    [
        ("notebooks/explore.ipynb", "filter", "nbstripout"),
        ("notebooks/explore.ipynb", "diff", "jupyternotebook"),
        ("reports/sample/RU-CHE.ru.ipynb", "filter", "unset"),
        ("reports/sample/RU-CHE.ru.ipynb", "diff", "jupyternotebook"),
        ("data/raw/published/published_facts.csv", "text", "unset"),
        ("src/helpers/cli.py", "eol", "lf"),
        ("docs/gallery/phone.png", "binary", "set"),
    ],
)
def test_attributes(clone, path, attribute, value):
    assert git(clone, "check-attr", attribute, path).strip().endswith(f": {value}")


def test_notebooks_are_compared_by_cell_and_nothing_is_set_globally(clone):
    config = git(clone, "config", "--local", "--list")
    assert "diff.jupyternotebook.command" in config and "git-nbdiffdriver" in config
    assert "--global" not in (ROOT / "tools" / "git_setup.sh").read_text(encoding="utf-8")
    stored(clone, "notebooks/explore.ipynb")
    git(clone, "commit", "--quiet", "-m", "x")
    notebook = executed()
    notebook.cells[0].source = "1 + 2"
    nbformat.write(notebook, clone / "notebooks" / "explore.ipynb")
    shown = git(clone, "diff", "--", "notebooks/explore.ipynb")
    assert "1 + 2" in shown and '"cells"' not in shown


@pytest.mark.parametrize(
    ("path", "is_ignored"),
    [
        ("recipients.csv", True), (".env", True), ("data/processed/real/scores.parquet", True), ("data/raw/demo/x.xlsx", True),
        ("reports/real/2024-H1/index.html", True), ("site/index.html", True), (".venv/bin/python", True),
        ("reports/sample/RU-CHE.ru.ipynb", False), ("recipients.example.csv", False), ("data/raw/files/a.xls", False),
    ],
)  # fmt: skip
def test_what_the_machine_makes_and_secrets_stay_out(clone, path, is_ignored):
    done = subprocess.run(["git", "check-ignore", "--quiet", path], cwd=clone, timeout=60, check=False)
    assert (done.returncode == 0) is is_ignored


def test_an_unpacked_archive_without_git_is_no_error(tmp_path):
    done = subprocess.run(["sh", str(ROOT / "tools" / "git_setup.sh"), str(BIN)], cwd=tmp_path, timeout=60, check=False)
    assert done.returncode == 0
