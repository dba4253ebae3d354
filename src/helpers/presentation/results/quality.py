"""Blocks 12–15: data quality, method, sources, colophon."""

import hashlib

import pandas as pd

from helpers.presentation import formats, publications
from helpers.presentation.formats import NBSP
from helpers.presentation.results import issues as results_issues
from helpers.presentation.results.about import Colophon, Contradiction, QualityInfo, QualityRow, Source
from helpers.presentation.results.context import Context
from helpers.presentation.results.estimates import Region
from helpers.presentation.results.moves import latest_sentences
from helpers.presentation.results.parts import FactSection
from helpers.presentation.results.values import number
from helpers.presentation.wording.terms import INDICATORS, REJECT_REASONS, VERDICTS, term

MOST_ROWS = 20  # of the coverage table by indicator
EVERY = "*"
_DUPLICATES = ("duplicate_exact", "duplicate_conflict")


def quality(ctx: Context, region: Region | None) -> QualityInfo:
    """Block 12 for a region, or for the country with ``None``."""
    table = ctx.table("quality")
    if region is not None:
        table = table[table["region_iso"] == region.code]
    rows = _quality_rows(ctx, table)
    rejects = ctx.table("rejects")
    if region is not None:
        rejects = rejects[rejects["region_iso"] == region.code]
    counted = rejects["reason"].value_counts()
    reasons = tuple((term(REJECT_REASONS, str(code), ctx.lang), int(n)) for code, n in sorted(counted.items()))
    contradictions = _contradictions(ctx, region)
    accepted, expected = _coverage(ctx, rows, region)
    sentences = _sentences(ctx, accepted, expected, counted, contradictions, region)
    title = ctx.pick(
        f"Учтено {formats.count(accepted, 'value', 'ru')} из {expected}",
        f"{accepted} of {formats.count(expected, 'value', 'en')} used",
    )
    alt = ctx.pick(
        f"Таблица качества данных: учтено {accepted} из {expected} значений, отклонено {sum(n for _, n in reasons)}.",
        f"Table of data quality: {accepted} of {expected} values used, {sum(n for _, n in reasons)} refused.",
    )
    subtitle = ctx.pick("Число значений по источникам и показателям", "Number of values by source and indicator")
    caption = ctx.pick("Полнота данных по источникам", "Coverage by source")
    return QualityInfo(rows, reasons, contradictions, sentences, ctx.chart(title, subtitle, alt, caption))


def _quality_rows(ctx: Context, table: pd.DataFrame) -> tuple[QualityRow, ...]:
    """Sums by source and indicator; by source alone where that would be more than a page can bear."""
    counts = ["n_accepted", "n_rejected", "n_expected"]
    if table[["source_id", "indicator"]].drop_duplicates().shape[0] > MOST_ROWS:
        table = table.assign(indicator=EVERY)
    sums = table.groupby(["source_id", "indicator"], sort=True)[counts].sum()
    rows = []
    for (source_id, indicator), row in sums.iterrows():
        expected = int(row["n_expected"])
        coverage = row["n_accepted"] / expected if expected else None
        label = _indicator(ctx, str(indicator))
        used, refused = int(row["n_accepted"]), int(row["n_rejected"])
        name = source_name(ctx, str(source_id))
        rows.append(QualityRow(str(source_id), label, used, refused, expected, number(coverage), name))
    return tuple(rows)


def source_name(ctx: Context, source_id: str) -> str:
    """Short name of a publication, else the title of the file; never its key, unless nothing else is known."""
    short = publications.name(source_id, ctx.lang)
    if short != source_id:
        return short
    table = ctx.reference("sources")
    titles = [] if table.empty else list(table.loc[table["source_id"] == source_id, "title"])
    return next((str(title) for title in titles if title), source_id)


def _indicator(ctx: Context, code: str) -> str:
    if code == EVERY:
        return ctx.pick("все показатели", "all indicators")
    return term(INDICATORS, code, ctx.lang) if code else ctx.pick("не определён", "not named")


