"""Coverage of regional intervals and regret of "what to optimise next", on simulated panels with known truth.

    python benchmarks/regions_simulation.py --seeds 100 --store regions.csv --append

Student's quantile for regions and the rule of the nearest grade were chosen on seeds 0–99; seeds from 30,001 on are
panels that nothing was chosen on. Both are printed. Every line of the store is one panel × number, so a run may be
interrupted and continued.
"""

import argparse
import csv
import re
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from helpers.analysis.effects import Imputation, Panel, next_services, region_effects, regret
from helpers.synthetic.simulate import SimulatedPanel
from helpers.synthetic.simulate import panel as simulate

HEADING = "## Regional intervals and what to optimise next"
WORLDS = {
    "baseline": ("baseline", None),
    "missing months": ("missing_months", None),
    "10 regions": ("baseline", 10),
    "RTM, common audit": ("rtm_common_audit", None),
    "RTM, audit by wave": ("rtm_wave_audit", None),
}
REGRET_WORLDS = ("baseline", "RTM, audit by wave")
ROLES = {
    "unit": "service_id", "time": "month", "cohort": "optimised_month", "cluster": "region_iso",
    "strata": "pre_grade", "audit": "is_audit_window", "exposure": "applications",
}  # fmt: skip
BLOCKS = {"seeds on which the rules were chosen": 0, "fresh seeds": 30_001}
RULES = ("expected gain, pooled effects", "one national effect", "audit-window time", "most applications")


def cover(low: np.ndarray, high: np.ndarray, truth: np.ndarray) -> float:
    """Share of regions whose interval holds the truth."""
    seen = np.isfinite(low)
    return float(((low <= truth) & (truth <= high))[seen].mean())


def regional(drawn: SimulatedPanel, panel: Panel, fit) -> dict[str, float]:
    """Coverage and error of raw and pooled regional effects in one panel."""
    found = region_effects(fit, panel, same_region=False)
    own = fit.by("region")
    rows = found.estimates
    truth = drawn.truth.by_region.reindex(rows["region_iso"]).to_numpy(dtype=float)
    raw, se = rows["raw"].to_numpy(dtype=float), rows["raw_se"].to_numpy(dtype=float)
    z = stats.norm.ppf(0.975)
    pooled = found.pooled
    return {
        "raw, own se: coverage": cover(own["lo"].to_numpy(dtype=float), own["hi"].to_numpy(dtype=float), truth),
        "raw + placebo excess: coverage": cover(raw - z * se, raw + z * se, truth),
        "pooled, robust: coverage": cover(pooled.low, pooled.high, truth),
        "raw: error²": float(np.mean((raw - truth) ** 2)),
        "pooled: error²": float(np.mean((pooled.shrunk - truth) ** 2)),
        "half-length": float(np.mean((pooled.high - pooled.low) / 2)),
        "regions": float(len(rows)),
    }


def selected(drawn: SimulatedPanel, panel: Panel, fit) -> dict[str, float]:
    """Regret of several rules, and what the recommended one promises, in one panel."""
    table = next_services(fit, panel).candidates
    both = table.merge(drawn.truth.services, on="service_id", suffixes=("", "_true"))
    gain = (both["applications_year_true"] * both["level_days"] * -np.expm1(both["effect_log_days"])).to_numpy()
    window = panel.frame[panel.frame["is_audit_window"]]
    audit = np.exp(window.groupby("service_id")["log_days"].mean()).reindex(both["service_id"]).to_numpy()
    effect = -np.expm1(table["effect"].to_numpy())
    applications = table["applications_year"].to_numpy()
    scores = {
        "expected gain, pooled effects": table["expected_gain"].to_numpy(),
        "one national effect": applications * table["level_now"].to_numpy(),
        "audit-window time": applications * audit * effect,
        "most applications": applications,
    }
    out: dict[str, float] = {}
    for share in (0.05, 0.20):
        n = round(share * len(gain))
        for rule, score in scores.items():
            out[f"{rule}: regret {share:.0%}"] = regret(np.argsort(-score, kind="stable")[:n], gain)
        top = np.argsort(-scores[RULES[0]], kind="stable")[:n]
        out[f"promised / delivered {share:.0%}"] = float(scores[RULES[0]][top].sum() / gain[top].sum())
    inside = (table["gain_low"].to_numpy() <= gain) & (gain <= table["gain_high"].to_numpy())
    out["gain interval: coverage"] = float(inside.mean())
    return out


