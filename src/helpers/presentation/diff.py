"""Page of differences: this run against the previous one of the same or an earlier period, largest change first.

Whether a change is beyond noise is answered yes, no or cannot say: no answer is given across a break, between periods
of different length, or without an interval.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from helpers.presentation import formats, pages, wording
from helpers.presentation.results import RegionalResult, Result
from helpers.presentation.results_estimates import Estimate
from helpers.presentation.results_values import difference
from helpers.presentation.tables_parts import level_text
from helpers.presentation.wording_terms import INTERFACE, pick, term
from helpers.tables import periods

ANSWERS = {
    "yes": ("✓ да", "✓ yes"),
    "no": ("○ нет", "○ no"),
    "cannot_say": ("? сказать нельзя", "? cannot say"),
}
HEAD = (
    ("Регион", "Region", ""),
    ("Было, %", "Before, %", "num"),
    ("Стало, %", "Now, %", "num"),
    ("Изменение, п.\u00a0п.", "Change, pp", "num"),
    ("Границы изменения", "Bounds of the change", "num"),
    ("Границы места: было", "Bounds of the rank: before", "num"),
    ("Границы места: стало", "Bounds of the rank: now", "num"),
    ("За пределами шума", "Beyond noise", ""),
)


@dataclass(frozen=True)
class Change:
    """One report in two runs; a value is None where the run has none."""

    report_id: str
    name: str
    before: Estimate | None
    now: Estimate | None
    change: Estimate | None
    beyond_noise: str  # yes | no | cannot_say
    rank_before: str
    rank_now: str


def changes(before: Mapping[str, Result], now: Mapping[str, Result]) -> tuple[Change, ...]:
    """Reports whose value or rank interval differs between two runs, largest change first, then by name.

    Parameters
    ----------
    before, now : mapping
        Result objects of two runs by report id; reports in one run only are listed last.
    """
    found = [_change(key, before.get(key), now.get(key)) for key in sorted({*before, *now})]
    moved = [item for item in found if item is not None]
    return tuple(sorted(moved, key=lambda item: (_size(item), item.name, item.report_id)))


def _size(item: Change) -> float:
    """Sort key: larger changes first, unknown sizes last."""
    return -abs(item.change.value) if item.change is not None and item.change.value is not None else 1.0


def _change(report_id: str, before: Result | None, now: Result | None) -> Change | None:
    old = before.headline.estimate if before is not None else None
    new = now.headline.estimate if now is not None else None
    ranks = _rank(before), _rank(now)
    is_same = old == new and ranks[0] == ranks[1]
    if is_same:
        return None
    shown = now if now is not None else before
    if shown is None:
        return None
    change = difference(new, old)
    answer = _beyond_noise(change, old, new, before, now)
    return Change(report_id, _name(shown), old, new, change, answer, *ranks)


def _name(result: Result) -> str:
    if isinstance(result, RegionalResult):
        return wording.region_name(result.region, result.lang)
    return term(INTERFACE, "country", result.lang)


def _rank(result: Result | None) -> str:
    block = result.rank if result is not None else None
    if block is None or block.rank_low is None or block.rank_high is None:
        return ""
    return f"{block.rank_low}–{block.rank_high}"


def _beyond_noise(
    change: Estimate | None, old: Estimate | None, new: Estimate | None, before: Result | None, now: Result | None
) -> str:
    if change is None or change.value is None or old is None or new is None or before is None or now is None:
        return "cannot_say"
    if change.value == 0:
        return "no"
    is_revision = before.period == now.period
    if not is_revision and not _is_comparable(before, now):
        return "cannot_say"
    if not change.has_interval:
        return "cannot_say"
    if change.excludes_zero:
        return "yes"
    # Two runs of one period share their data, so that independent errors overstate the noise.
    return "cannot_say" if is_revision else "no"


def _is_comparable(before: Result, now: Result) -> bool:
    """Whether the report itself states a comparable change from the earlier period."""
    stated = now.headline.change is not None and now.headline.change_from == before.period
    return stated and periods.is_comparable(before.period, now.period)


def page(before: Mapping[str, Result], now: Mapping[str, Result], lang: str) -> str:
    """HTML of ``diff.html`` for the reports in one language.

    Raises
    ------
    ValueError
        If this run has no result.
    """
    own = {key: result for key, result in now.items() if result.lang == lang}
    old = {key: result for key, result in before.items() if result.lang == lang}
    if not own:
        raise ValueError(f"no result in language {lang!r}")
    first = next(iter(own.values()))
    found = changes(old, own) if old else ()
    earlier = next(iter(old.values())).period_label if old else ""
    heading = pick(("Что изменилось", "What changed"), lang)
    context = {
        "page": {
            "lang": lang,
            "title": f"{term(INTERFACE, 'project', lang)}: {heading[0].lower()}{heading[1:]}, {first.period_label}",
            "description": heading,
            "heading": heading,
            "kicker": term(INTERFACE, "project", lang),
            "period_label": first.period_label,
            "edition": first.edition_label,
            "banner": first.banner,
            "foot": f"{heading}, {first.period_label}",
            "wide": True,
        },
        "intro": _intro(old, found, earlier, lang),
        "caption": pick((f"Изменения: {len(found)}", f"Changes: {len(found)}"), lang),
        "columns": [(pick((russian, english), lang), css) for russian, english, css in HEAD],
        "rows": [_cells(item, lang) for item in found],
        "index": pick(("Все отчёты", "All reports"), lang),
    }
    return pages.render("release_diff.html.j2", context)


def _intro(old: Mapping[str, Result], found: tuple[Change, ...], earlier: str, lang: str) -> str:
    if not old:
        return pick(("Прежнего выпуска нет: сравнивать не с чем.", "There is no earlier issue to compare with."), lang)
    ru = f"Сравнение с прежним выпуском ({earlier}); отчётов, где значение или место изменилось: {len(found)}."
    en = f"Against the earlier issue ({earlier}); reports whose value or rank changed: {len(found)}."
    return pick((ru, en), lang)


def _cells(item: Change, lang: str) -> tuple[tuple[str, str], ...]:
    missing = formats.missing(lang)
    change = missing if item.change is None else formats.number(item.change.value, lang, sign=True)
    has_bounds = item.change is not None and item.change.has_interval
    bounds = formats.change_span(item.change.low, item.change.high, lang) if item.change and has_bounds else missing
    return (
        (item.name, ""),
        (level_text(item.before, lang), "num"),
        (level_text(item.now, lang), "num"),
        (change, "num"),
        (bounds, "num"),
        (item.rank_before or missing, "num"),
        (item.rank_now or missing, "num"),
        (pick(ANSWERS[item.beyond_noise], lang), ""),
    )
