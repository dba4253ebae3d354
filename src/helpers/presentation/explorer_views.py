"""What the explore notebook shows about a choice: a pure function from tables and a choice to HTML."""

import base64
import html
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import seaborn as sns
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from helpers.presentation import figures, formats
from helpers.presentation.explorer_tables import in_per_cent, shown
from helpers.presentation.wording import terms as wording_terms
from helpers.presentation.wording.explorer import SECTIONS, TEXTS
from helpers.tables import periods
from helpers.tables.trace import TraceError, trace

Tables = Mapping[str, pd.DataFrame]
_STYLE = """<style>
.explore {display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 0 2rem; line-height: 1.4}
.explore section {min-width: 0; overflow-x: auto} .explore section.wide {grid-column: 1 / -1}
.explore h3 {margin: .8rem 0 .2rem; font-size: 1.05rem} .explore p {margin: .2rem 0} .explore ol {margin: 0 0 .5rem}
.explore table {border-collapse: collapse; font-size: .9em} .explore th {text-align: left; font-weight: 600}
.explore th, .explore td {padding: .1rem .7rem .1rem 0; border-bottom: 1px solid #8884; vertical-align: top}
.explore td:first-child {white-space: nowrap}
.explore td.num {text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums}
.explore img {max-width: 100%}
</style>"""
_WIDE = ("refused", "way", "effect_way")
_SHOWN = ["period", "cmp", "value", "value_low", "value_high", "category", "unit", "source_id"]


@dataclass(frozen=True)
class Choice:
    """What is picked; empty text where nothing can be."""

    region: str
    period: str = ""
    indicator: str = ""
    service: str = ""
    outcome: str = ""


@dataclass(frozen=True)
class Sources:
    """Where numbers come from: raw catalogue and published figures, for the way back."""

    catalog: pd.DataFrame
    facts: pd.DataFrame | None = None


def answer(tables: Tables, choice: Choice, sources: Sources, lang: str = "ru") -> str:
    """Everything known about a choice, as HTML with every text of the data escaped."""
    effect_way = _way(tables, (choice.region, choice.outcome, ""), sources, lang) if choice.outcome else ""
    parts = {
        "value": _value(tables, choice, lang),
        "rank": _ranks(tables, choice, lang),
        "trend": _trend(tables, choice, lang),
        "comparison": _comparison(tables, choice, lang),
        "effect": _effect(tables, choice, lang),
        "service": _service(tables, choice, lang),
        "refused": _refused(tables, choice, lang),
        "way": _way(tables, (choice.region, choice.indicator, choice.period), sources, lang),
        "effect_way": effect_way,
    }
    sections = "\n".join(_section(name, body, lang) for name, body in parts.items() if body)
    return f'{_STYLE}\n<div class="explore">\n{sections}\n</div>'


def _section(name: str, body: str, lang: str) -> str:
    wide = ' class="wide"' if name in _WIDE else ""
    return f"<section{wide}><h3>{html.escape(wording_terms.term(SECTIONS, name, lang))}</h3>\n{body}</section>"


def _say(key: str, lang: str, *values: object) -> str:
    return f"<p>{html.escape(wording_terms.term(TEXTS, key, lang).format(*values))}</p>"


def own(tables: Tables, region: str) -> pd.DataFrame:
    """Observations about a region itself, not about its bodies or services."""
    observations = tables["observations"]
    return observations[observations["entity_id"] == region]


def _series(tables: Tables, choice: Choice) -> pd.DataFrame:
    rows = own(tables, choice.region)
    rows = rows[rows["indicator"] == choice.indicator]
    return rows.sort_values("period", key=lambda column: column.map(periods.sort_key))


def _value(tables: Tables, choice: Choice, lang: str) -> str:
    rows = _series(tables, choice)
    rows = rows[rows["period"] == choice.period]
    return shown(rows[_SHOWN], lang) if len(rows) else _say("no_value", lang)


def _trend(tables: Tables, choice: Choice, lang: str) -> str:
    rows = _series(tables, choice)
    if len(rows) < 2:
        return _say("one_period", lang)
    png = trend_chart(tables, choice, lang)
    if png is None:
        return shown(rows[_SHOWN], lang)
    said = "; ".join(f"{row.period} {formats.printed(row.value, lang, 3)}" for row in rows.itertuples())
    alt = html.escape(wording_terms.term(TEXTS, "trend_alt", lang).format(said), quote=True)
    picture = f'<img alt="{alt}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'
    return picture + shown(rows[_SHOWN], lang)


def _ranks(tables: Tables, choice: Choice, lang: str) -> str:
    ranks = tables["ranks"]
    rows = ranks[(ranks["entity_id"] == choice.region) & (ranks["period"] == choice.period)]
    near = rows[rows["indicator"] == choice.indicator]
    rows = near if len(near) else rows
    columns = [
        "indicator", "rank", "rank_low", "rank_high", "rank_ci_low", "rank_ci_high", "units_ranked",
        "indistinguishable_count", "interval_kind",
    ]  # fmt: skip
    if rows.empty:
        return _say("no_rank", lang)
    return shown(rows[columns[1:] if len(near) else columns], lang)


