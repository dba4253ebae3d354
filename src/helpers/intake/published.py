"""Published figures, one a row, become observations with the interval that their printed form allows.

Printed precision is kept: 47 % means 46.5–47.5, «более 70» is an open interval, «около 6 тысяч» is ±5 %.
Nothing is repaired: contradictions are found later by the claim audit.
"""

from decimal import Decimal, InvalidOperation
from pathlib import Path

import pandas as pd

ABOUT_RELATIVE = 0.05  # «около»: the width that docs/methods.md states
_CMP = {"exact": "=", "share": "=", "more_than": ">", "at_least": ">=", "less_than": "<", "about": "~"}
REQUIRED = (
    "fact_id", "source_id", "entity_type", "entity_ru", "iso_3166_2", "indicator", "period",
    "value", "value_low", "value_high", "unit", "qualifier", "before_value", "after_value",
)  # fmt: skip


class PublishedError(ValueError):
    """A published figure cannot be read; the message names file, row, column and value."""


def read(path: Path) -> pd.DataFrame:
    """Rows of a file of published figures, all text.

    Raises
    ------
    PublishedError
        If a required column is missing or a fact id is repeated.
    """
    facts = pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8")
    missing = [column for column in REQUIRED if column not in facts]
    if missing:
        raise PublishedError(f"{path.name}: columns {missing} are missing")
    repeated = facts.loc[facts["fact_id"].duplicated(), "fact_id"].tolist()
    if repeated:
        raise PublishedError(f"{path.name}: fact ids {repeated} are repeated; give each figure its own")
    return facts


def observations(facts: pd.DataFrame, indicators: pd.DataFrame, units: pd.DataFrame, file: str) -> pd.DataFrame:
    """Observations of published figures.

    Parameters
    ----------
    facts : DataFrame
        One row a printed figure, as `read` gives it.
    indicators, units : DataFrame
        Reference tables ``published_indicators`` and ``published_units``.
    file : str
        Path of the file relative to ``data/raw``.

    Returns
    -------
    DataFrame
        In the columns of the table ``observations``; the key's ``source_id`` is the publication.

    Raises
    ------
    PublishedError
        If a value is neither a number nor a category, or a qualifier is unknown.
    """
    names = {(row.indicator, row.entity_type): (row.rating, row.table_indicator) for row in indicators.itertuples()}
    unit_of = {row.printed_unit: (row.unit, row.is_rounded == "1") for row in units.itertuples()}
    return pd.DataFrame(
        [
            _observation(row, number, names, unit_of, file)
            for number, row in enumerate(facts.to_dict("records"), start=2)
        ]
    )


def _observation(row: dict, line: int, names: dict, unit_of: dict, file: str) -> dict:
    where = f"{file}, row {line} ({row['fact_id']})"
    if row["qualifier"] not in _CMP:
        raise PublishedError(f"{where}, column 'qualifier': {row['qualifier']!r}; use one of {', '.join(_CMP)}")
    rating, indicator = names.get((row["indicator"], row["entity_type"]), ("published", row["indicator"]))
    unit, is_rounded = unit_of.get(row["unit"], ("count", False))
    region = row["iso_3166_2"] if "-" in row["iso_3166_2"] else ""
    value, low, high, category = _value(row, unit, is_rounded, where)
    return {
        "rating": rating, "entity_id": region if row["entity_type"] == "region" else row["entity_ru"],
        "period": row["period"], "indicator": indicator, "source_id": row["source_id"],
        "entity_type": row["entity_type"], "entity_name": row["entity_ru"], "region_iso": region,
        "value": value, "value_low": low, "value_high": high, "category": category, "unit": unit,
        "cmp": _CMP[row["qualifier"]],
        "value_before": _number(row["before_value"], where, "before_value"),
        "value_after": _number(row["after_value"], where, "after_value"),
        "observation_id": row["fact_id"], "file": file, "sheet": "", "row": line, "col": 12,
        "raw_text": row["value"], "is_synthetic": False,
    }  # fmt: skip


def _value(row: dict, unit: str, is_rounded: bool, where: str) -> tuple[float, float, float, str]:
    text, missing = row["value"], float("nan")
    if unit == "category":
        inside = text[text.find("(") + 1 : text.rfind(")")] if "(" in text else text
        return missing, missing, missing, inside
    if unit == "date":
        return missing, missing, missing, f"{text[:4]}-{text[4:6]}-{text[6:8]}"
    value = _number(text, where, "value")
    low = _number(row["value_low"], where, "value_low")
    high = _number(row["value_high"], where, "value_high")
    if text and pd.isna(low) and pd.isna(high):
        low, high = _interval(text, row["qualifier"], is_rounded)
    return value, low, high, ""


def _interval(text: str, qualifier: str, is_rounded: bool) -> tuple[float, float]:
    """Interval of a printed number; an open end is missing."""
    value = Decimal(text)
    if qualifier in ("more_than", "at_least"):
        return float(value), float("nan")
    if qualifier == "less_than":
        return float("nan"), float(value)
    if qualifier == "about":
        margin = abs(value) * Decimal(str(ABOUT_RELATIVE))
    else:
        exponent = int(value.as_tuple().exponent)
        margin = Decimal(1).scaleb(exponent) / 2 if is_rounded else Decimal(0)
    return float(value - margin), float(value + margin)


def _number(text: str, where: str, column: str) -> float:
    if not text:
        return float("nan")
    try:
        return float(Decimal(text))
    except InvalidOperation:
        raise PublishedError(f"{where}, column '{column}': {text!r} is not a number; write 1234.5") from None
