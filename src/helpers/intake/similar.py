"""Names that no list spells so and that were read as the nearest one: each is said, with what it was read as."""

import numpy as np
import pandas as pd

from helpers.intake.layouts import Block
from helpers.intake.records import Entities
from helpers.intake.regions import judge_region, region_name

GUESSED = ("fuzzy", "mended_encoding")
_NAMED = ("region", "regional_agency")  # types whose own name says the region
_ROWS_SHOWN = 5


def read_as(text: str) -> str:
    """Official name of the region that a text was taken for by likeness alone; empty where a list spells it so."""
    match = judge_region(text)
    return region_name(match.code) if match.code and match.how in GUESSED else ""


def sentences(texts: np.ndarray, rows: np.ndarray) -> list[str]:
    """One sentence for each such name of a column; ``rows`` are 0-based places on the sheet."""
    codes, distinct = pd.factorize(texts)
    found = [(text, name, rows[codes == code]) for code, text in enumerate(distinct) if (name := read_as(text))]
    return [
        f"row {', '.join(str(row + 1) for row in places[:_ROWS_SHOWN])}: «{text}» read as {name}"
        " (nearest spelling; if that is right, make it a row of region_aliases.csv)"
        for text, name, places in found
    ]


def of_block(block: Block, named: Entities, data: np.ndarray) -> list[str]:
    """Sentences about the names of regions in the rows of data of a block."""
    rows = data + block.rows.start
    if block.entity_type in _NAMED:
        return sentences(named.raws.take()[data], rows)
    return [text for column in block.by_role("region") for text in sentences(block.sheet.texts[rows, column], rows)]
