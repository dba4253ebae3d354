"""Index and differences: one row a region, sorted, links to files that exist, honest answers about noise."""

import csv
import io
import re
from dataclasses import replace

import example_results
import pandas as pd
import pytest

from helpers.presentation import diff, index
from helpers.presentation.diff_measures import KINDS
from helpers.presentation.results.estimates import Estimate, Headline
from helpers.presentation.results.parts import Standing
from helpers.presentation.results.regions import register
from helpers.tables import store

REGIONS = store.reference("regions")


def status(*rows, synthetic="False"):
    base = {
        "period": "2025-H1",
        "collection": "demo",
        "edition": "preliminary",
        "is_synthetic": synthetic,
        "pdf_sha256": "",
        "message_id": "",
    }
    return pd.DataFrame([{**base, **row} for row in rows])


def row(code, state="built", lang="ru", **more):
    return {
        "report_id": f"{code}.{lang}",
        "region_iso": code if code != "national" else "",
        "lang": lang,
        "status": state,
        **more,
    }


RESULTS = {
    "RU-CHE.ru": example_results.rich(),
    "RU-ORL.ru": example_results.poor(),
    "RU-VLA.ru": example_results.empty(),
}
STATUS = status(
    row("RU-VLA", "no_data"), row("RU-CHE", pdf_sha256="ab"), row("RU-CHE", lang="en"), row("RU-ORL"), row("RU-MOW", "failed"), row("national"),
)  # fmt: skip


def body_rows(html):
    return re.findall(r"<tr[^>]*><th scope=\"row\">(.*?)</th>(.*?)</tr>", html)


def test_one_row_per_region_sorted_by_district_and_name():
    html = index.page(STATUS, RESULTS, REGIONS, "ru", {"RU-CHE.ru": "2026-11-22"})
    names = [name for name, _ in body_rows(html)]
    assert names == ["Челябинская область", "Владимирская область", "Москва", "Орловская область"]
    assert html.count("<caption>") == 1 and "<script" not in html
    for anchor in re.findall(r'href="#([^"]+)"', html):
        assert f'id="{anchor}"' in html
    che = dict(body_rows(html))["Челябинская область"]
    assert ">61,3<" in che and ">57,9–64,7<" in che and ">18–47<" in che and "22\u00a0ноября\u00a02026\u00a0г." in che
    for href in ("RU-CHE.ru.html", "RU-CHE.ru.pdf", "RU-CHE.ru.ipynb", "tables/RU-CHE.ru/", "RU-CHE.en.html"):
        assert f'href="{href}"' in che
    moscow = dict(body_rows(html))["Москва"]
    assert "✗\u00a0ошибка" in moscow and "href" not in moscow and "н/д" in moscow
    assert "○\u00a0нет данных" in dict(body_rows(html))["Владимирская область"]
    assert (
        "высокая" in dict(body_rows(html))["Орловская область"] or "н/д" in dict(body_rows(html))["Орловская область"]
    )
    assert "✓ готов: 4" in html and "✗ ошибка: 1" in html and "○ нет данных: 1" in html
    assert 'href="national.ru.html"' in html and 'href="diff.html"' in html


def test_a_checked_report_is_called_so_for_its_present_content_only():
    same = {"checked": "passed", "content_key": "k", "checked_at_key": "k"}
    html = index.page(
        status(row("RU-CHE", **same), row("RU-MOW", **same | {"checked_at_key": "old"})), {}, REGIONS, "ru"
    )
    rows = dict(body_rows(html))
    assert "готов, проверен" in rows["Челябинская область"] and "проверен" not in rows["Москва"]
    assert ">Уральский<" in rows["Челябинская область"]


def test_english_index_and_banner():
    html = index.page(STATUS.assign(is_synthetic="True"), RESULTS, REGIONS, "en")
    assert 'lang="en"' in html and "DEMONSTRATION DATA" in html
    assert "Chelyabinsk Oblast" in html


def test_regions_without_district_come_last():
    html = index.page(status(row("UA-14"), row("RU-SAK")), {}, REGIONS, "ru")
    assert [name for name, _ in body_rows(html)] == ["Сахалинская область", "Донецкая Народная Республика"]
    assert "Федеральный округ не указан" in html


