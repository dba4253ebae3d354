"""Secondary estimators and tests of the effects, on panels with known truth: bias, coverage, size and power.

    python benchmarks/effects_checks.py --seeds 200 --store checks.csv --append

The panels are smaller than those of ``effects_simulation.py`` where an estimator is dear, or is asked about few
regions; the table says how large. Seeds start at 20,001: no panel here has been looked at while anything was chosen.
Every line of the store is one panel × quantity, so a run may be interrupted, continued, and printed at any time.
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
from effects_simulation import ROLES, markdown

from helpers.analysis.effects import (
    CallawaySantAnna,
    CensoredHazard,
    CensoredLogNormal,
    EffectsError,
    Imputation,
    OrderedEffect,
    Panel,
    TwoWayFE,
)
from helpers.analysis.effects.censored_checks import censored_checks
from helpers.synthetic import simulate

HEADING = "## Secondary estimators and tests on panels with known truth"
FIRST_SEED = 20_001
FIELDS = ["study", "world", "seed", "quantity", "truth", "estimate", "low", "high", "p"]
NAN = float("nan")
PERMUTATIONS = 99
CONSTANT = -0.3
"""Effect on log time where it is the same for all: one coefficient then has a truth."""
RATIO = 0.35
"""Effect on the log hazard in a world of proportional hazards."""

Line = tuple[str, float, float, float, float, float]
"""Quantity, truth, estimate, low, high, p value."""


def line(name: str, truth: float, fit: object) -> Line:
    """A fit with an interval."""
    low, high = fit.conf_int()  # type: ignore[attr-defined]
    p = getattr(fit, "p_value", NAN)
    return name, truth, getattr(fit, "att"), low, high, p  # noqa: B009


def test_line(name: str, p: float) -> Line:
    """A test of nothing but a p value."""
    return name, NAN, NAN, NAN, NAN, p


def drawn(world: str, seed: int, regions: int, **changes: object) -> tuple[simulate.SimulatedPanel, Panel]:
    """A panel, simulated and coded."""
    found = simulate.panel(world, seed, n_regions=regions, **changes)
    return found, Panel(found.frame, **ROLES)


# ------------------------------------------------------------------ studies


def ordered(world: str, seed: int, regions: int) -> Iterator[Line]:
    """Ordered logit beside imputation of the indicator: share of the worst grade and of the two best, in points."""
    found, panel = drawn(world, seed, regions)
    table = OrderedEffect(panel, "grade").fit().distribution.set_index("grade")
    share = found.truth.att_share
    for grade, truth in (("Г", -share["grade_ge_В"]), ("А", share["grade_ge_А"])):
        row = 100 * table.loc[grade, ["difference", "ci_low", "ci_high"]]
        yield f"ordered logit: share of grade {grade}, points", truth, *map(float, row), NAN
    worst = found.frame.assign(worst=100.0 * (found.frame["grade"] == "Г"))
    fit = Imputation().fit(Panel(worst, **ROLES), "worst")
    yield line("imputation: share of grade Г, points", -share["grade_ge_В"], fit)


def log_normal(world: str, seed: int, regions: int) -> Iterator[Line]:
    """Censored regression with grade × cohort and grade × month dummies, one application a service-month."""
    same = dict.fromkeys(("Г", "В", "Б", "Б+", "А"), CONSTANT)
    found, _ = drawn(world, seed, regions, effect_days=same, ramp=(1.0,), region_sd=0.0)
    frame = found.frame[~found.frame["is_audit_window"]]
    rng = np.random.default_rng(seed)
    days = np.exp(frame["log_days"] + simulate.DURATION_SPREAD * rng.standard_normal(len(frame)))
    elapsed = rng.uniform(5, 60, len(frame))
    is_open = (days > elapsed).to_numpy()
    design = _within_grades(frame)
    y = np.minimum(days, elapsed)
    for name, rows in (("all cases", np.ones(len(frame), bool)), ("finished cases only (wrong)", ~is_open)):
        used = design[rows].loc[:, design[rows].any()]  # a dummy may have open cases alone
        fit = CensoredLogNormal(y[rows], used, is_open[rows], frame["region_iso"][rows]).fit()
        row = fit.table.loc["treated"]
        truth = 0.0 if world.startswith("no_effect") else CONSTANT
        yield f"censored log-normal: {name}", truth, row.estimate, row.ci_low, row.ci_high, row.p_value


def _within_grades(frame: pd.DataFrame) -> pd.DataFrame:
    """Treatment, and dummies of grade × cohort and grade × month."""
    columns = {"treated": frame["is_treated"].to_numpy(dtype=float)}
    for grade in sorted(set(frame["pre_grade"])):
        here = (frame["pre_grade"] == grade).to_numpy()
        columns[grade] = here.astype(float)
        for name in ("cohort", "month"):
            for value in sorted(set(frame[name][here]))[1:]:
                columns[f"{grade} {name} {value}"] = (here & (frame[name] == value).to_numpy()).astype(float)
    return pd.DataFrame(columns)


def hazard(world: str, seed: int, regions: int) -> Iterator[Line]:
    """Hazards proportional by construction, 40 services, two applications a service-month."""
    found, _ = drawn(world, seed, regions)
    rng = np.random.default_rng(seed)
    chosen = rng.choice(found.frame["service_id"].unique(), 40, replace=False)
    frame = found.frame[found.frame["service_id"].isin(chosen)]
    frame = frame.loc[frame.index.repeat(2)]
    effect = 0.0 if world.startswith("no_effect") else RATIO
    level = frame.groupby("service_id")["log_days_0"].transform("mean") - 0.007 * frame["time"]
    days = rng.exponential(np.exp(level - effect * frame["is_treated"]))
    elapsed = rng.uniform(5, 60, len(frame))
    months = pd.get_dummies(frame["month"], dtype=float).iloc[:, 1:]
    design = pd.concat([frame["is_treated"].astype(float).rename("treated"), months], axis=1)
    fit = CensoredHazard(
        np.minimum(days, elapsed), design, days > elapsed, frame["service_id"], frame["region_iso"]
    ).fit()
    row = fit.table.loc["treated"]
    low, high = np.log(row.ratio_low), np.log(row.ratio_high)
    yield "hazards by service: log ratio", effect, row.estimate, low, high, row.p_value


def quarters(world: str, seed: int, regions: int) -> Iterator[Line]:
    """The checks of the study's diagnostics: regressions on quarters of the applications of 80 services."""
    found, panel = drawn(world, seed, regions)
    normal, ratio = censored_checks(panel, seed=seed)
    yield "diagnostics: log-normal", found.truth.att, normal.estimate, normal.low, normal.high, normal.p_value
    yield test_line("diagnostics: hazards", ratio.p_value)


