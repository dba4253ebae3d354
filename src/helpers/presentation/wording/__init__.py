"""Sentences by id in Russian and English: headline, comparisons, ranks, effects, counts, with their softening.

Every function is pure: numbers and names in, finished sentence out, or the empty string where nothing may be said.
Names stand in the nominative, the genitive or after their own preposition, as the register of regions gives them.
"""

from helpers.presentation import formats
from helpers.presentation.formats import NBSP
from helpers.presentation.results.estimates import Estimate, Region
from helpers.presentation.wording.sentences import SENTENCES
from helpers.presentation.wording.terms import GROUPS, INTERVALS, STAGES, english, pick, term

MAX_HEADLINE = 160
ABBREVIATION = (("МФЦ", "MFC"), ("многофункциональных центров (МФЦ)", "multifunctional-centre (MFC)"))


def fill(sentence_id: str, lang: str, **fields: object) -> str:
    """A sentence of the dictionary with its fields; values are inserted literally."""
    return one_stop(pick(SENTENCES[sentence_id], lang).format(NBSP=NBSP, **fields))


def one_stop(sentence: str) -> str:
    """A sentence that ends in an abbreviation («п. п.», «г.») takes no second full stop."""
    sentence = sentence.replace(f"п.{NBSP}п..", f"п.{NBSP}п.")
    return sentence[:-1] if sentence.endswith("..") else sentence


def level(estimate: Estimate, lang: str) -> str:
    """Value with unit as precise as it is known: «61,3 %», «64,54 %», «более 70 %», «около 6 000»."""
    unit = estimate.unit
    if estimate.interval_kind == "published_bound":
        return _bound(estimate, lang)
    if estimate.interval_kind == "rounding" or unit not in ("percent", "percent_change", "pp"):
        places = formats.decimals_of(estimate.value)
        places = max(places, 1) if unit.endswith("day") and estimate.interval_kind != "rounding" else places
        return formats.quantity(estimate.value, unit, lang, places)
    return formats.quantity(estimate.value, unit, lang)


def _bound(estimate: Estimate, lang: str) -> str:
    low, high, value = estimate.low, estimate.high, estimate.value
    is_below = high is not None and (low is None or (low == 0 and value in (None, high)))
    is_above = low is not None and (high is None or value in (None, low))
    known = high if is_below else low if is_above else value
    case = "genitive" if is_below or is_above else "nominative"
    text = formats.quantity(known, estimate.unit, lang, formats.decimals_of(known), case=case)
    if is_below:
        return f"менее{NBSP}{text}" if lang == "ru" else f"less than {text}"
    if is_above:
        return f"более{NBSP}{text}" if lang == "ru" else f"more than {text}"
    return text


def interval(estimate: Estimate, lang: str) -> str:
    """Interval with the name of its kind, without brackets; empty where none exists."""
    if not estimate.has_interval:
        return ""
    unit, kind = estimate.unit, estimate.interval_kind
    if kind == "rounding":
        places = formats.decimals_of(estimate.value) + 1
    else:
        places = formats.decimals_for(unit)
    name = pick(INTERVALS[kind], lang)
    if kind == "sampling_95":
        return f"{name} {formats.span(estimate.low, estimate.high, lang, places)}"  # falls back to «от … до …» below 0
    if kind == "published_bound":
        return name
    after = formats.unit_after(estimate.high, unit, lang, places, "genitive")
    return f"{name}: {formats.change_span(estimate.low, estimate.high, lang, places)}{after}"


def bounds(estimate: Estimate, lang: str, places: int = 1) -> str:
    """`` (от 0,3 до 4,5)`` for a change or difference, empty without an interval."""
    if not estimate.has_interval:
        return ""
    places = apart_decimals(estimate, places)
    return f" ({formats.change_span(estimate.low, estimate.high, lang, places)})"