def _comparison(tables: Tables, choice: Choice, lang: str) -> str:
    observations = tables["observations"]
    rows = observations[
        (observations["entity_type"] == "region")
        & (observations["indicator"] == choice.indicator)
        & (observations["period"] == choice.period)
        & observations["value"].notna()
    ].sort_values("value", ascending=False, ignore_index=True)
    if rows.empty or set(rows["entity_id"]) == {choice.region}:
        return _say("no_comparison", lang)
    mine = rows.index[rows["entity_id"] == choice.region]
    middle = int(mine[0]) if len(mine) else 0
    start = max(0, min(middle - 4, len(rows) - 9))
    near = rows.iloc[start : start + 9]
    names = near["entity_name"].where(near["entity_id"] != choice.region, "▶ " + near["entity_name"])
    columns = ["entity_name", "value", "value_low", "value_high", "unit"]
    return _say("around", lang, len(rows)) + shown(near.assign(entity_name=names)[columns], lang)


def _effect(tables: Tables, choice: Choice, lang: str) -> str:
    regional, national = tables["region_effects"], tables["effects"]
    mine = regional[(regional["region_iso"] == choice.region) & (regional["outcome"] == choice.outcome)]
    whole = national[(national["outcome"] == choice.outcome) & (national["group"].isin(["", "all"]))]
    if mine.empty and whole.empty:
        return _say("no_effect", lang)
    text = ""
    if len(mine):
        columns = ["outcome", "shrunk", "ci_low", "ci_high", "raw", "unit", "n_services_optimised"]
        per_cent = in_per_cent(mine, ["shrunk", "ci_low", "ci_high", "raw"])
        text += _say("own_effect", lang) + shown(per_cent[columns], lang)
    columns = ["estimator", "estimand", "estimate", "ci_low", "ci_high", "unit", "n_services", "n_clusters"]
    per_cent = in_per_cent(whole, ["estimate", "ci_low", "ci_high"])
    for key, is_contrast in (("whole_effect", False), ("contrasts", True)):
        rows = per_cent[per_cent["is_contrast"] == is_contrast]
        text += _say(key, lang) + shown(rows[columns], lang) if len(rows) else ""
    return text


def _service(tables: Tables, choice: Choice, lang: str) -> str:
    panel = tables["service_panel"]
    rows = panel[(panel["region_iso"] == choice.region) & (panel["service_id"] == choice.service)]
    columns = [
        "month", "applications", "median_days", "day_unit", "documents", "visits", "online_share", "optimised_month",
    ]  # fmt: skip
    return shown(rows[columns].tail(12), lang) if len(rows) else _say("no_service", lang)


def _refused(tables: Tables, choice: Choice, lang: str) -> str:
    rejects = tables["rejects"]
    rows = rejects[rejects["region_iso"] == choice.region].rename(columns={"raw": "text"})
    if rows.empty:
        return _say("no_refused", lang)
    columns = ["file", "sheet", "row", "col", "text", "reason", "suggestion"]
    return _say("refused", lang, len(rows)) + shown(rows[columns].head(10), lang)


def _way(tables: Tables, question: tuple[str, str, str], sources: Sources, lang: str) -> str:
    try:
        ways = trace(*question, tables, sources.catalog, sources.facts)
    except TraceError as error:
        return f"{_say('no_way', lang)}<p>{html.escape(str(error))}</p>"
    text = ""
    for number, way in enumerate(ways, start=1):
        items = "".join(
            f"<li>{html.escape(step.name)}: {html.escape(step.place)}<br>{html.escape(step.content)}</li>"
            for step in way
        )
        text += (_say("way", lang, number, len(ways)) if len(ways) > 1 else "") + f"<ol>{items}</ol>"
    return text


def trend_chart(tables: Tables, choice: Choice, lang: str = "ru") -> bytes | None:
    """PNG of the indicator by period with its interval; None with fewer than two numbers."""
    rows = _series(tables, choice)
    rows = rows[rows["value"].notna()]
    if rows["period"].nunique() < 2:
        return None
    figure = Figure(figsize=(6, 2.2), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    sns.scatterplot(data=rows, x="period", y="value", color="#12436D", ax=axes)
    low, high = rows["value"] - rows["value_low"], rows["value_high"] - rows["value"]
    errors = [low.fillna(0).abs(), high.fillna(0).abs()]
    axes.errorbar(rows["period"], rows["value"], yerr=errors, fmt="none", color="#12436D")
    axes.set(xlabel="", ylabel=formats.unit_name(formats.unit_code(rows["unit"].iloc[0]), lang))
    axes.set_title(wording_terms.term(TEXTS, "not_joined", lang), fontsize=9, loc="left")
    return figures.encode(figure)[0]