def few(world: str, seed: int, regions: int) -> Iterator[Line]:
    """Inference of the static regression with few regions, where treatment has no effect."""
    _, panel = drawn(world, seed, regions)
    for name, vcov in (("CRV1", "crv1"), ("CRV3", "jackknife"), ("wild bootstrap", "wild")):
        yield line(f"static TWFE, {name}", 0.0, TwoWayFE(vcov).fit(panel, "log_days"))


def permutation(world: str, seed: int, regions: int) -> Iterator[Line]:
    """Dates dealt out anew, beside the jackknife on the same panels."""
    found, panel = drawn(world, seed, regions)
    fit = Imputation().fit(panel, "log_days")
    yield line("imputation, default", found.truth.att, fit)
    p = fit.permutation_test(PERMUTATIONS, seed).p_value
    yield test_line(f"permutation of dates, {PERMUTATIONS} draws", p)


def tests_of_design(world: str, seed: int, regions: int) -> Iterator[Line]:
    """Leads, placebo dates and joint bands of the default."""
    found, panel = drawn(world, seed, regions)
    fit = Imputation().fit(panel, "log_days")
    yield test_line("pre-trend test, 3 leads (2 under 20 regions)", fit.pretrend_test(3).p_value)
    early = fit.placebo(4)
    yield line("placebo 4 months early", 0.0, early)
    study = fit.event_study(leads=0)
    truth = found.truth.by_event.reindex(study["event_time"]).to_numpy()
    inside = (study["lo_simultaneous"] <= truth) & (truth <= study["hi_simultaneous"])
    # as an interval: the truth 0 lies in [0, 0] when every event time is covered
    miss = 0.0 if inside.all() else 1.0
    yield "event study: all effects inside the joint band", 0.0, NAN, miss, miss, NAN


def variants(world: str, seed: int, regions: int) -> Iterator[Line]:
    """Choices of estimators that the large table leaves out."""
    found, panel = drawn(world, seed, regions)
    treated = found.frame[found.frame["is_treated"]]
    weighted = float(np.average(treated["tau_log_days"], weights=treated["applications"]))
    fit = Imputation(weights="applications").fit(panel, "log_days")
    yield line("imputation, default, weights = applications", weighted, fit)
    specs = {
        "never treated only": CallawaySantAnna(control="never_treated"),
        "base g-1, analytic": CallawaySantAnna(base="g-1", vcov="analytic"),
        "universal base": CallawaySantAnna(base="universal"),
    }
    for name, spec in specs.items():
        yield line(f"Callaway-Sant'Anna, {name}", found.truth.att, spec.fit(panel, "log_days").aggregate("simple"))


Study = Callable[[str, int, int], Iterator[Line]]
RTM = "rtm_wave_audit"
NO_RTM_EFFECT = "no_effect_rtm_wave"
STUDIES: dict[str, tuple[Study, tuple[tuple[str, int], ...]]] = {
    "ordered": (ordered, ((RTM, 10), (NO_RTM_EFFECT, 10))),
    "log_normal": (log_normal, (("baseline", 10), ("no_effect", 10))),
    "hazard": (hazard, (("baseline", 10), ("no_effect", 10))),
    "quarters": (quarters, ((NO_RTM_EFFECT, 30),)),
    "few": (few, (("no_effect", 6), ("no_effect", 10), ("no_effect", 20))),
    "permutation": (permutation, (("no_effect", 6), (NO_RTM_EFFECT, 10))),
    "design": (tests_of_design, (("no_effect", 89), ("no_effect", 10), (RTM, 89), ("trend_violation", 89))),
    "variants": (variants, (("baseline", 89), (RTM, 89))),
}


