"""Charts: legible, honest, the same every time, small; numbers of alternative texts are numbers of the data."""

import io
import re
from dataclasses import replace

import example_full
import example_results as examples
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.text import Text
from PIL import Image

from helpers.presentation import figures, formats, style, tilemap
from helpers.presentation.figures import alternatives as figures_alternatives
from helpers.presentation.figures import rows as figures_rows
from helpers.presentation.results.estimates import Estimate
from helpers.presentation.results.parts import FactSection
from helpers.tables import store

LANGS = ("ru", "en")
RICH = {lang: example_full.rich(lang) for lang in LANGS}
POOR = {lang: examples.poor(lang) for lang in LANGS}
NAMES = tuple(figures.BLOCKS)


def result_for(name, lang):
    return POOR[lang] if name == "groups" else RICH[lang]


@pytest.fixture(scope="module")
def drawn():
    """Every chart in both languages with its picture, drawn once."""
    made = {}
    for lang in LANGS:
        for name in NAMES:
            figure = figures.draw(result_for(name, lang), name)
            made[name, lang] = figure, figures.encode(figure)
    return made


CASES = pytest.mark.parametrize(("name", "lang"), [(n, lang) for lang in LANGS for n in NAMES])


def texts(figure):
    return [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]


@CASES
def test_text_is_horizontal_large_enough_in_print_and_in_a_font_with_cyrillic(drawn, name, lang):
    figure, _ = drawn[name, lang]
    width = figure.get_figwidth() * 96
    scale = (style.PRINT_WIDTH if width <= style.WIDTH else style.PRINT_WIDE) / width
    for text in texts(figure):
        assert text.get_rotation() == 0
        assert text.get_fontsize() * scale >= style.LEAST_PRINTED, text.get_text()
        assert text.get_fontfamily() == [style.FONT], text.get_text()


def test_print_widths_are_those_of_the_style_sheet():
    from helpers.presentation import pages

    css = (pages.TEMPLATES / "report" / "style.css").read_text(encoding="utf-8")
    printed = css[css.index("@media print") :]
    assert round(float(re.search(r"\nfigure\{width:(\d+)mm", printed)[1]) / 25.4 * 96) == style.PRINT_WIDTH
    assert round(float(re.search(r"figure\.wide\{width:(\d+)mm", printed)[1]) / 25.4 * 96) == style.PRINT_WIDE


@CASES
def test_nothing_is_drawn_outside_the_canvas(drawn, name, lang):
    figure, _ = drawn[name, lang]
    box = figure.get_tightbbox(figure.canvas.get_renderer())
    wide, tall = figure.get_size_inches()
    assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= wide and box.y1 <= tall, box


@CASES
def test_texts_of_a_chart_do_not_touch(drawn, name, lang):
    figure, _ = drawn[name, lang]
    renderer = figure.canvas.get_renderer()
    boxes = [
        (t.get_text(), t.get_window_extent(renderer).shrunk(0.98, 0.98)) for t in texts(figure) if t.get_zorder() < 7
    ]
    for i, (first, a) in enumerate(boxes):
        for second, b in boxes[i + 1 :]:
            overlap = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
            assert min(overlap) < 5, (first, second)


@CASES
def test_title_is_the_finding_and_the_subtitle_says_what_is_drawn(drawn, name, lang):
    figure, _ = drawn[name, lang]
    ordered = sorted(figure.texts, key=lambda t: -t.get_position()[1])
    assert ordered[0].get_fontweight() == "bold" and ordered[0].get_fontsize() > style.LEAST_PRINTED
    held = getattr(result_for(name, lang), name, None)
    if getattr(held, "text", None) is not None:
        shown = " ".join(t.get_text() for t in ordered).replace("\n", " ")
        assert all(word in shown for word in held.text.title.split(" "))
        assert all(word in shown for word in held.text.subtitle.split(" "))
        assert all(word in shown for word in held.text.source.split(" "))


@CASES
def test_picture_is_small_white_at_the_edge_and_as_wide_as_it_says(drawn, name, lang):
    _, (data, width, height) = drawn[name, lang]
    picture = Image.open(io.BytesIO(data))
    assert len(data) <= 40_000 and picture.width <= 1184 and width <= 592
    assert abs(picture.width / picture.height - width / height) < 0.02
    rgb = picture.convert("RGB")
    corners = [(0, 0), (rgb.width - 1, 0), (0, rgb.height - 1), (rgb.width - 1, rgb.height - 1)]
    assert {rgb.getpixel(corner) for corner in corners} == {(255, 255, 255)}
    assert len(picture.getcolors()) > 3, "an empty picture"


