"""Sentences E1–E4 of block 7: what may be said about optimisation, and what the before/after difference is not."""

import re

from helpers.presentation import formats
from helpers.presentation.formats import NBSP
from helpers.presentation.results.estimates import Estimate
from helpers.presentation.wording import one_stop, visible_decimals
from helpers.presentation.wording.terms import pick

# Per outcome: (less, more, without optimisation, what would have moved alike, E3 subject with its verb).
_PHRASES: dict[str, dict[str, tuple[str, str, str, str, str]]] = {
    "days": {
        "ru": (
            "оказываются на {size} быстрее", "оказываются на {size} дольше", "оказывались бы",
            "их сроки менялись", "срок изменился",
        ),
        "en": ("take {size} less", "take {size} more", "they would have", "their times", "the time changed"),
    },
    "days_percent": {
        "ru": (
            "на {size} короче", "на {size} длиннее", "был бы",
            "их сроки менялись", "срок изменился",
        ),
        "en": ("take {size} less time", "take {size} more time", "they would have", "their times", "the time changed"),
    },
    "documents": {
        "ru": (
            "требуют на {size} меньше", "требуют на {size} больше", "требовали бы",
            "число документов в них менялось", "число документов изменилось",
        ),
        "en": (
            "need {size} fewer", "need {size} more", "they would have",
            "their documents", "the number of documents changed",
        ),
    },
    "documents_percent": {
        "ru": (
            "на {size} меньше", "на {size} больше", "было бы",
            "число документов в них менялось", "число документов изменилось",
        ),
        "en": (
            "need {size} fewer documents", "need {size} more documents", "they would have",
            "their documents", "the number of documents changed",
        ),
    },
    "visits": {
        "ru": (
            "требуют на {size} меньше", "требуют на {size} больше", "требовали бы",
            "число визитов в них менялось", "число визитов изменилось",
        ),
        "en": (
            "need {size} fewer", "need {size} more", "they would have",
            "their visits", "the number of visits changed",
        ),
    },
    "visits_percent": {
        "ru": (
            "на {size} меньше", "на {size} больше", "было бы",
            "число визитов в них менялось", "число визитов изменилось",
        ),
        "en": (
            "need {size} fewer visits", "need {size} more visits", "they would have",
            "their visits", "the number of visits changed",
        ),
    },
    "online_share": {
        "ru": (
            "на {size} ниже", "на {size} выше", "была бы",
            "эта доля менялась", "доля заявлений онлайн изменилась",
        ),
        "en": (
            "have an online share lower by {size}", "have an online share higher by {size}", "they would have had",
            "their online share", "the online share changed",
        ),
    },
    "in_term_share": {
        "ru": (
            "на {size} ниже", "на {size} выше", "была бы",
            "эта доля менялась", "доля оказанных в срок изменилась",
        ),
        "en": (
            "have an in-term share lower by {size}", "have an in-term share higher by {size}", "they would have had",
            "their in-term share", "the in-term share changed",
        ),
    },
    "grade": {
        "ru": (
            "на {size} ниже", "на {size} выше", "была бы",
            "эта доля менялась", "доля услуг с оценкой не ниже {grade} изменилась",
        ),
        "en": (
            "reach grade {grade} or above less often by {size}", "reach grade {grade} or above more often by {size}",
            "they would have", "this share", "the share of services graded {grade} or above changed",
        ),
    },
    "other": {
        "ru": (
            "имеют показатель на {size} ниже", "имеют показатель на {size} выше", "имели бы",
            "их показатель менялся", "показатель изменился",
        ),
        "en": (
            "have the measure lower by {size}", "have the measure higher by {size}", "they would have had",
            "their measure", "the measure changed",
        ),
    },
}  # fmt: skip
# Russian subject and comparison group where they are not the services themselves.
_SUBJECTS = {
    "days_percent": ("Срок оптимизированных услуг", "у сопоставимых"),
    "documents_percent": ("Число документов в оптимизированных услугах", "в сопоставимых"),
    "visits_percent": ("Число визитов в оптимизированных услугах", "в сопоставимых"),
    "online_share": ("Доля заявлений онлайн у оптимизированных услуг", "у сопоставимых"),
    "in_term_share": ("Доля оказанных в срок у оптимизированных услуг", "у сопоставимых"),
    "grade": ("Доля оптимизированных услуг с оценкой не ниже {grade}", "у сопоставимых"),
}
DAY_UNITS = {
    "working_day": ("в рабочих днях", "in working days"),
    "calendar_day": ("в календарных днях", "in calendar days"),
}
_TIME = re.compile(r"([Сс]рок(?= |$)(?: оптимизированных услуг)?|\btime\b)")
_TEMPLATES = {
    "E1": (
        "{subject}, по оценке, {phrase}, чем {otherwise} без оптимизации (95{NBSP}% интервал {interval}; {n}).",
        "Optimised services are estimated to {phrase} than {otherwise} without optimisation "
        "(95% interval {interval}; {n}).",
    ),
    "E1_assumption": (
        "Оценка верна, если без оптимизации {alike} бы так же, как у сопоставимых услуг.",
        "This holds if {alike} would otherwise have moved like those of comparable services.",
    ),
    "E2": (
        "{subject} {phrase}, чем {peers} (95{NBSP}% интервал {interval}; {n}).",
        "Optimised services {phrase} than comparable ones (95% interval {interval}; {n}).",
    ),
    "E2_caution": (
        "Это сравнение не доказывает, что причина — оптимизация.",
        "The comparison does not prove that optimisation is the reason.",
    ),
    "E3": (
        "Данные не позволяют утверждать, что {changed}: {bounds}.",
        "The data do not show that {changed}: {bounds}.",
    ),
    "E4": (
        "Простое сравнение «до и после» даёт {naive}. Это не эффект: {trend} — общий тренд, "
        "{rtm} — возврат к среднему, {effect} — оценка{remark}.",
        "A plain before-and-after comparison gives {naive}. It is not the effect: {trend} is the common trend, "
        "{rtm} regression to the mean, {effect} the estimate{remark}.",
    ),
}
_REMARKS = {
    "rounded": (" (части округлены)", " (the parts are rounded)"),
    "multiplied": (" (доли перемножаются)", " (the parts multiply)"),
    "": ("", ""),
}


