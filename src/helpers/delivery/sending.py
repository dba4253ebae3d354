"""One run of sending: every planned letter once, failures bounded, the truth in the ledger and in the exit code."""

import hashlib
import smtplib
from collections.abc import Callable
from dataclasses import dataclass, field

from helpers.delivery import transport
from helpers.delivery.ledger import Entry, Ledger
from helpers.delivery.letters import Planned
from helpers.delivery.release import Refusal, Release
from helpers.delivery.server import Settings

MAX_ATTEMPTS = 4
MAX_LOST_IN_A_ROW = 3
FIRST_PAUSE_SECONDS = 5.0
FINAL = ("sent", "refused", "unknown")


@dataclass(frozen=True)
class Clock:
    """What a run knows of time: the time of now as text, a monotonic count of seconds, and how to wait."""

    now: Callable[[], str]
    seconds: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass(frozen=True)
class Report:
    """What a run did, for the digest and the exit code.

    Attributes
    ----------
    entries : tuple of Entry
        One per letter of this run, then those of the same release that are still unknown although today's list of
        recipients no longer asks for them.
    sent_now : frozenset of str
        Message-IDs that left in this run; the other ``sent`` ones had left before.
    """

    entries: tuple[Entry, ...]
    refusals: tuple[Refusal, ...]
    stopped: str = ""
    sent_now: frozenset[str] = frozenset()

    def count(self, state: str) -> int:
        """Messages of this run in a state."""
        return sum(entry.state == state for entry in self.entries)

    @property
    def exit_code(self) -> int:
        """Zero only if everybody who should have got a message has it."""
        is_whole = all(entry.state == "sent" for entry in self.entries) and not self.stopped
        return 0 if is_whole and all(refusal.is_expected for refusal in self.refusals) else 1


@dataclass
class _Queue:
    """Letters still to be sent, with the Message-ID under which the ledger knows each."""

    ledger: Ledger
    settings: Settings
    clock: Clock
    letters: list[tuple[Planned, str]] = field(default_factory=list)
    busy: str = ""
    sent: set[str] = field(default_factory=set)


def run(
    release: Release,
    planned: list[Planned],
    refusals: list[Refusal],
    ledger: Ledger,
    settings: Settings,
    clock: Clock,
    first_pause: float = FIRST_PAUSE_SECONDS,
) -> Report:
    """Send all planned letters that are not settled yet.

    ``sent``, ``refused`` and ``unknown`` are never tried again; ``planned`` and ``deferred`` are, at most
    ``MAX_ATTEMPTS`` times in a run with doubling pauses.
    """
    ledger.find_interrupted(clock.now())
    queue = _Queue(ledger, settings, clock)
    known: list[str] = []
    for letter in planned:
        entry = ledger.plan(_entry(release, letter, clock.now()))
        known.append(entry.message_id)
        if entry.state not in FINAL:
            queue.letters.append((letter, entry.message_id))
    stopped = _rounds(queue, first_pause)
    entries = [ledger.find(message_id) for message_id in known]
    return Report((*entries, *_left_over(release, ledger, set(known))), tuple(refusals), stopped, frozenset(queue.sent))


def _rounds(queue: _Queue, pause: float) -> str:
    """All rounds with their pauses; returns why the run stopped early, empty if it did not."""
    for attempt in range(MAX_ATTEMPTS):
        if not queue.letters:
            break
        if attempt:
            queue.clock.sleep(pause)
            pause *= 2
        queue.busy = ""
        try:
            queue.letters = _round(queue)
        except transport.RunStoppedError as error:
            return queue.settings.hide(str(error))
    return queue.busy if queue.letters else ""


def _left_over(release: Release, ledger: Ledger, known: set[str]) -> list[Entry]:
    """Letters of this release that are unknown and not planned today."""
    return [
        entry
        for entry in ledger.entries()
        if (entry.collection, entry.period) == (release.collection, release.period)
        and entry.message_id not in known
        and entry.state == "unknown"
    ]


def _entry(release: Release, letter: Planned, now: str) -> Entry:
    return Entry(
        release.collection, release.period, letter.scope, letter.recipient.address.casefold(), letter.lang,
        letter.edition, letter.message_id, "planned", 0, "", hashlib.sha256(letter.data).hexdigest(), now,
    )  # fmt: skip


def _round(queue: _Queue) -> list[tuple[Planned, str]]:
    """Try each letter once; returns those to be tried again, the ones never reached first.

    After a few conversations lost in a row the round ends and the pause begins.
    """
    deferred: list[tuple[Planned, str]] = []
    talk = _Conversation(queue)
    gap = 60.0 / queue.settings.per_minute if queue.settings.per_minute else 0.0
    earliest = queue.clock.seconds()
    try:
        for position, (letter, message_id) in enumerate(queue.letters):
            if talk.lost >= MAX_LOST_IN_A_ROW:
                return [*queue.letters[position:], *deferred]
            queue.clock.sleep(max(0.0, earliest - queue.clock.seconds()))
            earliest = queue.clock.seconds() + gap
            try:
                outcome = talk.send(letter, message_id)
            except transport.ServerBusyError as error:
                queue.busy = queue.settings.hide(str(error))
                return [*queue.letters[position:], *deferred]
            if outcome.state == "deferred":
                deferred.append((letter, message_id))
    finally:
        talk.close()
    return deferred


class _Conversation:
    """A connection that is opened when needed, and again after it is lost; counts how many were lost in a row."""

    def __init__(self, queue: _Queue) -> None:
        self._queue = queue
        self._connection: smtplib.SMTP | None = None
        self.lost = 0

    def send(self, letter: Planned, message_id: str) -> transport.Outcome:
        """Send one letter; if an old conversation ends under it, at once again in a new one.

        Many servers close a conversation after some letters or minutes.
        """
        is_old = self._connection is not None
        outcome = self._once(letter, message_id)
        if is_old and outcome.reconnect and outcome.state == "deferred":
            outcome = self._once(letter, message_id)
        return outcome

    def _once(self, letter: Planned, message_id: str) -> transport.Outcome:
        self._connection = self._connection or transport.connect(self._queue.settings)
        try:
            outcome = _send_one(self._connection, letter, message_id, self._queue)
        except BaseException:  # Ctrl+C or a refused sender in the middle of a letter: no polite end is possible
            self._connection.close()
            self._connection = None
            raise
        self.lost = self.lost + 1 if outcome.reconnect else 0
        if outcome.reconnect:
            self._connection.close()
            self._connection = None
        return outcome

    def close(self) -> None:
        """Say goodbye."""
        transport.close(self._connection)


def _send_one(connection: smtplib.SMTP, letter: Planned, message_id: str, queue: _Queue) -> transport.Outcome:
    ledger, clock, settings = queue.ledger, queue.clock, queue.settings

    def intend() -> None:
        ledger.intend(message_id, hashlib.sha256(letter.data).hexdigest(), clock.now())

    outcome = transport.send(
        connection, settings.envelope_from, letter.recipient.address, letter.data, intend, settings.final_timeout
    )
    ledger.set_state(message_id, outcome.state, clock.now(), settings.hide(outcome.reply))
    if outcome.state == "sent":
        queue.sent.add(message_id)
    return outcome
