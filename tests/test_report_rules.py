"""Rules of a report that no single room owns: words over whole pages, hostile names in every product, sizes, colours."""

import csv
import io
import re
import zipfile
from dataclasses import fields, replace

import example_full
import example_notebooks
import example_results as examples
import pytest
import test_results
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.presentation import blocks, formats, pages, wording
from helpers.presentation.figures import alternatives as figures_alternatives
from helpers.presentation.results import Release
from helpers.presentation.results import issues as results_issues
from helpers.presentation.results import national as results_national
from helpers.presentation.results import regional as results_regional
from helpers.presentation.results.estimates import Estimate
from helpers.presentation.results.regions import register
from helpers.presentation.tables import out as tables_out
from helpers.presentation.wording import lint as wording_lint
from helpers.tables import store

demo, real = test_results.demo, test_results.real
REGIONS = register(store.reference("regions"))
LANGS = pytest.mark.parametrize("lang", ["ru", "en"])
HOSTILE = "<script>alert(\"1\")</script> 'q' *a* _b_ $x^2$ & \u202eabc =1+1"
CSS = (pages.TEMPLATES / "report" / "style.css").read_text(encoding="utf-8")


def export(result):
    return pages.Exporter(result.lang).export(example_notebooks.notebook(result))


def sections(page):
    """Block → its visible text, headings and alternative texts, without quotation."""
    body = re.sub(r"<style.*?</style>", "", page, flags=re.DOTALL)
    for name, inner in re.findall(r'<section id="([a-z_]+)".*?>(.*?)</section>', body, flags=re.DOTALL):
        alts = " ".join(re.findall(r'alt="([^"]*)"', inner))
        yield name, re.sub(r"<[^>]+>", " ", inner.replace("</", " </")) + " " + alts


@LANGS
def test_no_forbidden_word_on_a_whole_page(demo, real, lang):
    """Over the page as it is read, alternative texts included; names, quotations and titles of sources apart."""
    made = [
        results_regional.regional(demo, "RU-CHE", "2025-H1", lang, Release(collection="demo")),
        results_regional.regional(real, "RU-CHE", "2024-H1", lang, Release()),
        results_regional.regional(real, "RU-KAM", "2024-H1", lang, Release()),
        results_regional.regional(real, "RU-MAG", "2024-H1", lang, Release()),
        results_national.national(real, "2024-H1", lang, Release()),
    ]
    for result in made:
        names = test_results.names_of(result)
        shown = [name for item in names for name in (item, blocks.escape(item, lang), re.sub(r"<[^>]+>", " ", item))]
        for block, text in sections(export(result)):
            if block == "sources":
                continue
            best = block == "rank" and getattr(result.rank, "rank_high", 0) == 1
            place = "effect" if block in ("effect", "quality") else block  # quality lists what is not shown, by name
            assert not wording_lint.forbidden(text, lang, tuple(shown), place, bool(best)), (result.report_id, block)


def attack(result):
    """The result with hostile text in every name that comes from data."""
    region = replace(result.region, name=HOSTILE, name_en=HOSTILE, genitive=HOSTILE)
    services = replace(
        result.next_services, rows=tuple(replace(r, name=HOSTILE, agency=HOSTILE) for r in result.next_services.rows)
    )
    bodies = replace(result.agencies, rows=tuple(replace(r, name=HOSTILE) for r in result.agencies.rows))
    rows = tuple(replace(r, label=HOSTILE) if r.is_own else r for r in result.comparison.rows)
    return replace(
        result,
        region=region,
        title=f"x: {HOSTILE}",
        masthead=f"x · {HOSTILE}",
        description=HOSTILE,
        headline=replace(result.headline, sentence=f"{HOSTILE} 61,3"),
        next_services=services,
        agencies=bodies,
        comparison=replace(result.comparison, rows=rows, text=replace(result.comparison.text, alt=f"{HOSTILE} 61,3 " + "x" * 60, title=HOSTILE)),
        sources=(replace(result.sources[0], title=HOSTILE, publisher=HOSTILE, address="javascript:alert(1)"),),
        gaps=tuple(replace(g, name=HOSTILE) for g in result.gaps),
    )  # fmt: skip


