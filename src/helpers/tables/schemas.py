"""Contract of every table in ``data/processed``: grain, columns, types, units and ranges.

One declaration serves three purposes: validation on save and load (`store`), the data dictionary
(`dictionary`), and the agreement between the wings, which meet in these tables only.
"""

from dataclasses import dataclass, field

import pandera.pandas as pa

from helpers.tables.periods import PATTERN

PERIOD = rf"(?:{PATTERN.pattern.replace('?P<year>', '?:').replace('?P<kind>', '?:').replace('?P<part>', '?:').replace('?P<month>', '?:')})"
RATINGS = (
    "a_fed_index", "b_region_index", "b_region_process", "c_mfc", "d_grades", "e_roadmap",
    "f_life_situations", "g_curators", "h_feedback", "published",
)  # fmt: skip
ENTITY_TYPES = (
    "region", "federal_agency", "regional_agency", "service", "roadmap_point", "country",
    "federal_district", "system", "life_situation",
)  # fmt: skip
INTERVAL_KINDS = ("sampling_95", "rounding", "method", "published_bound", "none")
DAY_UNITS = ("working_day", "calendar_day")
REJECT_REASONS = (
    "missing_id", "unknown_entity", "ambiguous_entity", "aggregate_entity", "federal_district",
    "bad_period", "unknown_indicator",
    "missing_value", "not_applicable", "not_a_number", "out_of_range", "censored_value", "range_value",
    "contradictory_number", "ambiguous_unit", "formula_without_value",
    "bad_date", "imprecise_date", "bad_term", "bad_grade", "bad_level", "bad_stage", "bad_status",
    "duplicate_exact", "duplicate_conflict", "inconsistent_total",
    "unreadable_file", "undecodable_text",
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One column: pandas type, meaning with unit, and what values it may take.

    Attributes
    ----------
    dtype : str
        ``str``, ``float``, ``int`` or ``bool``. Text is never null: absent text is the empty string.
    about : str
        Meaning and unit, as printed in the data dictionary.
    nullable : bool
        Whether a number may be missing.
    values : tuple of str
        Closed list of values, empty for any.
    low, high : float or None
        Inclusive range of a number.
    pattern : str
        Regular expression a non-empty text must match in full.
    """

    dtype: str
    about: str
    nullable: bool = False
    values: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    pattern: str = ""


@dataclass(frozen=True)
class Table:
    """One table: what it holds, its grain (key columns) and its columns in order."""

    name: str
    about: str
    key: tuple[str, ...]
    columns: dict[str, Column] = field(default_factory=dict)


def _text(about: str, *values: str, pattern: str = "") -> Column:
    return Column("str", about, values=values, pattern=pattern)


def _number(about: str, low: float | None = None, high: float | None = None, nullable: bool = True) -> Column:
    return Column("float", about, nullable=nullable, low=low, high=high)


def _count(about: str) -> Column:
    return Column("int", about, low=0)


def _flag(about: str) -> Column:
    return Column("bool", about)


_SYNTHETIC = {"is_synthetic": _flag("true for seeded demonstration data, which never meet real data")}
_REGION = _text("region, ISO 3166-2; empty where the row is not about one region", pattern=r"(RU|UA)-[A-Z0-9]{2,3}")
_REGION_KEY = _REGION
_PERIOD = _text(
    "period: 2024, 2024-H1, 2024-Q3 or 2024-06; empty where the source does not say",
    pattern=PERIOD + r"|before|after|\d{4}-\d{2}(?:-\d{2})?/\d{4}-\d{2}(?:-\d{2})?|\d{4}-\d{2}-\d{2}",
)
_MONTH = _text("month, 2024-06", pattern=r"\d{4}-(0[1-9]|1[0-2])")
_RATING = _text("rating or register that the figure belongs to", *RATINGS)
_ENTITY_TYPE = _text("kind of entity", *ENTITY_TYPES)
_KIND = _text("what the interval means", *INTERVAL_KINDS)
_PLACE = {
    "file": _text("source file, relative to data/raw"),
    "sheet": _text("sheet or table inside the file; empty for csv"),
    "row": _count("1-based physical row, or csv record; 0 for the whole file"),
    "col": _count("1-based physical column, or csv field; 0 for the whole row"),
}

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "observations",
            "One accepted value as published, with the interval that its precision or wording implies and the way back to its cell.",
            ("rating", "entity_id", "period", "indicator", "source_id"),
            {
                "rating": _RATING,
                "entity_id": _text("region code, short name of a body, service code, body / point number, …"),
                "period": _PERIOD,
                "indicator": _text("indicator code, see data/reference/indicators.csv"),
                "source_id": _text("source: catalogue id of the file, or of the publication for published figures"),
                "entity_type": _ENTITY_TYPE,
                "entity_name": _text("entity as printed"),
                "region_iso": _REGION,
                "value": _number("number in `unit`; missing for categories and for bare bounds"),
                "value_low": _number("lower end of the interval, in `unit`"),
                "value_high": _number("upper end of the interval, in `unit`"),
                "category": _text("grade, level, stage, status or ISO date; empty for numbers"),
                "unit": _text("unit of the value"),
                "cmp": _text("relation of the printed value to the true one", "=", "<=", ">=", ">", "<", "~"),
                "value_before": _number("printed earlier value of a stated change, in `unit`"),
                "value_after": _number("printed later value of a stated change, in `unit`"),
                "observation_id": _text("F025 for published facts, otherwise source!sheet!row!col"),
                **_PLACE,
                "raw_text": _text("the cell as it stood in the file"),
                **_SYNTHETIC,
            },
        ),
        Table(
            "rejects",
            "One refused value or row, with the reason and what to do.",
            ("source_id", "file", "sheet", "row", "col", "reason"),
            {
                "source_id": _text("source: catalogue id"),
                **_PLACE,
                "reason": _text("reason of refusal, closed list of docs/methods.md", *REJECT_REASONS),
                "raw": _text("the refused text"),
                "suggestion": _text("what a person may do"),
                "region_iso": _REGION,
                **_SYNTHETIC,
            },
        ),
        Table(
            "corrections_applied",
            "One correction of a known source error that was applied.",
            ("correction_id", "file", "sheet", "row", "col"),
            {
                "correction_id": _text("row of data/reference/corrections.csv"),
                **_PLACE,
                "old_value": _text("text before"),
                "new_value": _text("text after"),
                "reason": _text("why"),
                **_SYNTHETIC,
            },
        ),
        Table(
            "quality",
            "Coverage of one indicator in one source for one region.",
            ("source_id", "region_iso", "rating", "indicator"),
            {
                "source_id": _text("source: catalogue id"),
                "region_iso": _REGION,
                "rating": _text("rating; empty where a refused row names none"),
                "indicator": _text("indicator code; empty where a refused row names none"),
                "n_accepted": _count("values accepted"),
                "n_rejected": _count("values refused"),
                "n_expected": _count("values in the data block"),
                "coverage": _number("accepted over expected, 0–1", 0, 1),
                **_SYNTHETIC,
            },
        ),
        Table(
            "claims",
            "One printed claim, checked by interval arithmetic against the printed figures.",
            ("claim_id",),
            {
                "claim_id": _text("claim, as in data/reference/claims.csv"),
                "source_id": _text("publication"),
                "quote_id": _text("place in the publication"),
                "claim_text": _text("the claim in our words"),
                "relation": _text("relation checked"),
                "fact_ids": _text("facts used, separated by spaces"),
                "computed": _text("what the printed figures give"),
                "strength": _text("whether the relation holds always, possibly or never; empty if not checkable", "always", "possible", "never", ""),
                "verdict": _text("verdict", "consistent", "inconsistent", "uncheckable"),
                "why": _text("the verdict in one sentence"),
                "region_iso": _text("regions touched, separated by spaces; empty for none"),
            },
        ),
        Table(
            "scores",
            "Score of one entity at one node of the index tree.",
            ("rating", "entity_id", "period", "level", "group", "method"),
            {
                "rating": _RATING,
                "entity_type": _ENTITY_TYPE,
                "entity_id": _text("region code, short name of a body, name of a district, RU for the country"),
                "entity_name": _text("name as shown"),
                "period": _PERIOD,
                "level": _text("level of the tree", "region", "district", "country", "body", "process"),
                "group": _text("node of the tree; total for the top"),
                "method": _text("how it was aggregated", "published", "equal_body", "size_weighted", "geometric"),
                "region_iso": _REGION,
                "score": _number("score, per cent for an index, points for MFC"),
                "score_low": _number("lower end of the interval"),
                "score_high": _number("upper end of the interval"),
                "interval_kind": _KIND,
                "std_error": _number("standard error; missing where none exists", 0),
                "n_items": _count("items below the node that entered"),
                "score_change": _number("change from the comparison period, percentage points or points"),
                "change_low": _number("lower end of the change"),
                "change_high": _number("upper end of the change"),
                "is_comparable": _flag("whether the change crosses no series break and compares equal periods"),
                "effective_weight": _number("product of normalised weights down the tree", 0, 1),
                "unit": _text("unit of the score"),
                **_SYNTHETIC,
            },
        ),
        Table(
            "ranks",
            "Rank of one entity with its uncertainty; no rank is shown without it.",
            ("rating", "entity_id", "period", "indicator"),
            {
                "rating": _RATING,
                "entity_id": _text("region code or short name of a body"),
                "entity_name": _text("name as shown"),
                "period": _PERIOD,
                "indicator": _text("indicator ranked"),
                "region_iso": _REGION,
                "value": _number("value ranked"),
                "rank": _number("rank, 1 = best, ties take the smaller; missing where only bounds are known", 1),
                "rank_low": _number("best rank over method choices or rounding", 1),
                "rank_high": _number("worst rank over method choices or rounding", 1),
                "rank_ci_low": _number("best rank of the 95 % marginal confidence set; missing without standard errors", 1),
                "rank_ci_high": _number("worst rank of the 95 % marginal confidence set", 1),
                "interval_kind": _KIND,
                "units_ranked": _count("participants ranked"),
                "indistinguishable_count": _number("other participants that cannot be told apart", 0),
                "tier": _text("group of entities that cannot be told apart; empty where not computed"),
                **_SYNTHETIC,
            },
        ),
        Table(
            "groups",
            "Published or computed group (level, stage) of one entity.",
            ("rating", "entity_id", "period", "source_id"),
            {
                "rating": _RATING,
                "entity_id": _text("region code"),
                "entity_name": _text("name as shown"),
                "period": _PERIOD,
                "region_iso": _REGION,
                "group": _text("group"),
                "source_id": _text("source"),
                **_SYNTHETIC,
            },
        ),
        Table(
            "transitions",
            "Movement between groups from one period to another: a count with its interval or bounds.",
            ("rating", "period_from", "period_to", "group_from", "group_to"),
            {
                "rating": _RATING,
                "period_from": _PERIOD,
                "period_to": _PERIOD,
                "group_from": _text("group in the first period"),
                "group_to": _text("group in the second period"),
                "count": _number("regions; missing where only bounds exist", 0),
                "share": _number("share of the row, 0–1", 0, 1),
                "low": _number("lower end: interval of the share, or bound of the count"),
                "high": _number("upper end"),
                "interval_kind": _KIND,
                "note": _text("what must be said beside the figure"),
                **_SYNTHETIC,
            },
        ),
        Table(
            "targets",
            "A target, the pace it needs, the pace observed, and what may be said.",
            ("target_id", "entity_id"),
            {
                "target_id": _text("target, as in data/reference/targets.csv"),
                "entity_id": _text("region code, or RU"),
                "indicator": _text("indicator"),
                "target_value": _number("target, in the unit of the indicator"),
                "target_year": _count("year"),
                "current_value": _number("latest value"),
                "current_period": _PERIOD,
                "required_pace": _number("pace needed per year, in `pace_unit`"),
                "observed_pace": _number("pace observed per year, in `pace_unit`"),
                "observed_low": _number("lower end of the observed pace"),
                "observed_high": _number("upper end of the observed pace"),
                "pace_unit": _text("unit of pace: logit or count per year"),
                "verdict": _text("verdict", "reachable", "behind", "cannot_tell"),
                "why": _text("the verdict in one sentence"),
                **_SYNTHETIC,
            },
        ),
        Table(
            "service_panel",
            "One service of one region in one month.",
            ("region_iso", "service_id", "month"),
            {
                "region_iso": _REGION_KEY,
                "service_id": _text("service code, text"),
                "month": _MONTH,
                "service_name": _text("service"),
                "agency": _text("body that provides it"),
                "level": _text("level", "federal", "regional", ""),
                "life_situation": _text("life situation it belongs to; empty for none"),
                "grade": _text("grade in the month; empty where not graded", "А", "Б+", "Б", "В", "Г", ""),
                "pre_grade": _text("grade at the audit", "А", "Б+", "Б", "В", "Г", ""),
                "audit_month": _text("first month of the audit window; empty for none", pattern=r"\d{4}-\d{2}"),
                "is_audit_window": _flag("whether the month belongs to the audit window"),
                "optimised_month": _text("first month after optimisation; empty = not optimised", pattern=r"\d{4}-\d{2}"),
                "applications": _number("applications received", 0),
                "median_days": _number("median processing time, in `day_unit`", 0),
                "day_unit": _text("unit of the days; working and calendar days are never mixed", *DAY_UNITS),
                "q25_days": _number("lower quartile of processing time", 0),
                "q75_days": _number("upper quartile of processing time", 0),
                "statutory_days": _number("statutory term, in `day_unit`", 0),
                "in_term_share": _number("share finished within the statutory term, 0–1", 0, 1),
                "open_count": _number("applications still open at the end (right-censored)", 0),
                "documents": _number("required documents per application", 0),
                "visits": _number("in-person visits, all applications together", 0),
                "online_share": _number("share filed online, 0–1", 0, 1),
                "refusal_share": _number("share refused, 0–1", 0, 1),
                **_SYNTHETIC,
            },
        ),
        Table(
            "life_situations",
            "One document of one service of one life situation in one region: what the situation is made of.",
            ("region_iso", "situation_id", "service_id", "document_id"),
            {
                "region_iso": _REGION_KEY,
                "situation_id": _text("life situation, code"),
                "service_id": _text("service code, as in service_panel"),
                "document_id": _text("document code; empty where only the number of documents is known"),
                "situation": _text("life situation"),
                "service_name": _text("service"),
                "document": _text("document"),
                "is_abolished": _flag("no longer asked for once the situation is launched"),
                "launched": _text("first month in which the situation is served as one in this region; empty = not yet", pattern=r"\d{4}-\d{2}"),
                "step": _number("step in which the service is asked for, equal steps side by side; missing = order not known", 0),
                "bundle_service": _text("service code under which the merged service is measured after the launch; empty for none"),
                "is_complete": _flag("false where a row of this situation and region was refused: it has no totals"),
                **_SYNTHETIC,
            },
        ),
        Table(
            "effects",
            "One estimate of one estimand; contrasts are marked as not an effect.",
            ("outcome", "estimator", "estimand", "group"),
            {
                "outcome": _text("outcome"),
                "estimator": _text("estimator"),
                "estimand": _text("estimand, docs/methods.md"),
                "group": _text("subgroup; all for none"),
                "estimate": _number("estimate, in `unit`"),
                "std_error": _number("standard error", 0),
                "ci_low": _number("lower end of the 95 % interval"),
                "ci_high": _number("upper end of the 95 % interval"),
                "unit": _text("unit"),
                "df": _number("degrees of freedom of t", 0),
                "n_obs": _count("service-months; months of situations for outcomes situation_…"),
                "n_services": _count("optimised services; launched situations, each region counted, for outcomes situation_…"),
                "n_clusters": _count("regions"),
                "p_value": _number("two-sided p value", 0, 1),
                "is_contrast": _flag("true = not an effect, shown for contrast"),
                **_SYNTHETIC,
            },
        ),
        Table(
            "event_study",
            "Estimate at one event time, months since optimisation.",
            ("outcome", "estimator", "event_time"),
            {
                "outcome": _text("outcome"),
                "estimator": _text("estimator"),
                "event_time": Column("int", "months since optimisation, negative before"),
                "estimate": _number("estimate, in `unit`"),
                "std_error": _number("standard error", 0),
                "ci_low": _number("lower end, pointwise 95 %"),
                "ci_high": _number("upper end, pointwise 95 %"),
                "simultaneous_low": _number("lower end, simultaneous 95 %"),
                "simultaneous_high": _number("upper end, simultaneous 95 %"),
                "n": _count("service-months"),
                "unit": _text("unit"),
                **_SYNTHETIC,
            },
        ),
        Table(
            "region_effects",
            "Effect in one region, raw and partially pooled.",
            ("region_iso", "outcome"),
            {
                "region_iso": _REGION_KEY,
                "outcome": _text("outcome"),
                "raw": _number("raw estimate; missing where suppressed"),
                "raw_se": _number("its standard error", 0),
                "shrunk": _number("partially pooled estimate"),
                "ci_low": _number("lower end of the robust 95 % interval"),
                "ci_high": _number("upper end of the robust 95 % interval"),
                "n_services_optimised": _count("optimised services"),
                "n_services": _count("services"),
                "mde": _number("minimum detectable effect at 80 % power", 0),
                "is_suppressed": _flag("raw estimate withheld: fewer than 5 optimised services"),
                "unit": _text("unit"),
                **_SYNTHETIC,
            },
        ),
        Table(
            "rtm",
            "Naive before/after change split into common trend, regression to the mean and effect.",
            ("outcome", "group"),
            {
                "outcome": _text("outcome"),
                "group": _text("baseline: audit or all months; or a region code"),
                "naive": _number("naive change, in `unit`"),
                "naive_se": _number("its standard error", 0),
                "trend": _number("common trend and season"),
                "trend_se": _number("its standard error", 0),
                "regression_to_mean": _number("regression to the mean"),
                "regression_to_mean_se": _number("its standard error", 0),
                "effect": _number("estimate of the effect"),
                "effect_se": _number("its standard error", 0),
                "unit": _text("unit"),
                "n_services": _count("optimised services"),
                **_SYNTHETIC,
            },
        ),
        Table(
            "next_services",
            "A service not yet optimised, with the gain to expect.",
            ("region_iso", "service_id", "outcome"),
            {
                "region_iso": _REGION_KEY,
                "service_id": _text("service code"),
                "outcome": _text("outcome"),
                "service_name": _text("service"),
                "agency": _text("body"),
                "grade": _text("grade"),
                "level_now": _number("days, documents or visits now"),
                "applications_year": _number("applications a year", 0),
                "expected_gain": _number("gain a year, in `unit`"),
                "gain_low": _number("lower end of the 95 % interval"),
                "gain_high": _number("upper end of the 95 % interval"),
                "unit": _text("unit of the gain"),
                "position": _count("place in the region's list, 1 = largest expected gain"),
                "reason": _text("code of the main reason: share, level or effect"),
                **_SYNTHETIC,
            },
        ),
        Table(
            "diagnostics",
            "One check of one outcome's design.",
            ("outcome", "check"),
            {
                "outcome": _text("outcome"),
                "check": _text("check"),
                "statistic": _number("statistic"),
                "p_value": _number("p value", 0, 1),
                "reading": _text("what it says, in one sentence"),
                "passed": _flag("whether the design check is passed"),
                **_SYNTHETIC,
            },
        ),
        Table(
            "situation_totals",
            "One life situation in one region before and after its launch: a description, not an effect.",
            ("region_iso", "situation_id"),
            {
                "region_iso": _REGION_KEY,
                "situation_id": _text("life situation, code"),
                "situation": _text("life situation"),
                "n_services": _count("services"),
                "launched": _text("month of the launch; empty = not yet", pattern=r"\d{4}-\d{2}"),
                "documents_kind": _text("codes: documents are counted by code; counts: only their numbers are known, so bounds; empty without totals", "codes", "counts", ""),
                "asked_before": _number("documents asked by all services together, each asking anew", 0),
                "distinct_before": _number("distinct documents before; missing where only counts are known", 0),
                "distinct_after": _number("distinct documents once launched, abolished ones gone", 0),
                "duplicates": _number("documents asked more than once before", 0),
                "abolished": _number("documents no longer asked for", 0),
                "documents_low": _number("lower bound of the distinct documents before", 0),
                "documents_high": _number("upper bound of the distinct documents before", 0),
                "day_unit": _text("unit of the days; empty where the services are measured in different ones", *DAY_UNITS, ""),
                **{
                    f"{name}_{when}": _number(f"{about} in the months {when} the launch: mean, {unit}", 0)
                    for name, about, unit in (
                        ("days_low", "total time with all services side by side", "in `day_unit`"),
                        ("days_high", "total time with one service after another", "in `day_unit`"),
                        ("days", "total time along the known order, or as measured", "in `day_unit`"),
                        ("visits", "in-person visits of one applicant", "visits"),
                    )
                    for when in ("before", "after")
                },
                "n_before": _count("months before the launch with all services"),
                "n_after": _count("months since the launch with all services"),
                "n_missing": _count("months without totals: a service has none"),
                "n_own": _count("months left out of the estimate: a service was optimised on its own"),
                "in_estimate": _flag("whether the situation of this region enters the estimate of what its launch changed"),
                "why": _text("why it does not; empty if it does"),
                **_SYNTHETIC,
            },
        ),
        Table(
            "earlier_issue",
            "What the latest release of an earlier period said of one region; empty text = the country.",
            ("region_iso",),
            {
                "region_iso": _REGION_KEY,
                "period": _PERIOD,
                "edition": _text("edition of that release", "preliminary", "final"),
                "index": _number("index then, %; missing where none was known"),
                "index_low": _number("lower end of its interval, %"),
                "index_high": _number("upper end of its interval, %"),
                "interval_kind": _text("what the interval means", *INTERVAL_KINDS),
                "n_values": _count("values used"),
                "n_sources": _count("sources named"),
                "data_version": _text("version of the data of that release, 12 characters"),
                **_SYNTHETIC,
            },
        ),
    )
}  # fmt: skip


def _pandera_column(column: Column) -> pa.Column:
    checks = []
    if column.values:
        checks.append(pa.Check.isin(column.values, error=f"one of: {', '.join(v or '(empty)' for v in column.values)}"))
    if column.low is not None:
        checks.append(pa.Check.ge(column.low, error=f"at least {column.low:g}"))
    if column.high is not None:
        checks.append(pa.Check.le(column.high, error=f"at most {column.high:g}"))
    if column.pattern:
        checks.append(pa.Check.str_matches(rf"^(?:{column.pattern}|)$", error=f"text of the form {column.pattern}"))
    return pa.Column(column.dtype, checks=checks, nullable=column.nullable, description=column.about)


def schema(name: str) -> pa.DataFrameSchema:
    """Pandera schema of a table: all columns present and in order, types, ranges, unique key.

    Raises
    ------
    KeyError
        If no such table is declared.
    """
    table = TABLES[name]
    return pa.DataFrameSchema(
        {column: _pandera_column(spec) for column, spec in table.columns.items()},
        unique=list(table.key),
        strict=True,
        name=name,
    )


SCHEMAS: dict[str, pa.DataFrameSchema] = {name: schema(name) for name in TABLES}
KEYS: dict[str, tuple[str, ...]] = {name: table.key for name, table in TABLES.items()}
