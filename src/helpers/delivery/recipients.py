"""Who gets what: a CSV that git ignores, checked whole before anything is sent."""

import csv
import difflib
import io
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from helpers.delivery.mime import MessageError, check_address, check_display_name

COLUMNS = ("address", "name", "scope", "lang", "format", "active", "demonstration")
EVERYTHING, NATIONAL = "all", "national"
LANGUAGES, FORMATS = ("ru", "en"), ("html", "pdf")
MAX_BYTES = 5_000_000
_YES, _NO = {"1", "yes", "да", "true"}, {"0", "no", "нет", "false", ""}


class RecipientsError(ValueError):
    """The list of recipients has mistakes; the message lists every one with its line."""


@dataclass(frozen=True)
class Scope:
    """What a recipient asked for: a region, the country, a federal district, or everything.

    Attributes
    ----------
    key : str
        Code of the region, ``national``, name of the district, or ``all``: part of the Message-ID.
    regions : tuple of str
        Codes of the regions, ``national`` for the national report, in the order of the letter.
    district : str
        Russian name of the federal district, empty for the others.
    """

    key: str
    regions: tuple[str, ...]
    district: str = ""


@dataclass(frozen=True)
class Recipient:
    """One row: an official and the one message that goes to them.

    Attributes
    ----------
    is_demonstration : bool
        Receives reports of the synthetic collection, and only those.
    """

    address: str
    name: str
    scope: Scope
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
    scopes = scopes_of(register)
    problems: list[str] = []
    recipients: list[Recipient] = []
    seen: dict[tuple[str, str, str], int] = {}
    for line, row in _rows(path):
        found = _problems(row, scopes)
        if not found and row["active"].casefold() in _YES:
            recipient = _recipient(row, scopes)
            found = _repeated(recipient, line, seen)
            recipients.append(recipient)
        problems += [f"line {line}: {problem}" for problem in found]
    if problems:
        raise RecipientsError(f"{path.name}: nothing was sent; mend these rows first\n  " + "\n  ".join(problems))
    return recipients


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Number of the line and cells of every row that is not blank; comma or semicolon, as the header has it."""
    text = _text(path)
    first = text.lstrip("\r\n").partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",")
    try:
        lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise RecipientsError(f"{path.name}, line {reader.line_num}: not a CSV ({error})") from None
    lines = [(number, row) for number, row in lines if any(row)]
    head = [name.lower() for name in lines[0][1]] if lines else []
    missing = [column for column in COLUMNS if head.count(column) != 1]
    if len(lines) < 2 or missing:
        raise RecipientsError(f"{path.name}: no rows, or columns {missing} are missing; expected {', '.join(COLUMNS)}")
    odd = [number for number, row in lines if len(row) != len(head)]
    if odd:
        raise RecipientsError(
            f"{path.name}, line {', '.join(map(str, odd[:10]))}: not as many cells as the header has;"
            " a name with a comma needs quotation marks"
        )
    return [(number, dict(zip(head, row, strict=True))) for number, row in lines[1:]]


def _text(path: Path) -> str:
    try:
        with path.open("rb") as handle:
            data = handle.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise RecipientsError(f"{path} is over {MAX_BYTES:,} bytes: not a list of recipients")
        return data.decode("utf-8-sig")
    except FileNotFoundError:
        raise RecipientsError(f"{path} does not exist; copy recipients.example.csv and fill it in") from None
    except UnicodeDecodeError:
        raise RecipientsError(f"{path} is not UTF-8; save it as «CSV UTF-8»") from None
    except OSError as error:
        raise RecipientsError(f"{path} cannot be read ({error.strerror or error})") from None


def scopes_of(register: pd.DataFrame) -> dict[str, Scope]:
    """Every accepted scope in lower case: region code or name, federal district, ``all``, ``national``."""
    ordered = register.sort_values(["federal_district", "name_ru"], kind="stable")
    codes = tuple(str(code) for code in ordered["iso_3166_2"])
    scopes = {NATIONAL: Scope(NATIONAL, (NATIONAL,)), EVERYTHING: Scope(EVERYTHING, (NATIONAL, *codes))}
    for row in register.itertuples():
        code = str(row.iso_3166_2)
        for name in (code, row.name_ru, row.name_ru_official, row.name_ru_short, row.name_en):
            scopes[str(name).casefold()] = Scope(code, (code,))
    for district, part in ordered[ordered["federal_district"] != ""].groupby("federal_district"):
        name = str(district)
        scopes[name.casefold()] = Scope(name, tuple(str(code) for code in part["iso_3166_2"]), name)
    return scopes


def _problems(row: dict[str, str], scopes: dict[str, Scope]) -> list[str]:
    found = []
    for check, value in ((check_address, row["address"]), (check_display_name, row["name"])):
        try:
            check(value)
        except MessageError as error:
            found.append(str(error))
    if row["name"].startswith(("=", "+", "-")):
        found.append(f"name {row['name']!r} looks like a formula of a spreadsheet; write a name")
    if row["scope"].casefold() not in scopes:
        found.append(_unknown_scope(row["scope"], scopes))
    if row["lang"] not in LANGUAGES:
        found.append(f"language {row['lang']!r}; choose one of: {', '.join(LANGUAGES)}")
    if row["format"] not in FORMATS:
        found.append(f"format {row['format']!r}; choose one of: {', '.join(FORMATS)}")
    for column in ("active", "demonstration"):
        if row[column].casefold() not in _YES | _NO:
            found.append(f"{column} {row[column]!r}; write yes or no")
    return found


def _unknown_scope(text: str, scopes: dict[str, Scope]) -> str:
    lower = text.casefold()[:100]
    near = [scope for scope in scopes if len(lower) > 3 and scope[:4] == lower[:4]]
    near = (near or difflib.get_close_matches(lower, scopes, n=3))[:3]
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    return f"unknown region or federal district {text[:100]!r}; write a code such as RU-CHE, a name, or all{hint}"


def _repeated(recipient: Recipient, line: int, seen: dict[tuple[str, str, str], int]) -> list[str]:
    """Whether an earlier active row sends the same report to the same address."""
    found: list[str] = []
    for region in recipient.scope.regions:
        key = (recipient.address.casefold(), region, recipient.lang)
        if key in seen and not found:
            found = [f"{recipient.address} gets the report of {region} twice (line {seen[key]} too); remove one"]
        seen.setdefault(key, line)
    return found


def _recipient(row: dict[str, str], scopes: dict[str, Scope]) -> Recipient:
    return Recipient(
        row["address"],
        row["name"],
        scopes[row["scope"].casefold()],
        row["lang"],
        row["format"],
        row["demonstration"].casefold() in _YES,
    )
