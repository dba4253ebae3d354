"""The numbers on the first screen of the README are what the rooms make of the raw files."""

import re
from pathlib import Path

import pytest

from helpers import paths
from helpers.analysis import claims
from helpers.intake import published
from helpers.tables import store

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
FILE = "published/published_facts.csv"
NUMBER = r"\d+(?:\.\d+)?"


def headline_rows():
    """Rows of the README's headline table: what, value, interval or audit, fact ids."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in README.splitlines() if line.startswith("|")
    ]
    return [row for row in cells if len(row) == 4 and re.fullmatch(r"(F\d{3} ?)+", row[3])]


@pytest.fixture(scope="module")
def observations():
    facts = published.read(paths.raw() / FILE)
    return published.observations(
        facts, store.reference("published_indicators"), store.reference("published_units"), FILE
    ).set_index("observation_id")


@pytest.fixture(scope="module")
def audited(observations):
    return claims.audit(observations.reset_index(), store.reference("claims")).set_index("fact_ids")


def test_the_table_holds_the_three_headlines():
    facts = " ".join(row[3] for row in headline_rows())
    assert {"F001", "F009", "F031", "F025", "F044", "F047"} <= set(facts.split()) and len(headline_rows()) == 6


@pytest.mark.parametrize("row", headline_rows(), ids=lambda row: row[0])
def test_every_headline_number_is_reproduced(row, observations, audited):
    what, value, detail, facts = row
    ids = facts.split()
    printed = [float(number) for number in re.findall(NUMBER, value)]
    if len(ids) == 1:
        fact = observations.loc[ids[0]]
        low, high = (float(number) for number in detail.split("–"))
        assert printed == [fact["value"]]
        assert (fact["value_low"], fact["value_high"]) == pytest.approx((low, high))
        assert fact["unit"] == "percent" and fact["period"] in what
        return
    parts, total = ids[:-1], ids[-1]
    assert printed == [observations.loc[part, "value"] for part in parts]
    assert f"of {observations.loc[total, 'value']:.0f}" in what
    assert {observations.loc[part, "period"] for part in parts} == {re.search(r"\d{4}-Q\d", what).group()}
    sum_printed, verdict = re.fullmatch(rf"sum ({NUMBER}): (\w+)", detail).groups()
    assert float(sum_printed) == sum(printed)
    assert audited.loc[facts, "verdict"] == verdict


def test_the_two_indices_of_chelyabinsk_are_two_series(observations):
    breaks = store.reference("series_breaks").set_index(["rating", "period"])
    first, second = observations.loc["F025"], observations.loc["F031"]
    assert (first["entity_id"], first["rating"]) == (second["entity_id"], second["rating"])
    assert first["period"] < "2024" <= second["period"][:4] and ("b_region_index", "2024") in breaks.index


def test_the_inconsistent_sum_is_not_repaired(audited):
    found = audited.loc["F047 F048 F049 F043"]
    assert found["computed"] == "47 + 22 + 5 = 74 ≠ 85" and found["strength"] == "never"
