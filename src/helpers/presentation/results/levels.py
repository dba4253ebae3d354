"""Levels of the MFC rating: group of each region, totals by period with their base, movers between quarters."""

import itertools

import pandas as pd

from helpers.presentation import formats, wording
from helpers.presentation.results.estimates import Region
from helpers.presentation.results.parts import GroupTotals, Mover
from helpers.presentation.wording.terms import GROUPS
from helpers.tables import periods

OF_BASE = ("mfc_regions_high", "mfc_regions_medium", "mfc_regions_low")


def totals(observations: pd.DataFrame, lang: str, marked: dict[str, str]) -> tuple[GroupTotals, ...]:
    """Published totals of MFC groups by quarter with their base and mark; a missing total stays missing."""
    rows = observations[observations["indicator"].isin(OF_BASE)]
    found = []
    for period in sorted(set(rows["period"]), key=periods.sort_key):
        part = rows[rows["period"] == period].sort_values("observation_id")
        values = {row["indicator"]: row for _, row in part[::-1].iterrows()}
        counts = {
            level: round(values[f"mfc_regions_{level}"]["value"]) if f"mfc_regions_{level}" in values else None
            for level in ("high", "medium", "low")
        }
        mark = next((marked[i] for i in part["observation_id"] if i in marked), "")
        found.append(
            GroupTotals(
                period,
                formats.period(period, lang),
                counts["high"],
                counts["medium"],
                counts["low"],
                base(observations, period),
                _indicators(observations, period),
                mark,
                part.iloc[0]["source_id"],
            )
        )
    return tuple(found)


def bases_of(observations: pd.DataFrame) -> dict[str, int]:
    """Participants of the MFC rating by period, for every period with group totals."""
    rows = observations[observations["indicator"].isin(OF_BASE)]
    found = {period: base(observations, period) for period in set(rows["period"])}
    return {period: count for period, count in found.items() if count is not None}


def base(observations: pd.DataFrame, period: str) -> int | None:
    """Regions rated in the period or in its year, as published."""
    rows = observations[observations["indicator"] == "regions_rated"]
    for wanted in (period, period[:4]):
        match = rows[rows["period"] == wanted]
        if not match.empty:
            return round(match.iloc[0]["value"])
    return None


def _indicators(observations: pd.DataFrame, period: str) -> str:
    rows = observations[(observations["indicator"] == "rating_indicators") & (observations["period"] == period)]
    return str(round(rows.iloc[0]["value"])) if not rows.empty else ""


def levels(groups: pd.DataFrame, observations: pd.DataFrame) -> pd.DataFrame:
    """MFC group of each region and period: from ``groups``, else from published levels.

    Returns
    -------
    DataFrame
        Columns region_iso, period, group (high, medium, low or as printed), in order of region and period.
    """
    rows = groups[groups["rating"] == "c_mfc"][["region_iso", "period", "group"]]
    if rows.empty:
        chosen = observations[(observations["rating"] == "c_mfc") & (observations["indicator"] == "level")]
        rows = chosen[["region_iso", "period", "category"]].rename(columns={"category": "group"})
    rows = rows[rows["region_iso"] != ""].drop_duplicates(["region_iso", "period"])
    keys = [periods.sort_key(text) for text in rows["period"]]
    return rows.assign(_key=keys).sort_values(["region_iso", "_key"], kind="stable").drop(columns="_key")


def movers(table: pd.DataFrame, lang: str, names: dict[str, Region]) -> tuple[Mover, ...]:
    """Regions whose group changed between two neighbouring known quarters."""
    found = []
    for code, part in table.groupby("region_iso", sort=True):
        rows = list(part.itertuples())
        for first, second in itertools.pairwise(rows):
            if _word(first.group) == _word(second.group) or not _are_neighbours(first.period, second.period):
                continue
            name = wording.region_name(names[code], lang) if code in names else str(code)
            sentence = wording.moved("group", (first.period, first.group), (second.period, second.group), lang)
            found.append(Mover(str(code), name, first.period, second.period, first.group, second.group, sentence))
    return tuple(found)


def _word(group: str) -> str:
    return GROUPS[group][1] if group in GROUPS else group


def _are_neighbours(first: str, second: str) -> bool:
    """Whether the second period follows the first at once."""
    a, b = periods.parse(first), periods.parse(second)
    per_year = {"year": 1, "half": 2, "quarter": 4, "month": 12}
    return a.kind == b.kind and (b.year - a.year) * per_year[a.kind] + b.number - a.number == 1
