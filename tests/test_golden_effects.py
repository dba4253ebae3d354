"""Every published value of the effects methods, within its tolerance, each covered by exactly one case function."""

import importlib.util
import math
import sys
from functools import cache
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[1] / "tools"


def _golden_table():
    spec = importlib.util.spec_from_file_location("golden_table", TOOLS / "golden_table.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["golden_table"] = module
    spec.loader.exec_module(module)
    return module


TABLE = _golden_table()
ABSENT = not (TABLE.GOLDEN / "golden_effects.csv").exists()
pytestmark = pytest.mark.skipif(
    ABSENT, reason="published values are kept beside the repository (../shared/data/golden), absent here"
)
ROWS = [] if ABSENT else [row for _, row in TABLE.published().iterrows()]
CASES = TABLE.merged(TABLE.load_registries())


@cache
def values(key):
    """Each case is computed once for all of its rows."""
    return CASES[key](TABLE.GOLDEN)


def test_no_case_is_covered_twice_and_none_is_invented():
    wanted = {(row["case"], row["estimator"]) for row in ROWS}
    assert set(CASES) <= wanted
    registries = TABLE.load_registries()
    assert sum(len(cases) for cases in registries.values()) == len(CASES)


def test_quantities_are_unique():
    keys = [(row["case"], row["estimator"], row["quantity"]) for row in ROWS]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['case']}|{row['estimator']}|{row['quantity']}")
def test_published_value(row):
    key = (row["case"], row["estimator"])
    assert key in CASES, f"no case function for {key}"
    try:
        got = values(key)
    except ModuleNotFoundError as missing:
        pytest.skip(f"data of this row come with the Python package {missing.name}, not installed (dev extra)")
    value, error = got[str(row["quantity"])]
    assert value == pytest.approx(row["published_value"], abs=row["tolerance"], rel=0)
    if not math.isnan(row["published_se"]):
        assert error == pytest.approx(row["published_se"], abs=TABLE.se_tolerance(row), rel=0)
