"""Template notebooks: prose and calls, typed and commented parameters, no outputs, no paths."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
EXPECTED = {
    "01_clean", "02_claims", "03_ratings", "04_effects", "05_region_report", "06_national_report", "explore",
}  # fmt: skip


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_the_notebooks_are_those_of_the_design():
    assert {path.stem for path in NOTEBOOKS} == EXPECTED


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_stored_without_outputs_on_the_plain_kernel(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in code_cells(path):
        assert not cell.outputs and cell.execution_count is None
    assert "papermill" not in notebook.metadata


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_prose_and_calls_only(path):
    for cell in code_cells(path):
        tree = ast.parse(cell.source)
        for node in ast.walk(tree):
            assert not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef | ast.Lambda), cell.source
        assert not re.search(r"""['"](\.\.?/|/|[A-Za-z]:\\)""", cell.source), cell.source
        assert len(cell.source.splitlines()) <= 30, cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_first_cell_says_what_it_answers_and_needs(path):
    first = nbformat.read(path, as_version=4).cells[0]
    assert first.cell_type == "markdown" and first.source.startswith("# ")
    assert re.search(r"[Nn]eeds|Нужн", first.source), first.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_parameters_are_typed_and_commented(path):
    tagged = [cell for cell in code_cells(path) if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    statements = ast.parse(tagged[0].source).body
    lines = tagged[0].source.splitlines()
    names = set()
    for statement in statements:
        assert isinstance(statement, ast.AnnAssign) and statement.value is not None, ast.unparse(statement)
        assert ast.unparse(statement.annotation) in {"str", "int", "float", "bool"}
        assert "  # " in lines[statement.end_lineno - 1], f"{ast.unparse(statement)} has no comment"
        names.add(ast.unparse(statement.target))
    assert "collection" in names
