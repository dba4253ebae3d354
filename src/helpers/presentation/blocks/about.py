"""HTML of blocks 12 to 15: quality with what the report does not show, method, sources, colophon."""

import html

from helpers.presentation import formats, publications
from helpers.presentation.blocks.html import escape, paragraph, table_html
from helpers.presentation.results import Result
from helpers.presentation.results.about import Source
from helpers.presentation.tables import facts as tables_facts
from helpers.presentation.wording.terms import pick

MOST_SOURCES = 12  # as a list; more are a folded table


def quality(result: Result) -> str:
    """Block 12: sentences, contradictions, reasons of refusal, coverage."""
    lang = result.lang
    parts = [paragraph(" ".join(result.quality.sentences), lang)]
    parts.append(table_html(tables_facts.contradictions(result), lang))
    if result.quality.reject_reasons:
        reasons = "; ".join(f"{name}: {n}" for name, n in result.quality.reject_reasons)
        parts.append(paragraph(pick(("Причины отклонения: ", "Reasons of refusal: "), lang) + reasons + ".", lang))
    parts.append(table_html(tables_facts.quality(result), lang, is_folded=True))
    parts.append(absences(result))
    return "\n".join(part for part in parts if part)


def method(result: Result) -> str:
    """Block 13."""
    items = "\n".join(f"<li>{escape(line, result.lang)}</li>" for line in result.method)
    return f"<ul>\n{items}\n</ul>"


def sources(result: Result) -> str:
    """Block 14: plain links, nothing is loaded."""
    lang = result.lang
    if len(result.sources) > MOST_SOURCES:
        return table_html(tables_facts.sources(result), lang, is_folded=True)
    sums = {source.checksum for source in result.sources if source.checksum}
    items = [_source(source, lang, len(sums) > 1) for source in result.sources]
    if not items:
        return ""
    one = pick(("Контрольная сумма файла со значениями: ", "Checksum of the file with the figures: "), lang)
    checksum = paragraph(f"{one}{next(iter(sums))}.", lang, "note") if len(sums) == 1 else ""
    return f'<ul class="sources">\n{chr(10).join(items)}\n</ul>{checksum}'


def _source(source: Source, lang: str, with_checksum: bool) -> str:
    title = escape(source.title, lang)
    if source.address.startswith(("https://", "http://")):
        title = f'<a href="{html.escape(source.address, quote=True)}">{title}</a>'
    name = publications.name(source.source_id, lang)
    label = "" if name in (source.source_id, source.title) else f"{escape(name, lang)}: "
    known = [source.publisher, formats.date(source.date, lang), source.checksum if with_checksum else ""]
    details = ", ".join(text for text in known if text)
    return f"<li>{label}{title}{' (' + escape(details, lang) + ')' if details else ''}</li>"


def colophon(result: Result) -> str:
    """Block 15; the page adds the commit and the run, which a notebook does not know."""
    item, lang = result.colophon, result.lang
    made, following = (formats.period(text, lang) if text else "" for text in (item.made_date, item.next_issue))
    known = (
        (("Тетрадь", "Notebook"), item.notebook),
        (("Версия данных", "Data version"), item.data_version),
        (("Составлено", "Made on"), made),
        (("Следующий выпуск", "Next issue"), following),
        (("Проверки", "Checks"), item.checks),
        (("Связь", "Contact"), item.contact),
    )
    items = "\n".join(f"<li>{pick(label, lang)}: {escape(text, lang)}</li>" for label, text in known if text)
    return f"<ul>\n{items}\n</ul>"


def in_place(result: Result) -> bool:
    """Whether a missing block is said where it would stand; a short report says them together under quality."""
    return result.data_class == "rich"


def absences(result: Result) -> str:
    """What a short report does not show and why, one sentence a block."""
    if in_place(result) or not result.absent:
        return ""
    title = pick(("Чего в отчёте нет", "What the report does not show"), result.lang)
    items = "\n".join(f"<li>{escape(item.sentence, result.lang)}</li>" for item in result.absent)
    return f"<h3>{title}</h3>\n<ul>\n{items}\n</ul>"
