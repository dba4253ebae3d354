"""Register of raw files: what was published by whom, with a checksum; files are never edited.

``data/raw/catalog.csv`` registers every raw file of the repository; ``data/raw/demo/catalog.csv`` registers the
generated demonstration files, which are synthetic and never committed.
"""

import csv
import hashlib
import io
import shutil
import unicodedata
from dataclasses import asdict, dataclass, fields
from pathlib import Path, PurePosixPath

from helpers import paths
from helpers.intake.periods import parse_period
from helpers.intake.values import parse_date
from helpers.tables import csv_files
from helpers.tables.periods import is_period

CATALOG = "catalog.csv"
DEMO_FOLDER = "demo"
UNREGISTERED_ALLOWED = {CATALOG, "README.md", ".gitkeep", ".gitignore"}
MAX_BYTES = 512 * 1024 * 1024


class SourceError(Exception):
    """A raw file is missing, changed, unregistered or already registered; the message says which and what to do."""


@dataclass(frozen=True)
class Source:
    """One registered raw file; every field is required, ``unknown`` where the publisher does not say.

    Attributes
    ----------
    path : str
        Relative to ``data/raw``, with forward slashes.
    kind : str
        ``published_figures`` (one row a printed figure) or ``rating_file`` (a file as a ministry sent it).
    period : str
        Period the file is about; empty where the file itself says or holds several.
    is_synthetic : str
        ``1`` for generated demonstration data, else ``0``.
    """

    source_id: str
    path: str
    sha256: str
    kind: str
    publisher: str
    title: str
    address: str
    published_date: str
    accessed_date: str
    licence: str
    period: str
    is_synthetic: str
    note: str = ""

    @property
    def file(self) -> Path:
        """Absolute path."""
        return paths.raw() / self.path


COLUMNS = [field.name for field in fields(Source)]


def sha256(path: Path) -> str:
    """Checksum of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while piece := handle.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def read_catalog(path: Path | None = None) -> list[Source]:
    """Rows of one catalogue, or of both (registered and generated) when no path is given.

    Raises
    ------
    SourceError
        If a catalogue is no CSV in UTF-8, lacks a column, leaves a required field empty, holds a date or period that
        cannot be read, or repeats a path or an id.
    """
    if path is None:
        found = [p for p in (paths.raw() / CATALOG, paths.raw() / DEMO_FOLDER / CATALOG) if p.exists()]
        sources = [source for one in found for source in read_catalog(one)]
        _refuse_repeats(sources, "the catalogues")
        return sources
    try:
        reader = csv.DictReader(io.StringIO(csv_files.read(path), newline=""))
    except csv_files.CsvError as error:
        raise SourceError(f"{path.parent}/{error}") from error
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or [])]
    if missing:
        raise SourceError(f"{path}: columns {missing} are missing; expected {', '.join(COLUMNS)}")
    sources = []
    for line, row in enumerate(reader, start=2):
        where = f"{path}, line {line} ({row['path']})"
        empty = [c for c in COLUMNS if c not in ("period", "note") and not (row[c] or "").strip()]
        if empty:
            raise SourceError(f"{where}: fill in {empty}; write 'unknown' if it is")
        _refuse_elsewhere(row["path"], f"{path}, line {line}")
        sources.append(Source(**_readable({column: row[column] or "" for column in COLUMNS}, where)))
    _refuse_repeats(sources, str(path))
    return sources


def _readable(row: dict[str, str], where: str) -> dict[str, str]:
    """Fields of a row of the catalogue with the period as tables write it.

    Raises
    ------
    SourceError
        If a period, date or mark cannot be read; names the value and what to write.
    """
    period = row.get("period", "").strip()
    if period and not is_period(period):
        mention = parse_period(period)
        if not (mention and mention.text()):
            raise SourceError(f"{where}: period is «{period}»; write 2024, 2024-H1, 2024-Q3 or 2024-06")
        period = mention.text()
    for name in ("published_date", "accessed_date"):
        text = row.get(name, "")
        if text and text != "unknown" and parse_date(text).value != text:
            raise SourceError(
                f"{where}: {name} is «{text}»; write {parse_date(text).value or '2024-10-15'}, or unknown"
            )
    if row.get("is_synthetic", "0") not in ("0", "1"):
        raise SourceError(f"{where}: is_synthetic is «{row['is_synthetic']}»; write 0, or 1 for invented data")
    return {**row, "period": period}


def _refuse_elsewhere(name: str, where: str) -> None:
    """A path of the catalogue leads to a file under ``data/raw`` and nowhere else."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name:
        raise SourceError(f"{where}: path {name!r} leads out of data/raw; copy the file in with: reports add FILE")


