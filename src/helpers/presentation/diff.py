"""Page of differences: this run against the previous one of the same or an earlier period, largest change first.

Everything that a report states as a number or a group is compared (`diff_measures`), each kind in a table of its own,
because points, days and percentages have no common size. Whether a change is beyond noise is answered yes, no or cannot
say: no answer is given across a break, between periods of different length, or without an interval; and where periods
may not be compared, no difference is drawn between them.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from helpers.presentation import formats, pages, wording
from helpers.presentation.diff_measures import KINDS, Measure, measures
from helpers.presentation.results import RegionalResult, Result
from helpers.presentation.results.estimates import Estimate
from helpers.presentation.results.values import difference
from helpers.presentation.tables.out import neutral
from helpers.presentation.wording.terms import INTERFACE, pick, term
from helpers.tables import periods

ANSWERS = {
    "yes": ("✓ да", "✓ yes"),
    "no": ("○ нет", "○ no"),
    "cannot_say": ("? сказать нельзя", "? cannot say"),
}
HEAD = (
    ("Регион", "Region", ""),
    ("Показатель", "Measure", ""),
    ("Изменение", "Change", "num"),
    ("За пределами шума", "Beyond noise", ""),
    ("Было", "Before", "num"),
    ("Стало", "Now", "num"),
    ("Границы изменения", "Bounds of the change", "num"),
)
COLUMNS = (
    "report_id", "name", "kind", "measure", "before", "now", "value_before", "value_now", "change", "change_low",
    "change_high", "unit", "beyond_noise",
)  # fmt: skip
MOST_ROWS = 60  # of one table; the file beside the page has all
MOST_ONE_SIDED = 10  # rows of what only one of the runs has


@dataclass(frozen=True)
class Change:
    """One measure of one report in two runs; a side is None where that run has no such measure."""

    report_id: str
    name: str
    before: Measure | None
    now: Measure | None
    change: Estimate | None
    beyond_noise: str  # yes | no | cannot_say

    @property
    def measure(self) -> Measure:
        """The measure of this run, else of the run before."""
        found = self.now or self.before
        assert found is not None
        return found


def changes(before: Mapping[str, Result], now: Mapping[str, Result]) -> tuple[Change, ...]:
    """Measures that differ between two runs: kind by kind, the largest change first, then by name.

    Parameters
    ----------
    before, now : mapping
        Result objects of two runs by report id; reports in one run only are named by `appeared`.
    """
    found = [change for key in sorted(before.keys() & now.keys()) for change in _changes_of(key, before[key], now[key])]
    order = list(KINDS)
    return tuple(
        sorted(found, key=lambda item: (order.index(item.measure.kind), _size(item), item.name, item.report_id))
    )


def appeared(before: Mapping[str, Result], now: Mapping[str, Result]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the reports that this run has and the run before had not, and the reverse."""
    new = sorted(_name(now[key]) for key in now.keys() - before.keys())
    gone = sorted(_name(before[key]) for key in before.keys() - now.keys())
    return tuple(new), tuple(gone)


def participants(before: Mapping[str, Result], now: Mapping[str, Result]) -> tuple[set[str], set[str]]:
    """Regions ranked in each run, as codes; empty where no report has a league."""
    return _ranked(before), _ranked(now)


def _ranked(results: Mapping[str, Result]) -> set[str]:
    return {row.code for result in results.values() if result.rank is not None for row in result.rank.rows}


def _size(item: Change) -> float:
    """Sort key: larger changes first, unknown sizes last."""
    return -abs(item.change.value) if item.change is not None and item.change.value is not None else 1.0


def _changes_of(report_id: str, before: Result, now: Result) -> list[Change]:
    old, new = measures(before), measures(now)
    found = []
    for key in dict.fromkeys((*new, *old)):
        first, last = old.get(key), new.get(key)
        if first is not None and last is not None and _same(first, last):
            continue
        change = _difference(first, last, before, now)
        answer = _beyond_noise(change, before, now)
        subject = (last or first or Measure("", "", "", "")).subject
        found.append(Change(report_id, subject or _name(now), first, last, change, answer))
    return found


def _same(first: Measure, last: Measure) -> bool:
    """Equal as printed and, to nine digits, as numbers; the period of a value alone is no change."""
    if first.text != last.text:
        return False
    pairs = [
        (getattr(first.estimate, name, None), getattr(last.estimate, name, None)) for name in ("value", "low", "high")
    ]
    return all(a == b or (a is not None and b is not None and abs(a - b) < 1e-9) for a, b in pairs)


def _difference(first: Measure | None, last: Measure | None, before: Result, now: Result) -> Estimate | None:
    """Now minus before in the unit of the measure; None where the periods may not be compared."""
    if first is None or last is None:
        return None
    if last.key == "index" and before.period != now.period and not _is_comparable(before, now):
        return None
    if before.period != now.period and not periods.is_comparable(before.period, now.period):
        return None
    if first.estimate is not None and last.estimate is not None and first.estimate.unit != last.estimate.unit:
        return None
    found = difference(last.estimate, first.estimate)
    if found is None or last.estimate is None:
        return None
    unit = last.estimate.unit
    return replace(found, unit="pp" if unit in ("percent", "percent_change", "pp") else unit)


def _name(result: Result) -> str:
    if isinstance(result, RegionalResult):
        return wording.region_name(result.region, result.lang)
    return term(INTERFACE, "country", result.lang)