def test_hostile_names_are_literal():
    regions = REGIONS.copy()
    regions.loc[regions["iso_3166_2"] == "RU-CHE", "name_ru"] = '<script>x</script> "q" *a*'
    html = index.page(STATUS, RESULTS, regions, "ru")
    assert "<script>" not in html and "&lt;script&gt;x&lt;/script&gt;" in html and "*a*" in html


def test_empty_status_is_refused():
    with pytest.raises(ValueError, match="nothing was run"):
        index.page(STATUS.head(0), {}, REGIONS, "ru")


def at(result, value, low, high, period="2025-H1", change=None, change_from=""):
    estimate = Estimate(value, low, high, "percent", "sampling_95", 28, period)
    return replace(result, period=period, headline=Headline("H1", "x", estimate, change, change_from))


def test_differences_largest_first_with_answers():
    names = register(REGIONS)

    def rich(code):
        return example_results.rich("ru", names[code])

    stated = Estimate(9.0, 4.0, 14.0, "pp", "sampling_95")
    before = {
        "RU-CHE.ru": at(rich("RU-CHE"), 50.0, 48.0, 52.0, "2024-H1"),
        "RU-ORL.ru": at(rich("RU-ORL"), 50.0, 45.0, 55.0, "2024-H1"),
        "RU-VLA.ru": at(rich("RU-VLA"), 50.0, 48.0, 52.0, "2023"),
        "RU-TUL.ru": at(rich("RU-TUL"), 50.0, 48.0, 52.0, "2025-H1"),
        "RU-MOW.ru": at(rich("RU-MOW"), 50.0, 48.0, 52.0, "2025-H1"),
        "RU-KAM.ru": at(rich("RU-KAM"), 50.0, 48.0, 52.0, "2025-H1"),
    }
    now = {
        "RU-CHE.ru": at(rich("RU-CHE"), 59.0, 57.0, 61.0, change=stated, change_from="2024-H1"),
        "RU-ORL.ru": at(rich("RU-ORL"), 52.0, 47.0, 57.0, change=stated, change_from="2024-H1"),
        "RU-VLA.ru": at(rich("RU-VLA"), 70.0, 68.0, 72.0),
        "RU-TUL.ru": at(rich("RU-TUL"), 51.0, 49.0, 53.0),
        "RU-MOW.ru": at(rich("RU-MOW"), 50.0, 48.0, 52.0),
        "RU-SAK.ru": at(rich("RU-SAK"), 40.0, 38.0, 42.0),
    }
    found = [item for item in diff.changes(before, now) if item.measure.kind == "index"]
    assert [(item.report_id, item.beyond_noise) for item in found] == [
        ("RU-CHE.ru", "yes"),
        ("RU-ORL.ru", "no"),
        ("RU-TUL.ru", "cannot_say"),  # a revision within the interval: the two runs share their data
        ("RU-VLA.ru", "cannot_say"),  # a year against half a year: no difference is drawn
    ]
    assert found[-1].change is None and found[0].change.value == 9.0
    assert diff.appeared(before, now) == (("Сахалинская область",), ("Камчатский край",))
    html = diff.page(before, now, "ru")
    assert [name for name, _ in body_rows(html)][:2] == ["Челябинская область", "Орловская область"]
    assert "✓ да" in html and "? сказать нельзя" in html and "+9,0" in html and "<script" not in html
    assert "Появились: Сахалинская область." in html and "Исчезли: Камчатский край." in html
    rows = list(csv.DictReader(io.StringIO(diff.file(before, now, "ru").removeprefix("\ufeff"))))
    assert rows[0]["report_id"] == "RU-CHE.ru" and float(rows[0]["change"]) == 9.0 and rows[0]["beyond_noise"] == "yes"