def refuse_odd_name(name: str) -> None:
    """Refuse a file name that hides what it is, or that a spreadsheet or a shell would take for an order.

    Raises
    ------
    SourceError
        For control, invisible and text-direction characters, and for names that begin with ``= + - @ ~ .``.
    """
    odd = sorted({f"U+{ord(c):04X}" for c in name if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")})
    if odd or name.startswith(("=", "+", "-", "@", "~", ".")):
        reason = f"holds {', '.join(odd)}" if odd else f"begins with {name[0]}"
        raise SourceError(f"the file name {name!r} {reason}; rename the file and add it again")


def _refuse_repeats(sources: list[Source], where: str) -> None:
    for name in ("path", "source_id"):
        seen: set[str] = set()
        for source in sources:
            value = getattr(source, name)
            if value in seen:
                raise SourceError(f"{where}: {name} '{value}' is registered twice; remove one row")
            seen.add(value)


def write_catalog(path: Path, sources: list[Source]) -> None:
    """Write a catalogue, sorted by path, atomically."""
    temporary = path.with_name(f".{path.name}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(source) for source in sorted(sources, key=lambda s: s.path))
    temporary.replace(path)


def problems(collection: str | None = None) -> list[str]:
    """Everything wrong between catalogue and folder, one sentence each; empty when all is well.

    Parameters
    ----------
    collection : str, optional
        Check the files of ``real`` or ``demo`` only, so that one collection never stops the other.
    """
    raw = paths.raw()
    sources = [s for s in read_catalog() if collection is None or s.is_synthetic == _flag(collection)]
    found = [problem for source in sources if (problem := _problem(source))]
    registered = {source.path for source in read_catalog()}
    for file in sorted(p for p in raw.rglob("*") if p.is_file()):
        relative = file.relative_to(raw).as_posix()
        is_demo = relative.startswith(f"{DEMO_FOLDER}/")
        skip = collection is not None and is_demo != (collection == "demo")
        if skip or relative in registered or file.name in UNREGISTERED_ALLOWED or file.name.startswith("~$"):
            continue
        found.append(
            f"data/raw/{relative} is not registered; run: reports add data/raw/{relative} --title … --publisher …"
        )
    return found


def _problem(source: Source) -> str:
    if not source.file.is_file():
        return f"data/raw/{source.path} is registered but missing; put the file back, or remove its row from {CATALOG}"
    actual = sha256(source.file)
    if actual != source.sha256:
        return (
            f"data/raw/{source.path} changed: sha256 is {actual[:12]}…, {CATALOG} says {source.sha256[:12]}…."
            " Restore the file as published; if the publisher sent a new version,"
            " add it under a new name with: reports add FILE"
        )
    return ""


def _flag(collection: str) -> str:
    return "1" if collection == "demo" else "0"


def of_collection(collection: str) -> list[Source]:
    """Verified sources of a collection, in order of path.

    Raises
    ------
    SourceError
        If any file of this collection is missing, changed or unregistered; every problem is listed.
    """
    found = problems(collection)
    if found:
        raise SourceError("raw data are not as registered: " + "\n  ".join(found))
    chosen = [source for source in read_catalog() if source.is_synthetic == _flag(collection)]
    return sorted(chosen, key=lambda source: source.path)


def add(file: Path, accessed_date: str, **known: str) -> Source:
    """Register a new raw file, copying it under ``data/raw/files`` if it lies elsewhere; asks nothing.

    Parameters
    ----------
    file : Path
        The file as it was sent.
    accessed_date : str
        ISO date on which it was received.
    **known : str
        Any of publisher, title, address, published_date, licence, period, is_synthetic, note, source_id.

    Raises
    ------
    SourceError
        If the file is missing, empty or too large, if its content or its name is registered already, or if a field
        is unknown or cannot be read.
    """
    unknown = sorted(set(known) - set(COLUMNS))
    if unknown:
        raise SourceError(f"unknown fields {unknown}; known: {', '.join(COLUMNS)}")
    if not file.is_file():
        raise SourceError(f"{file}: no such file; name files, not folders")
    refuse_odd_name(file.name)
    size = file.stat().st_size
    if not size:
        raise SourceError(f"{file} is empty; ask for it again")
    if size > MAX_BYTES:
        raise SourceError(f"{file} has {size} bytes, more than the {MAX_BYTES} that are accepted; split it")
    known = _readable(known, str(file))
    checksum, sources = sha256(file), read_catalog()
    for source in sources:
        if source.sha256 == checksum:
            raise SourceError(
                f"{file.name} is registered already: the same content as data/raw/{source.path} ({source.title})"
            )
    if not file.resolve().is_relative_to(paths.raw().resolve()):
        file = _copy_in(file)
    relative = file.resolve().relative_to(paths.raw().resolve()).as_posix()
    new = _new_source(relative, checksum, accessed_date, known, {source.source_id for source in sources})
    catalog = paths.raw() / CATALOG
    write_catalog(catalog, [*(read_catalog(catalog) if catalog.exists() else []), new])
    return new


def _copy_in(file: Path) -> Path:
    target = paths.raw() / "files" / file.name
    if target.exists():
        raise SourceError(f"data/raw/files/{file.name} exists with other content; rename the new file and add it again")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.tmp")
    shutil.copyfile(file, temporary)
    temporary.replace(target)
    return target


def _new_source(relative: str, checksum: str, accessed_date: str, known: dict[str, str], taken: set[str]) -> Source:
    stem = Path(relative).stem
    source_id, number = known.get("source_id", stem), 2
    while source_id in taken:
        source_id, number = f"{stem}_{number}", number + 1
    values = {
        "publisher": "unknown", "title": stem, "address": "unknown", "published_date": "unknown", "licence": "unknown",
        "period": "", "is_synthetic": "0", "note": "", "kind": "rating_file",
    }  # fmt: skip
    values |= {key: value for key, value in known.items() if value}
    values |= {"source_id": source_id, "path": relative, "sha256": checksum, "accessed_date": accessed_date}
    return Source(**values)
