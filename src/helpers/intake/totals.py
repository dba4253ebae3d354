"""Printed totals held against the accepted values: what a total row says is never taken, but a disagreement is told.

SUM skips numbers that are stored as text, so printed subtotals are often wrong by construction.
"""

import re

import numpy as np

from helpers.intake import rows as row_kinds
from helpers.intake.checks import Part
from helpers.intake.layouts import Block
from helpers.intake.text import key_text
from helpers.intake.values import parse_number

_MEAN = re.compile(r"средн")
_SUM = re.compile(r"^(?:всего|итого|сумма)")
_NOT_ADDED = {"percent"}


def notes(block: Block, parts: list[Part], refused: np.ndarray) -> list[str]:
    """One sentence per total row and column whose printed figure the values above it do not give.

    Parameters
    ----------
    block : Block
        Recognised table.
    parts : list of Part
        Its columns of values, judged.
    refused : ndarray
        Reason that refuses each row of the block, empty where none does.
    """
    found = []
    for row in np.flatnonzero(block.rows.kinds == row_kinds.TOTAL):
        words = next((text for text in block.sheet.own[block.rows.start + row] if re.search(r"[а-яА-Я]", text)), "")
        for part in parts:
            sentence = _sentence(block, part, int(row), key_text(words), refused)
            found += [sentence] if sentence else []
    return found


def _sentence(block: Block, part: Part, row: int, words: str, refused: np.ndarray) -> str:
    printed = parse_number(block.sheet.own[block.rows.start + row, part.column.index].rstrip(" %"))
    numbers = part.cells.numbers()
    counted = (part.reasons == "") & ~np.isnan(numbers)
    is_mean, is_sum = bool(_MEAN.search(words)), bool(_SUM.match(words)) and part.rule.kind not in _NOT_ADDED
    if not isinstance(printed.value, float) or not counted.any() or not (is_mean or is_sum):
        return ""
    step = 10.0 ** -(printed.decimals or 0)
    for since in (0, _section_start(block, row)):
        values = numbers[counted & (part.rows >= since) & (part.rows < row)]
        if not len(values):
            continue
        own = values.mean() if is_mean else values.sum()
        if abs(own - printed.value) <= step / 2 * (1 if is_mean else len(values) + 1) + 1e-9:
            return ""
    above = counted & (part.rows < row)
    values, lost = numbers[above], int((refused[part.rows[above]] != "").sum())
    if not len(values):
        return ""
    aside = f", {lost} of them in refused rows," if lost else ""
    own, name = (values.mean(), "mean") if is_mean else (values.sum(), "sum")
    return (
        f"row {block.rows.start + row + 1}, column {part.column.index + 1}: the printed total is {printed.text()},"
        f" the {name} of the {len(values)} values above it{aside} is {own:.2f}"
    )


def _section_start(block: Block, row: int) -> int:
    """First row after the last section, total or blank row above."""
    above = np.flatnonzero(np.isin(block.rows.kinds[:row], (row_kinds.SECTION, row_kinds.TOTAL, row_kinds.BLANK)))
    return int(above[-1]) + 1 if len(above) else 0
