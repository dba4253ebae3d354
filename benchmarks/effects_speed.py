"""CPU time and memory of the effects estimators beside other libraries, on the same data in one run.

    python benchmarks/effects_speed.py --peers path/to/python --reps 3

``--peers`` is a Python that can import any of pyfixest, diff-diff and csdid (``pip install -e .[dev]``); what it cannot
import is named and left out. Every task runs in a process of its own: user + system seconds of the task alone, median
of the repetitions, and the growth of peak memory over the loaded data. Everything on one thread. The repetitions
are rounds over all tasks, so that a busy machine is as busy for one as for another.
"""

import argparse
import contextlib
import importlib.util
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

SIZES = {"small": 17_759, "large": 177_790}
MONTHS, REGIONS = 24, 89
HEAVY = ("csdid", "pyfixest")
"""Peers that run on the small panel only."""


def make_data(services: int, seed: int = 0) -> pd.DataFrame:
    """Balanced panel of ``services`` × 24 months with four waves, whole-number codes, as all tools like it."""
    rng = np.random.default_rng(seed)
    region = np.sort(rng.integers(0, REGIONS, services))
    grade = rng.integers(0, 4, services)
    cohort = np.where(rng.random(services) < 0.45, rng.choice([9, 12, 15, 18], services), 0)
    audit = np.where(cohort > 0, cohort, rng.choice([9, 12, 15, 18], services)) - 3
    unit, month = np.repeat(np.arange(services), MONTHS), np.tile(np.arange(1, MONTHS + 1), services)
    treated = (cohort[unit] > 0) & (month >= cohort[unit])
    level = rng.normal(2, 0.5, services)[unit]
    trend = -0.007 * month + rng.normal(0, 0.06, (REGIONS, MONTHS))[region[unit], month - 1]
    applications = 1 + rng.poisson(60, len(unit))
    return pd.DataFrame(
        {
            "unit": unit.astype("int32"),
            "month": month.astype("int32"),
            "cohort": cohort[unit].astype("int32"),
            "region": region[unit].astype("int32"),
            "grade": grade[unit].astype("int32"),
            "audit": (month >= audit[unit]) & (month < audit[unit] + 3),
            "y": level + trend - 0.3 * treated + rng.normal(0, 0.3, len(unit)),
            "documents": rng.poisson(np.exp(1.3 + 0.2 * (level - 2) - 0.3 * treated)),
            "visits": rng.poisson(applications * np.exp(0.1 - 0.6 * treated)),
            "applications": applications,
        }
    )


# ------------------------------------------------------------------ own
def _panel(data: pd.DataFrame, full: bool = True):  # type: ignore[no-untyped-def]
    from helpers.analysis.effects import Panel

    roles = {"unit": "unit", "time": "month", "cohort": "cohort", "cluster": "region", "exposure": "applications"}
    return Panel(data, **roles, **({"strata": "grade", "audit": "audit"} if full else {}))


def own_imputation(data: pd.DataFrame) -> float:
    from helpers.analysis.effects import Imputation

    fit = Imputation(effects="month", fallback=()).fit(_panel(data, full=False), "y")
    fit.event_study(leads=4)
    fit.by("region")
    return fit.att


def own_stratified(data: pd.DataFrame) -> float:
    from helpers.analysis.effects import Imputation

    fit = Imputation().fit(_panel(data), "y")
    fit.event_study(leads=4)
    fit.by("region")
    return fit.att


def own_stream(data: pd.DataFrame) -> float:
    from helpers.analysis.effects import Imputation

    roles = {
        "unit": "unit",
        "time": "month",
        "cohort": "cohort",
        "cluster": "region",
        "strata": "grade",
        "audit": "audit",
    }
    step = 4_000 * MONTHS
    chunks = (data.iloc[start : start + step] for start in range(0, len(data), step))
    fit = Imputation().fit_chunks(chunks, "y", **roles)
    fit.event_study(leads=4)
    return fit.att


def own_twfe(data: pd.DataFrame) -> float:
    from helpers.analysis.effects import TwoWayFE

    return TwoWayFE().fit(_panel(data, full=False), "y").att


def own_wild(data: pd.DataFrame) -> float:
    from helpers.analysis.effects import TwoWayFE

    return TwoWayFE("wild").fit(_panel(data, full=False), "y").att


def own_callaway_santanna(data: pd.DataFrame) -> float:
    from helpers.analysis.effects import CallawaySantAnna

    fit = CallawaySantAnna(base="g-1").fit(_panel(data, full=False), "y")
    fit.aggregate("dynamic")
    return fit.aggregate("simple").att


def own_poisson(data: pd.DataFrame) -> float:
    from helpers.analysis.effects import PoissonImputation

    return PoissonImputation(effects="month", fallback=()).fit(_panel(data, full=False), "documents").att


