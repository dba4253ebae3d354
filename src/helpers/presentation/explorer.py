"""The analyst's first look: pick region, period, indicator, service and outcome; see value, trend, effect, way back.

`answer` is a pure function from tables and choices to HTML; `app` only ties pickers to it. English, because analysts
read code beside it; names of regions, services and bodies stay as they are in the data.
"""

import html
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import ipywidgets as widgets
import pandas as pd
import seaborn as sns
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from helpers.presentation import figures
from helpers.tables import periods
from helpers.tables.trace import TraceError, trace

TABLES = (
    "observations", "rejects", "scores", "ranks", "service_panel", "effects", "region_effects", "quality",
)  # fmt: skip
Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Choice:
    """What is picked; empty text where nothing can be."""

    region: str
    period: str = ""
    indicator: str = ""
    service: str = ""
    outcome: str = ""


def regions_of(tables: Tables, register: pd.DataFrame) -> list[tuple[str, str]]:
    """(label, code) of all regions, those with data first and marked."""
    known = set(tables["observations"]["region_iso"]) | set(tables["service_panel"]["region_iso"])
    rows = [
        (code not in known, f"{name}{'' if code in known else ' (no data)'}", code)
        for name, code in zip(register["name_ru"], register["iso_3166_2"], strict=True)
    ]
    return [(label, code) for _, label, code in sorted(rows)]


def indicators_of(tables: Tables, region: str) -> list[str]:
    """Indicators observed for the region itself, the index first."""
    own = _own(tables, region)
    return sorted(own["indicator"].unique(), key=lambda name: (name != "index", name))


def periods_of(tables: Tables, region: str, indicator: str) -> list[str]:
    """Periods of an indicator, the latest first."""
    own = _own(tables, region)
    return sorted(own.loc[own["indicator"] == indicator, "period"].unique(), key=periods.sort_key, reverse=True)


def services_of(tables: Tables, region: str) -> list[tuple[str, str]]:
    """(name, id) of the region's services in the panel."""
    panel = tables["service_panel"]
    own = panel.loc[panel["region_iso"] == region, ["service_name", "service_id"]].drop_duplicates("service_id")
    return sorted((f"{row.service_name} ({row.service_id})", str(row.service_id)) for row in own.itertuples())


def outcomes_of(tables: Tables) -> list[str]:
    """Outcomes with an estimate."""
    return sorted(tables["effects"]["outcome"].unique())


def first_choice(tables: Tables, region: str) -> Choice:
    """The latest index of the region, its first service and the first outcome."""
    indicators = indicators_of(tables, region)
    indicator = indicators[0] if indicators else ""
    known, services, outcomes = periods_of(tables, region, indicator), services_of(tables, region), outcomes_of(tables)
    return Choice(
        region,
        known[0] if known else "",
        indicator,
        services[0][1] if services else "",
        outcomes[0] if outcomes else "",
    )


def _own(tables: Tables, region: str) -> pd.DataFrame:
    observations = tables["observations"]
    return observations[observations["entity_id"] == region]


def answer(tables: Tables, choice: Choice, catalog: pd.DataFrame, facts: pd.DataFrame | None = None) -> str:
    """Everything known about a choice, as HTML with every text of the data escaped."""
    parts = [
        _section("Value and its interval", _value(tables, choice)),
        _section("Trend", _trend_table(tables, choice)),
        _section("Rank, with its interval", _ranks(tables, choice)),
        _section("Comparison in this period", _comparison(tables, choice)),
        _section("Effect of optimisation", _effect(tables, choice)),
        _section("Service by month", _service(tables, choice)),
        _section("Refused values of this region", _refused(tables, choice)),
        _section("Way back to the source cell", _way(tables, choice, catalog, facts)),
    ]
    return "\n".join(parts)


def _section(title: str, content: pd.DataFrame | str) -> str:
    body = content if isinstance(content, str) else content.to_html(index=False, escape=True, border=0, na_rep="n/a")
    return f"<h3>{html.escape(title)}</h3>\n{body}"


