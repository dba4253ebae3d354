"""From a finished release to letters: only reports that are built, checked, unchanged and allowed to leave."""

import csv
import email.utils
import hashlib
import html
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from helpers.delivery import mime
from helpers.delivery.recipients import NATIONAL, Recipient
from helpers.presentation import figures, messages, results

FOLDER = "outbox"


class ReleaseError(RuntimeError):
    """The release cannot be read; the message says what to run."""


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
class Planned:
    """One letter that may be sent: its bytes and what identifies it."""

    recipient: Recipient
    report_id: str
    region: str
    lang: str
    edition: str
    message_id: str
    subject: str
    data: bytes
    preview: str


@dataclass(frozen=True)
class Refusal:
    """One letter that may not be sent, and why."""

    recipient: str
    report_id: str
    reason: str


def read_release(folder: Path) -> Release:
    """Release of a folder ``reports/<collection>/<period>``.

    Raises
    ------
    ReleaseError
        If it was not built, or its records cannot be read.
    """
    try:
        with (folder / "status.csv").open(encoding="utf-8-sig", newline="") as handle:
            rows = {row["report_id"]: row for row in csv.DictReader(handle)}
        run: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError) as error:
        raise ReleaseError(
            f"{folder} holds no finished release ({error});"
            f" run: reports build --check --collection {folder.parent.name}"
        ) from error
    stamp = str(run.get("started") or "")
    try:
        made_at = datetime.fromisoformat(stamp)
    except ValueError:
        raise ReleaseError(f"{folder / 'run.json'} does not say when the release was made; build it again") from None
    made_at = made_at if made_at.tzinfo else made_at.replace(tzinfo=UTC)
    return Release(folder, folder.parent.name, folder.name, rows, made_at)


def plan(
    release: Release, recipients: list[Recipient], sender: mime.Sender, is_correction: bool = False
) -> tuple[list[Planned], list[Refusal]]:
    """Letters of all recipients, one per recipient and report, and everything refused with its reason."""
    planned: list[Planned] = []
    refused: list[Refusal] = []
    for recipient in recipients:
        for region in recipient.regions:
            report_id = f"{region}.{recipient.lang}"
            row = release.rows.get(report_id)
            reason = refusal_reason(release, row, recipient)
            if reason or row is None:
                refused.append(Refusal(recipient.address, report_id, reason))
                continue
            try:
                planned.append(_letter(release, row, recipient, region, sender, is_correction))
            except (mime.MessageError, OSError, ValueError) as error:
                refused.append(Refusal(recipient.address, report_id, str(error)))
    return planned, refused


def refusal_reason(release: Release, row: dict[str, str] | None, recipient: Recipient) -> str:
    """Why a report may not go to a recipient; empty if it may."""
    if row is None:
        return "there is no such report in this release; run: reports build"
    is_synthetic = release.is_synthetic or row.get("is_synthetic", "").lower() in ("true", "1")
    if is_synthetic and not recipient.is_demonstration:
        return "demonstration data never go to a recipient who is not marked as demonstration"
    if recipient.is_demonstration and not is_synthetic:
        return "a demonstration recipient gets demonstration reports only"
    if row.get("status") not in ("built", "no_data"):
        return f"the report is not built (status: {row.get('status') or 'unknown'}): {row.get('error', '')}".rstrip(
            ": "
        )
    if row.get("checked") != "passed":
        return f"the report is not validated by nbval (checked: {row.get('checked') or 'no'}); run: reports check"
    return _damage(release, row, recipient)


def _damage(release: Release, row: dict[str, str], recipient: Recipient) -> str:
    """First file of the report that is not what the record says."""
    suffixes = {"html": "html_sha256", "ipynb": "notebook_sha256"}
    if recipient.format == "pdf":
        suffixes["pdf"] = "pdf_sha256"
    files = {release.folder / f"{row['report_id']}.{suffix}": column for suffix, column in suffixes.items()}
    files[_result_file(release, row)] = "result_sha256"
    for file, column in files.items():
        recorded = row.get(column, "")
        if not file.is_file():
            return f"{file.name} is missing" + ("; build with --pdf" if file.suffix == ".pdf" else "; build again")
        if not recorded or hashlib.sha256(file.read_bytes()).hexdigest() != recorded:
            return f"{file.name} is not the file that was built and checked (its checksum differs); build again"
    return ""


def _result_file(release: Release, row: dict[str, str]) -> Path:
    return release.folder / "results" / f"{row['report_id']}.json"


