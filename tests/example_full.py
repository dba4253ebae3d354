"""A region and a country of full size, made from the shared examples: 89 tiles, 85 places, a large district."""

from dataclasses import replace

import example_results as examples

from helpers.presentation.results.estimates import Comparison, ComparisonRow, Estimate, SeriesBreak, Trend, TrendPoint
from helpers.presentation.results.parts import Agencies, Agency, LeagueRow, NextServices, Tile, TileClass, TileMap
from helpers.tables import store

CUTS = (40.0, 50.0, 58.0, 65.0)


def _register():
    return store.reference("regions").sort_values("iso_3166_2")


def _value(position):
    """A number between 35 and 72 that depends on the row alone."""
    return round(35 + (position * 37 % 89) * 37 / 88, 1)


def rich(lang="ru"):
    base = examples.rich(lang)
    register = _register().reset_index(drop=True)
    names = register["name_ru" if lang == "ru" else "name_en"]
    values = [61.3 if code == "RU-CHE" else _value(i) for i, code in enumerate(register["iso_3166_2"])]
    return replace(
        base,
        comparison=_comparison(base, register, names, values),
        trend=_trend(base),
        rank=replace(base.rank, rows=_league(register, names, values)),
        tiles=_tiles(base, register, names, values),
        agencies=_agencies(base),
        next_services=_services(base),
    )


def _comparison(base, register, names, values):
    district = register["federal_district"] == "Приволжский федеральный округ"
    rows = [r for r in base.comparison.rows if r.kind != "peer"]
    rows += [
        ComparisonRow(
            register["iso_3166_2"][i], names[i], "peer", examples.pct(values[i], values[i] - 4, values[i] + 4)
        )
        for i in register.index[district]
    ]
    rows.sort(key=lambda r: -r.estimate.value)
    return Comparison(tuple(rows), base.comparison.text)


def _trend(base):
    points = []
    ru = base.lang == "ru"
    series = {p.series: p.label for p in base.trend.points}
    for name, label in series.items():
        shift = {"region": 0.0, "district": -0.4, "country": -5.7}[name]
        for i, (value, low) in enumerate(((47.0, 3.4), (52.5, 3.3), (58.9, 3.4), (61.3, 3.4))):
            year = 2022 + i
            label_period = f"{year}\u00a0год" if ru else str(year)
            v = value + shift * (1 if i else 0.5)
            points.append(
                TrendPoint(
                    name, label, str(year), label_period, float(year), examples.pct(v, v - low, v + low), int(i > 1)
                )
            )
    words = "учтены отзывы клиентов" if ru else "client feedback enters"
    return Trend(tuple(points), (SeriesBreak(2023.5, "2023", "2024", words),), base.trend.text)


def _league(register, names, values):
    order = sorted(range(len(values)), key=lambda i: -values[i])
    return tuple(
        LeagueRow(
            register["iso_3166_2"][i], names[i], examples.pct(values[i], values[i] - 3.4, values[i] + 3.4), place,
            max(1, place - 9), min(89, place + 11), "", register["iso_3166_2"][i] == "RU-CHE",
        )
        for place, i in enumerate(order, 1)
    )  # fmt: skip


def _tiles(base, register, names, values):
    ru = base.lang == "ru"
    tiles = []
    for i, row in register.iterrows():
        value = None if row["iso_3166_2"] == "RU-VLA" else values[i]
        number = None if value is None else sum(value >= cut for cut in CUTS)
        text = ("н/д" if ru else "n/a") if value is None else f"{value:.1f}".replace(".", "," if ru else ".")
        tiles.append(
            Tile(
                row["iso_3166_2"], row["label_ru"], names[i], row["federal_district"], int(row["tile_row"]),
                int(row["tile_column"]), value, text, number, row["iso_3166_2"] == "RU-CHE",
            )
        )  # fmt: skip
    labels = (
        ("до 40", "40–50", "50–58", "58–65", "65 и выше")
        if ru
        else ("under 40", "40–50", "50–58", "58–65", "65 and over")
    )
    bounds = (None, *CUTS, None)
    classes = tuple(
        TileClass(bounds[k], bounds[k + 1], labels[k], sum(t.class_number == k for t in tiles)) for k in range(5)
    )
    return TileMap(tuple(sorted(tiles, key=lambda t: (t.district, t.name))), classes, base.tiles.text)


def _agencies(base):
    names = (
        "Министерство социальных отношений", "Министерство здравоохранения", "Министерство образования и науки",
        "Министерство строительства и инфраструктуры", "Главное управление по труду и занятости населения",
    )  # fmt: skip
    rows = [
        Agency(n, 20 + i, examples.pct(66 - 4 * i, 61 - 4 * i, 71 - 4 * i, n=20 + i), False)
        for i, n in enumerate(names)
    ]
    return Agencies((*rows, *base.agencies.rows), base.agencies.text)


def _services(base):
    names = (
        "Назначение ежемесячной денежной выплаты на ребёнка", "Выдача разрешения на строительство",
        "Предоставление земельного участка без проведения торгов", "Выдача охотничьего билета",
        "Постановка на учёт граждан, имеющих право на предоставление земельных участков", "Лицензирование медицинской деятельности",
        "Выдача удостоверения многодетной семьи", "Субсидия на оплату жилого помещения и коммунальных услуг",
    )  # fmt: skip
    model = base.next_services.rows[1]
    extra = [
        replace(
            model, position=i, service_id=f"S{i}", name=name, days=Estimate(13.0 - i, None, None, "working_day"),
            gain=Estimate(2.2 - i / 6, 0.7 - i / 8, 3.7 - i / 6, "working_day", "sampling_95", 900),
        )
        for i, name in enumerate(names, 3)
    ]  # fmt: skip
    return NextServices((*base.next_services.rows, *extra), base.next_services.rule, base.next_services.text)


def national(lang="ru"):
    full = rich(lang)
    return replace(
        examples.national(lang), comparison=full.comparison, trend=full.trend, rank=full.rank, tiles=full.tiles
    )
