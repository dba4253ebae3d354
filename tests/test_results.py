"""Results from contract tables: an invented world and the published figures; every sentence linted, both languages."""

import dataclasses
import json

import example_results
import pandas as pd
import pytest
import world_tables

from helpers.presentation import blocks, points
from helpers.presentation.results import NationalResult, RegionalResult, Release, from_dict, from_json, to_dict, to_json
from helpers.presentation.results import context as results_context
from helpers.presentation.results import facts as results_facts
from helpers.presentation.results import national as results_national
from helpers.presentation.results import places as results_places
from helpers.presentation.results import regional as results_regional
from helpers.presentation.results import values as results_values
from helpers.presentation.results.estimates import Estimate
from helpers.presentation.results.parts import Gap
from helpers.presentation.wording import lint as wording_lint
from helpers.tables import store

DEMO = Release(collection="demo")
REAL = Release(collection="real")


@pytest.fixture(scope="module")
def demo():
    return world_tables.tables()


@pytest.fixture(scope="module")
def real():
    """Tables of the published figures, made from the registered file as the cleaning does it."""
    from helpers.intake import published

    path = world_tables.facts_file()
    observations = published.observations(
        published.read(path),
        store.reference("published_indicators"),
        store.reference("published_units"),
        "published/published_facts.csv",
    )
    found = {"observations": store.conform("observations", observations)}
    for name in ("regions", "series_breaks", "tile_classes", "targets", "claims"):
        found[f"reference_{name}"] = store.reference(name)
    found["claims"] = world_tables.frame(
        "claims",
        [
            {
                "claim_id": "c21",
                "source_id": "SEED2",
                "claim_text": "x",
                "relation": "sum_equals",
                "fact_ids": "F047 F048 F049",
                "strength": "never",
                "verdict": "inconsistent",
                "why": "74",
            }
        ],
    )
    return found


def sentences(item, block=""):
    """(block, text) of every finished text of a result; codes, file names and addresses are left out."""
    if isinstance(item, str):
        yield block, item
    elif dataclasses.is_dataclass(item):
        skipped = {"code", "key", "source_id", "fact_id", "claim_id", "unit", "interval_kind", "period", "collection", "lang", "edition", "kind", "outcome", "estimator", "series", "checksum", "address",
                   "notebook", "data_version", "service_id", "verdict", "target_id", "group_from", "group_to", "period_from", "period_to", "period_before", "period_after", "change_from", "sentence_id",
                   "data_class", "tier", "reading", "pace_unit", "block", "check", "number", "indicators", "sources"}  # fmt: skip
        for field in dataclasses.fields(item):
            if field.name not in skipped:
                inside = block or field.name
                yield from sentences(getattr(item, field.name), inside)
    elif isinstance(item, tuple | list):
        for part in item:
            yield from sentences(part, block)


def names_of(result):
    found = [world_tables.HOSTILE]
    if result.next_services:
        found += [n for s in result.next_services.rows for n in (s.name, s.agency)]
    if isinstance(result, RegionalResult) and result.agencies:
        found += [a.name for a in result.agencies.rows]
    return tuple(found)


def check_texts(result):
    names = names_of(result)
    for block, text in sentences(result):
        if not text or text in names:
            continue
        assert not wording_lint.broken(text, names), (block, text, wording_lint.broken(text, names))
        best = block == "rank" and isinstance(result, RegionalResult) and result.rank and result.rank.rank_high == 1
        place = "effect" if block in ("effect", "absent") else block
        found = wording_lint.forbidden(text, result.lang, names, place, bool(best))
        assert not found, (block, text, found)


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_every_text_of_the_invented_world(demo, lang):
    for code in ("RU-CHE", "RU-KGN", "RU-TYU", "RU-VLA", "RU-BA", "UA-43", "UA-14"):
        result = results_regional.regional(demo, code, "2025-H1", lang, DEMO)
        check_texts(result)
        assert from_json(to_json(result)) == result
    national = results_national.national(demo, "2025-H1", lang, DEMO)
    check_texts(national)
    assert from_json(to_json(national)) == national


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["ru", "en"])
def test_every_text_of_all_regions_with_published_figures(real, lang):
    kinds = {}
    codes = list(store.reference("regions")["iso_3166_2"])
    shorter = [*codes[::5], "RU-CHE", "RU-KAM", "RU-VLA"]  # English repeats the same code paths
    for code in codes if lang == "ru" else shorter:
        result = results_regional.regional(real, code, "2024-H1", lang, REAL)
        check_texts(result)
        kinds[code] = result.data_class
        assert len(result.kpis) == 4
        assert len(result.lead) <= 3 and len(result.main_points) <= 6
        for text in (result.headline.sentence, *result.lead, *result.main_points):
            assert wording_lint.words(text) <= 25, text
    assert kinds["RU-CHE"] == "rich" and kinds["RU-KAM"] == "poor" and kinds["RU-VLA"] == "empty"
    check_texts(results_national.national(real, "2024-H1", lang, REAL))


