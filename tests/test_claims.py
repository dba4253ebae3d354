"""The claim audit: facts as intervals, fourteen relations, and the verdicts on the five seed articles."""

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import paths
from helpers.analysis import claims
from helpers.analysis.claims.intervals import Interval, fact, number
from helpers.analysis.claims.relations import RELATIONS, compare, judge, parse_number, weakest
from helpers.tables import store

# id: (relation, strength, verdict), the table of the specification
A, P, N = "always", "possible", "never"
OK, BAD, OPEN = "consistent", "inconsistent", "uncheckable"
EXPECTED = {
    "c01": ("subset", A, OK), "c02": ("subset", A, OK), "c03": ("subset", A, OK),
    "c04": ("share_equals", P, OK), "c05": ("subset", A, OK), "c06": ("relative_change", A, OK),
    "c07": ("ratio_equals", A, OK), "c09": ("unit_is", N, BAD), "c10": ("ordered_desc", A, OK),
    "c11": ("mean_in_range", A, OK), "c12": ("not_checkable", "", OPEN), "c13": ("not_checkable", "", OPEN),
    "c14": ("diff_over", A, OK), "c16": ("ordered_desc", A, OK), "c17": ("not_checkable", "", OPEN),
    "c18": ("mean_in_range", A, OK), "c19": ("diff_over", A, OK), "c20": ("sum_equals", A, OK),
    "c21": ("sum_equals", N, BAD), "c22": ("relative_change", A, OK), "c23": ("conserved", N, BAD),
    "c24": ("sum_equals", A, OK), "c25": ("not_checkable", "", OPEN), "c26": ("not_checkable", "", OPEN),
    "c27": ("diff_over", A, OK), "c28": ("in_range", A, OK), "c29": ("subset", A, OK),
    "c30": ("coverage_is_full", N, BAD), "c31": ("in_range", A, OK), "c32": ("not_checkable", "", OPEN),
    "c33": ("sum_equals", A, OK), "c34": ("share_of_integers", A, OK), "c35": ("subset", A, OK),
    "c36": ("in_range", A, OK), "c37": ("not_checkable", "", OPEN), "x01": ("sum_equals", A, OK),
    "x02": ("not_checkable", "", OPEN), "x03": ("not_checkable", "", OPEN), "x04": ("not_checkable", "", OPEN),
}  # fmt: skip