@LANGS
def test_hostile_names_are_literal_in_every_product(lang):
    result = attack(examples.rich(lang))
    page = export(result)
    assert "<script" not in page and "javascript:alert" not in re.findall(r'href="([^"]*)"', page)
    assert page.count("&lt;script&gt;") >= 8 and "&lt;em&gt;" not in page and "<em>" not in page
    head = page[: page.index("<body")]
    assert "&lt;script&gt;" in head  # title and description
    assert all(HOSTILE[:8] not in text for text in re.findall(r'(?:alt|aria-label|content)="([^"]*)"', page))
    files = tables_out.files(result)
    for name, content in files.items():
        if name.endswith(".csv"):
            cells = [cell for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) for cell in row]
            assert not [cell for cell in cells if cell.startswith(("=", "@", "+", "\t"))], name
    book = zipfile.ZipFile(io.BytesIO(files[next(name for name in files if name.endswith("xlsx"))]))
    texts = "".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))
    assert "<f>" not in texts and "&lt;script&gt;" in texts and "<script" not in texts
    assert "script" in figures_alternatives.alt(result, "comparison")


@LANGS
def test_whole_pages_keep_their_sizes(lang):
    for result in (example_full.rich(lang), example_full.national(lang), examples.poor(lang), examples.empty(lang)):
        page = export(result)
        assert len(page.encode()) <= 400_000
        pictures = re.findall(r"data:image/png;base64,([^\"]+)", page)
        assert all(len(text) * 3 / 4 <= 40_000 for text in pictures) and sum(map(len, pictures)) * 3 / 4 <= 200_000
        assert "<script" not in page and not re.findall(r'(?:src|href)="https?://[^"]*"(?![^<]*</a>)', page)
    assert len(CSS.replace("\n", "").encode()) <= 6000


@LANGS
def test_two_builds_are_byte_identical(demo, lang):
    made = [
        results_regional.regional(demo, "RU-CHE", "2025-H1", lang, Release(collection="demo", made_date="2026-11-25"))
        for _ in range(2)
    ]
    assert export(made[0]) == export(made[1])
    assert tables_out.files(made[0]) == tables_out.files(made[1])


def schemes():
    light = dict(re.findall(r"--(\w+):(#\w+)", CSS[: CSS.index("@media")]))
    dark = dict(re.findall(r"--(\w+):(#\w+)", CSS[CSS.index("prefers-color-scheme:dark") :][:200]))
    printed = dict(re.findall(r"--(\w+):(#\w+)", CSS[CSS.index("@media print") :][:300]))
    return {"light": light, "dark": dark, "print": printed}


def luminance(colour):
    code = colour.lstrip("#")
    code = "".join(c * 2 for c in code) if len(code) == 3 else code
    parts = [int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first, second):
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_colours_of_the_page_have_contrast(scheme):
    colours = schemes()[scheme]
    for ground in ("bg", "wash"):
        for ink in ("ink", "muted", "link"):
            assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
        assert contrast(colours["mark"], colours[ground]) >= 3


def test_no_text_of_the_printed_page_is_under_nine_points():
    printed = CSS[CSS.index("@media print") :]
    sizes = [float(size) for size in re.findall(r"font-size:([\d.]+)pt", printed)]
    assert min(sizes) >= 9 and not re.search(r"font-size:[\d.]+(?:px|em|rem|%)", printed)
    screen = [float(size) for size in re.findall(r"font-size:([\d.]+)px", CSS[: CSS.index("@media print")])]
    assert min(screen) >= 14