def test_demo_region_holds_every_block(demo):
    result = results_regional.regional(demo, "RU-CHE", "2025-H1", "ru", DEMO)
    for block in (
        "comparison",
        "trend",
        "effect",
        "next_services",
        "rank",
        "tiles",
        "agencies",
        "groups",
        "targets",
        "counts",
        "gaps",
    ):
        assert getattr(result, block), block
    assert result.absent == ()
    assert result.banner == "ДЕМОНСТРАЦИОННЫЕ ДАННЫЕ" and result.is_synthetic and result.title.startswith(result.banner)
    assert result.headline.sentence_id == "H1"
    assert result.headline.estimate == Estimate(62.0, 58.8, 65.2, "percent", "sampling_95", 20, "2025-H1")
    assert [k.key for k in result.kpis] == ["index", "rank", "services", "days"]
    assert result.rank.rank == 1 and result.rank.sentence_id == "R1"
    assert len(result.next_services.rows) == 10
    assert (
        result.agencies.rows[-1].is_suppressed
        and "3" in result.agencies.rows[-1].note
        and result.agencies.rows[-1].estimate is None
    )
    assert result.counts.n == 24 and result.counts.optimised == 10
    assert result.counts.shorter == 10 and result.counts.longer == 9
    assert result.kpis[3].estimate.value == pytest.approx(11.5)  # median of 7…16
    assert [gap.name for gap in result.gaps if gap.kind == "process"] == ["Информирование", "Отчётность"]
    assert [gap.kind for gap in result.gaps].count("body") == 1  # against the mean of the district, beyond noise only
    assert {tile.class_number for tile in result.tiles.tiles} == {None, 0, 1, 2, 3}
    assert sum(item.count for item in result.tiles.classes) == 12
    assert result.quality.contradictions and result.quality.reject_reasons


def test_effect_is_read_from_diagnostics(demo):
    result = results_regional.regional(demo, "RU-CHE", "2025-H1", "ru", DEMO)
    first, documents, visits = result.effect.results
    assert (first.sentence_id, documents.sentence_id, visits.sentence_id) == ("E1", "E2", "E3")
    assert first.estimate.unit == "percent_change" and first.estimate.value == pytest.approx(-18.127, abs=0.001)
    assert "перемножаются" in first.naive_sentence
    assert result.effect.regional is not None and result.effect.regional_sentence in result.main_points
    suppressed = results_regional.regional(demo, "RU-KGN", "2025-H1", "ru", DEMO)
    assert suppressed.effect.regional is None and "мало услуг (3)" in suppressed.effect.regional_sentence
    assert suppressed.effect.regional_sentence not in suppressed.main_points
    failed = dict(demo, diagnostics=demo["diagnostics"].assign(passed=False))
    assert results_regional.regional(failed, "RU-CHE", "2025-H1", "ru", DEMO).effect.results[0].sentence_id == "E2"


def test_wide_rank_interval_hides_the_place(demo):
    wide = dict(demo, ranks=demo["ranks"].assign(rank_ci_low=1.0, rank_ci_high=12.0))
    result = results_regional.regional(wide, "RU-CHE", "2025-H1", "ru", DEMO)
    assert result.rank.sentence_id == "R3" and not result.rank.is_shown_first
    assert result.kpis[1].value == "не определено" and result.kpis[1].estimate is None
    assert not any("место" in text.lower() for text in (result.headline.sentence, *result.lead, *result.main_points))


def test_method_bounds_are_used_without_a_confidence_set(demo):
    nan = float("nan")
    only = demo["ranks"].assign(rank_ci_low=nan, rank_ci_high=nan, interval_kind="method")
    result = results_regional.regional(dict(demo, ranks=only), "RU-CHE", "2025-H1", "en", DEMO)
    assert result.rank.sentence_id == "R2" and result.rank.interval_kind == "method"
    assert "95" not in result.rank.sentences[0]


