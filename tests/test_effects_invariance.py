"""What must change nothing: order of rows, precision, types of the columns, hash seed; for every estimator."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.analysis.effects import (
    BeforeAfter,
    CallawaySantAnna,
    Imputation,
    OrderedEffect,
    Panel,
    PoissonImputation,
    TwoWayFE,
    next_services,
    region_effects,
    rtm_decomposition,
)
from helpers.analysis.effects.censored_checks import censored_checks
from helpers.synthetic import simulate

pytestmark = pytest.mark.filterwarnings("ignore::helpers.analysis.effects.FewClustersWarning")
ROLES = {
    "unit": "service_id", "time": "month", "cohort": "optimised_month", "cluster": "region_iso", "strata": "pre_grade",
    "audit": "is_audit_window", "exposure": "applications",
}  # fmt: skip
NUMBERS = ["log_days", "documents", "visits", "applications", "q25_days", "median_days", "q75_days"]


def _imputation(panel):
    fit = Imputation().fit(panel, "log_days")
    return [
        fit.att,
        fit.se,
        *fit.event_study()["hi_simultaneous"],
        *fit.by("region")["se"].fillna(0),
        fit.placebo().att,
    ]


def _poisson(panel):
    fits = [PoissonImputation(exposure=x).fit(panel, y) for y, x in (("documents", None), ("visits", "applications"))]
    return [number for fit in fits for number in (fit.att, fit.se, *fit.by("region")["se"].fillna(0))]


def _callaway_santanna(panel):
    fit = CallawaySantAnna().fit(panel, "log_days")
    kinds = [fit.aggregate(kind) for kind in ("simple", "dynamic", "group", "calendar")]
    return [number for one in kinds for number in (one.att, one.se, *one.table["att"])]


def _two_way(panel):
    fits = [TwoWayFE(vcov).fit(panel, "log_days") for vcov in ("jackknife", "crv1", "wild")]
    return [number for fit in fits for number in (fit.att, *fit.conf_int())]


def _naive(panel):
    fit = BeforeAfter("audit").fit(panel, "log_days")
    table = rtm_decomposition(panel, "log_days").table.select_dtypes("number")
    return [fit.att, fit.se, *table.fillna(0).to_numpy().ravel()]


def _regions(panel):
    fit = Imputation().fit(panel, "log_days")
    found = region_effects(fit, panel).estimates.select_dtypes("number")
    services = next_services(fit, panel, k=3).table
    return [
        *found.fillna(0).to_numpy().ravel(),
        *services[["expected_gain", "gain_low", "gain_high"]].to_numpy().ravel(),
    ]


def _grades(panel):
    fit = OrderedEffect(panel, "grade").fit()
    return [*fit.distribution["difference"], *fit.distribution["std_error"]]


def _open_times(panel):
    return [number for one in censored_checks(panel, seed=1) for number in (one.estimate, one.low, one.high)]


ESTIMATORS = [_imputation, _poisson, _callaway_santanna, _two_way, _naive, _regions, _grades, _open_times]


@pytest.fixture(scope="module")
def frame():
    return simulate.panel("missing_months", 4, n_regions=10).frame


@pytest.fixture(scope="module")
def expected(frame):
    panel = Panel(frame, **ROLES)
    return {estimator: np.asarray(estimator(panel)) for estimator in ESTIMATORS}


def _typed(frame):
    """The same panel in other types: categories, periods, dates, whole numbers for true and false."""
    return frame.assign(
        service_id=frame["service_id"].astype("category"),
        region_iso=frame["region_iso"].astype("category").cat.reorder_categories(
            sorted(frame["region_iso"].unique(), reverse=True)
        ),
        month=pd.PeriodIndex(frame["month"], freq="M"),
        optimised_month=pd.to_datetime(frame["optimised_month"].replace("", None)),
        is_audit_window=frame["is_audit_window"].astype("int8"),
    )  # fmt: skip


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("change", ["order", "types", "precision"])
def test_nothing_changes(frame, expected, estimator, change):
    if change == "order":
        other, tolerance = frame.sample(frac=1, random_state=3), 1e-9
    elif change == "types":
        other, tolerance = _typed(frame), 1e-9
    else:
        other, tolerance = frame.astype(dict.fromkeys(NUMBERS, "float32")), 1e-4 if estimator is _open_times else 2e-5
    found = np.asarray(estimator(Panel(other, **ROLES)))
    np.testing.assert_allclose(found, expected[estimator], rtol=tolerance, atol=tolerance)


def test_hash_seed_changes_nothing():
    """In one process a hash seed; the last digits are compared."""
    code = (
        "import warnings; warnings.simplefilter('ignore')\n"
        "import test_effects_invariance as t\n"
        "panel = t.Panel(t.simulate.panel('baseline', 2, n_regions=6).frame, **t.ROLES)\n"
        "print([float(x).hex() for f in t.ESTIMATORS[:5] for x in f(panel)])\n"
    )
    folder = str(Path(__file__).parent)
    seen = set()
    for seed in ("1", "77"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": folder}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
        seen.add(done.stdout)
    assert len(seen) == 1 and len(next(iter(seen))) > 1000
