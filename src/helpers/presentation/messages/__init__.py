"""The short e-mail made from the result object: subject, HTML body, plain text with the same numbers, pictures.

The body has blocks 0–5, 7, 8 and a footer of its own template: tables for layout, inline CSS, no number in a
picture only. See docs/decisions.md for what each mail client understands.
"""

import textwrap
from dataclasses import dataclass

import jinja2

from helpers.presentation import formats, points
from helpers.presentation.messages.words import STRINGS
from helpers.presentation.results import Estimate, RegionalResult, Result
from helpers.presentation.results.parts import NextService
from helpers.presentation.tables.build import gain_interval, gain_places

NBSP = "\u00a0"
WIDTH = 72
MAX_SUBJECT = 120
MOST_SERVICES = 5
_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("helpers.presentation", "templates/mail"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Body:
    """Products of one message: HTML with ``cid:`` references filled in, the same in plain text, and the subject."""

    subject: str
    html: str
    text: str


def place_name(result: Result) -> str:
    """Name of the place in the language of the result."""
    if not isinstance(result, RegionalResult):
        return STRINGS[result.lang]["national"]
    return result.region.name_en if result.lang == "en" else result.region.name


def subject(result: Result, is_correction: bool = False) -> str:
    """Region, period, index with its interval or «нет данных», edition; at most 120 characters.

    «Нет данных» is for a region about which nothing was published; one with other figures has «индекса нет».
    """
    words = STRINGS[result.lang]
    index = next((kpi for kpi in result.kpis if kpi.key == "index"), None)
    if index is None or index.estimate is None or index.estimate.value is None:
        known = words["no_data" if result.data_class == "empty" else "no_index"]
        return subject_of(result, place_name(result), [known], is_correction)
    figure = f"{words['index']} {index.value}"
    interval = interval_text(index.estimate, result.lang)
    return subject_of(result, place_name(result), [f"{figure} ({interval})" if interval else figure], is_correction)


def subject_of(result: Result, place: str, facts: list[str], is_correction: bool) -> str:
    """Subject of a letter about a place; what does not fit is left out from the end, the edition is shortened first."""
    words = STRINGS[result.lang]
    marks = ([result.banner] if result.is_synthetic else []) + ([words["corrected"]] if is_correction else [])
    start = " · ".join([*marks, f"{place}, {result.period_label}"])
    editions = (result.edition_label, words[f"short_{result.edition}"])
    candidates = [f"{start}: {', '.join(facts)}; {edition}" for edition in editions]
    candidates += [f"{start}: {', '.join(facts[:n])}; {editions[1]}" for n in range(len(facts) - 1, 0, -1)]
    candidates += [f"{start}: {facts[0]}", start]
    return next((text for text in candidates if len(text) <= MAX_SUBJECT), start[: MAX_SUBJECT - 1].rstrip() + "…")


def preheader(sentence: str) -> str:
    """About eighty characters that a phone shows under the subject."""
    return textwrap.shorten(sentence.replace(NBSP, " "), 90, placeholder="…")


def render(template: str, **values: object) -> str:
    """HTML of a mail template; every value is escaped."""
    return _ENVIRONMENT.get_template(template).render(**values)


def body(result: Result, picture_cid: str = "", picture_alt: str = "", is_correction: bool = False) -> Body:
    """Build the message of a result.

    Parameters
    ----------
    picture_cid : str
        Content-ID of the comparison chart, empty for none; the chart's figures stand in the text as well.
    picture_alt : str
        Its alternative text, required with a picture.

    Raises
    ------
    ValueError
        If a picture has no alternative text.
    """
    if picture_cid and not picture_alt.strip():
        raise ValueError("a picture needs an alternative text")
    words = STRINGS[result.lang]
    html = render(
        "body.html.j2",
        lang=result.lang,
        title=result.title,
        banner=result.banner,
        masthead=result.masthead,
        heading=result.headline.sentence,
        preheader=preheader(result.headline.sentence),
        result=result,
        words=words,
        picture_cid=picture_cid,
        picture_alt=picture_alt,
        kpi_rows=[result.kpis[i : i + 2] for i in range(0, len(result.kpis), 2)],
        comparison=comparison_rows(result),
        effects=effect_rows(result),
        first_next=first_next(result),
        services=_services(result),
    )
    return Body(subject(result, is_correction), html, plain_text(_blocks(result, words)))


def comparison_rows(result: Result) -> list[str]:
    """Comparison in words: own region, district and country, so that no number is in the picture only."""
    if result.comparison is None:
        return []
    rows = [row for row in result.comparison.rows if row.kind != "peer"][:4]
    return [result.comparison.text.subtitle, *(f"{row.label}: {value_text(row.estimate, result.lang)}" for row in rows)]


def value_text(estimate: Estimate, lang: str) -> str:
    """Number with its unit and, in brackets, its interval."""
    interval = interval_text(estimate, lang)
    return f"{number_text(estimate, lang)} ({interval})" if interval else number_text(estimate, lang)


def number_text(estimate: Estimate, lang: str) -> str:
    """Number with its unit; a published number as precise as printed."""
    is_printed = estimate.interval_kind == "rounding"
    decimals = formats.decimals_of(estimate.value) if is_printed else formats.decimals_for(estimate.unit)
    return formats.quantity(estimate.value, estimate.unit, lang, decimals)


def interval_text(estimate: Estimate, lang: str) -> str:
    """Both ends of the interval, one decimal more than a number published with rounding; empty without one."""
    if not estimate.has_interval:
        return ""
    is_printed = estimate.interval_kind == "rounding"
    decimals = formats.decimals_of(estimate.value) + 1 if is_printed else formats.decimals_for(estimate.unit)
    return formats.span(estimate.low, estimate.high, lang, decimals)


def effect_rows(result: Result) -> list[tuple[str, str]]:
    """Sentences of the block as on the page, assumption and scope included, the contrast beside the first."""
    if result.effect is None:
        absent = result.absence("effect")
        return [(absent, "")] if absent else []
    block = result.effect
    first, *others = points.outcomes_in_words(block)
    rows = [(" ".join([first.sentence, *block.notes]), first.naive_sentence), (block.regional_sentence, "")]
    return [row for row in [*rows, *((item.sentence, "") for item in others)] if row[0]]


def _services(result: Result) -> list[tuple[str, str, str, str]]:
    if result.next_services is None:
        return []
    rows = result.next_services.rows[:MOST_SERVICES]
    return [(row.name, row.agency, gain_text(row.gain, result.lang), row.reason) for row in rows]


def gain_text(gain: Estimate, lang: str) -> str:
    """Expected gain with its unit and interval, as precise as in the table of the report."""
    text = formats.quantity(gain.value, gain.unit, lang, gain_places(gain))
    return f"{text} ({gain_interval(gain, lang)})" if gain.has_interval else text


def first_next(result: Result) -> str:
    """What to fix next in one line for the first screen of a phone; empty if there is nothing to say."""
    row = first_service(result)
    if row is None:
        return ""
    is_sure = row.gain.excludes_zero and (row.gain.value or 0) > 0
    key = "first_next" if is_sure else "first_unsure"
    return STRINGS[result.lang][key].format(name=f"{row.name} ({row.agency})")


def first_service(result: Result) -> NextService | None:
    """The service with the largest gain beyond noise; the first of the list if no gain is."""
    rows = result.next_services.rows if result.next_services is not None else ()
    sure = (row for row in rows if row.gain.excludes_zero and (row.gain.value or 0) > 0)
    return next(sure, rows[0] if rows else None)


def figure_blocks(result: Result) -> list[tuple[str, str]]:
    """Key figures as items of the plain text."""
    return [("- ", f"{kpi.label}: {kpi.value}" + (f" ({kpi.note})" if kpi.note else "")) for kpi in result.kpis]


def section_blocks(result: Result) -> list[tuple[str, str]]:
    """Main points, comparison and effect with their headings as blocks of the plain text."""
    words = STRINGS[result.lang]
    sections = (
        ("main_points", [("* ", point) for point in result.main_points]),
        ("comparison", [("- ", row) for row in comparison_rows(result)]),
        ("effect", [("", text) for pair in effect_rows(result) for text in pair]),
    )
    return [block for key, rows in sections if rows for block in (("#", words[key]), *rows)]


def _blocks(result: Result, words: dict[str, str]) -> list[tuple[str, str]]:
    """The message as (mark, text): ``#`` a heading, ``-`` or ``*`` an item, empty a paragraph."""
    blocks = [("#", result.banner), ("", result.masthead), ("", result.headline.sentence), ("", " ".join(result.lead))]
    blocks += [("", first_next(result)), *figure_blocks(result), *section_blocks(result)]
    services = [("- ", f"{name} ({agency}): {gain}; {why}") for name, agency, gain, why in _services(result)]
    blocks += [("#", words["next"]), *services] if services else [("", result.absence("next_services"))]
    return blocks + [("", words[key]) for key in ("about_data", "full", "footer", "unsubscribe")]


def plain_text(blocks: list[tuple[str, str]]) -> str:
    """Blocks of (mark, text) at 72 columns; a number is never parted from its unit."""
    lines: list[str] = []
    for mark, text in blocks:
        if mark == "#" and text:
            lines += [*textwrap.wrap(text.upper(), WIDTH, break_on_hyphens=False), ""]
        elif text:
            lines += textwrap.wrap(
                text, WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark), break_on_hyphens=False
            )
            lines.append("")
    return "\n".join(lines).replace(NBSP, " ").rstrip() + "\n"