def _coverage(ctx: Context, rows: tuple[QualityRow, ...], region: Region | None) -> tuple[int, int]:
    if rows:
        return sum(row.n_accepted for row in rows), sum(row.n_expected or 0 for row in rows)
    table = ctx.table("observations")
    count = len(table if region is None else table[table["region_iso"] == region.code])
    return count, count


def _contradictions(ctx: Context, region: Region | None) -> tuple[Contradiction, ...]:
    """Inconsistent claims that touch the region (all of them for the country), in the language of the report."""
    claims = ctx.table("claims")
    rows = claims[claims["verdict"] == "inconsistent"].sort_values("claim_id")
    if region is not None:
        rows = rows[[region.code in str(text).split() for text in rows["region_iso"]]]
    notes = {row["claim_id"]: row for row in ctx.reference("claims").to_dict("records")}
    found = []
    for row in rows.to_dict("records"):
        note = str(notes.get(row["claim_id"], {}).get(f"note_{ctx.lang}", "")) or str(row["claim_text"])
        why = formats.tidy(note or str(row["why"]))
        verdict = term(VERDICTS, str(row["verdict"]), ctx.lang)
        source_id = str(row["source_id"])
        found.append(Contradiction(str(row["claim_id"]), why, verdict, source_id, source_name(ctx, source_id)))
    return tuple(found)


def _sentences(
    ctx: Context,
    accepted: int,
    expected: int,
    counted: pd.Series,
    contradictions: tuple[Contradiction, ...],
    region: Region | None,
) -> tuple[str, ...]:
    duplicates = int(sum(counted.get(code, 0) for code in _DUPLICATES))
    refused = int(counted.sum())
    ru, en = [], []
    if not expected:
        ru.append("Значений по региону в источниках нет.")
        en.append("The sources hold no values for the region.")
    elif accepted == expected and not refused:
        n = formats.number(expected, ctx.lang, 0)
        ru.append(f"Учтены все значения источников ({n}): отклонённых и повторов нет.")
        en.append(f"All values of the sources ({n}) are used: none refused, no duplicates.")
    else:
        used = tuple(formats.number(n, ctx.lang, 0) for n in (accepted, expected, refused, duplicates))
        share = formats.quantity(100 * accepted / expected, "percent", ctx.lang)
        ru.append(f"Учтено значений: {used[0]} из {used[1]} ({share}); отклонено: {used[2]}, повторов: {used[3]}.")
        en.append(f"Values used: {used[0]} of {used[1]} ({share}); refused: {used[2]}, duplicates: {used[3]}.")
    if ctx.is_synthetic:
        pass  # the audit reads published claims only
    elif ctx.table("claims").empty:
        ru.append("Опубликованные утверждения в этом выпуске не проверялись.")
        en.append("Published claims were not audited in this issue.")
    elif contradictions:
        ru.append(f"Противоречий в опубликованном: {len(contradictions)}; числа показаны как напечатаны.")
        en.append(f"Contradictions in what was published: {len(contradictions)}; figures are shown as printed.")
    elif expected:
        whose = ("опубликованных значениях региона", "the region's published figures")
        if region is None:
            whose = ("опубликованных значениях", "the published figures")
        ru.append(f"Проверка не нашла противоречий в {whose[0]}.")
        en.append(f"The audit found no contradictions in {whose[1]}.")
    ru.append("Анкеты заполняют сами органы власти.")
    en.append("The questionnaires are filled in by the bodies themselves.")
    observed = ctx.table("observations")
    rows = observed if region is None else observed[observed["region_iso"] == region.code]
    issues = results_issues.sentences(ctx, region, accepted, data_version(ctx))
    return (*(ru if ctx.lang == "ru" else en), *latest_sentences(ctx, rows), *issues)


