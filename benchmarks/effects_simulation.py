"""Bias, RMSE, coverage and size of every estimator of effects on panels with known truth.

    python benchmarks/effects_simulation.py --seeds 200 --size-seeds 1000 --store results.csv

Every line of the store is one scenario × seed × estimator, so a run can be interrupted, continued, and printed at any
time with ``--print-only``. Prints the tables of docs/methods.md; takes about 1.5 CPU seconds a seed and scenario.
"""

import argparse
import csv
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.analysis.effects import (
    BeforeAfter,
    CallawaySantAnna,
    EffectsError,
    Imputation,
    Panel,
    PoissonImputation,
    TwoWayFE,
)
from helpers.synthetic import simulate

ROLES = {
    "unit": "service_id",
    "time": "month",
    "cohort": "optimised_month",
    "cluster": "region_iso",
    "strata": "pre_grade",
    "audit": "is_audit_window",
    "exposure": "applications",
}
SCENARIOS: dict[str, tuple[str, dict[str, int]]] = {
    "baseline": ("baseline", {}),
    "cohort_heterogeneity": ("cohort_heterogeneity", {}),
    "missing_months": ("missing_months", {}),
    "10_regions": ("baseline", {"n_regions": 10}),
    "6_regions": ("few_regions", {}),
    "rtm_common_audit": ("rtm_common_audit", {}),
    "rtm_wave_audit": ("rtm_wave_audit", {}),
    "anticipation": ("anticipation", {}),
    "trend_violation": ("trend_violation", {}),
    "no_effect": ("no_effect", {}),
    "no_effect_rtm": ("no_effect_rtm", {}),
    "no_effect_rtm_wave": ("no_effect_rtm_wave", {}),
}
NO_EFFECT = ("no_effect", "no_effect_rtm", "no_effect_rtm_wave")
FEW_REGIONS = ("10_regions", "6_regions")
DEFAULT = "imputation, default"
ONLY = {
    # where these variants differ from their neighbours at all
    "static TWFE, CRV1": FEW_REGIONS,
    "imputation, default, analytic se": FEW_REGIONS,
    "imputation, default, anticipation 2": ("baseline", "anticipation"),
}
FIELDS = [
    "scenario",
    "seed",
    "estimator",
    "truth",
    "truth_population",
    "estimate",
    "se",
    "low",
    "high",
    "kept",
    "extra",
]

Fit = Callable[[Panel], object]


def estimators() -> dict[str, tuple[str, Fit]]:
    """Outcome and estimator by printed name, the contrasts first."""
    plain = {"effects": "month", "fallback": ()}
    grade = {"effects": "month:strata", "fallback": ()}
    days: dict[str, object] = {
        "before/after, all months": BeforeAfter(),
        "audit window against last 3 months": BeforeAfter("audit", last=3),
        "static TWFE, CRV3": TwoWayFE(),
        "static TWFE, CRV1": TwoWayFE("crv1"),
        "imputation, month": Imputation(**plain, drop_audit=False),
        "imputation, month, audit dropped": Imputation(**plain),
        "imputation, month x grade": Imputation(**grade, drop_audit=False),
        "imputation, month x grade, audit dropped": Imputation(**grade),
        DEFAULT: Imputation(),
        "imputation, default, audit kept": Imputation(drop_audit=False),
        "imputation, default, anticipation 2": Imputation(anticipation=2),
        "imputation, default, analytic se": Imputation(vcov="analytic"),
    }
    found: dict[str, tuple[str, Fit]] = {
        name: ("log_days", lambda panel, one=one: one.fit(panel, "log_days")) for name, one in days.items()
    }
    for name, base in (("base g-1", "g-1"), ("base before the audit", "before_audit")):
        spec = CallawaySantAnna(base=base)
        found[f"Callaway-Sant'Anna, {name}"] = (
            "log_days",
            lambda panel, spec=spec: spec.fit(panel, "log_days").aggregate("simple"),
        )
    found["Poisson imputation, documents"] = ("documents", lambda p: PoissonImputation().fit(p, "documents"))
    found["Poisson imputation, visits"] = (
        "visits",
        lambda p: PoissonImputation(exposure="applications").fit(p, "visits"),
    )
    found["imputation of log(1 + documents)"] = ("documents", lambda p: Imputation().fit(p, "log1p_documents"))
    found["imputation, share in term"] = ("in_term_share", lambda p: Imputation().fit(p, "in_term_share"))
    return found


def truths(truth: simulate.SimulatedTruth, outcome: str) -> tuple[float, float]:
    """Effect in this sample and in the population of regions, in the unit of the estimate."""
    if outcome == "log_days":
        return truth.att, truth.att_population
    if outcome == "in_term_share":
        return truth.att_share["in_term_share"] / 100, float("nan")
    percent, population = truth.att_percent[outcome], truth.att_percent_population[outcome]
    return float(np.log1p(percent / 100)), float(np.log1p(population / 100))


