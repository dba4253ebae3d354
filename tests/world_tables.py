"""Contract tables of a small invented world (six regions of one district and two others, two periods), for results."""

import numpy as np
import pandas as pd

from helpers import paths
from helpers.presentation.results.values import months_of
from helpers.tables import schemas, store

REGIONS = (
    "RU-CHE",
    "RU-KGN",
    "RU-SVE",
    "RU-TYU",
    "RU-KHM",
    "RU-YAN",
    "RU-ORL",
    "RU-VLA",
    "RU-MOW",
    "RU-KAM",
    "RU-SAK",
    "RU-AD",
)
PERIODS = ("2024-H1", "2025-H1")
URAL = "Уральский федеральный округ"
HOSTILE = '<script>alert(1)</script> =1+1 *x* $y$ "q"'


def frame(name, rows):
    """Rows completed to the columns of a contract table."""
    kinds = {column: spec.dtype for column, spec in schemas.TABLES[name].columns.items()}
    blank = {"str": "", "bool": False, "float": np.nan, "int": 0}
    full = [{column: row.get(column, blank[kind]) for column, kind in kinds.items()} for row in rows]
    table = pd.DataFrame(full, columns=list(kinds))
    return store.conform(name, table.assign(is_synthetic=True) if "is_synthetic" in kinds else table)


def score_row(
    entity_id,
    period,
    value,
    level="region",
    group="total",
    rating="b_region_index",
    half=3.2,
    change=None,
    name="",
    n=20,
):
    kind = {"region": "region", "district": "federal_district", "country": "country", "body": "regional_agency"}[level]
    comparable = change is not None
    return {
        "rating": rating, "entity_type": kind, "entity_id": entity_id, "entity_name": name or entity_id, "period": period, "level": level, "group": group,
        "method": "equal_body", "region_iso": entity_id if level == "region" else "RU-CHE" if level == "body" else "", "score": value, "score_low": value - half,
        "score_high": value + half, "interval_kind": "sampling_95", "std_error": half / 1.96, "n_items": n, "score_change": change if comparable else np.nan,
        "change_low": change - 2.1 if comparable else np.nan, "change_high": change + 2.1 if comparable else np.nan, "is_comparable": comparable,
        "effective_weight": 1.0, "unit": "percent",
    }  # fmt: skip


def scores():
    rows = []
    for number, code in enumerate(REGIONS):
        value = 62.0 - 2.5 * number
        rows.append(score_row(code, "2024-H1", value - 2.4))
        rows.append(score_row(code, "2025-H1", value, change=2.4 if number != 3 else -0.1))
    for period in PERIODS:
        rows.append(score_row(URAL, period, 55.8, "district", half=1.5))
        rows.append(
            score_row(
                "RU", period, 48.3, "country", half=1.0, change=0.4 if period == "2025-H1" else None, name="Россия"
            )
        )
    rows += [
        score_row("RU-CHE", "2025-H1", 80.0, group="process Информирование", rating="b_region_process"),
        score_row("RU-CHE", "2025-H1", 40.0, group="process Отчётность", rating="b_region_process"),
        score_row(URAL, "2025-H1", 60.0, "district", "process Информирование", "b_region_process"),
        score_row(URAL, "2025-H1", 60.0, "district", "process Отчётность", "b_region_process"),
        score_row(f"{HOSTILE} Министерство", "2025-H1", 63.0, "body", rating="b_region_process", n=12),
        score_row("Архивный комитет", "2025-H1", 41.0, "body", rating="b_region_process", n=3),
    ]
    return frame("scores", rows)


def ranks():
    rows = [
        {
            "rating": "b_region_index", "entity_id": code, "entity_name": code, "period": "2025-H1", "indicator": "index", "region_iso": code, "value": 62.0 - 2.5 * number,
            "rank": number + 1, "rank_low": max(1, number), "rank_high": number + 2, "rank_ci_low": max(1, number - 1), "rank_ci_high": min(12, number + 3),
            "interval_kind": "sampling_95", "units_ranked": 12, "indistinguishable_count": 4, "tier": "A",
        }
        for number, code in enumerate(REGIONS)
    ]  # fmt: skip
    return frame("ranks", rows)


def panel(code="RU-CHE", services=24):
    months = [f"{year}-{month:02d}" for year in (2024, 2025) for month in range(1, 13)][:18]
    rows = []
    for s in range(services):
        start = "2025-01" if s < 10 else ""
        for month in months:
            done = bool(start) and month >= start
            rows.append({
                "region_iso": code, "service_id": f"S{s}", "month": month, "service_name": f"Услуга {s}", "agency": "Орган", "level": "regional", "grade": "В", "pre_grade": "В",
                "optimised_month": start, "applications": 100.0, "median_days": 10.0 + s - 3.0 * done + (0.5 if month >= "2025-01" and s > 14 else 0), "day_unit": "working_day",
                "documents": 4.0, "visits": 10.0,
            })  # fmt: skip
    return frame("service_panel", rows)


def effects():
    rows = []
    for outcome, value in (("log_days", -0.2), ("documents", -0.31), ("visits", 0.02)):
        rows.append(
            {
                "outcome": outcome,
                "estimator": "imputation",
                "estimand": "att",
                "group": "all",
                "estimate": value,
                "std_error": 0.03,
                "ci_low": value - 0.06,
                "ci_high": value + 0.06,
                "unit": "log_point",
                "n_services": 37,
                "n_clusters": 12,
                "n_obs": 900,
            }
        )
        rows.append(
            {
                "outcome": outcome,
                "estimator": "twfe",
                "estimand": "att",
                "group": "all",
                "estimate": 9.0,
                "is_contrast": True,
                "unit": "log_point",
            }
        )
    return frame("effects", rows)


