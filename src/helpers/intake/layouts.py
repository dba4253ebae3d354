"""Grid → blocks of labelled cells: which rating, which rows are data, what every column is, and why.

A block is one table under one header. Recognition weighs evidence for each rating (title, file name, labels,
what the names in the
entity column resolve to) and takes the best; no evidence means no rating, and the block is refused, never guessed.
"""

from dataclasses import dataclass, replace

import numpy as np

from helpers.intake import rows as row_kinds
from helpers.intake.columns import Column, unrated_columns
from helpers.intake.evidence import Evidence, context_entity, guess_entity, weigh
from helpers.intake.headers import Header, Sheet, find_headers, labels_of, split_side_by_side
from helpers.intake.overrides import Overrides
from helpers.intake.periods import Mention, find_mentions
from helpers.intake.rows import Rows
from helpers.intake.vocabulary import Vocabulary


@dataclass(frozen=True)
class Block:
    """One table under one header, recognised (``rating``) or not (``rating`` empty)."""

    sheet: Sheet
    header: Header
    end: int
    rating: str
    entity_type: str
    columns: tuple[Column, ...]
    rows: Rows
    titles: tuple[str, ...]
    page_titles: tuple[str, ...] = ()
    entity_text: str = ""
    period: str = ""
    why: str = ""

    def by_role(self, *roles: str) -> list[int]:
        """Absolute indexes of columns with one of the roles."""
        return [column.index for column in self.columns if column.role in roles]


def read_blocks(sheet: Sheet, words: Vocabulary, file: str, overrides: Overrides) -> list[Block]:
    """Blocks of a sheet in order; an empty list where no row looks like a header.

    Parameters
    ----------
    sheet : Sheet
        Prepared grid.
    words : Vocabulary
        Reference lists.
    file : str
        File name: the last and weakest hint.
    overrides : Overrides
        Reviewed exceptions of ``data/reference`` for this file.
    """
    exception = overrides.of_sheet(sheet.grid.sheet)
    if exception and exception.header:
        headers = [Header(exception.header[0], exception.header[1], 0, sheet.texts.shape[1])]
    else:
        headers = find_headers(sheet, words)
    tops = [
        _title_start(sheet, header, headers[place - 1].last + 1 if place else 0) for place, header in enumerate(headers)
    ]
    blocks = []
    for place, header in enumerate(headers):
        end = tops[place + 1] if place + 1 < len(headers) else sheet.rows
        titles = tuple(
            dict.fromkeys(text for row in range(tops[place], header.first) for text in sheet.own[row] if text)
        )
        first_titles = (
            tuple(text for row in range(tops[0], headers[0].first) for text in sheet.own[row] if text) if place else ()
        )
        for part in split_side_by_side(sheet, header, words):
            block = _block(sheet, part, end, titles, first_titles, words, file, overrides)
            if exception:
                block = replace(block, period=exception.period, entity_text=exception.entity or block.entity_text)
            blocks.append(block)
    return blocks


def _title_start(sheet: Sheet, header: Header, floor: int) -> int:
    """First row of the titles above a header: lone texts and blank rows, going up from it."""
    row = header.first
    while row > floor and (row - 1 < floor or np.count_nonzero(sheet.own[row - 1] != "") <= (50 if floor == 0 else 1)):
        text = next((text for text in sheet.own[row - 1] if text), "")
        if floor and text and row_kinds._kind_of_text(text, is_alone=True) != row_kinds.DATA:
            break
        row -= 1
    return row if floor else 0


def _block(
    sheet: Sheet, header: Header, end: int, titles: tuple[str, ...], first_titles: tuple[str, ...],
    words: Vocabulary, file: str, overrides: Overrides,
) -> Block:  # fmt: skip
    labels = labels_of(sheet, header)
    context = [*sheet.grid.titles, *first_titles, *titles]
    forced = overrides.rating_of(sheet.grid.sheet)
    found = [
        weigh(rating, sheet, header, end, labels, context, words, file, overrides)
        for rating in words.ratings
        if not forced or rating.code == forced
    ]
    found = sorted((one for one in found if one.score > 0), key=lambda one: -one.score)
    if found and (len(found) == 1 or found[0].score > found[1].score):
        best = found[0]
    else:
        tied = " and ".join(one.rating.code for one in found[:2] if one.rating)
        best = Evidence(
            None,
            guess_entity(sheet, header, end, labels, words),
            0.0,
            unrated_columns(labels, header, sheet, end, words),
            (),
            tied,
        )
    ids = list(best.ids)
    names = [
        column.index
        for column in best.columns
        if column.role in ("service_name", "point_name", "question", "life_situation", "number")
    ]
    kinds = row_kinds.classify(sheet, header, end, ids, names, best.entity_type)
    code = best.rating.code if best.rating else ""
    text = context_entity(sheet, context, best.entity_type) if not ids or best.entity_type == "questionnaire" else ""
    why = best.why if code else f"no rating has more evidence than others ({best.why or 'none fits'})"
    return Block(
        sheet,
        header,
        end,
        code,
        best.entity_type,
        best.columns,
        kinds,
        titles,
        page_titles=first_titles,
        entity_text=text,
        why=why,
    )


def title_mentions(block: Block) -> tuple[list[Mention], list[Mention]]:
    """Periods of the titles inside the sheet, and of the nearest heading above the table that names one."""
    inside: list[Mention] = []
    for texts in (block.titles, block.page_titles):
        for text in texts if not inside else ():
            if row_kinds.title_kind(text) == row_kinds.TITLE:
                inside += [mention for mention in find_mentions(text)[0] if mention not in inside]
    outside: list[Mention] = []
    for text in reversed(block.sheet.grid.titles):
        found = list(find_mentions(text)[0]) if row_kinds.title_kind(text) == row_kinds.TITLE else []
        if found:
            outside = found
            break
    return inside, outside
