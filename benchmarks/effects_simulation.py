"""Bias, RMSE, coverage and size of every estimator of effects on panels with known truth.

    python benchmarks/effects_simulation.py --seeds 200 --size-seeds 1000 --store results.csv

Every line of the store is one scenario × seed × estimator, so a run can be interrupted, continued, and printed at any
time with ``--print-only``. Prints the tables of docs/methods.md; takes about 1.5 CPU seconds a seed and scenario.
"""

import argparse
import csv
import re
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
HEADING = "## Estimators of effects on panels with known truth"
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


def table(stores: list[Path]) -> pd.DataFrame:
    """One line a scenario and estimator: bias, its Monte Carlo error, RMSE, coverages, rejections."""
    lines = pd.concat([pd.read_csv(store) for store in stores if store.exists()])
    lines = lines.drop_duplicates(["scenario", "seed", "estimator"], keep="last")
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


def markdown(frame: pd.DataFrame) -> str:
    """Markdown table; no further package needed."""
    head = [str(column) for column in frame.columns]
    rows = [["" if pd.isna(value) else str(value) for value in row] for row in frame.itertuples(index=False)]
    lines = ["| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows]]
    return "\n".join(lines)


def section(results: pd.DataFrame) -> str:
    """What goes into the README: the wide table, and the default in figures."""
    seeds = results.groupby("scenario")["seeds"].max()
    few = results[results["estimator"] != DEFAULT].groupby("scenario")["seeds"].max()
    default = results[results["estimator"] == DEFAULT].drop(columns=["estimator"]).round(4)
    default = default.set_index("scenario").reindex([s for s in SCENARIOS if s in seeds.index]).reset_index()
    return (
        f"{HEADING}\n\n"
        f"`benchmarks/effects_simulation.py`, at least {few.min()} seeds a scenario. Bias in log points (share "
        "in term: shares) / coverage of the 95 % interval for the effect in the sample; without effect the share of "
        "rejections at 5 %.\n\n"
        f"{markdown(wide(results).reset_index())}\n\n"
        "The recommended estimator in figures; `coverage_population`: effect in the population of regions.\n\n"
        f"{markdown(default)}\n"
    )


def append(path: Path, text: str) -> None:
    """Put the section into the README of the benchmarks, in place of an earlier one."""
    old = path.read_text(encoding="utf-8") if path.exists() else "# Benchmarks\n"
    found = re.compile(re.escape(HEADING) + r"\n.*?(?=\n## |\Z)", re.DOTALL)
    new = found.sub(lambda _: text.rstrip() + "\n", old) if found.search(old) else old.rstrip() + "\n\n" + text
    path.write_text(new.rstrip() + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--size-seeds", type=int, default=1000, help="seeds of the default where cheap or sized")
    parser.add_argument("--store", type=Path, default=Path("effects_simulation.csv"))
    parser.add_argument("--merge", type=Path, nargs="*", default=[], help="further stores to print with it")
    parser.add_argument("--scenarios", nargs="*", default=list(SCENARIOS))
    parser.add_argument("--print-only", action="store_true")
    parser.add_argument("--append", action="store_true", help="put the tables into benchmarks/README.md")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    started = time.process_time()
    if not options.print_only:
        run(options.store, options.seeds, options.size_seeds, options.scenarios)
        print(f"{time.process_time() - started:.0f} CPU seconds")
    results = table([options.store, *options.merge])
    print(section(results))
    print(results.round(4).to_string(index=False))
    if options.append:
        append(Path(__file__).resolve().parent / "README.md", section(results))


if __name__ == "__main__":
    main()
