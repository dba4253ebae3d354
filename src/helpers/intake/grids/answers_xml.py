"""XML of the «Ваш контроль» form and of its answers → a grid, one row per answer or per scale value."""

import numpy as np
from lxml import etree

from helpers.intake.grids.archives import refuse_entities
from helpers.intake.grids.model import Grid, GridError, check_size

_ANSWER_FIELDS = (
    "form-version",
    "orderNumber",
    "authorityId",
    "receivedDate",
    "okato",
    "region",
    "period",
    "serviceId",
)
SHEET_ANSWERS, SHEET_FORM = "answers", "form"


def read(data: bytes, name: str) -> list[Grid]:
    """Answers (one row each, one column per indicator) or, where there are none, the form (one row per scale value).

    Raises
    ------
    GridError
        If the XML is damaged or is neither.
    """
    refuse_entities(data, name)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise GridError(f"{name}: the XML is damaged ({error}). Ask the sender for it again.") from error
    answers = [
        element
        for element in root.iter(etree.Element)
        if _fields(element).keys() & {"orderNumber", "receivedDate"} and _rates(element)
    ]
    if answers:
        return [_answers_grid(answers, name)]
    values = [element for element in root.iter(etree.Element) if _tag(element) == "value" and element.get("id")]
    if values:
        return [_form_grid(values)]
    raise GridError(
        f"{name}: neither answers nor a form of «Ваш контроль». Other XML is not a rating file; save it as a table."
    )


def _tag(element: etree._Element) -> str:
    return etree.QName(element).localname


def _fields(element: etree._Element) -> dict[str, str]:
    fields = {key.split("}")[-1]: value for key, value in element.attrib.items()}
    for child in element:
        if isinstance(child.tag, str) and not len(child) and child.text:
            fields.setdefault(_tag(child), child.text.strip())
    return fields


def _rates(element: etree._Element) -> dict[str, str]:
    """Indicator id → value id (or score) of one answer, whichever way the rates are nested."""
    rates = {}
    for rate in element.iter(etree.Element):
        fields = _fields(rate)
        indicator = fields.get("indicator-id") or fields.get("indicatorId") or fields.get("indicator")
        value = fields.get("value-id") or fields.get("valueId") or fields.get("value") or (rate.text or "").strip()
        if indicator and value and rate is not element:
            rates[indicator] = value
    return rates


def _answers_grid(answers: list[etree._Element], name: str) -> Grid:
    parsed = [(_fields(element), _rates(element)) for element in answers]
    indicators = sorted({indicator for _, rates in parsed for indicator in rates}, key=lambda text: (len(text), text))
    fields = [field for field in _ANSWER_FIELDS if any(field in one for one, _ in parsed)]
    check_size(name, len(parsed) + 1, len(fields) + len(indicators))
    rows = [[*fields, *(f"indicator {indicator}" for indicator in indicators)]]
    for one, rates in parsed:
        rows.append(
            [*(one.get(field, "") for field in fields), *(rates.get(indicator, "") for indicator in indicators)]
        )
    return Grid(SHEET_ANSWERS, np.array(rows, dtype=object), is_flat=True)


def _form_grid(values: list[etree._Element]) -> Grid:
    rows = [["indicator id", "indicator", "value id", "value"]]
    for value in values:
        indicator = next((parent for parent in value.iterancestors() if _tag(parent) == "indicator"), None)
        title = _fields(indicator).get("title", "") if indicator is not None else ""
        rows.append(
            [
                indicator.get("id", "") if indicator is not None else "",
                title,
                value.get("id", ""),
                _fields(value).get("title", ""),
            ]
        )
    return Grid(SHEET_FORM, np.array(rows, dtype=object), is_flat=True)
