"""The analyst's first look: pick region, indicator, period, service and outcome, and see everything known about it.

`explorer_views.answer` is a pure function from tables and a choice to HTML; `app` only ties pickers to it.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import ipywidgets as widgets
import pandas as pd
from IPython.display import Javascript

from helpers.presentation.explorer_views import Choice, Sources, answer, own, trend_chart
from helpers.presentation.wording import terms as wording_terms
from helpers.presentation.wording.explorer import PICKERS, TEXTS
from helpers.tables import periods

__all__ = ["IN_VIEW", "TABLES", "Choice", "Sources", "answer", "app", "first_choice", "trend_chart"]

TABLES = (
    "observations", "rejects", "groups", "scores", "ranks", "service_panel", "effects", "region_effects", "quality",
    "corrections_applied",
)  # fmt: skip
Tables = Mapping[str, pd.DataFrame]
# After "Run all" JupyterLab leaves the first line of the last cell at the foot of the window; this brings it to the top
# as soon as the cell has its place in the page.
IN_VIEW = Javascript("setTimeout(() => element.closest('.jp-Cell')?.scrollIntoView({block: 'start'}), 300);")


def regions_of(tables: Tables, register: pd.DataFrame, lang: str = "ru") -> list[tuple[str, str]]:
    """(label, code) of all regions, those with data first and the others marked."""
    known = set(tables["observations"]["region_iso"]) | set(tables["service_panel"]["region_iso"])
    nothing = wording_terms.term(TEXTS, "no_data", lang)
    rows = [
        (code not in known, f"{name}{'' if code in known else f' ({nothing})'}", code)
        for name, code in zip(register["name_ru"], register["iso_3166_2"], strict=True)
    ]
    return [(label, code) for _, label, code in sorted(rows)]


def indicators_of(tables: Tables, region: str) -> list[str]:
    """Indicators observed for the region itself, the index first."""
    return sorted(own(tables, region)["indicator"].unique(), key=lambda name: (name != "index", name))


def periods_of(tables: Tables, region: str, indicator: str) -> list[str]:
    """Periods of an indicator, the latest first."""
    rows = own(tables, region)
    return sorted(rows.loc[rows["indicator"] == indicator, "period"].unique(), key=periods.sort_key, reverse=True)


def services_of(tables: Tables, region: str) -> list[tuple[str, str]]:
    """(name, id) of the region's services in the panel."""
    panel = tables["service_panel"]
    rows = panel.loc[panel["region_iso"] == region, ["service_name", "service_id"]].drop_duplicates("service_id")
    return sorted((f"{row.service_name} ({row.service_id})", str(row.service_id)) for row in rows.itertuples())


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


def _offers(tables: Tables, register: pd.DataFrame, choice: Choice, lang: str) -> dict[str, list[tuple[str, str]]]:
    """What every picker offers for a choice: (label, value)."""
    indicators = [(_named(name, lang), name) for name in indicators_of(tables, choice.region)]
    outcomes = [
        (f"{wording_terms.term(wording_terms.OUTCOMES, name, lang)} ({name})", name) for name in outcomes_of(tables)
    ]
    return {
        "region": regions_of(tables, register, lang),
        "indicator": indicators,
        "period": [(text, text) for text in periods_of(tables, choice.region, choice.indicator)],
        "service": services_of(tables, choice.region),
        "outcome": outcomes,
    }


def _named(indicator: str, lang: str) -> str:
    name = wording_terms.term(wording_terms.INDICATORS, indicator, lang)
    return name if name == indicator else f"{name} ({indicator})"


def _changed(tables: Tables, choice: Choice, name: str, value: str) -> Choice:
    """The choice after one picker moved; what no longer fits takes its first value."""
    if name == "region":
        return replace(first_choice(tables, value), outcome=choice.outcome)
    choice = replace(choice, **{name: value})
    if name == "indicator":
        known = periods_of(tables, choice.region, value)
        choice = replace(choice, period=known[0] if known else "")
    return choice


def app(tables: Tables, register: pd.DataFrame, sources: Sources, lang: str = "ru") -> widgets.VBox:
    """Pickers tied to `answer`; the first look needs no code."""
    pickers = {
        name: widgets.Dropdown(
            description=wording_terms.term(PICKERS, name, lang), layout=widgets.Layout(width="30rem")
        )
        for name in PICKERS
    }
    view = widgets.HTML()
    state: dict[str, Any] = {
        "choice": first_choice(tables, regions_of(tables, register, lang)[0][1]), "busy": False,
    }  # fmt: skip

    def fill() -> None:
        """Offer what the choice leaves open, then show the answer."""
        state["busy"] = True
        for name, offered in _offers(tables, register, state["choice"], lang).items():
            wanted, values = getattr(state["choice"], name), [value for _, value in offered]
            pickers[name].options = offered
            pickers[name].value = wanted if wanted in values else (values[0] if values else None)
        view.value = answer(tables, state["choice"], sources, lang)
        state["busy"] = False

    def changed(name: str, value: str | None) -> None:
        if not state["busy"]:
            state["choice"] = _changed(tables, state["choice"], name, value or "")
            fill()

    for name, picker in pickers.items():
        picker.observe(lambda event, name=name: changed(name, event["new"]), names="value")
    fill()
    row = widgets.Layout(flex_flow="row wrap")
    return widgets.VBox([widgets.Box(list(pickers.values()), layout=row), view])
