"""One run of sending: every planned letter once, failures bounded, the truth in the ledger and in the exit code."""

import hashlib
import smtplib
from collections.abc import Callable
from dataclasses import dataclass

from helpers.delivery import transport
from helpers.delivery.ledger import Entry, Ledger
from helpers.delivery.outbox import Planned, Refusal, Release

MAX_ATTEMPTS = 4
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
    """What a run did, for the digest and the exit code."""

    entries: tuple[Entry, ...]
    refusals: tuple[Refusal, ...]
    stopped: str = ""

    def count(self, state: str) -> int:
        """Messages of this run in a state."""
        return sum(entry.state == state for entry in self.entries)

    @property
    def exit_code(self) -> int:
        """Zero only if everybody who should have got a message has it."""
        is_whole = all(entry.state == "sent" for entry in self.entries) and not self.refusals and not self.stopped
        return 0 if is_whole else 1


def run(
    release: Release,
    planned: list[Planned],
    refusals: list[Refusal],
    ledger: Ledger,
    settings: transport.Settings,
    clock: Clock,
    first_pause: float = FIRST_PAUSE_SECONDS,
) -> Report:
    """Send all planned letters that are not settled yet.

    ``sent``, ``refused`` and ``unknown`` are never tried again; ``planned`` and ``deferred`` are, at most
    ``MAX_ATTEMPTS`` times in a run with doubling pauses.
    """
    ledger.find_interrupted(clock.now())
    queue = []
    for letter in planned:
        entry = ledger.plan(_entry(release, letter, clock.now()))
        if entry.state not in FINAL:
            queue.append(letter)
    stopped = ""
    pause = first_pause
    for attempt in range(MAX_ATTEMPTS):
        if not queue or stopped:
            break
        if attempt:
            clock.sleep(pause)
            pause *= 2
        try:
            queue = _round(queue, ledger, settings, clock)
        except transport.RunStoppedError as error:
            stopped = str(error)
    entries = tuple(ledger.find(letter.message_id) for letter in planned)
    return Report(entries, tuple(refusals), stopped)


def _entry(release: Release, letter: Planned, now: str) -> Entry:
    return Entry(
        release.collection, release.period, letter.region, letter.recipient.address.casefold(), letter.lang,
        letter.edition, letter.message_id, "planned", 0, "", hashlib.sha256(letter.data).hexdigest(), now,
    )  # fmt: skip


def _round(queue: list[Planned], ledger: Ledger, settings: transport.Settings, clock: Clock) -> list[Planned]:
    """Try each letter once; returns those that were deferred."""
    deferred: list[Planned] = []
    connection: smtplib.SMTP | None = None
    gap = 60.0 / settings.per_minute if settings.per_minute else 0.0
    earliest = clock.seconds()
    try:
        for letter in queue:
            clock.sleep(max(0.0, earliest - clock.seconds()))
            earliest = clock.seconds() + gap
            connection = connection or transport.connect(settings)
            outcome = _send_one(connection, letter, ledger, settings, clock)
            if outcome.reconnect:
                connection.close()
                connection = None
            if outcome.state == "deferred":
                deferred.append(letter)
    finally:
        transport.close(connection)
    return deferred


def _send_one(
    connection: smtplib.SMTP, letter: Planned, ledger: Ledger, settings: transport.Settings, clock: Clock
) -> transport.Outcome:
    def intend() -> None:
        ledger.set_bytes(letter.message_id, hashlib.sha256(letter.data).hexdigest())
        ledger.set_state(letter.message_id, "sending", clock.now(), attempt=True)

    outcome = transport.send(connection, settings.envelope_from, letter.recipient.address, letter.data, intend)
    ledger.set_state(letter.message_id, outcome.state, clock.now(), outcome.reply)
    return outcome


def digest(report: Report, release: Release) -> str:
    """Summary for the operator: counts, what failed and why, what to do next; no secret in it."""
    lines = [
        f"Release {release.collection} {release.period}",
        f"sent {report.count('sent')}, deferred {report.count('deferred')}, refused {report.count('refused')},"
        f" unknown {report.count('unknown')}, skipped {len(report.refusals)}",
        f"outbox: reports/{release.collection}/{release.period}/outbox/index.html",
    ]
    if report.stopped:
        lines.append(f"the run stopped: {report.stopped}")
    for entry in report.entries:
        if entry.state != "sent":
            lines.append(f"{entry.state}: {entry.recipient} · {entry.region}.{entry.lang} · {entry.reply}")
        if entry.state == "unknown":
            lines.append(f"  ask the mail server about {entry.message_id}, then: reports send --send --resolve")
            lines.append(f"  '{entry.message_id}=sent' (it arrived) or '{entry.message_id}=resend' (it did not)")
    lines += [f"skipped: {r.recipient} · {r.report_id} · {r.reason}" for r in report.refusals]
    return "\n".join(lines) + "\n"
