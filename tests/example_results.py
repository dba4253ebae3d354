"""Rich, poor, empty and national result objects that all tests of the products share.

All figures are invented. Names of services and bodies are hostile on purpose: they must appear literally everywhere.
"""

from dataclasses import replace

from helpers.presentation.results import NationalResult, RegionalResult
from helpers.presentation.results.about import Absence, Colophon, Contradiction, QualityInfo, QualityRow, Source
from helpers.presentation.results.estimates import (
    ChartText,
    Comparison,
    ComparisonRow,
    Estimate,
    Headline,
    Kpi,
    Region,
    SeriesBreak,
    Trend,
    TrendPoint,
)
from helpers.presentation.results.parts import (
    Agencies,
    Agency,
    Check,
    Counts,
    EffectBlock,
    EffectResult,
    EventPoint,
    Fact,
    FactSection,
    Gap,
    Groups,
    GroupTotals,
    LeagueRow,
    Mover,
    NextService,
    NextServices,
    RankResult,
    Target,
    Tile,
    TileClass,
    TileMap,
)

N = "\u00a0"
M = "\u2212"
HOSTILE_SERVICE = '<script>alert(1)</script> «Справка» & "копия" *a* _b_ $x^2$'
HOSTILE_AGENCY = "=1+1 Министерство 'А' & <b>Б</b>"
CHELYABINSK = Region(
    "RU-CHE", "74", "Челябинская область", "Челябинской области", "в Челябинской области", "Челяб", "Chelyabinsk Oblast",
    "Уральский федеральный округ", "Ural Federal District", "Уральского федерального округа", 7, 11,
)  # fmt: skip
ORYOL = Region(
    "RU-ORL", "57", "Орловская область", "Орловской области", "в Орловской области", "Орл", "Oryol Oblast",
    "Центральный федеральный округ", "Central Federal District", "Центрального федерального округа", 7, 3,
)  # fmt: skip
VLADIMIR = Region(
    "RU-VLA", "33", "Владимирская область", "Владимирской области", "во Владимирской области", "Влад", "Vladimir Oblast",
    "Центральный федеральный округ", "Central Federal District", "Центрального федерального округа", 5, 7,
)  # fmt: skip


def text(lang, title_ru, title_en):
    ru = lang == "ru"
    return ChartText(
        title=title_ru if ru else title_en,
        subtitle=f"Индекс, %, 2025{N}год, 95{N}% интервал" if ru else "Index, %, 2025, 95% interval",
        alt=(
            f"Точки с интервалами: значение региона 61,3{N}% при интервале от 57,9 до 64,7 и среднее по стране 55,6{N}%."
            if ru
            else "Dots with intervals: the region at 61.3% with interval 57.9 to 64.7, the country mean at 55.6%."
        ),
        source="Источник: демонстрационные данные" if ru else "Source: demonstration data",
        caption="Значения по участникам" if ru else "Values by participant",
    )


def pct(value, low=None, high=None, kind="sampling_95", n=None, period="2025-H1", unit="percent"):
    return Estimate(value, low, high, unit, kind if low is not None else "none", n, period)