def grade_of(outcome: str) -> str:
    """Grade of an outcome ``grade_at_least_Б``; empty for others."""
    return outcome.rpartition("_")[2] if outcome.startswith("grade") else ""


def outcome_key(outcome: str) -> str:
    """Family of an outcome code: days, documents, visits, online_share, in_term_share or other."""
    for part, key in (
        ("grade", "grade"), ("term", "in_term_share"), ("online", "online_share"), ("document", "documents"),
        ("visit", "visits"), ("day", "days"), ("time", "days"), ("duration", "days"),
    ):  # fmt: skip
        if part in outcome:
            return key
    return "other"


def day_unit(outcome: str, lang: str) -> str:
    """Words for the unit that an outcome ``days_working_day`` or ``days_calendar_day`` names; empty for others."""
    unit = outcome.partition("days_")[2]
    return pick(DAY_UNITS[unit], lang) if unit in DAY_UNITS else ""


def _in_days(texts: tuple[str, ...], words: str) -> tuple[str, ...]:
    """The same phrases with the unit of days after «срок» or "time"; sizes in days have their unit already."""
    return tuple(_TIME.sub(rf"\1 {words}", text, count=1) for text in texts)


def effect(
    outcome: str, estimate: Estimate, n_services: int | None, design_passed: bool, lang: str
) -> tuple[str, str, str]:
    """E1, E2 or E3.

    Parameters
    ----------
    estimate : Estimate
        Optimised against comparable services; negative = fewer days, documents, visits.
    n_services : int or None
        Optimised services behind it.
    design_passed : bool
        Whether `diagnostics` says that the design checks passed; only then a counterfactual is stated.

    Returns
    -------
    tuple of str
        Sentence id, the sentence, and the assumption or caution that follows it (empty for E3). All are empty
        without an estimate or its interval.
    """
    if estimate.value is None or not estimate.has_interval:
        return "", "", ""
    key = outcome_key(outcome)
    is_relative = estimate.unit in ("percent_change", "percent")
    relative_key = f"{key}_percent"
    shown_key = relative_key if is_relative and relative_key in _PHRASES else key
    less, more, otherwise, alike, changed = _PHRASES[shown_key][lang]
    subject, peers = _SUBJECTS.get(shown_key, ("Оптимизированные услуги", "сопоставимые"))
    less, more, changed, subject = (
        text.replace("{grade}", grade_of(outcome)) for text in (less, more, changed, subject)
    )
    if day_unit(outcome, lang):
        less, more, changed, subject = _in_days((less, more, changed, subject), day_unit(outcome, lang))
    places = visible_decimals(estimate.value)
    if not estimate.excludes_zero:
        return "E3", _template("E3", lang, changed=changed, bounds=_bounds_with_unit(estimate, lang)), ""
    size = _size(estimate, lang, places)
    phrase = (less if estimate.value < 0 else more).format(size=size)
    low, high = sorted((abs(estimate.low or 0), abs(estimate.high or 0)))
    fields = {
        "subject": subject,
        "peers": peers,
        "phrase": phrase,
        "otherwise": otherwise,
        "interval": formats.span(low, high, lang, places),
        "n": formats.count(n_services or 0, "service", lang),
    }
    if design_passed:
        return "E1", _template("E1", lang, **fields), _template("E1_assumption", lang, alike=alike)
    return "E2", _comparable(_template("E2", lang, **fields), lang, key, is_relative), _template("E2_caution", lang)


