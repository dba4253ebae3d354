"""Quarterly rating of the service centres in the layouts that such ratings come in: six files, one rating."""

from typing import Any

import numpy as np
import pandas as pd

from helpers.synthetic import spelling
from helpers.synthetic.grid import BANNER, Draft, Entity, Sheet, category, points
from helpers.synthetic.world import MFC_PARTS, World

LABELS = ("Доступность", "Качество услуг", "Клиентоцентричность", "Цифровизация офисов", "СПС")
LEVEL_NAMES = {"high": "Высокий", "medium": "Средний", "low": "Низкий"}
ROMAN = ("I", "II", "III", "IV")
LEGEND = "СПС – секторы пользовательского сопровождения"


def _rated(world: World, period: str) -> pd.DataFrame:
    """Regions of a quarter with points and level, best first."""
    rated = world.mfc[world.mfc["period"] == period].merge(world.regions[["region_iso", "name"]], on="region_iso")
    return rated.sort_values("total", ascending=False, kind="stable")


def _entity(rng: np.random.Generator, name: str, iso: str) -> Entity:
    return Entity("c_mfc", spelling.region(rng, name), iso, iso)


def levels_2023(world: World, file: str, rng: np.random.Generator) -> Draft:
    """Levels of four quarters as letters with Latin twins; counts and a legend under the table."""
    draft = Draft(file)
    sheet = draft.sheet("Динамика")
    sheet.add(BANNER)
    sheet.add("Уровень эффективности МФЦ по кварталам")
    sheet.add("Субъект РФ", "2023 год", None, None, None)
    sheet.add(None, *(f"{number} квартал" for number in ROMAN))
    sheet.merges += [(1, 1, 1, 5), (2, 1, 2, 5), (3, 1, 4, 1), (3, 2, 3, 5)]
    year = world.mfc[world.mfc["period"].str.startswith("2023")]
    table = year.pivot_table(index="region_iso", columns="period", values="level", aggfunc="first")
    names = world.regions.set_index("region_iso")["name"]
    for iso in table.index:
        entity = _entity(rng, names[iso], iso)
        row = sheet.add(entity.raw, *(spelling.one_of(rng, spelling.LEVEL_LETTERS[table.loc[iso, p]]) for p in table))
        for col, period in enumerate(table, 2):
            draft.accept(sheet, row, col, entity, period, category("level", table.loc[iso, period]))
    for level, name in LEVEL_NAMES.items():
        sheet.add(f"{name}, число субъектов", *(int((table[p] == level).sum()) for p in table))
    sheet.add("В – высокий, С – средний, Н – низкий уровень")
    return draft


def sections(world: World, file: str, period: str, note: str, rng: np.random.Generator) -> Draft:
    """Points by criterion under a two-row header, levels as sections and as a column; one total does not add up."""
    draft = Draft(file)
    sheet = draft.sheet("Рейтинг")
    year, quarter = period.split("-Q")
    sheet.add(BANNER)
    sheet.add(f"Рейтинг МФЦ. {quarter} квартал {year} года")
    sheet.add(note)
    _points_head(sheet)
    rated = _rated(world, period)
    wrong = int(rng.integers(5, 40))
    place = 0
    for level, group in rated.groupby("level", sort=False):
        name = LEVEL_NAMES[str(level)]
        row = sheet.add(f"{name} уровень эффективности ({len(group)} субъектов)")
        sheet.merges.append((row, 1, row, 9))
        for region in group.itertuples():
            place += 1
            shown = region.total + (5.5 if place == wrong else 0.0)
            _points_row(draft, sheet, place, region, shown, rng)
    if year < "2025":
        _not_rated(draft, sheet, world)
    row = sheet.add(f"Всего: {len(rated)} субъектов")
    sheet.merges.append((row, 1, row, 9))
    row = sheet.add(LEGEND)
    sheet.merges.append((row, 1, row, 9))
    return draft


def _points_head(sheet: Sheet) -> None:
    sheet.merges += [(row, 1, row, 9) for row in range(1, len(sheet.rows) + 1)]
    sheet.add()
    top = sheet.add(
        "№", "Субъект Российской Федерации", "Показатели, баллы", None, None, None, None, "Итого баллов", "Уровень"
    )
    sheet.add(None, None, *LABELS, None, None)
    sheet.merges += [(top, col, top + 1, col) for col in (1, 2, 8, 9)] + [(top, 3, top, 7)]


def _points_row(draft: Draft, sheet: Sheet, place: int, region: Any, shown: float, rng: np.random.Generator) -> None:
    entity = _entity(rng, region.name, region.region_iso)
    parts = [float(getattr(region, part)) for part in MFC_PARTS]
    words = spelling.LEVEL_WORDS[region.level]
    total = spelling.number(rng, shown)
    row = sheet.add(place, entity.raw, *(spelling.number(rng, v) for v in parts), total, spelling.one_of(rng, words))
    for col, (part, value) in enumerate(zip(MFC_PARTS, parts, strict=True), 3):
        draft.accept(sheet, row, col, entity, region.period, points(part, value))
    if shown == region.total:
        draft.accept(sheet, row, 8, entity, region.period, points("total", region.total))
    else:
        draft.refuse(sheet, row, 8, f"{shown:.1f}", "inconsistent_total")
    draft.accept(sheet, row, 9, entity, region.period, category("level", region.level))


def _not_rated(draft: Draft, sheet: Sheet, world: World) -> None:
    """Regions that take part from 2025 only."""
    for name in world.regions.loc[~world.regions["in_2023"], "name"]:
        row = sheet.add(None, name, *["—"] * 6, "участие с 2025 г.")
        for col in range(3, 9):
            draft.refuse(sheet, row, col, "—", "missing_value")
        draft.refuse(sheet, row, 9, "участие с 2025 г.", "missing_value")


