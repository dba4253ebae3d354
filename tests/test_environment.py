"""One set of direct dependencies in three places: pyproject.toml, requirements.lock, environment.yml."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
# The same package under another name on conda-forge.
CONDA_NAMES = {"duckdb": "python-duckdb", "ibis-framework": "ibis-duckdb", "jupyter-client": "jupyter_client"}


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def lock():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = [entry for entry in re.split(r"\n(?=\S)", text.replace("\\\n", " ")) if entry.strip()]
    locked = {}
    for entry in entries:
        requirement, *hashes = re.split(r"\s+--hash=", entry.strip())
        parsed = Requirement(requirement)
        assert hashes and all(re.fullmatch(r"sha256:[0-9a-f]{64}", h) for h in hashes), requirement
        locked.setdefault(canonicalize_name(parsed.name), []).append(parsed)
    return locked


def locked_requirements(project):
    extras = project["optional-dependencies"]
    return [Requirement(text) for text in project["dependencies"] + extras["test"] + extras["docs"]]


def test_every_direct_dependency_has_a_lower_bound(project):
    for requirement in locked_requirements(project):
        assert any(spec.operator in (">=", "==") for spec in requirement.specifier), requirement


def test_every_locked_version_is_inside_its_range(project, lock):
    for requirement in locked_requirements(project):
        for pinned in lock[canonicalize_name(requirement.name)]:
            (spec,) = pinned.specifier
            assert spec.operator == "==" and requirement.specifier.contains(spec.version), (requirement, pinned)


def test_lock_names_no_addresses():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text and "--index" not in text and "--find-links" not in text


def test_oracles_and_heavy_peers_are_not_in_the_lock(project, lock):
    for text in project["optional-dependencies"]["dev"]:
        assert canonicalize_name(Requirement(text).name) not in lock or Requirement(text).name == "polars"


def test_conda_environment_names_the_same_dependencies(project):
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    listed = [item for item in environment["dependencies"] if isinstance(item, str)]
    python = next(item for item in listed if item.startswith("python>") or item.startswith("python="))
    assert SpecifierSet(python.removeprefix("python")) == SpecifierSet(project["requires-python"])
    expected = {
        CONDA_NAMES.get(r.name, r.name.lower()): r.specifier
        for r in map(Requirement, project["dependencies"] + project["optional-dependencies"]["test"])
    }
    found = {}
    for item in listed:
        match = re.fullmatch(r"([A-Za-z0-9_.-]+?)((?:[<>=!]=?|==).*)?", item)
        if match[1] not in ("python", "pip"):
            found[match[1]] = SpecifierSet(match[2] or "")
    assert found == expected
    (pip_part,) = [item["pip"] for item in environment["dependencies"] if isinstance(item, dict)]
    assert pip_part == ["--no-deps -e ."]


def test_python_range_of_the_makefile_is_that_of_the_project(project):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "(3, 11) <= sys.version_info[:2] <= (3, 13)" in makefile
    assert SpecifierSet(project["requires-python"]) == SpecifierSet(">=3.11,<3.14")
