"""A panel that comes in pieces: sums are kept, rows are not."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from helpers.analysis.effects.averages import sum_by
from helpers.analysis.effects.building import Drop
from helpers.analysis.effects.coding import EffectsError, IntArray
from helpers.analysis.effects.fit import Fit, Layout
from helpers.analysis.effects.masks import ALONE, lost
from helpers.analysis.effects.panel import Panel
from helpers.analysis.effects.region_spread import Products, RegionSpread, merge, products
from helpers.analysis.effects.strata import decide
from helpers.analysis.effects.sums import Cells, LongArray, Rows

if TYPE_CHECKING:
    from helpers.analysis.effects.imputation import Imputation


def stream(spec: "Imputation", chunks: Iterable[pd.DataFrame], outcome: str, roles: dict[str, Any]) -> Fit:
    """See :meth:`Imputation.fit_chunks`."""
    from helpers.analysis.effects.imputation import assemble, unlinked

    state = _State(spec, outcome)
    for frame in chunks:
        state.add(Panel(frame, **roles, sample=False))
    layout, source, spread = state.finish()
    plan = decide(spec.chain(), lambda drop: source[drop], state.total, int(layout.times[-1]))
    found = assemble(spec, None, outcome, plan, state.drops(), layout=layout)
    alone = tuple(drop for drop in found.drops if drop.reason == ALONE)
    return replace(found, drops=found.drops + unlinked(plan, alone), spread=spread)


class _Names:
    """Labels in the order in which they were first seen, each with its number."""

    def __init__(self) -> None:
        self.number: dict[Any, int] = {}

    def codes(self, labels: Iterable[Any]) -> npt.NDArray[np.int64]:
        return np.asarray([self.number.setdefault(label, len(self.number)) for label in labels], dtype=np.int64)

    def sorted(self) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
        """Labels in order, and the place of each number in that order."""
        labels = np.empty(len(self.number), dtype=object)
        labels[:] = list(self.number)
        plain = all(isinstance(label, int | float | np.number) for label in labels)
        order = np.argsort(labels.astype(np.float64) if plain else labels.astype(str), kind="stable")
        place = np.empty(len(labels), dtype=np.int64)
        place[order] = np.arange(len(labels))
        return labels[order], place


class _State:
    """Sums of the pieces seen so far, with codes common to all pieces."""

    def __init__(self, spec: "Imputation", outcome: str) -> None:
        self.spec, self.outcome = spec, outcome
        self.clusters, self.strata = _Names(), _Names()
        self.times: set[int] = set()
        self.units: set[Any] = set()
        self.names: dict[str, Any] = {}
        self.total = 0
        self.dropped: dict[str, tuple[int, int]] = {}
        # the fallbacks leave audit months out even when the first level keeps them
        self.variants = {spec.drop_audit, bool(spec.chain().coarser) or spec.drop_audit}
        self.cells: dict[bool, list[tuple[LongArray, Cells]]] = {variant: [] for variant in self.variants}
        self.rows: dict[bool, list[tuple[LongArray, Rows]]] = {variant: [] for variant in self.variants}
        self.products: dict[bool, list[tuple[LongArray, Products]]] = {variant: [] for variant in self.variants}

    def add(self, panel: Panel) -> None:
        """Take in one piece."""
        names = {*panel.units.tolist(), *panel.left_out.tolist()}
        if names & self.units:
            raise EffectsError(
                f"{len(names & self.units)} services are split between pieces: keep all months of a service together"
            )
        self.units |= names
        self.names = panel.names
        self.times |= set(panel.times.tolist())
        if panel.n_units == 0:
            self._count(panel.drops)
            return
        masks = self.spec.masks(panel, self.outcome, sample=False)
        self.total += masks.total
        drop = self.spec.drop_audit
        self._count((*masks.drops, *lost(masks, masks.untreated(drop)), *masks.aside(drop)))
        cluster, stratum = self.clusters.codes(panel.cluster_labels), self.strata.codes(panel.stratum_labels)
        for variant in self.variants:
            cells, rows = masks.sums(variant)
            self.cells[variant].append((panel.times, _recoded(cells, cluster, stratum, panel.times)))
            self.rows[variant].append((panel.times, _recoded(rows, cluster, stratum, panel.times)))
            own = products(masks, variant)
            self.products[variant].append((panel.times, _recoded(own, cluster, stratum, panel.times)))

    def _count(self, drops: tuple[Drop, ...]) -> None:
        for drop in drops:
            rows, units = self.dropped.get(drop.reason, (0, 0))
            self.dropped[drop.reason] = (rows + drop.rows, units + drop.units)

    def drops(self) -> tuple[Drop, ...]:
        """Everything left out."""
        return tuple(Drop(reason, rows, units) for reason, (rows, units) in sorted(self.dropped.items()))

    def finish(self) -> tuple[Layout, dict[bool, tuple[Cells, Rows]], RegionSpread]:
        """Layout of the whole, its cells and rows by treatment of audit months, and the spread within regions."""
        times = np.asarray(sorted(self.times), dtype=np.int64)
        if not len(times):
            raise EffectsError("the stream is empty")
        clusters, cluster = self.clusters.sorted()
        strata, stratum = self.strata.sorted()
        if len(clusters) < 2:
            raise EffectsError("a single region (cluster): its uncertainty cannot be measured")
        if self.total == 0:
            raise EffectsError(f"no treated service-month with a value of {self.outcome}")
        layout = Layout(times, clusters, strata, self.names)
        source = {
            variant: (
                _merge_cells(self.cells[variant], times, cluster, stratum),
                _merge_rows(self.rows[variant], times, cluster, stratum),
            )
            for variant in self.variants
        }
        spread = {variant: merge(self.products[variant], times, cluster, stratum) for variant in self.variants}
        return layout, source, RegionSpread(spread)


def _recoded(part: Any, cluster: LongArray, stratum: LongArray, times: LongArray) -> Any:
    """Codes of the piece replaced by codes common to all pieces; months by their numbers."""
    values = {name: getattr(part, name) for name in part.__dataclass_fields__}
    values["cluster"] = cluster[part.cluster].astype(np.int32)
    values["stratum"] = stratum[part.stratum].astype(np.int32)
    values["audit"] = np.where(part.audit < 0, -1, times[part.audit]).astype(np.int32)
    for name in ("first", "month"):
        if name in values:
            values[name] = times[values[name]].astype(np.int32)
    return type(part)(**values)


def _spread(values: npt.NDArray[np.generic], own: LongArray, times: LongArray, axes: int) -> npt.NDArray[Any]:
    """Put the piece's months (the last ``axes`` axes) into the months of the whole."""
    where = np.searchsorted(times, own)
    if axes == 1:
        out = np.zeros((len(values), len(times)), dtype=values.dtype)
        out[:, where] = values
        return out
    out = np.zeros((len(values), len(times), len(times)), dtype=values.dtype)
    out[:, where[:, None], where[None, :]] = values
    return out