def test_all_pictures_of_a_page_together_are_small(drawn):
    for lang in LANGS:
        assert sum(len(drawn[name, lang][1][0]) for name in NAMES) <= 200_000


@pytest.mark.parametrize("name", NAMES)
def test_identical_input_gives_identical_bytes(drawn, name):
    again = figures.encode(figures.draw(result_for(name, "ru"), name))
    assert again == drawn[name, "ru"][1]


@CASES
def test_decimal_mark_of_the_language(drawn, name, lang):
    figure, _ = drawn[name, lang]
    wrong = r"\d\.\d" if lang == "ru" else r"\d,\d(?!\d\d)"
    for text in texts(figure):
        assert not re.search(wrong, text.get_text()), text.get_text()
        assert not re.search(r"(^|\s)-\d", text.get_text()), "a hyphen for a minus"


@CASES
def test_few_light_grid_lines_and_no_legend_box(drawn, name, lang):
    figure, _ = drawn[name, lang]
    for axes in figure.axes:
        assert axes.get_legend() is None
        lines = [g for g in [*axes.get_xgridlines(), *axes.get_ygridlines()] if g.get_visible()]
        assert len(lines) <= 10
        assert all(
            style.luma(style.PALE) - 30 <= style.luma(g.get_color()) for g in lines if g.get_color() != style.INK
        )


@pytest.mark.parametrize("name", ["groups"])
def test_bars_start_at_zero(drawn, name):
    figure, _ = drawn[name, "ru"]
    assert figure.axes[0].get_xlim()[0] == 0


def test_a_line_axis_away_from_zero_says_so(drawn):
    figure, _ = drawn["trend", "ru"]
    assert figure.axes[0].get_ylim()[0] > 0
    assert "шкала" in " ".join(t.get_text() for t in figure.texts)


def test_no_line_crosses_a_series_break(drawn):
    figure, _ = drawn["trend", "ru"]
    mark = RICH["ru"].trend.breaks[0].x
    axes = figure.axes[0]
    crossing = [
        line
        for line in axes.get_lines()
        if line.get_transform() == axes.transData and min(line.get_xdata()) < mark < max(line.get_xdata())
    ]
    assert not crossing
    assert RICH["ru"].trend.breaks[0].reason in " ".join(t.get_text() for t in figure.texts)


def test_every_interval_of_the_comparison_is_drawn(drawn):
    figure, _ = drawn["comparison", "ru"]
    ends = {
        (round(min(line.get_xdata()), 3), round(max(line.get_xdata()), 3))
        for line in figure.axes[0].get_lines()
        if len(line.get_xdata()) == 2
    }
    for row in RICH["ru"].comparison.rows:
        assert (row.estimate.low, row.estimate.high) in ends
    assert "95\u00a0% интервал" in " ".join(t.get_text() for t in figure.texts)


def test_a_published_bound_is_an_arrow_and_its_value_is_marked():
    above = Estimate(None, 70.0, None, "percent", "published_bound")
    rows = [figures_rows.Row("Росреестр", above), figures_rows.Row("ФНС", examples.pct(73.5, 73.45, 73.55, "rounding"))]
    figure = figures_rows.draw_rows(rows, RICH["ru"].comparison.text, "ru")
    shown = [t.get_text() for t in figure.texts]
    assert ">\u00a070" in shown and "73,5" in shown
    assert any(t.arrow_patch is not None for t in figure.axes[0].texts if hasattr(t, "arrow_patch"))


def test_the_before_after_difference_is_labelled_as_no_effect():
    for lang, words in (("ru", "не эффект"), ("en", "not the effect")):
        figure = figures.effect(RICH[lang])
        assert words in " ".join(t.get_text() for t in figure.texts)


def test_a_suppressed_mean_is_said_and_not_drawn(drawn):
    figure, _ = drawn["agencies", "ru"]
    shown = " ".join(t.get_text() for t in figure.texts)
    assert "мало услуг: 3" in shown