def own_poisson_exposure(data: pd.DataFrame) -> float:
    from helpers.analysis.effects import PoissonImputation

    spec = PoissonImputation(effects="month", fallback=(), exposure="applications")
    return spec.fit(_panel(data, full=False), "visits").att


# ------------------------------------------------------------------ peers
def diff_diff_imputation(data: pd.DataFrame) -> float:
    from diff_diff import ImputationDiD

    fit = ImputationDiD(cluster="region").fit(data, outcome="y", unit="unit", time="month", first_treat="cohort")
    return float(fit.overall_att)


def diff_diff_callaway_santanna(data: pd.DataFrame) -> float:
    from diff_diff import CallawaySantAnna

    fit = CallawaySantAnna(control_group="not_yet_treated").fit(
        data, outcome="y", unit="unit", time="month", first_treat="cohort"
    )
    return float(fit.overall_att)


def _csdid(data: pd.DataFrame, **settings: str) -> float:
    from csdid.att_gt import ATTgt

    fit = ATTgt("y", "month", "unit", "cohort", data, control_group="notyettreated", **settings).fit()
    fit.aggte("dynamic")
    return float(np.squeeze(fit.aggte("simple").atte["overall_att"]))


def csdid_default(data: pd.DataFrame) -> float:
    return _csdid(data)


def csdid_by_region(data: pd.DataFrame) -> float:
    return _csdid(data, clustervar="region")


def _cells(data: pd.DataFrame) -> pd.DataFrame:
    treated = (data["cohort"] > 0) & (data["month"] >= data["cohort"])
    cell = np.where(treated, data["cohort"] * 100 + data["month"], 0)
    return data.assign(cell=cell)


def pyfixest_etwfe(data: pd.DataFrame) -> float:
    import pyfixest as pf

    frame = _cells(data)
    fit = pf.feols("y ~ i(cell, ref=0) | unit + month", frame, vcov={"CRV1": "region"})
    weights = frame.loc[frame["cell"] > 0, "cell"].value_counts().sort_index()
    return float(np.average(fit.coef().to_numpy()[: len(weights)], weights=weights.to_numpy()))


def pyfixest_etwfe_poisson(data: pd.DataFrame) -> float:
    import pyfixest as pf

    fit = pf.fepois("documents ~ i(cell, ref=0) | unit + month", _cells(data), vcov={"CRV1": "region"})
    return float(fit.coef().mean())


OWN: dict[str, Callable[[pd.DataFrame], float]] = {
    "own imputation + event study + regions + jackknife": own_imputation,
    "own imputation, default strata, the same": own_stratified,
    "own imputation, default strata, streamed": own_stream,
    "own TWFE, CRV3": own_twfe,
    "own TWFE, wild bootstrap 9,999": own_wild,
    "own Callaway-Sant'Anna, jackknife": own_callaway_santanna,
    "own Poisson imputation, documents, jackknife": own_poisson,
    "own Poisson imputation, visits with exposure, jackknife": own_poisson_exposure,
}
PEERS: dict[str, tuple[str, Callable[[pd.DataFrame], float]]] = {
    "diff-diff imputation": ("diff_diff", diff_diff_imputation),
    "diff-diff Callaway-Sant'Anna": ("diff_diff", diff_diff_callaway_santanna),
    "csdid att_gt + aggte, defaults (errors by service)": ("csdid", csdid_default),
    "csdid att_gt + aggte, errors by region": ("csdid", csdid_by_region),
    "pyfixest ETWFE, CRV1": ("pyfixest", pyfixest_etwfe),
    "pyfixest ETWFE-Poisson, CRV1": ("pyfixest", pyfixest_etwfe_poisson),
}
FULL = "own imputation + event study + regions + jackknife"
POISSON = "own Poisson imputation, documents, jackknife"
CS = "own Callaway-Sant'Anna, jackknife"
RATIOS = [
    ("imputation is cheaper than pyfixest's ETWFE", "pyfixest ETWFE, CRV1", FULL, 20),
    ("imputation is cheaper than diff-diff's", "diff-diff imputation", FULL, 2),
    ("Callaway-Sant'Anna against csdid, defaults", "csdid att_gt + aggte, defaults (errors by service)", CS, 50),
    ("Callaway-Sant'Anna against csdid, by region", "csdid att_gt + aggte, errors by region", CS, 50),
    ("Poisson is cheaper than pyfixest's", "pyfixest ETWFE-Poisson, CRV1", POISSON, 10),
]  # fmt: skip


