"""Index files: federal bodies and questionnaires (workbooks), regions (text tables, two periods side by side)."""

import numpy as np
import pandas as pd

from helpers.synthetic import spelling
from helpers.synthetic.grid import BANNER, Draft, Entity, Measure, Sheet, category, percent
from helpers.synthetic.names import PROCESSES, REGIONAL_BODIES
from helpers.synthetic.world import World

INDEX_TITLE = "Индекс внедрения принципов и стандартов клиентоцентричности в деятельность федеральных органов"
PERIOD_WORDS = {
    "2023": "2023 год",
    "2024": "2024 год",
    "2024-H1": "1-е полугодие 2024 года",
    "2025-H1": "1-е полугодие 2025 года",
}


def federal(world: World, file: str, periods: tuple[str, ...], rng: np.random.Generator) -> Draft:
    """Federal index: merged two-row header, a pair of columns (index, place) per period, sorted by the last."""
    draft = Draft(file)
    sheet = _federal_head(draft, periods)
    values = world.federal.pivot_table(index="body", columns="period", values="index")
    order = values[list(periods)].sort_values(periods[-1], ascending=False).index
    full = world.bodies.set_index("short_name")["full_name"]
    places = 2 + rng.choice(len(order) - 2, 3, replace=False)  # the first row is repeated below and stays clean
    spoilt = dict(zip(places.tolist(), "nco", strict=True))
    for place, body in enumerate(order, 1):
        entity = Entity("a_fed_index", spelling.body(rng, body, full[body]), body)
        row = sheet.add(place, entity.raw)
        for column, period in enumerate(periods):
            value, col = float(values.loc[body, period]), 3 + 2 * column
            is_last = column == len(periods) - 1
            cell = _spoilt_percent(spoilt[place]) if is_last and place in spoilt else None
            sheet.rows[-1] += [cell or spelling.percent(rng, value, 1), str(place) if is_last else ""]
            if cell:
                reason = {"н/д": "missing_value", "более 40%": "censored_value"}.get(cell, "out_of_range")
                draft.refuse(sheet, row, col, cell, reason)
            else:
                draft.accept(sheet, row, col, entity, period, percent("index", value, 1))
    _federal_tail(draft, sheet, world, periods, list(order))
    old = draft.sheet("Лист2", is_hidden=True)
    old.add("старая версия")
    old.add("Росреестр", 12.3)
    return draft


def _federal_head(draft: Draft, periods: tuple[str, ...]) -> Sheet:
    sheet = draft.sheet("Рейтинг")
    width = 2 + 2 * len(periods)
    for text in (BANNER, INDEX_TITLE):
        row = sheet.add(text)
        sheet.merges.append((row, 1, row, width))
    sheet.add()
    top = sheet.add("№\nп/п", "Наименование ФОИВ", *(cell for p in periods for cell in (PERIOD_WORDS[p], None)))
    sheet.add(None, None, *("Индекс, %", "Место") * len(periods))
    sheet.merges += [(top, 1, top + 1, 1), (top, 2, top + 1, 2)]
    sheet.merges += [(top, 3 + 2 * i, top, 4 + 2 * i) for i in range(len(periods))]
    sheet.add(*range(1, width + 1))
    return sheet


def _spoilt_percent(kind: str) -> str:
    return {"n": "н/д", "c": "более 40%", "o": "146,3%"}[kind]


def _federal_tail(draft: Draft, sheet: Sheet, world: World, periods: tuple[str, ...], order: list[str]) -> None:
    """A repeated row, a body that is on no list, the mean, the footnote."""
    first = next(row for row, cells in enumerate(sheet.rows, 1) if len(cells) > 2 and cells[0] == 1 and cells[1] != 2)
    again = list(sheet.rows[first - 1])
    again[0] = len(order) + 1
    row = sheet.add(*again)
    draft.refuse(sheet, row, None, str(again[1]), "duplicate_exact")
    row = sheet.add(len(order) + 2, "Агентство стратегического развития регионов", *("51,0%", "") * len(periods))
    draft.refuse(sheet, row, None, "Агентство стратегического развития регионов", "unknown_entity")
    means = world.federal.groupby("period")["index"].mean()
    cells = [cell for p in periods for cell in (f"{means[p]:.1f}%".replace(".", ","), None)]
    sheet.add(None, "Среднее значение по ФОИВ", *cells)
    sheet.add()
    row = sheet.add("* Значения вымышлены; порядок органов случаен.")
    sheet.merges.append((row, 1, row, 2 + 2 * len(periods)))


