"""The pages above the reports: the index of a release, and what changed since the release or run before."""

import json
import os
from pathlib import Path
from typing import Any

from helpers import paths
from helpers.batch import files, keys, records, workers
from helpers.batch.plan import Release
from helpers.tables import periods

PREVIOUS = ".previous"  # results of the run before the last one that changed something


def remember_previous(release: Release) -> None:
    """Keep the results of the last finished run before this run replaces any of them.

    After an interrupted run the results are a mixture; then the older memory stays.
    """
    kept, current = release.folder / PREVIOUS, release.folder / "results"
    if _state(release.folder) not in ("finished", "") or not current.is_dir():
        return
    kept.mkdir(exist_ok=True)
    for path in kept.glob("*.json"):
        path.unlink()
    for path in current.glob("*.json"):
        os.link(path, kept / path.name)  # results are replaced, never rewritten: the old content stays in the link


def _state(folder: Path) -> str:
    """State that the run before this one ended in; ``running`` when it was killed."""
    try:
        return str(json.loads((folder / "run.json").read_text(encoding="utf-8")).get("previous_state", ""))
    except (OSError, ValueError):
        return ""


def write(release: Release, status: records.Status, base: dict[str, str], stopper: workers.Stopper) -> None:
    """Bring ``status.csv``, ``index.html`` and ``diff.html`` up to date; nothing to do costs nothing."""
    with stopper.held():
        status.save()
    memory = release.folder / ".overview.json"
    wanted = _key(release, status, base)
    if not status.rows or _known(memory, release.folder) == wanted:
        return
    pages = _pages(release, status)
    with stopper.held():
        digests = {name: files.write(release.folder / name, page.encode()) for name, page in pages.items()}
        files.write(memory, json.dumps({"key": wanted, "pages": digests}).encode())


def _key(release: Release, status: records.Status, base: dict[str, str]) -> str:
    """Everything that the pages show."""
    previous = {path.name: files.digest_file(path) for path in sorted(_previous_folder(release).glob("*.json"))}
    rows = [status.rows[name].__dict__ for name in sorted(status.rows)]  # the order of a run is not that of the file
    return keys.combine([base, release.langs[0], rows, previous])


def _known(memory: Path, folder: Path) -> str:
    """Key of the pages on disk, empty when one of them is missing or was changed."""
    try:
        known: dict[str, Any] = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    whole = all(files.digest_file(folder / name) == digest for name, digest in known["pages"].items())
    return str(known["key"]) if whole else ""


def _pages(release: Release, status: records.Status) -> dict[str, str]:
    import pandas as pd

    from helpers.presentation import diff, index
    from helpers.tables import store

    lang = release.langs[0]
    rows = sorted(status.rows.values(), key=lambda row: row.report_id)
    frame = pd.DataFrame([row.__dict__ for row in rows])
    now = _results(release.folder / "results", {row.report_id for row in rows if row.status in records.BUILT})
    pages = {"index.html": index.page(frame, now, store.reference("regions"), lang)}
    if any(result.lang == lang for result in now.values()):
        pages["diff.html"] = diff.page(_results(_previous_folder(release)), now, lang)
    return pages


def _results(folder: Path, only: set[str] | None = None) -> dict[str, Any]:
    """Result objects of a folder by report id."""
    from helpers.presentation import results

    return {
        path.stem: results.from_json(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.json"))
        if only is None or path.stem in only
    }


def _previous_folder(release: Release) -> Path:
    """Results to compare with: of the run before in this release, else of the latest earlier release."""
    own = release.folder / PREVIOUS
    if any(own.glob("*.json")):
        return own
    here = periods.sort_key(release.period)
    earlier = [
        folder
        for folder in paths.reports(release.collection).glob("*")
        if periods.PATTERN.fullmatch(folder.name) and (folder / "results").is_dir()
        if periods.sort_key(folder.name) < here
    ]
    latest = max(earlier, key=lambda folder: periods.sort_key(folder.name), default=release.folder)
    return latest / "results" if earlier else own