def effect(lang):
    ru = lang == "ru"
    unit = "working_day"
    result = EffectResult(
        outcome="median_days",
        label="Срок оказания" if ru else "Time",
        estimate=Estimate(-1.4, -2.3, -0.5, unit, "sampling_95", 37, "2025-H1"),
        sentence_id="E1",
        sentence=(
            f"Оптимизированные услуги, по оценке, оказываются на 1,4{N}дня быстрее, чем оказывались бы без оптимизации "
            f"(95{N}% интервал 0,5–2,3; 37{N}услуг). Оценка верна, если без оптимизации их сроки менялись бы так же, "
            "как у сопоставимых услуг."
            if ru
            else "Optimised services are estimated to take 1.4 days less than they would have without optimisation "
            "(95% interval 0.5–2.3; 37 services). This holds if their times would otherwise have moved like those of "
            "comparable services."
        ),
        n_services=37,
        n_regions=12,
        design_passed=True,
        estimator="imputation",
        percent=Estimate(-18.0, -27.0, -7.0, "percent_change", "sampling_95", 37, "2025-H1"),
        naive=Estimate(-2.6, -3.2, -2.0, unit, "sampling_95", 37, "2025-H1"),
        trend=Estimate(-0.6, -0.9, -0.3, unit, "sampling_95", 37, "2025-H1"),
        rtm=Estimate(-0.6, -1.1, -0.1, unit, "sampling_95", 37, "2025-H1"),
        naive_sentence=(
            f"Простое сравнение «до и после» даёт {M}2,6{N}дня. Это не эффект: {M}0,6 — общий тренд, "
            f"{M}0,6 — возврат к среднему, {M}1,4 — оценка."
            if ru
            else f"A plain before-and-after comparison gives {M}2.6 days. It is not the effect: {M}0.6 is the common "
            f"trend, {M}0.6 regression to the mean, {M}1.4 the estimate."
        ),
    )
    events = tuple(
        EventPoint(t, Estimate(v, v - 0.8, v + 0.8, unit, "sampling_95", 37), v - 1.1, v + 1.1)
        for t, v in zip(
            range(-6, 9),
            [0.1, -0.1, 0.0, 0.1, 0.0, 0.0, -0.3, -0.8, -1.2, -1.4, -1.5, -1.4, -1.5, -1.6, -1.5],
            strict=False,
        )
    )
    return EffectBlock(
        results=(result,),
        checks=(
            Check(
                "parallel_pretrends",
                "Тренды до" if ru else "Trends before",
                "нет расхождения" if ru else "no gap",
                True,
                3.1,
                0.61,
            ),
            Check(
                "audit_window",
                "Окно проверки" if ru else "Audit window",
                "исключено" if ru else "left out",
                True,
            ),
        ),
        events=events,
        text=text(
            lang,
            "Срок оптимизированных услуг короче сопоставимых на 1,4 дня",
            "Optimised services take 1.4 days less",
        ),
        notes=("Это средняя оценка по стране." if ru else "This is the mean estimate for the country.",),
        scope="country",
        regional=Estimate(-1.2, -2.4, 0.0, unit, "sampling_95", 8, "2025-H1"),
        regional_sentence=f"В регионе: {M}1,2{N}дня." if ru else f"In the region: {M}1.2 days.",
    )


def tiles(lang):
    cut = (None, 40.0, 50.0, 58.0, 65.0, None)
    counts = (0, 0, 1, 1, 0)
    classes = tuple(TileClass(cut[i], cut[i + 1], f"{cut[i] or '<'}–{cut[i + 1] or ''}", counts[i]) for i in range(5))
    rows = (
        Tile(
            "RU-ORL",
            "Орл",
            "Орловская область" if lang == "ru" else "Oryol Oblast",
            ORYOL.district,
            7,
            3,
            52.1,
            "52,1",
            2,
        ),
        Tile(
            "RU-VLA",
            "Влад",
            VLADIMIR.name,
            VLADIMIR.district,
            5,
            7,
            None,
            "н/д" if lang == "ru" else "n/a",
            None,
        ),
        Tile("RU-CHE", "Челяб", CHELYABINSK.name, CHELYABINSK.district, 7, 11, 61.3, "61,3", 3, True),
    )
    return TileMap(
        rows,
        classes,
        text(lang, "Регион в четвёртом классе из пяти", "The region is in the fourth class of five"),
    )


def quality(lang):
    ru = lang == "ru"
    return QualityInfo(
        rows=(QualityRow("DEMO1", "index", 26, 2, 28, 26 / 28),),
        reject_reasons=(("повтор строки" if ru else "duplicate row", 2),),
        contradictions=(
            Contradiction(
                "c21",
                "47 + 22 + 5 = 74, а не 85" if ru else "47 + 22 + 5 = 74, not 85",
                "inconsistent",
                "SEED2",
            ),
        ),
        sentences=(
            "Анкеты заполняют сами органы власти."
            if ru
            else "The questionnaires are filled in by the bodies themselves.",
        ),
        text=text(lang, "Учтены 26 из 28 значений", "26 of 28 values used"),
    )


