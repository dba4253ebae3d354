"""What `reports send` does, in order: read and check everything, write the outbox, and only then, if asked, send."""

import datetime
import os
import re
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.delivery import ledger, letters, mime, outbox, recipients, sending, server, transport
from helpers.delivery import release as releases
from helpers.presentation import messages
from helpers.presentation.messages import digest as messages_digest

MAX_PAUSE_SECONDS = 3600


class DeliveryError(RuntimeError):
    """Nothing was sent; the message says what to mend."""


@dataclass(frozen=True)
class Delivered:
    """Words for the operator and the exit code."""

    text: str
    exit_code: int


@dataclass(frozen=True)
class _Run:
    """What is to be sent, and by whom."""

    release: releases.Release
    planned: list[letters.Planned]
    refused: list[releases.Refusal]
    sender: mime.Sender
    operator: str
    reports_address: str
    first_pause: float


_EXPECTED = (
    recipients.RecipientsError,
    releases.ReleaseError,
    ledger.LedgerError,
    mime.MessageError,
    server.SettingsError,
)


def deliver(
    release_folder: Path,
    ledger_file: Path,
    recipients_file: Path,
    register: pd.DataFrame,
    mail: dict[str, Any],
    *,
    is_real_send: bool = False,
    is_correction: bool = False,
    resolutions: list[str] | None = None,
) -> Delivered:
    """Write the outbox of a release and, if asked, send it.

    Raises
    ------
    DeliveryError
        Before anything is sent: bad recipients, no release, bad settings, a ledger in use, an unknown resolution. Or
        in the middle, if the ledger cannot be written any more: then nothing is sent after that.
    """
    try:
        sender, operator, address, pause = sender_of(mail), _operator(mail), _reports_address(mail), _pause(mail)
        settings = server.settings_from(os.environ, sender.address) if is_real_send else None
        people = recipients.read(recipients_file, register)
        release = releases.read_release(release_folder)
        planned, refused = letters.plan(release, people, sender, is_correction, address)
        run = _Run(release, planned, refused, sender, operator, address, pause)
        book = ledger.Ledger(ledger_file)
        try:
            return _with_ledger(run, book, settings, resolutions or [])
        finally:
            book.close()
    except _EXPECTED as error:
        raise DeliveryError(str(error)) from error
    except sqlite3.Error as error:
        raise DeliveryError(
            f"the ledger {ledger_file} cannot be written ({error}); nothing more was sent. Free some space, run again"
        ) from error


def _with_ledger(run: _Run, book: ledger.Ledger, settings: server.Settings | None, resolutions: list[str]) -> Delivered:
    if settings is not None or resolutions:
        book.lock()
        book.find_interrupted(_now())
    for text in resolutions:
        message_id, _, word = text.rpartition("=")
        book.resolve(message_id, word, _now())
    page = _write_outbox(run, book)
    if settings is None:
        return _dry(run, page)
    clock = sending.Clock(_now, time.monotonic, time.sleep)
    report = sending.run(run.release, run.planned, run.refused, book, settings, clock, run.first_pause)
    _write_outbox(run, book)
    told = messages_digest.digest(digest_of(report, run.release, run.reports_address))
    return Delivered(told.text + _send_digest(told, run, settings), report.exit_code)


def _write_outbox(run: _Run, book: ledger.Ledger) -> Path:
    return outbox.write(run.release, run.planned, run.refused, {e.message_id: e.state for e in book.entries()})


def _dry(run: _Run, page: Path) -> Delivered:
    faults = [refusal for refusal in run.refused if not refusal.is_expected]
    lines = [f"dry run: {len(run.planned)} letters written, {len(faults)} refused; look at {page}"]
    words = {True: "not addressed", False: "refused"}
    lines += [f"{words[r.is_expected]}: {r.recipient} · {r.report_id} · {r.reason}" for r in run.refused]
    lines += ["nothing was sent; add --send to send"]
    return Delivered("\n".join(lines), 1 if faults else 0)


def sender_of(mail: dict[str, Any]) -> mime.Sender:
    """Sender from the ``[mail]`` part of ``params.toml``; raises DeliveryError for a missing key."""
    names = ("from_name", "from_address", "reply_name", "reply_address", "list_name", "list_id", "unsubscribe")
    missing = [name for name in names if not mail.get(name)]
    if missing:
        raise DeliveryError(f"params.toml, [mail]: {', '.join(missing)} missing")
    values = [str(mail[name]) for name in names]
    for check, name in (
        (mime.check_display_name, "from_name"), (mime.check_address, "from_address"),
        (mime.check_display_name, "reply_name"), (mime.check_address, "reply_address"),
        (mime.check_display_name, "list_name"), (mime.check_list_id, "list_id"), (mime.check_address, "unsubscribe"),
    ):  # fmt: skip
        try:
            check(str(mail[name]))
        except mime.MessageError as error:
            raise DeliveryError(f"params.toml, [mail], {name}: {error}") from None
    return mime.Sender(*values)


