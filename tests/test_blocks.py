"""What a reader meets in the blocks: values beside their labels, names instead of keys, reasons that are true."""

import re
from dataclasses import replace

import example_results as examples
import pytest
import test_results

from helpers.presentation import blocks, points, wording
from helpers.presentation.figures import alternatives as figures_alternatives
from helpers.presentation.figures import rows as figures_rows
from helpers.presentation.results import Release
from helpers.presentation.results import national as results_national
from helpers.presentation.results import regional as results_regional
from helpers.presentation.results import services as results_services
from helpers.presentation.results.estimates import Estimate
from helpers.presentation.results.parts import NextServices
from helpers.presentation.tables import facts as tables_facts
from helpers.presentation.tables import more as tables_more
from helpers.presentation.wording import lint as wording_lint
from helpers.tables import store

demo, real = test_results.demo, test_results.real
DEMO, REAL = Release(collection="demo"), Release(collection="real")
LANGS = pytest.mark.parametrize("lang", ["ru", "en"])


def plain(html):
    return re.sub(r"<[^>]+>", " ", html).replace("\xa0", " ")


def own(tables, lang="ru", region="RU-CHE", period="2025-H1"):
    return results_regional.regional(tables, region, period, lang, DEMO)


@LANGS
def test_no_key_of_a_source_or_claim_is_shown(real, lang):
    """Keys stay in the files: SEED0 and c21 mean nothing to a reader."""
    for result in (
        results_national.national(real, "2024-H1", lang, REAL),
        results_regional.regional(real, "RU-CHE", "2024-H1", lang, REAL),
        results_regional.regional(real, "RU-KAM", "2024-H1", lang, REAL),
    ):
        shown = " ".join(
            plain(blocks.block_html(result, name)) for name in ("published", "quality", "sources", "groups")
        )
        keys = set(store.reference("publications")["source_id"])
        assert not [key for key in keys if key in shown]
        assert not re.search(r"\bc\d\d\b", shown)
        assert {row[3] for table in tables_facts.published(result) for row in table.rows} <= keys  # the files keep them


@LANGS
def test_the_value_stands_beside_its_label(real, lang):
    result = results_regional.regional(real, "RU-CHE", "2024-H1", lang, REAL)
    region, country = tables_facts.published(result)
    assert region.head[1] == country.head[1] == ("Значение" if lang == "ru" else "Value")
    assert (
        "Чей" not in region.head and "Of what" not in region.head and len(country.head) == 5
    )  # one region: said above
    assert all(len(row) == len(region.head) for row in region.cells)
    national = results_national.national(real, "2024-H1", lang, REAL)
    federal = tables_facts.published(national)[0]  # one figure of many bodies: whose it is comes first
    assert federal.head[1:3] == (("Чей", "Значение") if lang == "ru" else ("Of what", "Value"))
    assert federal.cells[0][2].endswith("%")


def test_columns_without_any_value_are_left_out():
    result = examples.rich()
    bare = [replace(item, current=None, required_pace=None, observed=None) for item in result.targets]
    table = tables_facts.targets(replace(result, targets=tuple(bare)))
    assert table.head == ("Цель", "Год", "Целевое значение", "Вывод") and table.numeric == (1, 2)
    assert len(table.columns) > 20  # the file has all
    assert len(tables_facts.targets(result).head) > 4


def test_one_checksum_for_all_sources_is_said_once(real):
    result = results_regional.regional(real, "RU-CHE", "2024-H1", "ru", REAL)
    two = tuple(replace(source, checksum="0123456789ab") for source in result.sources)
    html = blocks.sources(replace(result, sources=two))
    assert html.count("0123456789ab") == 1 and "Контрольная сумма файла" in html
    many = (*two[:-1], replace(two[-1], checksum="ffffffffffff"))
    assert blocks.sources(replace(result, sources=many)).count("0123456789ab") == len(two) - 1


def test_english_titles_are_marked_in_the_russian_page():
    assert blocks.escape("Rosreestr, FTS and others (перевод)", "ru").startswith('<span lang="en">Rosreestr, FTS and')
    assert "<span" not in blocks.escape("MIL-OSI, декабрь 2023; docs/methods.md", "ru")
    assert blocks.escape("<b>drop all tables</b>", "ru") == '&lt;b&gt;<span lang="en">drop all tables</span>&lt;/b&gt;'


