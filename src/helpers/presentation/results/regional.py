"""Regional result from the contract tables: blocks 0–15 for one region, period and language."""

from dataclasses import replace

import pandas as pd

from helpers.presentation import wording
from helpers.presentation.points import main_points
from helpers.presentation.results import RegionalResult, Release, text
from helpers.presentation.results import blocks as results_blocks
from helpers.presentation.results import context as results_context
from helpers.presentation.results import facts as results_facts
from helpers.presentation.results import kpis as results_kpis
from helpers.presentation.results import places as results_places
from helpers.presentation.results import quality as results_quality
from helpers.presentation.results import services as results_services
from helpers.presentation.results.context import Context
from helpers.presentation.results.estimates import Headline, Region
from helpers.presentation.results.groups import groups, standing
from helpers.presentation.results.situations import situations

NOTEBOOK = "05_region_report"


def regional(tables: dict[str, pd.DataFrame], region: str, period: str, lang: str, release: Release) -> RegionalResult:
    """Everything that every product needs for one region.

    Parameters
    ----------
    tables : dict of DataFrame
        Contract tables by name and reference tables as ``reference_<name>`` (see `results_context.load_tables`);
        tables that were not made may be absent.
    region : str
        ISO code of the register.
    period : str
        Period of the release, ``2024-H1``.
    lang : str
        ``ru`` or ``en``.
    release : Release
        Collection, edition and dates of the release.

    Raises
    ------
    ValueError
        If the region is not in the register, or language or period are unknown.
    """
    ctx = results_context.build(tables, period, lang, release)
    if region not in ctx.names:
        raise ValueError(f"region '{region}' is not in the register; use an ISO code such as RU-CHE")
    item = ctx.names[region]
    first, spill = text.headline(ctx, item)
    result = _assemble(ctx, item, first, spill)
    return text.written_out(replace(result, main_points=main_points(result)))


def _assemble(ctx: Context, item: Region, first: Headline, spill: str) -> RegionalResult:
    place = results_blocks.rank(ctx, item)
    counts, times = results_services.counts(ctx, item), results_services.times(ctx, item)
    blocks = {
        "comparison": results_blocks.comparison(ctx, item),
        "trend": results_blocks.trend(ctx, item),
        "effect": results_services.effect(ctx, item),
        "next_services": results_services.next_services(ctx, item),
        "rank": place,
        "tiles": results_places.tile_map(ctx, item),
        "agencies": results_places.agencies(ctx, item),
    }
    line, title = text.masthead(ctx, wording.region_name(item, ctx.lang))
    data_class = data_class_of(ctx, item, first)
    is_short = data_class == "rich"
    sections = results_facts.region_sections(_published(ctx), item, ctx.lang, ctx.marked, ctx.names, is_short)
    return RegionalResult(
        collection=ctx.release.collection,
        period=ctx.period,
        period_label=ctx.period_label,
        lang=ctx.lang,
        edition=ctx.release.edition,
        edition_label=ctx.word(ctx.release.edition),
        is_synthetic=ctx.is_synthetic,
        banner=ctx.word("banner") if ctx.is_synthetic else "",
        data_class=data_class,
        region=item,
        title=title,
        description=first.sentence,
        masthead=line,
        headline=first,
        lead=text.lead(ctx, item, spill),
        kpis=results_kpis.kpis(ctx, item, first, place, counts, times),
        main_points=(),
        groups=groups(ctx, item),
        published=sections,
        targets=results_services.targets(ctx, item),
        counts=counts,
        gaps=results_places.gaps(ctx, item),
        quality=results_quality.quality(ctx, item),
        method=results_quality.method(ctx),
        sources=results_quality.sources(ctx, item, sections),
        colophon=results_quality.colophon(ctx, NOTEBOOK),
        absent=text.absences(ctx, blocks),
        situations=situations(ctx, item),
        country_difference=text.country_difference(ctx, item),
        movement=text.movement(ctx, item),
        standing=standing(ctx, item),
        **blocks,  # type: ignore[arg-type]
    )


def _published(ctx: Context) -> pd.DataFrame:
    """Published figures; the demonstration collection has none."""
    table = ctx.table("observations")
    return table.head(0) if ctx.is_synthetic else table


def data_class_of(ctx: Context, item: Region, first: Headline) -> str:
    """``rich`` with an index in the period, ``poor`` with any other figure of the region, else ``empty``."""
    if first.estimate is not None:
        return "rich"
    table = ctx.table("observations")
    return "poor" if (table["region_iso"] == item.code).any() else "empty"
