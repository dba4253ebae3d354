"""Tables of blocks 10 to 14 from the result object: map, bodies, groups, published figures, quality, sources."""

from helpers.presentation import formats, publications, wording
from helpers.presentation.results import RegionalResult, Result
from helpers.presentation.results_parts import Estimate
from helpers.presentation.tables_build import words
from helpers.presentation.tables_parts import (
    Column,
    Table,
    change_interval,
    change_text,
    estimate_columns,
    estimate_values,
    interval_text,
    level_text,
    whole_text,
)
from helpers.presentation.wording_terms import VERDICTS, pick, term

_NAME = Column("name", "name of the region, district, body or country as shown")
_CODE = Column("code", "code of the region (ISO 3166-2), or key of another entity")


def tiles(result: Result) -> Table | None:
    """Block 10."""
    block = result.tiles
    if block is None:
        return None
    labels = [item.label for item in block.classes]
    columns = (
        _CODE,
        _NAME,
        Column("district", "federal district"),
        Column("value", "index", "percent", "number"),
        Column("class", "fixed class of the map, 1 = lowest", "", "integer"),
    )
    rows = tuple(
        (t.code, t.name, t.district, t.value, None if t.class_number is None else t.class_number + 1)
        for t in block.tiles
    )
    missing = formats.missing(result.lang)
    head = words(
        result,
        ("Регион", "Region"),
        ("Федеральный округ", "Federal district"),
        ("Индекс, %", "Index, %"),
        ("Класс", "Class"),
    )
    cells = tuple(
        (t.name, t.district or missing, t.value_text, missing if t.class_number is None else labels[t.class_number])
        for t in block.tiles
    )
    own = tuple(i for i, t in enumerate(block.tiles) if t.is_own)
    return Table("tiles", block.text.caption, columns, rows, head, cells, (2, 3), own)


def agencies(result: Result) -> Table | None:
    """Block 11."""
    block = result.agencies if isinstance(result, RegionalResult) else None
    if block is None:
        return None
    lang = result.lang
    columns = (
        Column("body", "executive body"),
        Column("n_items", "items behind the value", "items", "integer"),
        Column("is_suppressed", "true if too few items to show"),
        *estimate_columns("index"),
        Column("note", "remark"),
    )
    rows = tuple(
        (a.name, a.n_services, str(a.is_suppressed).lower(), *estimate_values(a.estimate), a.note) for a in block.rows
    )
    head = words(
        result,
        ("Орган власти", "Executive body"),
        ("Число значений", "Items"),
        ("Индекс, %", "Index, %"),
        ("Интервал, %", "Interval, %"),
        ("Примечание", "Remark"),
    )
    cells = tuple(
        (
            a.name,
            whole_text(a.n_services, lang),
            level_text(a.estimate, lang),
            interval_text(a.estimate, lang),
            a.note or "–",
        )
        for a in block.rows
    )
    return Table("agencies", block.text.caption, columns, rows, head, cells, (1, 2, 3))


def groups(result: Result) -> Table | None:
    """MFC groups by period."""
    block = result.groups
    if block is None:
        return None
    lang = result.lang
    columns = (
        Column("period", "period"),
        Column("high", "regions in the high group", "regions", "integer"),
        Column("medium", "regions in the medium group", "regions", "integer"),
        Column("low", "regions in the low group", "regions", "integer"),
        Column("rated", "regions rated", "regions", "integer"),
        Column("indicators", "indicators of the rating", "indicators"),
        Column("mark", "contradiction found by the audit"),
        Column("source_id", "source"),
    )
    rows = tuple((g.period, g.high, g.medium, g.low, g.base, g.indicators, g.mark, g.source_id) for g in block.totals)
    head = words(
        result,
        ("Период", "Period"),
        ("Высокая", "High"),
        ("Средняя", "Medium"),
        ("Низкая", "Low"),
        ("Участников", "Rated"),
        ("Отметка", "Mark"),
    )
    cells = tuple(
        (
            g.period_label,
            whole_text(g.high, lang),
            whole_text(g.medium, lang),
            whole_text(g.low, lang),
            whole_text(g.base, lang),
            g.mark or "–",
        )
        for g in block.totals
    )
    return Table("groups", block.text.caption, columns, rows, head, cells, (1, 2, 3, 4))


def movers(result: Result) -> Table | None:
    """Regions that changed their MFC group."""
    if result.groups is None or not result.groups.movers:
        return None
    columns = (
        _CODE,
        _NAME,
        Column("period_from", "earlier period"),
        Column("period_to", "later period"),
        Column("group_from", "earlier group"),
        Column("group_to", "later group"),
    )
    rows = tuple((m.code, m.name, m.period_from, m.period_to, m.group_from, m.group_to) for m in result.groups.movers)
    lang = result.lang
    head = words(result, ("Регион", "Region"), ("Было", "Before"), ("Стало", "After"))
    cells = tuple(
        (
            m.name,
            f"{wording.group_word(m.group_from, lang)} ({formats.period(m.period_from, lang)})",
            f"{wording.group_word(m.group_to, lang)} ({formats.period(m.period_to, lang)})",
        )
        for m in result.groups.movers
    )
    return Table(
        "movers",
        pick(("Регионы, сменившие группу МФЦ", "Regions that changed their MFC group"), lang),
        columns,
        rows,
        head,
        cells,
    )


def moves(result: Result) -> Table | None:
    """Moves between groups of the latest pair of periods."""
    if result.groups is None or not result.groups.moves:
        return None
    lang, found = result.lang, result.groups.moves
    columns = (
        Column("period_from", "earlier period"),
        Column("period_to", "later period"),
        Column("group_from", "earlier group"),
        Column("group_to", "later group"),
        Column("count", "regions", "regions", "integer"),
        *estimate_columns("share of the earlier group; empty if too few regions", "share_"),
    )
    rows = tuple(
        (m.period_from, m.period_to, m.group_from, m.group_to, m.count, *estimate_values(m.share)) for m in found
    )
    head = words(result, ("Было", "Before"), ("Стало", "After"), ("Регионов", "Regions"), ("Доля, %", "Share, %"))
    head += words(result, ("95\u00a0% интервал, %", "95% interval, %"))
    cells = tuple(
        (
            wording.group_word(m.group_from, lang),
            wording.group_word(m.group_to, lang),
            f"{m.count} {pick(('из', 'of'), lang)} {m.n}",
            level_text(m.share, lang),
            interval_text(m.share, lang),
        )
        for m in found
    )
    first, last = (formats.period(text, lang) for text in (found[0].period_from, found[0].period_to))
    caption = pick((f"Переходы между группами: {first} → {last}", f"Moves between groups: {first} → {last}"), lang)
    return Table("moves", caption, columns, rows, head, cells, (2, 3, 4))


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


def gaps(result: Result) -> Table | None:
    """Differences of processes to the district."""
    if not isinstance(result, RegionalResult) or not result.gaps:
        return None
    columns = (_NAME, Column("kind", "process or body"), *estimate_columns("difference to the district"))
    rows = tuple((g.name, g.kind, *estimate_values(g.difference)) for g in result.gaps)
    head = words(
        result, ("Процесс", "Process"), ("Разница с округом", "Difference to the district"), ("Границы", "Bounds")
    )
    cells = tuple(
        (g.name, change_text(g.difference, result.lang), change_interval(g.difference, result.lang))
        for g in result.gaps
    )
    return Table(
        "gaps",
        pick(("Разница с округом по процессам", "Difference to the district by process"), result.lang),
        columns,
        rows,
        head,
        cells,
        (1, 2),
    )


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