def rich(lang="ru", region=CHELYABINSK):
    """Every block has data; synthetic."""
    ru = lang == "ru"
    country, district = ("Россия", region.district) if ru else ("Russia", region.district_en)
    name = region.name if ru else region.name_en
    own = pct(61.3, 57.9, 64.7, n=28)
    peer = "Курганская область" if ru else "Kurgan Oblast"
    sentence = (
        f"Индекс клиентоцентричности {region.genitive} — 61,3{N}% (95{N}% интервал 57,9–64,7); "
        f"за год +2,4{N}п.{N}п. (от 0,3 до 4,5)."
        if ru
        else f"The client-centricity index of {name} is 61.3% (95% interval 57.9–64.7), up 2.4 pp in a year (0.3 to 4.5)."
    )
    rows = (
        ComparisonRow(region.code, name, "region", own),
        ComparisonRow(district, district, "district", pct(60.9, 58.1, 63.7, n=6)),
        ComparisonRow("RU-KGN", peer, "peer", pct(57.0, 53.0, 61.0, n=25)),
        ComparisonRow("country", country, "country", pct(55.6, 54.1, 57.1, n=89)),
    )
    points = []
    for series, label, shift in (
        ("region", name, 0.0),
        ("district", district, -0.4),
        ("country", country, -5.7),
    ):
        for period, x, value, segment in (
            ("2023-H1", 2023.25, 47.0, 0), ("2024-H1", 2024.25, 58.9, 1), ("2025-H1", 2025.25, 61.3, 1),
        ):  # fmt: skip
            v = value + shift
            period_label = f"I{N}полугодие {period[:4]}{N}г." if ru else f"first half of {period[:4]}"
            points.append(
                TrendPoint(series, label, period, period_label, x, pct(v, v - 3.4, v + 3.4, period=period), segment)
            )
    league = tuple(
        LeagueRow(code, label, pct(v, v - 3.4, v + 3.4), rank, max(1, rank - 2), rank + 2, "A", code == region.code)
        for rank, (code, label, v) in enumerate(
            [
                ("RU-YAN", "Ямало-Ненецкий автономный округ", 66.0),
                (region.code, name, 61.3),
                ("RU-KGN", peer, 57.0),
            ],
            1,
        )
    )
    gain = Estimate(2.1, 0.6, 3.6, "working_day", "sampling_95", 900, "2025-H1")
    services = tuple(
        NextService(
            i,
            f"S{i}",
            n,
            a,
            g,
            Estimate(d, None, None, "working_day", "none", 900, "2025-H1"),
            5,
            apps,
            gain,
            r,
        )
        for i, n, a, g, d, apps, r in (
            (
                1,
                HOSTILE_SERVICE,
                HOSTILE_AGENCY,
                "Г",
                14.0,
                12400,
                "большой ожидаемый выигрыш" if ru else "large expected gain",
            ),
            (
                2,
                "Выдача охотничьего билета",
                "Министерство экологии",
                "В",
                9.0,
                3100,
                "оценка В" if ru else "grade В",
            ),
        )
    )
    return RegionalResult(
        collection="demo",
        period="2025-H1",
        period_label=f"I{N}полугодие 2025{N}г." if ru else "first half of 2025",
        lang=lang,
        edition="preliminary",
        edition_label="предварительные данные" if ru else "preliminary data",
        is_synthetic=True,
        banner="ДЕМОНСТРАЦИОННЫЕ ДАННЫЕ" if ru else "DEMONSTRATION DATA",
        data_class="rich",
        region=region,
        title=f"Клиентоцентричность: {name}, I{N}полугодие 2025{N}г." if ru else f"Client-centricity: {name}, first half of 2025",
        description=sentence,
        masthead=(
            f"Клиентоцентричность · {name} · I{N}полугодие 2025{N}г. · предварительные данные"
            if ru
            else f"Client-centricity · {name} · first half of 2025 · preliminary data"
        ),
        headline=Headline("H1", sentence, own, pct(2.4, 0.3, 4.5, unit="pp"), "2024-H1"),
        lead=(
            (f"Это выше среднего по России (55,6{N}%) на 5,7{N}п.{N}п. (от 2,1 до 9,3).", f"Это примерно на уровне округа (60,9{N}%).")
            if ru
            else ("This is 5.7 pp above the Russian mean of 55.6% (2.1 to 9.3).", "This is about the level of the district (60.9%).")
        ),
        kpis=(
            Kpi("index", "Индекс" if ru else "Index", f"61,3{N}%" if ru else "61.3%", f"95{N}% интервал 57,9–64,7" if ru else "95% interval 57.9–64.7", own),
            Kpi("rank", "Место" if ru else "Rank", "31-е" if ru else "31", f"из 85; 95{N}% интервал 18–47" if ru else "of 85; 95% interval 18–47", Estimate(31, 18, 47, "rank", "sampling_95", 85)),
            Kpi("services", "Оптимизировано услуг" if ru else "Services optimised", "37", "из 96" if ru else "of 96", Estimate(37, unit="service", n=96)),
            Kpi("days", "Медианный срок" if ru else "Median time", f"5,0{N}дня" if ru else "5.0 days", f"до оптимизации 7,6{N}дня" if ru else "7.6 days before", Estimate(5.0, unit="working_day", n=37)),
        ),
        main_points=(
            (f"За год индекс вырос на 2,4{N}п.{N}п. (от 0,3 до 4,5).", f"Индекс выше среднего по России на 5,7{N}п.{N}п. (от 2,1 до 9,3).", f"Сроки сократились у 41{N}услуги из 96, выросли у 9.")
            if ru
            else ("The index rose by 2.4 pp in a year (0.3 to 4.5).", "The index is 5.7 pp above the Russian mean (2.1 to 9.3).", "Times fell for 41 of 96 services and rose for 9.")
        ),
        comparison=Comparison(rows, text(lang, "Индекс региона выше среднего по России", "The index is above the Russian mean")),
        trend=Trend(tuple(points), (SeriesBreak(2023.75, "2023-H1", "2024-H1", "учтены отзывы" if ru else "feedback enters"),), text(lang, "Индекс вырос на 2,4 п. п. за год", "The index rose by 2.4 pp in a year")),
        effect=effect(lang),
        next_services=NextServices(services, "По ожидаемому выигрышу." if ru else "By expected gain.", text(lang, "Две услуги с наибольшим ожидаемым выигрышем", "Two services with the largest expected gain")),
        rank=RankResult(31, 18, 47, "sampling_95", 85, 29, True, "R1", ((f"Место в стране — 31-е из 85 (95{N}% интервал 18–47).", "Регион нельзя уверенно отличить от 29 других участников.") if ru else ("National rank 31 of 85 (95% interval 18–47).", "The region cannot be told apart from 29 other participants.")), league, text(lang, "Место региона — между 18-м и 47-м", "The rank lies between 18 and 47")),
        tiles=tiles(lang),
        agencies=Agencies((Agency(HOSTILE_AGENCY, 12, pct(63.0, 58.0, 68.0, n=12), False), Agency("Архивный комитет", 3, None, True, "мало услуг: 3" if ru else "too few services: 3")), text(lang, "Органы власти: от 58 до 68 %", "Bodies: 58 to 68%")),
        groups=None,
        published=(),
        targets=(Target("T1", "Массовые услуги в электронном виде" if ru else "Mass services online", name, pct(99.0), pct(91.0, 90.5, 91.5, "rounding"), 1.6, pct(1.1, 0.4, 1.8, unit="pp"), "pp", "cannot_tell", "Цель 2030 года: данных недостаточно." if ru else "Target for 2030: the data cannot tell.", 2030),),
        counts=Counts(96, 41, 9, 37, f"Сроки сократились у 41{N}услуги из 96, выросли у 9." if ru else "Times fell for 41 of 96 services and rose for 9."),
        gaps=(Gap("Информирование" if ru else "Information", "process", pct(6.0, 1.0, 11.0, unit="pp"), "Разрыв: +6,0" if ru else "Gap: +6.0"),),
        quality=quality(lang),
        method=("Индекс — среднее по органам власти.",) if ru else ("The index is the mean over bodies.",),
        sources=(Source("DEMO1", "Проект", "Демонстрационные данные", "2026-01-15", "", "0123456789ab"),),
        colophon=Colophon("05_region_report", "abcdef012345", contact="reports@region.example", made_date="2026-11-22", next_issue="2027-05-20"),
        country_difference=pct(5.7, 2.1, 9.3, unit="pp"),
    )  # fmt: skip


