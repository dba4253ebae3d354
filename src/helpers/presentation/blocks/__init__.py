"""HTML of each block of a report from the result object, everything escaped; `show` is all that a notebook cell calls.

Headings and sections are made by the page from the tag of the cell. Names never pass through Markdown. A block without
data is one sentence; in the English page Cyrillic names carry their own language.
"""

from collections.abc import Callable

from helpers.presentation import figures, formats, points
from helpers.presentation.blocks.about import MOST_SOURCES, colophon, in_place, method, quality, sources
from helpers.presentation.blocks.html import escape, note, paragraph, paragraphs, table_html
from helpers.presentation.results import MIME, RegionalResult, Result, to_dict
from helpers.presentation.results.parts import EffectBlock, FactSection
from helpers.presentation.tables import build as tables_build
from helpers.presentation.tables import facts as tables_facts
from helpers.presentation.tables import more as tables_more
from helpers.presentation.tables import situations as tables_situations
from helpers.presentation.tables.parts import Table
from helpers.presentation.wording.terms import pick

MOST_TARGETS = 1  # that cannot be judged, in a sentence each; more are named together
CHARTS = ("comparison", "trend", "effect", "rank", "tiles", "agencies", "groups", "targets")


def headline(result: Result) -> str:
    """Block 1."""
    return paragraph(result.headline.sentence, result.lang, "headline")


def lead(result: Result) -> str:
    """Block 2."""
    text = " ".join(result.lead)
    return paragraph(text, result.lang, "lead")


def kpis(result: Result) -> str:
    """Block 3."""
    cards = "\n".join(
        f"<div><dt>{escape(k.label, result.lang)}</dt>"
        f"<dd><b>{escape(k.value, result.lang)}</b><span>{note(k.note, result.lang)}</span></dd></div>"
        for k in result.kpis
    )
    return f'<dl class="kpi">\n{cards}\n</dl>'


def main_points(result: Result) -> str:
    """Block 4; fewer than three points are not padded, none is said with the reason."""
    if not result.main_points and result.headline.estimate is None:
        return ""
    if not result.main_points:
        known = result.headline.change or (isinstance(result, RegionalResult) and result.country_difference)
        text = (
            "Изменений и различий, выходящих за границы точности, нет.",
            "No change or difference beyond the precision.",
        )
        if not known:
            text = (
                "Сравнить значение не с чем: нет сопоставимых данных за другой период и по стране.",
                "There is nothing to set the value against: no comparable earlier or national data.",
            )
        return paragraph(pick(text, result.lang), result.lang, "absent")
    items = "\n".join(f"<li>{escape(text, result.lang)}</li>" for text in result.main_points)
    return f'<ul class="points">\n{items}\n</ul>'


def comparison(result: Result) -> str:
    """Words of block 5, shown above the chart."""
    return ""


def trend(result: Result) -> str:
    """Words of block 6."""
    if result.trend is None:
        return ""
    reasons = [f"{item.reason[0].upper()}{item.reason[1:]}." for item in result.trend.breaks if item.reason]
    return paragraphs([*dict.fromkeys(reasons), result.trend.sentence], result.lang)


def effect(result: Result) -> str:
    """Words of block 7: the estimate with its assumption, the region's own, what is not an effect, other outcomes."""
    block = result.effect
    if block is None:
        return ""
    first = block.results[0]
    lang = result.lang
    parts = [f'<div class="callout">{paragraphs([first.sentence, *block.notes], lang)}</div>']
    parts.append(paragraph(block.regional_sentence, lang))
    parts.append(paragraph(first.naive_sentence, lang))
    parts.append(paragraphs([item.sentence for item in points.outcomes_in_words(block)[1:]], lang))
    parts.append(_checks(block, lang))
    return "\n".join(part for part in parts if part)


def _checks(block: EffectBlock, lang: str) -> str:
    if not block.checks:
        return ""
    passed = sum(1 for check in block.checks if check.passed)
    ru = f"Проверки первой оценки: пройдено {passed} из {len(block.checks)}."
    en = f"Checks of the first estimate: {passed} of {len(block.checks)} passed."
    failed = ", ".join(dict.fromkeys(item.label for item in block.results[1:] if not item.design_passed))
    if failed:
        ru, en = f"{ru} Не все проверки пройдены: {failed}.", f"{en} Not all checks passed: {failed}."
    return paragraph(pick((ru, en), lang), lang, "note")


def next_services(result: Result) -> str:
    """Block 8: the table, then the rule of its order."""
    if result.next_services is None:
        return ""
    table = table_html(tables_build.next_services(result), result.lang)
    return table + "\n" + paragraph(result.next_services.rule, result.lang, "note")


def situations(result: Result) -> str:
    """Life situations: the table, what a launch changed, what the table is not."""
    block, lang = result.situations, result.lang
    if block is None:
        return ""
    parts = [table_html(tables_situations.situations(result), lang)]
    parts.append(paragraphs([item.sentence for item in block.effects], lang))
    parts.append(paragraph(" ".join(block.notes), lang, "note"))
    return "\n".join(part for part in parts if part)


