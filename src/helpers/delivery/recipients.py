"""Who gets what: a CSV that git ignores, checked whole before anything is sent."""

import csv
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from helpers.delivery.mime import MessageError, check_address, check_display_name

COLUMNS = ("address", "name", "scope", "lang", "format", "active", "demonstration")
EVERYTHING, NATIONAL = "all", "national"
LANGUAGES, FORMATS = ("ru", "en"), ("html", "pdf")
_YES, _NO = {"1", "yes", "да", "true"}, {"0", "no", "нет", "false", ""}


class RecipientsError(ValueError):
    """The list of recipients has mistakes; the message lists every one with its line."""


@dataclass(frozen=True)
class Recipient:
    """One row: an official and the reports that go to them.

    Attributes
    ----------
    regions : tuple of str
        Codes of the regions whose reports are sent, ``national`` for the national report.
    is_demonstration : bool
        Receives reports of the synthetic collection, and only those.
    """

    address: str
    name: str
    regions: tuple[str, ...]
    lang: str
    format: str
    is_demonstration: bool


def read(path: Path, register: pd.DataFrame) -> list[Recipient]:
    """Active recipients of a file, in its order.

    Parameters
    ----------
    register : DataFrame
        Reference table ``regions``.

    Raises
    ------
    RecipientsError
        Listing bad addresses and names, unknown regions, languages and formats, and repeated rows.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            rows = list(csv.DictReader(handle))
    except FileNotFoundError:
        raise RecipientsError(f"{path} does not exist; copy recipients.example.csv and fill it in") from None
    except UnicodeDecodeError:
        raise RecipientsError(f"{path} is not UTF-8; save it as «CSV UTF-8»") from None
    missing = [column for column in COLUMNS if rows and column not in rows[0]]
    if not rows or missing:
        raise RecipientsError(f"{path.name}: no rows, or columns {missing} are missing; expected {', '.join(COLUMNS)}")
    scopes = _scopes(register)
    problems: list[str] = []
    recipients: list[Recipient] = []
    seen: dict[tuple[str, str, str], int] = {}
    for line, row in enumerate(rows, start=2):
        clean = {column: (row.get(column) or "").strip() for column in COLUMNS}
        found = _problems(clean, scopes)
        for region in scopes.get(clean["scope"].casefold(), ()):
            key = (clean["address"].casefold(), region, clean["lang"])
            if key in seen:
                found.append(f"{clean['address']} gets the report of {region} twice (line {seen[key]} too); remove one")
                break
            seen[key] = line
        problems += [f"line {line}: {problem}" for problem in found]
        if not found and clean["active"].casefold() in _YES:
            recipients.append(_recipient(clean, scopes))
    if problems:
        raise RecipientsError(f"{path.name}: nothing was sent; mend these rows first\n  " + "\n  ".join(problems))
    return recipients


def _scopes(register: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Every accepted scope in lower case: region code or name, federal district, ``all``, ``national``."""
    scopes: dict[str, tuple[str, ...]] = {NATIONAL: (NATIONAL,)}
    for row in register.itertuples():
        for name in (row.iso_3166_2, row.name_ru, row.name_ru_official, row.name_ru_short, row.name_en):
            scopes[str(name).casefold()] = (str(row.iso_3166_2),)
    for district, part in register[register["federal_district"] != ""].groupby("federal_district"):
        scopes[str(district).casefold()] = tuple(part["iso_3166_2"])
    scopes[EVERYTHING] = (NATIONAL, *register["iso_3166_2"])
    return scopes


def _problems(row: dict[str, str], scopes: dict[str, tuple[str, ...]]) -> list[str]:
    found = []
    for check, value in ((check_address, row["address"]), (check_display_name, row["name"])):
        try:
            check(value)
        except MessageError as error:
            found.append(str(error))
    if row["scope"].casefold() not in scopes:
        near = [s for s in scopes if s[:4] == row["scope"].casefold()[:4]][:3]
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        found.append(
            f"unknown region or federal district {row['scope']!r}; write a code such as RU-CHE, a name, or all{hint}"
        )
    if row["lang"] not in LANGUAGES:
        found.append(f"language {row['lang']!r}; choose one of: {', '.join(LANGUAGES)}")
    if row["format"] not in FORMATS:
        found.append(f"format {row['format']!r}; choose one of: {', '.join(FORMATS)}")
    for column in ("active", "demonstration"):
        if row[column].casefold() not in _YES | _NO:
            found.append(f"{column} {row[column]!r}; write yes or no")
    return found


def _recipient(row: dict[str, str], scopes: dict[str, tuple[str, ...]]) -> Recipient:
    return Recipient(
        row["address"],
        row["name"],
        scopes[row["scope"].casefold()],
        row["lang"],
        row["format"],
        row["demonstration"].casefold() in _YES,
    )