def poor(lang="ru", region=ORYOL):
    """Published figures only: a group in two quarters, no index."""
    ru = lang == "ru"
    name = region.name if ru else region.name_en
    full = rich(lang, region)
    note = "Данных нет." if ru else "No data."
    movement = (
        f"Группа МФЦ: низкая в III{N}квартале 2023{N}г., высокая в IV{N}квартале 2023{N}г."
        if ru
        else "MFC group: low in Q3 2023, high in Q4 2023."
    )
    fact = Fact(
        "F052",
        "Группа эффективности МФЦ" if ru else "MFC efficiency group",
        name,
        "2023-Q4",
        f"IV{N}квартал 2023{N}г." if ru else "Q4 2023",
        "высокая" if ru else "high",
        None,
        "SEED2",
    )
    headline = (
        f"Для {region.genitive} индекс за 2024{N}год не опубликован. Ниже — показатели страны."
        if ru
        else f"No index was published for {name} for 2024. National figures follow."
    )
    return replace(
        full,
        collection="real",
        period="2024-H1",
        period_label=f"I{N}полугодие 2024{N}г." if ru else "first half of 2024",
        is_synthetic=False,
        banner="",
        data_class="poor",
        title=f"Клиентоцентричность: {name}, I{N}полугодие 2024{N}г." if ru else f"Client-centricity: {name}, first half of 2024",
        masthead=f"Клиентоцентричность · {name} · I{N}полугодие 2024{N}г. · предварительные данные" if ru else f"Client-centricity · {name} · first half of 2024 · preliminary data",
        description=headline,
        headline=Headline("H4", headline, None),
        lead=(),
        kpis=tuple(replace(k, value="н/д" if ru else "n/a", note="нет данных" if ru else "no data", estimate=None) for k in full.kpis),
        main_points=(movement,),
        comparison=None, trend=None, effect=None, next_services=None, rank=None, tiles=None, agencies=None,
        groups=Groups(
            (GroupTotals("2023-Q3", f"III{N}квартал 2023{N}г." if ru else "Q3 2023", 51, None, None, 85, "29"), GroupTotals("2023-Q4", f"IV{N}квартал 2023{N}г." if ru else "Q4 2023", 63, 22, 0, 85, "29")),
            (Mover(region.code, name, "2023-Q3", "2023-Q4", "low", "high", movement),), (movement,), text(lang, "Группа МФЦ изменилась", "The MFC group changed"),
        ),
        published=(FactSection("mfc", "МФЦ" if ru else "MFC", (movement,), (fact,), "Опубликованные значения" if ru else "Published values"),),
        targets=(), counts=None, gaps=(), country_difference=None, movement=movement,
        absent=tuple(Absence(b, note) for b in ("comparison", "trend", "effect", "next_services", "rank", "tiles", "agencies")),
    )  # fmt: skip


