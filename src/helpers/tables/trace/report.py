"""First step of a way back: the report about an entity, and the blocks of its page that print the number."""

import math
import re
from collections.abc import Mapping

from helpers.tables.trace.steps import Step

_SECTION = re.compile(r'<section[^>]*\bid="([\w-]+)"')
_TAG = re.compile(r"<[^>]+>")
_GROUPED = re.compile(r"(?<=\d)[\u00a0\u202f](?=\d)")


def steps(pages: Mapping[str, str], entity: str, value: float, category: str, block: str = "") -> list[Step]:
    """One step per page: where on it the number stands, or that it does not print it.

    Parameters
    ----------
    pages : mapping of str
        Path → HTML of the page; an empty text says nothing about what is printed.
    entity : str
        Whom the number is about.
    value : float
        The number; NaN for a category or where the page rounds in another unit.
    category : str
        The category, empty for a number.
    block : str
        Block to name when nothing is looked for.
    """
    found = []
    for path, text in pages.items():
        blocks = [block] if block else _blocks(text, value, category)
        place = f"{path}#{blocks[0]}" if blocks else path
        if blocks:
            content = f"shown in: {', '.join(blocks)}"
        elif not text or category:
            content = f"the page about {entity}"
        else:
            content = f"the page about {entity} does not print this number itself"
        found.append(Step("report", place, content))
    return found


def _blocks(text: str, value: float, category: str) -> list[str]:
    """Ids of the blocks of a page that show a number as printed in either language, or a category."""
    wanted = _forms(value, category)
    if not wanted:
        return []
    pieces = _SECTION.split(text)
    ids, bodies = pieces[1::2], pieces[2::2]
    return [name for name, body in zip(ids, bodies, strict=True) if wanted.search(_plain(body))]


def _plain(body: str) -> str:
    return _GROUPED.sub("", _TAG.sub(" ", body))


def _forms(value: float, category: str) -> re.Pattern[str] | None:
    """Pattern of a number with two, one or as many decimals as it has, with comma or point; or of a category."""
    if category:
        return re.compile(rf"(?<!\w){re.escape(category)}(?!\w)", re.IGNORECASE)
    if value is None or math.isnan(value):
        return None
    texts = {f"{value:.10g}", f"{value:.2f}"} | ({f"{value:.1f}"} if value % 1 else set())
    numbers = "|".join(re.escape(text).replace(r"\.", "[.,]") for text in sorted(texts))
    return re.compile(rf"(?<![\d.,])(?:{numbers})(?!\d|[.,]\d)")
