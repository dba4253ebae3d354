"""From a release and a list of recipients to letters: one message per recipient, everything else refused with why.

A recipient of one region or of the country gets that report. A recipient of a federal district or of everything gets
one message too: a table of the regions, with the reports attached as far as one message may carry them.
"""

import email.utils
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from helpers.delivery import mime
from helpers.delivery.recipients import NATIONAL, Recipient
from helpers.delivery.release import Refusal, Release, Report, ReportError, load
from helpers.presentation import figures, messages, results
from helpers.presentation.messages import group as messages_group

_MOST_NAMED = 3
_OTHER_COLLECTION = "a demonstration recipient gets demonstration reports only"


@dataclass(frozen=True)
class Planned:
    """One letter that may be sent: its bytes and what identifies it."""

    recipient: Recipient
    scope: str
    lang: str
    edition: str
    message_id: str
    subject: str
    data: bytes
    preview: str

    @property
    def stem(self) -> str:
        """Name of its files in the outbox."""
        return self.message_id[1:33]


@dataclass(frozen=True)
class _Job:
    """What all letters of a run share."""

    release: Release
    sender: mime.Sender
    is_correction: bool
    reports_address: str


def plan(
    release: Release,
    recipients: list[Recipient],
    sender: mime.Sender,
    is_correction: bool = False,
    reports_address: str = "",
) -> tuple[list[Planned], list[Refusal]]:
    """One letter per recipient, and everything refused with its reason.

    Parameters
    ----------
    reports_address : str
        Web address under which the folder ``reports`` is published, for links in letters about several regions; empty
        if it is not.
    """
    job = _Job(release, sender, is_correction, reports_address.rstrip("/"))
    planned: list[Planned] = []
    refused: list[Refusal] = []
    for recipient in recipients:
        if recipient.is_demonstration and not release.is_synthetic:
            refused.append(Refusal(recipient.address, recipient.scope.key, _OTHER_COLLECTION, is_expected=True))
            continue
        try:
            planned.append(_letter(job, recipient))
        except (mime.MessageError, ReportError, OSError) as error:
            refused.append(Refusal(recipient.address, f"{recipient.scope.key}.{recipient.lang}", str(error)))
        except Exception as error:  # whatever a result holds: a letter that cannot be written costs only itself
            reason = f"the letter cannot be written ({type(error).__name__}: {str(error)[:200]})"
            refused.append(Refusal(recipient.address, f"{recipient.scope.key}.{recipient.lang}", reason))
    return planned, refused


def _letter(job: _Job, recipient: Recipient) -> Planned:
    reports = _reports(job.release, recipient)
    result = reports[0].result
    edition = result.edition + (f"+corrected.{_digest(reports)}" if job.is_correction else "")
    run = f"{job.release.collection}/{job.release.period}"
    identity = (run, recipient.scope.key, recipient.address.casefold(), recipient.lang, edition)
    write = _single if len(recipient.scope.regions) == 1 else _several
    letter = write(job, recipient, reports, identity)
    data = mime.build(letter, job.sender)
    return Planned(
        recipient, recipient.scope.key, recipient.lang, edition, mime.message_id(identity, job.sender.domain),
        letter.subject, data, _preview(letter),
    )  # fmt: skip


def _digest(reports: list[Report]) -> str:
    """What the reports say, in eight digits: a second correction is another edition, the same one sent again is not."""
    return hashlib.sha256("".join(report.sha256 for report in reports).encode()).hexdigest()[:8]


def _reports(release: Release, recipient: Recipient) -> list[Report]:
    """Every report of the scope. A letter waits until all of them may leave: nobody gets a part, or a second letter."""
    found: list[Report] = []
    hindered: list[str] = []
    for region in recipient.scope.regions:
        report_id = f"{region}.{recipient.lang}"
        try:
            found.append(load(release, report_id, recipient))
        except ReportError as error:
            if len(recipient.scope.regions) == 1:
                raise
            hindered.append(f"{report_id} – {error}")
    if hindered:
        more = f"; and {len(hindered) - _MOST_NAMED} more" if len(hindered) > _MOST_NAMED else ""
        raise ReportError(
            f"{len(hindered)} of its {len(recipient.scope.regions)} reports may not leave:"
            f" {'; '.join(hindered[:_MOST_NAMED])}{more}"
        )
    return found


