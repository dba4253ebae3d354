"""What every block of a result needs: the tables, the register, the language, the period and the index by period."""

from dataclasses import dataclass, field

import pandas as pd

from helpers.presentation import formats
from helpers.presentation.results import Release
from helpers.presentation.results.estimates import ChartText, Estimate, Region
from helpers.presentation.results.facts import marks
from helpers.presentation.results.regions import register
from helpers.presentation.results.values import INDEX, index_scores, score, start_of
from helpers.presentation.wording.terms import INTERFACE, pick, term
from helpers.tables import periods, store

TABLES = (
    "observations", "scores", "ranks", "groups", "transitions", "targets", "claims", "effects", "event_study",
    "region_effects", "rtm", "next_services", "diagnostics", "quality", "rejects", "service_panel", "earlier_issue",
    "situation_totals",
)  # fmt: skip
OWN = (
    "observations",
    "quality",
    "rejects",
    "next_services",
    "region_effects",
    "situation_totals",
)  # a region reads its own rows
REFERENCES = ("regions", "series_breaks", "tile_classes", "targets", "claims", "publications")


@dataclass(frozen=True)
class Context:
    """Inputs of one report; `table` and `reference` never fail on a table that was not made."""

    tables: dict[str, pd.DataFrame]
    names: dict[str, Region]
    period: str
    lang: str
    release: Release
    index: pd.DataFrame = field(repr=False)  # one row an entity × period
    marked: dict[str, str] = field(repr=False)  # fact id → words on a contradiction

    def table(self, name: str) -> pd.DataFrame:
        """A processed table, empty if it was not made."""
        return self.tables[name] if name in self.tables else store.empty(name)

    def reference(self, name: str) -> pd.DataFrame:
        """A reference table under the key ``reference_<name>``, without rows if absent."""
        return self.tables.get(f"reference_{name}", pd.DataFrame())

    def pick(self, russian: str, english: str) -> str:
        """Text in the language of the report."""
        return pick((russian, english), self.lang)

    def word(self, key: str) -> str:
        """Term of the interface."""
        return term(INTERFACE, key, self.lang)

    @property
    def is_synthetic(self) -> bool:
        """Whether the report is made from demonstration data."""
        return self.release.collection == "demo"

    @property
    def period_label(self) -> str:
        """Words of the release period."""
        return formats.period(self.period, self.lang)

    def source_line(self) -> str:
        """«Источник: …» under a chart."""
        what = self.word("demo_source" if self.is_synthetic else "published_source")
        return f"{self.word('source')}: {what}"

    def chart(self, title: str, subtitle: str, alt: str, caption: str) -> ChartText:
        """Words of a chart with the source line; the alternative text is cut at 400 characters."""
        title = title.rstrip(".")
        alt = alt if len(alt) <= 400 else alt[:397].rsplit(" ", 1)[0] + " …"
        return ChartText(title, subtitle, alt, self.source_line(), caption)

    def at(self, level: str, entity_id: str, period: str) -> Estimate | None:
        """Index of one entity in one period."""
        rows = self.index[
            (self.index["level"] == level) & (self.index["entity_id"] == entity_id) & (self.index["period"] == period)
        ]
        return None if rows.empty else score(rows.iloc[0].to_dict())

    def regions_at(self, period: str) -> dict[str, Estimate]:
        """Index of all regions in a period, by region code."""
        rows = self.index[(self.index["level"] == "region") & (self.index["period"] == period)]
        found = {str(row["region_iso"]): score(row) for row in rows.to_dict("records")}
        return {code: value for code, value in found.items() if value.value is not None}

    def country_at(self, period: str) -> Estimate | None:
        """Index of the country in a period, whatever its entity is called."""
        rows = self.index[(self.index["level"] == "country") & (self.index["period"] == period)]
        return None if rows.empty else score(rows.iloc[0].to_dict())

    def index_periods(self) -> list[str]:
        """Periods with an index, in order of time."""
        return sorted(set(self.index["period"]), key=periods.sort_key)

    def break_reason(self, before: str, after: str) -> str:
        """Why two periods may not be compared; empty if they may be joined by a line."""
        breaks = self.reference("series_breaks")
        for row in breaks.to_dict("records"):
            inside = start_of(before) < start_of(row["period"]) <= start_of(after)
            if row["rating"] == INDEX and inside:
                what = str(row[f"what_{self.lang}"]).split(":")[0]
                return what[0].lower() + what[1:]
        if periods.parse(before).kind != periods.parse(after).kind:
            return self.pick("отрезки времени разной длины", "periods of different length")
        return ""


def build(tables: dict[str, pd.DataFrame], period: str, lang: str, release: Release) -> Context:
    """Context of one report.

    Parameters
    ----------
    tables : dict of DataFrame
        Contract tables by name, reference tables as ``reference_<name>``; ``reference_regions`` is required.

    Raises
    ------
    ValueError
        If the language or the period is unknown.
    """
    if lang not in formats.LANGUAGES:
        raise ValueError(f"lang '{lang}': use one of {', '.join(formats.LANGUAGES)}")
    periods.parse(period)
    names = register(tables["reference_regions"])
    observations = tables.get("observations", store.empty("observations"))
    claims = tables.get("claims", store.empty("claims"))
    scores = tables.get("scores", store.empty("scores"))
    return Context(tables, names, period, lang, release, index_scores(scores, observations), marks(claims, lang))


def load_tables(collection: str, region: str = "") -> dict[str, pd.DataFrame]:
    """All tables of one report from the store: contract tables and references, those not made left empty.

    Parameters
    ----------
    region : str
        Region whose rows of the large ``service_panel`` are read; empty for the national report, which reads none.
    """
    names = tuple(name for name in TABLES if region or name != "service_panel")
    own = OWN if region and store.exists("groups", collection) and store.exists("scores", collection) else ()
    found = store.read_release(collection, tuple(name for name in names if name not in own), region)
    wanted = [("region_iso", "in", [region, ""])]
    for name in own:
        exists = store.exists(name, collection)
        found[name] = store.load(name, collection, filters=wanted) if exists else store.empty(name)
    for name in REFERENCES:
        try:
            found[f"reference_{name}"] = store.reference(name)
        except store.StoreError:
            if name == "regions":
                raise
    found["reference_sources"] = store.sources(collection)
    return found


def release_of(collection: str) -> Release:
    """What the release says about itself, as ``params.toml`` has it; nothing that differs from run to run."""
    settings = store.release_settings(collection)
    names = ("edition", "made_date", "next_issue", "contact")
    texts = {name: str(settings[name]) for name in names if name in settings}
    smallest = float(settings.get("smallest_difference", Release.smallest_difference_pp))
    return Release(collection=collection, smallest_difference_pp=smallest, **texts)
