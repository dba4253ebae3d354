"""Pages in a real browser: axe-core, html-validate, silence on network and console, no sideways scrolling."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import conftest
import example_full
import example_notebooks
import example_results as examples
import pytest
from test_index import REGIONS, RESULTS, STATUS, at

from helpers.presentation import diff, index, pages
from helpers.presentation.results.estimates import Estimate
from helpers.presentation.results.parts import Standing

NODE = Path(__file__).parent / "node"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
KINDS = {"rich": example_full.rich, "poor": examples.poor, "empty": examples.empty, "national": example_full.national}
NAMES = [f"{kind}.{lang}" for kind in (*KINDS, "index", "diff") for lang in ("ru", "en")]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def need_browser():
    """Skip with the reason if the tools are absent; on CI their absence is a failure."""
    missing = [] if any(map(shutil.which, BROWSERS)) else ["chromium"]
    missing += [] if shutil.which("node") else ["node"]
    missing += [] if (NODE / "node_modules").is_dir() else ["tests/node/node_modules"]
    if missing and not conftest.on_ci():
        pytest.skip(f"{', '.join(missing)} absent: run tools/install_system.sh")
    assert not missing, f"{missing} absent on CI: run tools/install_system.sh"


def run(script, *arguments):
    done = subprocess.run(
        ["node", str(NODE / script), *map(str, arguments)], capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def before(result):
    """The same report one issue earlier, with other numbers, so that every table of differences has rows."""
    earlier = at(result, 50.0, 47.0, 53.0, period=result.period)
    counts = result.counts and replace(result.counts, shorter=result.counts.shorter + 2)
    rank = result.rank and replace(result.rank, rank_low=5, rank_high=60)
    standing = Standing("2025-Q1", "low", Estimate(61.5, unit="point"), "x")
    return replace(earlier, counts=counts, rank=rank, gaps=result.gaps[:-1], standing=standing)


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Rich, poor, empty and national report, index and differences in both languages as files."""
    need_browser()
    folder = tmp_path_factory.mktemp("pages")
    made = {}
    for lang in ("ru", "en"):
        exporter = pages.Exporter(lang)
        for kind, make in KINDS.items():
            made[f"{kind}.{lang}"] = folder / f"{kind}.{lang}.html"
            page = exporter.export(example_notebooks.notebook(make(lang)))
            made[f"{kind}.{lang}"].write_text(page, encoding="utf-8")
        now = {f"{name}.{lang}": make(lang) for name, make in (("RU-CHE", examples.rich), ("RU-ORL", examples.poor))}
        earlier = {name: before(result) for name, result in now.items()}
        for kind, page in (
            ("index", index.page(STATUS, RESULTS, REGIONS, lang)),
            ("diff", diff.page(earlier, now, lang)),
        ):
            made[f"{kind}.{lang}"] = folder / f"{kind}.{lang}.html"
            made[f"{kind}.{lang}"].write_text(page, encoding="utf-8")
    return made


@pytest.fixture(scope="session")
def seen(files):
    """What the browser saw: one entry per page, width and colour scheme."""
    found = json.loads(run("check_pages.mjs", *files.values()))
    assert len(found) == len(files) * 4
    return found


def entries(seen, name):
    mine = [entry for entry in seen if Path(entry["file"]).stem == name]
    assert {(e["scheme"], e["width"]) for e in mine} == {(s, w) for s in ("light", "dark") for w in (360, 1280)}
    return mine


@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_no_violation(seen, name):
    for entry in entries(seen, name):
        assert entry["passes"] > 20, "axe did not run"
        assert entry["violations"] == [], (entry["scheme"], entry["width"])


@pytest.mark.parametrize("name", NAMES)
def test_page_asks_for_nothing_and_says_nothing(seen, name):
    for entry in entries(seen, name):
        assert entry["asked"] == [] and entry["said"] == []


@pytest.mark.parametrize("name", NAMES)
def test_page_does_not_scroll_sideways(seen, name):
    for entry in entries(seen, name):
        assert entry["overflow"] <= 0, entry["width"]


def test_html_validate_finds_no_error(files):
    program = NODE / "node_modules" / ".bin" / "html-validate"
    done = subprocess.run(
        [str(program), "-c", str(NODE / "htmlvalidate.json"), *map(str, files.values())],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


BAD = """<!DOCTYPE html><html><head><meta charset="utf-8"><title>x</title></head><body><img src="https://example.org/a.png">
<p style="color:#bbb;background:#fff;width:900px">pale words on white</p><script>console.log("hello")</script></body></html>"""


def test_the_checkers_can_fail(tmp_path):
    need_browser()
    page = tmp_path / "bad.html"
    page.write_text(BAD, encoding="utf-8")
    found = json.loads(run("check_pages.mjs", page))
    names = {text.split(":")[0] for entry in found for text in entry["violations"]}
    assert {"image-alt", "html-has-lang", "color-contrast"} <= names
    assert all(entry["asked"] and "hello" in entry["said"] for entry in found)
    assert all(entry["overflow"] > 0 for entry in found if entry["width"] == 360)
    program = NODE / "node_modules" / ".bin" / "html-validate"
    assert (
        subprocess.run([str(program), "-c", str(NODE / "htmlvalidate.json"), str(page)], capture_output=True).returncode
        != 0
    )


def test_lock_file_names_no_registry():
    lock = (NODE / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    declared = json.loads((NODE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    locked = json.loads(lock)["packages"]
    for name, version in declared.items():
        assert locked[f"node_modules/{name}"]["version"] == version