def _single(job: _Job, recipient: Recipient, reports: list[Report], identity: tuple[str, ...]) -> mime.Letter:
    result = reports[0].result
    pictures, cid, alt = _picture(result, recipient, identity)
    body = messages.body(result, cid, alt, job.is_correction)
    return _compose(job, recipient, identity, body, pictures, (_attachment(job.release, reports[0]),))


def _several(job: _Job, recipient: Recipient, reports: list[Report], identity: tuple[str, ...]) -> mime.Letter:
    """One letter about several regions; the reports of regions are attached if all of them fit, or none."""
    country = [report for report in reports if report.result.kind == NATIONAL]
    pictures, cid, alt = _picture(country[0].result, recipient, identity) if country else ((), "", "")

    def attempt(attached: list[Report]) -> mime.Letter:
        group = messages_group.Group(
            tuple(report.result for report in reports),
            recipient.scope.district,
            frozenset(report.report_id for report in attached),
            _links(job, reports),
        )
        body = messages_group.body(group, cid, alt, job.is_correction)
        files = tuple(_attachment(job.release, report) for report in attached)
        return _compose(job, recipient, identity, body, pictures, files)

    return attempt(country) if country else _fitting(attempt, reports)


def _fitting(attempt: Callable[[list[Report]], mime.Letter], reports: list[Report]) -> mime.Letter:
    """With all reports attached if base64 leaves the message under its limit, without any otherwise."""
    bytes_on_wire = sum(len(report.content) for report in reports) * 78 // 57
    return attempt(reports if bytes_on_wire < mime.MAX_MESSAGE_BYTES - 2 * mime.MAX_HTML_BYTES else [])


def _links(job: _Job, reports: list[Report]) -> dict[str, str]:
    if not job.reports_address:
        return {}
    start = f"{job.reports_address}/{job.release.collection}/{job.release.period}"
    return {report.report_id: f"{start}/{report.report_id}.html" for report in reports}


def _picture(
    result: results.Result, recipient: Recipient, identity: tuple[str, ...]
) -> tuple[tuple[mime.Picture, ...], str, str]:
    """The comparison chart, its Content-ID and its words; nothing where there is nothing to compare."""
    figure = figures.draw(result, "comparison")
    if figure is None:
        return (), "", ""
    picture = mime.Picture("comparison", figures.encode(figure)[0], figures.alt(result, "comparison"))
    shell = mime.Letter(identity, "", "", "", "", "", "", recipient.lang)
    return (picture,), mime.content_id(shell, picture), picture.alt


def _compose(
    job: _Job,
    recipient: Recipient,
    identity: tuple[str, ...],
    body: messages.Body,
    pictures: tuple[mime.Picture, ...],
    attachments: tuple[mime.Attachment, ...],
) -> mime.Letter:
    return mime.Letter(
        identity=identity,
        date=email.utils.format_datetime(job.release.made_at),
        subject=body.subject,
        recipient_name=recipient.name,
        recipient_address=recipient.address,
        html=body.html,
        text=body.text,
        lang=recipient.lang,
        pictures=pictures,
        attachments=attachments,
    )


def _attachment(release: Release, report: Report) -> mime.Attachment:
    result = report.result
    number = result.region.number if isinstance(result, results.RegionalResult) else NATIONAL
    stem = f"{'demo_' if release.is_synthetic else ''}otchet_{number}_{release.period}"
    return mime.Attachment(f"{stem}.{report.format}", report.content, report.format)


def _preview(letter: mime.Letter) -> str:
    """The body with its picture as a file beside it."""
    text = letter.html
    for picture in letter.pictures:
        text = text.replace(f"cid:{mime.content_id(letter, picture)}", f"{mime.stem(letter.identity)}.png")
    return text
