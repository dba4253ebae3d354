"""Smallest parts of the result object: estimate, region, words of a chart, headline, key figure, comparison."""

from dataclasses import dataclass

INTERVAL_KINDS = ("sampling_95", "rounding", "method", "published_bound", "none")


@dataclass(frozen=True)
class Estimate:
    """A number with its interval, unit, base and period; ``low`` or ``high`` alone is a one-sided bound."""

    value: float | None
    low: float | None = None
    high: float | None = None
    unit: str = ""  # percent, pp, working_day, calendar_day, day, service, document, region, rank, point, …
    interval_kind: str = "none"  # one of INTERVAL_KINDS
    n: int | None = None
    period: str = ""

    def __post_init__(self) -> None:
        if self.interval_kind not in INTERVAL_KINDS:
            raise ValueError(f"interval_kind {self.interval_kind!r}: one of {', '.join(INTERVAL_KINDS)}")

    @property
    def has_interval(self) -> bool:
        """Both ends are known and the interval has a name."""
        return self.low is not None and self.high is not None and self.interval_kind != "none"

    @property
    def excludes_zero(self) -> bool:
        """The interval lies wholly on one side of zero (False without an interval)."""
        return self.has_interval and (self.low > 0 or self.high < 0)  # type: ignore[operator]


@dataclass(frozen=True)
class Region:
    """Forms of one region's name, from ``data/reference/regions.csv``; never inflected at run time."""

    code: str  # ISO 3166-2: RU-CHE
    number: str  # two digits: 74
    name: str
    genitive: str
    prepositional: str  # with its preposition: «в Челябинской области»
    label: str  # at most six letters
    name_en: str
    district: str
    district_en: str
    district_genitive: str = ""
    tile_row: int = 0
    tile_column: int = 0


@dataclass(frozen=True)
class ChartText:
    """Words of one chart or table in the language of the result."""

    title: str  # the finding
    subtitle: str  # quantity, unit, period
    alt: str  # 60–400 characters with a number of the data
    source: str  # «Источник: …»
    caption: str  # of the table with the same data


@dataclass(frozen=True)
class Headline:
    """Block 1."""

    sentence_id: str  # H1 H2 H3 H4
    sentence: str
    estimate: Estimate | None
    change: Estimate | None = None
    change_from: str = ""  # period of the earlier value
    stage: str = ""  # published stage or group in words


@dataclass(frozen=True)
class Kpi:
    """One of the four figures of block 3."""

    key: str  # index rank services days
    label: str
    value: str  # formatted, or «н/д»
    note: str  # interval or base, in words
    estimate: Estimate | None = None


@dataclass(frozen=True)
class ComparisonRow:
    """One dot with its interval in block 5."""

    key: str  # region code, district name or country
    label: str
    kind: str  # region | district | country | peer
    estimate: Estimate

    @property
    def is_own(self) -> bool:
        """The report's own region."""
        return self.kind == "region"


@dataclass(frozen=True)
class Comparison:
    """Block 5, rows sorted by value, largest first."""

    rows: tuple[ComparisonRow, ...]
    text: ChartText


@dataclass(frozen=True)
class TrendPoint:
    """One value of one series; a line joins points of the same series and segment only."""

    series: str  # region | district | country
    label: str
    period: str
    period_label: str
    x: float  # position on the time axis in years
    estimate: Estimate
    segment: int = 0


@dataclass(frozen=True)
class SeriesBreak:
    """A vertical line with words between two periods that may not be compared."""

    x: float
    period_before: str
    period_after: str
    reason: str


@dataclass(frozen=True)
class Trend:
    """Block 6."""

    points: tuple[TrendPoint, ...]
    breaks: tuple[SeriesBreak, ...]
    text: ChartText
    sentence: str = ""