def test_hostile_names_appear_literally(drawn):
    figure, _ = drawn["agencies", "ru"]
    joined = " ".join(t.get_text() for t in figure.texts)
    assert "<b>Б</b>" in joined and "=1+1" in joined
    assert all(not t.get_parse_math() for t in figure.texts)


def test_series_differ_in_grey_or_in_marker_and_dash():
    used = [style.SERIES[name] for name in ("region", "district", "country")]
    for i, (colour, marker, dash) in enumerate(used):
        assert style.contrast(colour, "#ffffff") >= 3
        for other, other_marker, other_dash in used[i + 1 :]:
            assert abs(style.luma(colour) - style.luma(other)) >= 20 or (marker != other_marker and dash != other_dash)


def test_contrast_of_text_and_of_tiles():
    assert style.contrast(style.INK, "#ffffff") >= 4.5 and style.contrast(style.MUTED, "#ffffff") >= 4.5
    assert style.contrast(style.MUTED, style.WASH) >= 4.5 and style.contrast(style.INK, style.WASH) >= 4.5
    expected = (15.0, 8.8, 5.0, 7.7, 13.8)
    for fill, ink, ratio in zip(style.CIVIDIS, style.ON_CIVIDIS, expected, strict=True):
        assert style.contrast(fill, ink) == pytest.approx(ratio, abs=0.06)
    assert [style.luma(fill) for fill in style.CIVIDIS] == pytest.approx([209, 165, 123, 83, 36], abs=1)
    assert style.contrast(style.BLUE, style.ORANGE) >= 3


def test_palettes_hold_the_house_colours_exactly():
    assert all(len(colours) == 16 for colours in style.PALETTES.values())
    for colour in ("#ffffff", style.INK, style.BLUE, style.ORANGE, style.GREY, style.MUTED):
        assert colour in style.PALETTES["chart"]
    assert set(style.CIVIDIS) | {"#ffffff", "#000000"} <= set(style.PALETTES["map"])


def test_show_refuses_bad_alternative_texts_and_displays_the_good(monkeypatch):
    seen = []
    monkeypatch.setattr("IPython.display.display", lambda data, **options: seen.append((data, options)))
    figure = figures.trend(RICH["ru"])
    for bad in ("", "   ", "коротко", "длинно " * 80):
        with pytest.raises(ValueError, match="alternative text"):
            figures.show(figure, bad)
    assert not seen
    figures.show(figure, figures.alt(RICH["ru"], "trend"), "<p>table</p>")
    (data, options), (table, _) = seen
    meta = options["metadata"]["image/png"]
    assert meta["alt"] == data["text/plain"] and meta["width"] == 400 and meta["height"] > 100
    assert table.data == "<p>table</p>"


def test_a_pyplot_figure_is_shown_small_and_closed(monkeypatch):
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    monkeypatch.setattr("IPython.display.display", lambda data, **options: None)
    figure = pyplot.figure(figsize=(20, 5))
    figure.add_subplot().plot([1, 2])
    figures.show(figure, "Линия от 1 до 2, нарисованная для проверки размера и закрытия рисунка.")
    assert not pyplot.get_fignums()
    data, width, _ = figures.encode(figure)
    assert Image.open(io.BytesIO(data)).width <= 1184 and width == 592


def test_block_shows_only_the_table_where_there_is_nothing_to_draw(monkeypatch):
    seen = []
    monkeypatch.setattr("IPython.display.display", lambda data, **options: seen.append(data))
    figures.block(POOR["ru"], "trend")
    assert seen == []
    figures.block(POOR["ru"], "trend", "<p>нет</p>")
    assert len(seen) == 1
    figures.block(RICH["ru"], "trend", "<p>есть</p>")
    assert "image/png" in seen[1]


@pytest.mark.parametrize("name", NAMES)
def test_without_data_no_chart_is_drawn(name):
    empty = replace(examples.empty("ru"), groups=None, targets=(), gaps=())
    with pytest.raises(ValueError):
        figures.BLOCKS[name](empty)
    assert figures.draw(empty, name) is None


NUMBER = re.compile(r"[−-]?\d[\d\u00a0]*(?:[.,]\d+)?")


