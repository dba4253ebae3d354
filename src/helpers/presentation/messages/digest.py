"""The operator's two pages: the digest of a run as a short letter, and the outbox page of a release.

Counts come first, then what went wrong with its reason and what to do, then where to look. English: the operator reads
it beside the command line; the outbox page is Russian, as the letters are.
"""

from dataclasses import dataclass

from helpers.presentation import messages

MOST_ROWS = 40  # of all parts together, so that the letter stays under 60 kB
FEWEST_ROWS = 3  # of each part
MOST_CHARACTERS = 200
STATES_RU = {
    "": "не отправлялось", "planned": "ждёт отправки", "sending": "отправляется", "sent": "отправлено",
    "deferred": "отложено", "refused": "отказано сервером", "unknown": "неизвестно: спросите сервер",
}  # fmt: skip
# Part of the digest: heading, and what to do.
PARTS = {
    "unknown": (
        "Unknown: the server may or may not have taken them",
        "Look for the Message-ID in the mail server's log or ask the recipient, then run: reports send --send"
        " --resolve '<Message-ID>=sent' if it arrived, or --resolve '<Message-ID>=resend' if it did not.",
    ),
    "refused": (
        "Refused by the mail server for good",
        "Mend the address or the size; the same letter is not tried again. A corrected address is a new recipient.",
    ),
    "deferred": (
        "Deferred: the server asked to come later",
        "Run the same command again later; only these letters will be sent.",
    ),
    "planned": ("Not reached in this run", "Mend what stopped the run and run the same command again."),
    "skipped": (
        "Not sent: the report may not leave",
        "Build and check the reports named (reports build --check), or mend the list of recipients; then run again.",
    ),
    "expected": ("For the other collection", "Nothing to do: these recipients get the other collection."),
}


@dataclass(frozen=True)
class Item:
    """One letter that did not leave."""

    recipient: str
    report: str
    reason: str
    message_id: str = ""


@dataclass(frozen=True)
class Digest:
    """One run of sending as the operator should see it.

    Attributes
    ----------
    counts : tuple of (str, int)
        Words and numbers in the order of the letter.
    parts : tuple of (str, tuple of Item)
        Key of `PARTS` and its letters; empty parts are left out.
    links : tuple of (str, str)
        Words and address or path of the pages to look at.
    """

    release: str
    is_whole: bool
    counts: tuple[tuple[str, int], ...]
    parts: tuple[tuple[str, tuple[Item, ...]], ...]
    links: tuple[tuple[str, str], ...]
    stopped: str = ""


@dataclass(frozen=True)
class OutboxRow:
    """One letter of the outbox page."""

    recipient: str
    scope: str
    subject: str
    stem: str
    kilobytes: int
    state: str


def digest(data: Digest) -> messages.Body:
    """Subject, HTML and plain text of the digest; long lists are cut with a word on the rest."""
    counts = ", ".join(f"{name} {number}" for name, number in data.counts)
    verdict = "all delivered to the mail server" if data.is_whole else "needs your attention"
    heading = f"{verdict[0].upper()}{verdict[1:]}: {counts}"
    shown = _shown(data)
    html = messages.render(
        "digest.html.j2",
        lang="en",
        title=f"Delivery of {data.release}",
        banner="",
        masthead=f"Delivery of reports · {data.release}",
        heading=heading,
        preheader=heading,
        data=data,
        counts=[data.counts[i : i + 2] for i in range(0, len(data.counts), 2)],
        parts_shown=shown,
    )
    subject = f"Delivery of {data.release}: {counts}; {verdict}"
    return messages.Body(subject[: messages.MAX_SUBJECT], html, messages.plain_text(_blocks(data, heading, shown)))


def _shown(data: Digest) -> list[tuple[str, int, list[Item], str, str]]:
    """Heading, count, rows, words on the rest and advice of each part that has letters."""
    shown, left = [], MOST_ROWS
    for key, items in data.parts:
        if items:
            taken = items[: max(FEWEST_ROWS, left)]
            left -= len(taken)
            more = len(items) - len(taken)
            rest = f"and {more} more; the outbox page and the ledger have all" if more else ""
            shown.append((PARTS[key][0], len(items), [_cut(item) for item in taken], rest, PARTS[key][1]))
    return shown


def _cut(item: Item) -> Item:
    reason = item.reason if len(item.reason) <= MOST_CHARACTERS else item.reason[: MOST_CHARACTERS - 1] + "…"
    return Item(item.recipient, item.report, reason, item.message_id)


def _blocks(data: Digest, heading: str, shown: list[tuple[str, int, list[Item], str, str]]) -> list[tuple[str, str]]:
    blocks = [("", f"Delivery of reports · {data.release}"), ("", heading)]
    if data.stopped:
        blocks.append(("", f"The run stopped: {data.stopped}"))
    for title, number, items, rest, advice in shown:
        blocks += [("#", f"{title}: {number}"), ("", advice)]
        for item in items:
            blocks.append(("- ", f"{item.recipient} · {item.report} · {item.reason}"))
            blocks += [("  ", item.message_id)] if item.message_id else []
        blocks.append(("", rest))
    return [*blocks, *(("", f"{words}: {address}") for words, address in data.links)]


def outbox_page(
    title: str, banner: str, rows: list[OutboxRow], refusals: list[Item], parent: tuple[tuple[str, str], ...]
) -> str:
    """Page of the outbox: every letter with a preview and its state, every refusal with its reason."""
    return messages.render(
        "outbox.html.j2", title=title, banner=banner, rows=rows, refusals=refusals, states=STATES_RU, links=parent
    )
