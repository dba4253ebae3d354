"""Tables of published figures, targets, data quality and sources from the result object."""

from helpers.presentation import formats, publications, wording
from helpers.presentation.results import Result
from helpers.presentation.results_estimates import Estimate
from helpers.presentation.tables_build import words
from helpers.presentation.tables_parts import (
    Column,
    Table,
    change_interval,
    change_text,
    estimate_columns,
    estimate_values,
    whole_text,
)
from helpers.presentation.wording_terms import VERDICTS, pick, term


def published(result: Result) -> tuple[Table, ...]:
    """Published figures, one table a section."""
    columns = (
        Column("fact_id", "published figure"),
        Column("indicator", "what it is"),
        Column("entity", "of what"),
        Column("source_id", "source"),
        Column("mark", "contradiction found by the audit"),
        *estimate_columns("value as published"),
        Column("text", "value as shown"),
        Column("fact_period", "period as published"),
    )
    found = []
    for s in result.published:
        rows = tuple(
            (f.fact_id, f.label, f.entity, f.source_id, f.mark, *estimate_values(f.estimate), f.value, f.period)
            for f in s.facts
        )
        head = words(
            result,
            ("Показатель", "Figure"),
            ("Чей", "Of what"),
            ("Период", "Period"),
            ("Значение", "Value"),
            ("Источник", "Source"),
        )
        cells = tuple(
            (
                f.label,
                f.entity,
                f.period_label,
                f.value + (f" · {f.mark}" if f.mark else ""),
                f"{publications.name(f.source_id, result.lang)}, {f.fact_id}",
            )
            for f in s.facts
        )
        found.append(Table(f"published_{s.key.replace('-', '_')}", s.caption, columns, rows, head, cells))
    return tuple(found)


def targets(result: Result) -> Table | None:
    """Targets with their pace."""
    if not result.targets:
        return None
    lang = result.lang
    columns = (
        Column("target_id", "target"),
        Column("label", "what is to be reached"),
        Column("entity", "of whom"),
        Column("year", "year", "", "integer"),
        *estimate_columns("target", "target_"),
        *estimate_columns("current value", "current_"),
        Column("required_pace", "pace needed a year", "see pace_unit", "number"),
        *estimate_columns("observed pace; method: slowest and fastest step", "observed_"),
        Column("pace_unit", "unit of pace"),
        Column("verdict", "verdict"),
    )
    rows = tuple(
        (
            t.target_id,
            t.label,
            t.entity,
            t.target_year,
            *estimate_values(t.target),
            *estimate_values(t.current),
            t.required_pace,
            *estimate_values(t.observed),
            t.pace_unit,
            t.verdict,
        )
        for t in result.targets
    )
    head = words(
        result,
        ("Цель", "Target"),
        ("Год", "Year"),
        ("Целевое значение", "Target value"),
        ("Сейчас", "Now"),
        ("Нужный темп", "Pace needed"),
        ("Темп и его границы", "Pace and its bounds"),
        ("Вывод", "Verdict"),
    )
    cells = tuple(
        (
            t.label,
            str(t.target_year or formats.missing(lang)),
            wording.level(t.target, lang),
            wording.level(t.current, lang) if t.current else formats.missing(lang),
            formats.quantity(t.required_pace, t.pace_unit, lang),
            _pace(t.observed, lang),
            term(VERDICTS, t.verdict, lang),
        )
        for t in result.targets
    )
    return Table("targets", pick(("Цели и темп", "Targets and pace"), lang), columns, rows, head, cells, (1, 2, 3))


def _pace(observed: Estimate | None, lang: str) -> str:
    """Observed pace with its bounds."""
    if observed is None:
        return formats.missing(lang)
    text = change_text(observed, lang)
    return f"{text} ({change_interval(observed, lang)})" if observed.has_interval else text


def quality(result: Result) -> Table | None:
    """Block 12: coverage."""
    block = result.quality
    if not block.rows:
        return None
    lang = result.lang
    columns = (
        Column("source_id", "source"),
        Column("indicator", "indicator"),
        Column("n_accepted", "values used", "values", "integer"),
        Column("n_rejected", "values refused", "values", "integer"),
        Column("n_expected", "values in the source", "values", "integer"),
        Column("coverage", "used over expected", "share 0–1", "number"),
    )
    rows = tuple((q.source_id, q.indicator, q.n_accepted, q.n_rejected, q.n_expected, q.coverage) for q in block.rows)
    head = words(
        result,
        ("Источник", "Source"),
        ("Показатель", "Indicator"),
        ("Учтено", "Used"),
        ("Отклонено", "Refused"),
        ("Всего", "In all"),
    )
    cells = tuple(
        (
            q.source_id,
            q.indicator,
            whole_text(q.n_accepted, lang),
            whole_text(q.n_rejected, lang),
            whole_text(q.n_expected, lang),
        )
        for q in block.rows
    )
    return Table("quality", block.text.caption, columns, rows, head, cells, (2, 3, 4))


def contradictions(result: Result) -> Table | None:
    """Contradictions found by the claim audit."""
    if not result.quality.contradictions:
        return None
    columns = (
        Column("claim_id", "claim"),
        Column("text", "what does not hold"),
        Column("verdict", "verdict"),
        Column("source_id", "source"),
    )
    rows = tuple((c.claim_id, c.text, c.verdict, c.source_id) for c in result.quality.contradictions)
    head = words(
        result,
        ("Утверждение", "Claim"),
        ("Что не сходится", "What does not hold"),
        ("Вывод", "Verdict"),
        ("Источник", "Source"),
    )
    caption = pick(("Противоречия в опубликованном", "Contradictions in what was published"), result.lang)
    return Table("contradictions", caption, columns, rows, head, tuple(tuple(str(v) for v in row) for row in rows))


def sources(result: Result) -> Table | None:
    """Block 14."""
    if not result.sources:
        return None
    columns = (
        Column("source_id", "source"),
        Column("publisher", "publisher"),
        Column("title", "title"),
        Column("date", "published"),
        Column("address", "address"),
        Column("checksum", "first 12 characters of the SHA-256 of the file"),
    )
    rows = tuple((s.source_id, s.publisher, s.title, s.date, s.address, s.checksum) for s in result.sources)
    head = words(
        result, ("Источник", "Source"), ("Название", "Title"), ("Дата", "Date"), ("Контрольная сумма", "Checksum")
    )
    missing = formats.missing(result.lang)
    cells = tuple((s.source_id, s.title, s.date or missing, s.checksum or missing) for s in result.sources)
    return Table("sources", pick(("Источники", "Sources"), result.lang), columns, rows, head, cells)
