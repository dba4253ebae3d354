"""Joint coverage of rank sets by simulation, and the time of a league table of 89 regions.

Run: python benchmarks/ranks.py [runs]

Thirty units in six tied groups of five; estimates are normal with standard error 1. A run is covered if the sets of
all units hold the middle place of their tie, and covered in whole if they hold every place of it. The naive percentile
bootstrap redraws the estimates and takes the 2.5 and 97.5 per cent of each unit's rank: its error is the finding.
"""

import sys
import time

import numpy as np
import pandas as pd
from scipy import stats

from helpers.analysis import ranks

UNITS, GROUPS, LEVEL = 30, 6, 0.95
SPACINGS = (1.0, 2.0, 4.0)


def bootstrap_sets(x: np.ndarray, rng: np.random.Generator, draws: int = 1_000) -> tuple[np.ndarray, np.ndarray]:
    redrawn = x + rng.standard_normal((draws, len(x)))
    ranked = stats.rankdata(-redrawn, axis=1, method="min")
    low, high = np.quantile(ranked, [0.025, 0.975], axis=0)
    return np.floor(low), np.ceil(high)


def one_run(truth: np.ndarray, seed: int) -> dict[str, tuple[bool, bool, float]]:
    rng = np.random.default_rng(seed)
    x = truth + rng.standard_normal(UNITS)
    errors = np.ones(UNITS)
    first = 1 + (truth[None, :] > truth[:, None]).sum(axis=1)
    last = UNITS - (truth[None, :] < truth[:, None]).sum(axis=1)
    middle = (first + last) / 2
    stepwise = ranks.confidence_sets(x, errors, LEVEL, "simultaneous", draws=1_000, seed=seed)
    joint = ranks.joint_intervals(x, errors, LEVEL)
    found = {
        "MRSW simultaneous": (stepwise["rank_low"], stepwise["rank_high"]),
        "KWW joint intervals": (joint["rank_low"], joint["rank_high"]),
        "naive bootstrap": bootstrap_sets(x, rng),
    }
    return {
        name: (
            bool(((low <= middle) & (middle <= high)).all()),
            bool(((low <= first) & (last <= high)).all()),
            float(np.mean(high - low + 1)),
        )
        for name, (low, high) in found.items()
    }


def coverage(runs: int) -> pd.DataFrame:
    rows = []
    for spacing in SPACINGS:
        truth = np.repeat(np.arange(GROUPS) * spacing, UNITS // GROUPS)
        results = [one_run(truth, seed) for seed in range(runs)]
        for name in results[0]:
            covered = [result[name][0] for result in results]
            whole = np.mean([result[name][1] for result in results])
            width = np.mean([result[name][2] for result in results])
            error = np.sqrt(np.mean(covered) * (1 - np.mean(covered)) / runs)
            rows.append((spacing, name, np.mean(covered), error, whole, width))
    columns = ["spacing_se", "method", "joint_coverage", "mc_error", "covers_whole_tie", "mean_places"]
    return pd.DataFrame(rows, columns=columns).round(3)


def timing() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x, errors = rng.normal(50, 10, 89), np.full(89, 3.0)
    rows = []
    for kind in ("marginal", "simultaneous"):
        start = time.perf_counter()
        sets = ranks.confidence_sets(x, errors, kind=kind, draws=10_000, seed=1)
        seconds = time.perf_counter() - start
        rows.append((kind, round(seconds, 2), round(float((sets["rank_high"] - sets["rank_low"] + 1).mean()), 1)))
    return pd.DataFrame(rows, columns=["kind", "seconds_89_units_10000_draws", "mean_places"])


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    print(coverage(count).to_string(index=False))
    print(timing().to_string(index=False))