def test_every_kind_of_number_is_compared():
    """A changed number of every block that a report states appears, with an answer that its interval allows."""
    first = replace(example_results.rich(), standing=Standing("2025-Q1", "medium", points(71.0), "x"))
    last = replace(
        first,
        standing=Standing("2025-Q2", "high", points(84.5), "x"),
        counts=replace(first.counts, shorter=first.counts.shorter + 3, optimised=first.counts.optimised + 2),
        rank=replace(first.rank, rank_low=10, rank_high=30, rows=first.rank.rows[:-1]),
        kpis=tuple(replace(k, value="x", estimate=replace(k.estimate, value=9.0)) if k.key in ("services", "days") else k for k in first.kpis),
        gaps=tuple(replace(g, difference=replace(g.difference, value=99.0, low=98.0, high=100.0)) for g in first.gaps),
        quality=replace(first.quality, rows=first.quality.rows[:0]),
        next_services=replace(first.next_services, rows=first.next_services.rows[1:]),
    )  # fmt: skip
    found = {item.measure.key: item for item in diff.changes({"a": first}, {"a": last})}
    assert {"rank", "group", "points", "shorter", "kpi services", "kpi days", "next", "values"} <= set(found)
    assert [key for key in found if key.startswith("gap ")]
    assert found["points"].change.value == 13.5 and found["points"].beyond_noise == "cannot_say"  # without an interval
    assert found["group"].before.text == "средняя" and found["group"].now.text == "высокая"
    kinds = [item.measure.kind for item in diff.changes({"a": first}, {"a": last})]
    assert kinds == sorted(kinds, key=list(KINDS).index)
    html = diff.page({"a": first}, {"a": last}, "ru")
    assert "+13,5\u00a0балла" in html and "Участников рейтинга было" in html
    assert html.count("<caption>") == len(set(kinds)) and len(re.findall(r'<h2 id="h-kind-\d+"', html)) == len(
        set(kinds)
    )


def points(value):
    return Estimate(value, unit="point")


def test_a_national_report_is_compared_by_its_tables():
    first = example_results.national()
    block = first.groups
    last = replace(first, groups=replace(block, totals=(*block.totals[:-1], replace(block.totals[-1], high=80))))
    found = diff.changes({"a": first}, {"a": last})
    assert [(item.measure.key, item.measure.kind) for item in found] == [("group high", "group")]


def test_a_long_table_is_cut_and_the_file_has_all():
    names = register(REGIONS)
    before = {f"{code}.ru": at(example_results.rich("ru", names[code]), 50.0, 48.0, 52.0) for code in names}
    now = {
        f"{code}.ru": at(example_results.rich("ru", names[code]), 50.0 + i / 7, 48.0, 52.0 + i)
        for i, code in enumerate(names, 1)
    }
    html = diff.page(before, now, "ru")
    assert len(body_rows(html)) == diff.MOST_ROWS and f"Ещё изменений: {len(names) - diff.MOST_ROWS}; все" in html
    assert len(diff.file(before, now, "ru").splitlines()) == len(names) + 1


def test_hostile_names_in_differences_are_literal():
    first = example_results.rich()
    region = replace(first.region, name="=1+1 <script>x</script>")
    last = replace(at(first, 70.0, 68.0, 72.0), region=region)
    html = diff.page({"a": first}, {"a": last}, "ru")
    assert "<script>" not in html and "&lt;script&gt;" in html
    assert "'=1+1 <script>" in diff.file({"a": first}, {"a": last}, "ru")


def test_first_issue_has_nothing_to_compare_with():
    html = diff.page({}, {"a": example_results.rich("en")}, "en")
    assert "no earlier issue" in html and "<table" not in html
    with pytest.raises(ValueError, match="language"):
        diff.page({}, {}, "ru")


def test_equal_runs_have_no_changes():
    same = {"RU-CHE.ru": example_results.rich(), "national.ru": example_results.national()}
    assert diff.changes(same, same) == ()
    assert "Изменения: 0" in diff.page(same, same, "ru")


def test_lost_rank_is_a_change():
    rich = example_results.rich()
    found = diff.changes({"a": rich}, {"a": replace(rich, rank=None)})
    change = next(item for item in found if item.measure.key == "rank")
    assert change.before.text == "18–47" and change.now is None and change.beyond_noise == "cannot_say"