def tables(empty_panel=False):
    """All tables of the world with their references."""
    found = {
        "scores": scores(),
        "ranks": ranks(),
        "service_panel": store.empty("service_panel") if empty_panel else panel(),
        "effects": effects(),
        "rtm": frame("rtm", [{"outcome": "log_days", "group": "all", "naive": -0.35, "naive_se": 0.02, "trend": -0.07, "trend_se": 0.01, "regression_to_mean": -0.08, "regression_to_mean_se": 0.02, "effect": -0.2, "effect_se": 0.03, "unit": "log_point", "n_services": 37}]),
        "diagnostics": frame("diagnostics", [{"outcome": "log_days", "check": "pretrend", "statistic": 1.2, "p_value": 0.6, "reading": "no gap", "passed": True}]),
        "event_study": frame("event_study", [{"outcome": "log_days", "estimator": "imputation", "event_time": t, "estimate": -0.03 * max(t, 0), "std_error": 0.02, "ci_low": -0.03 * max(t, 0) - 0.04, "ci_high": -0.03 * max(t, 0) + 0.04, "simultaneous_low": -0.3, "simultaneous_high": 0.1, "n": 37, "unit": "log_point"} for t in range(-4, 6)]),
        "region_effects": frame("region_effects", [
            {"region_iso": "RU-CHE", "outcome": "log_days", "raw": -0.25, "raw_se": 0.1, "shrunk": -0.22, "ci_low": -0.35, "ci_high": -0.09, "n_services_optimised": 10, "n_services": 24, "unit": "log_point"},
            {"region_iso": "RU-KGN", "outcome": "log_days", "shrunk": -0.2, "ci_low": -0.5, "ci_high": 0.1, "n_services_optimised": 3, "n_services": 20, "is_suppressed": True, "unit": "log_point"},
        ]),
        "next_services": frame("next_services", [
            {"region_iso": "RU-CHE", "service_id": f"S{s}", "outcome": "log_days", "service_name": f"{HOSTILE} {s}", "agency": HOSTILE, "grade": "Г", "level_now": 20.0, "applications_year": 1200.0, "expected_gain": 5000.0 - s, "gain_low": 1000.0, "gain_high": 9000.0, "unit": "working_day", "position": s - 11, "reason": ("share", "level", "effect")[s % 3]}
            for s in range(12, 24)
        ]),
        "targets": frame("targets", [{"target_id": "electronic_2030", "entity_id": "RU", "indicator": "mass_services_electronic", "target_value": 99.0, "target_year": 2030, "current_value": 91.0, "current_period": "2025-H1", "required_pace": 0.4, "observed_pace": 0.2, "observed_low": 0.1, "observed_high": 0.3, "pace_unit": "logit_per_year", "verdict": "behind", "why": ""}]),
        "groups": frame("groups", [{"rating": "c_mfc", "entity_id": code, "entity_name": code, "period": period, "region_iso": code, "group": "высокий" if (i + j) % 2 else "средний", "source_id": "DEMO1"} for i, code in enumerate(REGIONS) for j, period in enumerate(("2025-Q1", "2025-Q2"))]),
        "observations": frame("observations", [{"rating": "b_region_process", "entity_id": code, "period": "2025-H1", "indicator": f"q{i}", "source_id": "demo_answers", "entity_type": "region", "entity_name": code, "region_iso": code, "value": 1.0, "value_low": 1.0, "value_high": 1.0, "unit": "points", "cmp": "=", "observation_id": f"o{i}{code}", "row": i} for code in REGIONS for i in range(4)]),
        "quality": frame("quality", [{"source_id": "demo_answers", "region_iso": "RU-CHE", "rating": "b_region_process", "indicator": "q0", "n_accepted": 26, "n_rejected": 2, "n_expected": 28, "coverage": 26 / 28}]),
        "rejects": frame("rejects", [{"source_id": "demo_answers", "file": "demo/a.xlsx", "row": 3, "col": 2, "reason": reason, "raw": "=1+1", "region_iso": "RU-CHE"} for reason in ("duplicate_exact", "not_a_number")]),
        "claims": frame("claims", [
            {"claim_id": "c21", "source_id": "SEED2", "claim_text": "47 + 22 + 5 of 85", "relation": "sum_equals", "fact_ids": "F047 F048 F049", "strength": "never", "verdict": "inconsistent", "why": "74 against 85", "region_iso": "RU-CHE"},
        ]),
    }  # fmt: skip
    for name in ("regions", "series_breaks", "tile_classes", "targets", "claims"):
        found[f"reference_{name}"] = store.reference(name)
    found["reference_sources"] = pd.DataFrame(
        [
            {
                "source_id": "demo_answers",
                "publisher": "Проект",
                "title": "Анкеты",
                "published_date": "2026-01-15",
                "address": "",
                "sha256": "0123456789abcdef",
            }
        ]
    )
    return found


def same_months():
    """Months of the release period, for checks by hand."""
    return months_of("2025-H1")


def facts_file():
    """The registered file of published figures."""
    return paths.raw() / "published" / "published_facts.csv"
