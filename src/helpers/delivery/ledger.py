"""What was sent to whom: intent is recorded before, outcome after, each message; nobody gets two, nobody is forgotten.

States: planned → sending (committed before DATA) → sent | deferred | refused | unknown. ``sending`` found at the
start of a run means that a run died between the server's acceptance and the record: it becomes ``unknown`` and
waits for a person's word.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

STATES = ("planned", "sending", "sent", "deferred", "refused", "unknown")
_IN_USE = "another run is sending with this ledger; wait until it ends"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    collection TEXT NOT NULL, period TEXT NOT NULL, region TEXT NOT NULL, recipient TEXT NOT NULL,
    lang TEXT NOT NULL, edition TEXT NOT NULL, message_id TEXT NOT NULL UNIQUE, state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, reply TEXT NOT NULL DEFAULT '', sha256 TEXT NOT NULL DEFAULT '',
    updated_at TEXT NOT NULL,
    UNIQUE (collection, period, region, recipient, lang, edition)
)
"""


class LedgerError(RuntimeError):
    """The ledger cannot be used or a resolution does not fit; the message says what to do."""


@dataclass(frozen=True)
class Entry:
    """One message of the ledger."""

    collection: str
    period: str
    region: str
    recipient: str
    lang: str
    edition: str
    message_id: str
    state: str
    attempts: int
    reply: str
    sha256: str
    updated_at: str


class Ledger:
    """SQLite file with ``synchronous=FULL``: what it says is on disk."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = sqlite3.connect(path, isolation_level=None, timeout=1)
            self._db.execute("PRAGMA journal_mode=DELETE")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute(_SCHEMA)
        except sqlite3.DatabaseError as error:
            if "locked" in str(error):
                raise LedgerError(_IN_USE) from error
            raise LedgerError(f"{path} cannot be used as the ledger ({error}); restore it from a backup") from error

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def lock(self) -> None:
        """Keep every other run out until `close`; raises LedgerError if one is sending already."""
        try:
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise LedgerError(_IN_USE) from error

    def plan(self, entry: Entry) -> Entry:
        """Record the intent, or return what is recorded for the same message already."""
        values = (
            entry.collection, entry.period, entry.region, entry.recipient, entry.lang, entry.edition,
            entry.message_id, "planned", 0, "", entry.sha256, entry.updated_at,
        )  # fmt: skip
        marks = ",".join("?" * len(values))
        self._db.execute(f"INSERT OR IGNORE INTO messages VALUES ({marks})", values)  # noqa: S608 - marks only
        return self.find(entry.message_id)

    def find(self, message_id: str) -> Entry:
        """Entry of a Message-ID; raises LedgerError if there is none."""
        row = self._db.execute("SELECT * FROM messages WHERE message_id = ?", (message_id,)).fetchone()
        if row is None:
            raise LedgerError(f"no message {message_id} in the ledger; see the outbox page for the known ones")
        return Entry(*row)

    def set_state(self, message_id: str, state: str, now: str, reply: str = "", attempt: bool = False) -> None:
        """Commit a new state; ``attempt`` counts one more try."""
        if state not in STATES:
            raise LedgerError(f"unknown state {state!r}")
        self._db.execute(
            "UPDATE messages SET state = ?, reply = ?, attempts = attempts + ?, updated_at = ? WHERE message_id = ?",
            (state, reply[:300], int(attempt), now, message_id),
        )

    def set_bytes(self, message_id: str, sha256: str) -> None:
        """Record the checksum of the bytes about to be sent."""
        self._db.execute("UPDATE messages SET sha256 = ? WHERE message_id = ?", (sha256, message_id))

    def entries(self) -> list[Entry]:
        """All messages in the order of planning."""
        return [Entry(*row) for row in self._db.execute("SELECT * FROM messages ORDER BY rowid")]

    def find_interrupted(self, now: str) -> list[Entry]:
        """Turn ``sending`` left by a dead run into ``unknown`` and return those messages."""
        left = [entry for entry in self.entries() if entry.state == "sending"]
        for entry in left:
            self.set_state(entry.message_id, "unknown", now, "a run ended between sending and the record")
        return left

    def resolve(self, message_id: str, word: str, now: str) -> None:
        """Carry out a person's word about an unknown message: ``sent`` or ``resend``.

        Raises
        ------
        LedgerError
            If the message is not unknown, or the word is another.
        """
        entry = self.find(message_id)
        if entry.state != "unknown":
            raise LedgerError(f"{message_id} is {entry.state}, not unknown; nothing to resolve")
        if word not in ("sent", "resend"):
            raise LedgerError(f"--resolve {message_id}={word}: write =sent or =resend")
        self.set_state(message_id, "sent" if word == "sent" else "planned", now, f"resolved by a person: {word}")