def _grouped(columns: list[npt.NDArray[np.integer]]) -> tuple[LongArray, LongArray]:
    """Group of every line, groups in the order of the columns; first line of each group."""
    table = np.column_stack([column.astype(np.int64) for column in columns])
    _, first, group = np.unique(table, axis=0, return_index=True, return_inverse=True)
    return group.reshape(-1).astype(np.int64), first.astype(np.int64)


def _dates(audit: IntArray, times: LongArray) -> IntArray:
    return np.where(audit < 0, -1, np.searchsorted(times, audit)).astype(np.int32)


def _merge_cells(
    pieces: list[tuple[LongArray, Cells]], times: LongArray, cluster: LongArray, stratum: LongArray
) -> Cells:
    def column(name: str) -> npt.NDArray[Any]:
        return np.concatenate([getattr(cells, name) for _, cells in pieces])

    keys = [cluster[column("cluster")], stratum[column("stratum")], _dates(column("audit"), times), column("cohort")]
    group, first = _grouped(keys)
    size = len(first)
    moment = np.zeros((size, len(times), len(times)))
    begin = 0
    for own, cells in pieces:
        # one piece at a time: all moments side by side would need as much memory as rows
        part = group[begin : begin + len(cells.cluster)]
        begin += len(cells.cluster)
        np.add.at(moment, part, _spread(cells.moment, own, times, 2))
    response = sum_by(group, np.concatenate([_spread(c.response, own, times, 1) for own, c in pieces]), size)
    months = sum_by(group, np.concatenate([_spread(c.months, own, times, 1) for own, c in pieces]), size)
    units = sum_by(group, column("units"), size)
    key = [part[first].astype(np.int32) for part in keys]
    return Cells(
        key[0], key[1], key[2], key[3], moment, response, units.astype(np.int64), months.astype(np.int64)
    )  # fmt: skip


def _merge_rows(pieces: list[tuple[LongArray, Rows]], times: LongArray, cluster: LongArray, stratum: LongArray) -> Rows:
    def column(name: str) -> npt.NDArray[Any]:
        return np.concatenate([getattr(rows, name) for _, rows in pieces])

    key = [
        cluster[column("cluster")], stratum[column("stratum")], _dates(column("audit"), times), column("cohort"),
        np.searchsorted(times, column("first")),
    ]  # fmt: skip
    month = np.searchsorted(times, column("month"))
    cell, _ = _grouped(key)
    group, first = _grouped([cell, month])
    size = len(first)
    slope = sum_by(group, np.concatenate([_spread(r.slope, own, times, 1) for own, r in pieces]), size)
    sums = {name: sum_by(group, column(name), size) for name in ("level", "base", "weight", "count")}
    units = np.concatenate([_cell_units(rows) for _, rows in pieces])
    # each piece's cell is counted once, in the first of its rows
    whole = sum_by(cell, units, int(cell.max()) + 1 if len(cell) else 0)
    keys = [part[first].astype(np.int32) for part in key]
    return Rows(
        cell[first].astype(np.int32), keys[0], keys[1], keys[2], keys[3], keys[4], month[first].astype(np.int32),
        sums["level"], sums["base"], slope, sums["weight"], sums["count"].astype(np.int64), whole.astype(np.int64),
    )  # fmt: skip


def _cell_units(rows: Rows) -> LongArray:
    """Units of the row's cell in the first row of the cell, 0 in its other rows."""
    once = np.zeros(len(rows.cell), dtype=np.int64)
    cells, first = np.unique(rows.cell, return_index=True)
    once[first] = rows.cell_units[cells]
    return once