def measure(name: str, path: Path) -> dict[str, float | str]:
    """One task in this process: CPU seconds and growth of peak memory."""
    warnings.simplefilter("ignore")
    task = OWN[name] if name in OWN else PEERS[name][1]
    with np.load(path) as stored:
        data = pd.DataFrame({key: stored[key] for key in stored.files})
    task(data.head(2_400 * MONTHS))  # imports and compilation are not the estimator's cost
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _reset_peak()
    base = _peak()
    start = time.process_time()
    value = task(data)
    seconds = time.process_time() - start
    return {"seconds": seconds, "megabytes": max(0.0, (_peak() - base) / 1024), "value": value, "before": before / 1024}


def _reset_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> float:
    """Peak resident memory since the last reset, KiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return float(line.split()[1])
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


THREADS = ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON")


def child(python: str, name: str, path: Path) -> dict[str, float | str]:
    """The same in a process of its own, on one thread."""
    quiet = {f"{library}_NUM_THREADS": "1" for library in THREADS}
    command = [python, __file__, "--task", name, "--data", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **quiet})
    if done.returncode:
        raise RuntimeError(" ".join(done.stderr.strip().splitlines()[-1:]))
    return json.loads(done.stdout.strip().splitlines()[-1])


def available(python: str) -> list[str]:
    """Peer libraries that a Python can import."""
    code = "import importlib.util as u; print(*[m for m in ('diff_diff', 'csdid', 'pyfixest') if u.find_spec(m)])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    return done.stdout.split()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default=sys.executable, help="Python with the other libraries")
    parser.add_argument("--sizes", nargs="*", default=list(SIZES), choices=list(SIZES))
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--only", default="", help="tasks whose name contains this")
    parser.add_argument("--task")
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    if options.task:
        with contextlib.redirect_stdout(io.StringIO()):
            result = measure(options.task, options.data)  # some libraries print
        print(json.dumps(result))
        return
    found = available(options.peers)
    missing = [module for module in ("diff_diff", "csdid", "pyfixest") if module not in found]
    if missing:
        print(f"not importable and left out: {', '.join(missing)}")
    results: dict[tuple[str, str], dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in options.sizes:
            path = Path(folder) / f"{size}.npz"
            np.savez(path, **{name: values.to_numpy() for name, values in make_data(SIZES[size]).items()})
            names = [name for name in [*OWN, *PEERS] if options.only in name and runs_on(name, size, missing)]
            for name, runs in rounds(names, path, options.peers, options.reps).items():
                keys = ("seconds", "megabytes", "value")
                results[name, size] = {key: float(np.median([float(run[key]) for run in runs])) for key in keys}
                print(line(size, name, results[name, size]), flush=True)
    report(results)


def runs_on(name: str, size: str, missing: list[str]) -> bool:
    """Whether a task can and should run on a panel of this size."""
    module = PEERS[name][0] if name in PEERS else ""
    return module not in missing and (size == "small" or module not in HEAVY)


def rounds(names: list[str], path: Path, peers: str, reps: int) -> dict[str, list[dict[str, float | str]]]:
    """Every task once a round, ``reps`` rounds; a task that fails is named and left out."""
    found: dict[str, list[dict[str, float | str]]] = {name: [] for name in names}
    for _ in range(reps):
        for name in list(found):
            try:
                found[name].append(child(peers if name in PEERS else sys.executable, name, path))
                print(f"  round {len(found[name])}: {name}: {found[name][-1]}", flush=True)
            except RuntimeError as error:
                print(f"{name}: failed ({error})")
                del found[name]
    return found


def line(size: str, name: str, one: dict[str, float]) -> str:
    """One printed line."""
    rows = SIZES[size] * MONTHS
    a_row = one["megabytes"] * 1e6 / rows
    return (
        f"{size:6} {rows:>9,} rows  {name:56} {one['seconds']:8.2f} s {one['megabytes']:7.0f} MB "
        f"{a_row:5.0f} bytes a row  {one['value']:+.5f}"
    )


def report(results: dict[tuple[str, str], dict[str, float]]) -> None:
    """Ratios against their goals."""
    print()
    for text, slow, fast, goal in RATIOS:
        for size in SIZES:
            if (slow, size) in results and (fast, size) in results:
                ratio = results[slow, size]["seconds"] / results[fast, size]["seconds"]
                print(f"{size:6} {text}: {ratio:.1f} times (goal {goal}) {'met' if ratio >= goal else 'NOT MET'}")
    for name in OWN:
        if (name, "small") in results and (name, "large") in results:
            ratio = results[name, "large"]["seconds"] / results[name, "small"]["seconds"]
            met = "met" if ratio <= 20 else "NOT MET"
            print(f"ten times the rows: {name}: {ratio:.1f} times the seconds (goal 20) {met}")


if __name__ == "__main__":
    if importlib.util.find_spec("helpers") is None:
        sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
    main()
