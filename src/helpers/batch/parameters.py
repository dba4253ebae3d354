"""Typed parameters of a notebook, read from its own parameters cell and checked before any kernel starts."""

import ast
import csv
import difflib
import functools
import io
import json
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers import paths
from helpers.tables import periods

KINDS: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}
CHOICES = {"lang": ("ru", "en"), "collection": ("real", "demo")}
# ISO 3166-2 lists these territories under another prefix; the user-assigned alias is accepted on input.
ALIASES = {
    "RU-CR": "UA-43",
    "RU-SEV": "UA-40",
    "RU-DON": "UA-14",
    "RU-LUG": "UA-09",
    "RU-ZAP": "UA-23",
    "RU-KHE": "UA-65",
}
NAME_COLUMNS = (
    "name_ru",
    "name_ru_official",
    "name_ru_short",
    "name_en",
    "genitive_ru",
    "prepositional_ru",
    "label_ru",
)
LIST_COLUMNS = ("aliases_ru", "aliases_en", "former_names_ru")


class ParameterError(ValueError):
    """A parameter has a wrong name, type or value; the message names the nearest valid one."""


@dataclass(frozen=True)
class Parameter:
    """One parameter as the notebook declares it: ``region: str = "RU-CHE"  # ISO code or name``."""

    name: str
    kind: str
    default: Any
    help: str