def method(ctx: Context) -> tuple[str, ...]:
    """Block 13: at most ten lines."""
    smallest = formats.quantity(ctx.release.smallest_difference_pp, "pp", ctx.lang)
    if ctx.lang == "ru":
        lines = [
            f"Индекс клиентоцентричности — доля выполненных требований по анкетам процессов, от 0 до 100{NBSP}%.",
            "Веса показателей официально не опубликованы; основной расчёт даёт всем органам одинаковый вес.",
            f"Интервал назван по происхождению: округление, способы расчёта или 95{NBSP}% интервал.",
            "Места показаны с границами: от случайного разброса или от способов расчёта.",
            f"Различия в пределах {smallest} названы «примерно на уровне».",
            "Оценка оптимизации сравнивает услуги с ещё не оптимизированными с той же оценкой на проверке.",
            "Изменения и разницы посчитаны по неокруглённым значениям.",
            f"Сокращения: МФЦ — многофункциональный центр, п.{NBSP}п. — процентный пункт, н/д — нет данных.",
            "Полное описание: docs/methods.md.",
        ]
        if not ctx.is_synthetic:
            lines[5] = "Опубликованные изменения описаны, причины по ним не определяются."
        return tuple(lines)
    lines = [
        "The client-centricity index is the share of requirements met in process questionnaires, 0 to 100%.",
        "Official weights are not public; the main calculation weighs all bodies equally.",
        "An interval is named for what it is: rounding, ways of calculating, or a 95% interval.",
        "Ranks come with bounds from random variation or from ways of calculating.",
        f"Differences within {smallest} are called “about the level”.",
        "The estimate of optimisation compares services with those not yet optimised, of the same grade at the audit.",
        "Changes and differences are computed from unrounded values.",
        "Abbreviations: MFC – multifunctional service centre, pp – percentage points, n/a – not available.",
        "Full description: docs/methods.md.",
    ]
    if not ctx.is_synthetic:
        lines[5] = "Published changes are described; no reasons are inferred from them."
    return tuple(lines)


def sources(ctx: Context, region: Region | None, published: tuple[FactSection, ...]) -> tuple[Source, ...]:
    """Block 14: publications of the figures shown, and files with accepted values of the region, by id."""
    table = ctx.table("quality")
    own = table["n_accepted"].gt(0) & (table["region_iso"].eq(region.code) if region is not None else True)
    files = set(table.loc[own, "source_id"])
    shown = {fact.source_id for section in published for fact in section.facts}
    publications_of_figures = set(ctx.reference("publications").get("source_id", ()))
    used = shown | (files - publications_of_figures if published else files)
    catalogue = ctx.reference("sources")
    known = {row["source_id"]: row for row in catalogue.to_dict("records")}
    return tuple(_source(ctx, source_id, known.get(source_id, {})) for source_id in sorted(used))


def _source(ctx: Context, source_id: str, row: dict) -> Source:
    return Source(
        source_id,
        str(row.get("publisher", "")),
        str(row.get("title", "")) or publications.name(source_id, ctx.lang),
        str(row.get("published_date", "")),
        str(row.get("address", "")),
        str(row.get("sha256", ""))[:12],
    )


def data_version(ctx: Context) -> str:
    """Twelve characters that change with any registered file of the collection."""
    table = ctx.reference("sources")
    pairs = sorted({(str(row["sha256"]), str(row["source_id"])) for row in table.to_dict("records")})
    return hashlib.sha256(repr(pairs).encode()).hexdigest()[:12]


def colophon(ctx: Context, notebook: str) -> Colophon:
    """Block 15; commit and run are added when the page is made (`results.with_run`): the notebook knows neither."""
    release = ctx.release
    return Colophon(
        notebook,
        data_version(ctx),
        checks=_checks(ctx),
        contact=release.contact,
        made_date=release.made_date,
        next_issue=release.next_issue,
    )


def _checks(ctx: Context) -> str:
    """What was checked before the report could be made: schemas of the tables read, the audit of claims."""
    n = sum(1 for name, table in ctx.tables.items() if not name.startswith("reference_") and not table.empty)
    ru, en = f"сверено со схемами таблиц: {n}", f"{n} tables validated against their schemas"
    claims = ctx.table("claims")
    if not claims.empty:
        wrong = int((claims["verdict"] == "inconsistent").sum())
        ru += f"; проверено утверждений: {len(claims)}, из них противоречивых: {wrong}"
        en += f"; {len(claims)} published claims audited, {wrong} of them inconsistent"
    return ctx.pick(ru, en)
