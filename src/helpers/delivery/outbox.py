"""The outbox of a release on disk: the bytes of every letter, previews, and a page that shows them."""

import email
from pathlib import Path

from helpers.delivery.letters import Planned
from helpers.delivery.release import Refusal, Release
from helpers.presentation.messages import digest as messages_digest

FOLDER = "outbox"
BANNER = "ДЕМОНСТРАЦИОННЫЕ ДАННЫЕ"
_MADE = (".eml", ".html", ".png")
_STEM = 32  # hexadecimal digits


def write(release: Release, planned: list[Planned], refused: list[Refusal], states: dict[str, str]) -> Path:
    """Write ``.eml`` files, previews and the outbox page; returns the page.

    Letters of earlier plans that nobody is to get any more are removed: the folder holds what this plan says. It holds
    addresses of people, so only its owner may read it.

    Parameters
    ----------
    states : dict
        State in the ledger by Message-ID, to be shown beside each letter.
    """
    folder = release.folder / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for letter in planned:
        _replace(folder / f"{letter.stem}.eml", letter.data)
        _replace(folder / f"{letter.stem}.html", letter.preview.encode("utf-8"))
        picture = _first_png(letter.data)
        if picture:
            _replace(folder / f"{letter.stem}.png", picture)
    kept = {letter.stem for letter in planned}
    for file in folder.iterdir():
        if file.suffix in _MADE and len(file.stem) == _STEM and file.stem not in kept:
            file.unlink()
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
    rows = [
        messages_digest.OutboxRow(
            p.recipient.address, f"{p.scope}, {p.lang}", p.subject, p.stem, -(-len(p.data) // 1000),
            states.get(p.message_id, ""),
        )
        for p in planned
    ]  # fmt: skip
    refusals = [messages_digest.Item(r.recipient, r.report_id, r.reason) for r in refused]
    title = f"Исходящие: {release.collection}, {release.period}"
    return messages_digest.outbox_page(
        title, BANNER if release.is_synthetic else "", rows, refusals, (("Все отчёты выпуска", "../index.html"),)
    )