def one_panel(scenario: str, seed: int, chosen: list[str]) -> Iterator[list[object]]:
    """Lines of the store for one panel."""
    base, changes = SCENARIOS[scenario]
    drawn = simulate.panel(base, seed, **changes)
    frame = drawn.frame.assign(log1p_documents=np.log1p(drawn.frame["documents"]))
    panel = Panel(frame, **ROLES)
    table = estimators()
    for name in chosen:
        outcome, fit = table[name]
        truth, population = truths(drawn.truth, outcome)
        try:
            result = fit(panel)
        except EffectsError:
            continue
        estimate = getattr(result, "att")  # noqa: B009
        low, high = result.conf_int()  # type: ignore[attr-defined]
        kept = getattr(result, "kept", 1.0)
        yield [scenario, seed, name, truth, population, estimate, getattr(result, "se"), low, high, kept]  # noqa: B009


def run(store: Path, seeds: int, size_seeds: int, scenarios: list[str]) -> None:
    """Add to the store whatever is missing in it."""
    done = set()
    if store.exists():
        past = pd.read_csv(store, usecols=["scenario", "seed", "estimator"])
        done = set(past[past["estimator"] == DEFAULT][["scenario", "seed"]].itertuples(index=False, name=None))
    everything = list(estimators())
    with store.open("a", newline="") as handle:
        writer = csv.writer(handle)
        if handle.tell() == 0:
            writer.writerow(FIELDS)
        for seed in range(1, max(seeds, size_seeds) + 1):
            for scenario in scenarios:
                limit = size_seeds if scenario in NO_EFFECT + FEW_REGIONS else seeds
                if seed > limit or (scenario, seed) in done:
                    continue
                chosen = [name for name in everything if scenario in ONLY.get(name, (scenario,))]
                writer.writerows(one_panel(scenario, seed, chosen if seed <= seeds else [DEFAULT]))
                handle.flush()


def table(store: Path) -> pd.DataFrame:
    """One line a scenario and estimator: bias, its Monte Carlo error, RMSE, coverages, rejections."""
    lines = pd.read_csv(store).drop_duplicates(["scenario", "seed", "estimator"], keep="last")
    error = lines["estimate"] - lines["truth"]
    lines = lines.assign(
        error=error,
        square=error**2,
        sample=(lines["low"] <= lines["truth"]) & (lines["truth"] <= lines["high"]),
        population=(lines["low"] <= lines["truth_population"]) & (lines["truth_population"] <= lines["high"]),
        rejects=(lines["low"] > 0) | (lines["high"] < 0),
    )
    groups = lines.groupby(["scenario", "estimator"], sort=False)
    out = groups.agg(
        seeds=("seed", "size"),
        bias=("error", "mean"),
        mc_error=("error", lambda x: x.std() / np.sqrt(len(x))),
        rmse=("square", lambda x: np.sqrt(x.mean())),
        mean_se=("se", "mean"),
        coverage_sample=("sample", "mean"),
        coverage_population=("population", "mean"),
        rejects=("rejects", "mean"),
        kept=("kept", "mean"),
    ).reset_index()
    out.loc[out["estimator"].str.contains("share"), "coverage_population"] = np.nan
    return out


def wide(results: pd.DataFrame) -> pd.DataFrame:
    """Bias / coverage of the sample effect, estimators down, scenarios across; rejections for no effect."""
    text = results.apply(_cell, axis=1)
    order = list(estimators())
    pivot = results.assign(text=text).pivot_table(index="estimator", columns="scenario", values="text", aggfunc="first")
    return pivot.reindex(index=[n for n in order if n in pivot.index], columns=[s for s in SCENARIOS if s in pivot])


def _cell(line: pd.Series) -> str:
    if line["scenario"] in NO_EFFECT:
        return f"{line['rejects']:.3f}"
    kept = "" if line["kept"] > 0.9 else f" (kept {line['kept']:.0%})"
    return f"{line['bias']:+.3f} / {line['coverage_sample']:.2f}{kept}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--size-seeds", type=int, default=1000, help="seeds of the default where cheap or sized")
    parser.add_argument("--store", type=Path, default=Path("effects_simulation.csv"))
    parser.add_argument("--scenarios", nargs="*", default=list(SCENARIOS))
    parser.add_argument("--print-only", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    started = time.process_time()
    if not options.print_only:
        run(options.store, options.seeds, options.size_seeds, options.scenarios)
        print(f"{time.process_time() - started:.0f} CPU seconds")
    pd.set_option("display.width", 250, "display.max_columns", 30, "display.max_rows", 500)
    results = table(options.store)
    print("\nBias / coverage of the sample effect; share of rejections where there is no effect")
    print(wide(results).to_markdown() if _has_tabulate() else wide(results).to_string())
    print("\nAll numbers")
    print(results.round(4).to_string(index=False))


def _has_tabulate() -> bool:
    try:
        import tabulate  # noqa: F401
    except ImportError:
        return False
    return True


if __name__ == "__main__":
    main()