def _operator(mail: dict[str, Any]) -> str:
    """Address of the operator, checked before anything is sent; empty for none."""
    text = str(mail.get("operator", ""))
    try:
        return mime.check_address(text) if text else ""
    except mime.MessageError as error:
        raise DeliveryError(f"params.toml, [mail], operator: {error}") from None


def _reports_address(mail: dict[str, Any]) -> str:
    """Web address of the published reports, empty for none."""
    text = str(mail.get("reports_address", ""))
    if text and not re.fullmatch(r"https://[A-Za-z0-9.-]+(?::\d{1,5})?(?:/[A-Za-z0-9._~/-]*)?", text):
        raise DeliveryError(f"params.toml, [mail], reports_address: {text[:200]!r} must look like https://host/folder")
    return text.rstrip("/")


def _pause(mail: dict[str, Any]) -> float:
    """Seconds before the second try, doubled before each further one."""
    value = mail.get("first_pause_seconds", sending.FIRST_PAUSE_SECONDS)
    if not isinstance(value, int | float) or not 0 < value <= MAX_PAUSE_SECONDS:
        raise DeliveryError(f"params.toml, [mail], first_pause_seconds: {value!r}; a number up to {MAX_PAUSE_SECONDS}")
    return float(value)


def _now() -> str:
    return datetime.datetime.now(tz=datetime.UTC).isoformat(timespec="seconds")


def digest_of(report: sending.Report, release: releases.Release, reports_address: str = "") -> messages_digest.Digest:
    """What the operator is told of a run: counts, what failed and why, what to do next; no secret in it."""
    parts = {key: [] for key in messages_digest.PARTS}  # type: dict[str, list[messages_digest.Item]]
    for entry in report.entries:
        if entry.state in parts:
            message_id = entry.message_id if entry.state == "unknown" else ""
            words = entry.reply or entry.state
            item = messages_digest.Item(entry.recipient, f"{entry.region}.{entry.lang}", words, message_id)
            parts[entry.state].append(item)
    for refusal in report.refusals:
        item = messages_digest.Item(refusal.recipient, refusal.report_id, refusal.reason)
        parts["expected" if refusal.is_expected else "skipped"].append(item)
    folder = f"{reports_address or 'reports'}/{release.collection}/{release.period}"
    here = f"reports/{release.collection}/{release.period}"
    sent = len(report.sent_now)
    counts = (
        ("sent", sent), ("sent before", report.count("sent") - sent), ("unknown", len(parts["unknown"])),
        ("refused", len(parts["refused"])), ("deferred", len(parts["deferred"])),
        ("not reached", len(parts["planned"])), ("skipped", len(parts["skipped"]) + len(parts["expected"])),
    )  # fmt: skip
    return messages_digest.Digest(
        release=f"{release.collection} {release.period}",
        is_whole=report.exit_code == 0,
        counts=tuple(item for item in counts if item[1] or item[0] == "sent"),
        parts=tuple((key, tuple(items)) for key, items in parts.items()),
        links=(
            ("Index of the reports", f"{folder}/index.html"),
            ("Outbox with every letter", f"{here}/{outbox.FOLDER}/index.html"),
        ),
        stopped=report.stopped,
    )  # fmt: skip


def _send_digest(told: messages.Body, run: _Run, settings: server.Settings) -> str:
    """One summary message to the operator, and a copy in the outbox; its failure never hides the run's own result."""
    now = datetime.datetime.now(tz=datetime.UTC)
    try:
        letter = mime.Letter(
            identity=("digest", run.release.collection, run.release.period, now.isoformat()),
            date=now.strftime("%a, %d %b %Y %H:%M:%S +0000"),
            subject=told.subject, recipient_name="operator",
            recipient_address=run.operator or run.sender.reply_address, html=told.html, text=told.text, lang="en",
        )  # fmt: skip
        data = mime.build(letter, run.sender)
        (run.release.folder / outbox.FOLDER / "digest.eml").write_bytes(data)
        if not run.operator:
            return ""
        connection = transport.connect(settings)
        try:
            outcome = transport.send(connection, settings.envelope_from, run.operator, data, lambda: None)
        finally:
            transport.close(connection)
    except (transport.RunStoppedError, transport.ServerBusyError, mime.MessageError, OSError) as error:
        return f"the digest was not sent to {run.operator}: {settings.hide(str(error))}\n"
    return "" if outcome.state == "sent" else f"the digest was not sent to {run.operator}: {outcome.reply}\n"
