"""Marks of footnotes at accepted values: a value is taken, and its mark is said with what the note below says."""

import re

import numpy as np

from helpers.intake import rows as row_kinds
from helpers.intake.checks import Part
from helpers.intake.layouts import Block
from helpers.intake.text import SUPERSCRIPTS

_MARK = re.compile(rf"(\*+|[{SUPERSCRIPTS}]+)\)?\s*$")
_SHOWN = 20


def notes(block: Block, parts: list[Part], refused: np.ndarray) -> list[str]:
    """One sentence per accepted cell with a mark, the first few of a block.

    Parameters
    ----------
    block : Block
        Recognised table.
    parts : list of Part
        Its columns of values, judged.
    refused : ndarray
        Reason that refuses each row of the block, empty where none does.
    """
    texts = _texts(block)
    found = []
    for part in parts:
        marks = [match.group(1) if (match := _MARK.search(raw)) else "" for raw in part.cells.raws]
        marked = np.array([bool(mark) for mark in marks], dtype=bool)
        if not marked.any():
            continue
        accepted = marked[part.cells.codes] & (part.reasons == "") & (refused[part.rows] == "")
        for at in np.flatnonzero(accepted)[:_SHOWN]:
            code = part.cells.codes[at]
            meaning = f": {texts[marks[code]]}" if marks[code] in texts else ""
            found.append(
                f"row {block.rows.start + part.rows[at] + 1}, column {part.column.index + 1}: «{part.cells.raws[code]}»"
                f" accepted as {part.cells.parsed[code].text()} with a footnote mark{meaning}"
            )
    return found[:_SHOWN]


def _texts(block: Block) -> dict[str, str]:
    """Footnotes of the block by the mark they begin with."""
    found: dict[str, str] = {}
    for row in np.flatnonzero(block.rows.kinds == row_kinds.FOOTNOTE):
        text = next((text for text in block.sheet.own[block.rows.start + row] if text), "")
        if match := re.match(rf"(\*+|[{SUPERSCRIPTS}]+)\)?\s*(.*)", text):
            found.setdefault(match.group(1), f"«{match.group(2)[:200]}»")
    return found
