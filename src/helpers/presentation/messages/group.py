"""One letter about several regions: of a federal district, or of the country with all its regions.

The country comes first where it is asked for, as in its own letter; then one table a district: region, index with its
interval, bounds of the rank. A letter of one district goes on with what each region could optimise next and says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby

from helpers.presentation import formats, messages, wording
from helpers.presentation.messages.words import STRINGS
from helpers.presentation.results import Estimate, NationalResult, RegionalResult, Result
from helpers.presentation.wording.terms import INTERVALS, pick

_DOT = "\u00a0· "
MOST_SAID = 2  # sentences about each region of a district


@dataclass(frozen=True)
class Group:
    """The reports of one letter.

    Attributes
    ----------
    results : tuple of Result
        In the order of the letter; the national one is the one that is not regional.
    district : str
        Russian name of the federal district; empty for the whole country.
    attached : frozenset of str
        Ids of the reports that are attached.
    links : mapping
        Web address of each report by id; empty if reports are not published.
    """

    results: tuple[Result, ...]
    district: str = ""
    attached: frozenset[str] = frozenset()
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def regions(self) -> tuple[RegionalResult, ...]:
        """Regional results in the order of the letter."""
        return tuple(result for result in self.results if isinstance(result, RegionalResult))

    @property
    def country(self) -> NationalResult | None:
        """The national result, if asked for."""
        return next((result for result in self.results if isinstance(result, NationalResult)), None)


@dataclass(frozen=True)
class Row:
    """One region of the table."""

    name: str
    value: str
    interval: str
    place: str
    href: str


@dataclass(frozen=True)
class Section:
    """One federal district: regions with an index, and those without."""

    title: str
    rows: tuple[Row, ...]
    without: tuple[Row, ...]


def body(group: Group, picture_cid: str = "", picture_alt: str = "", is_correction: bool = False) -> messages.Body:
    """Build the message of several reports.

    Raises
    ------
    ValueError
        If there is no regional report, or a picture has no alternative text.
    """
    if not group.regions:
        raise ValueError("a letter about several regions needs at least one")
    if picture_cid and not picture_alt.strip():
        raise ValueError("a picture needs an alternative text")
    first, country = group.results[0], group.country
    words, lang = STRINGS[first.lang], first.lang
    sections = _sections(group)
    html = messages.render(
        "group.html.j2",
        lang=lang,
        title=f"{_place(group)}, {first.period_label}",
        banner=first.banner,
        masthead=_masthead(group),
        heading=_headline(group),
        preheader=messages.preheader(_headline(group)),
        lead=_lead(group),
        country=country,
        kpi_rows=[country.kpis[i : i + 2] for i in range(0, len(country.kpis), 2)] if country else [],
        comparison=messages.comparison_rows(country) if country else [],
        effects=messages.effect_rows(country) if country else [],
        picture_cid=picture_cid,
        picture_alt=picture_alt,
        sections=sections,
        legend=_legend(group, "interval_kinds"),
        services=_services(group),
        no_services=_no_services(group),
        sentences=_sentences(group),
        files=_files(group),
        words=words,
    )
    text = messages.plain_text(_blocks(group, sections))
    return messages.Body(_subject(group, is_correction), html, text)


def _place(group: Group) -> str:
    first = group.regions[0]
    if not group.district:
        return STRINGS[first.lang]["national"]
    return first.region.district_en if first.lang == "en" else group.district


def _masthead(group: Group) -> str:
    """As on a report, with the district instead of the region."""
    first = group.results[0]
    if group.country is not None:
        return group.country.masthead
    project = first.masthead.partition(" · ")[0]
    return f"{project} · {_place(group)} · {first.period_label} · {first.edition_label}"


def _district_estimate(group: Group) -> Estimate | None:
    """Index of the district, as the reports of its regions compare with it; none where the regions disagree."""
    found = {
        row.estimate
        for result in group.regions
        if result.comparison is not None
        for row in result.comparison.rows
        if row.kind == "district" and row.estimate.value is not None
    }
    return found.pop() if group.district and len(found) == 1 else None


def _headline(group: Group) -> str:
    """The country's own headline; of a district its index, or for how many regions it is known."""
    if group.country is not None:
        return group.country.headline.sentence
    estimate = _district_estimate(group)
    if estimate is None:
        return _known(group)
    lang = group.regions[0].lang
    number = messages.number_text(estimate, lang)
    interval = wording.interval(estimate, lang)
    return STRINGS[lang]["of_district"].format(value=f"{number} ({interval})" if interval else number)


def _known(group: Group) -> str:
    lang = group.regions[0].lang
    known = sum(_index(result) is not None for result in group.regions)
    case = "genitive" if lang == "ru" else "nominative"
    whole = formats.count(len(group.regions), "region", lang, case=case)
    return STRINGS[lang]["known" if known else "unknown"].format(known=known, all=whole)


def _lead(group: Group) -> list[str]:
    own = list(group.country.lead) if group.country is not None else []
    return own if _headline(group) == _known(group) else [*own, _known(group)]


def _index(result: RegionalResult) -> Estimate | None:
    estimate = result.headline.estimate
    return estimate if estimate is not None and estimate.value is not None else None


