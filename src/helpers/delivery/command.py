"""What `reports send` does, in order: read and check everything, write the outbox, and only then, if asked, send."""

import datetime
import html
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.delivery import ledger, mime, outbox, recipients, sending, transport


class DeliveryError(RuntimeError):
    """Nothing was sent; the message says what to mend."""


@dataclass(frozen=True)
class Delivered:
    """Words for the operator and the exit code."""

    text: str
    exit_code: int


_EXPECTED = (
    recipients.RecipientsError,
    outbox.ReleaseError,
    ledger.LedgerError,
    mime.MessageError,
    transport.SettingsError,
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
        Before anything is sent: bad recipients, no release, bad settings, a ledger in use, an unknown resolution.
    """
    try:
        settings = transport.settings_from(os.environ, mail["from_address"]) if is_real_send else None
        sender = sender_of(mail)
        people = recipients.read(recipients_file, register)
        release = outbox.read_release(release_folder)
        planned, refused = outbox.plan(release, people, sender, is_correction)
        book = ledger.Ledger(ledger_file)
        try:
            return _with_ledger(release, planned, refused, book, settings, mail, sender, resolutions or [])
        finally:
            book.close()
    except _EXPECTED as error:
        raise DeliveryError(str(error)) from error


def _with_ledger(
    release: outbox.Release,
    planned: list[outbox.Planned],
    refused: list[outbox.Refusal],
    book: ledger.Ledger,
    settings: transport.Settings | None,
    mail: dict[str, Any],
    sender: mime.Sender,
    resolutions: list[str],
) -> Delivered:
    if settings is not None or resolutions:
        book.lock()
    for text in resolutions:
        message_id, _, word = text.rpartition("=")
        book.find_interrupted(_now())
        book.resolve(message_id, word, _now())
    if settings is None:
        page = outbox.write(release, planned, refused, {e.message_id: e.state for e in book.entries()})
        lines = [f"dry run: {len(planned)} letters written, {len(refused)} refused; look at {page}"]
        lines += [f"refused: {r.recipient} · {r.report_id} · {r.reason}" for r in refused]
        lines += ["nothing was sent; add --send to send"]
        return Delivered("\n".join(lines), 1 if refused else 0)
    clock = sending.Clock(_now, time.monotonic, time.sleep)
    report = sending.run(release, planned, refused, book, settings, clock, float(mail.get("first_pause_seconds", 5)))
    outbox.write(release, planned, refused, {e.message_id: e.state for e in book.entries()})
    text = sending.digest(report, release)
    note = _send_digest(text, release, sender, settings, mail)
    return Delivered(text + note, report.exit_code)


def sender_of(mail: dict[str, Any]) -> mime.Sender:
    """Sender from the ``[mail]`` part of ``params.toml``; raises DeliveryError for a missing key."""
    names = ("from_name", "from_address", "reply_name", "reply_address", "list_name", "list_id", "unsubscribe")
    missing = [name for name in names if not mail.get(name)]
    if missing:
        raise DeliveryError(f"params.toml, [mail]: {', '.join(missing)} missing")
    return mime.Sender(*(str(mail[name]) for name in names))


def _now() -> str:
    return datetime.datetime.now(tz=datetime.UTC).isoformat(timespec="seconds")


def _send_digest(
    text: str, release: outbox.Release, sender: mime.Sender, settings: transport.Settings, mail: dict[str, Any]
) -> str:
    """One summary message to the operator, and a copy in the outbox; its failure never hides the run's own result."""
    operator = str(mail.get("operator", ""))
    now = _now()
    letter = mime.Letter(
        identity=("digest", release.collection, release.period, now),
        date=datetime.datetime.now(tz=datetime.UTC).strftime("%a, %d %b %Y %H:%M:%S +0000"),
        subject=f"Delivery of {release.collection} {release.period}: {text.splitlines()[1]}"[:120],
        recipient_name="operator", recipient_address=operator or sender.reply_address,
        html=f"<pre>{html.escape(text)}</pre>", text=text, lang="en",
    )  # fmt: skip
    data = mime.build(letter, sender)
    (release.folder / outbox.FOLDER / "digest.eml").write_bytes(data)
    if not operator:
        return ""
    try:
        connection = transport.connect(settings)
        outcome = transport.send(connection, settings.envelope_from, operator, data, lambda: None)
        transport.close(connection)
    except transport.RunStoppedError as error:
        return f"the digest was not sent to {operator}: {error}\n"
    return "" if outcome.state == "sent" else f"the digest was not sent to {operator}: {outcome.reply}\n"
