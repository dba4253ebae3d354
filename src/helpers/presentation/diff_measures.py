"""What two runs are compared by: every headline, key figure and number of a main table of a result, by a stable key."""

from collections.abc import Iterator
from dataclasses import dataclass

from helpers.presentation import wording
from helpers.presentation.results import NationalResult, RegionalResult, Result
from helpers.presentation.results.estimates import Estimate
from helpers.presentation.wording.terms import INDICATORS, pick, term

# Kinds of measures in the order of the page; a change is compared in size with others of its kind only.
KINDS: dict[str, tuple[str, str]] = {
    "index": ("Индекс", "Index"),
    "rank": ("Место", "Rank"),
    "group": ("Этапы и группы МФЦ", "Stages and MFC groups"),
    "points": ("Баллы рейтинга МФЦ", "Points of the MFC rating"),
    "services": ("Услуги и сроки", "Services and times"),
    "effect": ("Оценки оптимизации", "Estimates of optimisation"),
    "body": ("Органы власти и процессы", "Bodies and processes"),
    "published": ("Опубликованные значения", "Published figures"),
    "targets": ("Цели", "Targets"),
    "data": ("Данные", "Data"),
}


@dataclass(frozen=True)
class Measure:
    """One number or word of a report: ``text`` is what the report shows, ``estimate`` the number behind it.

    ``subject`` is whom it is about, if not the region or country of the report.
    """

    key: str
    kind: str  # of KINDS
    label: str
    text: str
    estimate: Estimate | None = None
    subject: str = ""


def measures(result: Result) -> dict[str, Measure]:
    """All measures of a result by key, in the order of the report."""
    found = list(_common(result))
    found += list(_regional(result) if isinstance(result, RegionalResult) else _national(result))
    return {item.key: item for item in found if item.text}


def _number(key: str, kind: str, label: str, estimate: Estimate | None, lang: str) -> Measure:
    return Measure(key, kind, label, wording.level(estimate, lang) if estimate is not None else "", estimate)


def _count(key: str, kind: str, label: tuple[str, str], value: int, lang: str) -> Measure:
    return _number(key, kind, pick(label, lang), Estimate(float(value)), lang)


def _common(result: Result) -> Iterator[Measure]:
    lang = result.lang
    yield _number("index", "index", term(INDICATORS, "index", lang), result.headline.estimate, lang)
    place = result.rank
    if place is not None and place.rank_low is not None and place.rank_high is not None:
        bounds = f"{place.rank_low}–{place.rank_high}"
        yield Measure("rank", "rank", pick(("Границы места", "Bounds of the rank"), lang), bounds)
    if place is not None and place.units_ranked:
        yield _count("units", "rank", ("Участников", "Participants"), place.units_ranked, lang)
    yield Measure("stage", "group", term(INDICATORS, "stage", lang), result.headline.stage)
    for card in result.kpis:
        if card.key in ("services", "days") and card.estimate is not None:
            yield Measure(f"kpi {card.key}", "services", card.label, card.value, card.estimate)
    for item in result.targets:
        is_own = isinstance(result, NationalResult) or item.entity in (result.region.name, result.region.name_en)
        if is_own and item.current is not None:
            yield _number(f"target {item.target_id}", "targets", item.label, item.current, lang)
    used = sum(row.n_accepted for row in result.quality.rows)
    yield _count("values", "data", ("Значений учтено", "Values used"), used, lang)


def _regional(result: RegionalResult) -> Iterator[Measure]:
    lang = result.lang
    if result.standing is not None:
        if result.standing.group:
            group = wording.group_word(result.standing.group, lang)
            yield Measure("group", "group", term(INDICATORS, "level", lang), group)
        label = pick(("Баллы рейтинга МФЦ", "Points of the MFC rating"), lang)
        yield _number("points", "points", label, result.standing.points, lang)
    if result.counts is not None:
        counts = result.counts
        yield _count("n", "services", ("Услуг в отчёте", "Services in the report"), counts.n, lang)
        yield _count("shorter", "services", ("Сроки сократились", "Times fell"), counts.shorter, lang)
        yield _count("longer", "services", ("Сроки выросли", "Times rose"), counts.longer, lang)
    if result.effect is not None and result.effect.regional is not None:
        yield _number("effect", "effect", result.effect.results[0].label, result.effect.regional, lang)
    if result.next_services is not None and result.next_services.rows:
        first = result.next_services.rows[0]
        label = pick(("Первая в списке «Что оптимизировать дальше»", "First of “Services to optimise next”"), lang)
        yield Measure("next", "services", label, first.name)
    for body in result.agencies.rows if result.agencies is not None else ():
        yield _number(f"body {body.name}", "body", body.name, body.estimate, lang)
    for gap in result.gaps:
        yield _number(f"gap {gap.name}", "body", gap.name, gap.difference, lang)
    for section in result.published:
        for fact in section.facts if section.key == "region" else ():
            label = f"{fact.label}, {fact.period_label}"
            yield Measure(
                f"fact {fact.label} {fact.entity} {fact.period}", "published", label, fact.value, fact.estimate
            )


def _national(result: NationalResult) -> Iterator[Measure]:
    lang = result.lang
    for row in result.comparison.rows if result.comparison is not None else ():
        if row.kind != "country":
            name, text = term(INDICATORS, "index", lang), wording.level(row.estimate, lang)
            yield Measure(f"row {row.key}", "index", name, text, row.estimate, row.label)
    for total in result.groups.totals[-1:] if result.groups is not None else ():
        names = (("высокая", "high"), ("средняя", "medium"), ("низкая", "low"))
        for level, value in zip(names, (total.high, total.medium, total.low), strict=True):
            label = (f"Регионов, группа МФЦ {level[0]}", f"Regions, MFC group {level[1]}")
            if value is not None:
                yield _count(f"group {level[1]}", "group", label, value, lang)
    for item in result.effect.results if result.effect is not None else ():
        yield _number(f"effect {item.outcome}", "effect", item.label, item.estimate, lang)
    for section in result.published:
        for fact in section.facts:
            shown = f"{fact.label}, {fact.entity}, {fact.period_label}"
            key = f"fact {section.key} {fact.label} {fact.entity} {fact.period}"
            yield Measure(key, "published", shown, fact.value, fact.estimate)
