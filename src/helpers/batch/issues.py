"""What the issue before said, carried into a table, so that reports compare with it like with any other table.

The issue before is the latest release of an earlier period of the same collection that has results. Its table is an
input of the reports: it is in their content keys, and a re-run through nbval reads the same.
"""

import contextlib
from pathlib import Path
from typing import Any

from helpers import paths
from helpers.batch.plan import Release
from helpers.tables import periods, store

TABLE = "earlier_issue"


def carry(release: Release) -> bool:
    """Bring the table ``earlier_issue`` up to date; without an earlier release there is none. Whether it changed.

    Raises
    ------
    store.StoreError
        If the table cannot be written.
    """
    folder = earlier_folder(release)
    path = store.table_path(TABLE, release.collection)
    if folder is None:
        existed = path.exists()
        path.unlink(missing_ok=True)
        return existed
    from helpers.presentation import results_issues

    frame = store.validate(TABLE, results_issues.remembered(_readable(folder)), "carried over")
    if path.exists() and store.load(TABLE, release.collection).equals(frame):
        return False
    store.save(TABLE, frame, release.collection)
    return True


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
