"""Blocks 12 to 15 of the result object: quality, sources, colophon, and what stands for a block without data."""

from dataclasses import dataclass

from helpers.presentation.results.estimates import ChartText


@dataclass(frozen=True)
class QualityRow:
    """Coverage of one source and indicator."""

    source_id: str
    indicator: str
    n_accepted: int
    n_rejected: int
    n_expected: int | None
    coverage: float | None  # share 0–1
    source: str = ""  # name of the source as shown


@dataclass(frozen=True)
class Contradiction:
    """One contradiction or uncheckable claim found by the audit."""

    claim_id: str
    text: str
    verdict: str
    source_id: str
    source: str = ""  # name of the source as shown


@dataclass(frozen=True)
class QualityInfo:
    """Block 12."""

    rows: tuple[QualityRow, ...]
    reject_reasons: tuple[tuple[str, int], ...]
    contradictions: tuple[Contradiction, ...]
    sentences: tuple[str, ...]
    text: ChartText


@dataclass(frozen=True)
class Source:
    """One source of block 14."""

    source_id: str
    publisher: str
    title: str
    date: str
    address: str
    checksum: str  # twelve characters


@dataclass(frozen=True)
class Colophon:
    """Block 15; commit and run stay empty in the notebook and are added when the page is made."""

    notebook: str
    data_version: str
    commit: str = ""
    run_id: str = ""
    checks: str = ""
    contact: str = ""
    made_date: str = ""
    next_issue: str = ""


@dataclass(frozen=True)
class Absence:
    """The one sentence that stands for a block without data."""

    block: str
    sentence: str
