"""Road maps (workbook, points and summary) and applicants' marks in the form of «Ваш контроль» (XML)."""

import datetime as dt
from xml.sax.saxutils import quoteattr

import numpy as np
import pandas as pd

from helpers.synthetic import spelling
from helpers.synthetic.grid import BANNER, Draft, Entity, Measure, category, count
from helpers.synthetic.world import FEEDBACK_THEMES, World

THEME_TITLES = {
    9: "Время предоставления услуги",
    10: "Время ожидания в очереди",
    11: "Вежливость и компетентность сотрудника",
    12: "Комфортность условий",
    13: "Доступность информации о порядке предоставления услуги",
}
THEME_INDICATORS = {9: "time", 10: "queue", 11: "politeness", 12: "premises", 13: "information"}
SCORE_TITLES = ("Очень плохо", "Плохо", "Нормально", "Хорошо", "Отлично")
SUMMARY_COLUMNS = {
    "points_total": "Всего КТ",
    "points_due": "Срок наступил",
    "points_done": "Исполнено",
    "points_not_done": "Не исполнено",
}


def roadmap(world: World, file: str, year: int, rng: np.random.Generator) -> Draft:
    """Control points of one year: the body over its merged rows, dates in five forms, a hidden old sheet."""
    draft = Draft(file)
    sheet = draft.sheet(f"ДК {year}")
    sheet.add(BANNER)
    sheet.add(f"Исполнение ведомственных «дорожных карт», {year} год")
    sheet.merges += [(1, 1, 1, 6), (2, 1, 2, 6)]
    sheet.add("ФОИВ", "№ КТ", "Контрольная точка", "Срок (план)", "Дата исполнения (факт)", "Статус")
    points = world.roadmap[world.roadmap["year"] == year]
    bad = dict(
        zip(rng.choice(len(points), 2, replace=False).tolist(), (f"31.02.{year}", f"IV кв. {year}"), strict=True)
    )
    position = 0
    for body, group in points.groupby("body", sort=False):
        first = len(sheet.rows) + 1
        for point in group.itertuples():
            entity = Entity("e_roadmap", str(body), f"{body} / {point.point}")
            name = body if len(sheet.rows) + 1 == first else None
            plan = bad.get(position) or spelling.date(rng, point.plan)
            empty = spelling.one_of(rng, ("", "—"))
            fact = spelling.date(rng, point.fact) if isinstance(point.fact, dt.date) else empty
            status = spelling.one_of(rng, spelling.STATUS_WORDS[point.status])
            row = sheet.add(name, point.point, f"Мероприятие {point.point}", plan, fact, status)
            if position in bad:
                reason = "bad_date" if bad[position].startswith("31") else "imprecise_date"
                draft.refuse(sheet, row, 4, bad[position], reason)
            else:
                measure = Measure("plan_date", point.plan.isoformat(), "date")
                draft.accept(sheet, row, 4, entity, str(year), measure)
            if isinstance(point.fact, dt.date):
                measure = Measure("fact_date", point.fact.isoformat(), "date")
                draft.accept(sheet, row, 5, entity, str(year), measure)
            draft.accept(sheet, row, 6, entity, str(year), category("status", point.status))
            position += 1
        sheet.merge_down(1, first, len(sheet.rows))
        sheet.add("Всего по ведомству", None, None, len(group), None, None)
    old = draft.sheet("Лист2", is_hidden=True)
    old.add("старая версия")
    old.add("Росреестр", "1.1", "Мероприятие 1.1", "01.01.2020", None, "исполнено")
    return draft


def roadmap_counts(world: World, year: int) -> pd.DataFrame:
    """Points of every body: all, due, done, not done."""
    points = world.roadmap[world.roadmap["year"] == year]
    flags = pd.DataFrame(
        {
            "body": points["body"],
            "points_total": 1,
            "points_due": points["status"].ne("not_due").astype(int),
            "points_done": points["status"].isin(["done", "done_late"]).astype(int),
            "points_not_done": points["status"].eq("not_done").astype(int),
        }
    )
    return flags.groupby("body", sort=False).sum().reset_index()


