"""Standard errors between a region's own services, from sums alone: what a stream can keep of its services.

The effect of a service, summed over its treated months, is level − slope · λ, with the month effects λ known only when
the stream is over. The sum of squared deviations from a region's effect is a quadratic form in (1, effect, λ): cross
products of level, weight and slope by region × stratum × audit date are all that is needed.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from helpers.analysis.effects.coding import BoolArray, FloatArray, IntArray
from helpers.analysis.effects.masks import Masks
from helpers.analysis.effects.solving import Solved
from helpers.analysis.effects.strata import Plan, Stratum
from helpers.analysis.effects.sums import BLOCK, LongArray

if TYPE_CHECKING:
    from helpers.analysis.effects.imputation import Imputation


@dataclass(frozen=True)
class Products:
    """Cross products of treated services, by region × stratum × audit date.

    Attributes
    ----------
    cluster, stratum, audit : int arrays, shape (C,)
    value : float array, shape (C, 2 + T, 2 + T)
        Σ v v' with v = (level, weight, slope by month) of a service.
    units, months : int arrays, shape (C,)
        Services, and their treated service-months.
    """

    cluster: IntArray
    stratum: IntArray
    audit: IntArray
    value: FloatArray
    units: LongArray
    months: LongArray


def products(masks: Masks, drop_audit: bool) -> Products:
    """Cross products of one panel or piece, with audit months left out of the baseline or kept."""
    keys, base = masks.keys, masks.untreated(drop_audit)
    treated = masks.treated & np.asarray(base.any(axis=1))[:, None]
    units = np.flatnonzero(treated.any(axis=1))
    order = units[np.lexsort((keys.audit[units], keys.stratum[units], keys.cluster[units]))]
    key = np.column_stack([keys.cluster[order], keys.stratum[order], keys.audit[order]]).reshape(-1, 3)
    new = np.append(True, (key[1:] != key[:-1]).any(axis=1)) if len(order) else np.zeros(0, dtype=bool)
    starts = np.append(np.flatnonzero(new), len(order))
    value = np.zeros((len(starts) - 1, 2 + base.shape[1], 2 + base.shape[1]))
    hits = np.append(0, np.cumsum(treated[order].sum(axis=1)))
    for cell in range(len(value)):
        for begin in range(starts[cell], starts[cell + 1], BLOCK):
            part = _vectors(masks, treated, base, order[begin : min(begin + BLOCK, starts[cell + 1])])
            value[cell] += part.T @ part
    first = key[starts[:-1]].astype(np.int32)
    units_of, months = np.diff(starts).astype(np.int64), np.diff(hits[starts]).astype(np.int64)
    return Products(first[:, 0], first[:, 1], first[:, 2], value, units_of, months)


def _vectors(masks: Masks, treated: BoolArray, base: BoolArray, units: LongArray) -> FloatArray:
    """Level, weight and slopes of each service, shape (services, 2 + T)."""
    hit, mask, y = treated[units], base[units], masks.y[units]
    weight = hit.astype(np.float64) if masks.weights is None else np.where(hit, masks.weights[units], 0.0)
    share = mask / mask.sum(axis=1, keepdims=True)
    total = weight.sum(axis=1)
    mean = np.where(mask, share * np.where(mask, y, 0.0), 0.0).sum(axis=1)
    level = (weight * np.where(hit, y, 0.0)).sum(axis=1) - total * mean
    return np.column_stack([level, total, weight - total[:, None] * share])


@dataclass(frozen=True)
class RegionSpread:
    """Cross products of a whole stream, by treatment of audit months."""

    products: dict[bool, Products]

    def standard_errors(
        self, codes: LongArray, att: FloatArray, plan: Plan, solved: tuple[Solved, ...], spec: "Imputation"
    ) -> FloatArray:
        """Standard error of the effect of each region of ``codes`` from the spread of its services' own effects.

        NaN for a region with one service, and for one with a treated month that lost its comparison: sums over
        months cannot be taken apart any more.
        """
        regions = len(codes)
        square, weight, units, lost = (np.zeros(regions) for _ in range(4))
        for stratum, effects in zip(plan.strata, solved, strict=True):
            rows = stratum.rows
            known = self.products[True if stratum.level != spec.effects else spec.drop_audit]
            mine = np.flatnonzero(_served(stratum, known))
            where = np.searchsorted(codes, known.cluster[mine])
            vector = np.column_stack([np.ones(len(mine)), -att[where], np.tile(-effects.effect, (len(mine), 1))])
            deviation = np.einsum("ci,cij,cj->c", vector, known.value[mine], vector)
            square += np.bincount(where, deviation, regions)
            units += np.bincount(where, known.units[mine], regions)
            lost += np.bincount(where, known.months[mine], regions)
            own = np.searchsorted(codes, rows.cluster)
            weight += np.bincount(own, rows.weight, regions)
            lost -= np.bincount(own, rows.count, regions)
        with np.errstate(invalid="ignore", divide="ignore"):
            se = np.sqrt(units / (units - 1) * np.maximum(square, 0.0)) / weight
        return np.where((units > 1) & (np.abs(lost) < 0.5), se, np.nan)


def _served(stratum: Stratum, known: Products) -> BoolArray:
    """Cells whose treated months the stratum serves; regions without a treated month that is kept are left out."""
    rows = stratum.rows
    pairs = set(zip(rows.stratum.tolist(), rows.audit.tolist(), strict=True))
    inside = [pair in pairs for pair in zip(known.stratum.tolist(), known.audit.tolist(), strict=True)]
    return np.asarray(inside, dtype=bool) & np.isin(known.cluster, rows.cluster)


def merge(
    pieces: list[tuple[LongArray, Products]], times: LongArray, cluster: LongArray, stratum: LongArray
) -> Products:
    """Products of a whole from those of its pieces, whose codes and months are turned into those of the whole.

    Parameters
    ----------
    pieces : list
        Months of each piece and its products, audit dates as numbers of months.
    times, cluster, stratum : int arrays
        Months of the whole; places of the codes in sorted order.
    """
    keys = [
        np.concatenate([part for part in columns])
        for columns in zip(
            *[(cluster[p.cluster], stratum[p.stratum], np.where(p.audit < 0, -1, np.searchsorted(times, p.audit)))
              for _, p in pieces], strict=True,
        )
    ]  # fmt: skip
    table = np.column_stack(keys).astype(np.int64)
    unique, group = np.unique(table, axis=0, return_inverse=True)
    group = group.reshape(-1)
    value = np.zeros((len(unique), 2 + len(times), 2 + len(times)))
    begin = 0
    for own, piece in pieces:
        part = group[begin : begin + len(piece.units)]
        begin += len(piece.units)
        where = np.append([0, 1], 2 + np.searchsorted(times, own))
        spread = np.zeros((len(part), *value.shape[1:]))
        spread[:, where[:, None], where[None, :]] = piece.value
        np.add.at(value, part, spread)
    units, months = (
        np.bincount(group, np.concatenate([getattr(p, name) for _, p in pieces]), len(unique)).astype(np.int64)
        for name in ("units", "months")
    )
    key = unique.astype(np.int32)
    return Products(key[:, 0], key[:, 1], key[:, 2], value, units, months)
