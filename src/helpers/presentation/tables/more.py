"""Tables of blocks 10 to 14 from the result object: map, bodies, groups, published figures, quality, sources."""

from helpers.presentation import formats, wording
from helpers.presentation.results import RegionalResult, Result
from helpers.presentation.tables.build import words
from helpers.presentation.tables.parts import (
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
from helpers.presentation.wording.terms import pick

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


def gaps(result: Result) -> Table | None:
    """Differences of processes and bodies to the district."""
    if not isinstance(result, RegionalResult) or not result.gaps:
        return None
    columns = (_NAME, Column("kind", "process or body"), *estimate_columns("difference to the district"))
    rows = tuple((g.name, g.kind, *estimate_values(g.difference)) for g in result.gaps)
    head = words(
        result,
        ("Процесс или орган власти", "Process or body"),
        ("Разница с округом", "Difference to the district"),
        ("Границы", "Bounds"),
    )
    cells = tuple(
        (g.name, change_text(g.difference, result.lang), change_interval(g.difference, result.lang))
        for g in result.gaps
    )
    return Table(
        "gaps",
        pick(
            (
                "Процессы и органы власти: разница с округом за границами точности",
                "Processes and bodies: difference to the district beyond noise",
            ),
            result.lang,
        ),
        columns,
        rows,
        head,
        cells,
        (1, 2),
    )