def _subject(group: Group, is_correction: bool) -> str:
    first = group.results[0]
    lang, words = first.lang, STRINGS[first.lang]
    whole = formats.count(len(group.regions), "region", lang)
    if group.country is not None:
        index = next((kpi for kpi in group.country.kpis if kpi.key == "index" and kpi.estimate is not None), None)
        return messages.subject_of(
            first, _place(group), [f"{words['index']} {index.value}", whole] if index else [whole], is_correction
        )
    estimate = _district_estimate(group)
    fact = f"{words['index']} {messages.value_text(estimate, lang)}" if estimate is not None else _known(group)[:-1]
    facts = [fact[0].lower() + fact[1:], whole] if estimate is not None else [fact[0].lower() + fact[1:]]
    return messages.subject_of(first, _place(group), facts, is_correction)


def _sections(group: Group) -> list[Section]:
    """One table a federal district; regions outside districts come last."""
    lang = group.regions[0].lang

    def district(result: RegionalResult) -> str:
        return result.region.district_en if lang == "en" else result.region.district

    ordered = sorted(group.regions, key=lambda result: not result.region.district)
    made = []
    for title, results in groupby(ordered, district):
        rows = [(_index(result) is not None, _row(result, group)) for result in results]
        made.append(
            Section(
                title or STRINGS[lang]["no_district"],
                tuple(row for is_known, row in rows if is_known),
                tuple(row for is_known, row in rows if not is_known),
            )
        )
    return made


def _row(result: RegionalResult, group: Group) -> Row:
    lang, missing = result.lang, formats.missing(result.lang)
    estimate, place = _index(result), result.rank
    value, interval, bounds = missing, "", missing
    if estimate is not None:
        value = messages.number_text(estimate, lang)
        interval = messages.interval_text(estimate, lang)
    if place is not None and place.rank_low is not None and place.rank_high is not None:
        bounds = f"{place.rank_low}{formats.EN_DASH}{place.rank_high}"
    return Row(messages.place_name(result), value, interval, bounds, group.links.get(result.report_id, ""))


def _legend(group: Group, key: str) -> str:
    """Kinds of interval that the tables hold."""
    lang = group.regions[0].lang
    estimates = [estimate for result in group.regions if (estimate := _index(result)) is not None]
    kinds = dict.fromkeys(pick(INTERVALS[item.interval_kind], lang) for item in estimates if item.has_interval)
    return f"{STRINGS[lang][key]}: {', '.join(kinds)}." if kinds else ""


def _services(group: Group) -> list[tuple[str, str, str]]:
    """The first service that each region of a district could optimise next."""
    if group.country is not None:
        return []
    return [
        (messages.place_name(result), f"{row.name} ({row.agency})", messages.gain_text(row.gain, result.lang))
        for result in group.regions
        if (row := messages.first_service(result)) is not None
    ]


def _no_services(group: Group) -> str:
    if group.country is not None or _services(group):
        return ""
    return group.regions[0].absence("next_services")


def _sentences(group: Group) -> list[str]:
    """What each region of a district says first; the silent ones share a sentence."""
    if group.country is not None:
        return []
    silent = [messages.place_name(result) for result in group.regions if result.data_class == "empty"]
    lines = []
    for result in group.regions:
        said = result.main_points[:MOST_SAID] if result.data_class != "empty" else ()
        lines += [f"{messages.place_name(result)}: {' '.join(said)}"] if said else []
    words = STRINGS[group.regions[0].lang]
    return [*lines, words["silent"].format(names=", ".join(silent))] if silent else lines


def _files(group: Group) -> str:
    """What is attached, and how to get the rest."""
    words = STRINGS[group.regions[0].lang]
    if len(group.attached) == len(group.results):
        return words["attached_all"]
    parts = [words["attached_country"]] if group.attached else []
    return " ".join([*parts, words["by_links" if group.links else "on_request"]])


def _blocks(group: Group, sections: list[Section]) -> list[tuple[str, str]]:
    """The same sentences and numbers for the plain text."""
    first, country, words = group.results[0], group.country, STRINGS[group.results[0].lang]
    blocks = [("#", first.banner), ("", _masthead(group)), ("", _headline(group)), ("", " ".join(_lead(group)))]
    if country is not None:
        blocks += messages.figure_blocks(country) + messages.section_blocks(country)
    for section in sections:
        blocks += [("#", section.title), *(("- ", _line(row, words)) for row in section.rows)]
        names = ", ".join(f"{row.name} {row.href}".rstrip() for row in section.without)
        blocks.append(("", f"{words['without_start']}{names}." if names else ""))
    blocks.append(("", _legend(group, "in_brackets")))
    services = [("- ", f"{place}{_DOT}{name}: {gain}") for place, name, gain in _services(group)]
    sentences = [("* ", sentence) for sentence in _sentences(group)]
    for key, lines in (("next", services), ("by_region", sentences)):
        blocks += [("#", words[key]), *lines] if lines else []
    blocks.append(("", _no_services(group)))
    return [
        *blocks,
        *(("", text) for text in (_files(group), words["about_data"], words["footer"], words["unsubscribe"])),
    ]


def _line(row: Row, words: dict[str, str]) -> str:
    place = words["place"][0].lower() + words["place"][1:]
    interval = f" ({row.interval})" if row.interval else ""
    text = f"{row.name}: {row.value}{interval}; {place} {row.place}"
    return f"{text}. {row.href}" if row.href else text
