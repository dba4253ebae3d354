"""Frozen parts of the block on life situations: one row a situation, and the sentences around the table."""

from dataclasses import dataclass

from helpers.presentation.results.estimates import Estimate


@dataclass(frozen=True)
class SituationRow:
    """One life situation of a region, or of all its regions together.

    Attributes
    ----------
    launched : str
        ISO month of the launch in the region; empty = not yet, and in the national report.
    n_regions, n_launched : int
        Regions that have the situation, and those that launched it by the end of the period.
    services, asked, distinct_before, distinct_after : Estimate
        Numbers of services and documents; where regions differ, or only counts are known, from ``low`` to ``high``.
    days_before, days_after, visits_before, visits_after : Estimate or None
        Means of the months before and after the launch; days from all services at once to one after another, with a
        value only along a known order. None where there is no such month.
    """

    situation_id: str
    name: str
    launched: str
    n_regions: int
    n_launched: int
    services: Estimate
    asked: Estimate | None
    distinct_before: Estimate | None
    distinct_after: Estimate | None
    days_before: Estimate | None
    days_after: Estimate | None
    visits_before: Estimate | None
    visits_after: Estimate | None


@dataclass(frozen=True)
class SituationEffect:
    """What launching changed, one outcome: the estimate over all regions with its sentence."""

    outcome: str
    estimate: Estimate
    sentence_id: str  # E1 E2 E3
    sentence: str
    n_launches: int
    n_regions: int


@dataclass(frozen=True)
class SituationBlock:
    """Life situations: what each takes, what the launch changed, and what the table is not.

    The caption says how many there are and how many are launched.
    """

    rows: tuple[SituationRow, ...]
    effects: tuple[SituationEffect, ...]
    notes: tuple[str, ...]
    caption: str