def test_chelyabinsk_from_published_figures(real):
    result = results_regional.regional(real, "RU-CHE", "2024-H1", "ru", REAL)
    assert result.headline.estimate == Estimate(64.54, 64.535, 64.545, "percent", "rounding", None, "2024-H1")
    assert result.headline.change is None and result.headline.change_from == "2023"
    assert result.headline.stage == "продвинутый"
    assert "95" not in result.headline.sentence
    assert [p.segment for p in result.trend.points] == [0, 1] and len(result.trend.breaks) == 1
    assert len(result.agencies.rows) == 6
    assert {row.estimate.value for row in result.comparison.rows} == {47.0, 57.0}
    facts = {f.label: f.value for s in result.published for f in s.facts if f.entity == "Челябинская область"}
    assert facts["Проверено услуг"] == "более\u00a0100" and facts["Место в федеральном округе"].startswith("2")
    assert result.effect is None and result.absence("effect")
    assert not any("рост" in text or "вырос" in text for text in result.main_points)


def test_kamchatka_is_described_not_explained(real):
    result = results_regional.regional(real, "RU-KAM", "2024-H1", "ru", REAL)
    text = " ".join(result.lead)
    for part in ("85", "39", "34", "−24", "−27", "−47", "Это описание"):
        assert part in text or part in " ".join(s for sec in result.published for s in sec.sentences), part
    assert result.effect is None
    assert result.kpis[2].value == "39" and result.kpis[3].value == "−24\u00a0%"


def test_empty_region_shows_the_country(real):
    result = results_regional.regional(real, "RU-VLA", "2024-H1", "ru", REAL)
    assert result.headline.sentence_id == "H4" and result.headline.estimate is None
    assert result.kpis[0].value == "49,5\u00a0%" and result.kpis[0].label.startswith("Россия")
    assert [s.key for s in result.published] == ["country"]
    assert result.main_points == () and result.lead == ()
    html = blocks.block_html(result, "quality")
    assert all(item.sentence in html for item in result.absent)
    assert blocks.block_html(result, "trend") == "" and blocks.main_points(result) == ""


def test_national_from_published_figures(real):
    result = results_national.national(real, "2024-H1", "ru", REAL)
    values = {(f.label, f.entity, f.period): f for s in result.published for f in s.facts}
    assert [s.key for s in result.published][:3] == ["federal_index", "road_maps", "life_situations"]
    assert values[("Индекс клиентоцентричности", "Росреестр", "2023")].value == "74,6\u00a0%"
    assert "около" in values[("Контрольных точек дорожных карт", "Все федеральные органы", "2023")].value
    assert values[("Срок услуги", "Все федеральные органы", "2023")].value == "примерно с\u00a04 до\u00a02\u00a0дней"
    marked = values[("Регионов в высокой группе", "Рейтинг МФЦ Минэкономразвития", "2023-Q1")]
    assert marked.value == "47 из 85" and marked.mark == "не сходится"
    first = next(item for item in result.groups.totals if item.period == "2023-Q1")
    assert (first.high, first.medium, first.low, first.base) == (47, 22, 5, 85) and first.mark
    assert any("= 74, а в рейтинге 85" in text for text in result.groups.sentences)
    assert {m.code for m in result.groups.movers} == {"RU-ORL", "RU-IN"}
    assert [row.estimate.value for row in result.comparison.rows] == [74.6, 73.5, 72.0, 71.0, 49.5]
    assert any(s.key == "region_ru-kam" for s in result.published)


def test_national_of_the_invented_world(demo):
    result = results_national.national(demo, "2025-H1", "en", DEMO)
    assert isinstance(result, NationalResult) and result.headline.sentence_id == "H1"
    assert {row.kind for row in result.comparison.rows} == {"district", "country"}
    assert result.published == () and result.rank.rank is None and len(result.rank.rows) == 12
    assert result.groups.totals[0].base == 12


def test_unknown_inputs_are_refused(demo):
    with pytest.raises(ValueError, match="register"):
        results_regional.regional(demo, "RU-XXX", "2025-H1", "ru", DEMO)
    with pytest.raises(ValueError, match="lang"):
        results_regional.regional(demo, "RU-CHE", "2025-H1", "de", DEMO)
    with pytest.raises(ValueError, match="period"):
        results_regional.regional(demo, "RU-CHE", "last year", "ru", DEMO)


def test_json_refuses_what_it_does_not_know():
    result = example_results.rich()
    data = to_dict(result)
    assert from_dict(json.loads(json.dumps(data, sort_keys=True))) == result
    with pytest.raises(ValueError, match="schema"):
        from_dict(dict(data, schema_version=99))
    with pytest.raises(ValueError, match="interval_kind"):
        Estimate(1.0, interval_kind="95")
    with pytest.raises(ValueError, match="JSON"):
        to_json(dataclasses.replace(result, country_difference=Estimate(float("nan"))))


