"""Tables of an analysis notebook as a paper prints them: a caption that says what, numbers with their interval beside.

The frame stays what it is; only its picture changes: no index, text to the left, an interval in one cell, a dash where
there is no number. The same frame gives the same bytes.
"""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from helpers.presentation import formats

INTERVAL = "95 % interval"
PAIRS = {INTERVAL: ("ci_low", "ci_high"), "95 % for all together": ("simultaneous_low", "simultaneous_high")}
"""Pairs of columns that are shown as one, wherever both are there."""
HEADS = {
    "n_services": "services",
    "n_obs": "months",
    "n_clusters": "regions",
    "n_regions": "regions",
    "not_an_effect": "before/after (not an effect)",
    "p_holm": "p (Holm)",
    "p_value": "p",
    "region_iso": "region",
}
UNITS = {"percent_change": "%", "percentage_point": "pp", "log_point": "log points"}
DASH = "–"
_CELL = "padding:.2em .6em;vertical-align:top;text-align:"


@dataclass(frozen=True, eq=False)
class Paper:
    """A table ready to be shown: ``cells`` are finished text under ``head``; ``numeric`` columns stand to the right."""

    caption: str
    head: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    is_folded: bool = False

    def _repr_html_(self) -> str:
        """HTML for a notebook; a folded table opens on a click, one without rows is its caption."""
        if not self.cells:
            return f"<p>{html.escape(self.caption)}</p>"
        heads = "".join(_tag("th", text, right) for text, right in zip(self.head, self.numeric, strict=True))
        rows = "".join(f"<tr>{self._row(cells)}</tr>\n" for cells in self.cells)
        caption = html.escape(self.caption)
        title = "" if self.is_folded else f'<caption style="text-align:left;font-weight:bold">{caption}</caption>'
        table = f"<table>{title}<thead><tr>{heads}</tr></thead>\n<tbody>{rows}</tbody></table>"
        return f"<details><summary>{caption}</summary>{table}</details>" if self.is_folded else table

    def _row(self, cells: tuple[str, ...]) -> str:
        return "".join(_tag("td", text, right) for text, right in zip(cells, self.numeric, strict=True))

    def __repr__(self) -> str:
        """Plain text: the caption, then the cells."""
        frame = pd.DataFrame(list(self.cells), columns=list(self.head))
        return f"{self.caption}\n{frame.to_string(index=False)}" if len(frame) else self.caption


def _tag(name: str, text: str, right: bool) -> str:
    scope = ' scope="col"' if name == "th" else ""
    side = "left" if not right else "right" if name == "th" else "right;white-space:nowrap"
    return f'<{name}{scope} style="{_CELL}{side}">{html.escape(text)}</{name}>'


def table(
    frame: pd.DataFrame,
    caption: str,
    digits: int = 1,
    pairs: Mapping[str, tuple[str, str]] | None = None,
    fold: bool = False,
) -> Paper:
    """A frame as a table of a paper.

    Parameters
    ----------
    frame : DataFrame
        Any table of the analysis; the flag ``is_synthetic`` is not shown.
    caption : str
        What it shows and in which unit.
    digits : int
        Decimals of numbers that are not whole; p values and standard errors have three.
    pairs : mapping of str to (str, str), optional
        Further pairs of columns to show as ``low to high`` under one head.
    fold : bool
        Long tables: only the caption until it is clicked.
    """
    merged = {**PAIRS, **(pairs or {})}
    seconds = {high: name for name, (low, high) in merged.items() if {low, high} <= set(frame)}
    firsts = {merged[name][0]: name for name in seconds.values()}
    head, columns, numeric = [], [], []
    for name in frame.columns:
        if name == "is_synthetic" or name in seconds:
            continue
        if name in firsts:
            low, high = merged[firsts[name]]
            head.append(firsts[name])
            columns.append([_span(*both, digits) for both in zip(frame[low], frame[high], strict=True)])
            numeric.append(True)
            continue
        head.append(HEADS.get(str(name), str(name).replace("_", " ")))
        columns.append(_texts(frame[name], str(name), digits))
        numeric.append(pd.api.types.is_numeric_dtype(frame[name]) and not pd.api.types.is_bool_dtype(frame[name]))
    cells = tuple(zip(*columns, strict=True)) if columns else ()
    shown = caption if len(frame) else f"{caption}: no rows."
    return Paper(shown, tuple(head), cells, tuple(numeric), fold)


def _texts(values: pd.Series, name: str, digits: int) -> list[str]:
    if pd.api.types.is_bool_dtype(values):
        return ["yes" if value else "no" for value in values]
    if not pd.api.types.is_numeric_dtype(values):
        texts = [DASH if pd.isna(value) or value == "" else UNITS.get(str(value), str(value)) for value in values]
        return [text.replace("_", " ") for text in texts]
    if name.startswith("p_"):
        return [_p(value) for value in values]
    known = values.dropna()
    places = 0 if (known == known.round()).all() else 3 if name.endswith("_se") else digits
    # a column of unlike things, such as the overview, has whole numbers and shares one under another
    whole = (values == values.round()) & (name == "value")
    return [_number(value, 0 if bare else places) for value, bare in zip(values, whole, strict=True)]


def _number(value: Any, places: int) -> str:
    return DASH if pd.isna(value) else formats.number(float(value), "en", places)


def _p(value: float) -> str:
    if pd.isna(value):
        return DASH
    return "< 0.001" if value < 0.001 else formats.number(float(value), "en", 3)


def _span(low: float, high: float, digits: int) -> str:
    return DASH if pd.isna(low) or pd.isna(high) else formats.change_span(float(low), float(high), "en", digits)