def run(store: Path, seeds: int, seconds: float) -> bool:
    """Add to the store what is missing in it, fresh seeds first; whether all is there before the seconds are over."""
    done = set()
    if store.exists():
        past = pd.read_csv(store, usecols=["world", "seed"])
        done = set(past.itertuples(index=False, name=None))
    started = time.process_time()
    with store.open("a", newline="") as handle:
        writer = csv.writer(handle)
        if handle.tell() == 0:
            writer.writerow(["world", "seed", "name", "value"])
        for first in sorted(BLOCKS.values(), reverse=True):
            for seed in range(first, first + seeds):
                for world in WORLDS:
                    if (world, seed) in done:
                        continue
                    if time.process_time() - started > seconds:
                        return False
                    writer.writerows([world, seed, name, value] for name, value in one_panel(world, seed).items())
                    handle.flush()
    return True


def one_panel(world: str, seed: int) -> dict[str, float]:
    """Everything measured in one panel."""
    scenario, size = WORLDS[world]
    drawn = simulate(scenario, seed, n_regions=size)
    panel = Panel(drawn.frame, **ROLES)
    fit = Imputation().fit(panel, "log_days")
    found = regional(drawn, panel, fit)
    return found | selected(drawn, panel, fit) if world in REGRET_WORLDS else found


def tables(lines: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Means over seeds: regional intervals by world, and rules by world."""
    wide = lines.pivot_table(index=["world", "seed"], columns="name", values="value")
    groups = wide.groupby("world", sort=False)
    means = groups.mean().reindex([world for world in WORLDS if world in groups.groups])
    names = [name for name in lines["name"].unique() if name in means]
    first = names[: names.index("regions") + 1]
    regions = means[first].copy()
    spread = groups["pooled, robust: coverage"].std() / np.sqrt(groups.size())
    regions["Monte Carlo error of pooled coverage"] = spread
    for which in ("raw", "pooled"):
        regions[f"{which}: RMSE"] = np.sqrt(regions.pop(f"{which}: error²"))
    rules = means.loc[[w for w in REGRET_WORLDS if w in means.index], [n for n in names if n not in first]]
    return regions, rules.T


def section(lines: pd.DataFrame) -> str:
    """What goes into the README: both tables for each block of seeds."""
    text = (
        f"{HEADING}\n\n`benchmarks/regions_simulation.py`. Effects on log days in log points; 95 % intervals, coverage "
        "averaged over regions of the true regional mean. Regret = 1 − true gain of the chosen / best possible gain, "
        "choosing 5 % or 20 % of the services not yet optimised.\n"
    )
    for name, first in BLOCKS.items():
        block = lines[(lines["seed"] >= first) & (lines["seed"] < first + 30_000)]
        if block.empty:
            continue
        seeds = block.groupby("world")["seed"].nunique().min()
        regions, rules = tables(block)
        last = int(block["seed"].max())
        text += f"\n{name[0].upper()}{name[1:]} ({first:,} to {last:,}, {seeds} panels a world):\n\n"
        text += f"{markdown(regions, 'world')}\n\n{markdown(rules, 'rule')}\n"
    return text


def markdown(table: pd.DataFrame, corner: str) -> str:
    """Table as Markdown, three digits."""
    lines = ["| " + " | ".join([corner, *map(str, table.columns)]) + " |", "|---" * (len(table.columns) + 1) + "|"]
    lines += ["| " + " | ".join([str(i), *(f"{v:.3f}" for v in row)]) + " |" for i, row in table.iterrows()]
    return "\n".join(lines)


def append(path: Path, text: str) -> None:
    """Put the section into the README of the benchmarks, in place of an earlier one."""
    old = path.read_text(encoding="utf-8") if path.exists() else "# Benchmarks\n"
    section = re.compile(re.escape(HEADING) + r"\n.*?(?=\n## |\Z)", re.DOTALL)
    new = section.sub(lambda _: text.rstrip() + "\n", old) if section.search(old) else old.rstrip() + "\n\n" + text
    path.write_text(new.rstrip() + "\n", encoding="utf-8")


def main() -> None:
    """Run, print, and on request write down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--store", type=Path, default=Path("regions_simulation.csv"))
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so many CPU seconds")
    parser.add_argument("--print-only", action="store_true")
    parser.add_argument("--append", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    if not arguments.print_only:
        finished = run(arguments.store, arguments.seeds, arguments.seconds)
        print("all done" if finished else "to be continued")
    text = section(pd.read_csv(arguments.store))
    print(text)
    if arguments.append:
        append(Path(__file__).resolve().parent / "README.md", text)


if __name__ == "__main__":
    main()
