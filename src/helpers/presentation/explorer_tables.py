"""Tables of the explore notebook as HTML: headers in the reader's words with the name of the column behind them."""

import html
import math
from numbers import Real

import numpy as np
import pandas as pd

from helpers.presentation import formats
from helpers.presentation.wording import explorer as wording_explorer
from helpers.presentation.wording import terms as wording_terms

_DECIMALS = 4
_PLAIN = ("cmp", "=")  # a relation is worth a column only where it is no equality


def shown(frame: pd.DataFrame, lang: str) -> str:
    """A small table; every text of the data is escaped, numbers have the reader's decimal mark.

    Parameters
    ----------
    frame : DataFrame
        Rows to show, columns named as in the schemas.
    lang : str
        ``ru`` or ``en``.
    """
    silent = [name for name in frame if all(_is_nothing(value) or (name, value) == _PLAIN for value in frame[name])]
    frame = frame.drop(columns=silent)
    heads = "".join(
        f'<th title="{html.escape(name)}">{html.escape(wording_terms.term(wording_explorer.COLUMNS, name, lang))}</th>'
        for name in frame
    )
    rows = "".join(
        "<tr>" + "".join(_cell(name, value, lang) for name, value in row.items()) + "</tr>"
        for row in frame.to_dict("records")
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def in_per_cent(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Estimates of log outcomes as per cent, bound by bound, with one decimal; others stay in their unit."""
    is_log = frame["unit"] == "log_point"
    changed = {name: frame[name].where(~is_log, 100 * np.expm1(frame[name])).round(1) for name in columns}
    return frame.assign(**changed, unit=frame["unit"].where(~is_log, "percent_change"))


def _is_nothing(value: object) -> bool:
    return value == "" or (isinstance(value, float) and math.isnan(value))


def _cell(name: str, value: object, lang: str) -> str:
    if _is_nothing(value):
        return "<td></td>"
    if isinstance(value, Real) and not isinstance(value, bool):
        return f'<td class="num">{formats.printed(_short(float(value)), lang, _DECIMALS)}</td>'
    return f"<td>{html.escape(_word(name, str(value), lang))}</td>"


def _short(value: float) -> float:
    """Five significant digits: what was printed stays, what was calculated loses its noise."""
    return float(f"{value:.5g}")


def _word(name: str, text: str, lang: str) -> str:
    """A code of the data in the reader's words, where there are some."""
    tables = {
        "indicator": wording_terms.INDICATORS, "interval_kind": wording_terms.INTERVALS,
        "outcome": wording_terms.OUTCOMES, "reason": wording_terms.REJECT_REASONS,
    }  # fmt: skip
    if name in ("unit", "day_unit"):
        return formats.unit_name(formats.unit_code(text), lang)
    if name == "period":
        return text
    return wording_terms.term(tables[name], text, lang) if name in tables else text
