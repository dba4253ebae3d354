"""Block on life situations from the tables ``situation_totals``, ``effects`` and ``diagnostics``."""

import pandas as pd

from helpers.presentation.results.context import Context
from helpers.presentation.results.estimates import Estimate, Region
from helpers.presentation.results.values import effect_estimate, months_of, number, whole
from helpers.presentation.situation_parts import SituationBlock, SituationEffect, SituationRow
from helpers.presentation.wording import situations as words

PREFIX = "situation_"
"""Outcomes of the effects that are about launches, not about single services."""
SAID = {"situation_days_high": "days", "situation_visits": "visits"}
"""Outcomes in words: total time with one service after another, visits."""
TOGETHER = "launched everywhere"


def situations(ctx: Context, region: Region | None) -> SituationBlock | None:
    """Life situations of the region, or of the country; None where no composition was registered."""
    table = ctx.table("situation_totals")
    if region is not None:
        table = table[table["region_iso"] == region.code]
    table = table[table["documents_kind"] != ""]  # those with a refused row have no totals
    if table.empty:
        return None
    last = months_of(ctx.period)[1]
    table = table.assign(done=(table["launched"] != "") & (table["launched"] <= last))
    rows = tuple(_row(ctx, part, region) for _, part in table.groupby("situation_id", sort=True))
    said = list(SAID) if region is None else list(SAID)[:1]  # the country has room for both
    effects = tuple(found for outcome in said if (found := _effect(ctx, outcome)) is not None)
    done = int(table["done"].sum())
    caption = (
        words.launched_in_country(len(rows), done, len(table), ctx.lang)
        if region is None
        else words.launched(len(rows), done, ctx.lang)
    )
    return SituationBlock(rows, effects, _notes(ctx, table, effects), caption)


def _row(ctx: Context, part: pd.DataFrame, region: Region | None) -> SituationRow:
    first = part.iloc[0].to_dict()
    done = part[part["done"]]
    launched = str(first["launched"]) if region is not None and bool(first["done"]) else ""
    exact = (part["documents_kind"] == "codes").all()
    before = ("distinct_before",) if exact else ("documents_low", "documents_high")
    return SituationRow(
        situation_id=str(first["situation_id"]),
        name=str(first["situation"]) or str(first["situation_id"]),
        launched=launched,
        n_regions=len(part),
        n_launched=len(done),
        services=_range(ctx, part, ("n_services",), "service") or Estimate(None, unit="service"),
        asked=_range(ctx, part, ("asked_before",), "document"),
        distinct_before=_range(ctx, part, before, "document"),
        distinct_after=_range(ctx, part, ("distinct_after",), "document"),
        days_before=_days(ctx, part, "before"),
        days_after=_days(ctx, done, "after"),
        visits_before=_mean(ctx, part, "visits_before", "visit"),
        visits_after=_mean(ctx, done, "visits_after", "visit"),
    )


def _range(ctx: Context, part: pd.DataFrame, columns: tuple[str, ...], unit: str) -> Estimate | None:
    """One number where all agree, else from the smallest to the largest."""
    values = part[list(columns)].to_numpy(dtype=float)
    values = values[pd.notna(values)]
    if not len(values):
        return None
    low, high = float(values.min()), float(values.max())
    if low == high:
        return Estimate(low, unit=unit, n=len(part), period=ctx.period)
    return Estimate(None, low, high, unit, "method", len(part), ctx.period)


def _days(ctx: Context, part: pd.DataFrame, when: str) -> Estimate | None:
    """Mean total time of one kind of days: its bounds, and its value along a known order."""
    known = part[part[f"days_high_{when}"].notna() & (part["day_unit"] != "")]
    if known.empty:
        return None
    unit = str(known["day_unit"].mode().iloc[0])
    known = known[known["day_unit"] == unit]
    low, high = (float(known[f"days_{name}_{when}"].mean()) for name in ("low", "high"))
    path = known[f"days_{when}"]
    value = float(path.mean()) if path.notna().all() else None
    return Estimate(value, low, high, unit, "method", int(known[f"n_{when}"].sum()), ctx.period)


def _mean(ctx: Context, part: pd.DataFrame, column: str, unit: str) -> Estimate | None:
    value = number(part[column].mean())
    return None if value is None else Estimate(value, unit=unit, n=len(part), period=ctx.period)


def _effect(ctx: Context, outcome: str) -> SituationEffect | None:
    table = ctx.table("effects")
    rows = table[(table["outcome"] == outcome) & (table["group"] == "all") & ~table["is_contrast"].astype(bool)]
    if rows.empty:
        return None
    row = rows.iloc[0].to_dict()
    n, regions = whole(row["n_services"]) or 0, whole(row["n_clusters"]) or 0
    estimate = effect_estimate(row["estimate"], row["ci_low"], row["ci_high"], str(row["unit"]), n, ctx.period)
    checks = ctx.table("diagnostics")
    passed = checks.loc[checks["outcome"] == outcome, "passed"].astype(bool)
    sound = bool(len(passed)) and bool(passed.all())
    sentence_id, sentence = words.effect(SAID[outcome], estimate, n, regions, sound, ctx.lang)
    return SituationEffect(outcome, estimate, sentence_id, sentence, n, regions) if sentence else None


def _notes(ctx: Context, table: pd.DataFrame, effects: tuple[SituationEffect, ...]) -> tuple[str, ...]:
    """Assumption or caution of the estimate, what the table is not, situations without a comparison."""
    kinds = {item.sentence_id for item in effects}
    found = [words.ASSUMPTION] if kinds == {"E1"} else [words.CAUTION] if "E2" in kinds or "E1" in kinds else []
    alone = table.loc[table["why"].str.startswith(TOGETHER), "situation"].drop_duplicates()
    if len(alone):
        names = ", ".join(alone)
        russian, english = words.TOGETHER
        found.append((russian.format(names=names), english.format(names=names)))
    return tuple(ctx.pick(*pair) for pair in [*found, words.DESCRIPTION])