@pytest.fixture(scope="module")
def reference() -> pd.DataFrame:
    return pd.read_csv(paths.reference() / "claims.csv", dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def published() -> pd.DataFrame:
    path = paths.shared() / "data" / "published_facts.csv"
    if not path.exists():
        pytest.skip(f"the published figures are not beside the repository: {path}")
    return pd.read_csv(path, dtype=str)


@pytest.fixture(scope="module")
def audited(published: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    return claims.audit(published, reference).set_index("claim_id")


def one(relation: str, facts: str, params: str = "", tolerance: str = "", **columns) -> pd.DataFrame:
    row = {"claim_id": "t", "source_id": "S", "quote_id": "S.q1", "relation": relation, "facts": facts}
    return pd.DataFrame([{**row, "params": params, "tolerance": tolerance, **columns}])


FACTS = pd.DataFrame(
    {
        "observation_id": ["F1", "F2", "F3", "F4", "F5"],
        "value": [47.0, 64.54, 400.0, None, None],
        "value_low": [46.5, None, None, None, 40.0],
        "value_high": [47.5, None, None, None, 60.0],
        "cmp": ["exact", None, "more_than", "about", "share"],
        "value_before": [None, None, None, 4.0, None],
        "value_after": [None, None, None, 2.0, None],
    }
)


@pytest.mark.parametrize("claim_id", sorted(EXPECTED))
def test_verdicts_of_the_five_articles(audited: pd.DataFrame, claim_id: str) -> None:
    row = audited.loc[claim_id]
    assert (row["relation"], row["strength"], row["verdict"]) == EXPECTED[claim_id]


def test_the_middle_of_2023_is_found_and_not_repaired(audited: pd.DataFrame) -> None:
    assert audited.loc["c21", "computed"] == "47 + 22 + 5 = 74 ≠ 85"
    assert "−11" in audited.loc["c21", "why"]
    assert audited.loc["c14", "computed"] == "17.035…18.045"


def test_every_claim_of_the_articles_is_listed_and_others_are_marked(reference: pd.DataFrame) -> None:
    listed = set(reference["claim_id"])
    assert set(EXPECTED) <= listed
    assert all(claim_id.startswith("p") for claim_id in listed - set(EXPECTED))
    assert reference[["quote_id", "note_ru", "note_en"]].ne("").all(axis=None)
    assert set(reference["relation"]) <= set(RELATIONS)


def test_quotes_stand_in_the_articles(reference: pd.DataFrame) -> None:
    folder = paths.shared() / "sources"
    if not folder.exists():
        pytest.skip(f"the articles are not beside the repository: {folder}")
    texts = {f"SEED{n}": next(folder.glob(f"00{n}_*")).read_text(encoding="utf-8") for n in range(5)}
    quoted = reference[reference["quote"].ne("")]
    assert len(quoted) == len(EXPECTED)
    for row in quoted.itertuples():
        assert any(row.quote in texts[source] for source in row.source_id.split("+")), row.claim_id


def test_facts_of_claims_exist(published: pd.DataFrame, reference: pd.DataFrame) -> None:
    roles = claims.facts_of(reference)
    assert set(roles["fact_id"]) <= set(published["fact_id"])
    assert set(roles.loc[roles["claim_id"] == "c21", "role"]) == {"parts", "total"}


def test_changed_figure_changes_the_verdict(published: pd.DataFrame, reference: pd.DataFrame) -> None:
    repaired = published.copy()
    repaired.loc[repaired["fact_id"] == "F048", "value"] = "33"
    result = claims.audit(repaired, reference).set_index("claim_id")
    assert result.loc["c21", "verdict"] == OK
    assert result.loc["c23", "verdict"] == OK


def test_counts_and_regions(audited: pd.DataFrame) -> None:
    table = audited.reset_index()
    total = claims.counts(table).set_index("source_id").loc["all"]
    assert total["claims"] == len(table) == total[[OK, BAD, OPEN]].sum()
    assert set(claims.touching(table, "RU-CHE")["claim_id"]) == {"c14", "c16", "c17", "c18"}
    assert set(claims.touching(table, "RU-IN")["claim_id"]) == {"c25"}
    assert claims.touching(table, "RU-TUL").empty


@pytest.mark.parametrize(
    ("relation", "facts", "params", "tolerance", "strength"),
    [
        ("sum_equals", "parts: F1[exact], 3; total: 50", "", "0", A),
        ("sum_equals", "parts: F1[rounded 1]; total: 47", "", "0", P),
        ("conserved", "before: 1, 2; after: 4", "", "0", N),
        ("conserved", "before: 1, 2; after: 4", "", "1", A),
        ("diff_over", "from: F1[rounded 1]; to: F2[rounded 0.01]", "min=17", "", A),
        ("diff_over", "from: F1[rounded 1]; to: F2[rounded 0.01]", "min=18", "", P),
        ("diff_over", "from: 0; to: 17", "min=17", "", N),
        ("ratio_equals", "num: 3; den: 2", "value=3/2", "0", A),
        ("relative_change", "from: F4.before; to: F4.after", "value=-0.5", "0", A),
        ("share_equals", "part: 138; whole: F3", "value=1/3", "0.02", P),
        ("share_equals", "part: 138; whole: F3", "value=0.4", "0.02", N),
        ("share_of_integers", "whole: 39", "pct=85", "", A),
        ("share_of_integers", "whole: 7", "pct=85", "", N),
        ("share_of_integers", "whole: F3", "pct=85", "", A),
        ("share_of_integers", "whole: 7[exact]", "pct=85", "", None),
        ("share_of_integers", "whole: F5", "pct=3", "", P),
        ("share_of_integers", "whole: 39", "pct=84.6; digits=1", "", A),
        ("subset", "part: F3; whole: 400", "", "", N),
        ("subset", "part: 400; whole: F3", "", "", A),
        ("ordered_desc", "list: 3, 2, 2", "", "", N),
        ("ordered_desc", "list: 48, F1", "", "", A),
        ("ordered_desc", "list: 47.2, F1", "", "", P),
        ("in_range", "x: -5, 5", "lo=-5; hi=5", "", A),
        ("mean_in_range", "mean: 5; min: 6", "", "", N),
        ("mean_in_range", "mean: 5; min: 1, 2; max: 5", "", "", A),
        ("unit_is", "", "found=days; expected=days", "", A),
        ("coverage_is_full", "part: 3; whole: 3", "", "", A),
        ("not_checkable", "stated: F4", "", "", ""),
    ],
)
def test_relations(relation: str, facts: str, params: str, tolerance: str, strength: str | None) -> None:
    table = one(relation, facts, params, tolerance)
    if strength is None:
        with pytest.raises(claims.ClaimError):
            claims.audit(FACTS, table)
        return
    result = claims.audit(FACTS, table).iloc[0]
    assert result["strength"] == strength
    assert result["verdict"] == claims.VERDICTS[strength]


def test_only_claims_of_the_sources_at_hand(published: pd.DataFrame, reference: pd.DataFrame) -> None:
    assert len(claims.of_sources(reference, published)) == len(reference)
    part = claims.of_sources(reference, published[published["source_id"] == "SEED4"])
    assert set(part["claim_id"]) == {"c33", "c34", "c35", "c36", "c37", "x01", "x02"}
    nothing = claims.audit(published, claims.of_sources(reference, published.head(0)))
    assert nothing.empty
    assert claims.counts(nothing)["claims"].tolist() == [0]
    store.validate("claims", nothing)


def test_audit_fits_the_table(audited: pd.DataFrame) -> None:
    store.validate("claims", audited.reset_index())


def test_missing_fact_is_uncheckable_and_named() -> None:
    result = claims.audit(FACTS, one("subset", "part: F1; whole: F99")).iloc[0]
    assert (result["verdict"], result["strength"]) == (OPEN, "")
    assert "F99" in result["why"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (one("subset", "part: F1"), "whole"),
        (one("diff_over", "from: F1; to: F2"), "min"),
        (one("guess", "part: F1"), "guess"),
        (one("subset", "part F1"), "role: facts"),
        (one("subset", "part: F1 F2; whole: 3"), "cannot read"),
        (one("subset", "part: F1[rounded]; whole: 3"), "step"),
        (one("subset", "part: F1[odd 1]; whole: 3"), "odd"),
        (one("subset", "part: F4; whole: 3"), "no number"),
        (one("in_range", "x: F1", "lo"), "name=value"),
        (one("in_range", "x: F1", "lo=a; hi=2"), "a"),
        (one("ordered_desc", "list: F1"), "two values"),
        (one("mean_in_range", "mean: F1"), "min"),
        (one("unit_is", "", "found=days"), "expected"),
    ],
)
def test_unreadable_claims_say_what_is_wrong(table: pd.DataFrame, message: str) -> None:
    with pytest.raises(claims.ClaimError, match=message) as caught:
        claims.audit(FACTS, table)
    assert "claim t" in str(caught.value)


def test_tables_are_checked_at_the_door() -> None:
    with pytest.raises(claims.ClaimError, match="relation"):
        claims.audit(FACTS, one("subset", "").drop(columns="relation"))
    with pytest.raises(claims.ClaimError, match="claim_id given twice: t"):
        claims.audit(FACTS, pd.concat([one("subset", "part: 1; whole: 2")] * 2))
    with pytest.raises(claims.ClaimError, match="fact given twice: F1"):
        claims.audit(pd.concat([FACTS, FACTS.head(1)]), one("subset", "part: 1; whole: 2"))
    with pytest.raises(claims.ClaimError, match="observation_id"):
        claims.audit(FACTS.drop(columns="observation_id"), one("subset", "part: 1; whole: 2"))
    odd = FACTS.assign(cmp="roughly")
    with pytest.raises(claims.ClaimError, match="roughly"):
        claims.audit(odd, one("subset", "part: F1; whole: 2"))


@pytest.mark.parametrize(
    ("kind", "parameter", "expected"),
    [
        ("exact", None, (5, 5, False, False)),
        ("rounded", 1, (4.5, 5.5, False, True)),
        ("over", None, (5, math.inf, True, False)),
        ("atleast", None, (5, math.inf, False, False)),
        ("under", None, (-math.inf, 5, False, True)),
        ("atmost", None, (-math.inf, 5, False, False)),
        ("about", None, (4.75, 5.25, False, False)),
        ("about", 0.2, (4, 6, False, False)),
    ],
)
def test_facts_are_intervals(kind: str, parameter: float | None, expected: tuple) -> None:
    interval = fact(kind, 5, parameter)
    assert (interval.low, interval.high, interval.low_open, interval.high_open) == expected


def test_rounded_top_end_is_excluded() -> None:
    assert fact("rounded", 47, 1).misses(Interval(47.5, 60))
    assert not fact("rounded", 47, 1).misses(Interval(46, 46.5))


def test_intervals_refuse_nonsense() -> None:
    with pytest.raises(ValueError, match="not an interval"):
        Interval(2, 1)
    with pytest.raises(ValueError, match="not an interval"):
        Interval(math.nan, 1)


def test_texts_of_numbers() -> None:
    assert [number(x) for x in (-0.0, 74.6, -11, math.inf, -math.inf)] == ["0", "74.6", "−11", "∞", "−∞"]
    assert parse_number(" 1/4 ") == 0.25
    assert weakest([]) == ""
    with pytest.raises(KeyError, match="whole"):
        judge("subset", {"part": [Interval(1, 1)]}, {}, 0)


finite = st.floats(-50, 50)


@given(*[st.tuples(finite, finite).map(lambda p: Interval(min(p), max(p))) for _ in range(2)], finite, finite)
@settings(max_examples=150, deadline=None)
def test_interval_arithmetic_encloses(a: Interval, b: Interval, u: float, v: float) -> None:
    x, y = min(max(u, a.low), a.high), min(max(v, b.low), b.high)
    for result, value in (((a + b), x + y), ((a - b), x - y)):
        assert result.low - 1e-9 <= value <= result.high + 1e-9
    if y:
        quotient = a / b
        slack = 1e-9 * max(1.0, abs(x / y))
        assert quotient.low - slack <= x / y <= quotient.high + slack
    strength = compare(a, b)
    assert (strength == "always") <= a.within(b)
    assert not (a.within(b) and a.misses(b))