@CASES
def test_alternative_text_is_made_from_the_data(name, lang):
    result = result_for(name, lang)
    words = figures_alternatives._MAKERS[name](result)
    assert figures_alternatives.SHORTEST <= len(figures_alternatives.clipped(words)) <= figures_alternatives.LONGEST
    expected = {
        "comparison": formats.number(61.3, lang), "trend": formats.number(61.3, lang), "effect": formats.number(-1.4, lang),
        "events": formats.number(-1.5, lang, sign=True), "rank": "31", "tiles": formats.number(61.3, lang),
        "agencies": formats.number(66.0, lang), "gaps": formats.number(6.0, lang, sign=True), "groups": "63", "targets": "91",
    }[name]  # fmt: skip
    assert expected in words
    assert expected.lstrip("+") in [number.strip(formats.NBSP) for number in NUMBER.findall(words)]


@CASES
def test_alternative_text_carries_the_banner_and_is_not_the_title(name, lang):
    result = result_for(name, lang)
    words = figures.alt(result, name)
    assert figures_alternatives.SHORTEST <= len(words) <= figures_alternatives.LONGEST
    if result.banner:
        assert words.startswith(result.banner)
    held = getattr(result, name, None)
    if getattr(held, "text", None) is not None:
        assert words != held.text.title


def test_a_bad_alternative_text_of_the_result_is_replaced():
    result = RICH["ru"]
    broken = replace(result, trend=replace(result.trend, text=replace(result.trend.text, alt="")))
    assert "47,0" in figures.alt(broken, "trend") and "учтены отзывы" in figures.alt(broken, "trend")


def test_clipping_never_ends_inside_a_number():
    words = "значение 12,5 и " * 40
    cut = figures_alternatives.clipped(words)
    assert len(cut) <= 400 and cut.endswith("…")
    assert words.startswith(cut[:-1])


# --- tile map -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("position", range(4))
def test_a_value_on_a_cut_belongs_to_the_upper_class(position):
    cuts = (40.0, 50.0, 58.0, 65.0)
    assert tilemap.classify(cuts[position], cuts) == position + 1
    assert tilemap.classify(cuts[position] - 1e-9, cuts) == position


def test_cuts_must_rise():
    with pytest.raises(ValueError, match="rise"):
        tilemap.classify(1.0, (2.0, 2.0))


def test_shuffled_rows_give_the_same_map():
    result = RICH["ru"]
    shuffled = replace(result, tiles=replace(result.tiles, tiles=result.tiles.tiles[::-1]))
    assert figures.encode(figures.tiles(shuffled)) == figures.encode(figures.tiles(result))


@pytest.mark.parametrize("kept", [89, 85])
def test_the_tiles_drawn_are_the_participants(kept):
    result = RICH["ru"]
    block = replace(result.tiles, tiles=result.tiles.tiles[:kept])
    figure = figures.tiles(replace(result, tiles=block))
    shown = {t.get_text() for t in figure.axes[0].texts}
    assert all(f"{tile.label}\n{tile.value_text}" in shown for tile in block.tiles)
    assert sum("\n" in text for text in shown) == kept


def test_missing_value_is_words_in_a_white_dashed_tile_and_own_region_has_a_double_outline():
    figure = figures.tiles(RICH["ru"])
    assert "Влад\nн/д" in {t.get_text() for t in figure.axes[0].texts}
    outlines = [p for p in figure.axes[0].patches if not p.get_fill()]
    assert sorted(p.get_linewidth() for p in outlines) == [1.5, 2.25]  # 2 and 3 px
    dashed = [p for p in figure.axes[0].patches if p.get_fill() and p.get_linestyle() != "-" and p.get_linewidth() > 0]
    assert dashed


def test_legend_prints_ranges_with_counts():
    figure = figures.tiles(RICH["ru"])
    shown = {t.get_text() for t in figure.axes[0].texts}
    for item in RICH["ru"].tiles.classes:
        assert f"{item.label}: {item.count}" in shown


def test_two_regions_on_one_tile_are_refused():
    result = RICH["ru"]
    twice = (*result.tiles.tiles, replace(result.tiles.tiles[0], code="RU-XXX"))
    with pytest.raises(ValueError, match="share a tile"):
        figures.tiles(replace(result, tiles=replace(result.tiles, tiles=twice)))


def test_every_label_of_the_register_fits_its_tile():
    register = store.reference("regions")
    columns = register["tile_column"].astype(int)
    tile = (style.WIDE - 2 * style.MARGIN) / (columns.max() - columns.min() + 1)
    for label in register["label_ru"]:
        assert style.text_width(label, tilemap.TILE_TEXT) <= tile - 1, label


