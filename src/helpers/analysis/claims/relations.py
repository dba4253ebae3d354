"""The fourteen relations of the claim audit: does a statement hold always, possibly or never?

Each relation compares a quantity, known as an interval, with a target interval: inside is *always*, disjoint is
*never*, the rest *possible*. A relation that states nothing returns an empty strength.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from helpers.analysis.claims.intervals import Interval, number

Roles = Mapping[str, Sequence[Interval]]
Params = Mapping[str, str]

ALWAYS, POSSIBLE, NEVER, NONE = "always", "possible", "never", ""


@dataclass(frozen=True)
class Finding:
    """What one relation found: strength, the computed quantity as text, and why in one line."""

    strength: str
    computed: str
    why: str


def judge(relation: str, roles: Roles, params: Params, tolerance: float) -> Finding:
    """Evaluate one relation.

    Parameters
    ----------
    relation
        A key of :data:`RELATIONS`.
    roles
        Role name to its intervals, in the order of the claim.
    params
        Parameters as text; numbers may be fractions such as ``1/3``.
    tolerance
        Absolute tolerance in the unit of the compared quantity.

    Raises
    ------
    KeyError
        For an unknown relation, or when a role or parameter that the relation needs is missing.
    """
    if relation not in RELATIONS:
        raise KeyError(f"unknown relation {relation!r}; one of {', '.join(sorted(RELATIONS))}")
    return RELATIONS[relation](roles, params, tolerance)


def parse_number(text: str) -> float:
    """Number of a parameter: ``0.02``, ``-0.5`` or ``1/3``."""
    return float(Fraction(text.strip()))


def compare(quantity: Interval, target: Interval) -> str:
    """*always* if the quantity lies inside the target, *never* if they do not meet, else *possible*."""
    if quantity.within(target):
        return ALWAYS
    return NEVER if quantity.misses(target) else POSSIBLE


def weakest(strengths: Sequence[str]) -> str:
    """Strength of a conjunction."""
    if not strengths:
        return NONE
    return max(strengths, key=(ALWAYS, POSSIBLE, NEVER).index)


def _get(roles: Roles, role: str) -> Sequence[Interval]:
    if not roles.get(role):
        raise KeyError(f"the relation needs the role {role!r}")
    return roles[role]


def _param(params: Params, name: str) -> float:
    if name not in params:
        raise KeyError(f"the relation needs the parameter {name!r}")
    return parse_number(params[name])


def _total(intervals: Sequence[Interval]) -> Interval:
    total = Interval(0.0, 0.0)
    for interval in intervals:
        total = total + interval
    return total


def _terms(intervals: Sequence[Interval]) -> str:
    text = " + ".join(interval.text() for interval in intervals)
    return text if len(intervals) == 1 else f"{text} = {_total(intervals).text()}"


def _around(value: float, tolerance: float) -> Interval:
    return Interval(value - tolerance, value + tolerance)


def _at_least(value: float, is_strict: bool = False) -> Interval:
    return Interval(value, math.inf, low_open=is_strict)


def _verdict_sign(strength: str) -> str:
    return {ALWAYS: "holds", POSSIBLE: "may hold", NEVER: "cannot hold"}[strength]


def _finding(strength: str, computed: str, expected: str) -> Finding:
    return Finding(strength, computed, f"{expected}: {_verdict_sign(strength)}")


def _sum_equals(roles: Roles, _: Params, tolerance: float) -> Finding:
    parts, total = _get(roles, "parts"), _total(_get(roles, "total"))
    difference = _total(parts) - total
    strength = compare(difference, _around(0.0, tolerance))
    sign = "≠" if strength == NEVER else "="
    text = f"{_terms(parts)} {sign} {total.text()}" if len(parts) == 1 or sign == "≠" else _terms(parts)
    return _finding(strength, text, f"sum minus total {difference.text()}, tolerance {number(tolerance)}")


def _conserved(roles: Roles, _: Params, tolerance: float) -> Finding:
    before, after = _get(roles, "before"), _get(roles, "after")
    difference = _total(after) - _total(before)
    strength = compare(difference, _around(0.0, tolerance))
    text = f"{_terms(before)} → {_terms(after)}"
    return _finding(strength, text, f"after minus before {difference.text()}, tolerance {number(tolerance)}")


def _diff_over(roles: Roles, params: Params, _: float) -> Finding:
    difference = _total(_get(roles, "to")) - _total(_get(roles, "from"))
    least = _param(params, "min")
    strength = compare(difference, _at_least(least, is_strict=True))
    return _finding(strength, difference.text(), f"difference > {number(least)}")


def _quotient_near(numerator: str, denominator: str) -> Callable[[Roles, Params, float], Finding]:
    def relation(roles: Roles, params: Params, tolerance: float) -> Finding:
        quotient = _total(_get(roles, numerator)) / _total(_get(roles, denominator))
        value = _param(params, "value")
        strength = compare(quotient, _around(value, tolerance))
        expected = f"{numerator} / {denominator} = {number(value)} ± {number(tolerance)}"
        return _finding(strength, quotient.text(), expected)

    return relation


def _relative_change(roles: Roles, params: Params, tolerance: float) -> Finding:
    change = _total(_get(roles, "to")) / _total(_get(roles, "from")) - Interval(1.0, 1.0)
    value = _param(params, "value")
    strength = compare(change, _around(value, tolerance))
    expected = f"to / from − 1 = {number(value)} ± {number(tolerance)}"
    return _finding(strength, change.text(), expected)


def _share_of_integers(roles: Roles, params: Params, _: float) -> Finding:
    whole = _total(_get(roles, "whole"))
    percent, digits = _param(params, "pct"), int(_param({"digits": "0", **params}, "digits"))
    step = 10.0**-digits
    first, last = max(1, math.ceil(whole.low)), whole.high
    # From n = 100 / step on, neighbouring shares are closer than the printed step: any share is possible.
    certain_from = math.ceil(100 / step)
    last_checked = int(min(last, certain_from)) if math.isfinite(last) else certain_from
    hits = {n: _numerator(n, percent, step) for n in range(first, last_checked + 1)}
    found = [n for n, numerator in hits.items() if numerator is not None]
    if first >= certain_from or (hits and len(found) == len(hits)):
        strength = ALWAYS
    else:
        strength = POSSIBLE if found else NEVER
    text = "; ".join(f"{hits[n]} / {n} = {number(round(100 * hits[n] / n, 2))}" for n in found[:3])  # type: ignore[operator]
    return _finding(strength, text or whole.text(), f"some whole number gives {number(percent)} per cent")


def _numerator(n: int, percent: float, step: float) -> int | None:
    nearest = round(percent * n / 100)
    for k in (nearest, nearest - 1, nearest + 1):
        if 0 <= k <= n and math.floor(100 * k / n / step + 0.5) == round(percent / step):
            return k
    return None


def _subset(roles: Roles, _: Params, __: float) -> Finding:
    part, whole = _total(_get(roles, "part")), _total(_get(roles, "whole"))
    strength = compare(whole - part, _at_least(0.0))
    sign = ">" if strength == NEVER else "≤"
    return _finding(strength, f"{part.text()} {sign} {whole.text()}", "part ≤ whole")


def _ordered_desc(roles: Roles, _: Params, __: float) -> Finding:
    values = _get(roles, "list")
    if len(values) < 2:
        raise KeyError("ordered_desc needs two values or more")
    positive = _at_least(0.0, is_strict=True)
    pairs = pairwise(values)
    strength = weakest([compare(high - low, positive) for high, low in pairs])
    return _finding(strength, " > ".join(value.text() for value in values), "each next is smaller")


def _in_range(roles: Roles, params: Params, _: float) -> Finding:
    target = Interval(_param(params, "lo"), _param(params, "hi"))
    values = _get(roles, "x")
    strength = weakest([compare(value, target) for value in values])
    return _finding(strength, "; ".join(value.text() for value in values), f"within {target.text()}")


def _mean_in_range(roles: Roles, _: Params, __: float) -> Finding:
    mean = _total(_get(roles, "mean"))
    lows, highs = roles.get("min", ()), roles.get("max", ())
    if not lows and not highs:
        raise KeyError("mean_in_range needs the role 'min' or 'max'")
    checks = [compare(mean - low, _at_least(0.0)) for low in lows]
    checks += [compare(high - mean, _at_least(0.0)) for high in highs]
    text = " ≤ ".join(part for part in (" ; ".join(i.text() for i in lows), mean.text(), _distinct(highs)) if part)
    return _finding(weakest(checks), text, "min ≤ mean ≤ max")


def _distinct(intervals: Sequence[Interval]) -> str:
    return "; ".join(dict.fromkeys(interval.text() for interval in intervals))


def _unit_is(_: Roles, params: Params, __: float) -> Finding:
    missing = {"found", "expected"} - set(params)
    if missing:
        raise KeyError(f"unit_is needs the parameters {', '.join(sorted(missing))}")
    strength = ALWAYS if params["found"] == params["expected"] else NEVER
    return _finding(strength, params["found"], f"unit {params['expected']}")


def _coverage_is_full(roles: Roles, _: Params, __: float) -> Finding:
    share = _total(_get(roles, "part")) / _total(_get(roles, "whole"))
    return _finding(compare(share, _at_least(1.0)), share.text(), "part / whole ≥ 1")


def _not_checkable(_: Roles, params: Params, __: float) -> Finding:
    return Finding(NONE, "", params.get("reason", "no relation is stated"))


RELATIONS: dict[str, Callable[[Roles, Params, float], Finding]] = {
    "sum_equals": _sum_equals,
    "conserved": _conserved,
    "diff_over": _diff_over,
    "ratio_equals": _quotient_near("num", "den"),
    "relative_change": _relative_change,
    "share_equals": _quotient_near("part", "whole"),
    "share_of_integers": _share_of_integers,
    "subset": _subset,
    "ordered_desc": _ordered_desc,
    "in_range": _in_range,
    "mean_in_range": _mean_in_range,
    "unit_is": _unit_is,
    "coverage_is_full": _coverage_is_full,
    "not_checkable": _not_checkable,
}
