"""Sentences about life situations: how many are launched, and what may be said about what a launch changed."""

from helpers.presentation import formats
from helpers.presentation.formats import NBSP
from helpers.presentation.results.estimates import Estimate
from helpers.presentation.wording import one_stop, visible_decimals
from helpers.presentation.wording.terms import pick

# Subject, less, more, without the launch, what changed; sizes are in per cent.
_RU = {
    "days": ("Общий срок услуг запущенной ситуации", "короче", "длиннее", "был бы", "общий срок изменился"),
    "visits": ("Число визитов в запущенной ситуации", "меньше", "больше", "было бы", "число визитов изменилось"),
}
_EN = {
    "days": ("The services of a launched situation take {size} {word} time", "less", "more", "the total time changed"),
    "visits": (
        "The services of a launched situation need {size} {word} visits", "fewer", "more",
        "the number of visits changed",
    ),
}  # fmt: skip
ASSUMPTION = (
    "Это оценка по всем регионам; она верна, если без запуска сроки менялись бы так же, как там, где ситуация ещё не "
    "запущена.",
    "The estimate is for all regions; it holds if times would otherwise have moved like those where the situation is "
    "not launched yet.",
)
CAUTION = (
    "Это сравнение по всем регионам; оно не доказывает, что причина — запуск.",
    "The comparison is over all regions; it does not prove that the launch is the reason.",
)
DESCRIPTION = (
    "Таблица — описание: документы — сколько просят все услуги → сколько разных после запуска, срок — от «все сразу» "
    "до «одна за другой».",
    "The table describes: documents are those asked by all services → distinct ones once launched, time is from all at "
    "once to one after another.",
)
TOGETHER = (
    "Ситуации, запущенные везде в один месяц, сравнить не с чем; по ним есть только описание: {names}.",
    "Situations launched everywhere in one month have nothing to be compared with and are only described: {names}.",
)
_FORMS = {
    "situation": {
        "ru": ("жизненная ситуация", "жизненные ситуации", "жизненных ситуаций", "жизненной ситуации"),
        "en": ("life situation", "life situations"),
    },
    "launch": {"ru": ("запуск", "запуска", "запусков", "запуска"), "en": ("launch", "launches")},
}


def count(n: int, key: str, lang: str) -> str:
    """``3 жизненные ситуации``, ``83 запуска``."""
    return f"{formats.number(n, lang, 0)}{NBSP}{_FORMS[key][lang][formats.category(formats.exact(n) or 0, lang)]}"  # type: ignore[arg-type]


def launched(n: int, done: int, lang: str) -> str:
    """How many situations the region has, and how many of them it serves as one."""
    if lang == "ru":
        return f"В регионе {count(n, 'situation', lang)}, одним комплексом предоставляется: {done}"
    return f"The region has {count(n, 'situation', lang)}; served as one: {done}"


def launched_in_country(n: int, launches: int, possible: int, lang: str) -> str:
    """How many situations there are, and in how many of their regions they are launched."""
    if lang == "ru":
        return f"Всего {count(n, 'situation', lang)}; запусков в регионах: {launches} из {possible}"
    return f"There are {count(n, 'situation', lang)}; launched in regions: {launches} of {possible}"


def effect(outcome: str, estimate: Estimate, n: int, regions: int, design_passed: bool, lang: str) -> tuple[str, str]:
    """E1, E2 or E3 for the launch of life situations.

    Parameters
    ----------
    outcome : str
        ``days`` or ``visits``.
    estimate : Estimate
        Launched against not yet launched, per cent.
    n, regions : int
        Launches and regions behind it.
    design_passed : bool
        Whether every check of the design is passed; only then a counterfactual is stated.

    Returns
    -------
    tuple of str
        Sentence id and sentence, both empty without an estimate or its interval.
    """
    if estimate.value is None or not estimate.has_interval:
        return "", ""
    places = visible_decimals(estimate.value)
    if not estimate.excludes_zero:
        bounds = formats.change_span(estimate.low, estimate.high, lang) + formats.unit_after(
            estimate.high, "percent_change", lang, 1
        )
        what = _RU[outcome][4] if lang == "ru" else _EN[outcome][3]
        ru, en = (
            f"Данные не позволяют утверждать, что после запуска {what}: {bounds}.",
            f"The data do not show that {what}: {bounds}.",
        )
        return "E3", one_stop(pick((ru, en), lang))
    size = formats.quantity(formats.magnitude(estimate.value), "percent", lang, places)
    low, high = sorted((abs(estimate.low or 0), abs(estimate.high or 0)))
    behind = f"{count(n, 'launch', lang)}; {formats.count(regions, 'region', lang)}"
    kind = pick((f"95{NBSP}% интервал", "95% interval"), lang)
    interval = f"({kind} {formats.span(low, high, lang, places)}; {behind})"
    text = _russian if lang == "ru" else _english
    return ("E1" if design_passed else "E2"), one_stop(f"{text(outcome, estimate, size, design_passed)} {interval}.")


def _russian(outcome: str, estimate: Estimate, size: str, design_passed: bool) -> str:
    subject, less, more, otherwise, _ = _RU[outcome]
    word = less if (estimate.value or 0) < 0 else more
    if design_passed:
        return f"{subject}, по оценке, на {size} {word}, чем {otherwise} без запуска"
    return f"{subject} на {size} {word}, чем там, где она ещё не запущена"


def _english(outcome: str, estimate: Estimate, size: str, design_passed: bool) -> str:
    sentence, less, more, _ = _EN[outcome]
    text = sentence.format(size=size, word=less if (estimate.value or 0) < 0 else more)
    if design_passed:
        text = text.replace(" take ", " are estimated to take ").replace(" need ", " are estimated to need ")
        return f"{text} than they would have without the launch"
    return f"{text} than where it is not launched yet"