def _nothing(text: str) -> str:
    return f"<p>{html.escape(text)}</p>"


def _chosen(tables: Tables, choice: Choice) -> pd.DataFrame:
    own = _own(tables, choice.region)
    return own[(own["indicator"] == choice.indicator) & (own["period"] == choice.period)]


_SHOWN = ["period", "value", "value_low", "value_high", "category", "cmp", "unit", "source_id"]


def _value(tables: Tables, choice: Choice) -> pd.DataFrame | str:
    rows = _chosen(tables, choice)
    return rows[_SHOWN] if len(rows) else _nothing("no published or registered value for this choice")


def _trend_table(tables: Tables, choice: Choice) -> pd.DataFrame | str:
    rows = _own(tables, choice.region)
    rows = rows[rows["indicator"] == choice.indicator]
    rows = rows.sort_values("period", key=lambda column: column.map(periods.sort_key))
    return rows[_SHOWN] if len(rows) > 1 else _nothing("one period only: no trend")


def _ranks(tables: Tables, choice: Choice) -> pd.DataFrame | str:
    ranks = tables["ranks"]
    rows = ranks[(ranks["entity_id"] == choice.region) & (ranks["period"] == choice.period)]
    columns = [
        "rating", "indicator", "rank", "rank_low", "rank_high", "rank_ci_low", "rank_ci_high", "interval_kind",
        "units_ranked", "indistinguishable_count",
    ]  # fmt: skip
    return rows[columns] if len(rows) else _nothing("no rank: too few participants are published")


def _comparison(tables: Tables, choice: Choice) -> pd.DataFrame | str:
    observations = tables["observations"]
    rows = observations[
        (observations["entity_type"] == "region")
        & (observations["indicator"] == choice.indicator)
        & (observations["period"] == choice.period)
        & observations["value"].notna()
    ]
    if rows.empty:
        return _nothing("no other region has a number for this choice")
    top = rows.sort_values("value", ascending=False)[["entity_name", "value", "value_low", "value_high", "unit"]]
    return f"<p>{len(rows)} regions; shown: the ten largest</p>" + top.head(10).to_html(index=False, border=0)


def _effect(tables: Tables, choice: Choice) -> pd.DataFrame | str:
    regional, national = tables["region_effects"], tables["effects"]
    own = regional[(regional["region_iso"] == choice.region) & (regional["outcome"] == choice.outcome)]
    whole = national[(national["outcome"] == choice.outcome) & (national["group"].isin(["", "all"]))]
    if own.empty and whole.empty:
        return _nothing("no panel of services: an effect cannot be estimated, and none is invented")
    text = ""
    if len(own):
        columns = ["outcome", "shrunk", "ci_low", "ci_high", "raw", "n_services_optimised", "mde", "unit"]
        text += "<p>This region, partially pooled</p>" + own[columns].to_html(index=False, border=0, na_rep="n/a")
    if len(whole):
        columns = [
            "estimator",
            "estimand",
            "estimate",
            "ci_low",
            "ci_high",
            "n_services",
            "n_clusters",
            "is_contrast",
            "unit",
        ]
        text += "<p>Country; is_contrast = True is not an effect</p>"
        text += whole[columns].to_html(index=False, border=0, na_rep="n/a")
    return text


def _service(tables: Tables, choice: Choice) -> pd.DataFrame | str:
    panel = tables["service_panel"]
    rows = panel[(panel["region_iso"] == choice.region) & (panel["service_id"] == choice.service)]
    columns = [
        "month",
        "applications",
        "median_days",
        "day_unit",
        "documents",
        "visits",
        "online_share",
        "optimised_month",
    ]
    return rows[columns].tail(12) if len(rows) else _nothing("no monthly data of services for this region")