def test_english_labels_are_latin_unique_and_fit():
    labels = [tilemap.label_of(tile, "en") for tile in RICH["en"].tiles.tiles]
    assert len(set(labels)) == 89
    assert all(re.fullmatch("[A-Z]{2,3}", label) for label in labels)
    shown = {t.get_text().split("\n")[0] for t in figures.tiles(RICH["en"]).axes[0].texts}
    assert set(labels) <= shown


# --- extreme values -------------------------------------------------------------------------------------------------

FINITE = st.floats(-1e6, 1e6, allow_nan=False)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(FINITE, st.floats(0, 1e4), st.text("абв <>&$_^\\", min_size=1, max_size=60)), min_size=1, max_size=6
    )
)
def test_any_numbers_and_names_fit_the_canvas(rows):
    drawn = [figures_rows.Row(name, Estimate(v, v - w, v + w, "percent", "sampling_95")) for v, w, name in rows]
    figure = figures_rows.draw_rows(drawn, RICH["ru"].comparison.text, "ru")
    figure.canvas.draw()
    box = figure.get_tightbbox(figure.canvas.get_renderer())
    wide, tall = figure.get_size_inches()
    assert box.x0 >= -0.01 and box.y0 >= -0.01 and box.x1 <= wide + 0.01 and box.y1 <= tall + 0.01


@settings(max_examples=60, deadline=None)
@given(FINITE, st.floats(1e-3, 1e6))
def test_ticks_are_few_round_and_inside(low, width):
    ticks = style.nice_ticks(low, low + width, 6)
    assert 1 <= len(ticks) <= 6
    assert all(low - 1e-6 <= t <= low + width + 1e-6 for t in ticks)
    assert len(set(style.tick_texts(ticks, "ru"))) == len(ticks)


def test_wrapping_keeps_every_word_and_the_width():
    text = "Кемеровская область — Кузбасс и Ханты-Мансийский автономный округ — Югра"
    lines = style.wrap(text, 180, 11)
    assert " ".join(lines) == text
    assert all(style.text_width(line, 11) <= 180 for line in lines)
    assert style.wrap("Электрокардиографический", 60, 11)[0].endswith("…")
    assert len(style.wrap(text, 100, 11, most=2)) == 2


def test_bars_of_published_figures():
    result = POOR["ru"]
    fact = result.published[0].facts[0]
    numbers = tuple(
        replace(
            fact,
            fact_id=f"F{i}",
            label=f"Контрольные точки {i}",
            estimate=Estimate(v, unit="count", n=None),
            value=str(v),
        )
        for i, v in enumerate((60.0, 6000.0, 3000.0))
    )
    section = FactSection("roadmap", "Дорожные карты", ("Не выполнено 67 точек.",), (fact, *numbers), "Точки")
    figure = figures.facts(replace(result, published=(section,)), "roadmap")
    assert figure.axes[0].get_xlim()[0] == 0
    assert "6\u00a0000" in [t.get_text() for t in figure.texts]
    with pytest.raises(ValueError, match="no two published figures"):
        figures.facts(result, "mfc")
    with pytest.raises(ValueError, match="no two published figures"):
        figures.facts(result, "absent")


def test_few_participants_are_named_rows():
    figure = figures.rank(examples.rich("ru"))
    shown = [t.get_text() for t in figure.texts]
    assert any("Курганская" in text for text in shown)


def test_no_open_pyplot_figure_after_drawing():
    from matplotlib import pyplot

    for name in NAMES:
        figures.draw(result_for(name, "ru"), name)
    assert not pyplot.get_fignums()


def test_national_charts():
    for lang in LANGS:
        national = example_full.national(lang)
        for name in ("comparison", "trend", "effect", "rank", "tiles", "groups"):
            assert figures.draw(national, name) is not None
            assert figures.alt(national, name)
        assert figures.draw(national, "agencies") is None and figures.draw(national, "gaps") is None
        with pytest.raises(ValueError):
            figures_alternatives.alt_agencies(national)


def test_no_font_is_kept_across_a_fork():
    """Forked kernels would read one open font file at once and fail, or measure the wrong glyphs."""
    import multiprocessing

    FACES.append(style._face(False))
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(has_a_face_of_its_own, range(2)) == [True, True]


FACES = []


def has_a_face_of_its_own(_number):
    return style._face(False) is not FACES[0]
