"""Files about single services: grades before and after (documents), the monthly panel, curators, life situations."""

from typing import Any

import numpy as np
import pandas as pd

from helpers.synthetic import spelling
from helpers.synthetic.grid import BANNER, Draft, Entity, Measure, Sheet, category, count, percent
from helpers.synthetic.panels import ServicePanel
from helpers.synthetic.world import World

PANEL_LABELS = {
    "region_iso": "Субъект РФ",
    "service_id": "Код услуги",
    "month": "Месяц",
    "service_name": "Услуга",
    "agency": "Ведомство",
    "level": "Уровень услуги",
    "life_situation": "Жизненная ситуация",
    "grade": "Оценка",
    "pre_grade": "Оценка при аудите",
    "audit_month": "Начало аудита",
    "is_audit_window": "Месяц аудита",
    "optimised_month": "Оптимизирована с",
    "applications": "Заявлений",
    "median_days": "Срок, медиана",
    "day_unit": "Единица срока",
    "q25_days": "Срок, нижний квартиль",
    "q75_days": "Срок, верхний квартиль",
    "statutory_days": "Срок по регламенту",
    "in_term_share": "Доля в срок, %",
    "open_count": "Не завершено на конец месяца",
    "documents": "Документов на заявление",
    "visits": "Очных визитов",
    "online_share": "Доля онлайн, %",
    "refusal_share": "Доля отказов, %",
}
"""Column of the table ``service_panel`` → label in the monthly file."""

PANEL_WORDS = {
    "level": {"regional": "рег.", "federal": "фед."},
    "day_unit": {"working_day": "р.д.", "calendar_day": "к.д."},
}
_GRADES_HEAD = ("№", "Код", "Наименование услуги")
_GRADES_PAIRS = ("Оценка", "Срок предоставления", "Количество документов", "Количество визитов")


def grade_changes(panel: ServicePanel) -> pd.DataFrame:
    """Optimised services with grade, term, documents and visits before and after, as a report would print them."""
    frame = panel.frame[panel.frame["optimised_month"] != ""]
    ends = frame.groupby("service_id", sort=True).agg(
        region_iso=("region_iso", "first"),
        service_name=("service_name", "first"),
        day_unit=("day_unit", "first"),
        grade_before=("pre_grade", "first"),
        grade_after=("grade", "last"),
        days_before=("statutory_days", "first"),
    )
    effects = panel.truth.services.set_index("service_id").loc[ends.index]
    documents = np.maximum(1, np.round(effects["level_documents"])).astype(int)
    return ends.assign(
        days_before=ends["days_before"].astype(int),
        days_after=np.round(ends["days_before"] * np.exp(effects["effect_log_days"])).astype(int),
        documents_before=documents,
        documents_after=np.round(documents * np.exp(effects["effect_log_documents"])).astype(int),
        visits_before=np.maximum(1, np.round(effects["level_visits"])).astype(int),
        visits_after=np.round(effects["level_visits"] * np.exp(effects["effect_log_visits"])).astype(int),
    ).reset_index()


def grades(world: World, panel: ServicePanel, file: str, district: str, rng: np.random.Generator) -> Draft:
    """Results of optimisation in the regions of one district: a table per region under its name."""
    draft = Draft(file)
    changes = grade_changes(panel)
    for region in world.regions[world.regions["district"] == district].itertuples():
        services = changes[changes["region_iso"] == region.region_iso]
        sheet = draft.sheet(f"table{len(draft.sheets) + 1}")
        if len(draft.sheets) == 1:
            sheet.heading.append(BANNER)
        sheet.heading.append(f"Результаты оптимизации государственных услуг: {region.name}")
        _grades_head(sheet)
        middle = len(services) // 2
        for number, service in enumerate(services.itertuples(), 1):
            if number == middle and len(services) > 15:
                sheet.add(*_GRADES_HEAD, *("до", "после") * len(_GRADES_PAIRS))  # again, as on a new page
            _grades_row(draft, sheet, number, service, rng)
        _grades_tail(draft, sheet, len(services), region.region_iso)
    return draft


