"""Sentences on ranks, R1 to R3: a rank never stands without its bounds, and a wide interval leaves none."""

from helpers.presentation import formats
from helpers.presentation.wording import fill
from helpers.presentation.wording.terms import pick


def rank(
    place: int, low: int, high: int, units: int, kind: str, lang: str, indistinguishable: int | None = None
) -> tuple[str, tuple[str, ...]]:
    """R1 or R2 with R3 where it holds; a rank never stands without its interval.

    Returns
    -------
    tuple
        Sentence id and sentences. An interval wider than half of the participants gives R3 alone.
    """
    apart = () if indistinguishable is None else (cannot_tell_apart(indistinguishable, lang),)
    if is_wide(low, high, units) and apart:
        return "R3", apart
    nominative = formats.ordinal(place, lang)
    if kind == "sampling_95":
        return "R1", (fill("R1", lang, rank=nominative, n=units, low=low, high=high), *apart)
    if low == high:
        return "R2", (fill("R2_same", lang, rank=nominative, n=units), *apart)
    template = "R2_rounding" if kind in ("rounding", "published_bound") else "R2"
    first, last = (formats.ordinal(bound, lang, "genitive") for bound in (low, high))
    return "R2", (fill(template, lang, rank=nominative, n=units, low=first, high=last), *apart)


def is_wide(low: int, high: int, units: int) -> bool:
    """Whether the interval of a rank spans more than half of the participants."""
    return (high - low + 1) * 2 > units


def cannot_tell_apart(n: int, lang: str) -> str:
    """R3 for n other participants."""
    if n == 0:
        return fill("R3_none", lang)
    if lang == "en":
        return fill("R3", lang, n=n, others=formats.noun(n, "participant", lang))
    one = formats.noun(n, "participant", lang, case="genitive") == "участника"
    return fill("R3", lang, n=n, others="другого участника" if one else "других участников")


def district_rank(
    place: int, period: str, lang: str, units: int = 0, low: int | None = None, high: int | None = None
) -> str:
    """A printed rank in the district with its bounds by rounding, or the statement that they are not known."""
    rank_, when = formats.ordinal(place, lang), formats.period_in_text(period, lang)
    if not units or low is None or high is None:
        return fill("R2_district", lang, rank=rank_, period=when)
    return fill("R2_district_known", lang, rank=rank_, period=when, n=units, bounds=rounding_bounds(low, high, lang))


def rounding_bounds(low: int, high: int, lang: str) -> str:
    """What the rounding of printed values does to a rank."""
    if low == high:
        return pick(("округление его не меняет", "rounding does not change it"), lang)
    first, last = (formats.ordinal(bound, lang, "genitive") for bound in (low, high))
    return pick((f"с учётом округления — от {first} до {last}", f"{first} to {last} given the rounding"), lang)
