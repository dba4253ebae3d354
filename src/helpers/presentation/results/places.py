"""Blocks 10 and 11 of a result: map, executive bodies, and the gaps of processes to the district."""

import itertools
import re
from collections.abc import Iterator

from helpers.presentation import formats, wording
from helpers.presentation.results.blocks import dot_text, index_chart
from helpers.presentation.results.context import Context
from helpers.presentation.results.estimates import ChartText, Estimate, Region
from helpers.presentation.results.parts import Agencies, Agency, Gap, Tile, TileClass, TileMap
from helpers.presentation.results.regions import by_district
from helpers.presentation.results.values import INDEX, TOTAL, difference, observed, score
from helpers.presentation.wording.terms import entity

CYRILLIC = re.compile(r"[А-Яа-яЁё]")
FEW = 5  # fewer items than this are suppressed
FEWEST_TILES = 10  # a map of fewer values says less than their table


def tile_map(ctx: Context, region: Region | None) -> TileMap | None:
    """Block 10: participants of the release period in five fixed classes; None with too few values."""
    values = ctx.regions_at(ctx.period)
    cuts = _cuts(ctx)
    if len(values) < FEWEST_TILES or not cuts:
        return None
    tiles = []
    for item in by_district(ctx.names, ctx.lang):
        value = values.get(item.code)
        shown = None if value is None else value.value
        text = formats.missing(ctx.lang) if shown is None else formats.number(shown, ctx.lang)
        name, district = wording.region_name(item, ctx.lang), wording.district_name(item, ctx.lang)
        own = region is not None and item.code == region.code
        number_ = None if shown is None else class_of(shown, cuts)
        tiles.append(
            Tile(item.code, item.label, name, district, item.tile_row, item.tile_column, shown, text, number_, own)
        )
    classes = _classes(ctx, cuts, tiles)
    return TileMap(tuple(tiles), classes, _tile_text(ctx, tiles, classes, region))


def _cuts(ctx: Context) -> list[float]:
    """The four highest cuts of the index, lowest first; classes below them are joined into one."""
    table = ctx.reference("tile_classes")
    if table.empty:
        return []
    rows = table[table["scale"] == "index"]
    bounds = sorted(float(text) for text in rows["upper_bound"] if text)
    return bounds[-4:]


def class_of(value: float, cuts: list[float]) -> int:
    """Class 0–4; a value on a cut belongs to the upper class."""
    return sum(1 for cut in cuts if value >= cut)


def _classes(ctx: Context, cuts: list[float], tiles: list[Tile]) -> tuple[TileClass, ...]:
    edges: list[float | None] = [None, *cuts, None]
    found = []
    for i, (low, high) in enumerate(itertools.pairwise(edges)):
        first = "" if low is None else formats.printed(low, ctx.lang)
        last = "" if high is None else formats.printed(high, ctx.lang)
        if not first:
            label = ctx.pick(f"до {last}", f"below {last}")
        else:
            label = f"{first}–{last}" if last else ctx.pick(f"{first} и выше", f"{first} and above")
        found.append(TileClass(low, high, label, sum(1 for tile in tiles if tile.class_number == i)))
    return tuple(found)


def _tile_text(ctx: Context, tiles: list[Tile], classes: tuple[TileClass, ...], region: Region | None) -> ChartText:
    own = next((tile for tile in tiles if tile.is_own), None)
    if own is not None and own.class_number is not None:
        label = classes[own.class_number].label
        title = ctx.pick(f"Индекс региона — {own.value_text}, класс {label}", f"Index {own.value_text}, class {label}")
    else:
        most = max(classes, key=lambda item: item.count)
        title = ctx.pick(
            f"Чаще всего встречается класс {most.label}: {formats.count(most.count, 'region', 'ru')}",
            f"The most common class is {most.label}: {formats.count(most.count, 'region', 'en')}",
        )
    when, spoken = ctx.period_label, formats.period_in_text(ctx.period, ctx.lang)
    alt = ctx.pick(
        f"Плиточная карта, индекс за {spoken}: {title}. В верхнем классе {classes[-1].count}, в нижнем "
        f"{classes[0].count} из {len(tiles)}. Карта не показывает точность.",
        f"Tile-grid map, index for {spoken}: {title}. {classes[-1].count} in the top class and {classes[0].count} in "
        f"the bottom class of {len(tiles)}. The map shows no certainty.",
    )
    subtitle = ctx.pick(
        f"Индекс, %, {when}; постоянные классы",
        f"Index, %, {when}; fixed classes",
    )
    return ctx.chart(title, subtitle, alt, ctx.pick("Индекс по регионам", "Index by region"))


def agencies(ctx: Context, region: Region) -> Agencies | None:
    """Block 11: bodies of the region in the release period; fewer than five items are suppressed and said."""
    table = ctx.table("scores")
    rows = table[
        (table["level"] == "body")
        & (table["region_iso"] == region.code)
        & (table["period"] == ctx.period)
        & (table["group"] == TOTAL)
        & table["rating"].isin([INDEX, "b_region_process"])
    ].drop_duplicates("entity_id")
    found = [_agency(ctx, row) for row in rows.to_dict("records")] or _published_agencies(ctx, region)
    if not found:
        return None
    found.sort(key=lambda item: (-(item.estimate.value or 0) if item.estimate else 1, item.name))
    return Agencies(tuple(found), _agency_text(ctx, found))