@LANGS
def test_alternative_texts_are_in_one_language(demo, lang):
    """An attribute cannot mark a part of it: an English text has no Russian names."""
    result = own(demo, lang)
    for chart in ("comparison", "trend", "effect", "rank", "tiles", "agencies", "groups"):
        text = figures_alternatives.alt(result, chart)
        assert lang == "ru" or not re.search(r"[А-Яа-яЁё]", text), (chart, text)
        assert 60 <= len(text) <= 400 and re.search(r"\d", text)


def test_a_key_figure_does_not_break_inside_a_range(demo):
    html = blocks.kpis(own(demo))
    assert re.search(r'<span class="r">[\d,]+–[\d,]+</span>', html)


@LANGS
def test_a_computed_value_has_the_decimals_of_its_unit(lang):
    assert figures_rows.value_text(Estimate(55.1578, unit="percent"), lang) == ("55,2" if lang == "ru" else "55.2")
    printed = Estimate(64.54, 64.535, 64.545, "percent", "rounding")
    assert figures_rows.value_text(printed, lang) == ("64,54" if lang == "ru" else "64.54")
    assert figures_rows.value_text(Estimate(12, unit="service"), lang) == "12"


@LANGS
def test_why_there_is_no_estimate_of_optimisation(demo, lang):
    """The reason is what the study says, never that there are no data when there are."""
    none = dict(demo, effects=demo["effects"].head(0), event_study=demo["event_study"].head(0))
    check = demo["diagnostics"].iloc[:1]
    for start, words in (
        (
            "no treated service-month: nothing was optimised",
            ("ни одна услуга не оптимизирована", "no service was optimised"),
        ),
        ("every service is treated in all its months", ("с первого месяца", "from the first month")),
        ("no controls: in every treated month", ("в одно время", "at one time")),
        ("a single region (cluster)", ("об одном регионе", "a single region")),
    ):
        table = check.assign(reading=f"Not estimated: {start}.", passed=False)
        for result in (
            own(dict(none, diagnostics=table), lang),
            results_national.national(dict(none, diagnostics=table), "2025-H1", lang, DEMO),
        ):
            assert words[lang == "en"] in result.absence("effect"), start
    other = own(dict(none, diagnostics=check.assign(reading="Not estimated: x.")), lang)
    assert ("не с чем сравнить" if lang == "ru" else "nothing to compare") in other.absence("effect")
    nothing = dict(none, diagnostics=check.head(0), service_panel=demo["service_panel"].head(0))
    assert ("помесячных данных" if lang == "ru" else "no monthly data") in own(nothing, lang).absence("effect")


def test_bodies_are_set_against_the_district_beyond_noise_only(demo):
    result = own(demo)
    bodies = [gap for gap in result.gaps if gap.kind == "body"]
    assert bodies and all(gap.difference.excludes_zero for gap in bodies)
    district = next(row.estimate.value for row in result.comparison.rows if row.kind == "district")
    values = {body.name: body.estimate.value for body in result.agencies.rows if body.estimate is not None}
    assert [gap.difference.value for gap in bodies] == pytest.approx([values[gap.name] - district for gap in bodies])
    table = tables_more.gaps(result)
    assert {row[1] for row in table.rows} == {"process", "body"} and table.head[0] == "Процесс или орган власти"
    hidden = {body.name for body in result.agencies.rows if body.is_suppressed}
    assert not hidden & {gap.name for gap in bodies}


@LANGS
def test_the_first_sure_gain_is_a_main_point(lang):
    result = examples.rich(lang)
    row = result.next_services.rows[0]
    unsure = replace(row, name="X", gain=Estimate(100.0, -5.0, 205.0, "day", "sampling_95"))
    sure = replace(row, name="Y", gain=Estimate(50.0, 20.0, 80.0, "day", "sampling_95"))

    def said(*rows):
        return points.largest_gain(replace(result, next_services=NextServices(rows, "", result.next_services.text)))

    assert said(unsure) == "" and "X" not in said(unsure, sure) and "Y" in said(unsure, sure)
    assert ("Среди услуг с надёжным выигрышем" if lang == "ru" else "with a gain beyond noise") in said(unsure, sure)
    assert ("Наибольший ожидаемый выигрыш" if lang == "ru" else "The largest expected gain") in said(sure, unsure)


