"""Which untreated services stand for which treated ones: the declared chain of strata, decided on the whole sample."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from helpers.analysis.effects.coding import NEVER, EffectsError
from helpers.analysis.effects.solving import components
from helpers.analysis.effects.sums import Cells, Rows

LEVELS = ("month:strata:audit", "month:strata", "month")
"""Month effects from the finest to the coarsest."""

NOT_REMOVED = "month effects only: regression to the mean is not removed"


@dataclass(frozen=True)
class Stratum:
    """One set of month effects: the services that inform them and the treated cells they serve.

    Attributes
    ----------
    level : str
        Level of the chain.
    key : tuple of int
        Codes of the group (stratum, audit date), as far as the level distinguishes them.
    cells : Cells
        Normal equations of all services of the group.
    own : bool array
        Cells whose treated months are served here (the others are comparison only).
    rows : Rows
        Treated cells served, identified ones only.
    """

    level: str
    key: tuple[int, ...]
    cells: Cells
    own: npt.NDArray[np.bool_]
    rows: Rows


@dataclass(frozen=True)
class Plan:
    """The chain as it was applied.

    Attributes
    ----------
    strata : tuple of Stratum
    kept : float
        Share of treated service-months that keep an identified comparison.
    treated : int
        Treated service-months before anything is dropped.
    table : DataFrame
        One row a stratum: level, codes, services, never optimised, treated service-months, of which identified.
    level : str
        Coarsest level that was needed.
    note : str
        Sentence for the reader, blank when there is nothing to say.
    """

    strata: tuple[Stratum, ...]
    kept: float
    treated: int
    table: pd.DataFrame
    level: str
    note: str


@dataclass(frozen=True)
class Chain:
    """The declared chain.

    Parameters
    ----------
    effects : str
        First level, one of ``LEVELS``.
    fallback : tuple of str
        Further levels, coarser one after another.
    min_controls : int
        A stratum of the first level (when finer than month × strata) needs so many services never optimised.
    min_share : float
        Share of treated service-months that a level must keep.
    drop_audit : bool
        Whether the first level leaves audit months out of the baseline; the fallbacks always do.
    """

    effects: str
    fallback: tuple[str, ...]
    min_controls: int
    min_share: float
    drop_audit: bool

    def __post_init__(self) -> None:
        for level in (self.effects, *self.fallback):
            if level not in LEVELS:
                raise EffectsError(f"unknown month effects {level!r}; there are {', '.join(LEVELS)}")

    @property
    def coarser(self) -> tuple[str, ...]:
        """Fallbacks coarser than the first level."""
        return tuple(level for level in self.fallback if LEVELS.index(level) > LEVELS.index(self.effects))


Source = Callable[[bool], tuple[Cells, Rows]]
"""Cells and rows with audit months left out of the baseline (True) or kept (False)."""


def decide(chain: Chain, source: Source, treated: int, last: int) -> Plan:
    """Apply the chain.

    Parameters
    ----------
    chain : Chain
        What was declared.
    source : callable
        Gives cells and rows with audit months left out (True) or kept (False).
    treated : int
        Treated service-months before anything is dropped.
    last : int
        Number of the last step of time; services optimised later are controls.

    Returns
    -------
    Plan

    Raises
    ------
    EffectsError
        When no treated cell has an identified comparison at any level.
    """
    attempts: list[Callable[[], list[Stratum]]] = []
    cells, rows = source(chain.drop_audit)
    if chain.effects == LEVELS[0] and chain.min_controls > 0:
        attempts.append(lambda: _mixed(chain, cells, rows, source, last))
    else:
        attempts.append(lambda: _whole(chain.effects, cells, rows))
    for level in chain.coarser:
        attempts.append(lambda level=level: _whole(level, *source(True)))  # type: ignore[misc]
    plan = None
    for attempt in attempts:
        plan = _plan(attempt(), treated, last, chain)
        if plan.kept >= chain.min_share:
            break
    if plan is None or plan.kept == 0:
        raise EffectsError(
            "no controls: no treated service-month is linked to an untreated one in the same month and stratum "
            f"(strata of {LEVELS[0]} need {chain.min_controls} services never optimised; declare a fallback)"
        )
    return plan


def _key(level: str, part: Cells | Rows) -> npt.NDArray[np.int64]:
    """Codes of the groups of a level, one line a cell or row."""
    size = len(part.cluster)
    columns = {
        "month:strata:audit": [part.stratum, part.audit],
        "month:strata": [part.stratum],
        "month": [np.zeros(size, dtype=np.int32)],
    }[level]
    return np.column_stack([column.astype(np.int64) for column in columns])


def _whole(level: str, cells: Cells, rows: Rows, among: Rows | None = None) -> list[Stratum]:
    """Strata of one level for all treated cells, or for ``among`` only."""
    served = rows if among is None else among
    cell_key, row_key = _key(level, cells), _key(level, served)
    strata = []
    own_keys = {tuple(pair) for pair in np.column_stack([served.stratum, served.audit]).tolist()}
    own_all = np.asarray(
        [pair in own_keys for pair in zip(cells.stratum.tolist(), cells.audit.tolist(), strict=True)], dtype=bool
    )
    for key in np.unique(row_key, axis=0) if len(row_key) else []:
        chosen = np.flatnonzero((cell_key == key).all(axis=1))
        mine = served.take(np.flatnonzero((row_key == key).all(axis=1)))
        strata.append(Stratum(level, tuple(int(x) for x in key), cells.take(chosen), own_all[chosen], mine))
    return strata


def _mixed(chain: Chain, cells: Cells, rows: Rows, source: Source, last: int) -> list[Stratum]:
    """Finest strata where they have enough services never optimised, the next level for the rest."""
    fine = _whole(chain.effects, cells, rows)
    enough = [_never(stratum, last) >= chain.min_controls for stratum in fine]
    good = [stratum for stratum, ok in zip(fine, enough, strict=True) if ok]
    if all(enough) or not chain.coarser:
        return good
    rest = {stratum.key for stratum, ok in zip(fine, enough, strict=True) if not ok}
    cells, rows = source(True)
    pairs = zip(rows.stratum.tolist(), rows.audit.tolist(), strict=True)
    left = rows.take(np.flatnonzero([pair in rest for pair in pairs]))
    return good + _whole(chain.coarser[0], cells, rows, among=left)


def _never(stratum: Stratum, last: int) -> int:
    cells = stratum.cells
    return int(cells.units[(cells.cohort == NEVER) | (cells.cohort > last)].sum())


def _plan(strata: list[Stratum], treated: int, last: int, chain: Chain) -> Plan:
    """Drop treated months outside their services' component and count what is left."""
    found, lines, kept = [], [], 0
    for stratum in strata:
        label = components(stratum.cells.moment.sum(axis=0))
        rows = stratum.rows
        ok = label[rows.month] == label[rows.first]
        identified = int(rows.count[ok].sum())
        kept += identified
        lines.append(
            {
                "level": stratum.level,
                "key": stratum.key,
                "services": int(stratum.cells.units.sum()),
                "never_optimised": _never(stratum, last),
                "treated_months": int(rows.count.sum()),
                "identified_months": identified,
            }
        )
        if identified:
            found.append(Stratum(stratum.level, stratum.key, stratum.cells, stratum.own, rows.take(ok)))
    columns = ["level", "key", "services", "never_optimised", "treated_months", "identified_months"]
    used = [stratum.level for stratum in found]
    level = max(used, key=LEVELS.index) if used else chain.effects
    note = NOT_REMOVED if level == LEVELS[-1] and chain.effects != LEVELS[-1] else ""
    share = kept / treated if treated else 0.0
    return Plan(tuple(found), share, treated, pd.DataFrame(lines, columns=columns), level, note)
