"""Names → entities: regions, federal bodies, regional bodies, services, points of a road map.

The front door of the matching rooms; identifiers are text and are never repaired.
"""

import re
from dataclasses import dataclass

from helpers.intake.agencies import AgencyMatch, match_agency
from helpers.intake.regions import RegionMatch, find_region, match_region, region_name, region_of_okato
from helpers.intake.text import mend_look_alikes, normalise, strip_footnote

__all__ = [
    "AgencyMatch", "EntityMatch", "RegionMatch", "find_region", "match_agency", "match_entity", "match_region",
    "region_name", "region_of_okato",
]  # fmt: skip

_ROW_REASONS = {
    "ambiguous": "ambiguous_entity", "aggregate_of_subjects": "aggregate_entity",
    "federal_district": "federal_district",
    "total_or_country": "total_row", "header_note_or_section": "section_row",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class EntityMatch:
    """Entity of a row: ``entity_id`` and ``region_iso``, or the reject reason with a suggestion for a person."""

    entity_id: str
    region_iso: str = ""
    reason: str = ""
    suggestion: str = ""


def match_entity(text: str, entity_type: str) -> EntityMatch:
    """Entity of a cell by the type that its table rates.

    Parameters
    ----------
    text : str
        The cell.
    entity_type : str
        ``region``, ``federal_agency``, ``regional_agency``, ``service``, ``roadmap_point``, ``life_situation``.

    Returns
    -------
    EntityMatch
        Reasons are those of the closed list; a total is ``total_row``, which is structural.
    """
    if entity_type == "region":
        return _region(text)
    if entity_type == "federal_agency":
        match = match_agency(text)
        return EntityMatch(match.name or "", reason=match.reason, suggestion="; ".join(match.suggestions))
    name = strip_footnote(mend_look_alikes(normalise(text)))
    if not re.search(r"\w", name):
        return EntityMatch("", reason="missing_id", suggestion="the identifier is blank; ask the publisher for it")
    if entity_type == "regional_agency":
        region = match_region(text)
        return EntityMatch(name, region.code or "")
    return EntityMatch(name)


def _region(text: str) -> EntityMatch:
    match = match_region(text)
    if match.code:
        return EntityMatch(match.code, match.code)
    reason = _ROW_REASONS.get(match.reason, "unknown_entity")
    if match.reason == "blank_or_not_a_name":
        reason = "missing_id"
    finer = match.reason if reason == "unknown_entity" else ""
    hint = "; ".join(match.suggestions)
    return EntityMatch("", reason=reason, suggestion=": ".join(filter(None, [finer, hint])))