def regional(world: World, file: str, periods: tuple[str, str], rng: np.random.Generator) -> Draft:
    """Regional index: two periods side by side, change, stage of the later one; districts, total and notes between."""
    draft = Draft(file)
    sheet = draft.sheet("")
    sheet.add(BANNER, "", "", "", "")
    sheet.add("Наименование субъекта", f"за {PERIOD_WORDS[periods[0]]}", PERIOD_WORDS[periods[1]], "Изменение", "Этап")
    values = world.index.pivot_table(index="region_iso", columns="period", values="index")
    stages = world.index.set_index(["region_iso", "period"])["stage"]
    for district, members in world.regions.groupby("district", sort=True):
        means = values.loc[members["region_iso"], list(periods)].mean()
        cells = [f"{means[p]:.1f}".replace(".", ",") for p in periods]
        if district:
            row = sheet.add(district, *cells, "", "")
            draft.refuse(sheet, row, None, str(district), "federal_district")
        for region in members.itertuples():
            entity = Entity("b_region_index", spelling.region(rng, region.name), region.region_iso, region.region_iso)
            pair = [float(values.loc[region.region_iso, period]) for period in periods]
            _regional_row(draft, sheet, entity, periods, pair, stages[region.region_iso, periods[1]], rng)
    row = sheet.add("Алтай", "31,20", "40,10", "+8,90", "базовый")
    draft.refuse(sheet, row, None, "Алтай", "ambiguous_entity")
    repeat = next(cells for cells in reversed(sheet.rows[:-1]) if "н/д" not in cells)
    row = sheet.add(*repeat)
    draft.refuse(sheet, row, None, str(repeat[0]), "duplicate_exact")
    total = values[list(periods)].mean()
    sheet.add("Российская Федерация", *(f"{total[p]:.2f}".replace(".", ",") for p in periods), "", "")
    sheet.add("", "", "", "", "")
    sheet.add("Примечание: границы этапов условные, официально они не опубликованы.", "", "", "", "")
    return draft


def _regional_row(
    draft: Draft,
    sheet: Sheet,
    entity: Entity,
    periods: tuple[str, str],
    pair: list[float],
    stage: str,
    rng: np.random.Generator,
) -> None:
    words = (stage, stage.capitalize(), stage.upper(), f"{stage} этап", f"  {stage}")
    missing = [np.isnan(value) for value in pair]
    cells = ["н/д" if gone else spelling.percent_text(rng, v, 2) for v, gone in zip(pair, missing, strict=True)]
    change = "—" if any(missing) else f"{pair[1] - pair[0]:+.2f}".replace(".", ",")
    row = sheet.add(entity.raw, *cells, change, spelling.one_of(rng, words))
    for col, (period, value, gone) in enumerate(zip(periods, pair, missing, strict=True), 2):
        if gone:
            draft.refuse(sheet, row, col, "н/д", "missing_value")
        else:
            draft.accept(sheet, row, col, entity, period, percent("index", value, 2))
    draft.accept(sheet, row, 5, entity, periods[1], category("stage", stage))


def questionnaires(world: World, file: str, district: str, period: str, rng: np.random.Generator) -> Draft:
    """Self-assessment of the bodies of one district: a sheet per body, its processes as sections."""
    draft = Draft(file)
    answers = world.questionnaires[world.questionnaires["period"] == period]
    by_body = {key: group for key, group in answers.groupby(["region_iso", "body"])}
    for region in world.regions[world.regions["district"] == district].itertuples():
        for short, full in REGIONAL_BODIES.items():
            name = f"{short} {_sheet_region(region.genitive)}"[:31]
            sheet = draft.sheet(name)
            entity = Entity("b_region_process", f"{full} {region.genitive}", name, region.region_iso)
            _questionnaire(draft, sheet, entity, period, by_body[region.region_iso, short], rng)
    return draft


def _sheet_region(genitive: str) -> str:
    """Genitive of a region, short enough for the name of a sheet."""
    for long, short in (
        ("автономного округа", "АО"), ("автономной области", "авт. обл."), ("Республики", "Респ."),
        ("области", "обл."), (" — Кузбасса", ""), (" — Югры", ""), (" — Алания", ""), (" — Чувашии", ""),
        ("Кабардино-Балкарской Респ.", "Кабардино-Балкарии"), ("Карачаево-Черкесской Респ.", "Карачаево-Черкесии"),
        (" (Адыгея)", ""), (" (Татарстан)", ""), ("Народной Респ.", "Народной Респ"),
    ):  # fmt: skip
        genitive = genitive.replace(long, short)
    return genitive


def _questionnaire(
    draft: Draft, sheet: Sheet, entity: Entity, period: str, answers: pd.DataFrame, rng: np.random.Generator
) -> None:
    sheet.add(BANNER)
    sheet.add(f"Анкета самооценки: {entity.raw}")
    sheet.add(f"Отчётный период: {PERIOD_WORDS[period]}")
    sheet.merges += [(row, 1, row, 6) for row in (1, 2, 3)]
    sheet.add()
    sheet.add("№", "Вопрос", "Ответ", "Подтверждение", "Баллы", "Максимум баллов")
    texts = list(PROCESSES.items())
    process = 0
    for answer in answers.itertuples():
        if answer.process != process:
            process = answer.process
            row = sheet.add(f"Процесс {process}. {texts[process - 1][0]}")
            sheet.merges.append((row, 1, row, 6))
        number = f"{process}.{answer.question}"
        question = texts[process - 1][1][answer.question - 1]
        evidence = "" if rng.random() < 0.5 else "приказ, скриншот"
        applies = not np.isnan(answer.points)
        points = int(answer.points) if applies else "не применимо"
        row = sheet.add(number, question, answer.answer, evidence, points, answer.max_points)
        label = f"process {process} question {number}"
        if applies:
            draft.accept(sheet, row, 5, entity, period, Measure(f"{label}: points", str(points), "points"))
        else:
            draft.refuse(sheet, row, 5, "не применимо", "not_applicable")
        maximum = Measure(f"{label}: max_points", str(answer.max_points), "points")
        draft.accept(sheet, row, 6, entity, period, maximum)
    sheet.add(None, "Итого баллов", None, None, int(answers["points"].sum()), None)
