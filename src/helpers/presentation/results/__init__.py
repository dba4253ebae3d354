"""The result object: everything a product needs for one region (or the country) × period × language.

Products format and never compute. Sentences are finished in the language of the result; numbers travel beside
them as `Estimate` so that charts and tables can be drawn. Every class is frozen, every collection is a tuple, a
missing number is ``None`` (never NaN), and `to_json` / `from_json` are inverse to each other.
"""

import dataclasses
import json
import types
import typing
from dataclasses import dataclass, field

from helpers.presentation.results.about import Absence, Colophon, QualityInfo, Source
from helpers.presentation.results.estimates import Comparison, Estimate, Headline, Kpi, Region, Trend
from helpers.presentation.results.parts import (
    Agencies,
    Counts,
    EffectBlock,
    FactSection,
    Gap,
    Groups,
    NextServices,
    RankResult,
    Standing,
    Target,
    TileMap,
)
from helpers.presentation.situation_parts import SituationBlock

MIME = "application/vnd.client-centricity.result+json"
SCHEMA_VERSION = 1
SHORT = 12  # characters of a commit or a run that are shown
DATA_CLASSES = ("rich", "poor", "empty")


@dataclass(frozen=True)
class RegionalResult:
    """One region × period × language × edition: blocks 0–15 of the regional report in order."""

    collection: str
    period: str
    period_label: str
    lang: str  # ru | en
    edition: str  # preliminary | final
    edition_label: str
    is_synthetic: bool
    banner: str  # empty unless synthetic
    data_class: str  # rich | poor | empty
    region: Region
    title: str  # of the page, unique per report
    description: str
    masthead: str
    headline: Headline
    lead: tuple[str, ...]
    kpis: tuple[Kpi, ...]
    main_points: tuple[str, ...]
    comparison: Comparison | None
    trend: Trend | None
    effect: EffectBlock | None
    next_services: NextServices | None
    rank: RankResult | None
    tiles: TileMap | None
    agencies: Agencies | None
    groups: Groups | None
    published: tuple[FactSection, ...]
    targets: tuple[Target, ...]
    counts: Counts | None
    gaps: tuple[Gap, ...]
    quality: QualityInfo
    method: tuple[str, ...]
    sources: tuple[Source, ...]
    colophon: Colophon
    absent: tuple[Absence, ...] = ()
    country_difference: Estimate | None = None
    movement: str = ""  # sentence on a changed group, stage or level
    standing: Standing | None = None  # in the MFC rating
    situations: SituationBlock | None = None
    kind: str = "regional"
    schema_version: int = SCHEMA_VERSION

    def absence(self, block: str) -> str:
        """Sentence that replaces the block, empty if the block has data."""
        return next((item.sentence for item in self.absent if item.block == block), "")

    @property
    def report_id(self) -> str:
        """``RU-CHE.ru``."""
        return f"{self.region.code}.{self.lang}"


@dataclass(frozen=True)
class NationalResult:
    """The country × period × language: the national report."""

    collection: str
    period: str
    period_label: str
    lang: str
    edition: str
    edition_label: str
    is_synthetic: bool
    banner: str
    data_class: str
    title: str
    description: str
    masthead: str
    headline: Headline
    lead: tuple[str, ...]
    kpis: tuple[Kpi, ...]
    main_points: tuple[str, ...]
    comparison: Comparison | None  # federal bodies (real) or districts (demo)
    trend: Trend | None
    effect: EffectBlock | None
    next_services: NextServices | None
    rank: RankResult | None
    tiles: TileMap | None
    groups: Groups | None
    published: tuple[FactSection, ...]
    targets: tuple[Target, ...]
    counts: Counts | None
    quality: QualityInfo
    method: tuple[str, ...]
    sources: tuple[Source, ...]
    colophon: Colophon
    absent: tuple[Absence, ...] = ()
    situations: SituationBlock | None = None
    kind: str = "national"
    schema_version: int = SCHEMA_VERSION

    def absence(self, block: str) -> str:
        """Sentence that replaces the block, empty if the block has data."""
        return next((item.sentence for item in self.absent if item.block == block), "")

    @property
    def report_id(self) -> str:
        """``national.ru``."""
        return f"national.{self.lang}"


Result = RegionalResult | NationalResult


@dataclass(frozen=True)
class Release:
    """What one release says about itself; from ``params.toml``, never from a clock."""

    collection: str = "real"
    edition: str = "preliminary"
    made_date: str = ""  # ISO
    next_issue: str = ""  # ISO date, month or period text
    contact: str = ""
    smallest_difference_pp: float = 2.0
    smallest_difference_reason: str = field(default="", repr=False)


def with_run(result: Result, commit: str, run_id: str) -> Result:
    """The result with the commit and the run that made its page; a notebook knows neither.

    Parameters
    ----------
    commit : str
        Commit of the code, with ``+`` if files were changed since.
    run_id : str
        Content key of the report: equal inputs give an equal run, whatever the clock says.
    """
    mark = "+" if commit.endswith("+") else ""
    own = dataclasses.replace(
        result.colophon, commit=f"{commit.rstrip('+')[:SHORT]}{mark}" if commit else "", run_id=run_id[:SHORT]
    )
    return dataclasses.replace(result, colophon=own)


def to_dict(result: Result) -> dict[str, typing.Any]:
    """Plain dictionaries, lists, strings, numbers and None, in the order of the fields."""
    return json.loads(to_json(result))


def to_json(result: Result) -> str:
    """One line of JSON, the same bytes for the same result. Raises ValueError on NaN or infinity."""
    return json.dumps(dataclasses.asdict(result), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def from_json(text: str) -> Result:
    """Inverse of `to_json`. Raises ValueError for another kind or schema version."""
    return from_dict(json.loads(text))


def from_dict(data: dict[str, typing.Any]) -> Result:
    """Inverse of `to_dict`."""
    kinds: dict[str, type[RegionalResult] | type[NationalResult]] = {
        "regional": RegionalResult,
        "national": NationalResult,
    }
    kind = data.get("kind")
    if kind not in kinds or data.get("schema_version") != SCHEMA_VERSION:
        raise ValueError(
            f"not a result of schema {SCHEMA_VERSION}: kind {kind!r}, version {data.get('schema_version')!r}"
        )
    return _restore(kinds[kind], data)


def _restore(expected: typing.Any, value: typing.Any) -> typing.Any:
    """Rebuild ``value`` as the annotated type ``expected``."""
    origin = typing.get_origin(expected)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        return _restore(next(a for a in typing.get_args(expected) if a is not type(None)), value)
    if origin is tuple:
        inner = typing.get_args(expected)
        if inner[-1] is Ellipsis:
            return tuple(_restore(inner[0], item) for item in value)
        return tuple(_restore(kind, item) for kind, item in zip(inner, value, strict=True))
    if dataclasses.is_dataclass(expected):
        hints = typing.get_type_hints(expected)
        return expected(**{name: _restore(hints[name], value[name]) for name in value})  # type: ignore[operator]
    return value