@pytest.mark.parametrize("build", example_results.ALL.values())
def test_examples_survive_json(build):
    for lang in ("ru", "en"):
        result = build(lang)
        assert from_json(to_json(result)) == result and result.report_id.endswith(lang)


def test_rules_fire_in_order_and_never_pad():
    rich, poor, empty = example_results.rich(), example_results.poor(), example_results.empty()
    found = points.main_points(rich)
    assert 3 <= len(found) <= 6
    assert found[0] == points.change_beyond_noise(rich) and found[1] == points.difference_from_country(rich)
    assert points.main_points(poor) == (poor.movement,)
    assert points.main_points(empty) == ()
    noisy = dataclasses.replace(
        rich, headline=dataclasses.replace(rich.headline, change=Estimate(2.4, -0.3, 4.5, "pp", "sampling_95"))
    )
    assert points.change_beyond_noise(noisy) == ""
    weak = dataclasses.replace(rich, country_difference=Estimate(1.0, -1.0, 3.0, "pp", "sampling_95"))
    assert points.difference_from_country(weak) == ""
    low = Gap("Б", "process", Estimate(-4.0, -6.0, -2.0, "pp", "sampling_95"), "низ")
    both = dataclasses.replace(rich, gaps=(*rich.gaps, low))
    assert points.smallest_gap(both) == "низ" and points.largest_gap(both) == rich.gaps[0].sentence
    behind = dataclasses.replace(rich, targets=(dataclasses.replace(rich.targets[0], verdict="behind"),))
    assert points.target(rich) == "" and points.target(behind)
    assert points.largest_gain(rich) and points.largest_gain(poor) == ""


def test_difference_of_estimates():
    a = Estimate(60.0, 57.0, 63.0, "percent", "sampling_95")
    b = Estimate(55.0, 51.0, 59.0, "percent", "sampling_95")
    gap = results_values.difference(a, b)
    assert (gap.value, gap.low, gap.high) == (5.0, 0.0, 10.0) and gap.interval_kind == "sampling_95"
    printed = Estimate(47.0, 46.5, 47.5, "percent", "rounding")
    gap = results_values.difference(Estimate(57.0, 56.5, 57.5, "percent", "rounding"), printed)
    assert (gap.low, gap.high, gap.interval_kind) == (9.0, 11.0, "rounding")
    assert results_values.difference(a, printed).interval_kind == "method"
    assert results_values.difference(a, None) is None
    assert not results_values.difference(a, Estimate(3.0)).has_interval


def test_log_points_become_per_cent():
    e = results_values.effect_estimate(-0.2, -0.3, -0.1, "log_point", 37, "2025-H1")
    assert (round(e.value, 3), round(e.low, 3), round(e.high, 3)) == (-18.127, -25.918, -9.516)
    assert results_values.from_error(1.0, None, "day", 3, "").interval_kind == "none"
    assert results_values.from_error(1.0, 0.5, "day", 3, "").low == pytest.approx(0.02002, abs=1e-5)


def test_a_value_on_a_cut_belongs_to_the_upper_class():
    cuts = [40.0, 50.0, 60.0, 70.0]
    assert [results_places.class_of(v, cuts) for v in (39.9, 40.0, 50.0, 60.0, 69.99, 70.0)] == [0, 1, 2, 3, 3, 4]


def test_shuffled_rows_give_the_same_result(demo):
    mixed = {
        name: frame.sample(frac=1, random_state=3) if not name.startswith("reference") else frame
        for name, frame in demo.items()
    }
    first = results_regional.regional(demo, "RU-CHE", "2025-H1", "ru", DEMO)
    second = results_regional.regional(mixed, "RU-CHE", "2025-H1", "ru", DEMO)
    same = dataclasses.replace(second, colophon=first.colophon)  # the data version hashes the table as stored
    assert same == first


def test_printed_values_keep_their_words(real):
    rows = real["observations"].set_index("observation_id")

    def text(fact_id, lang="ru"):
        return results_facts.value_text(rows.loc[fact_id], lang)

    assert text("F065") == "более\u00a04\u00a0500" and text("F069") == "не\u00a0менее\u00a0100"
    assert text("F145") == "менее\u00a055\u00a0баллов" and text("F149") == "более\u00a080\u00a0баллов"
    assert text("F219") == "96–98\u00a0%" and text("F220", "en") == "less than\u00a00.1%"
    assert text("F030").startswith("не ниже 10") and text("F026") == "продвинутый" and text("F040") == "2021"
    assert text("F218") == "1,8\u00a0раза" and text("F248") == "25\u00a0июня\u00a02025\u00a0г."
    assert text("F032") == "более\u00a017\u00a0п.\u00a0п."