def _refused(tables: Tables, choice: Choice) -> pd.DataFrame | str:
    rejects = tables["rejects"]
    rows = rejects[rejects["region_iso"] == choice.region]
    if rows.empty:
        return _nothing("nothing refused that names this region")
    columns = ["file", "sheet", "row", "col", "raw", "reason", "suggestion"]
    return f"<p>{len(rows)} refused; shown: ten</p>" + rows[columns].head(10).to_html(
        index=False, border=0, escape=True
    )


def _way(tables: Tables, choice: Choice, catalog: pd.DataFrame, facts: pd.DataFrame | None) -> str:
    try:
        ways = trace(choice.region, choice.indicator, choice.period, dict(tables), catalog, facts)
    except TraceError as error:
        return _nothing(str(error))
    items = "".join(
        f"<li>{html.escape(step.name)}: {html.escape(step.place)}<br>{html.escape(step.content)}</li>"
        for step in ways[0]
    )
    return f"<ol>{items}</ol>"


def trend_chart(tables: Tables, choice: Choice) -> bytes | None:
    """PNG of the indicator by period with its interval; None with fewer than two numbers."""
    rows = _own(tables, choice.region)
    rows = rows[(rows["indicator"] == choice.indicator) & rows["value"].notna()]
    rows = rows.sort_values("period", key=lambda column: column.map(periods.sort_key))
    if rows["period"].nunique() < 2:
        return None
    figure = Figure(figsize=(6, 2.4), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    sns.scatterplot(data=rows, x="period", y="value", color="#12436D", ax=axes)
    low, high = rows["value"] - rows["value_low"], rows["value_high"] - rows["value"]
    axes.errorbar(
        rows["period"], rows["value"], yerr=[low.fillna(0).abs(), high.fillna(0).abs()], fmt="none", color="#12436D"
    )
    axes.set(xlabel="", ylabel=f"{choice.indicator}, {rows['unit'].iloc[0]}")
    axes.set_title("Points are not joined: neighbouring periods may be different series", fontsize=9, loc="left")
    return figures.encode(figure)[0]


def app(
    tables: Tables, register: pd.DataFrame, catalog: pd.DataFrame, facts: pd.DataFrame | None = None
) -> widgets.VBox:
    """Pickers tied to `answer`; the first look needs no code."""
    choice = first_choice(tables, regions_of(tables, register)[0][1])
    pickers = {
        name: widgets.Dropdown(description=name, layout=widgets.Layout(width="32rem"))
        for name in ("region", "indicator", "period", "service", "outcome")
    }
    view, picture = widgets.HTML(), widgets.Image(format="png", layout=widgets.Layout(display="none"))
    state = {"choice": choice, "busy": False}

    def fill() -> None:
        """Offer what the choice leaves open, then show the answer."""
        state["busy"] = True
        now: Choice = state["choice"]  # type: ignore[assignment]
        offers: dict[str, list[Any]] = {
            "region": regions_of(tables, register),
            "indicator": indicators_of(tables, now.region),
            "period": periods_of(tables, now.region, now.indicator),
            "service": services_of(tables, now.region),
            "outcome": outcomes_of(tables),
        }
        for name, picker in pickers.items():
            picker.options = offers[name]
            values = [option[1] if isinstance(option, tuple) else option for option in offers[name]]
            picker.value = getattr(now, name) if getattr(now, name) in values else (values[0] if values else None)
        view.value = answer(tables, now, catalog, facts)
        png = trend_chart(tables, now)
        picture.value, picture.layout.display = png or b"", "block" if png else "none"
        state["busy"] = False

    def changed(name: str, value: str | None) -> None:
        if state["busy"]:
            return
        now: Choice = state["choice"]  # type: ignore[assignment]
        if name == "region":
            now = first_choice(tables, value or "")
        else:
            now = replace(now, **{name: value or ""})
        if name == "indicator":
            known = periods_of(tables, now.region, now.indicator)
            now = replace(now, period=known[0] if known else "")
        state["choice"] = now
        fill()

    for name, picker in pickers.items():
        picker.observe(lambda event, name=name: changed(name, event["new"]), names="value")
    fill()
    return widgets.VBox([*pickers.values(), picture, view])
