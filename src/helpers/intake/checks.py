"""Checks between the cells of a block: totals of parts, points above their maximum, twin columns, repeated records."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from helpers.intake import similar
from helpers.intake.cells import ColumnCells
from helpers.intake.columns import LONG_VALUE, Column
from helpers.intake.layouts import Block
from helpers.intake.records import Entities, duplicates, joined_codes, wrong_totals
from helpers.intake.vocabulary import Indicator, load

_NAMED = 5  # rows of one record that a suggestion names


@dataclass
class Part:
    """One column, or the rows of it that hold one indicator: cells, period and verdict per row of the block; ``hints``
    are suggestions by position in ``rows``.
    """

    column: Column
    rule: Indicator
    indicator_codes: np.ndarray
    indicators: list[str]
    rows: np.ndarray
    cells: ColumnCells
    reasons: np.ndarray
    period_codes: np.ndarray
    periods: tuple[tuple[str, str], ...]
    hints: dict[int, str] = field(default_factory=dict)


def expect_blank_facts(part: Part, parts: list[Part]) -> None:
    """An empty actual date of a point that is not done or not due is right, not missing."""
    if part.rule.name != "fact_date":
        return
    status = next((other for other in parts if other.rule.name == "status" and len(other.rows) == len(part.rows)), None)
    if status is None:
        return
    values = status.cells.take("value")
    part.reasons[(part.reasons == "missing_value") & np.isin(values.astype(str), ["not_done", "not_due"])] = (
        "expected_blank"
    )


def refuse_twins(parts: list[Part]) -> None:
    """Two columns that name the same indicator for the same period: equal cells count once, different ones not at
    all.
    """
    for place, later in enumerate(parts):
        for earlier in parts[:place]:
            is_twin = (
                earlier.indicators == later.indicators
                and earlier.periods == later.periods
                and earlier.column is not later.column
            )
            if (
                not is_twin
                or len(earlier.rows) != len(later.rows)
                or not (earlier.period_codes == later.period_codes).all()
            ):
                continue
            both = (earlier.reasons == "") & (later.reasons == "")
            fields = ("value", "unit", "cmp")
            same = np.logical_and.reduce([earlier.cells.take(name) == later.cells.take(name) for name in fields])
            earlier.reasons[both & ~same] = "duplicate_conflict"
            later.reasons[both] = np.where(same[both], "duplicate_exact", "duplicate_conflict")


def check_totals(parts: list[Part], block: Block) -> None:
    """Refuse a total that lies further from the sum of its parts than rounding allows; the parts stay."""
    for total in parts:
        group = [
            part
            for part in parts
            if part.rule.part_of == total.rule.name
            and part.rule.rating == total.rule.rating
            and _same_period(part, total)
        ]
        needed = {name for name in _part_names(total.rule)}
        if not needed or {part.rule.name for part in group} != needed or len(group) != len(needed):
            continue
        values = [np.where(part.reasons == "", part.cells.numbers(), np.nan) for part in group]
        decimals = max((one.decimals or 0) for part in [*group, total] for one in part.cells.parsed)
        whole = np.where(total.reasons == "", total.cells.numbers(), np.nan)
        wrong = wrong_totals(whole, values, decimals)
        total.reasons[wrong] = "inconsistent_total"
        sums = np.sum(values, axis=0)
        total.hints |= {
            int(at): f"the {len(values)} parts add up to {sums[at]:.{decimals}f}; ask the publisher which is right"
            for at in np.flatnonzero(wrong)
        }


def _part_names(rule: Indicator) -> set[str]:
    return {other.name for other in load().indicators[rule.rating] if other.part_of == rule.name}


def _same_period(part: Part, total: Part) -> bool:
    return part.periods == total.periods and len(part.rows) == len(total.rows)


def check_questions(parts: list[Part]) -> None:
    """Points above the printed maximum of the same question are out of range."""
    for points in parts:
        if not points.rule.name.endswith(": points"):
            continue
        for top in parts:
            if top.rule.name.endswith(": max_points") and len(top.rows) == len(points.rows):
                above = points.cells.numbers() > np.where(top.reasons == "", top.cells.numbers(), np.nan)
                points.reasons[above & (points.reasons == "")] = "out_of_range"


def check_duplicates(parts: list[Part], named: Entities, refused: np.ndarray, first: int) -> dict[int, str]:
    """Mark rows that repeat or contradict an earlier record; ``first`` is the printed number of the block's first row.

    Returns
    -------
    dict
        Row of the block → what it repeats or contradicts, in words.
    """
    count = len(refused)
    ids = named.ids.category(np.arange(count)).codes.astype(np.int64)
    groups: dict[tuple, list[Part]] = {}
    for part in parts:
        groups.setdefault((part.periods, part.column.label.state, _long_key(part)), []).append(part)
    keys, signatures, eligible = [], [], []
    for group in groups.values():
        codes, has_value, period, name = (
            [],
            np.zeros(count, dtype=bool),
            np.zeros(count, dtype=np.int64),
            np.zeros(count, dtype=np.int64),
        )
        for part in group:
            full = np.full(count, -1, dtype=np.int64)
            full[part.rows] = part.cells.value_codes()
            codes.append(full)
            has_value[part.rows] |= part.reasons == ""
            period[part.rows] = (
                pd.factorize(np.array([text for text, _ in part.periods], dtype=object))[0][part.period_codes]
                if part.periods
                else 0
            )
            name[part.rows] = part.indicator_codes
        keys.append(joined_codes([ids, period, name]))
        signatures.append(joined_codes(codes))
        eligible.append(has_value & (refused == ""))
    verdict = duplicates(keys, signatures, eligible) if keys else np.zeros(count, dtype=np.int64)
    refused[verdict == 1] = "duplicate_exact"
    refused[verdict == 2] = "duplicate_conflict"
    return _conflicts(keys, eligible, verdict, named, first)


def _conflicts(
    keys: list[np.ndarray], eligible: list[np.ndarray], verdict: np.ndarray, named: Entities, first: int
) -> dict[int, str]:
    """Row of the block → the rows that say it too, and which of them only look like the same name."""
    found: dict[int, str] = {}
    for key, has_value in zip(keys, eligible, strict=True):
        rows = np.flatnonzero(has_value)
        frame = pd.DataFrame({"row": rows, "key": key[rows]})
        again = frame[frame["key"].duplicated(keep=False)]
        for _, group in again.groupby("key", sort=False)["row"]:
            places = group.to_numpy()
            raws = {int(row): named.raws.texts[named.raws.codes[row]] for row in places[:_NAMED]}
            printed = ", ".join(
                f"{row + first} «{raw}»{' (nearest spelling only)' if similar.read_as(raw) else ''}"
                for row, raw in raws.items()
            )
            entity = named.ids.texts[named.ids.codes[places[0]]]
            text = f"rows {printed} are one record ({entity})"
            found |= {int(row): text for row in places if verdict[row]}
    return found


def _long_key(part: Part) -> str:
    return part.rule.name if part.column.use == LONG_VALUE else "" if "{" not in part.rule.name else "questions"


def refuse_wide_merges(parts: list[Part], block: Block) -> None:
    """One value merged over columns of different indicators or periods says nothing certain about any of them."""
    at = {part.column.index: part for part in parts}
    for row, left, last_row, right in block.sheet.grid.spans:
        covered = [at[column] for column in range(left, right + 1) if column in at]
        if last_row < block.rows.start or row >= block.end or len(covered) < 2:
            continue
        for part in covered:
            inside = (part.rows >= row - block.rows.start) & (part.rows <= last_row - block.rows.start)
            part.reasons[inside & (part.reasons == "")] = "ambiguous_unit"