def run(store: Path, seeds: int, studies: list[str], seconds: float) -> bool:
    """Add to the store what is missing in it; whether all is there before the seconds are over."""
    done = set()
    if store.exists():
        past = pd.read_csv(store, usecols=["study", "world", "seed"])
        done = set(past.itertuples(index=False, name=None))
    started = time.process_time()
    with store.open("a", newline="") as handle:
        writer = csv.writer(handle)
        if handle.tell() == 0:
            writer.writerow(FIELDS)
        for seed in range(FIRST_SEED, FIRST_SEED + seeds):
            for name in studies:
                study, worlds = STUDIES[name]
                for world, regions in worlds:
                    where = f"{world}, {regions} regions"
                    if (name, where, seed) in done:
                        continue
                    if time.process_time() - started > seconds:
                        return False
                    try:
                        found = list(study(world, seed, regions))
                    except EffectsError as error:
                        found = [test_line(f"refused: {error}", NAN)]
                    writer.writerows([name, where, seed, *one] for one in found)
                    handle.flush()
    return True


def table(store: Path) -> pd.DataFrame:
    """One line a quantity and world."""
    lines = pd.read_csv(store).drop_duplicates(["study", "world", "seed", "quantity"], keep="last")
    error = lines["estimate"] - lines["truth"]
    known = lines["low"].notna()
    lines = lines.assign(
        error=error,
        square=error**2,
        covers=((lines["low"] <= lines["truth"]) & (lines["truth"] <= lines["high"])).where(known).astype(float),
        rejects=np.where(
            lines["p"].notna(), lines["p"] <= 0.05, np.where(known, (lines["low"] > 0) | (lines["high"] < 0), np.nan)
        ).astype(float),
    )
    lines.loc[lines["quantity"].str.contains("joint band"), "rejects"] = np.nan
    groups = lines.groupby(["study", "quantity", "world"], sort=False)
    out = groups.agg(
        panels=("seed", "nunique"),
        truth=("truth", "mean"),
        bias=("error", "mean"),
        mc_error=("error", lambda x: x.std() / np.sqrt(len(x))),
        rmse=("square", lambda x: np.sqrt(x.mean())),
        coverage=("covers", "mean"),
        rejects=("rejects", "mean"),
    ).reset_index()
    order = {name: position for position, name in enumerate(STUDIES)}
    return out.sort_values("study", key=lambda x: x.map(order), kind="stable").drop(columns="study")


def section(results: pd.DataFrame) -> str:
    """What goes into the README."""
    digits = {"truth": 3, "bias": 4, "mc_error": 4, "rmse": 4, "coverage": 3, "rejects": 3}
    shown = results.round(digits)
    return (
        f"{HEADING}\n\n"
        "`benchmarks/effects_checks.py`. Seeds from 20,001 on. Effects on time in log points, grades in percentage "
        "points, hazards in logs of the ratio; coverage of 95 % intervals for the effect in the sample; rejections at "
        "5 %: size where nothing happens, power elsewhere. The Monte Carlo error of a rejection rate is 0.015 at 200 "
        "panels. Ordered logit, censored regression and hazards run on smaller panels, the last two with cases drawn "
        "for them: one effect for all (−0.3 log points, or 0.35 in the log hazard), since one coefficient has no "
        "truth where effects differ.\n\n"
        f"{markdown(shown)}\n"
    )


def append(path: Path, text: str) -> None:
    """Put the section into the README of the benchmarks, in place of an earlier one."""
    old = path.read_text(encoding="utf-8") if path.exists() else "# Benchmarks\n"
    found = re.compile(re.escape(HEADING) + r"\n.*?(?=\n## |\Z)", re.DOTALL)
    new = found.sub(lambda _: text.rstrip() + "\n", old) if found.search(old) else old.rstrip() + "\n\n" + text
    path.write_text(new.rstrip() + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--studies", nargs="*", default=list(STUDIES), choices=list(STUDIES))
    parser.add_argument("--store", type=Path, default=Path("effects_checks.csv"))
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so many CPU seconds")
    parser.add_argument("--print-only", action="store_true")
    parser.add_argument("--append", action="store_true", help="put the table into benchmarks/README.md")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if not options.print_only:
        print("all done" if run(options.store, options.seeds, options.studies, options.seconds) else "to be continued")
    results = table(options.store)
    print(section(results))
    if options.append:
        append(Path(__file__).resolve().parent / "README.md", section(results))


if __name__ == "__main__":
    main()
