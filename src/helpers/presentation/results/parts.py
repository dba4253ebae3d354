"""Blocks 7 to 11 of the result object and the published figures: one frozen class per block or row of a table."""

from dataclasses import dataclass

from helpers.presentation.results.estimates import ChartText, Estimate


@dataclass(frozen=True)
class Check:
    """One design check of the effect estimate."""

    check: str
    label: str
    reading: str
    passed: bool | None
    statistic: float | None = None
    p_value: float | None = None


@dataclass(frozen=True)
class EventPoint:
    """Estimate at one distance in months from the optimisation."""

    event_time: int
    estimate: Estimate
    simultaneous_low: float | None = None
    simultaneous_high: float | None = None


@dataclass(frozen=True)
class EffectResult:
    """One outcome of block 7: the estimate, and the before/after difference that is not an effect."""

    outcome: str  # median_days documents visits …
    label: str
    estimate: Estimate  # native units; n = services
    sentence_id: str  # E1 E2 E3
    sentence: str
    n_services: int | None
    n_regions: int | None
    design_passed: bool
    estimator: str = ""
    percent: Estimate | None = None
    naive: Estimate | None = None
    trend: Estimate | None = None
    rtm: Estimate | None = None
    naive_sentence: str = ""  # E4


@dataclass(frozen=True)
class EffectBlock:
    """Block 7: the first result is the one drawn large."""

    results: tuple[EffectResult, ...]
    checks: tuple[Check, ...]
    events: tuple[EventPoint, ...]
    text: ChartText
    notes: tuple[str, ...] = ()  # assumption, what it is not
    scope: str = "country"  # country | region: whom the estimate is about
    regional: Estimate | None = None  # partially pooled estimate of the region
    regional_sentence: str = ""


@dataclass(frozen=True)
class NextService:
    """One row of block 8."""

    position: int
    service_id: str
    name: str
    agency: str
    grade: str
    days: Estimate | None
    documents: float | None
    applications_year: float | None
    gain: Estimate
    reason: str


@dataclass(frozen=True)
class NextServices:
    """Block 8."""

    rows: tuple[NextService, ...]
    rule: str
    text: ChartText


@dataclass(frozen=True)
class LeagueRow:
    """One participant of block 9."""

    code: str
    label: str
    estimate: Estimate
    rank: int | None
    rank_low: int | None
    rank_high: int | None
    tier: str = ""
    is_own: bool = False


@dataclass(frozen=True)
class RankResult:
    """Block 9: a rank never stands without its interval."""

    rank: int | None
    rank_low: int | None
    rank_high: int | None
    interval_kind: str  # sampling_95 | method | rounding | published_bound | none
    units_ranked: int | None
    indistinguishable: int | None
    is_shown_first: bool  # narrow enough for blocks 1–4
    sentence_id: str  # R1 R2 R3
    sentences: tuple[str, ...]
    rows: tuple[LeagueRow, ...]
    text: ChartText


@dataclass(frozen=True)
class TileClass:
    """One of five fixed classes with the count of regions in it."""

    low: float | None
    high: float | None
    label: str
    count: int


@dataclass(frozen=True)
class Tile:
    """One region of the tile-grid map."""

    code: str
    label: str
    name: str
    district: str
    row: int
    column: int
    value: float | None
    value_text: str
    class_number: int | None  # 0 … 4, None without a value
    is_own: bool = False


@dataclass(frozen=True)
class TileMap:
    """Block 10, tiles sorted by district, then name."""

    tiles: tuple[Tile, ...]
    classes: tuple[TileClass, ...]
    text: ChartText


@dataclass(frozen=True)
class Agency:
    """One executive body of block 11."""

    name: str
    n_services: int | None
    estimate: Estimate | None
    is_suppressed: bool
    note: str = ""


@dataclass(frozen=True)
class Agencies:
    """Block 11."""

    rows: tuple[Agency, ...]
    text: ChartText
    sentence: str = ""


@dataclass(frozen=True)
class Fact:
    """One published figure with its source and the verdict of the claim audit, if any."""

    fact_id: str
    label: str
    entity: str
    period: str
    period_label: str
    value: str  # formatted, with its unit, as precise as printed
    estimate: Estimate | None
    source_id: str
    mark: str = ""  # words on a contradiction; empty if none


@dataclass(frozen=True)
class FactSection:
    """Published figures on one subject: sentences, then a table."""

    key: str
    title: str
    sentences: tuple[str, ...]
    facts: tuple[Fact, ...]
    caption: str


@dataclass(frozen=True)
class GroupTotals:
    """Published or counted totals of groups in one period, with the base."""

    period: str
    period_label: str
    high: int | None
    medium: int | None
    low: int | None
    base: int | None
    indicators: str
    mark: str = ""
    source_id: str = ""


@dataclass(frozen=True)
class Mover:
    """A region that changed its group between two periods."""

    code: str
    name: str
    period_from: str
    period_to: str
    group_from: str
    group_to: str
    sentence: str


@dataclass(frozen=True)
class Move:
    """Regions that went from one group to another between two periods, as a share of the first group."""

    period_from: str
    period_to: str
    group_from: str
    group_to: str
    count: int
    n: int  # regions in the first group
    share: Estimate | None  # percent; None if too few


@dataclass(frozen=True)
class Groups:
    """Groups by period with movers."""

    totals: tuple[GroupTotals, ...]
    movers: tuple[Mover, ...]
    sentences: tuple[str, ...]
    text: ChartText
    moves: tuple[Move, ...] = ()  # of the country


@dataclass(frozen=True)
class Standing:
    """Where a region stands in the MFC rating in the latest known period: its group, its points, or both."""

    period: str
    group: str  # high | medium | low or as printed; empty if not known
    points: Estimate | None
    sentence: str


@dataclass(frozen=True)
class Target:
    """One target with its pace and verdict."""

    target_id: str
    label: str
    entity: str
    target: Estimate
    current: Estimate | None
    required_pace: float | None
    observed: Estimate | None
    pace_unit: str
    verdict: str  # reachable | behind | cannot_tell
    sentence: str
    target_year: int | None = None


@dataclass(frozen=True)
class Counts:
    """Services whose time became shorter or longer (P1), and how many were optimised."""

    n: int
    shorter: int
    longer: int
    optimised: int
    sentence: str


@dataclass(frozen=True)
class Gap:
    """Difference of one process or body to the district, in points."""

    name: str
    kind: str  # process | body
    difference: Estimate
    sentence: str