def rank(result: Result) -> str:
    """Words of block 9."""
    return "" if result.rank is None else paragraphs(result.rank.sentences, result.lang)


def groups(result: Result) -> str:
    """Words of the groups and the movers."""
    if result.groups is None:
        return ""
    movers = tables_more.movers(result)
    is_long = movers is not None and len(movers.rows) > MOST_SOURCES
    moved = "" if isinstance(result, RegionalResult) else table_html(movers, result.lang, is_folded=is_long)
    sentences = [*result.groups.sentences]
    if isinstance(result, RegionalResult):
        own = [result.standing.sentence] if result.standing is not None else []
        sentences = [*own, *(item.sentence for item in result.groups.movers), *sentences]
    moves = table_html(tables_more.moves(result), result.lang, is_folded=True)
    return "\n".join(part for part in (paragraphs(sentences, result.lang), moves, moved) if part)


def published(result: Result) -> str:
    """Published figures: a heading, sentences and a table for each section."""
    sections = zip(result.published, tables_facts.published(result), strict=True)
    return "\n".join(_section(section, table, result.lang) for section, table in sections)


def _section(section: FactSection, table: Table, lang: str) -> str:
    heading = f"<h3>{escape(section.title, lang)}</h3>"
    return "\n".join((heading, paragraphs(section.sentences, lang), table_html(table, lang)))


def targets(result: Result) -> str:
    """Sentences on the targets; those that cannot be judged share one, and bounds of a pace say what they are."""
    lang = result.lang
    unknown = [item for item in result.targets if item.verdict == "cannot_tell"]
    shown = [item.sentence for item in result.targets if item not in unknown or len(unknown) <= MOST_TARGETS]
    if len(unknown) > MOST_TARGETS:
        names = "; ".join(formats.quoted(item.label, lang) for item in unknown)
        ru = f"Достижимы ли цели, данные сказать не позволяют: {names}."
        en = f"The data cannot tell whether these targets are reachable: {names}."
        shown.append(pick((ru, en), lang))
    if any(item.observed is not None and item.observed.interval_kind == "method" for item in result.targets):
        ru = "Границы темпа — самый медленный и самый быстрый шаг: значений меньше пяти."
        en = "The bounds of the pace are its slowest and fastest step, as there are fewer than five values."
        shown.append(pick((ru, en), lang))
    return paragraphs(shown, lang)


def counts(result: Result) -> str:
    """P1."""
    return paragraph(result.counts.sentence, result.lang) if result.counts else ""


def gaps(result: Result) -> str:
    """Differences of processes to the district."""
    return table_html(tables_more.gaps(result), result.lang)


WORDS: dict[str, Callable[[Result], str]] = {
    "headline": headline,
    "lead": lead,
    "kpis": kpis,
    "main_points": main_points,
    "comparison": comparison,
    "trend": trend,
    "effect": effect,
    "next_services": next_services,
    "situations": situations,
    "rank": rank,
    "tiles": comparison,
    "agencies": comparison,
    "groups": groups,
    "published": published,
    "targets": targets,
    "counts": counts,
    "gaps": gaps,
    "quality": quality,
    "method": method,
    "sources": sources,
    "colophon": colophon,
}
TABLES: dict[str, Callable[[Result], Table | None]] = {
    "comparison": tables_build.comparison,
    "trend": tables_build.trend,
    "effect": tables_build.effect,
    "events": tables_build.events,
    "rank": tables_build.rank,
    "tiles": tables_more.tiles,
    "agencies": tables_more.agencies,
    "groups": tables_more.groups,
    "targets": tables_facts.targets,
}


def block_html(result: Result, name: str) -> str:
    """Everything of a block but its chart: the sentence that says there are no data, or its words.

    Raises
    ------
    KeyError
        If there is no such block.
    """
    absent = result.absence(name)
    if not absent:
        return WORDS[name](result)
    return paragraph(absent, result.lang, "absent") if in_place(result) else ""


def show(result: Result, name: str) -> None:
    """Display a block: its words, then its charts, each followed by its data as a folded table."""
    from IPython.display import HTML, display

    words = block_html(result, name)
    if words:
        display(HTML(words))
    for chart in charts_of(result, name):
        figures.block(result, chart, table_html(TABLES[chart](result), result.lang, is_folded=True))


def charts_of(result: Result, name: str) -> tuple[str, ...]:
    """Charts of a block that have something to draw."""
    if name not in CHARTS or not getattr(result, name, None):
        return ()
    if name == "effect" and result.effect is not None and result.effect.events:
        return ("effect", "events")
    return (name,)


def embed(result: Result) -> None:
    """Display the result object as data, from which all other products are made."""
    from IPython.display import display

    display({MIME: to_dict(result), "text/plain": f"result {result.report_id} {result.period}"}, raw=True)