def web_page(world: World, file: str, period: str, rng: np.random.Generator) -> Draft:
    """Table of a web page: the level is one cell over all its rows, units stand in the cells."""
    draft = Draft(file)
    draft.sheets.append(Sheet("table1"))  # the site menu is the first table of the page
    year, quarter = period.split("-Q")
    sheet = draft.sheet("table2")
    sheet.heading += [BANNER, f"Рейтинг МФЦ, {quarter} квартал {year} года"]
    sheet.add("Место", "Субъект", "Баллы", None, None, None, None, None, "Уровень")
    sheet.add(None, None, "всего", *LABELS, None)
    sheet.merges += [(1, 1, 2, 1), (1, 2, 2, 2), (1, 3, 1, 8), (1, 9, 2, 9)]
    place = 0
    for level, group in _rated(world, period).groupby("level", sort=False):
        first = len(sheet.rows) + 1
        word = spelling.one_of(rng, spelling.LEVEL_WORDS[str(level)])
        for region in group.itertuples():
            place += 1
            entity = _entity(rng, region.name, region.region_iso)
            values = {name: float(getattr(region, name)) for name in ("total", *MFC_PARTS)}
            cells = [spelling.number_text(rng, value, unit="балла") for value in values.values()]
            row = sheet.add(str(place), entity.raw, *cells, word if len(sheet.rows) + 1 == first else None)
            for col, (name, value) in enumerate(values.items(), 3):
                draft.accept(sheet, row, col, entity, period, points(name, value))
            draft.accept(sheet, row, 9, entity, period, category("level", region.level))
        sheet.merge_down(9, first, len(sheet.rows))
    sheet.add("", f"Итого участников: {place}", *[""] * 7)
    return draft


def long_table(world: World, file: str, period: str, rng: np.random.Generator) -> Draft:
    """One row per region with the period in words; repeated, contradictory and unreadable rows among them."""
    draft = Draft(file)
    sheet = draft.sheet("")
    year, number = period.split("-Q")
    roman = ROMAN[int(number) - 1]
    words = (
        f"{number} кв. {year}",
        f"{roman} квартал {year} г.",
        f"{number} квартал {year} года",
        f"{roman} кв. {year}",
    )
    sheet.add("sep=;")
    sheet.add("Период", "Субъект", *(f"{label}, баллы" for label in LABELS), "Итого, баллы", "Уровень")
    rated = _rated(world, period)
    doubled = set(rated["region_iso"].iloc[rng.choice(len(rated), 3, replace=False)])
    for position, region in enumerate(rated.sample(frac=1, random_state=int(rng.integers(1 << 31))).itertuples()):
        entity = _entity(rng, region.name, region.region_iso)
        values = {name: float(getattr(region, name)) for name in (*MFC_PARTS, "total")}
        cells = [spelling.number_text(rng, value, unit="б.") for value in values.values()]
        level = spelling.one_of(rng, spelling.LEVEL_WORDS[region.level])
        cells = [spelling.one_of(rng, words), entity.raw, *cells, level]
        row = sheet.add(*cells)
        if region.region_iso in doubled and len(doubled) == 1:  # the last of them contradicts itself
            other = [*cells[:2], cells[2], *cells[3:-1], "низкий" if region.level == "high" else "высокий"]
            doubled.clear()
            for place, raw in ((row, cells), (sheet.add(*other), other)):
                draft.refuse(sheet, place, None, str(raw[1]), "duplicate_conflict")
            continue
        for col, (name, value) in enumerate(values.items(), 3):
            draft.accept(sheet, row, col, entity, period, points(name, value))
        draft.accept(sheet, row, 9, entity, period, category("level", region.level))
        if region.region_iso in doubled:
            doubled.discard(region.region_iso)
            draft.refuse(sheet, sheet.add(*cells), None, entity.raw, "duplicate_exact")
        if position == 30:
            sheet.add(*[""] * 9)
    _unreadable_rows(draft, sheet, words[0], year)
    return draft


def _unreadable_rows(draft: Draft, sheet: Sheet, period: str, year: str) -> None:
    filler = ["20,0", "20,0", "15,0", "15,0", "8,0", "78,0", "средний"]
    for when, name, reason in (
        (f"5 кв. {year}", "Тульская область", "bad_period"),
        (period, "Приволжский ФО", "federal_district"),
        (period, "Чувашия, Марий Эл", "aggregate_entity"),
        (period, "Мангистауская область", "unknown_entity"),
    ):
        draft.refuse(sheet, sheet.add(when, name, *filler), None, name, reason)
    sheet.add(f"* {BANNER}", *[""] * 8)


def plain(world: World, file: str, period: str, rng: np.random.Generator) -> Draft:
    """Spreadsheet with a one-row header, places that tie, and levels as words."""
    draft = Draft(file)
    sheet = draft.sheet("Лист1")
    year, quarter = period.split("-Q")
    sheet.add(BANNER)
    sheet.add(f"Эффективность деятельности МФЦ за {quarter} квартал {year} года")
    sheet.merges += [(1, 1, 1, 9), (2, 1, 2, 9)]
    sheet.add("Место", "Субъект РФ", *LABELS, "Итого баллов", "Уровень эффективности")
    for place, region in enumerate(_rated(world, period).itertuples(), 1):
        _points_row(draft, sheet, place, region, region.total, rng)
    sheet.add(None, "Среднее по субъектам", None, None, None, None, None, 79.4, None)
    sheet.add(f"Примечание. {LEGEND}")
    return draft