def roadmap_summary(world: World, file: str, year: int) -> Draft:
    """One row per body."""
    draft = Draft(file)
    sheet = draft.sheet("Сводная")
    sheet.add(BANNER)
    sheet.add(f"Сводные сведения об исполнении «дорожных карт» за {year} год")
    sheet.merges += [(1, 1, 1, 5), (2, 1, 2, 5)]
    sheet.add("ФОИВ", *SUMMARY_COLUMNS.values())
    counts = roadmap_counts(world, year)
    for body in counts.to_dict("records"):
        entity = Entity("e_roadmap", body["body"], body["body"])
        row = sheet.add(body["body"], *(body[column] for column in SUMMARY_COLUMNS))
        for col, column in enumerate(SUMMARY_COLUMNS, 2):
            draft.accept(sheet, row, col, entity, str(year), count(column, body[column]))
    sheet.add("Всего", *(int(counts[column].sum()) for column in SUMMARY_COLUMNS))
    return draft


def feedback(world: World, file: str) -> Draft:
    """Answers of applicants as a reader sees them: one row per answer, five fields, then one column per question."""
    draft = Draft(file)
    sheet = draft.sheet("answers")
    for row, answer in enumerate(world.feedback.to_dict("records"), 2):
        entity = Entity("h_feedback", str(answer["order"]), str(answer["order"]), str(answer["region_iso"]))
        for col, (theme, indicator) in enumerate(THEME_INDICATORS.items(), 6):
            mark = Measure(indicator, str(answer[str(theme)]), "points")
            draft.accept(sheet, row, col, entity, str(answer["received"])[:7], mark)
    return draft


def feedback_xml(world: World) -> bytes:
    """Form and answers; an answer names the body, the territory (OKATO) and one mark per question."""
    blocks = "".join(_indicator(theme, first) for theme, first in FEEDBACK_THEMES.items())
    themes = [str(theme) for theme in FEEDBACK_THEMES]
    answers = "".join(_answer(row, themes) for row in world.feedback.to_dict("records"))
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<!-- {BANNER} -->\n"
        '<mkgu:body xmlns:mkgu="urn:mkgu:demo">\n<form service-type="federal" version="0.0.4" updated_at="2013-09-01">'
        f'<blocks><block id="1" optional="false"/></blocks><indicators>{blocks}</indicators></form>\n'
        f"<answers>\n{answers}</answers>\n</mkgu:body>\n"
    )
    return text.encode("utf-8")


def _indicator(theme: int, first: int) -> str:
    values = "".join(
        f'<value id="{first + step}" data-type="integer"><title>{title}</title>'
        f"<alt-title>{step + 1}</alt-title></value>"
        for step, title in enumerate(SCORE_TITLES)
    )
    return (
        f'<indicator id="{theme}" queue="{theme}" view-as="radio" block-id="1"><title>{THEME_TITLES[theme]}</title>'
        f"<description/><values>{values}</values></indicator>"
    )


def _answer(row: dict[str, object], themes: list[str]) -> str:
    rates = "".join(
        f'<rate indicator-id="{theme}" value-id="{FEEDBACK_THEMES[int(theme)] + int(str(row[theme])) - 1}"/>'
        for theme in themes
    )
    return (
        f'<answer form-version="0.0.4" orderNumber={quoteattr(str(row["order"]))} authorityId="D{row["okato"]}" '
        f'receivedDate="{row["received"]}" okato="{row["okato"]}"><rates>{rates}</rates></answer>\n'
    )


def feedback_truth(world: World) -> pd.DataFrame:
    """Answers and mean mark by region and question."""
    marks = world.feedback.rename(columns={str(theme): name for theme, name in THEME_INDICATORS.items()})
    long = marks.melt("region_iso", list(THEME_INDICATORS.values()), "indicator", "score")
    return long.groupby(["region_iso", "indicator"])["score"].agg(["count", "mean"]).reset_index()
