"""The documentation is true: links, verbs, tables and functions exist, and the site asks nothing of the network."""

import dataclasses
import importlib
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import conftest
import pytest

from helpers import cli
from helpers.presentation import results
from helpers.tables import schemas

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"))])
USER_PAGES = "\n".join(path.read_text(encoding="utf-8") for path in PAGES if "api" not in path.parts)
VERBS = sorted(command.name or command.callback.__name__ for command in cli.app.registered_commands)


def name(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_links_and_pictures_resolve(path):
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    text = re.sub(r"`[^`]*`", "", text)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:", target):
            file, _, anchor = target.partition("#")
            if "gallery/" in file and not (path.parent / file).exists() and not conftest.on_ci():
                pytest.skip(f"{file} is not made yet: make sample, then make gallery")
            assert not file or (path.parent / file).exists(), f"{name(path)}: {target}"
            assert not anchor or file, f"{name(path)}: name the page of {target}"


@pytest.mark.parametrize("path", [p for p in PAGES if p.is_relative_to(DOCS)], ids=name)
def test_every_page_is_in_the_navigation_and_starts_with_a_title(path):
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert path.relative_to(DOCS).as_posix() in navigation
    assert path.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_of_the_command_is_documented(verb):
    assert re.search(rf"reports {verb}\b", USER_PAGES)


def test_every_verb_that_is_documented_exists():
    written = set(re.findall(r"(?:`|^|bin/|\$ )reports ([a-z]+)(?=[ `\n])", USER_PAGES, re.MULTILINE))
    assert len(written) >= 10 and written <= set(VERBS)


def test_every_make_target_that_is_documented_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    written = set(re.findall(r"(?:^|`)make ([a-z]+)", USER_PAGES, re.MULTILINE))
    assert written <= targets and {"reports", "test", "lab", "demo", "docs"} <= written


def test_options_named_in_the_guides_exist():
    source = (ROOT / "src" / "helpers" / "cli.py").read_text(encoding="utf-8")
    parameters = {p for c in cli.app.registered_commands for p in c.callback.__annotations__}
    known = set(re.findall(r"\"(--[a-z-]+)\"", source)) | {f"--{p.replace('_', '-')}" for p in parameters}
    other = {"--now", "--no-nanny", "--nthreads", "--memory", "--site", "--help-notebook", "--strict"}
    written = {option for page in ("guide_analyst.ru.md", "guide_operator.ru.md", "walkthrough_new_file.ru.md",
                                   "request_logs.md", "scheduling.md")
               for option in re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", (DOCS / page).read_text(encoding="utf-8"))}  # fmt: skip
    assert written - known - other == set()


@pytest.mark.parametrize("table", sorted(path.name for path in (ROOT / "data" / "reference").glob("*.csv")))
def test_every_reference_table_is_mentioned(table):
    assert table in USER_PAGES


def test_every_reason_of_refusal_has_its_advice():
    for page in ("guide_analyst.ru.md", "methods.md"):
        text = (DOCS / page).read_text(encoding="utf-8")
        assert [reason for reason in schemas.REJECT_REASONS if f"`{reason}`" not in text] == [], page


def test_every_function_named_in_the_methods_exists():
    text = (DOCS / "methods.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:analysis|intake|tables|presentation|batch)\.[\w.]+)`", text))
    assert len(named) > 50
    for dotted in sorted(named):
        module, _, attribute = f"helpers.{dotted}".rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), dotted


def headings(notebook):
    """Headings of a notebook named by the two digits of its name."""
    (file,) = (ROOT / "notebooks").glob(f"{notebook}_*.ipynb")
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    lines = [line for cell in cells if cell["cell_type"] == "markdown" for line in "".join(cell["source"]).splitlines()]
    return [line.lstrip("# ").lower() for line in lines if line.startswith("#")]


