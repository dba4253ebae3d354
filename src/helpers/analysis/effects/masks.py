"""Which service-months inform the comparison and which are averaged into the effect."""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from helpers.analysis.effects.building import Drop
from helpers.analysis.effects.coding import NEVER, BoolArray, EffectsError, FloatArray, IntArray
from helpers.analysis.effects.panel import Panel
from helpers.analysis.effects.sums import Cells, Keys, Rows, cell_sums, treated_rows

ALONE = "treated months of a service without an untreated one"
AUDIT = "audit month left out of the baseline"
EARLY = "month of anticipation, neither baseline nor effect"
"""Reasons of a drop."""


@dataclass(frozen=True)
class Masks:
    """An outcome with the roles of its service-months.

    Attributes
    ----------
    y : float array, shape (N, T)
        Outcome, NaN where missing.
    treated : bool array, shape (N, T)
        P: treated service-months of services with at least one untreated one.
    clean : bool array, shape (N, T)
        Untreated service-months outside anticipation; audit months included.
    early : bool array, shape (N, T)
        Months of anticipation.
    audit : bool array, shape (N, T)
    cohort : int array, shape (N,)
        First treated step; shifted for placebo dates.
    weights : float array, shape (N, T), or None
    keys : Keys
    total : int
        Treated service-months with an outcome, before any drop.
    drops : tuple of Drop
    """

    y: FloatArray
    treated: BoolArray
    clean: BoolArray
    early: BoolArray
    audit: BoolArray
    cohort: IntArray
    weights: FloatArray | None
    keys: Keys
    total: int
    drops: tuple[Drop, ...]

    def untreated(self, drop_audit: bool) -> BoolArray:
        """U: the baseline, with audit months left out or kept."""
        return self.clean & ~self.audit if drop_audit and self.audit.any() else self.clean

    def aside(self, drop_audit: bool) -> tuple[Drop, ...]:
        """Service-months that are neither baseline nor effect by design: anticipation, and audit months."""
        found = [(EARLY, self.early)]
        if drop_audit:
            found.append((AUDIT, self.clean & self.audit))
        return tuple(Drop(reason, int(m.sum()), int(m.any(axis=1).sum())) for reason, m in found if m.any())

    def sums(self, drop_audit: bool) -> tuple[Cells, Rows]:
        """Cells and rows of the additive model."""
        untreated = self.untreated(drop_audit)
        treated = self.treated & np.asarray(untreated.any(axis=1))[:, None]
        return (
            cell_sums(self.y, untreated, self.keys),
            treated_rows(self.keys, treated, untreated, self.y, self.weights),
        )


def make_masks(
    panel: Panel,
    outcome: str,
    *,
    anticipation: int = 0,
    weights: str | None = None,
    shift: int = 0,
    drop_audit: bool = True,
    cohort: IntArray | None = None,
    sample: bool = True,
) -> Masks:
    """Roles of the service-months of one outcome.

    Parameters
    ----------
    panel : Panel
    outcome : str
        Column of the panel's frame.
    anticipation : int
        Steps before the first treated one in which people may have reacted already: neither baseline nor effect.
    weights : str, optional
        Column of weights of treated service-months (applications: what a citizen meets).
    shift : int
        Placebo dates so many steps early, judged on untreated service-months alone.
    drop_audit : bool
        Whether placebo months inside the audit window are left out as well.
    cohort : int array, optional
        First treated steps to use instead of the panel's (permutations).
    sample : bool
        False for one piece of a stream, which may lack treated months or values.

    Raises
    ------
    EffectsError
        No observed outcome, or a negative ``anticipation`` or ``shift``.
    """
    if anticipation < 0 or shift < 0:
        raise EffectsError("anticipation and shift are numbers of months from 0 up")
    y = panel.matrix(outcome)
    _refuse_negative_time(y, outcome)
    seen = panel.observed & ~np.isnan(y)
    missing = int(panel.observed.sum()) - int(seen.sum())
    drops = list(panel.drops)
    if missing:
        affected = int((panel.observed & ~seen).any(axis=1).sum())
        drops.append(Drop(f"{outcome} missing", missing, affected))
    if sample and not seen.any():
        raise EffectsError(f"column {outcome} has no value")
    dates = panel.cohort if cohort is None else cohort
    treated, clean, early, dates = _roles(panel, seen, dates, anticipation, shift, drop_audit)
    weight = None if weights is None else panel.weight_matrix(weights)
    if weight is not None:
        bare = treated & ~(weight > 0)
        if sample and not (treated & ~bare).any() and treated.any():
            raise EffectsError(f"weights {weights} are zero in every treated service-month")
        if bare.any():
            drops.append(Drop(f"{weights} zero or missing", int(bare.sum()), int(bare.any(axis=1).sum())))
            treated = treated & ~bare
    total = int(treated.sum())
    if sample and total == 0:
        raise EffectsError(f"no treated service-month with a value of {outcome}")
    keys = Keys(panel.cluster_code, panel.stratum_code, panel.audit_code, dates)
    return Masks(y, treated, clean, early, panel.audit, dates, weight, keys, total, tuple(drops))


def _roles(
    panel: Panel, seen: BoolArray, dates: IntArray, anticipation: int, shift: int, drop_audit: bool
) -> tuple[BoolArray, BoolArray, BoolArray, IntArray]:
    """Treated, untreated and anticipation months, and their dates; placebo dates ``shift`` months early."""
    ever = (dates != NEVER)[:, None]
    since = panel.times[None, :] - dates.astype(np.int64)[:, None]
    real = ever & (since >= 0)
    if not shift:
        early = ever & (since >= -anticipation) & ~real
        return seen & real, seen & ~real & ~early, seen & early, dates
    # real anticipation is left out as well, and so is the one before the placebo date
    clean = seen & ~(ever & (since >= -anticipation))
    treated = clean & (since >= -shift) & ever & ~(panel.audit if drop_audit else False)
    before = ever & (since >= -shift - anticipation)
    moved = np.where(dates == NEVER, NEVER, dates - shift).astype(np.int32)
    return treated, clean & ~before, seen & ~real & before & ~treated, moved


_DURATION = re.compile(r"(^|_)(days?|time|duration|minutes|hours)($|_)")


def _refuse_negative_time(y: FloatArray, outcome: str) -> None:
    """A duration by its name cannot be negative; a logarithm or a difference may."""
    if _DURATION.search(outcome) and not re.search(r"log|change|diff", outcome) and (y < 0).any():
        raise EffectsError(f"column {outcome} holds a negative time in {int((y < 0).sum())} service-months")


def lost(masks: Masks, untreated: npt.NDArray[np.bool_]) -> tuple[Drop, ...]:
    """Treated service-months of services without any baseline month."""
    alone = masks.treated & ~np.asarray(untreated.any(axis=1))[:, None]
    if not alone.any():
        return ()
    return (Drop(ALONE, int(alone.sum()), int(alone.any(axis=1).sum())),)
