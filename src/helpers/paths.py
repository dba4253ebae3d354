"""Where things live: absolute paths by name, so that code works from whatever folder it is started in."""

import os
from functools import lru_cache
from pathlib import Path

ROOT_VARIABLE = "CLIENT_CENTRICITY_ROOT"


def root() -> Path:
    """Folder of the repository, or of the small world that ``CLIENT_CENTRICITY_ROOT`` names (for tests)."""
    return _root(os.environ.get(ROOT_VARIABLE, ""))


@lru_cache(maxsize=256)
def _root(override: str) -> Path:
    """Resolved once per value: matching names asks for it thousands of times."""
    return Path(override).resolve() if override else Path(__file__).resolve().parents[2]


def raw() -> Path:
    """Sources as published, with their catalogue."""
    return root() / "data" / "raw"


def reference() -> Path:
    """Decisions we made: reviewed rows, each with a reason."""
    return root() / "data" / "reference"


def processed(collection: str) -> Path:
    """Tables that the machine made for one collection."""
    return root() / "data" / "processed" / collection


def reports(collection: str, period: str | None = None) -> Path:
    """Reports of one collection, or of one release of it."""
    folder = root() / "reports" / collection
    return folder / period if period else folder


def notebooks() -> Path:
    """Template notebooks."""
    return root() / "notebooks"


def shared() -> Path:
    """Outside data that only tests use, beside the repository; may be absent."""
    return Path(__file__).resolve().parents[3] / "shared"
