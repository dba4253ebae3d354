"""``status.csv``: one row per report, always consistent with the files on disk.

During a run finished rows go to a journal, one flushed line each, so that a kill loses none of them; the table
itself is
rewritten whole. Reading merges both.
"""

import csv
import io
import json
import os
import threading
from dataclasses import dataclass, fields, replace
from pathlib import Path

from helpers.batch import files

BUILT = ("built", "no_data")


@dataclass(frozen=True)
class Row:
    """One report of a release; all values as text, so that the file says what is meant."""

    report_id: str
    region_iso: str = ""
    lang: str = ""
    period: str = ""
    collection: str = ""
    edition: str = ""
    is_synthetic: str = ""
    status: str = ""
    data_class: str = ""
    content_key: str = ""
    notebook_sha256: str = ""
    html_sha256: str = ""
    result_sha256: str = ""
    pdf_sha256: str = ""
    tables_sha256: str = ""
    value: str = ""
    value_low: str = ""
    value_high: str = ""
    unit: str = ""
    rank_low: str = ""
    rank_high: str = ""
    seconds: str = ""
    cpu_seconds: str = ""
    bytes_html: str = ""
    checked: str = ""
    checked_at_key: str = ""
    error: str = ""
    message_id: str = ""

    @property
    def is_checked(self) -> bool:
        """A re-run through nbval gave the same outputs, for this very content."""
        return self.checked == "passed" and bool(self.content_key) and self.checked_at_key == self.content_key


COLUMNS = tuple(field.name for field in fields(Row))
PARTS = {
    "notebook_sha256": "{id}.ipynb",
    "html_sha256": "{id}.html",
    "result_sha256": "results/{id}.json",
    "pdf_sha256": "{id}.pdf",
}


def part_path(folder: Path, report_id: str, column: str) -> Path:
    """File of a report whose checksum stands in ``column``."""
    return folder / PARTS[column].format(id=report_id)


def tables_folder(folder: Path, report_id: str) -> Path:
    """Folder of the files of a report's tables."""
    return folder / "tables" / report_id


def tables_digest(digests: dict[str, str]) -> str:
    """One checksum of the files of a report's tables (name → SHA-256), empty where there are none."""
    return files.digest(json.dumps(digests, sort_keys=True).encode()) if digests else ""


def faults(folder: Path, row: Row) -> list[str]:
    """What is wrong with the files of a built report: missing or changed ones, by name."""
    found = []
    for column in PARTS:
        recorded = getattr(row, column)
        path = part_path(folder, row.report_id, column)
        if not recorded:
            continue
        actual = files.digest_file(path)
        if actual != recorded:
            found.append(f"{path.relative_to(folder)} {'is missing' if not actual else 'was changed'}")
    if row.tables_sha256:
        tables = tables_folder(folder, row.report_id)
        there = {path.name: files.digest_file(path) for path in tables.glob("[!.]*")}
        if tables_digest(there) != row.tables_sha256:
            found.append(f"{tables.relative_to(folder)} {'was changed' if there else 'is missing'}")
    return found


class Status:
    """The rows of one release."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "status.csv"
        self._journal = folder / ".status.jsonl"
        self._lock = threading.Lock()
        self.rows: dict[str, Row] = self._read()

    def _read(self) -> dict[str, Row]:
        rows = {}
        if self._path.exists():
            with self._path.open(encoding="utf-8-sig", newline="") as stream:
                for record in csv.DictReader(stream):
                    known = {name: record.get(name) or "" for name in COLUMNS}
                    rows[known["report_id"]] = Row(**known)
        for line in self._journal.read_text(encoding="utf-8").splitlines() if self._journal.exists() else ():
            try:
                row = Row(**json.loads(line))
            except (ValueError, TypeError):
                continue  # the line that a kill cut short
            rows[row.report_id] = row
        return rows

    def put(self, row: Row) -> None:
        """Record a row for good."""
        line = json.dumps(row.__dict__, ensure_ascii=False) + "\n"
        with self._lock:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._journal.open("ab") as stream:
                stream.write(line.encode())
                stream.flush()
                os.fsync(stream.fileno())
            self.rows[row.report_id] = row

    def change(self, report_id: str, **values: str) -> Row:
        """Record changed values of a known row."""
        row = replace(self.rows[report_id], **values)
        self.put(row)
        return row

    def save(self) -> None:
        """Rewrite ``status.csv`` and forget the journal."""
        with self._lock:
            buffer = io.StringIO()
            writer = csv.writer(buffer, lineterminator="\n")
            writer.writerow(COLUMNS)
            for key in sorted(self.rows):
                writer.writerow([getattr(self.rows[key], name) for name in COLUMNS])
            content = buffer.getvalue().encode("utf-8-sig")
            if files.digest_file(self._path) != files.digest(content):
                files.write(self._path, content)
            self._journal.unlink(missing_ok=True)
