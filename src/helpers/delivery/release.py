"""A finished release on disk, and which of its reports may leave: built, checked, unchanged, allowed."""

import csv
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from helpers.delivery.recipients import Recipient
from helpers.presentation import results

COLLECTIONS = ("real", "demo")
PERIOD = re.compile(r"\d{4}(?:-(?:H[12]|Q[1-4]|0[1-9]|1[0-2]))?")


class ReleaseError(RuntimeError):
    """The release cannot be read; the message says what to run."""


class ReportError(RuntimeError):
    """One report may not leave; the message is the reason."""


@dataclass(frozen=True)
class Release:
    """A finished release on disk: its folder, the rows of ``status.csv`` by report id, and its date."""

    folder: Path
    collection: str
    period: str
    rows: dict[str, dict[str, str]]
    made_at: datetime

    @property
    def is_synthetic(self) -> bool:
        """Whether it is the demonstration collection."""
        return self.collection != "real"


@dataclass(frozen=True)
class Refusal:
    """One letter that may not be sent, and why.

    Attributes
    ----------
    is_expected : bool
        The recipient belongs to the other collection: named in the digest, no fault of this run.
    """

    recipient: str
    report_id: str
    reason: str
    is_expected: bool = False


@dataclass(frozen=True)
class Report:
    """One report that may leave: what it says, and the file to attach as it was built and checked.

    Attributes
    ----------
    sha256 : str
        Checksum of the result, as recorded.
    """

    report_id: str
    result: results.Result
    content: bytes
    format: str
    sha256: str


def read_release(folder: Path) -> Release:
    """Release of a folder ``reports/<collection>/<period>``.

    Raises
    ------
    ReleaseError
        If it was not built, or its records cannot be read.
    """
    if folder.parent.name not in COLLECTIONS or not PERIOD.fullmatch(folder.name):
        raise ReleaseError(
            f"no release is called {folder.parent.name!r} {folder.name!r}; the collection is one of"
            f" {', '.join(COLLECTIONS)}, the period like 2024, 2024-H1, 2024-Q3 or 2024-06"
        )
    try:
        with (folder / "status.csv").open(encoding="utf-8-sig", newline="") as handle:
            rows = {row["report_id"]: row for row in csv.DictReader(handle)}
        run: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        stamp = str(run.get("started") or "")
    except (OSError, ValueError, KeyError, AttributeError, csv.Error) as error:
        raise ReleaseError(
            f"{folder} holds no finished release ({getattr(error, 'strerror', None) or error});"
            f" run: reports build --check --collection {folder.parent.name}"
        ) from error
    try:
        made_at = datetime.fromisoformat(stamp)
    except ValueError:
        raise ReleaseError(f"{folder / 'run.json'} does not say when the release was made; build it again") from None
    made_at = made_at if made_at.tzinfo else made_at.replace(tzinfo=UTC)
    return Release(folder, folder.parent.name, folder.name, rows, made_at)


def load(release: Release, report_id: str, recipient: Recipient) -> Report:
    """A report for a recipient, read once, so that the bytes checked are the bytes sent.

    Raises
    ------
    ReportError
        If the report may not go to this recipient.
    """
    row = _permitted(release, report_id, recipient)
    content = _unchanged(release.folder / f"{report_id}.{recipient.format}", row)
    for suffix in {"html", "ipynb"} - {recipient.format}:
        _unchanged(release.folder / f"{report_id}.{suffix}", row)
    text = _unchanged(release.folder / "results" / f"{report_id}.json", row)
    try:
        result = results.from_json(text.decode("utf-8"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReportError(f"its result cannot be read ({error}); build it again with this version") from error
    told = (result.collection, result.period, result.report_id, result.is_synthetic)
    if told != (release.collection, release.period, report_id, release.is_synthetic):
        raise ReportError(f"its result says it is {told[0]} {told[1]} {told[2]}; build it again")
    return Report(report_id, result, content, recipient.format, row["result_sha256"])


def _permitted(release: Release, report_id: str, recipient: Recipient) -> dict[str, str]:
    row = release.rows.get(report_id)
    if row is None:
        raise ReportError("there is no such report in this release; run: reports build")
    is_synthetic = release.is_synthetic or (row.get("is_synthetic") or "").lower() in ("true", "1")
    if is_synthetic and not recipient.is_demonstration:
        raise ReportError("demonstration data never go to a recipient who is not marked as demonstration")
    if row.get("status") not in ("built", "no_data"):
        error = f": {row['error']}" if row.get("error") else ""
        raise ReportError(f"the report is not built (status: {row.get('status') or 'unknown'}){error}")
    if row.get("checked") != "passed":
        raise ReportError(
            f"the report is not validated by nbval (checked: {row.get('checked') or 'no'}); run: reports check"
        )
    return row


_COLUMNS = {".html": "html_sha256", ".ipynb": "notebook_sha256", ".pdf": "pdf_sha256", ".json": "result_sha256"}


def _unchanged(file: Path, row: dict[str, str]) -> bytes:
    """Bytes of a file of the report, if they are what the record says."""
    if not file.is_file():
        raise ReportError(
            f"{file.name} is missing" + ("; build with --pdf" if file.suffix == ".pdf" else "; build again")
        )
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != row.get(_COLUMNS[file.suffix]):
        raise ReportError(f"{file.name} is not the file that was built and checked (its checksum differs); build again")
    return content
