"""Smallest parts of a block as HTML: escaped text with the language of its parts, paragraphs, tables."""

import html
import re
from collections.abc import Sequence

from helpers.presentation.tables.parts import Table
from helpers.presentation.wording.terms import pick

_CYRILLIC = re.compile(r"[А-Яа-яЁё](?:[^<>&;A-Za-z]*[А-Яа-яЁё])?")
_RANGE = re.compile(r"[\d,.]*\d–\d[\d,.]*\d|[\d,.]*\d–\d")
_LATIN = re.compile(r"[A-Za-z]{2,}(?:[ ,]+[A-Za-z]{2,}){2,}")  # three words and more: a sentence, not a name
_LONG = 30  # rows from which a printed table takes two columns


def escape(text: str, lang: str) -> str:
    """Escaped text; in English, runs of Cyrillic are marked as Russian; in Russian, English sentences as English."""
    other, pattern = ("en", _LATIN) if lang == "ru" else ("ru", _CYRILLIC)
    safe = html.escape(text, quote=True)
    return pattern.sub(lambda match: f'<span lang="{other}">{match.group(0)}</span>', safe)


def paragraph(text: str, lang: str, css: str = "") -> str:
    """One paragraph, empty for an empty text."""
    attribute = f' class="{css}"' if css else ""
    return f"<p{attribute}>{escape(text, lang)}</p>" if text else ""


def paragraphs(texts: Sequence[str], lang: str, css: str = "") -> str:
    """Paragraphs of several sentences."""
    return "\n".join(paragraph(text, lang, css) for text in texts if text)


def table_html(table: Table | None, lang: str, is_folded: bool = False) -> str:
    """A table with caption, scopes and units, in a focusable scrolling region; folded into ``details`` on request."""
    if table is None or not table.rows:
        return ""
    head = "".join(_head_cell(text, i in table.numeric, lang) for i, text in enumerate(table.head))
    body = "\n".join(_row(table, number, lang) for number in range(len(table.cells)))
    caption = escape(table.caption, lang)
    label = html.escape(table.caption, quote=True)
    core = (
        f'<div class="scroll" role="group" tabindex="0" aria-label="{label}">\n<table>\n<caption>{caption}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )
    css = ' class="long"' if len(table.rows) > _LONG else ""
    if not is_folded:
        return f"<div{css}>{core}</div>" if css else core
    summary = pick(("Данные таблицей", "Data as a table"), lang)
    return f"<details{css}><summary>{summary}: {caption}</summary>\n{core}\n</details>"


def _head_cell(text: str, is_numeric: bool, lang: str) -> str:
    css = ' class="num"' if is_numeric else ""
    return f'<th scope="col"{css}>{escape(text, lang)}</th>'


def _row(table: Table, number: int, lang: str) -> str:
    first, *rest = table.cells[number]
    css = ' class="own"' if number in table.own else ""
    first_css = ' class="num"' if 0 in table.numeric else ""
    cells = [f'<th scope="row"{first_css}>{escape(first, lang)}</th>']
    for position, text in enumerate(rest, start=1):
        numeric = ' class="num"' if position in table.numeric else ""
        cells.append(f"<td{numeric}>{escape(text, lang)}</td>")
    return f"<tr{css}>{''.join(cells)}</tr>"


def note(text: str, lang: str) -> str:
    """Small words under a key figure, in which no line ends inside a range."""
    return _RANGE.sub(lambda match: f'<span class="r">{match.group(0)}</span>', escape(text, lang))