def _grades_head(sheet: Sheet) -> None:
    sheet.add(*_GRADES_HEAD, *(cell for pair in _GRADES_PAIRS for cell in (pair, None)))
    sheet.add(None, None, None, *("до", "после") * len(_GRADES_PAIRS))
    sheet.merges += [(1, col, 2, col) for col in (1, 2, 3)]
    sheet.merges += [(1, 4 + 2 * i, 1, 5 + 2 * i) for i in range(len(_GRADES_PAIRS))]


def _grades_row(draft: Draft, sheet: Sheet, number: int, service: Any, rng: np.random.Generator) -> None:
    entity = Entity("d_grades", service.service_name, service.service_id, service.region_iso)
    cells: list[str] = [str(number), service.service_id, service.service_name]
    measures: list[Measure] = []
    for when in ("before", "after"):
        value = getattr(service, f"grade_{when}")
        cells.append(spelling.grade(rng, value))
        measures.append(category("grade", value))
    for when in ("before", "after"):
        text, value, unit, cmp = spelling.term(rng, getattr(service, f"days_{when}"), service.day_unit)
        cells.append(text)
        measures.append(Measure("term", value, unit, cmp))
    for indicator, unit in (("documents", "док."), ("visits", "")):
        for when in ("before", "after"):
            value = getattr(service, f"{indicator}_{when}")
            cells.append(
                "не требуются" if value == 0 and indicator == "documents" else spelling.whole(rng, value, unit)
            )
            measures.append(count(indicator, value))
    row = sheet.add(*cells)
    for col, measure in enumerate(measures, 4):
        draft.accept(sheet, row, col, entity, ("before", "after")[(col - 4) % 2], measure)


def _grades_tail(draft: Draft, sheet: Sheet, services: int, region_iso: str) -> None:
    """A service that left the list, with a grade and terms that nobody can read, and the count."""
    if services > 12:
        code = f"{region_iso}-900"
        cells = ("Д", "Б/В", "10-15 рабочих дней", "по мере готовности", "3 (четыре)", "—", "1", "1")
        row = sheet.add("", code, "Услуга исключена из перечня", *cells)
        reasons = ("bad_grade", "bad_grade", "range_value", "bad_term", "contradictory_number", "missing_value")
        for col, (raw, reason) in enumerate(zip(cells, reasons, strict=False), 4):
            draft.refuse(sheet, row, col, raw, reason)
        entity = Entity("d_grades", "Услуга исключена из перечня", code, region_iso)
        for col, when in ((10, "before"), (11, "after")):
            draft.accept(sheet, row, col, entity, when, count("visits", 1))
    sheet.add("", "", f"Итого услуг: {services}", *[""] * 8)