def magnitudes(estimate: Estimate, lang: str, places: int) -> str:
    """`` (от 0,3 до 4,5)`` for the size of a change whose direction the sentence names."""
    if not estimate.has_interval:
        return ""
    low, high = estimate.low, estimate.high
    if (estimate.value or 0) < 0:
        low, high = -(high or 0), -(low or 0)
    places = apart_decimals(estimate, places)
    return f" ({formats.change_span(low, high, lang, places)})"


def apart_decimals(estimate: Estimate, places: int, most: int = 3) -> int:
    """Decimals at which the two ends of a narrow interval print differently."""
    low, high = estimate.low, estimate.high
    while low != high and places < most and formats.rounded(low, places) == formats.rounded(high, places):
        places += 1
    return places


def visible_decimals(value: formats.Number, places: int = 1, most: int = 4) -> int:
    """Decimals at which a value other than zero does not print as zero."""
    exact = formats.exact(value)
    while exact and places < most and formats.rounded(exact, places) == 0:
        places += 1
    return places


def index_sentence(
    of: str,
    estimate: Estimate,
    lang: str,
    change: Estimate | None = None,
    previous: str = "",
    reason: str = "",
) -> tuple[str, str, str]:
    """Headline H1, H2 or H3 of at most 160 characters.

    Parameters
    ----------
    of : str
        Name in the genitive (Russian) or as it stands after "of" (English).
    change : Estimate, optional
        Comparable yearly change in percentage points.
    previous, reason : str
        Words of the earlier period and why it cannot be compared.

    Returns
    -------
    tuple of str
        Sentence id, sentence, and a second sentence that did not fit (to be put into the lead), else empty.
    """
    base_id = "H1" if estimate.interval_kind == "sampling_95" else "H2"
    tails = [""]
    sentence_id = base_id
    if change is not None and change.value is not None:
        tails, sentence_id = [_change_tail(change, lang)], "H1" if base_id == "H1" else "H2"
    elif previous and reason:
        tails = [fill("H3_reason", lang, previous=previous, reason=reason), "."]
        sentence_id = "H3"
    for tail in tails:
        for index in (("Индекс клиентоцентричности", "client-centricity index"), ("Индекс", "index")):
            text = one_stop(_index_base(of, estimate, lang, pick(index, lang)) + (tail or "."))
            if len(text) <= MAX_HEADLINE:
                spill = ""
                if sentence_id == "H3" and tail == ".":
                    spill = fill("H3_alone", lang, previous=previous, reason=reason)
                return sentence_id, text, spill
    return sentence_id, text, ""


def _index_base(of: str, estimate: Estimate, lang: str, index: str) -> str:
    words = interval(estimate, lang)
    return fill(
        "H_base", lang, index=index, of=of, value=level(estimate, lang), interval=f" ({words})" if words else ""
    )


def _change_tail(change: Estimate, lang: str) -> str:
    value = formats.quantity(change.value, "pp", lang, sign=True)
    if lang == "ru":
        return fill("H1_change", lang, change=value, bounds=bounds(change, lang))
    rounded = formats.rounded(change.value) or 0
    size = formats.quantity(formats.magnitude(rounded), "pp", lang)
    direction = "unchanged" if rounded == 0 else f"{'up' if rounded > 0 else 'down'} {size}"
    return fill("H1_change", lang, direction=direction, bounds=bounds(change, lang))


def no_data(of: str, period: str, lang: str, is_partial: bool = False) -> str:
    """H4: nothing was published; with ``is_partial`` other figures of the region are known."""
    return fill("H4_partial" if is_partial else "H4", lang, of=of, period=formats.period_in_text(period, lang))


def country_headline(estimate: Estimate, lang: str) -> str:
    """Mean of the country with its interval."""
    words = interval(estimate, lang)
    return fill("H_country", lang, value=level(estimate, lang), interval=f" ({words})" if words else "")


def last_value(estimate: Estimate, lang: str) -> str:
    """The latest value of a region that has none in the release period."""
    return fill("H_last", lang, value=level(estimate, lang), period=formats.period(estimate.period, lang))