def _beyond_noise(change: Estimate | None, before: Result, now: Result) -> str:
    if change is None or change.value is None or not change.has_interval:
        return "cannot_say"
    if change.excludes_zero:
        return "yes"
    # Two runs of one period share their data, so that independent errors overstate the noise.
    return "cannot_say" if before.period == now.period else "no"


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
    own, old = _in(now, lang), _in(before, lang)
    if not own:
        raise ValueError(f"no result in language {lang!r}")
    first = next(iter(own.values()))
    found = changes(old, own)
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
        "intro": _intro(old, own, found, lang),
        "sections": _sections(found, lang),
        "index": pick(("Все отчёты", "All reports"), lang),
        "file": pick(("Все изменения файлом", "All changes as a file"), lang) if found else "",
    }
    return pages.render("release_diff.html.j2", context)


def file(before: Mapping[str, Result], now: Mapping[str, Result], lang: str) -> str:
    """All changes as CSV text: one row a measure of a report, numbers with a decimal point."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for item in changes(_in(before, lang), _in(now, lang)):
        old, new = (side.estimate.value if side and side.estimate else None for side in (item.before, item.now))
        bounds = item.change or Estimate(None)
        known = (item.report_id, item.name, item.measure.kind, item.measure.label)
        texts = (item.before.text if item.before else "", item.now.text if item.now else "")
        numbers = ("" if x is None else repr(x) for x in (old, new, bounds.value, bounds.low, bounds.high))
        writer.writerow([*map(neutral, (*known, *texts)), *numbers, bounds.unit, item.beyond_noise])
    return "\ufeff" + buffer.getvalue()


def _in(results: Mapping[str, Result], lang: str) -> dict[str, Result]:
    return {key: result for key, result in results.items() if result.lang == lang}


def _intro(old: Mapping[str, Result], own: Mapping[str, Result], found: Sequence[Change], lang: str) -> list[str]:
    """What is compared, how much changed and how much of it beyond noise, who came and who left."""
    if not old:
        return [
            pick(("Прежнего выпуска нет: сравнивать не с чем.", "There is no earlier issue to compare with."), lang)
        ]
    earlier = next(iter(old.values())).period_label
    beyond = sum(item.beyond_noise == "yes" for item in found)
    said = [
        pick(
            (
                f"Сравнение с прежним выпуском ({earlier}). Изменения: {len(found)}, за пределами шума: {beyond}.",
                f"Against the earlier issue ({earlier}). Changes: {len(found)}, beyond noise: {beyond}.",
            ),
            lang,
        )
    ]
    if any(item.beyond_noise == "cannot_say" for item in found):
        said.append(
            pick(
                (
                    "«Сказать нельзя» — у числа нет интервала, ряд прерван или оба выпуска посчитаны по одним данным.",
                    "“Cannot say”: the number has no interval, the series is broken, or both issues share their data.",
                ),
                lang,
            )
        )
    new, gone = appeared(old, own)
    for names, label in ((new, ("Появились", "New")), (gone, ("Исчезли", "Gone"))):
        if names:
            said.append(f"{pick(label, lang)}: {', '.join(names)}.")
    was, now = participants(old, own)
    if was and now and was != now:
        ru = f"Участников рейтинга было {len(was)}, стало {len(now)}: места разных выпусков не сравнимы."
        en = f"Participants of the rating: {len(was)} before, {len(now)} now; ranks are not comparable."
        said.append(pick((ru, en), lang))
    return said


def _sections(found: Sequence[Change], lang: str) -> list[dict[str, object]]:
    """A table for each kind that has changes; a long one is cut, and says so."""
    sections: list[dict[str, object]] = []
    for number, (kind, title) in enumerate(KINDS.items()):
        own = [item for item in found if item.measure.kind == kind]
        if not own:
            continue
        both = [item for item in own if item.before is not None and item.now is not None]
        shown = both[:MOST_ROWS] + [item for item in own if item not in both][:MOST_ONE_SIDED]
        rest = len(own) - len(shown)
        cells = [_cells(item, lang) for item in shown]
        told = [i for i in range(len(HEAD)) if {row[i][0] for row in cells} != {formats.missing(lang)}]
        note = pick((f"Ещё изменений: {rest}; все — в файле.", f"{rest} more changes; the file has all."), lang)
        sections.append(
            {
                "anchor": f"kind-{number}",
                "title": pick(title, lang),
                "caption": f"{pick(title, lang)}, {pick(('изменений', 'changes'), lang)}: {len(own)}",
                "columns": [(pick(HEAD[i][:2], lang), HEAD[i][2]) for i in told],
                "rows": [[row[i] for i in told] for row in cells],
                "rest": note if rest > 0 else "",
            }
        )
    return sections


def _cells(item: Change, lang: str) -> tuple[tuple[str, str], ...]:
    missing = formats.missing(lang)
    change, bounds = missing, missing
    if item.change is not None and item.change.value is not None:
        unit = item.change.unit
        places = max(formats.decimals_for(unit), min(formats.decimals_of(item.change.value), 1))
        change = formats.quantity(
            item.change.value, unit, lang, wording.visible_decimals(item.change.value, places), True
        )
        if item.change.has_interval:
            bounds = formats.change_span(item.change.low, item.change.high, lang)
    return (
        (item.name, ""),
        (item.measure.label, ""),
        (change, "num"),
        (pick(ANSWERS[item.beyond_noise], lang), ""),
        (item.before.text if item.before else missing, "num"),
        (item.now.text if item.now else missing, "num"),
        (bounds, "num"),
    )
