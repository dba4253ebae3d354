"""The short e-mail made from the result object: subject, HTML body, plain text with the same numbers, pictures.

The body has blocks 0–5, 7, 8 and a footer of its own template: tables for layout, inline CSS, no number in a
picture only. See docs/decisions.md for what each mail client understands.
"""

import textwrap
from dataclasses import dataclass

import jinja2

from helpers.presentation import formats
from helpers.presentation.results import Estimate, RegionalResult, Result

NBSP = "\u00a0"
WIDTH = 72
MAX_SUBJECT = 120
STRINGS = {
    "ru": {
        "main_points": "Главное", "comparison": "Сравнение", "effect": "Что изменила оптимизация услуг",
        "next": "Какие услуги оптимизировать дальше", "full": "Полный отчёт — во вложении.",
        "footer": "Письмо сформировано автоматически. Отвечайте на него: ответ прочтёт человек.",
        "unsubscribe": "Чтобы не получать отчёты, ответьте словом «отписка».", "service": "Услуга",
        "gain": "Ожидаемая польза", "no_data": "нет данных", "corrected": "исправлено",
        "national": "Россия",
        "index": "индекс", "about_data": "Качество данных и метод — в полном отчёте.",
    },
    "en": {
        "main_points": "Main points", "comparison": "Comparison", "effect": "What service optimisation changed",
        "next": "Services to optimise next", "full": "The full report is attached.",
        "footer": "This message was made automatically from published data. Replies reach a person.",
        "unsubscribe": "To stop receiving reports, reply with the word unsubscribe.", "service": "Service",
        "gain": "Expected gain", "no_data": "no data", "corrected": "corrected",
        "national": "Russia",
        "index": "index", "about_data": "Data quality and method are in the full report.",
    },
}  # fmt: skip
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
    """Region, period, index with its interval or «нет данных», edition; at most 120 characters."""
    words = STRINGS[result.lang]
    index = next((kpi for kpi in result.kpis if kpi.key == "index"), None)
    figure = interval = ""
    if index is not None and index.estimate is not None:
        figure = f"{words['index']} {index.value}"
        if index.estimate.has_interval:
            interval = f" ({formats.span(index.estimate.low, index.estimate.high, result.lang)})"
    marks = ([result.banner] if result.is_synthetic else []) + ([words["corrected"]] if is_correction else [])
    start = " · ".join([*marks, f"{place_name(result)}, {result.period_label}: {figure or words['no_data']}"])
    candidates = (f"{start}{interval}; {result.edition_label}", f"{start}{interval}", start)
    return next((text for text in candidates if len(text) <= MAX_SUBJECT), start[: MAX_SUBJECT - 1].rstrip() + "…")


def preheader(result: Result) -> str:
    """About eighty characters that a phone shows under the subject."""
    return textwrap.shorten(result.headline.sentence.replace(NBSP, " "), 90, placeholder="…")


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
    html = _ENVIRONMENT.get_template("body.html.j2").render(
        result=result,
        words=words,
        place=place_name(result),
        preheader=preheader(result),
        picture_cid=picture_cid,
        picture_alt=picture_alt,
        kpi_rows=[result.kpis[i : i + 2] for i in range(0, len(result.kpis), 2)],
        comparison=_comparison_rows(result),
        effects=_effects(result),
        services=_services(result),
    )
    return Body(subject(result, is_correction), html, _text(result, words))


def _comparison_rows(result: Result) -> list[str]:
    """The chart in words: own region, district and country, so that no number is in the picture only."""
    if result.comparison is None:
        return []
    rows = [row for row in result.comparison.rows if row.kind != "peer"][:4]
    return [result.comparison.text.subtitle, *(f"{row.label}: {_value(row.estimate, result.lang)}" for row in rows)]


def _value(estimate: Estimate, lang: str) -> str:
    is_printed = estimate.interval_kind == "rounding"
    decimals = formats.decimals_of(estimate.value) if is_printed else formats.decimals_for(estimate.unit)
    text = formats.quantity(estimate.value, estimate.unit, lang, decimals)
    if estimate.has_interval:
        text += f" ({formats.span(estimate.low, estimate.high, lang, decimals + is_printed)})"
    return text


def _effects(result: Result) -> list[tuple[str, str]]:
    """Sentence of each outcome with the contrast beside it; the sentence of absence where there is no estimate."""
    if result.effect is None:
        absent = result.absence("effect")
        return [(absent, "")] if absent else []
    return [(item.sentence, item.naive_sentence) for item in result.effect.results[:3]]


def _services(result: Result) -> list[tuple[str, str, str, str]]:
    if result.next_services is None:
        return []
    return [(row.name, row.agency, _value(row.gain, result.lang), row.reason) for row in result.next_services.rows[:5]]


def _blocks(result: Result, words: dict[str, str]) -> list[tuple[str, str]]:
    """The message as (mark, text): ``#`` a heading, ``-`` or ``*`` an item, empty a paragraph."""
    blocks = [("#", result.banner)] if result.is_synthetic else []
    blocks += [("", result.masthead), ("", result.headline.sentence), ("", " ".join(result.lead))]
    blocks += [("- ", f"{kpi.label}: {kpi.value}" + (f" ({kpi.note})" if kpi.note else "")) for kpi in result.kpis]
    sections = (
        ("main_points", [("* ", point) for point in result.main_points]),
        ("comparison", [("- ", row) for row in _comparison_rows(result)]),
        ("effect", [("", text) for pair in _effects(result) for text in pair]),
        ("next", [("- ", f"{name} ({agency}): {gain}. {why}") for name, agency, gain, why in _services(result)]),
    )
    for key, rows in sections:
        blocks += [("#", words[key]), *rows] if rows else []
    if result.next_services is None:
        blocks.append(("", result.absence("next_services")))
    return blocks + [("", words[key]) for key in ("about_data", "full", "footer", "unsubscribe")]


def _text(result: Result, words: dict[str, str]) -> str:
    """The same sentences and numbers at 72 columns."""
    lines: list[str] = []
    for mark, text in _blocks(result, words):
        if mark == "#":
            lines += [text.upper(), ""]
        elif text:
            lines += textwrap.wrap(
                text.replace(NBSP, " "), WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark),
                break_long_words=False, break_on_hyphens=False,
            )  # fmt: skip
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"