def comparison_id(difference: Estimate, smallest: float) -> str:
    """L1, L2 or L3: the interval of the *difference* decides, never the overlap of two intervals."""
    if difference.excludes_zero:
        return "L1"
    if not difference.has_interval:
        return "L3"
    inside = max(abs(difference.low or 0), abs(difference.high or 0)) <= smallest
    return "L2" if inside else "L3"


def compared(
    reference: Estimate, difference: Estimate, lang: str, smallest: float, scope: str = "country", name: str = ""
) -> tuple[str, str]:
    """Sentence id and sentence that sets the region against the country or its district.

    Parameters
    ----------
    reference : Estimate
        Level of the country or district, in per cent.
    difference : Estimate
        Region minus reference, percentage points, with its interval.
    smallest : float
        Smallest difference that matters, percentage points.
    scope : str
        ``country`` or ``district``.
    name : str
        District in the genitive (Russian) or as it is (English).
    """
    if difference.value is None or not difference.has_interval:
        return "", ""
    sentence_id = comparison_id(difference, smallest)
    value = level(reference, lang)
    if sentence_id == "L2":
        country = ("среднего по России", "the Russian mean")
        text = pick(country, lang) if scope == "country" else name
        return sentence_id, fill("L2", lang, reference=text, level=value)
    text = pick(
        ("среднего по России", "the Russian mean")
        if scope == "country"
        else ("среднего по округу", "the district mean"),
        lang,
    )
    if sentence_id == "L3":
        span = formats.change_span(difference.low, difference.high, lang)
        return sentence_id, fill("L3", lang, reference=text, level=value, bounds=span)
    places = visible_decimals(difference.value)
    size = formats.quantity(formats.magnitude(difference.value), "pp", lang, places)
    return sentence_id, fill(
        "L1",
        lang,
        word=above(difference.value, lang),
        reference=text,
        level=value,
        difference=size,
        bounds=magnitudes(difference, lang, places),
    )


def compared_with_both(
    district: Estimate, gap: Estimate, country: Estimate, country_gap: Estimate, lang: str, smallest: float
) -> str:
    """One sentence where neither comparison can be told (twice L3); empty where either can."""
    if any(not item.has_interval or comparison_id(item, smallest) != "L3" for item in (gap, country_gap)):
        return ""
    first, second = (formats.change_span(item.low, item.high, lang) for item in (gap, country_gap))
    levels = {"district": level(district, lang), "country": level(country, lang)}
    return fill("L3_both", lang, **levels, first=first, second=second)


def above(value: float, lang: str) -> str:
    """«выше» or «ниже»."""
    return pick(("выше", "above") if value > 0 else ("ниже", "below"), lang)


def counts(n: int, shorter: int, longer: int, lang: str) -> str:
    """P1: how many services became faster and slower, counts before any share."""
    if lang == "en":
        return fill("P1", lang, shorter=shorter, n=n, longer=longer)
    text = formats.count(shorter, "service", lang, case="genitive")
    return fill("P1", lang, shorter=text, n=formats.number(n, lang, 0), longer=formats.number(longer, lang, 0))


def suppressed(n: int, lang: str) -> str:
    """P1 for fewer than five services."""
    return fill("P1_suppressed", lang, n=n)


def share(part: int, whole: int, lang: str) -> str:
    """Counts first: «7 из 12 (58 %)»; a share of fewer than five is not shown."""
    text = f"{part} {pick(('из', 'of'), lang)} {whole}"
    if whole < 5:
        return text
    return f"{text} ({formats.quantity(100 * part / whole, 'percent', lang, 0)})"


def change_point(change: Estimate, lang: str) -> str:
    """Main point 1."""
    places = visible_decimals(change.value)
    size = formats.quantity(formats.magnitude(change.value), "pp", lang, places)
    verb = pick(("вырос", "rose") if (change.value or 0) > 0 else ("снизился", "fell"), lang)
    return fill("M1", lang, verb=verb, change=size, bounds=magnitudes(change, lang, places))