@LANGS
def test_two_comparisons_that_cannot_be_told_share_a_sentence(lang):
    level, country = (
        Estimate(58.6, 57.5, 59.8, "percent", "sampling_95"),
        Estimate(58.0, 57.0, 59.0, "percent", "sampling_95"),
    )
    near, far = Estimate(0.5, -4.4, 5.4, "pp", "sampling_95"), Estimate(6.0, 2.0, 9.0, "pp", "sampling_95")
    text = wording.compared_with_both(level, near, country, near, lang, 3.0)
    assert wording_lint.words(text) <= 25 and not wording_lint.broken(text)
    assert ("58,6" in text and "58,0" in text) if lang == "ru" else ("58.6" in text and "58.0" in text)
    assert wording.compared_with_both(level, far, country, near, lang, 3.0) == ""
    assert (
        wording.compared_with_both(level, near, country, Estimate(0.1, -1.0, 1.2, "pp", "sampling_95"), lang, 3.0) == ""
    )


@LANGS
def test_nothing_to_compare_is_not_called_no_change(real, lang):
    result = results_regional.regional(real, "RU-CHE", "2024-H1", lang, REAL)
    assert result.main_points == ()
    text = blocks.main_points(result)
    assert ("не с чем" if lang == "ru" else "nothing to set the value against") in text
    change = replace(result, headline=replace(result.headline, change=Estimate(0.1, -1.0, 1.2, "pp", "sampling_95")))
    assert ("выходящих за границы точности, нет" if lang == "ru" else "No change or difference") in blocks.main_points(
        change
    )


@LANGS
def test_no_indicator_code_is_shown_untranslated(demo, lang):
    """Criteria of the MFC rating, questions and marks have names in both languages."""
    table = demo["observations"]
    row = table[(table["region_iso"] == "RU-CHE") & (table["rating"] == "c_mfc")].iloc[:1]
    codes = (
        "access",
        "client",
        "digital",
        "quality",
        "support",
        "total",
        "process 1 question 2: points",
        "politeness mark 5",
    )
    rows = [
        row.assign(indicator=code, observation_id=f"x{i}", value=8.6, category="", unit="points")
        for i, code in enumerate(codes)
    ]
    for i, code in enumerate(codes[:6]):
        shown = results_services.term(results_services.INDICATORS, code, lang)
        assert shown != code and rows[i] is not None, code
        assert re.search(r"[А-Яа-я]", shown) if lang == "ru" else not re.search(r"[А-Яа-я]", shown)


@LANGS
def test_chart_titles_are_findings_that_name_another_period(real, demo, lang):
    title = results_regional.regional(real, "RU-CHE", "2024-H1", lang, REAL).comparison.text.title
    assert title.startswith("За 2023" if lang == "ru" else "For 2023")
    title = own(demo, lang).comparison.text.title
    assert ("Россия" in title or "по России" in title) if lang == "ru" else "Russia" in title
    bound = results_regional.regional(real, "RU-CHE", "2024-H1", lang, REAL).agencies.text.title
    assert ("более" if lang == "ru" else "more than") in bound and "6" in bound
    national = results_national.national(real, "2024-H1", lang, REAL)
    assert re.search(r"71.* 74[,.]6", national.comparison.text.title)
    assert ("из 89" if lang == "ru" else "of 89") in national.headline.sentence


def test_a_region_says_where_it_stands_in_the_mfc_rating(real):
    result = results_regional.regional(real, "RU-MOS", "2024-H1", "ru", REAL)
    assert result.standing.period == "2023-Q3" and result.standing.group == "high"
    assert blocks.groups(result).index(result.standing.sentence) >= 0
    points_only = results_regional.regional(real, "RU-VOR", "2017", "ru", REAL).standing
    assert points_only is not None and points_only.sentence.startswith(("Группа", "Баллы"))
