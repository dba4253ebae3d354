"""The pages above the reports: the index of a release, and what changed since the release or run before."""

import contextlib
import datetime
import json
import os
from pathlib import Path
from typing import Any

from helpers import paths
from helpers.batch import files, issues, keys, locking, plan, records, workers
from helpers.batch.options import Options
from helpers.batch.plan import Release

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
    sent = sent_on(release, status)
    wanted = _key(release, status, base, sent)
    if not status.rows or _known(memory, release.folder) == wanted:
        return
    pages = _pages(release, status, sent)
    with stopper.held():
        digests = {name: files.write(release.folder / name, page.encode()) for name, page in pages.items()}
        files.write(memory, json.dumps({"key": wanted, "pages": digests}).encode())


def after_sending(options: Options) -> None:
    """Show in the index of a release what was sent just now; the record of the last run follows the new page.

    A run that works on the collection meanwhile does it itself at its end.
    """
    release = plan.resolve(options)
    record = release.folder / "run.json"
    started = datetime.datetime.now(tz=datetime.UTC).isoformat(timespec="seconds")
    with contextlib.suppress(locking.Busy), locking.exclusive(release.collection, started):
        status = records.Status(release.folder)
        if not status.rows or not record.exists():
            return
        write(release, status, keys.base(), workers.Stopper())
        known = json.loads(record.read_text(encoding="utf-8"))
        known["index_sha256"] = files.digest_file(release.folder / "index.html")
        files.write(record, (json.dumps(known, ensure_ascii=False, indent=1) + "\n").encode())


def sent_on(release: Release, status: records.Status) -> dict[str, str]:
    """Day (ISO) on which each report was last sent, by report id, as the ledger of delivery has it.

    A letter to a district or to all regions counts for every report that it covers. A ledger that a run of sending
    holds is read after that run: it brings the index up to date itself.
    """
    path = paths.reports("ledger.sqlite")
    if not path.is_file():
        return {}
    from helpers.delivery.ledger import Ledger, LedgerError
    from helpers.tables import store

    try:
        ledger = Ledger(path)
    except LedgerError:
        return {}
    try:
        entries = [entry for entry in ledger.entries() if entry.state == "sent"]
    finally:
        ledger.close()
    register = store.reference("regions")
    districts = dict(zip(register["iso_3166_2"], register["federal_district"], strict=True))
    found: dict[str, str] = {}
    for row in status.rows.values():
        scopes = {row.region_iso or plan.NATIONAL_ID, districts.get(row.region_iso, ""), "all"} - {""}
        days = [
            entry.updated_at[:10]
            for entry in entries
            if (entry.collection, entry.period, entry.lang) == (release.collection, release.period, row.lang)
            and entry.region in scopes
        ]
        if days:
            found[row.report_id] = max(days)
    return found


def _key(release: Release, status: records.Status, base: dict[str, str], sent: dict[str, str]) -> str:
    """Everything that the pages show."""
    previous = {path.name: files.digest_file(path) for path in sorted(_previous_folder(release).glob("*.json"))}
    rows = [status.rows[name].__dict__ for name in sorted(status.rows)]  # the order of a run is not that of the file
    return keys.combine([base, release.langs[0], rows, previous, sent])


def _known(memory: Path, folder: Path) -> str:
    """Key of the pages on disk, empty when one of them is missing or was changed."""
    try:
        known: dict[str, Any] = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    whole = all(files.digest_file(folder / name) == digest for name, digest in known["pages"].items())
    return str(known["key"]) if whole else ""


def _pages(release: Release, status: records.Status, sent: dict[str, str]) -> dict[str, str]:
    import pandas as pd

    from helpers.presentation import diff, index
    from helpers.tables import store

    lang = release.langs[0]
    rows = sorted(status.rows.values(), key=lambda row: row.report_id)
    frame = pd.DataFrame([row.__dict__ for row in rows])
    now = _results(release.folder / "results", {row.report_id for row in rows if row.status in records.BUILT})
    pages = {"index.html": index.page(frame, now, store.reference("regions"), lang, sent)}
    if any(result.lang == lang for result in now.values()):
        before = _results(_previous_folder(release))
        pages |= {"diff.html": diff.page(before, now, lang), "diff.csv": diff.file(before, now, lang)}
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
    return issues.earlier_folder(release) or own
