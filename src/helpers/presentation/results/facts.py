"""Published figures as facts, sections and group totals, as precise as they were printed.

Grain in: one row of ``observations``. A figure that the claim audit found inconsistent carries a mark; it is shown as
printed and never repaired. A stated change is a description of what was published, never an effect.
"""

import re
from collections.abc import Sequence

import pandas as pd

from helpers.presentation import formats, wording
from helpers.presentation.formats import NBSP
from helpers.presentation.results.estimates import Region
from helpers.presentation.results.levels import OF_BASE, bases_of
from helpers.presentation.results.parts import Fact, FactSection
from helpers.presentation.results.values import number, observed
from helpers.presentation.wording.terms import INDICATORS, entity, pick, term
from helpers.tables import periods

_YEARS = re.compile(r"(_year|_year_federal|_year_regional|_from)$")
_RANKS = {"rank", "rank_in_district", "mfc_rating_rank", "mfc_wait_time_rank"}
# Sections of the national report, instrument by instrument; indicator codes per section.
SECTIONS: dict[str, tuple[tuple[str, str], tuple[str, ...]]] = {
    "federal_index": (("Индекс федеральных органов", "Index of federal bodies"), ("a_fed_index:",)),
    "road_maps": (
        ("Дорожные карты", "Road maps"),
        (
            "roadmaps_approved", "roadmap_control_points_total", "roadmap_control_points_due",
            "roadmap_control_points_unfulfilled",
        ),
    ),
    "life_situations": (
        ("Жизненные ситуации", "Life situations"),
        (
            "life_situation_prototypes", "life_situation_prototypes_completed", "life_situations_launched",
            "life_situations_launched_regional", "life_situation_users", "services_bundled_in_life_situations",
        ),
    ),
    "services": (
        ("Оценка и оптимизация услуг", "Assessment and optimisation of services"),
        (
            "services_assessed", "services_compliant_share", "services_graded_Bplus_share", "services_graded_B_share",
            "services_needing_improvement", "services_optimised", "service_time", "service_documents_required",
        ),
    ),
    "region_index": (("Индекс регионов", "Regional index"), ("b_region_index:",)),
    "mfc": (
        ("Рейтинг МФЦ", "MFC rating"),
        (
            "mfc_regions_high", "mfc_regions_medium", "mfc_regions_low", "regions_rated", "rating_indicators",
            "mfc_regions_moved_low_to_medium",
        ),
    ),
    "curators": (
        ("Кураторы и цели", "Curators and targets"),
        (
            "services_with_curator", "regional_services_with_curator", "federal_services_available",
            "services_with_responsible_person_target", "mass_services_electronic_target", "proactive_services_target",
        ),
    ),
}  # fmt: skip
PICTURE = (  # the national picture on a region's page
    "index_mean", "roadmaps_approved", "roadmap_control_points_unfulfilled", "life_situations_launched",
    "services_assessed", "services_needing_improvement", "services_optimised", "service_time",
    "service_documents_required", "mfc_regions_high", "services_with_curator", "regional_services_with_curator",
    "mass_services_electronic_target", "proactive_services_target",
)  # fmt: skip
_SHARES = {
    "service_time_change": ("срок", "time"),
    "service_documents_required_change": ("документы", "documents"),
    "in_person_visits_change": ("очные визиты", "in-person visits"),
}


def value_text(row: pd.Series, lang: str) -> str:
    """A printed figure in words: «74,6 %», «более 70 %», «около 6 000», «с 4 до 2 дней», «высокая», «2-е»."""
    if row["category"]:
        return _category_text(row, lang)
    unit = formats.unit_code(row["unit"])
    before, after = number(row["value_before"]), number(row["value_after"])
    value = number(row["value"])
    if value is None and before is not None and after is not None:
        about = pick(("примерно ", "about "), lang) if row["cmp"] == "~" else ""
        return about + _from_to(before, after, unit, lang)
    if _YEARS.search(row["indicator"]) and value is not None:
        return str(round(value))
    if row["indicator"] in _RANKS:
        return _rank_text(row, value, lang)
    if value is None:
        return _range_text(row, unit, lang)
    sign = row["indicator"].endswith("_change") and row["cmp"] == "="
    places = formats.decimals_of(value)
    if unit == "ratio":
        times = pick((f"{formats.number(value, lang, places)}{NBSP}раза", f"{value:g} times"), lang)
        return times
    shown_unit = "" if unit == "count" else unit
    words = {
        ">": ("более ", "more than "),
        ">=": ("не менее ", "at least "),
        "<": ("менее ", "less than "),
        "~": ("около ", "about "),
    }
    case = "genitive" if row["cmp"] in words else "nominative"
    text = formats.quantity(value, shown_unit, lang, places, sign, case)
    return pick(words[row["cmp"]], lang).replace(" ", NBSP) + text if row["cmp"] in words else text


