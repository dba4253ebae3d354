"""Mail clients: nothing in the body that a client does not understand, but for a justified list."""

import json
import shutil
import subprocess
from pathlib import Path

import conftest
import example_results
import pytest
from test_accessibility import need_browser

from helpers.presentation import messages
from helpers.presentation.messages import digest as messages_digest
from helpers.presentation.messages import group as messages_group

pytestmark = pytest.mark.browser
NODE = Path(__file__).parent / "node"
# What is accepted, and why nothing is lost where a client lacks it.
ACCEPTED = {
    "`<body> element`": "some clients replace body by div: background and margins stand on the outer table as well",
    "<body> element": "the same, second opinion",
    "color-scheme meta tag": "a hint that clients without it ignore; every colour is readable inverted as well",
    "display:none": "hides the preheader; where it is ignored the first line repeats the headline in 1 px white",
}


@pytest.fixture(scope="module")
def checker():
    missing = [
        name
        for name, there in (("node", shutil.which("node")), ("npm modules", (NODE / "node_modules").is_dir()))
        if not there
    ]
    if missing:
        reason = f"needs {' and '.join(missing)}: run tools/install_system.sh as root"
        if conftest.on_ci():
            pytest.fail(reason)
        pytest.skip(reason)

    def run(html, tmp_path):
        file = tmp_path / "body.html"
        file.write_text(html, encoding="utf-8")
        out = subprocess.run(
            ["node", "mail_clients.mjs", str(file)], cwd=NODE, capture_output=True, timeout=60, check=True
        )
        return json.loads(out.stdout)

    return run


def complaints(answer):
    for library, by_client in answer.items():
        for client, issues in by_client.items():
            for issue in issues:
                yield library, client, issue


@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize(
    "make", [example_results.rich, example_results.poor, example_results.empty, example_results.national]
)
def test_bodies_use_only_what_clients_understand(checker, tmp_path, make, lang):
    html = messages.body(make(lang), "chart.1", "Точки: 61,3 %").html
    answer = checker(html, tmp_path)
    assert len(answer["doiuse"]) == 9
    left = [c for c in complaints(answer) if not any(c[2].startswith(known) for known in ACCEPTED)]
    assert left == []


def several(lang):
    """Letters about several regions, and the digest of a run that met every trouble."""
    made = (example_results.rich(lang), example_results.poor(lang), example_results.empty(lang))
    links = {result.report_id: "https://reports.example/a.html" for result in made}
    yield messages_group.body(messages_group.Group(made, "Уральский федеральный округ", frozenset(), links))
    yield messages_group.body(messages_group.Group((example_results.national(lang), *made)), "chart.1", "Точки: 61,3 %")
    items = tuple(messages_digest.Item("a@b.example", "RU-CHE.ru", "550 no such user", "<x@y>") for _ in range(70))
    parts = tuple((key, items) for key in messages_digest.PARTS)
    links = (("Index", "https://reports.example/index.html"), ("Outbox", "reports/real/2024-H1/outbox/index.html"))
    yield messages_digest.digest(messages_digest.Digest("real 2024-H1", False, (("sent", 1),), parts, links, "why"))


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_letters_about_several_regions_and_the_digest_use_only_that_too(checker, tmp_path, lang):
    for body in several(lang):
        left = [c for c in complaints(checker(body.html, tmp_path)) if not any(c[2].startswith(k) for k in ACCEPTED)]
        assert left == [] and len(body.html.encode()) <= 60_000


def test_the_checker_does_find_what_clients_lack(checker, tmp_path):
    answer = checker('<div style="display:grid;position:fixed"><video></video></div>', tmp_path)
    found = list(complaints(answer))
    assert {client for _, client, _ in found} >= {"gmail.desktop-webmail", "outlook.windows", "mail-ru.desktop-webmail"}


def test_letters_digest_and_outbox_pass_axe_and_fit_a_phone(tmp_path):
    need_browser()
    made = {
        "one": messages.body(example_results.rich("ru")).html,
        "empty": messages.body(example_results.empty("en")).html,
        **{f"several{number}": body.html for number, body in enumerate(several("ru"))},
    }
    rows = [messages_digest.OutboxRow("a@b.example", "all, ru", "Тема", "0" * 32, 12, "sent")]
    refused = [messages_digest.Item("a@b.example", "RU-AD.ru", "not built")]
    made["outbox"] = messages_digest.outbox_page("Исходящие", "ДЕМО", rows, refused, (("Отчёты", "../index.html"),))
    files = [tmp_path / f"{name}.html" for name in made]
    for file, html in zip(files, made.values(), strict=True):
        file.write_text(
            html.replace(' src="cid:chart.1"', ' src="data:image/png;base64,iVBORw0KGgo="'), encoding="utf-8"
        )
    done = subprocess.run(
        ["node", "check_pages.mjs", *map(str, files)], cwd=NODE, capture_output=True, timeout=300, check=True
    )
    for page in json.loads(done.stdout):
        assert page["violations"] == [] and page["overflow"] <= 0 and page["asked"] == [], page


def test_layout_is_tables_with_inline_styles_only():
    html = messages.body(example_results.rich("ru"), "chart.1", "Точки: 61,3 %").html
    assert "<style" not in html and "<script" not in html and "flex" not in html and "rem;" not in html
    assert 'role="presentation"' in html and 'width="640"' in html and "max-width:640px" in html
    assert html.count("<h1") == 1 and 'lang="ru"' in html