def test_context_without_tables():
    found = results_context.load_tables("demo", "RU-CHE") if store.exists("observations", "demo") else None
    ctx = results_context.build({"reference_regions": store.reference("regions")}, "2025-H1", "ru", DEMO)
    assert ctx.table("scores").empty and ctx.reference("tile_classes").empty and ctx.break_reason("2023", "2024-H1")
    assert found is None or "reference_regions" in found


def test_release_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("CLIENT_CENTRICITY_ROOT", str(tmp_path))
    assert results_context.release_of("demo") == Release(collection="demo")
    (tmp_path / "params.toml").write_text(
        '[demo]\nedition = "final"\n[report]\nsmallest_difference = 3\n', encoding="utf-8"
    )
    assert results_context.release_of("demo").edition == "final"
    assert results_context.release_of("demo").smallest_difference_pp == 3.0


def test_blocks_escape_and_mark_language():
    rich = example_results.rich("en")
    page = "\n".join(blocks.block_html(rich, name) for name in blocks.WORDS)
    assert "<script>" not in page and "&lt;script&gt;" in page and "*a* _b_" in page and "$x^2$" in page
    assert '<span lang="ru">' in page
    assert blocks.escape("Росреестр <b>", "en") == '<span lang="ru">Росреестр</span> &lt;b&gt;'
    table = blocks.table_html(blocks.TABLES["comparison"](rich), "en", is_folded=True)
    assert table.startswith("<details>") and 'scope="row"' in table and 'class="own"' in table and "<caption>" in table
    assert blocks.table_html(None, "en") == ""


def test_charts_follow_the_data():
    rich, empty = example_results.rich(), example_results.empty()
    assert blocks.charts_of(rich, "effect") == ("effect", "events") and blocks.charts_of(rich, "trend") == ("trend",)
    assert blocks.charts_of(empty, "trend") == () and blocks.charts_of(rich, "headline") == ()


def test_show_and_embed(capsys, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda *a, **k: shown.append((a, k)))
    rich = example_results.rich()
    for name in blocks.WORDS:
        blocks.show(rich, name)
    blocks.embed(rich)
    assert from_dict(shown[-1][0][0]["application/vnd.client-centricity.result+json"]) == rich
    assert len(shown) > 25 and capsys.readouterr().out == ""


def test_sources_of_a_collection(tmp_path, monkeypatch):
    monkeypatch.setenv("CLIENT_CENTRICITY_ROOT", str(tmp_path))
    assert store.sources("real").empty
    folder = tmp_path / "data" / "raw"
    folder.mkdir(parents=True)
    (tmp_path / "data" / "reference").mkdir()
    pd.DataFrame(
        [
            {
                "source_id": "a",
                "path": "p.csv",
                "sha256": "f" * 64,
                "publisher": "П",
                "title": "Т",
                "address": "",
                "published_date": "2024",
                "is_synthetic": "0",
            }
        ]
    ).to_csv(folder / "catalog.csv", index=False)
    assert list(store.sources("real")["source_id"]) == ["a"]
    pd.DataFrame(
        [{"source_id": "S", "title": "Статья", "address": "https://x", "published_date": "2024", "file": "p.csv"}]
    ).to_csv(tmp_path / "data" / "reference" / "publications.csv", index=False)
    found = store.sources("real").set_index("source_id")
    assert found.loc["S", "sha256"] == "f" * 64 and found.loc["S", "publisher"] == ""


def test_tables_are_loaded_or_empty(tmp_path, monkeypatch):
    monkeypatch.setenv("CLIENT_CENTRICITY_ROOT", str(tmp_path))
    (tmp_path / "data" / "reference").mkdir(parents=True)
    with pytest.raises(store.StoreError, match="regions"):
        results_context.load_tables("demo", "RU-CHE")
    (tmp_path / "data" / "reference" / "regions.csv").write_text("iso_3166_2\nRU-CHE\n", encoding="utf-8")
    store.save("service_panel", world_tables.panel(), "demo")
    one = results_context.load_tables("demo", "RU-CHE")
    assert len(one["service_panel"]) == 24 * 18 and one["scores"].empty and one["reference_sources"].empty
    assert results_context.load_tables("demo", "RU-KAM")["service_panel"].empty
    assert "service_panel" not in results_context.load_tables("demo")