@pytest.mark.parametrize("page", ["methods.md", "methods_effects.md", "checklist.md"])
def test_every_heading_named_in_the_methods_is_in_its_notebook(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    named = set(re.findall(r"(?<!\d)(0[1-6]) «([^»]+)»", text)) | set(re.findall(r"notebook (0[1-6]), «([^»]+)»", text))
    missing = [(number, name) for number, name in named if not any(name.lower() in h for h in headings(number))]
    assert not missing and (named or page != "methods.md")


def test_every_block_named_in_the_methods_is_a_field_of_a_result():
    text = (DOCS / "methods.md").read_text(encoding="utf-8")
    named = {b for group in re.findall(r"blocks? ((?:`\w+`(?:, )?)+)", text) for b in re.findall(r"`(\w+)`", group)}
    fields = {
        field.name for kind in (results.RegionalResult, results.NationalResult) for field in dataclasses.fields(kind)
    }
    assert len(named) > 8 and named <= fields


def test_every_file_named_in_the_documentation_exists_or_is_made():
    made = {
        "counts.csv", "diff.csv", "diff.html", "golden_effects.csv", "index.html", "outbox/index.html", "recipients.csv",
        "refused_sample.csv", "run.json", "run.jsonl", "service_panel.csv", "site/index.html", "status.csv", "RU-ARK.ru.html",
        ".eml", ".html", "detail.csv",
    }  # fmt: skip
    folders = (
        "src",
        "docs",
        "data/reference",
        "data/raw/published",
        "notebooks",
        "tests",
        "tools",
        "benchmarks",
        "lab",
    )
    found = [*ROOT.glob("*"), *(ROOT / "data" / "raw").glob("*")]
    found += [path for folder in folders for path in (ROOT / folder).rglob("*") if "node_modules" not in path.parts]
    known = {path.name for path in found}
    named = set(
        re.findall(r"`([\w./-]*\.(?:py|csv|md|toml|yml|lock|ipynb|sh|html|json|jsonl|sqlite|eml))`", USER_PAGES)
    )
    gone = {
        name for name in named if Path(name).name not in known and not name.startswith("reports/") and name not in made
    }
    assert len(named) > 60 and not gone


def test_the_pages_of_the_code_name_every_module_of_the_ratings():
    text = (DOCS / "api" / "analysis.md").read_text(encoding="utf-8")
    folder = ROOT / "src/helpers/analysis"
    paths = [path.relative_to(folder) for path in folder.rglob("*.py") if path.parent != folder / "effects"]
    modules = {".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in paths} - {"__init__"}
    assert modules == set(re.findall(r"^::: helpers\.analysis\.([\w.]+)$", text, re.MULTILINE))


def test_every_proof_of_the_checklist_names_what_exists():
    text = (DOCS / "checklist.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \|.*\| (met|met but for hosting|open[^|]*) \| ([^|]+)\|$", text, re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == list(range(1, 34))
    for _, _, proof in rows:
        for file in re.findall(
            r"(?<![\w/])((?:tests|docs|data|benchmarks|tools)/[\w./]+\.\w+|[A-Z-]+\.md|\.ci/run)", proof
        ):
            assert (ROOT / file).exists(), file


def test_every_variable_of_the_mail_server_is_documented():
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src/helpers/delivery").glob("*.py"))
    variables = set(re.findall(r"\benvironment(?:\.get\(|, )\"([A-Z_]+)\"", source))
    guide = (DOCS / "guide_operator.ru.md").read_text(encoding="utf-8")
    assert len(variables) >= 8 and {v for v in variables if f"`{v}`" not in guide} == set()


class Requests(HTMLParser):
    """Addresses that a browser would fetch by itself; links that a reader may follow are none."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        fetched = values.get("src") or (values.get("href") if tag == "link" else None) or values.get("srcset")
        if fetched and tag != "a" and re.match(r"(https?:)?//", fetched) and values.get("rel") != "canonical":
            self.found.append(f"<{tag}> {fetched}")


def test_the_collector_sees_requests_and_not_links():
    page = Requests()
    page.feed(
        '<a href="https://x.example/">x</a><img src="https://x.example/a.png"><link rel="icon" href="//x.example/i">'
    )
    assert len(page.found) == 2


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built as continuous integration builds it."""
    program = Path(sys.executable).parent / "mkdocs"
    if not program.exists():
        pytest.skip("mkdocs is not installed in this environment")
    folder = tmp_path_factory.mktemp("docs") / "site"
    if not (DOCS / "gallery").is_dir() and not conftest.on_ci():
        pytest.skip("docs/gallery is not made yet: make sample, then make gallery")
    done = subprocess.run(
        [str(program), "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return folder


@pytest.mark.slow
def test_the_site_asks_nothing_of_the_network(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) >= 18
    asked = {}
    for page in pages:
        collector = Requests()
        collector.feed(page.read_text(encoding="utf-8"))
        if collector.found:
            asked[page.name] = collector.found[:3]
    assert not asked
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//", style.read_text(encoding="utf-8")), style.name


@pytest.mark.slow
@pytest.mark.browser
def test_a_browser_fetches_nothing_but_files_of_the_site(site):
    chromium = Path("/usr/bin/chromium")
    if not chromium.exists():
        reason = f"{chromium} is not installed: run tools/install_system.sh as root"
        pytest.fail(reason) if conftest.on_ci() else pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    asked = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox", "--disable-gpu"])
        try:
            page = browser.new_page()
            page.on("request", lambda request: asked.append(request.url))
            for name_of_page in ("index.html", "guide_analyst.ru.html", "methods.html", "api/tables.html"):
                page.goto((site / name_of_page).as_uri())
                assert page.locator("article h1").first.inner_text()
        finally:
            browser.close()
    assert len(asked) > 4 and not [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]