def empty(lang="ru", region=VLADIMIR):
    """No published figure: one page that says so, with the national picture."""
    ru = lang == "ru"
    name = region.name if ru else region.name_en
    base = poor(lang, region)
    sentence = (
        f"Для {region.genitive} опубликованных данных за I{N}полугодие 2024{N}г. нет. Ниже — показатели страны."
        if ru
        else f"No data were published for {name} for the first half of 2024. National figures follow."
    )
    fact = Fact(
        "F009",
        "Среднее по федеральным органам" if ru else "Mean of federal bodies",
        "Россия" if ru else "Russia",
        "2023",
        f"2023{N}год" if ru else "2023",
        f"49,5{N}%" if ru else "49.5%",
        pct(49.5, 49.45, 49.55, "rounding", period="2023"),
        "SEED0",
    )
    return replace(
        base,
        data_class="empty",
        headline=Headline("H4", sentence, None),
        description=sentence,
        main_points=(),
        groups=None,
        movement="",
        published=(FactSection("country", "Страна" if ru else "Country", (), (fact,), "Опубликованные значения" if ru else "Published values"),),
    )  # fmt: skip


def national(lang="ru"):
    """The country, synthetic, from the same parts."""
    ru = lang == "ru"
    r = rich(lang)
    sentence = (
        f"Среднее значение индекса по России — 55,6{N}% (95{N}% интервал 54,1–57,1)."
        if ru
        else "The Russian mean of the index is 55.6% (95% interval 54.1–57.1)."
    )
    return NationalResult(
        collection=r.collection, period=r.period, period_label=r.period_label, lang=lang, edition=r.edition,
        edition_label=r.edition_label, is_synthetic=True, banner=r.banner, data_class="rich",
        title="Клиентоцентричность: Россия" if ru else "Client-centricity: Russia", description=sentence,
        masthead=f"Клиентоцентричность · Россия · {r.period_label} · предварительные данные" if ru else f"Client-centricity · Russia · {r.period_label} · preliminary data",
        headline=Headline("H1", sentence, pct(55.6, 54.1, 57.1, n=89)), lead=(), kpis=r.kpis, main_points=r.main_points,
        comparison=r.comparison, trend=r.trend, effect=r.effect, next_services=None, rank=r.rank, tiles=r.tiles,
        groups=poor(lang).groups, published=empty(lang).published, targets=r.targets, counts=r.counts, quality=r.quality,
        method=r.method, sources=r.sources, colophon=replace(r.colophon, notebook="06_national_report"),
    )  # fmt: skip


ALL = {"rich": rich, "poor": poor, "empty": empty, "national": national}