def schema(template: Path) -> tuple[Parameter, ...]:
    """Parameters that a notebook declares, in order.

    Raises
    ------
    ParameterError
        If the file is not a notebook, has no cell tagged ``parameters``, or the cell holds more than typed constants.
    """
    try:
        stat = template.stat()
    except OSError as error:
        raise ParameterError(f"no notebook {template.name} in {template.parent}") from error
    return _schema(template, stat.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _schema(template: Path, _modified: int) -> tuple[Parameter, ...]:
    try:
        cells = json.loads(template.read_text(encoding="utf-8"))["cells"]
    except (ValueError, KeyError, UnicodeDecodeError) as error:
        raise ParameterError(f"{template.name} is not a readable notebook: {error}") from error
    tagged = [cell for cell in cells if "parameters" in cell.get("metadata", {}).get("tags", [])]
    if not tagged:
        raise ParameterError(f"{template.name} has no cell tagged 'parameters'")
    source = "".join(tagged[0]["source"])
    try:
        body, comments = ast.parse(source).body, _comments(source)
    except (SyntaxError, tokenize.TokenError) as error:
        raise ParameterError(f"{template.name}: the parameters cell is not Python: {error}") from error
    return tuple(_declared(template, node, comments) for node in body)


def _comments(source: str) -> dict[int, str]:
    """Trailing comment by line number."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}


def _declared(template: Path, node: ast.stmt, comments: dict[int, str]) -> Parameter:
    typed = isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None
    if not typed:
        raise ParameterError(f"{template.name}, line {node.lineno} of parameters: write  name: type = default  # help")
    kind = ast.unparse(node.annotation)  # type: ignore[attr-defined]
    if kind not in KINDS:
        raise ParameterError(f"{template.name}: type '{kind}' of a parameter; choose one of: {', '.join(KINDS)}")
    default = ast.literal_eval(node.value)  # type: ignore[attr-defined]
    return Parameter(node.target.id, kind, default, comments.get(node.lineno, ""))  # type: ignore[attr-defined]


def check(template: Path, values: dict[str, Any]) -> dict[str, Any]:
    """Values that the notebook will understand: names and types compared, region and period resolved.

    Raises
    ------
    ParameterError
        At the first wrong one, naming the nearest valid value.
    """
    declared = {parameter.name: parameter for parameter in schema(template)}
    checked = {}
    for name, value in values.items():
        if name not in declared:
            raise ParameterError(
                f"{template.stem} has no parameter '{name}'{_nearest(name, declared)};"
                f" it has: {', '.join(f'{p.name} ({p.kind})' for p in declared.values())}"
            )
        checked[name] = _value(template, declared[name], value)
    return checked


def _value(template: Path, parameter: Parameter, value: Any) -> Any:
    expected = KINDS[parameter.kind]
    exact = type(value) is expected or (expected is float and type(value) is int)
    if not exact:
        raise ParameterError(
            f"{template.stem}: parameter '{parameter.name}' wants {parameter.kind}, got"
            f" {type(value).__name__} {value!r}; for example {parameter.default!r}"
        )
    if parameter.name == "region":
        return region_code(value)
    if parameter.name == "period":
        return period_text(value)
    if parameter.name in CHOICES and value not in CHOICES[parameter.name]:
        choices = CHOICES[parameter.name]
        raise ParameterError(
            f"{template.stem}: {parameter.name} = {value!r}{_nearest(value, choices)};"
            f" choose one of: {', '.join(choices)}"
        )
    return expected(value)


def period_text(value: str) -> str:
    """The period text, if it is one.

    Raises
    ------
    ParameterError
        If it is not ``2024``, ``2024-H1``, ``2024-Q3`` or ``2024-06``.
    """
    try:
        return str(periods.parse(value))
    except ValueError as error:
        raise ParameterError(str(error)) from error


def _nearest(word: str, among: Any) -> str:
    near = difflib.get_close_matches(str(word), list(among), n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else ""


def regions() -> list[dict[str, str]]:
    """Rows of the region register, in its order."""
    path = paths.reference() / "regions.csv"
    try:
        return list(_regions(path, path.stat().st_mtime_ns))
    except OSError as error:
        raise ParameterError("data/reference/regions.csv is missing: restore it with git checkout") from error


@functools.lru_cache(maxsize=8)
def _regions(path: Path, _modified: int) -> tuple[dict[str, str], ...]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return tuple(csv.DictReader(stream))


def _spelled(text: str) -> str:
    return " ".join(text.casefold().replace("ё", "е").replace("—", "-").replace("–", "-").split())


def region_code(text: str) -> str:
    """ISO code of a region given by code (any case), user-assigned alias, or an official spelling of its name.

    Raises
    ------
    ParameterError
        If no region is called so, naming the nearest ones.
    """
    rows = regions()
    codes = {row["iso_3166_2"]: row for row in rows}
    wanted = ALIASES.get(text.strip().upper(), text.strip().upper())
    if wanted in codes:
        return wanted
    names: dict[str, set[str]] = {}
    for row in rows:
        spellings = [row.get(column, "") for column in NAME_COLUMNS]
        spellings += [part for column in LIST_COLUMNS for part in row.get(column, "").split(";")]
        for spelling in filter(None, spellings):
            names.setdefault(_spelled(spelling), set()).add(row["iso_3166_2"])
    found = names.get(_spelled(text), set()) or _matched(text)
    if len(found) == 1:
        return found.pop()
    if found:
        raise ParameterError(f"'{text}' may be any of {', '.join(sorted(found))}; give the ISO code")
    near = difflib.get_close_matches(_spelled(text), names, n=2, cutoff=0.6)
    near_codes = difflib.get_close_matches(wanted, codes, n=2, cutoff=0.6)
    offers = [min(names[name]) for name in near] + near_codes
    labels = [f"{code} ({codes[code]['name_ru']})" for code in dict.fromkeys(offers)]
    hint = f"; did you mean {' or '.join(labels)}?" if labels else "; see data/reference/regions.csv"
    raise ParameterError(f"unknown region '{text}'{hint}")


def _matched(text: str) -> set[str]:
    """What the names room makes of a spelling that the register does not hold word for word."""
    try:
        from helpers.intake.entities import match_region
    except ImportError:
        return set()
    match = match_region(text)
    code = match if isinstance(match, str) else getattr(match, "code", None) or getattr(match, "region_iso", None)
    return {code} if code else set()
