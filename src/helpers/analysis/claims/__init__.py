"""Audit of printed claims: facts as intervals, relations as data, a verdict with its strength.

Nothing is repaired: the printed figure stays, with its verdict and why.

Grain in: one printed figure per row (facts) and one statement per row (claims). Grain out: one claim per row.

A claim names its facts by role, ``parts: F047, F048; total: F043``. A reference may add or subtract terms
(``2024 - F059``), pick one end of a change (``F022.before``), and say how the figure is printed
(``F025[rounded 1]``, ``F014[about 0.05]``); without that, the fact's own qualifier decides.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from helpers.analysis.claims import relations
from helpers.analysis.claims.intervals import Interval, fact

CLAIM_COLUMNS = ("claim_id", "source_id", "quote_id", "relation", "facts")
RESULT_COLUMNS = [
    "claim_id",
    "source_id",
    "quote_id",
    "claim_text",
    "relation",
    "fact_ids",
    "computed",
    "strength",
    "verdict",
    "why",
    "region_iso",
]
VERDICTS = {
    relations.ALWAYS: "consistent",
    relations.POSSIBLE: "consistent",
    relations.NEVER: "inconsistent",
    relations.NONE: "uncheckable",
}
# How tables and people write a qualifier → kind of interval.
QUALIFIERS = {
    "": "exact", "=": "exact", "exact": "exact", "eq": "exact", "share": "exact",
    ">": "over", "gt": "over", "over": "over", "more_than": "over",
    "≥": "atleast", ">=": "atleast", "ge": "atleast", "at_least": "atleast", "atleast": "atleast",
    "<": "under", "lt": "under", "under": "under", "less_than": "under",
    "≤": "atmost", "<=": "atmost", "le": "atmost", "at_most": "atmost", "atmost": "atmost",
    "~": "about", "≈": "about", "about": "about", "approx": "about",
}  # fmt: skip
# The same column under the names of the observations table and of the registered file.
SYNONYMS = {
    "fact_id": ("observation_id", "fact_id"),
    "cmp": ("cmp", "qualifier"),
    "value": ("value",),
    "value_low": ("value_low",),
    "value_high": ("value_high",),
    "value_before": ("value_before", "before_value"),
    "value_after": ("value_after", "after_value"),
}
_TERM = re.compile(
    r"\s*(?P<sign>[+-]?)\s*(?:(?P<id>[A-Za-z]\w*)(?:\.(?P<end>before|after|value))?"
    r"(?:\[(?P<kind>\w+)(?:\s+(?P<step>[\d./]+))?\])?|(?P<literal>\d+(?:\.\d+)?))"
)


class ClaimError(ValueError):
    """A claim that cannot be read: names the claim, the place and what would be right."""


@dataclass(frozen=True)
class Reference:
    """One signed term of a role: a fact (with the end of a change and the way it is printed) or a number."""

    sign: int
    fact_id: str
    end: str
    kind: str
    step: float | None
    literal: float | None


def audit(facts: pd.DataFrame, claims: pd.DataFrame) -> pd.DataFrame:
    """Verdict of every claim against a table of printed facts.

    Parameters
    ----------
    facts
        One printed figure per row: ``observation_id`` (or ``fact_id``), ``value``, ``cmp`` (or
        ``qualifier``), and where there are any ``value_low``, ``value_high``, ``value_before``,
        ``value_after``.
    claims
        One statement per row: ``claim_id, source_id, quote_id, relation, facts``, and optionally ``params``
        (``min=17; value=1/3``), ``tolerance`` (number or fraction), ``claim_text`` (or ``note_ru``) and
        ``region_iso`` (codes separated by spaces).

    Returns
    -------
    pandas.DataFrame
        One row per claim in the order given, columns :data:`RESULT_COLUMNS`. ``strength`` is *always*,
        *possible*, *never* or empty; ``verdict`` *consistent*, *inconsistent* or *uncheckable*.
        ``computed`` and ``why`` use a decimal point and no unit.

    Raises
    ------
    ClaimError
        For a missing column, a repeated identifier, an unreadable reference, or a relation that lacks a role.

    *Assumes* that figures compared in one claim speak of the same population: that is the claim writer's
    decision. A fact that the table does not hold makes the claim uncheckable, and ``why`` names it.
    """
    _require_columns(claims)
    printed = _printed(facts)
    rows = [_audit_one(row, printed) for row in claims.fillna("").astype(str).to_dict("records")]
    return pd.DataFrame(rows, columns=RESULT_COLUMNS)


def of_sources(claims: pd.DataFrame, facts: pd.DataFrame) -> pd.DataFrame:
    """Claims of the publications that the facts come from, so that no table is full of claims about other texts.

    Parameters
    ----------
    facts
        Needs ``source_id``; a claim across sources (``SEED1+SEED4``) stays if one of them is present.
    """
    present = set(facts["source_id"])
    kept = [bool(present & set(str(sources).split("+"))) for sources in claims["source_id"]]
    return claims[pd.Series(kept, index=claims.index, dtype=bool)].reset_index(drop=True)


def touching(audited: pd.DataFrame, region_iso: str) -> pd.DataFrame:
    """Rows of the audit that name this region; national claims (empty region) are not included."""
    named = audited["region_iso"].str.split().map(lambda codes: region_iso in codes)
    return audited[named].reset_index(drop=True)


def counts(audited: pd.DataFrame) -> pd.DataFrame:
    """Number of claims by source and verdict (grain: source), with a total row ``all``."""
    table = pd.crosstab(audited["source_id"], audited["verdict"]).reindex(
        columns=["consistent", "inconsistent", "uncheckable"], fill_value=0
    )
    table.loc["all"] = table.sum()
    table["claims"] = table.sum(axis=1)
    return table.rename_axis(columns=None).reset_index()


def facts_of(claims: pd.DataFrame) -> pd.DataFrame:
    """Which fact plays which role (grain: claim × role × fact), to trace a claim back to its figures."""
    rows = [
        {"claim_id": row["claim_id"], "role": role, "fact_id": term.fact_id}
        for row in claims.fillna("").astype(str).to_dict("records")
        for role, expressions in _read_roles(row["facts"], row["claim_id"]).items()
        for expression in expressions
        for term in expression
        if term.fact_id
    ]
    return pd.DataFrame(rows, columns=["claim_id", "role", "fact_id"]).drop_duplicates(ignore_index=True)


def _require_columns(claims: pd.DataFrame) -> None:
    missing = [column for column in CLAIM_COLUMNS if column not in claims.columns]
    if missing:
        raise ClaimError(f"claims table lacks the columns {', '.join(missing)}")
    repeated = claims.loc[claims["claim_id"].duplicated(), "claim_id"].unique()
    if len(repeated):
        raise ClaimError(f"claim_id given twice: {', '.join(map(str, repeated))}")


def _printed(facts: pd.DataFrame) -> dict[str, dict[str, object]]:
    """Facts by identifier, under the names of this module, numbers as floats."""
    columns = {name: next((c for c in candidates if c in facts.columns), None) for name, candidates in SYNONYMS.items()}
    if columns["fact_id"] is None or columns["value"] is None:
        raise ClaimError("facts table needs observation_id (or fact_id) and value")
    table = pd.DataFrame({name: facts[column] for name, column in columns.items() if column})
    table = table[table["fact_id"].notna() & (table["fact_id"].astype(str) != "")]
    repeated = table.loc[table["fact_id"].duplicated(), "fact_id"].unique()
    if len(repeated):
        raise ClaimError(f"fact given twice: {', '.join(map(str, repeated))}")
    for name in set(table.columns) - {"fact_id", "cmp"}:
        table[name] = pd.to_numeric(table[name], errors="coerce")
    return {str(row["fact_id"]): row for row in table.to_dict("records")}


def _audit_one(claim: dict[str, str], printed: dict[str, dict[str, object]]) -> dict[str, str]:
    name = claim["claim_id"]
    roles = _read_roles(claim["facts"], name)
    used = list(dict.fromkeys(t.fact_id for e in roles.values() for terms in e for t in terms if t.fact_id))
    absent = [fact_id for fact_id in used if fact_id not in printed]
    if absent:
        found = relations.Finding(relations.NONE, "", f"facts not in the table: {', '.join(absent)}")
    else:
        found = _judge(claim, roles, printed)
    return {
        "claim_id": name,
        "source_id": claim["source_id"],
        "quote_id": claim["quote_id"],
        "claim_text": claim.get("claim_text", "") or claim.get("note_ru", ""),
        "relation": claim["relation"],
        "fact_ids": " ".join(used),
        "computed": found.computed,
        "strength": found.strength,
        "verdict": VERDICTS[found.strength],
        "why": found.why,
        "region_iso": claim.get("region_iso", ""),
    }


def _judge(
    claim: dict[str, str],
    roles: dict[str, list[list[Reference]]],
    printed: dict[str, dict[str, object]],
) -> relations.Finding:
    try:
        if claim["relation"] == "not_checkable":
            intervals: dict[str, list[Interval]] = {}
        else:
            intervals = {
                role: [_evaluate(terms, printed) for terms in expressions] for role, expressions in roles.items()
            }
        tolerance = relations.parse_number(claim.get("tolerance", "") or "0")
        return relations.judge(claim["relation"], intervals, _read_params(claim.get("params", "")), tolerance)
    except (KeyError, ValueError) as error:
        detail = error.args[0] if error.args else error
        raise ClaimError(f"claim {claim['claim_id']}: {detail}") from error


def _read_params(text: str) -> dict[str, str]:
    pairs = [pair for pair in text.split(";") if pair.strip()]
    malformed = [pair for pair in pairs if "=" not in pair]
    if malformed:
        raise ValueError(f"parameter {malformed[0].strip()!r} is not of the form name=value")
    return {name.strip(): value.strip() for name, value in (pair.split("=", 1) for pair in pairs)}


def _read_roles(text: str, claim_id: str) -> dict[str, list[list[Reference]]]:
    roles: dict[str, list[list[Reference]]] = {}
    for part in filter(str.strip, text.split(";")):
        role, colon, expressions = part.partition(":")
        if not colon:
            raise ClaimError(f"claim {claim_id}: {part.strip()!r} is not of the form role: facts")
        roles[role.strip()] = [_read_terms(e, claim_id) for e in filter(str.strip, expressions.split(","))]
    return roles


def _read_terms(text: str, claim_id: str) -> list[Reference]:
    terms: list[Reference] = []
    position = 0
    while position < len(text.rstrip()):
        match = _TERM.match(text, position)
        if not match or (terms and not match["sign"]):
            raise ClaimError(f"claim {claim_id}: cannot read {text[position:].strip()!r} in {text.strip()!r}")
        step = relations.parse_number(match["step"]) if match["step"] else None
        literal = float(match["literal"]) if match["literal"] else None
        sign = -1 if match["sign"] == "-" else 1
        terms.append(Reference(sign, match["id"] or "", match["end"] or "value", match["kind"] or "", step, literal))
        position = match.end()
    return terms


def _evaluate(terms: Iterable[Reference], printed: dict[str, dict[str, object]]) -> Interval:
    total = Interval(0.0, 0.0)
    for term in terms:
        interval = _interval(term, printed)
        total = total + (interval if term.sign > 0 else -interval)
    return total


def _interval(term: Reference, printed: dict[str, dict[str, object]]) -> Interval:
    if term.literal is not None:
        return Interval(term.literal, term.literal)
    row = printed[term.fact_id]
    value = _number(row, "value" if term.end == "value" else f"value_{term.end}")
    low, high = _number(row, "value_low"), _number(row, "value_high")
    qualifier = _kind(term, row)
    if not term.kind and qualifier == "exact" and low is not None and high is not None and low < high:
        return Interval(low, high)
    if value is None and low is not None and high is not None:
        return Interval(low, high)
    if value is None:
        raise ValueError(f"fact {term.fact_id} has no number in {term.end}")
    return fact(qualifier, value, term.step)


def _kind(term: Reference, row: dict[str, object]) -> str:
    """Way of printing: the claim's own, else the fact's qualifier; the ends of a change carry none of it."""
    if term.kind:
        return term.kind
    if term.end != "value":
        return "exact"
    written = row.get("cmp", "")
    text = "" if written is None or pd.isna(written) else str(written).strip()  # type: ignore[call-overload]
    if text not in QUALIFIERS:
        raise ValueError(f"fact {term.fact_id}: unknown qualifier {text!r}")
    return QUALIFIERS[text]


def _number(row: dict[str, object], name: str) -> float | None:
    value = row.get(name)
    return None if value is None or pd.isna(value) else float(value)  # type: ignore[call-overload,arg-type]
