"""What was sent to whom: intent is recorded before, outcome after, each message; nobody gets two, nobody is forgotten.

States: planned → sending (committed before DATA) → sent | deferred | refused | unknown. ``sending`` found at the
start of a run means that a run died between the server's acceptance and the record: it becomes ``unknown`` and
waits for a person's word.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

_KEY = "collection = ? AND period = ? AND region = ? AND recipient = ? AND lang = ? AND edition = ?"
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
    """One message of the ledger.

    Attributes
    ----------
    region : str
        What the recipient asked for: code of a region, ``national``, name of a federal district, or ``all``.
    """

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
    """SQLite file that is on disk when it says so: ``synchronous=EXTRA`` is FULL, and the folder is synced too.

    It holds addresses of people, so only its owner may read it.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            self._db = sqlite3.connect(path, isolation_level=None, timeout=1)
            self._db.execute("PRAGMA journal_mode=DELETE")
            self._db.execute("PRAGMA synchronous=EXTRA")
            self._db.execute(_SCHEMA)
        except OSError as error:
            raise LedgerError(f"{path} cannot be written ({error.strerror or error}); mend its folder") from error
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
        """Record the intent, or return what is recorded for the same message already.

        The same message is the same recipient, scope, period, language and edition, also if its Message-ID was made
        with another domain: what was settled under the old one stays settled, what was not takes the new one.
        """
        values = (
            entry.collection, entry.period, entry.region, entry.recipient, entry.lang, entry.edition,
            entry.message_id, "planned", 0, "", entry.sha256, entry.updated_at,
        )  # fmt: skip
        marks = ",".join("?" * len(values))
        self._db.execute(f"INSERT OR IGNORE INTO messages VALUES ({marks})", values)  # noqa: S608 - marks only
        self._db.execute(
            f"UPDATE messages SET message_id = ? WHERE {_KEY} AND state IN ('planned', 'deferred')",  # noqa: S608
            (entry.message_id, *values[:6]),
        )
        row = self._db.execute(f"SELECT * FROM messages WHERE {_KEY}", values[:6]).fetchone()  # noqa: S608
        return Entry(*row)

    def find(self, message_id: str) -> Entry:
        """Entry of a Message-ID; raises LedgerError if there is none."""
        row = self._db.execute("SELECT * FROM messages WHERE message_id = ?", (message_id,)).fetchone()
        if row is None:
            raise LedgerError(f"no message {message_id} in the ledger; see the outbox page for the known ones")
        return Entry(*row)

    def intend(self, message_id: str, sha256: str, now: str) -> None:
        """Commit that these very bytes are about to be sent, in one step, and count the try."""
        self._db.execute(
            "UPDATE messages SET state = 'sending', reply = '', attempts = attempts + 1, sha256 = ?, updated_at = ?"
            " WHERE message_id = ?",
            (sha256, now, message_id),
        )

    def set_state(self, message_id: str, state: str, now: str, reply: str = "") -> None:
        """Commit a new state with the server's words."""
        if state not in STATES:
            raise LedgerError(f"unknown state {state!r}")
        self._db.execute(
            "UPDATE messages SET state = ?, reply = ?, updated_at = ? WHERE message_id = ?",
            (state, reply[:300], now, message_id),
        )

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
