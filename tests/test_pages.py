"""Pages: self-contained, honest about their data, accessible in structure; the PDF has the same numbers."""

import copy
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import conftest
import example_full
import example_notebooks
import example_results as examples
import jinja2
import nbformat
import pdfplumber
import pypdfium2
import pytest
from nbformat.v4 import new_markdown_cell, new_output

from helpers.presentation import pages, pages_check
from helpers.presentation.results import MIME

LANGS = ("ru", "en")
KINDS = {"rich": example_full.rich, "poor": examples.poor, "empty": examples.empty, "national": example_full.national}
CASES = [(kind, lang) for kind in KINDS for lang in LANGS]


@pytest.fixture(scope="module")
def exporters():
    return {lang: pages.Exporter(lang) for lang in LANGS}


@pytest.fixture(scope="module")
def notebooks():
    return {(kind, lang): example_notebooks.notebook(KINDS[kind](lang)) for kind, lang in CASES}


@pytest.fixture(scope="module")
def made(exporters, notebooks):
    return {key: exporters[key[1]].export(notebook) for key, notebook in notebooks.items()}


class Outline(HTMLParser):
    """Tags with their attributes, and the visible text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.words, self.hidden = [], [], 0
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.hidden += tag in ("style", "title")

    def handle_endtag(self, tag):
        self.hidden -= tag in ("style", "title")

    def handle_data(self, data):
        if not self.hidden:
            self.words.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def text(self):
        return plain(" ".join(self.words))


def plain(text):
    """Text as it is compared across products."""
    return re.sub(r"\s+", " ", text.replace("\u00a0", " ").replace("\u202f", " ").replace("\u2212", "-"))


@pytest.mark.parametrize(("kind", "lang"), CASES)
def test_page_keeps_its_promises(made, kind, lang):
    page = made[kind, lang]
    assert pages_check.faults(page) == []
    outline = Outline(page)
    assert outline.all("html")[0]["lang"] == lang
    assert len(page.encode()) <= 400_000
    assert "default-src 'none'" in page
    assert not re.search(r"<script|<link|https?://[^\"<]*\.(js|css|woff)", page)
    skip = next(a for a in outline.all("a") if a.get("class") == "skip")
    assert skip["href"] == "#main" and outline.all("main")[0]["id"] == "main"


@pytest.mark.parametrize(("kind", "lang"), CASES)
def test_the_headline_is_in_the_page_word_for_word(made, kind, lang):
    result = KINDS[kind](lang)
    assert plain(result.headline.sentence) in Outline(made[kind, lang]).text


@pytest.mark.parametrize(("kind", "lang"), CASES)
def test_code_parameters_and_prose_for_the_analyst_stay_out(made, notebooks, kind, lang):
    page, text = made[kind, lang], Outline(made[kind, lang]).text
    assert "blocks.show" not in page and "injected parameters" not in page and "papermill" not in text
    prose = [cell.source for cell in notebooks[kind, lang].cells if cell.cell_type == "markdown"]
    assert prose and all(source.splitlines()[-1] not in page for source in prose)
    assert MIME not in page


def test_sections_follow_the_order_of_the_blocks(made):
    ids = [a["id"] for a in Outline(made["rich", "ru"]).all("section")]
    expected = [
        "headline", "lead", "kpis", "main_points", "comparison", "trend", "effect", "next_services", "rank", "tiles",
        "agencies", "gaps", "targets", "counts", "quality", "method", "sources", "colophon",
    ]  # fmt: skip
    assert [name for name in ids if name in expected] == expected
    outline = Outline(made["rich", "ru"])
    for section in outline.all("section"):
        assert section["aria-labelledby"] == f"h-{section['id']}"


def test_sources_and_colophon_are_in_the_footer(made):
    page = made["rich", "ru"]
    assert page.index("<footer>") < page.index('id="sources"') < page.index('id="colophon"')


@pytest.mark.parametrize("lang", LANGS)
def test_pictures_keep_alternative_text_and_size(made, lang):
    result = KINDS["rich"](lang)
    images = Outline(made["rich", lang]).all("img")
    assert len(images) >= 7
    for image in images:
        assert 60 <= len(image["alt"]) <= 400 and result.banner in image["alt"]
        assert int(image["width"]) <= 592 and int(image["height"]) > 50


@pytest.mark.parametrize("lang", LANGS)
def test_every_picture_is_followed_by_its_data(made, lang):
    tags = [tag for tag, _ in Outline(made["rich", lang]).tags if tag in ("figure", "table", "h2")]
    for position, tag in enumerate(tags):
        if tag == "figure":
            assert tags[position + 1] == "table", tags[position - 2 : position + 3]


@pytest.mark.parametrize(("kind", "lang"), CASES)
def test_tables_have_captions_scopes_and_a_focusable_scroller(made, kind, lang):
    outline = Outline(made[kind, lang])
    assert len(outline.all("caption")) == len(outline.all("table"))
    assert all(cell.get("scope") in ("col", "row") for cell in outline.all("th"))
    scrollers = [a for a in outline.all("div") if a.get("class") == "scroll"]
    wide = made[kind, lang].count('<figure class="wide">')  # a map scrolls alone on a phone
    assert len(scrollers) == len(outline.all("table")) + wide
    assert all(a.get("tabindex") == "0" and a.get("aria-label") for a in scrollers)


@pytest.mark.parametrize(("kind", "lang"), CASES)
def test_synthetic_data_carry_a_banner_and_real_data_do_not(made, kind, lang):
    result = KINDS[kind](lang)
    outline = Outline(made[kind, lang])
    banners = [a for a in outline.all("p") if a.get("class") == "banner"]
    assert bool(banners) == result.is_synthetic
    words = "ДЕМОНСТРАЦИОННЫЕ ДАННЫЕ" if lang == "ru" else "DEMONSTRATION DATA"
    assert (words in outline.text) == result.is_synthetic


def test_titles_are_unique_and_short(made):
    titles = [re.search(r"<title>(.*?)</title>", page)[1] for page in made.values()]
    assert len(set(titles)) == len(titles)
    assert all(0 < len(title) <= pages.LONGEST_TITLE for title in titles)


def test_title_of_the_longest_region_is_not_cut(world):
    from helpers.tables import store

    register = store.reference("regions")
    result = examples.rich("ru")
    seen = set()
    for name in register["name_ru"]:
        title = pages.short_title(
            name, replace(result, region=replace(result.region, name=name), title=f"Клиентоцентричность: {name}")
        )
        assert len(title) <= pages.LONGEST_TITLE and name in title
        seen.add(title)
    assert len(seen) == len(register)


@pytest.mark.parametrize("lang", LANGS)
def test_link_to_the_other_language_says_its_language(made, lang):
    other = "en" if lang == "ru" else "ru"
    link = next(a for a in Outline(made["rich", lang]).all("a") if a.get("hreflang"))
    assert link == {"href": "other.html", "hreflang": other, "lang": other}


def test_no_link_to_the_other_language_in_attachments(exporters):
    result = examples.poor("ru")
    notebook = example_notebooks.notebook(result, with_description=False)
    notebook.metadata["report"] = pages.metadata(result)
    assert "hreflang" not in exporters["ru"].export(notebook)


@pytest.mark.parametrize("lang", LANGS)
def test_hostile_names_are_literal(made, lang):
    page = made["rich", lang]
    assert "<script>alert" not in page and "<b>Б</b>" not in page
    text = plain("".join(Outline(page).words))
    assert plain(examples.HOSTILE_SERVICE) in text and plain(examples.HOSTILE_AGENCY) in text


def test_the_notebook_is_not_changed_and_the_bytes_repeat(exporters, notebooks):
    notebook = notebooks["rich", "ru"]
    before = nbformat.writes(copy.deepcopy(notebook))
    first = exporters["ru"].export(notebook)
    assert nbformat.writes(notebook) == before
    assert pages.Exporter("ru").export(notebook) == first


def test_description_is_made_from_the_result_when_it_is_missing(exporters, made):
    notebook = example_notebooks.notebook(examples.poor("ru"), with_description=False)
    assert "report" not in notebook.metadata
    page = exporters["ru"].export(notebook)
    assert "Орловская область" in page
    assert pages.embedded(notebook) == examples.poor("ru")


def failing(notebook, change):
    broken = copy.deepcopy(notebook)
    change(broken)
    return broken


def drop_alt(notebook):
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output["metadata"]["image/png"]["alt"] = ""
                return


def add_output(html):
    def change(notebook):
        cell = next(c for c in notebook.cells if "block-lead" in c.metadata.get("tags", []))
        cell.outputs = [new_output("display_data", data={"text/html": html})]

    return change


def add_error(notebook):
    notebook.cells[-2].outputs = [new_output("error", ename="ValueError", evalue="x", traceback=[])]


FAULTS = {
    "alternative text": drop_alt,
    "failed": add_error,
    "<script>": add_output("<script>1</script>"),
    "runs code": add_output('<p onclick="x()">a</p>'),
    "loads": add_output('<img src="https://example.org/a.png" alt="x" width="1" height="1">'),
    "used twice": add_output('<p id="main">a</p>'),
    "not ASCII": add_output('<p id="эффект">a</p>'),
    "skipped": add_output("<h5>a</h5>"),
    "one h1": add_output("<h1>a</h1>"),
    "link to": add_output('<a href="javascript:x()">a</a>'),
    "style loads": add_output('<p style="background:url(a.png)">a</p>'),
    "page of": add_output("<p>" + "а" * 250_000 + "</p>"),
    "has no width": add_output('<img src="data:image/png;base64,AA" alt="x">'),
    "landmarks": add_output("<footer>a</footer>"),
    "without a banner": lambda notebook: notebook.metadata["report"].update(banner=""),
    "does not say": lambda notebook: notebook.metadata["report"].pop("title"),
    "this exporter": lambda notebook: notebook.metadata["report"].update(lang="en"),
}


@pytest.mark.parametrize("words", FAULTS)
def test_a_broken_promise_is_an_error(exporters, notebooks, words):
    broken = failing(notebooks["rich", "ru"], FAULTS[words])
    with pytest.raises(pages.PageError, match=re.escape(words)):
        exporters["ru"].export(broken)


def test_two_results_in_one_notebook_are_refused(notebooks):
    def twice(notebook):
        cell = next(c for c in notebook.cells if "blocks.embed" in c.source)
        cell.outputs = cell.outputs * 2

    with pytest.raises(pages.PageError, match="2 result objects"):
        pages.embedded(failing(notebooks["rich", "ru"], twice))
    assert pages.embedded(nbformat.v4.new_notebook()) is None


def test_unknown_language_is_refused():
    with pytest.raises(ValueError, match="one of ru, en"):
        pages.Exporter("de")


def test_markdown_reaches_the_page_only_by_its_tag(exporters, notebooks):
    def add(notebook):
        notebook.cells.insert(3, new_markdown_cell("Скрыто", id="m1"))
        notebook.cells.insert(4, new_markdown_cell("Показано", metadata={"tags": ["page"]}, id="m2"))

    page = exporters["ru"].export(failing(notebooks["poor", "ru"], add))
    assert "Показано" in page and "Скрыто" not in page


CONTEXT = {
    "page": {
        "lang": "ru", "title": "Выпуск <2025>", "description": "d", "heading": "Выпуск & «итог»", "period_label": "2025 год",
        "edition": "итоговые данные", "foot": "колофон",
    },
}  # fmt: skip


def test_pages_from_a_context_share_head_and_escape():
    page = pages.render("page.html.j2", CONTEXT)
    assert "<title>Выпуск &lt;2025&gt;</title>" in page and "Выпуск &amp; «итог»" in page
    assert "default-src 'none'" in page and "колофон" in page
    with pytest.raises(jinja2.UndefinedError):
        pages.render("page.html.j2", {})


# --- PDF ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pdfs(made, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pdf")
    files = {}
    for key in (("rich", "ru"), ("empty", "en"), ("national", "ru")):
        files[key] = folder / f"{'.'.join(key)}.pdf"
        files[key].write_bytes(pages.to_pdf(made[key]))
    return files


def pdf_text(path):
    document = pypdfium2.PdfDocument(path)
    return plain(" ".join(page.get_textpage().get_text_bounded() for page in document)), len(document)


def test_pdf_has_at_most_four_pages_and_the_headline(pdfs):
    for (kind, lang), path in pdfs.items():
        text, count = pdf_text(path)
        assert 1 <= count <= 4, (kind, lang, count)
        assert plain(KINDS[kind](lang).headline.sentence) in text.replace("- ", "-")


def test_no_block_is_lost_in_the_pdf(pdfs, made):
    for key, path in pdfs.items():
        text = pdf_text(path)[0]
        headings = re.findall(r'<h2 id="h-[a-z_]+"(?! class="unseen")[^>]*>(.*?)</h2>', made[key])
        assert len(headings) > 3
        assert [h for h in headings if plain(h) not in text] == []


def test_tables_that_do_not_fit_are_replaced_by_a_sentence(pdfs):
    assert "Вся таблица — в файле" in pdf_text(pdfs["rich", "ru"])[0]


def test_a_table_that_fits_stays_whole(made):
    page = made["poor", "ru"]
    assert "<details" in page
    assert "Таблица полностью" not in pdf_text(pages.to_pdf(page))[0]


def test_pdf_bytes_repeat(made):
    assert pages.to_pdf(made["empty", "en"]) == pages.to_pdf(made["empty", "en"])


def poppler(program, *arguments):
    if shutil.which(program) is None and not conftest.on_ci():
        pytest.skip(f"{program} is absent: tools/install_system.sh installs poppler-utils")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout


def test_pdf_is_tagged_titled_in_its_language_with_embedded_fonts(pdfs):
    path = pdfs["rich", "ru"]
    facts = poppler("pdfinfo", str(path))
    assert re.search(r"Tagged:\s+yes", facts) and "A4" in facts
    title = re.search(r"Title:\s+(.*)", facts)[1]
    assert "предварительные данные" in title and "ДЕМОНСТРАЦИОННЫЕ ДАННЫЕ" in title
    structure = poppler("pdfinfo", "-struct", str(path))
    for tag in ("H1", "H2", "Table", "TH", "Figure"):
        assert re.search(rf"^\s*{tag}\b", structure, re.MULTILINE), tag
    fonts = poppler("pdffonts", str(path)).splitlines()[2:]
    assert fonts and all(line.split()[-5] == "yes" for line in fonts)
    with pdfplumber.open(path) as document:
        assert document.doc.catalog["Lang"] in (b"ru", "ru")


def test_a_pdf_holds_nothing_that_the_page_does_not_carry(made, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("not for the report", encoding="utf-8")
    page = made["empty", "en"].replace("</main>", f'<a rel="attachment" href="{secret.as_uri()}">x</a></main>', 1)
    assert secret.as_uri() in page
    assert b"EmbeddedFile" not in pages.to_pdf(page)