def changes_beside(changes: list[tuple[str, Estimate]], lang: str) -> str:
    """Changes of the areas around a region in the same year, so that its own is read against them; empty if none."""
    shown = []
    for name, change in changes:
        size = formats.quantity(change.value, "pp", lang, visible_decimals(change.value), sign=True)
        shown.append(f"{name} {size}{bounds(change, lang)}")
    return fill("M1_beside", lang, changes="; ".join(shown)) if shown else ""


def difference_point(difference: Estimate, lang: str) -> str:
    """Main point 2."""
    places = visible_decimals(difference.value)
    size = formats.quantity(formats.magnitude(difference.value), "pp", lang, places)
    word = above(difference.value or 0, lang)
    return fill("M2", lang, word=word, difference=size, bounds=magnitudes(difference, lang, places))


def gap_point(name: str, difference: Estimate, lang: str) -> str:
    """Main point 5: one process or body against the district."""
    places = visible_decimals(difference.value)
    size = formats.quantity(formats.magnitude(difference.value), "pp", lang, places)
    word = above(difference.value or 0, lang)
    return fill("M5", lang, name=name, word=word, difference=size, bounds=magnitudes(difference, lang, places))


def gain_point(name: str, gain: Estimate, lang: str, is_largest: bool = True) -> str:
    """Main point 7: the service with the largest expected gain (or the largest beyond noise), named literally."""
    places = visible_decimals(gain.value, 0)
    return fill(
        "M7" if is_largest else "M7_sure",
        lang,
        name=formats.quoted(name, lang),
        gain=formats.quantity(gain.value, gain.unit, lang, places),
        bounds=bounds(gain, lang, places),
    )


def target_point(name: str, year: int, verdict: str, lang: str) -> str:
    """Main point 8."""
    return fill(f"M8_{verdict}", lang, name=name, year=year)


def group_word(group: str, lang: str) -> str:
    """«высокая», «средняя», «низкая»."""
    return term(GROUPS, group, lang)


def stage_word(stage: str, lang: str) -> str:
    """«продвинутый»."""
    return term(STAGES, stage, lang)


def moved(kind: str, first: tuple[str, str], second: tuple[str, str], lang: str) -> str:
    """Main point 3: (period, group or stage) before and after; ``kind`` is ``group`` or ``stage``."""
    word = group_word if kind == "group" else stage_word
    return fill(
        f"M3_{kind}",
        lang,
        first=formats.period_in_text(first[0], lang),
        before=word(first[1], lang),
        second=formats.period_in_text(second[0], lang),
        after=word(second[1], lang),
    )


def standing(kind: str, period: str, value: str, lang: str) -> str:
    """Group or stage of one period."""
    word = group_word if kind == "group" else stage_word
    template = "M3_level" if kind == "group" else "M3_stage_level"
    return fill(template, lang, first=formats.period_in_text(period, lang), before=word(value, lang))


def mfc_standing(period: str, group: str, points: Estimate | None, lang: str) -> str:
    """Group and points of one period in the MFC rating, as far as they are known."""
    shown = level(points, lang) if points is not None else ""
    if group:
        text = standing("group", period, group, lang)
        return f"{text[:-1]} ({shown})." if shown else text
    return fill("M3_points", lang, points=shown, first=formats.period_in_text(period, lang)) if shown else ""


def expanded(texts: tuple[str, ...], lang: str) -> tuple[str, ...]:
    """The same sentences with «МФЦ» ("MFC") written out where it stands first."""
    short, full = pick(ABBREVIATION[0], lang), pick(ABBREVIATION[1], lang)
    found, is_done = [], False
    for text in texts:
        found.append(text if is_done else text.replace(short, full, 1))
        is_done = is_done or short in text
    return tuple(found)


def region_of(region: Region, lang: str) -> str:
    """Name after «Индекс …» (genitive) or after "of"."""
    return region.genitive if lang == "ru" else english(region.name_en)


def region_name(region: Region, lang: str) -> str:
    """Name as a label."""
    return region.name if lang == "ru" else region.name_en


def district_name(region: Region, lang: str) -> str:
    """District as a label; empty where the register has none."""
    return region.district if lang == "ru" else region.district_en
