"""The house keeps its shape: import directions, purity, sizes, no leftovers."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "helpers"
MODULES = sorted(SOURCE.rglob("*.py"))
WINGS = ("intake", "analysis", "presentation")
FOUNDATION = {"tables", "paths"}
# What each part may import of ours, besides itself and the foundation. Above everything: batch, synthetic's demo, cli.
ALLOWED = {
    "intake": set(), "analysis": set(), "presentation": set(), "tables": set(), "paths": set(), "synthetic": set(),
    "delivery": {"presentation"},
    "batch": {"intake", "analysis", "presentation", "synthetic", "delivery"},
}  # fmt: skip
IMPURE = {"time", "datetime.datetime.now", "socket", "smtplib", "requests", "urllib.request", "random", "os"}
# Doors to files and the operating system, named in docs/decisions.md.
FILE_DOORS = ("intake/sources", "intake/grids", "intake/published", "intake/requests", "tables/store", "paths")


def part_of(module: Path) -> str:
    relative = module.relative_to(SOURCE)
    return relative.parts[0].removesuffix(".py")


def imports_of(module: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_import_directions(module):
    part = part_of(module)
    if part in ("cli", "__init__"):
        return
    ours = {name.split(".")[1] for name in imports_of(module) if name.startswith("helpers.")}
    assert ours - {part} - FOUNDATION <= ALLOWED[part], f"{module} imports {ours - {part} - FOUNDATION - ALLOWED[part]}"
    if part == "tables":
        assert ours <= {"tables", "paths"}


@pytest.mark.parametrize(
    "module", [m for m in MODULES if part_of(m) in WINGS], ids=lambda p: str(p.relative_to(SOURCE))
)
def test_wings_know_no_clock_no_network_no_environment(module):
    names = imports_of(module)
    assert not names & {"time", "socket", "smtplib", "urllib.request", "http.client", "requests", "random"}, module
    text = module.read_text(encoding="utf-8")
    assert not re.search(r"\.now\(|\.today\(|os\.environ|getenv", text), module
    if not str(module.relative_to(SOURCE)).startswith(FILE_DOORS):
        assert not re.search(r"(?<![\w.])open\(|\.write_text\(|\.write_bytes\(|\.to_csv\([^)]*path", text), module


@pytest.mark.parametrize("module", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_no_seed_free_randomness_and_no_prints(module):
    text = module.read_text(encoding="utf-8")
    assert not re.search(r"np\.random\.(?!default_rng|Generator|SeedSequence|PCG64|Philox|seed\()", text), module
    assert "default_rng()" not in text, module


def test_no_rooms_without_a_purpose():
    for module in MODULES:
        assert module.stem not in {"utils", "common", "base", "misc", "helpers", "tools"}, module
        assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))), f"{module} has no docstring"


def test_modules_are_short_enough_to_read():
    long = {m.name: n for m in MODULES if (n := m.read_text(encoding="utf-8").count("\n")) > 420}
    assert not long, f"split: {long}"


def test_functions_are_short_enough_to_read():
    long = []
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                if body and (node.end_lineno or 0) - body[0].lineno > 60:
                    long.append(f"{module.name}:{node.name}")
    assert not long, long


def tracked(pattern: str = "") -> list[Path]:
    try:
        out = subprocess.run(["git", "ls-files", "-z", pattern or "."], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout: tracked files cannot be listed")
    return [ROOT / name for name in out.stdout.decode().split("\0") if name]


def test_no_machine_paths_and_no_unfinished_marks_in_tracked_text():
    bad = []
    machine = re.compile(r"(^|[^A-Za-z0-9_.~-])/(work|root|home/[a-z]+)/")
    unfinished = re.compile(r"\bTO" + r"DO\b|\bFIX" + r"ME\b|raise NotImplemented" + "Error")
    for path in tracked():
        if path.suffix in {".py", ".md", ".toml", ".yml", ".sh", ".ipynb", ".j2", ".mjs"} and path.exists():
            text = path.read_text(encoding="utf-8", errors="replace")
            if machine.search(text):
                bad.append(f"{path}: path of a machine")
            if path.suffix == ".py" and unfinished.search(text):
                bad.append(f"{path}: unfinished")
    assert not bad, bad


def test_made_files_are_not_tracked():
    names = [p.relative_to(ROOT).as_posix() for p in tracked()]
    assert not [n for n in names if n.startswith("data/processed/")]
    assert not [n for n in names if n.startswith("reports/") and not n.startswith("reports/sample/")]
    assert not [n for n in names if Path(n).name in {".env", "recipients.csv"}]
