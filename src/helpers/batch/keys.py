"""Content keys: equal keys mean that a run would give the same bytes, so it is skipped.

A key covers the notebook (its sources, not stored outputs), the rooms, the reviewed reference data (lists of cleaning
only for the notebook that reads raw files) and release parameters, the tables as a report reads them, the notebook's
parameters (with the language), and the versions of Python and of the
direct dependencies. Batch, delivery and the command line do not change what a report says and are left out.
"""

import functools
import hashlib
import importlib.metadata
import json
import platform
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from helpers import paths
from helpers.batch import files

NOT_IN_REPORTS = ("batch", "delivery", "cli.py", "synthetic")
# Tables of which a regional report reads the rows of its own region only; all others count as a whole,
# because maps, comparisons and ranks show every region.
OWN_ROWS = ("service_panel", "next_services", "situation_totals")
# Reviewed lists that only the reading of raw files uses: what they change shows in the tables that it makes.
OF_CLEANING = (
    "column_overrides.csv", "column_roles.csv", "corrections.csv", "panel_columns.csv", "refused_names.csv",
    "region_aliases.csv", "request_columns.csv", "sheet_overrides.csv", "situation_columns.csv",
)  # fmt: skip
DISTRIBUTION = "client-centricity"


def combine(parts: Any) -> str:
    """SHA-256 of anything JSON can hold."""
    return files.digest(json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode())


def notebook(template: Path) -> str:
    """Digest of what a notebook does: kinds, tags and sources of its cells."""
    return _notebook(template, template.stat().st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _notebook(template: Path, _modified: int) -> str:
    cells = json.loads(template.read_text(encoding="utf-8"))["cells"]
    return combine(
        [[cell["cell_type"], cell.get("metadata", {}).get("tags", []), "".join(cell["source"])] for cell in cells]
    )


def folder(base: Path, skip: Iterable[str] = ()) -> str:
    """Digest of all files of a folder by relative name and content."""
    parts = {}
    for path in sorted(base.rglob("*")):
        name = path.relative_to(base).as_posix()
        hidden = "__pycache__" in path.parts or path.name.startswith(".")
        if path.is_file() and not hidden and not name.startswith(tuple(skip)):
            parts[name] = files.digest_file(path)
    return combine(parts)


@functools.cache
def versions() -> dict[str, str]:
    """Versions of Python and of the direct dependencies."""
    found = {"python": platform.python_version()}
    try:
        requirements = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        requirements = []
    for requirement in requirements:
        name = re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0]
        if "extra ==" not in requirement:
            try:
                found[name] = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                found[name] = "absent"
    return found


def base() -> dict[str, str]:
    """The parts of a key that are common to all notebooks of a run."""
    params = paths.root() / "params.toml"
    return {
        "rooms": folder(Path(__file__).resolve().parents[1], NOT_IN_REPORTS),
        "reference": folder(paths.reference(), OF_CLEANING),
        "params": files.digest_file(params),
        "versions": combine(versions()),
    }


class Inputs:
    """Digests of the tables of one collection, whole and by region, remembered between runs by content."""

    def __init__(self, collection: str) -> None:
        self._folder = paths.processed(collection)
        self.collection = collection
        self._catalogue = (paths.raw() / "demo" if collection == "demo" else paths.raw()) / "catalog.csv"
        self._memory = paths.reports(collection) / ".slices.json"
        self._slices: dict[str, dict[str, str]] = self._remembered()
        self._whole: dict[str, str] = {}

    def _remembered(self) -> dict[str, dict[str, str]]:
        try:
            return dict(json.loads(self._memory.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return {}

    def table(self, name: str) -> str:
        """Digest of a whole table, empty when it is not there."""
        if name not in self._whole:
            self._whole[name] = files.digest_file(self._folder / f"{name}.parquet")
        return self._whole[name]

    def tables(self) -> list[str]:
        """Names of the tables that are there."""
        return sorted(path.stem for path in self._folder.glob("*.parquet"))

    def slice(self, name: str, region: str) -> str:
        """Digest of one region's rows of a table, with the rows that belong to no region."""
        whole = self.table(name)
        if whole and whole not in self._slices:
            self._slices[whole] = region_digests(self._folder / f"{name}.parquet")
        known = self._slices.get(whole, {})
        return combine([known.get(region, ""), known.get("", "")])

    def of_report(self, region: str) -> dict[str, str]:
        """Digests of the tables as a report reads them, and of the catalogue, whose titles and addresses it prints.

        ``region`` is empty for the national report.
        """
        tables = {
            name: self.slice(name, region) if region and name in OWN_ROWS else self.table(name)
            for name in self.tables()
        }
        return {**tables, "catalogue": files.digest_file(self._catalogue)}

    def remember(self) -> None:
        """Keep the slices of today's tables for the next run."""
        current = {name: self.table(name) for name in self.tables() if name in OWN_ROWS}
        kept = {whole: self._slices[whole] for whole in current.values() if whole in self._slices}
        text = json.dumps(kept, sort_keys=True)
        if kept != self._remembered():
            files.write(self._memory, text.encode())


def region_digests(path: Path) -> dict[str, str]:
    """Digest of the rows of each region of a table; rows without a region under the empty text."""
    import pandas as pd

    frame = pd.read_parquet(path)
    if "region_iso" not in frame:
        return {"": files.digest_file(path)}
    hashes = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    groups = frame["region_iso"].fillna("").groupby(frame["region_iso"].fillna("")).indices
    return {str(region): hashlib.sha256(hashes[rows].tobytes()).hexdigest() for region, rows in groups.items()}


LARGE = 16 * 2**20


def cleaning_lists() -> str:
    """Digest of the reviewed lists that the reading of raw files uses."""
    return combine({name: files.digest_file(paths.reference() / name) for name in OF_CLEANING})


def raw_files(collection: str) -> str:
    """Digest of the raw files of a collection: content of small ones, size and time of large ones.

    The catalogue has checksums of all. The folder of demonstration files is no business of the real collection.
    """
    parts: dict[str, Any] = {}
    base_folder = paths.raw()
    foreign = base_folder / "demo" if collection == "real" else None
    for path in sorted(base_folder.rglob("*")) if base_folder.is_dir() else ():
        if path.is_file() and not path.name.startswith(".") and foreign not in path.parents:
            stat = path.stat()
            large = stat.st_size > LARGE
            parts[path.relative_to(base_folder).as_posix()] = (
                [stat.st_size, stat.st_mtime_ns] if large else files.digest_file(path)
            )
    return combine(parts)