def _category_text(row: pd.Series, lang: str) -> str:
    if row["unit"] == "date":
        return formats.date(row["category"], lang)
    if row["indicator"] == "level":
        return wording.group_word(row["category"], lang)
    return wording.stage_word(row["category"], lang) if row["indicator"] == "stage" else row["category"]


def _from_to(before: float, after: float, unit: str, lang: str) -> str:
    first = formats.printed(before, lang)
    last = formats.quantity(after, "" if unit == "count" else unit, lang, formats.decimals_of(after), case="genitive")
    return f"с{NBSP}{first} до{NBSP}{last}" if lang == "ru" else f"{first} to {last}"


def _rank_text(row: pd.Series, value: float | None, lang: str) -> str:
    if value is not None:
        unknown = pick(("границы места не опубликованы", "no bounds published"), lang)
        return f"{formats.ordinal(round(value), lang)}; {unknown}"
    last = round(number(row["value_high"]) or 0)
    return f"не ниже {formats.ordinal(last, lang, 'genitive')}" if lang == "ru" else f"{last} or better"


def _range_text(row: pd.Series, unit: str, lang: str) -> str:
    low, high = number(row["value_low"]), number(row["value_high"])
    shown_unit = "" if unit == "count" else unit
    if low is not None and high is not None and row["cmp"] != "<":
        places = max(formats.decimals_of(low), formats.decimals_of(high))
        return formats.span(low, high, lang, places) + formats.unit_after(high, shown_unit, lang, places)
    known = high if high is not None else low
    if known is None:
        return formats.missing(lang)
    text = formats.quantity(known, shown_unit, lang, formats.decimals_of(known), case="genitive")
    word = ("менее", "less than") if high is not None else ("более", "more than")
    return f"{pick(word, lang)}{NBSP}{text}"


def marks(claims: pd.DataFrame, lang: str) -> dict[str, str]:
    """Words for each fact that an inconsistent claim touches: fact id → «не сходится».

    A contradiction between two sets of figures, of which one adds up to its own printed total, is laid at the other.
    """
    sums = claims[claims["relation"] == "sum_equals"]
    sound = set(" ".join(sums.loc[sums["verdict"] == "consistent", "fact_ids"].astype(str)).split())
    found: dict[str, str] = {}
    for row in claims[claims["verdict"] == "inconsistent"].itertuples():
        facts = str(row.fact_ids).split()
        doubtful = facts if row.relation == "sum_equals" else [fact_id for fact_id in facts if fact_id not in sound]
        found |= dict.fromkeys(doubtful or facts, pick(("не сходится", "inconsistent"), lang))
    return found


def fact(row: pd.Series, lang: str, marked: dict[str, str], names: dict[str, Region], bases: dict[str, int]) -> Fact:
    """One observation as a fact; a count of regions in a group carries the number of participants."""
    region = names.get(row["region_iso"]) if row["entity_type"] == "region" else None
    name = wording.region_name(region, lang) if region else entity(row["entity_name"], lang)
    value = value_text(row, lang)
    if row["indicator"] in OF_BASE and row["period"] in bases:
        value = f"{value} {pick(('из', 'of'), lang)} {bases[row['period']]}"
    return Fact(
        fact_id=row["observation_id"],
        label=term(INDICATORS, row["indicator"], lang),
        entity=name,
        period=row["period"],
        period_label=formats.period(row["period"], lang),
        value=value,
        estimate=observed(row),
        source_id=row["source_id"],
        mark=marked.get(row["observation_id"], ""),
    )


def facts(
    rows: pd.DataFrame, lang: str, marked: dict[str, str], names: dict[str, Region], bases: dict[str, int]
) -> tuple[Fact, ...]:
    """Facts in the order of label, entity and period; the same figure of two sources stands once."""
    found = [fact(row, lang, marked, names, bases) for _, row in rows.iterrows()]
    found.sort(key=lambda item: (item.label, item.entity, periods.sort_key(item.period), item.fact_id))
    shown: dict[tuple[str, str, str, str], Fact] = {}
    for item in found:
        shown.setdefault((item.label, item.entity, item.period, item.value), item)
    return tuple(shown.values())


def national_sections(
    observations: pd.DataFrame, lang: str, marked: dict[str, str], names: dict[str, Region]
) -> tuple[FactSection, ...]:
    """Published figures of the country in the fixed order of `SECTIONS`; empty sections are left out."""
    sections, bases = [], bases_of(observations)
    for key, (title, codes) in SECTIONS.items():
        rows = _rows_of(observations, codes)
        if not rows.empty:
            text = _sentences(key, rows, lang)
            sections.append(section(key, pick(title, lang), rows, lang, marked, names, bases, text))
    return tuple(sections)


def _rows_of(observations: pd.DataFrame, codes: Sequence[str]) -> pd.DataFrame:
    if codes[0].endswith(":"):
        return observations[observations["rating"] == codes[0][:-1]]
    is_national = observations["region_iso"] == ""
    return observations[is_national & observations["indicator"].isin(codes)]