def _letter(
    release: Release, row: dict[str, str], recipient: Recipient, region: str, sender: mime.Sender, is_correction: bool
) -> Planned:
    result = results.from_json(_result_file(release, row).read_text(encoding="utf-8"))
    edition = result.edition + ("+corrected" if is_correction else "")
    run = f"{release.collection}/{release.period}"
    identity = (run, region, recipient.address.casefold(), recipient.lang, edition)
    pictures = _pictures(result)
    shell = mime.Letter(identity, "", "", "", "", "", "", recipient.lang, pictures)
    cid = mime.content_id(shell, pictures[0]) if pictures else ""
    body = messages.body(result, cid, pictures[0].alt if pictures else "", is_correction)
    letter = mime.Letter(
        identity=identity,
        date=email.utils.format_datetime(release.made_at),
        subject=body.subject,
        recipient_name=recipient.name,
        recipient_address=recipient.address,
        html=body.html,
        text=body.text,
        lang=recipient.lang,
        pictures=pictures,
        attachments=(_attachment(release, row, recipient, result),),
    )
    data = mime.build(letter, sender)
    preview = body.html.replace(f"cid:{cid}", f"{_stem(letter)}.png") if cid else body.html
    return Planned(
        recipient, row["report_id"], region, recipient.lang, edition,
        mime.message_id(identity, sender.domain), body.subject, data, preview,
    )  # fmt: skip


def _pictures(result: results.Result) -> tuple[mime.Picture, ...]:
    figure = figures.draw(result, "comparison")
    if figure is None:
        return ()
    png, _, _ = figures.encode(figure)
    return (mime.Picture("comparison", png, figures.alt(result, "comparison")),)


def _attachment(release: Release, row: dict[str, str], recipient: Recipient, result: results.Result) -> mime.Attachment:
    number = result.region.number if isinstance(result, results.RegionalResult) else NATIONAL
    stem = f"{'demo_' if release.is_synthetic else ''}otchet_{number}_{release.period}"
    file = release.folder / f"{row['report_id']}.{recipient.format}"
    return mime.Attachment(f"{stem}.{recipient.format}", file.read_bytes(), recipient.format)


def _stem(letter: mime.Letter) -> str:
    return hashlib.sha256("\n".join(letter.identity).encode()).hexdigest()[:32]


def write(release: Release, planned: list[Planned], refused: list[Refusal], states: dict[str, str]) -> Path:
    """Write ``.eml`` files, previews and the outbox page; returns the page.

    Parameters
    ----------
    states : dict
        State in the ledger by Message-ID, to be shown beside each letter.
    """
    folder = release.folder / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for letter in planned:
        stem = letter.message_id[1:33]
        _replace(folder / f"{stem}.eml", letter.data)
        _replace(folder / f"{stem}.html", letter.preview.encode("utf-8"))
        picture = _first_png(letter.data)
        if picture:
            _replace(folder / f"{stem}.png", picture)
    page = folder / "index.html"
    _replace(page, _page(release, planned, refused, states).encode("utf-8"))
    return page


def _first_png(data: bytes) -> bytes:
    message = email.message_from_bytes(data)
    for part in message.walk():
        if part.get_content_type() == "image/png":
            payload = part.get_payload(decode=True)
            return payload if isinstance(payload, bytes) else b""
    return b""


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(content)
    temporary.replace(path)


def _page(release: Release, planned: list[Planned], refused: list[Refusal], states: dict[str, str]) -> str:
    letters = "".join(
        f"<tr><td>{html.escape(p.recipient.address)}</td><td>{html.escape(p.report_id)}</td>"
        f'<td><a href="{p.message_id[1:33]}.html">{html.escape(p.subject)}</a></td>'
        f'<td><a href="{p.message_id[1:33]}.eml">.eml</a></td><td>{len(p.data) // 1000} кБ</td>'
        f"<td>{html.escape(states.get(p.message_id, 'не отправлялось'))}</td></tr>"
        for p in planned
    )
    refusals = "".join(
        f"<tr><td>{html.escape(r.recipient)}</td><td>{html.escape(r.report_id)}</td><td>{html.escape(r.reason)}</td></tr>"
        for r in refused
    )
    title = f"Исходящие: {release.collection}, {release.period}"
    return (
        f'<!DOCTYPE html>\n<html lang="ru"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<style>:root{color-scheme:light dark}body{font:16px/1.5 sans-serif;margin:1rem;max-width:70rem}"
        "table{border-collapse:collapse}td,th{border:1px solid #888;padding:.3rem .5rem;text-align:left}"
        "div{overflow-x:auto}</style></head>"
        f"<body><main><h1>{html.escape(title)}</h1><p>Писем: {len(planned)}, отказов: {len(refused)}. Отправка — только"
        " командой с ключом --send.</p>"
        '<div tabindex="0" role="group" aria-label="Письма"><table><caption>Письма</caption><thead><tr>'
        '<th scope="col">Кому</th><th scope="col">Отчёт</th><th scope="col">Тема</th><th scope="col">Файл</th>'
        f'<th scope="col">Размер</th><th scope="col">Состояние</th></tr></thead><tbody>{letters}</tbody></table></div>'
        '<div tabindex="0" role="group" aria-label="Отказы"><table><caption>Отказы</caption><thead><tr>'
        '<th scope="col">Кому</th><th scope="col">Отчёт</th><th scope="col">Почему не отправлено</th></tr></thead>'
        f"<tbody>{refusals}</tbody></table></div></main></body></html>\n"
    )
