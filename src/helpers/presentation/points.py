"""Main points of a report: rules in a fixed order, each a pure function from the result to a sentence or nothing."""

from collections.abc import Callable

from helpers.presentation import wording
from helpers.presentation.results import NationalResult, RegionalResult, Result
from helpers.presentation.results.parts import EffectBlock, EffectResult, Gap
from helpers.presentation.wording.effects import outcome_key

MOST = 6
SAID = ("days", "documents", "visits")  # outcomes in words, one sentence each; the table has all
Rule = Callable[[Result], str]


def change_beyond_noise(result: Result) -> str:
    """Rule 1: the yearly change of the index, if its interval excludes zero."""
    change = result.headline.change
    if change is None or change.value is None or not change.excludes_zero:
        return ""
    return wording.change_point(change, result.lang)


def difference_from_country(result: Result) -> str:
    """Rule 2: the difference from the country, if its interval excludes zero."""
    difference = result.country_difference if isinstance(result, RegionalResult) else None
    if difference is None or difference.value is None or not difference.excludes_zero:
        return ""
    return wording.difference_point(difference, result.lang)


def changed_group(result: Result) -> str:
    """Rule 3: group, stage or MFC level changed."""
    return result.movement if isinstance(result, RegionalResult) else ""


def effect(result: Result) -> str:
    """Rule 4: E1, E2 or E3 of the first outcome, without its assumption; the region's own estimate first."""
    if result.effect is None or not result.effect.results:
        return ""
    if result.effect.regional is not None and result.effect.regional_sentence:
        return result.effect.regional_sentence
    return result.effect.results[0].sentence


def largest_gap(result: Result) -> str:
    """Rule 5, upper half: the process or body furthest above the district, if beyond noise."""
    gaps = [gap for gap in _gaps(result) if (gap.difference.value or 0) > 0]
    return max(gaps, key=lambda gap: gap.difference.value or 0).sentence if gaps else ""


def smallest_gap(result: Result) -> str:
    """Rule 5, lower half: the process or body furthest below the district, if beyond noise."""
    gaps = [gap for gap in _gaps(result) if (gap.difference.value or 0) < 0]
    return min(gaps, key=lambda gap: gap.difference.value or 0).sentence if gaps else ""


def _gaps(result: Result) -> list[Gap]:
    gaps = result.gaps if isinstance(result, RegionalResult) else ()
    return [gap for gap in gaps if gap.difference.excludes_zero]


def times(result: Result) -> str:
    """Rule 6: counts of shorter and longer times."""
    return result.counts.sentence if result.counts else ""


def largest_gain(result: Result) -> str:
    """Rule 7: the first service of the list whose expected gain is beyond noise, called the largest if it is."""
    rows = result.next_services.rows if result.next_services is not None else ()
    sure = next((row for row in rows if row.gain.excludes_zero and (row.gain.value or 0) > 0), None)
    return "" if sure is None else wording.gain_point(sure.name, sure.gain, result.lang, sure is rows[0])


def target(result: Result) -> str:
    """Rule 8: a 2030 target behind or reachable; one that cannot be judged is no point."""
    found = [item for item in result.targets if item.verdict in ("behind", "reachable")]
    found.sort(key=lambda item: (item.verdict != "behind", item.target_id))
    return found[0].sentence if found else ""


RULES: tuple[Rule, ...] = (
    change_beyond_noise,
    difference_from_country,
    changed_group,
    effect,
    largest_gap,
    smallest_gap,
    times,
    largest_gain,
    target,
)


def main_points(result: RegionalResult | NationalResult) -> tuple[str, ...]:
    """The first six rules that fire, in order. Fewer than three are not padded."""
    fired = (rule(result) for rule in RULES)
    return tuple(sentence for sentence in fired if sentence)[:MOST]


def outcomes_in_words(block: EffectBlock) -> tuple[EffectResult, ...]:
    """Outcomes that a reader is told in words: the first, then the first of documents and of visits."""
    found = {outcome_key(block.results[0].outcome): block.results[0]}
    for item in block.results:
        found.setdefault(outcome_key(item.outcome), item)
    first, *rest = found
    return tuple(found[key] for key in (first, *(key for key in rest if key in SAID)))