def _agency(ctx: Context, row: dict) -> Agency:
    estimate, name = score(row), entity(str(row["entity_name"]), ctx.lang)
    if row["method"] != "published" and estimate.n is not None and estimate.n < FEW:
        note = ctx.pick(f"мало данных: {estimate.n}", f"too few: {estimate.n}")
        return Agency(name, estimate.n, None, True, note)
    return Agency(name, estimate.n, estimate, False)


def _published_agencies(ctx: Context, region: Region) -> list[Agency]:
    table = ctx.table("observations")
    rows = table[
        (table["entity_type"] == "regional_agency")
        & (table["region_iso"] == region.code)
        & (table["rating"] == INDEX)
        & (table["period"] == ctx.period)
    ]
    note = ctx.pick("опубликована граница", "a bound was published")
    return [
        Agency(entity(row["entity_name"], ctx.lang), None, observed(row), False, note)
        for row in rows.to_dict("records")
    ]


def _agency_text(ctx: Context, rows: list[Agency]) -> ChartText:
    shown = [row for row in rows if row.estimate is not None]
    texts = "; ".join(dot_text(row.name, row.estimate, ctx.lang) for row in shown[:3] if row.estimate)
    title = _agency_title(ctx, shown, len(rows) - len(shown))
    if ctx.lang == "en" and CYRILLIC.search(texts):  # an alternative text cannot mark a part as Russian
        texts = "; ".join(
            dot_text(f"row {i}", row.estimate, "en") for i, row in enumerate(shown[:3], 1) if row.estimate
        )
    alt = ctx.pick(
        f"Точки по органам власти, всего {len(rows)}: {texts}.", f"Dots by executive body, {len(rows)} in all: {texts}."
    )
    caption = ctx.pick("Органы власти: значение и интервал", "Executive bodies: value and interval")
    return index_chart(ctx, title, ctx.period, [row.estimate for row in shown if row.estimate], alt, caption)


def _agency_title(ctx: Context, shown: list[Agency], hidden: int) -> str:
    """The range of the bodies' values, or the bound that all of them share; how many are suppressed."""
    known = [row.estimate for row in shown if row.estimate is not None]
    values = sorted(
        {item.value for item in known if item.value is not None and item.interval_kind != "published_bound"}
    )
    tail = ctx.pick(f"; скрыто, мало данных: {hidden}", f"; suppressed, too few data: {hidden}") if hidden else ""
    if not known:
        return ctx.pick("Данных об органах власти слишком мало", "Too few data on executive bodies")
    if values:
        low, high = (next(wording.level(e, ctx.lang) for e in known if e.value == v) for v in (values[0], values[-1]))
        ru, en = f"Индекс органов власти — от {low} до {high}", f"Index of executive bodies: {low} to {high}"
        return ctx.pick(ru, en) + tail
    bounds = sorted({wording.level(item, ctx.lang) for item in known})
    count = formats.count(len(known), "body", ctx.lang)
    ru = f"Опубликовано: {count}, индекс каждого — {bounds[0]}"
    en = f"Published: {count}, each with an index of {bounds[0]}"
    return (ctx.pick(ru, en) if len(bounds) == 1 else ctx.pick("Опубликованы границы: ", "Bounds: ") + count) + tail


def gaps(ctx: Context, region: Region) -> tuple[Gap, ...]:
    """Processes against the same process of the district, bodies against its mean, if beyond noise; largest first."""
    found = [*_process_gaps(ctx, region), *_body_gaps(ctx, region)]
    return tuple(sorted(found, key=lambda item: (-(item.difference.value or 0), item.name)))


def _process_gaps(ctx: Context, region: Region) -> Iterator[Gap]:
    table = ctx.table("scores")
    rows = table[
        (table["period"] == ctx.period)
        & (table["group"] != TOTAL)
        & table["level"].isin(["region", "district", "process"])
    ]
    district = {row["group"]: row for row in rows[rows["entity_id"] == region.district].to_dict("records")}
    for row in rows[rows["entity_id"] == region.code].drop_duplicates("group").to_dict("records"):
        if row["group"] in district:
            gap = difference(score(row), score(district[row["group"]]))
            yield from _gap(ctx, process_name(ctx, str(row["group"])), "process", gap)


def _body_gaps(ctx: Context, region: Region) -> Iterator[Gap]:
    district = ctx.at("district", region.district, ctx.period) if region.district else None
    block = agencies(ctx, region)
    for body in block.rows if block is not None and district is not None else ():
        if body.estimate is not None and body.estimate.interval_kind != "published_bound":
            yield from _gap(ctx, body.name, "body", difference(body.estimate, district))


def _gap(ctx: Context, name: str, kind: str, gap: Estimate | None) -> Iterator[Gap]:
    """The gap, if its interval excludes zero."""
    if gap is not None and gap.excludes_zero:
        yield Gap(name, kind, gap, wording.gap_point(name, gap, ctx.lang))


def process_name(ctx: Context, group: str) -> str:
    """Name of a process; a bare number is called a process."""
    name = group.removeprefix("process ")
    return f"{ctx.pick('Процесс', 'Process')} {name}" if name.isdigit() else name