def _comparable(text: str, lang: str, key: str, is_relative: bool) -> str:
    """Russian says «быстрее сопоставимых» without «чем» where the comparative allows it."""
    if lang == "ru" and key == "days" and not is_relative:
        return text.replace(", чем сопоставимые", " сопоставимых", 1)
    return text


def _size(estimate: Estimate, lang: str, places: int) -> str:
    unit = "percent" if estimate.unit == "percent_change" else estimate.unit
    return formats.quantity(formats.magnitude(estimate.value), unit, lang, places)


def _bounds_with_unit(estimate: Estimate, lang: str) -> str:
    after = formats.unit_after(estimate.high, estimate.unit, lang, 1, "genitive")
    return formats.change_span(estimate.low, estimate.high, lang) + after


def not_an_effect(
    naive: Estimate | None, trend: Estimate | None, rtm: Estimate | None, effect_: Estimate | None, lang: str
) -> str:
    """E4: the before/after difference split; says so when printed parts do not add up or multiply instead."""
    parts = [part for part in (naive, trend, rtm, effect_) if part is not None and part.value is not None]
    if len(parts) < 4:
        return ""
    texts = [formats.quantity(part.value, part.unit, lang) for part in parts[:1]]
    texts += [
        formats.number(part.value, lang) + (f"{pick((NBSP, ''), lang)}%" if part.unit == "percent_change" else "")
        for part in parts[1:]
    ]
    total, *rest = (formats.rounded(part.value) or 0 for part in parts)
    if parts[0].unit == "percent_change":
        remark = "multiplied"
    else:
        remark = "" if sum(rest) == total else "rounded"
    return _template(
        "E4", lang, naive=texts[0], trend=texts[1], rtm=texts[2], effect=texts[3], remark=pick(_REMARKS[remark], lang)
    )


def region_effect(outcome: str, estimate: Estimate, n_services: int, lang: str) -> str:
    """The region's own, partially pooled estimate in words that state no counterfactual."""
    if estimate.value is None or not estimate.has_interval:
        return ""
    key = outcome_key(outcome)
    names = {
        "days": ("срок оптимизированных услуг", "time of optimised services"),
        "documents": ("документы в оптимизированных услугах", "documents of optimised services"),
        "visits": ("визиты в оптимизированных услугах", "visits of optimised services"),
        "online_share": ("доля заявлений онлайн", "online share"),
        "in_term_share": ("доля оказанных в срок", "in-term share"),
        "grade": ("доля услуг с высокой оценкой", "share of highly graded services"),
        "other": ("показатель", "measure"),
    }
    value = formats.quantity(estimate.value, estimate.unit, lang, sign=True)
    span = formats.change_span(estimate.low, estimate.high, lang)
    n = formats.count(n_services, "service", lang)
    name = f"{pick(names[key], lang)} {day_unit(outcome, lang)}".strip()
    if lang == "ru":
        return f"Оценка для региона, {name}: {value} (95{NBSP}% интервал {span}; {n})."
    return f"Estimate for the region, {name}: {value} (95% interval {span}; {n})."


def _template(name: str, lang: str, **fields: str) -> str:
    return one_stop(pick(_TEMPLATES[name], lang).format(NBSP=NBSP, **fields))
