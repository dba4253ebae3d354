"""Block 12: what changed since the issue before, from the table ``earlier_issue``, and what an issue leaves in it.

The issue before is the latest release of an *earlier* period. A run of the same period is no issue of its own: what it
changed stands on the page of differences, so that a report depends on nothing but its tables.
"""

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from helpers.presentation import formats, wording
from helpers.presentation.results import RegionalResult, Result
from helpers.presentation.results.context import Context
from helpers.presentation.results.estimates import Estimate, Region
from helpers.presentation.results.values import number
from helpers.tables import periods

TABLE = "earlier_issue"


def remembered(results: Iterable[Result]) -> pd.DataFrame:
    """What the next issue will compare with: one row a region (empty text: the country), whatever the language.

    Returns
    -------
    DataFrame
        Columns of ``earlier_issue``.
    """
    found = {_code(result): _row(result) for result in results}
    return pd.DataFrame([found[code] for code in sorted(found)])


def _code(result: Result) -> str:
    return result.region.code if isinstance(result, RegionalResult) else ""


def _row(result: Result) -> dict[str, object]:
    index = result.headline.estimate or Estimate(None)
    return {
        "region_iso": _code(result),
        "period": result.period,
        "edition": result.edition,
        "index": index.value,
        "index_low": index.low,
        "index_high": index.high,
        "interval_kind": index.interval_kind,
        "n_values": sum(row.n_accepted for row in result.quality.rows),
        "n_sources": len(result.sources),
        "data_version": result.colophon.data_version,
        "is_synthetic": result.is_synthetic,
    }


def sentences(ctx: Context, region: Region | None, n_values: int, data_version: str) -> tuple[str, ...]:
    """Which issue came before, whether its value was revised, and how many values came since.

    Parameters
    ----------
    n_values : int
        Values of the region (or the country) that this issue uses.
    data_version : str
        Version of this issue's data.
    """
    table = ctx.table(TABLE)
    rows = table[table["region_iso"] == (region.code if region else "")]
    rows = rows[[periods.sort_key(text) < periods.sort_key(ctx.period) for text in rows["period"]]]
    if rows.empty:
        return (
            ctx.pick(
                "Это первый выпуск: прежнего, с которым можно сравнить, нет.",
                "This is the first issue: there is no earlier one to compare with.",
            ),
        )
    row = rows.iloc[0].to_dict()
    label, edition = formats.period(str(row["period"]), ctx.lang), ctx.word(str(row["edition"]))
    found = [ctx.pick(f"Прежний выпуск — {label}, {edition}.", f"The issue before: {label}, {edition}.")]
    found.append(_revision(ctx, region, row))
    found.append(_data(ctx, row, n_values, data_version))
    return tuple(sentence for sentence in found if sentence)


def _revision(ctx: Context, region: Region | None, row: dict) -> str:
    """Whether the value of the earlier period is today what it was; silent where it was never known."""
    period = str(row["period"])
    now = ctx.at("region", region.code, period) if region else ctx.country_at(period)
    value = number(row["index"])
    before = Estimate(value, number(row["index_low"]), number(row["index_high"]), "percent", str(row["interval_kind"]))
    when = formats.period_in_text(period, ctx.lang)
    if now is None or now.value is None:
        if value is None:
            return ""
        return ctx.pick(f"Значения за {when} в данных больше нет.", f"The value for {when} is no longer in the data.")
    text = wording.level(replace(now, period=""), ctx.lang)
    if value is None:
        return ctx.pick(f"Теперь известно и значение за {when}: {text}.", f"The value for {when} is now known: {text}.")
    if formats.rounded(value, 2) == formats.rounded(now.value, 2):
        return ctx.pick(f"Значение за {when} с тех пор не изменилось.", f"The value for {when} has not changed since.")
    old = wording.level(before, ctx.lang)
    return ctx.pick(
        f"Значение за {when} уточнено: было {old}, стало {text}.",
        f"The value for {when} was revised: {old} before, {text} now.",
    )


def _data(ctx: Context, row: dict, n_values: int, data_version: str) -> str:
    if row["data_version"] == data_version:
        return ctx.pick("Исходные файлы те же.", "The source files are the same.")
    before, now = (formats.number(n, ctx.lang, 0) for n in (int(row["n_values"]), n_values))
    if before == now:
        return ctx.pick(
            f"Исходные файлы изменились, значений столько же: {now}.",
            f"The source files changed; the number of values is the same: {now}.",
        )
    return ctx.pick(f"Значений было {before}, стало {now}.", f"Values used: {before} before, {now} now.")
