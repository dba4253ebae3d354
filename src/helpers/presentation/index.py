"""Index page of a release: one row per region, sorted by district and name, without a script.

Grain in: one status row per report, one result object per built report. Numbers come from the result objects.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from helpers.presentation import formats, pages, wording
from helpers.presentation.formats import NBSP
from helpers.presentation.results import RegionalResult, Result
from helpers.presentation.results.estimates import Region
from helpers.presentation.results.regions import by_district, register
from helpers.presentation.tables.parts import interval_text, level_text
from helpers.presentation.wording.terms import INTERFACE, pick, term

NATIONAL = "national"
STATUS = {
    "built": ("✓", "готов", "built"),
    "failed": ("✗", "ошибка", "failed"),
    "no_data": ("○", "нет данных", "no data"),
    "": ("–", "не запускался", "not run"),
}
HEAD = (
    ("Регион", "Region", ""),
    ("Федеральный округ", "Federal district", ""),
    ("Индекс, %", "Index, %", "num"),
    ("Интервал, %", "Interval, %", "num"),
    ("Границы места", "Bounds of the rank", "num"),
    ("Этап или группа", "Stage or group", ""),
    ("Состояние", "Status", ""),
    ("Файлы", "Files", ""),
    ("Отправлено", "Sent", ""),
)


@dataclass(frozen=True)
class Link:
    """One link of a row: words and relative address."""

    text: str
    href: str
    lang: str = ""


@dataclass(frozen=True)
class Row:
    """One region of the index; ``anchor`` marks the first row of a district."""

    name: str
    anchor: str
    cells: tuple[tuple[str, str], ...]  # text and class, after the name
    status: str
    links: tuple[Link, ...]
    sent: str


def page(
    status: pd.DataFrame,
    results: Mapping[str, Result],
    regions: pd.DataFrame,
    lang: str,
    sent: Mapping[str, str] | None = None,
) -> str:
    """HTML of ``index.html``.

    Parameters
    ----------
    status : DataFrame
        Rows of ``status.csv`` as text: report_id, region_iso, lang, period, collection, edition, is_synthetic, status,
        data_class, pdf_sha256 and more.
    results : mapping
        Result object of each report, by report id; missing for failed reports.
    regions : DataFrame
        Reference table ``regions``.
    sent : mapping, optional
        Date (ISO) on which a report was sent, by report id.

    Raises
    ------
    ValueError
        If the status is empty.
    """
    if status.empty:
        raise ValueError("the status has no rows: nothing was run")
    names = register(regions)
    first = status.iloc[0]
    wanted = [code for code in names if (status["region_iso"] == code).any()]
    ordered = [region for region in by_district(names, lang) if region.code in wanted]
    rows = _rows(ordered, status, results, lang, sent or {})
    label = formats.period(str(first["period"]), lang)
    counts = {key: int((status["status"] == key).sum()) for key in ("built", "failed", "no_data")}
    context = {
        "page": _description(first, label, lang),
        "totals": [(STATUS[key][0], STATUS[key][1 if lang == "ru" else 2], n) for key, n in counts.items()],
        "totals_label": pick(("Отчётов", "Reports"), lang),
        "national": _national(status, lang),
        "districts": _districts(ordered, lang),
        "districts_label": pick(("Федеральные округа", "Federal districts"), lang),
        "caption": pick((f"Регионы: {len(rows)}, {label}", f"Regions: {len(rows)}, {label}"), lang),
        "columns": [(pick((russian, english), lang), css) for russian, english, css in HEAD],
        "rows": rows,
        "diff": pick(("Что изменилось с прошлого выпуска", "What changed since the last issue"), lang),
    }
    return pages.render("release_index.html.j2", context)


def _description(first: pd.Series, label: str, lang: str) -> dict[str, object]:
    """What the page says about itself; ``first`` is any row of the status."""
    project, edition = term(INTERFACE, "project", lang), term(INTERFACE, str(first["edition"]), lang)
    title = f"{project}: {pick(('отчёты по регионам', 'regional reports'), lang)}, {label}"
    return {
        "lang": lang,
        "title": title,
        "description": title,
        "heading": pick(("Отчёты по регионам", "Regional reports"), lang),
        "kicker": project,
        "period_label": label,
        "edition": edition,
        "banner": term(INTERFACE, "banner", lang) if _is_true(first["is_synthetic"]) else "",
        "foot": f"{title}, {edition}",
        "wide": True,
    }


def _is_true(value: object) -> bool:
    return str(value).lower() in ("true", "1")


def _rows(
    ordered: list[Region], status: pd.DataFrame, results: Mapping[str, Result], lang: str, sent: Mapping[str, str]
) -> list[Row]:
    rows, seen = [], set()
    for region in ordered:
        own = status[status["region_iso"] == region.code]
        main = own[own["lang"] == lang]
        row = (main if not main.empty else own).iloc[0]
        result = results.get(str(row["report_id"]))
        anchor = "" if region.district in seen else _anchor(ordered, region)
        seen.add(region.district)
        rows.append(_row(region, row, own, result, lang, anchor, sent))
    return rows


def _row(
    region: Region,
    row: pd.Series,
    own: pd.DataFrame,
    result: Result | None,
    lang: str,
    anchor: str,
    sent: Mapping[str, str],
) -> Row:
    symbol, russian, english = STATUS[str(row["status"])]
    missing = formats.missing(lang)
    estimate = result.headline.estimate if result is not None else None
    cells = (
        (_short_district(region, lang) or missing, ""),
        (level_text(estimate, lang), "num"),
        (interval_text(estimate, lang), "num"),
        (_rank(result, lang), "num"),
        (_group(result, lang), ""),
    )
    when = sent.get(str(row["report_id"]), "")
    return Row(
        wording.region_name(region, lang),
        anchor,
        cells,
        f"{symbol}{NBSP}{pick((russian, english), lang)}{_checked(row, lang)}",
        _links(own, lang),
        formats.date(when, lang) if when else pick(("нет", "no"), lang),
    )


def _short_district(region: Region, lang: str) -> str:
    """District without the words that its column is headed by."""
    name = wording.district_name(region, lang)
    return name.removesuffix(" федеральный округ").removesuffix(" Federal District")


def _checked(row: pd.Series, lang: str) -> str:
    """Whether a second run of the notebook gave the same outputs for this very content."""
    passed = row.get("checked") == "passed" and bool(row.get("content_key"))
    is_current = passed and row.get("checked_at_key") == row.get("content_key")
    return pick((", проверен", ", checked"), lang) if is_current else ""


def _rank(result: Result | None, lang: str) -> str:
    """Interval of the rank; never a rank alone."""
    block = result.rank if result is not None else None
    if block is None or block.rank_low is None or block.rank_high is None:
        return formats.missing(lang)
    return f"{block.rank_low}–{block.rank_high}"


def _group(result: Result | None, lang: str) -> str:
    """Published stage, else the latest MFC group, else «н/д»."""
    if not isinstance(result, RegionalResult):
        return formats.missing(lang)
    if result.headline.stage:
        return result.headline.stage
    card = next((card for card in result.kpis if card.key in ("group", "stage")), None)
    return f"{card.value}, {card.note}" if card else formats.missing(lang)


def _links(own: pd.DataFrame, lang: str) -> tuple[Link, ...]:
    """Links of the main language first, then the page in other languages."""
    links: list[Link] = []
    for _, row in own.sort_values("lang", key=lambda column: column != lang, kind="stable").iterrows():
        if row["status"] not in ("built", "no_data"):
            continue
        name, other = str(row["report_id"]), str(row["lang"])
        if other != lang and links:
            links.append(Link(other.upper(), f"{name}.html", other))
            continue
        links.append(Link("HTML", f"{name}.html"))
        if str(row.get("pdf_sha256", "") or ""):
            links.append(Link("PDF", f"{name}.pdf"))
        links.append(Link(pick(("тетрадь", "notebook"), lang), f"{name}.ipynb"))
        links.append(Link("CSV", f"tables/{name}/"))
    return tuple(links)


def _national(status: pd.DataFrame, lang: str) -> list[Link]:
    own = status[status["region_iso"].isin(["", "RU"]) | status["report_id"].str.startswith(NATIONAL)]
    if own.empty:
        return []
    title = pick(("Россия", "Russia"), lang)
    links = list(_links(own, lang))
    return [Link(f"{title}: {links[0].text}", links[0].href), *links[1:]] if links else []


def _districts(ordered: list[Region], lang: str) -> list[Link]:
    found: dict[str, Link] = {}
    for region in ordered:
        name = wording.district_name(region, lang) or term(INTERFACE, "no_district", lang)
        found.setdefault(region.district, Link(name, f"#{_anchor(ordered, region)}"))
    return list(found.values())


def _anchor(ordered: list[Region], region: Region) -> str:
    """ASCII name of the region's district on the page."""
    names = list(dict.fromkeys(item.district for item in ordered))
    return f"district-{names.index(region.district) + 1}"
