"""Tables of published figures, targets, data quality and sources from the result object."""

from collections.abc import Sequence

from helpers.presentation import formats, publications, wording
from helpers.presentation.results import Result
from helpers.presentation.results.estimates import Estimate
from helpers.presentation.results.parts import FactSection
from helpers.presentation.tables.build import words
from helpers.presentation.tables.parts import (
    Column,
    Table,
    change_interval,
    change_text,
    estimate_columns,
    estimate_values,
    whole_text,
)
from helpers.presentation.wording.terms import VERDICTS, pick, term


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
        head, cells = _fact_cells(result, s)
        found.append(Table(f"published_{s.key.replace('-', '_')}", s.caption, columns, rows, head, cells))
    return tuple(found)


def _fact_cells(result: Result, section: FactSection) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Headers and cells, the value beside what it is of; a column that says the same in every row is left out."""
    head = [("Показатель", "Figure"), ("Значение", "Value"), ("Период", "Period"), ("Чей", "Of what")]
    head.append(("Источник", "Source"))
    rows = tuple(
        (
            f.label,
            f.value + (f" · {f.mark}" if f.mark else ""),
            f.period_label,
            f.entity,
            f"{publications.name(f.source_id, result.lang)}, {f.fact_id}",
        )
        for f in section.facts
    )
    labels, entities = ({row[i] for row in rows} for i in (0, 3))
    is_repeated = len({(row[0], row[3]) for row in rows}) > len(labels)
    order = (0, 3, 1, 2, 4) if is_repeated else (0, 1, 2, 3, 4)  # one figure of many bodies: whose it is comes first
    return chosen(words(result, *head), rows, [i for i in order if i != 3 or len(entities) > 1])


def chosen(
    head: tuple[str, ...], rows: tuple[tuple[str, ...], ...], shown: Sequence[int]
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """The columns that tell something."""
    return tuple(head[i] for i in shown), tuple(tuple(row[i] for i in shown) for row in rows)


def not_empty(rows: tuple[tuple[str, ...], ...], lang: str) -> list[int]:
    """Positions of the columns that have a value in some row."""
    return [i for i in range(len(rows[0])) if {row[i] for row in rows} != {formats.missing(lang)}]


TARGET_COLUMNS = (
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


def targets(result: Result) -> Table | None:
    """Targets with their pace."""
    if not result.targets:
        return None
    lang = result.lang
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
            formats.quantity(t.target.value, t.target.unit, lang, formats.decimals_of(t.target.value)),
            wording.level(t.current, lang) if t.current else formats.missing(lang),
            formats.quantity(t.required_pace, t.pace_unit, lang),
            _pace(t.observed, lang),
            term(VERDICTS, t.verdict, lang),
        )
        for t in result.targets
    )
    shown = not_empty(cells, lang)
    numeric = tuple(place for place, i in enumerate(shown) if i in range(1, 6))
    caption = pick(("Цели и темп", "Targets and pace"), lang)
    return Table("targets", caption, TARGET_COLUMNS, rows, *chosen(head, cells, shown), numeric)


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
    head = [("Источник", "Source"), ("Показатель", "Indicator"), ("Учтено", "Used"), ("Отклонено", "Refused")]
    head.append(("Всего", "In all"))
    sums: dict[tuple[str, str], list[int]] = {}
    for q in block.rows:
        numbers = (q.n_accepted, q.n_rejected, q.n_expected or 0)
        known = sums.setdefault((q.source or q.source_id, q.indicator), [0, 0, 0])
        sums[q.source or q.source_id, q.indicator] = [a + b for a, b in zip(known, numbers, strict=True)]
    named = tuple((*key, *(whole_text(n, lang) for n in counts)) for key, counts in sums.items())
    shown = [i for i in range(len(head)) if i != 1 or len({row[1] for row in named}) > 1]
    numeric = tuple(range(len(shown) - 3, len(shown)))
    return Table("quality", block.text.caption, columns, rows, *chosen(words(result, *head), named, shown), numeric)


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
    head = words(result, ("Что не сходится", "What does not hold"), ("Источник", "Source"))
    cells = tuple((c.text, c.source or c.source_id) for c in result.quality.contradictions)
    caption = pick(("Противоречия в опубликованном", "Contradictions in what was published"), result.lang)
    return Table("contradictions", caption, columns, rows, head, cells)


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
        result, ("Название", "Title"), ("Издатель", "Publisher"), ("Дата", "Date"), ("Контрольная сумма", "Checksum")
    )
    missing = formats.missing(result.lang)
    cells = tuple(
        (s.title, s.publisher or missing, _date(s.date, result.lang), s.checksum or missing) for s in result.sources
    )
    caption = pick(("Источники", "Sources"), result.lang)
    return Table("sources", caption, columns, rows, *chosen(head, cells, not_empty(cells, result.lang)))


def _date(text: str, lang: str) -> str:
    """An ISO date in words; a year or what else the catalogue says as it is."""
    return formats.date(text, lang) if text else formats.missing(lang)