@LANGS
def test_abbreviations_are_written_out_where_they_stand_first(demo, real, lang):
    short = wording.pick(wording.ABBREVIATION[0], lang)
    full = wording.pick(wording.ABBREVIATION[1], lang)
    seen = 0
    for tables, period, release in ((demo, "2025-H1", Release(collection="demo")), (real, "2024-H1", Release())):
        for code in ("RU-CHE", "RU-ORL", "RU-MOS", "RU-SAM"):
            result = results_regional.regional(tables, code, period, lang, release)
            first = next((text for text in (*result.lead, *result.main_points) if short in text), "")
            assert full in first or not first
            seen += bool(first)
            assert sum(full in text for text in (*result.lead, *result.main_points)) <= 1
            assert any(short in line for line in result.method) and len(result.method) <= 10
    assert seen
    national = results_national.national(real, "2024-H1", lang, Release())
    assert full in " ".join(national.main_points)


NUMBERS = st.sampled_from([0.0, 1.0, 2.0, 5.0, 11.0, 21.0, 101.0, 1.5, -0.04, 99.95, 100.0])
KINDS = st.sampled_from(["sampling_95", "rounding", "method", "none"])


@st.composite
def estimates(draw, unit="percent"):
    value, spread = draw(NUMBERS), draw(st.sampled_from([0.04, 0.5, 3.0, 40.0]))
    kind = draw(KINDS)
    bounds = (None, None) if kind == "none" else (value - spread, value + spread)
    return Estimate(value, *bounds, unit, kind)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(REGIONS)),
    st.sampled_from(["ru", "en"]),
    estimates(),
    estimates("point"),
    estimates("working_day"),
)
def test_no_broken_sentence_over_all_regions_and_extremes(code, lang, index, points, gain):
    """Sentences that the templates alone do not cover, over 89 regions and extreme numbers."""
    region = REGIONS[code]
    texts = [
        wording.mfc_standing("2025-Q2", "high", points, lang),
        wording.mfc_standing("2025-Q2", "", points, lang),
        wording.gain_point("Справка", gain, lang),
        wording.gain_point("Справка", gain, lang, is_largest=False),
        wording.last_value(replace(index, period="2023"), lang),
        *wording.index_sentence(wording.region_of(region, lang), index, lang)[1:],
        wording.gap_point(wording.region_name(region, lang), replace(index, unit="pp"), lang),
    ]
    for text in texts:
        assert not wording_lint.broken(text, ("Справка",)), text
        assert formats.missing(lang) not in text


@pytest.mark.parametrize("value", [None, 0.0, 2.0, 21.0, 99.95, 100.0])
@LANGS
def test_sentences_on_the_issue_before_are_whole(demo, lang, value):
    """Every combination of what was known then and what is known now."""
    import pandas as pd

    result = results_regional.regional(demo, "RU-CHE", "2025-H1", lang, Release(collection="demo"))
    row = results_issues.remembered([result]).assign(period="2024-H1", index=float("nan") if value is None else value)
    for version in ("x", result.colophon.data_version):
        table = store.validate("earlier_issue", pd.DataFrame(row.assign(data_version=version)))
        made = results_regional.regional(
            dict(demo, earlier_issue=table), "RU-CHE", "2025-H1", lang, Release(collection="demo")
        )
        for text in made.quality.sentences:
            assert not wording_lint.broken(text), text


def test_every_block_of_the_result_has_words_on_the_page():
    """A field of the result that no block shows would be forgotten silently."""
    notebooks = {
        name: example_notebooks.notebook(make("ru"))
        for name, make in (("05", examples.rich), ("06", examples.national))
    }
    shown = {pages.block_of(cell) for node in notebooks.values() for cell in node.cells if cell.cell_type == "code"}
    assert shown - {""} <= set(blocks.WORDS)
    named = {field.name for field in fields(examples.rich("ru")) if field.name in blocks.WORDS}
    own = {pages.block_of(cell) for cell in notebooks["05"].cells if cell.cell_type == "code"}
    assert named == own - {""}