def monthly(world: World, panel: ServicePanel, file: str, rng: np.random.Generator) -> tuple[Draft, pd.DataFrame]:
    """Monthly figures of every service, comma decimals, shares in per cent; a few cells without data.

    Returns
    -------
    tuple
        The file and the panel as it must be read: the hidden cells are missing.
    """
    frame = panel.frame.copy()
    hidden = rng.choice(len(frame), len(frame) // 500, replace=False)
    durations = ["median_days", "q25_days", "q75_days", "in_term_share"]
    frame.loc[hidden, durations] = np.nan
    names = world.regions.set_index("region_iso")["name"]
    spelt = {iso: [spelling.region(rng, name) for _ in range(4)] for iso, name in names.items()}
    out = pd.DataFrame(index=frame.index)
    kinds = rng.integers(0, 4, len(frame))
    for column, label in PANEL_LABELS.items():
        values = frame[column]
        if column == "region_iso":
            out[label] = [spelt[iso][kind] for iso, kind in zip(values, kinds, strict=True)]
        elif column in PANEL_WORDS:
            out[label] = values.map(PANEL_WORDS[column])
        elif column == "is_audit_window":
            out[label] = np.where(values, "да", "")
        elif column.endswith("_share"):
            out[label] = _decimals(100 * values)
        elif column in ("median_days", "q25_days", "q75_days", "documents"):
            out[label] = _decimals(values)
        elif column == "statutory_days":
            out[label] = values.astype(int)
        else:
            out[label] = values
    draft = Draft(file)
    sheet = draft.sheet("")
    sheet.add(f"{BANNER}. Помесячные показатели услуг")
    sheet.add(*out.columns)
    sheet.rows += out.to_numpy(dtype=object).tolist()
    for position in sorted(hidden.tolist()):
        for column in durations:
            col = list(PANEL_LABELS).index(column) + 1
            draft.refuse(sheet, position + 3, col, "н/д", "missing_value")
    return draft, frame


def _decimals(values: pd.Series) -> pd.Series:
    text = values.round(1).map("{:.1f}".format).str.replace(".", ",", regex=False)
    return text.where(values.notna(), "н/д")


def curators(world: World, file: str, period: str, rng: np.random.Generator) -> Draft:
    """How many services of a region have a curator; the share is a bound where nobody counted."""
    draft = Draft(file)
    sheet = draft.sheet("")
    words = {"2024": "2024 год", "2025-H1": "1-е полугодие 2025 года"}[period]
    sheet.add(f"{BANNER}. Назначение кураторов услуг, {words}")
    sheet.add("Субъект", "Услуг всего", "Услуг с куратором", "Доля услуг с куратором, %")
    table = world.curators[world.curators["period"] == period].merge(world.regions, on="region_iso")
    uncounted = set(rng.choice(len(table), 2, replace=False).tolist())
    for position, region in enumerate(table.itertuples()):
        entity = Entity("g_curators", spelling.region(rng, region.name), region.region_iso, region.region_iso)
        share = 100 * region.with_curator / region.services
        numbers = (str(region.services), str(region.with_curator))
        last = "более 40%" if position in uncounted else spelling.percent_text(rng, share, 1)
        row = sheet.add(entity.raw, *numbers, last)
        draft.accept(sheet, row, 2, entity, period, count("services_total", region.services))
        draft.accept(sheet, row, 3, entity, period, count("services_with_curator", region.with_curator))
        if position in uncounted:
            draft.refuse(sheet, row, 4, last, "censored_value")
        else:
            draft.accept(sheet, row, 4, entity, period, percent("curator_share", share, 1))
    sheet.add("Всего по России", str(table["services"].sum()), str(table["with_curator"].sum()), "")
    return draft


def life_situations(world: World, file: str, rng: np.random.Generator) -> Draft:
    """Bundles of services on a web page: how many services, documents, visits and days before and after."""
    draft = Draft(file)
    draft.sheets.append(Sheet("table1"))  # the site menu
    sheet = draft.sheet("table2")
    sheet.heading += [BANNER, "Жизненные ситуации: результаты запуска"]
    pairs = ("Количество документов", "Количество визитов", "Срок предоставления")
    head = ("Код", "Жизненная ситуация", "Дата запуска", "Количество услуг")
    sheet.add(*head, *(cell for pair in pairs for cell in (pair, None)))
    sheet.add(*[None] * 4, *("до", "после") * 3)
    sheet.merges += [(1, col, 2, col) for col in range(1, 5)] + [(1, 5 + 2 * i, 1, 6 + 2 * i) for i in range(3)]
    for situation in world.situations.itertuples():
        entity = Entity("f_life_situations", situation.name, situation.code)
        launched = situation.launched.strftime("%d.%m.%Y")
        cells: list[str] = [situation.code, situation.name, launched, str(situation.n_services)]
        measures = [
            ("", Measure("launch_date", situation.launched.isoformat(), "date")),
            ("", count("services", situation.n_services)),
        ]
        for indicator in ("documents", "visits"):
            for when in ("before", "after"):
                value = getattr(situation, f"{indicator}_{when}")
                cells.append(str(value))
                measures.append((when, count(indicator, value)))
        for when in ("before", "after"):
            text, value, unit, cmp = spelling.term(rng, getattr(situation, f"days_{when}"), "working_day")
            cells.append(text)
            measures.append((when, Measure("term", value, unit, cmp)))
        row = sheet.add(*cells)
        for col, (when, measure) in enumerate(measures, 3):
            draft.accept(sheet, row, col, entity, when, measure)
    return draft