def section(
    key: str,
    title: str,
    rows: pd.DataFrame,
    lang: str,
    marked: dict[str, str],
    names: dict[str, Region],
    bases: dict[str, int],
    sentences: tuple[str, ...] = (),
) -> FactSection:
    """A section with its facts and the caption of their table."""
    caption = pick((f"{title}: опубликованные значения", f"{title}: published figures"), lang)
    return FactSection(key, title, sentences, facts(rows, lang, marked, names, bases), caption)


def _sentences(key: str, rows: pd.DataFrame, lang: str) -> tuple[str, ...]:
    if key == "federal_index":
        return _federal_sentences(rows, lang)
    if key == "curators":
        return (
            pick(
                (
                    "Все значения относятся к разным совокупностям услуг и не делятся друг на друга.",
                    "The figures belong to different populations of services and are not divided by one another.",
                ),
                lang,
            ),
        )
    return ()


def _federal_sentences(rows: pd.DataFrame, lang: str) -> tuple[str, ...]:
    index = rows[rows["indicator"] == "index"].sort_values("value", ascending=False)
    mean = rows[rows["indicator"] == "index_mean"]
    if index.empty or mean.empty:
        return ()
    first, average = index.iloc[0], mean.iloc[0]
    name = entity(first["entity_name"], lang)
    values = value_text(first, lang), value_text(average, lang)
    period = formats.period_in_text(first["period"], lang)
    return (
        pick(
            (
                f"За {period} наибольшее из {len(index)} опубликованных значений — {values[0]} ({name}); "
                f"среднее по всем федеральным органам — {values[1]}.",
                f"For {period} the largest of {len(index)} published values is {values[0]} ({name}); "
                f"the mean of all federal bodies is {values[1]}.",
            ),
            lang,
        ),
    )


def region_sections(
    observations: pd.DataFrame,
    region: Region,
    lang: str,
    marked: dict[str, str],
    names: dict[str, Region],
    is_short: bool = False,
) -> tuple[FactSection, ...]:
    """Published figures of one region, then the national picture; the latter alone for a region without any."""
    own = observations[observations["region_iso"] == region.code]
    own = own[~((own["entity_type"] == "regional_agency") & (own["rating"] == "b_region_index"))]  # block 11
    title = pick(("Опубликовано по региону", "Published for the region"), lang)
    found, bases = [], bases_of(observations)
    if not own.empty:
        found.append(section("region", title, own, lang, marked, names, bases, described_changes(own, lang)))
    national = observations[(observations["region_iso"] == "") & observations["indicator"].isin(PICTURE)]
    latest = latest_rows(national)
    if not latest.empty:
        title = pick(("Показатели страны", "National figures"), lang)
        found.append(section("country", title, latest.head(8) if is_short else latest, lang, marked, names, bases))
    return tuple(found)


def latest_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """The latest figure of each entity and indicator; of several in one period the first registered one."""
    keys = [periods.sort_key(text) for text in rows["period"]]
    ordered = rows.assign(_key=keys).sort_values("observation_id", ascending=False, kind="stable")
    ordered = ordered.sort_values("_key", kind="stable")
    latest = ordered.drop_duplicates(["entity_id", "indicator"], keep="last").drop(columns="_key")
    return latest.sort_values(["rating", "indicator"], kind="stable")


def described_changes(rows: pd.DataFrame, lang: str) -> tuple[str, ...]:
    """Stated changes of a region (time, documents, visits; grades) as descriptions without a cause."""
    values = {row["indicator"]: row for _, row in rows.iterrows()}
    sentences = []
    if {"services_optimised", "services_graded_B", "services_graded_Bplus"} <= set(values):
        n, b, b_plus = (
            round(values[key]["value"]) for key in ("services_optimised", "services_graded_B", "services_graded_Bplus")
        )
        optimised = formats.count(n, "service", lang)
        sentences.append(
            f"Опубликовано: оптимизировано {optimised}, с оценкой Б — {b}, с оценкой Б+ — {b_plus}."
            if lang == "ru"
            else f"Published: {optimised} optimised, {b} graded “Б” and {b_plus} graded “Б+”."
        )
    if "services_graded_V_or_G_share" in values:
        row = values["services_graded_V_or_G_share"]
        period, text = formats.period_in_text(row["period"], lang), value_text(row, lang)
        before = f"За {period} оценку В или Г имели {text} услуг."
        if lang == "en":
            before = f"For {period}, {text} of services were graded “В” or “Г”."
        sentences.insert(0, before)
    parts = [f"{pick(name, lang)} {value_text(values[key], lang)}" for key, name in _SHARES.items() if key in values]
    if parts:
        sentences.append(pick(("Опубликованные изменения: ", "Published changes: "), lang) + "; ".join(parts) + ".")
        sentences.append(
            pick(
                (
                    "Это описание: с чем сравнивали, источник не сообщает.",
                    "This is a description: the source does not say what was compared.",
                ),
                lang,
            )
        )
    return tuple(sentences)
