"""What the issue before said, carried into a table, so that reports compare with it like with any other table.

The issue before is the latest release of an earlier period of the same collection that has results. Its table is an
input of the reports: it is in their content keys, and a re-run through nbval reads the same.
"""

import contextlib
import json
from pathlib import Path
from typing import Any

from helpers import paths
from helpers.batch import files, keys
from helpers.batch.plan import Release
from helpers.tables import periods

TABLE = "earlier_issue"


def carry(release: Release, base: dict[str, str]) -> bool:
    """Bring the table ``earlier_issue`` up to date; without an earlier release there is none. Whether it changed.

    Parameters
    ----------
    base
        Digests of the code; with them and the results unchanged nothing is read, for reading takes a second.

    Raises
    ------
    store.StoreError
        If the table cannot be written.
    """
    folder = earlier_folder(release)
    path = paths.processed(release.collection) / f"{TABLE}.parquet"
    if folder is None:
        existed = path.exists()
        path.unlink(missing_ok=True)
        return existed
    memory = release.folder / ".earlier.json"
    key = keys.combine([base, str(folder), {path.name: files.digest_file(path) for path in folder.glob("*.json")}])
    if _remembered(memory) == {"key": key, "table": files.digest_file(path)}:
        return False
    from helpers.presentation.results import issues as results_issues
    from helpers.tables import store

    frame = store.validate(TABLE, results_issues.remembered(_readable(folder)), "carried over")
    is_same = path.exists() and store.load(TABLE, release.collection).equals(frame)
    if not is_same:
        store.save(TABLE, frame, release.collection)
    files.write(memory, json.dumps({"key": key, "table": files.digest_file(path)}).encode())
    return not is_same


def _remembered(memory: Path) -> Any:
    """What the table was made of the last time, None if that is not known."""
    try:
        return json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _readable(folder: Path) -> list[Any]:
    """Result objects of a folder; those that an older version wrote in another shape are left out."""
    from helpers.presentation import results

    found = []
    for path in sorted(folder.glob("*.json")):
        with contextlib.suppress(ValueError, TypeError, KeyError):
            found.append(results.from_json(path.read_text(encoding="utf-8")))
    return found


def earlier_folder(release: Release) -> Path | None:
    """Results of the latest release of an earlier period, None if there is none."""
    here = periods.sort_key(release.period)
    earlier = [
        folder
        for folder in paths.reports(release.collection).glob("*")
        if periods.PATTERN.fullmatch(folder.name) and any((folder / "results").glob("*.json"))
        if periods.sort_key(folder.name) < here
    ]
    latest = max(earlier, key=lambda folder: periods.sort_key(folder.name), default=None)
    return None if latest is None else latest / "results"
