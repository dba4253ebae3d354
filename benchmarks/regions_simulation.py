"""Coverage of regional intervals and regret of "what to optimise next", on simulated panels with known truth.

Run: ``nice -n 10 python benchmarks/regions_simulation.py --seeds 60``. Prints two Markdown tables; ``--append`` adds
them to ``benchmarks/README.md`` under their own heading.
"""

import argparse
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


def run(seeds: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Means over seeds: regional intervals by world, and rules by world."""
    regions, rules = {}, {}
    for name, (scenario, size) in WORLDS.items():
        first, second = [], []
        for seed in range(seeds):
            drawn = simulate(scenario, seed, n_regions=size)
            panel = Panel(drawn.frame, **ROLES)
            fit = Imputation().fit(panel, "log_days")
            first.append(regional(drawn, panel, fit))
            if name in REGRET_WORLDS:
                second.append(selected(drawn, panel, fit))
        regions[name] = pd.DataFrame(first).mean()
        regions[name]["Monte Carlo error of pooled coverage"] = pd.DataFrame(first)[
            "pooled, robust: coverage"
        ].std() / np.sqrt(seeds)
        if second:
            rules[name] = pd.DataFrame(second).mean()
    table = pd.DataFrame(regions).T
    for which in ("raw", "pooled"):
        table[f"{which}: RMSE"] = np.sqrt(table.pop(f"{which}: error²"))
    return table, pd.DataFrame(rules)


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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=60)
    parser.add_argument("--append", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    started = time.process_time()
    regions, rules = run(arguments.seeds)
    seconds = time.process_time() - started
    text = (
        f"{HEADING}\n\n`benchmarks/regions_simulation.py`, {arguments.seeds} seeds a world, {seconds:.0f} CPU seconds. "
        "Effects on log days in log points; 95 % intervals, coverage averaged over regions of the true regional mean."
        f"\n\n{markdown(regions, 'world')}\n\nRegret = 1 − true gain of the chosen / best possible gain, choosing 5 % "
        f"or 20 % of the services not yet optimised.\n\n{markdown(rules, 'rule')}\n"
    )
    print(text)
    if arguments.append:
        append(Path(__file__).resolve().parent / "README.md", text)


if __name__ == "__main__":
    main()
