"""Bytes of one message: headers that survive Russian, 7-bit on the wire, the same bytes for the same input.

Python's ``EmailMessage`` writes encoded words longer than the 75 characters of RFC 2047 and loses spaces between
them (see docs/decisions.md), so headers are made by `email.header.Header` and parts by the classic MIME classes.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from email import policy
from email.generator import BytesGenerator
from email.header import Header
from email.mime.application import MIMEApplication
from email.mime.base import MIMEBase
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from io import BytesIO
from typing import Any

MAX_HTML_BYTES = 60_000
MAX_MESSAGE_BYTES = 5_000_000
MAX_SUBJECT_CHARACTERS = 120
MAX_ADDRESS = 254
MAX_NAME = 120
MAX_ASCII_WORD = 60
ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?=.{1,253}$)([A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+"
    r"(?:[A-Za-z]{2,63}|xn--[A-Za-z0-9-]{1,58}[A-Za-z0-9])"
)
LIST_ID = re.compile(r"(?:[A-Za-z0-9_-]{1,63}\.)+[A-Za-z]{2,63}")
_LANGUAGES = ("ru", "en")
BIDIRECTIONAL = {"\u200e", "\u200f", "\u061c", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}


class MessageError(ValueError):
    """A message cannot be built safely; the text says which field and why."""


@dataclass(frozen=True)
class Picture:
    """PNG shown in the body, referred to as ``cid:<name>``."""

    name: str
    png: bytes
    alt: str


@dataclass(frozen=True)
class Attachment:
    """File sent along, under an ASCII name."""

    name: str
    content: bytes
    subtype: str  # html | pdf


@dataclass(frozen=True)
class Letter:
    """Everything of one message that depends on report and recipient.

    Attributes
    ----------
    identity : tuple of str
        Run, region, recipient, language, edition: the Message-ID is their hash.
    date : str
        RFC 5322 date with zone: the time of the run, not of sending, so that the bytes are reproducible.
    """

    identity: tuple[str, ...]
    date: str
    subject: str
    recipient_name: str
    recipient_address: str
    html: str
    text: str
    lang: str
    pictures: tuple[Picture, ...] = ()
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True)
class Sender:
    """Who sends; from ``params.toml``, no secret in it."""

    name: str
    address: str
    reply_name: str
    reply_address: str
    list_name: str
    list_id: str
    unsubscribe: str

    @property
    def domain(self) -> str:
        """Domain of Message-IDs."""
        return self.address.rpartition("@")[2]


def refuse_controls(name: str, value: str) -> str:
    """The value, if it holds no control or bidirectional character.

    Raises
    ------
    MessageError
        Naming the field: CR and LF would inject headers, bidirectional marks would forge what is read.
    """
    refused = ("Cc", "Cs", "Zl", "Zp")
    bad = sorted({f"U+{ord(c):04X}" for c in value if unicodedata.category(c) in refused or c in BIDIRECTIONAL})
    if bad:
        raise MessageError(f"{name} {value[:200]!r} holds control characters {', '.join(bad[:5])}; remove them")
    return value


def check_address(address: str) -> str:
    """The address, if it is a plain ASCII mailbox.

    Raises
    ------
    MessageError
        For anything else, quoted local parts and non-ASCII domains included (write the domain in its xn-- form).
    """
    refuse_controls("address", address)
    local = address.rpartition("@")[0]
    if len(address) > MAX_ADDRESS or not ADDRESS.fullmatch(address) or ".." in address:
        raise MessageError(f"{address[:100]!r} is not an e-mail address of the form name@domain.ru{_in_ascii(address)}")
    if local.startswith(".") or local.endswith("."):
        raise MessageError(f"{address!r} is not an e-mail address: a dot may not stand beside the @ or at the start")
    return address


def _in_ascii(address: str) -> str:
    """Hint for an address with a Cyrillic domain: the form that every mail server takes."""
    local, at, domain = address.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    is_helped = at and not domain.isascii() and ADDRESS.fullmatch(f"{local}@{ascii_domain}")
    return f"; write it as {local}@{ascii_domain}" if is_helped else ""


def check_display_name(name: str) -> str:
    """The name, if it cannot be mistaken for an address.

    Raises
    ------
    MessageError
        For ``@ < >`` in any of their Unicode forms, invisible characters, and names too long for a header.
    """
    refuse_controls("display name", name)
    if len(name) > MAX_NAME:
        raise MessageError(f"display name of {len(name)} characters is over {MAX_NAME}")
    if any(unicodedata.category(character) == "Cf" for character in name):
        raise MessageError(f"display name {name!r} holds invisible characters; type it anew")
    if set(unicodedata.normalize("NFKC", name)) & set("@<>"):
        raise MessageError(f"display name {name!r} holds @, < or >, which could forge an address; remove them")
    return name


def text_header(name: str, value: str) -> Header:
    """Unstructured header such as Subject: encoded words of at most 75 characters.

    ASCII is left as it is, unless a reader would take a part of it for an encoded word or it cannot be folded.
    """
    refuse_controls(name, value)
    is_plain = value.isascii() and "=?" not in value and max(map(len, value.split()), default=0) <= MAX_ASCII_WORD
    return Header(value, "us-ascii" if is_plain else "utf-8", maxlinelen=75, header_name=name)


def address_header(name: str, display: str, address: str) -> Header:
    """From, To, Reply-To or List-Id: the display name is always encoded, the address never is."""
    header = Header(check_display_name(display), "utf-8", maxlinelen=75, header_name=name)
    header.append(f"<{address}>", "us-ascii")
    return header


def check_list_id(list_id: str) -> str:
    """The identifier of the list, if it is of the form of RFC 2919: words with dots, like a domain."""
    if not LIST_ID.fullmatch(list_id):
        raise MessageError(f"list_id {list_id[:100]!r} must look like reports.ministry.ru")
    return list_id


def stem(identity: tuple[str, ...]) -> str:
    """32 hexadecimal digits of (run, region, recipient, language, edition)."""
    return hashlib.sha256("\n".join(identity).encode()).hexdigest()[:32]


def message_id(identity: tuple[str, ...], domain: str) -> str:
    """Stable identifier of (run, region, recipient, language, edition)."""
    return f"<{stem(identity)}@{domain}>"


def _alternative(letter: Letter, token: str) -> MIMEMultipart:
    plain = MIMEText(_canonical(letter.text), "plain", "utf-8")
    page = MIMEText(_canonical(letter.html), "html", "utf-8")
    for part in (plain, page):
        part["Content-Language"] = letter.lang
    related = MIMEMultipart("related", boundary=f"=_related_{token}")
    related.attach(page)
    for picture in letter.pictures:
        image = MIMEImage(picture.png, "png", name=f"{picture.name}.png")
        image["Content-ID"] = f"<{content_id(letter, picture)}>"
        image["Content-Disposition"] = f'inline; filename="{picture.name}.png"'
        related.attach(image)
    alternative = MIMEMultipart("alternative", boundary=f"=_alternative_{token}")
    alternative.attach(plain)
    alternative.attach(related)
    return alternative


def _canonical(text: str) -> str:
    """Line breaks of a text as RFC 2045 wants them before base64: CRLF."""
    return re.sub(r"\r\n|\r|\n", "\r\n", text)


def content_id(letter: Letter, picture: Picture) -> str:
    """Content-ID of a picture, derived from the identity of the message."""
    return f"{picture.name}.{stem(letter.identity)[:16]}"


def _attachment_part(attachment: Attachment) -> MIMEBase:
    refuse_controls("file name", attachment.name)
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", attachment.name):
        raise MessageError(f"attachment name {attachment.name!r} must be ASCII letters, digits, dot, dash, underscore")
    if attachment.subtype == "html":
        part: MIMEBase = MIMEText(attachment.content.decode("utf-8"), "html", "utf-8")
        part.set_param("name", attachment.name)
    else:
        part = MIMEApplication(attachment.content, attachment.subtype, name=attachment.name)
    part["Content-Disposition"] = f'attachment; filename="{attachment.name}"'
    return part


def build(letter: Letter, sender: Sender) -> bytes:
    """Bytes of the message: CRLF, 7-bit, header lines of at most 78 characters.

    Raises
    ------
    MessageError
        For a bad address or name, control characters, a subject over 120 characters, HTML over 60 kB, or a
        message over 5 MB.
    """
    _check_sizes(letter)
    if letter.lang not in _LANGUAGES:
        raise MessageError(f"language {letter.lang!r}; one of: {', '.join(_LANGUAGES)}")
    token = stem(letter.identity)[:24]
    root: Any = MIMEMultipart("mixed", boundary=f"=_mixed_{token}")
    root["From"] = address_header("From", sender.name, check_address(sender.address))
    root["Reply-To"] = address_header("Reply-To", sender.reply_name, check_address(sender.reply_address))
    name = letter.recipient_name or letter.recipient_address.partition("@")[0]
    root["To"] = address_header("To", name, check_address(letter.recipient_address))
    root["Subject"] = text_header("Subject", letter.subject)
    root["Date"] = refuse_controls("Date", letter.date)
    root["Message-ID"] = message_id(letter.identity, sender.domain)
    root["List-Id"] = address_header("List-Id", sender.list_name, check_list_id(sender.list_id))
    root["List-Unsubscribe"] = f"<mailto:{check_address(sender.unsubscribe)}?subject=unsubscribe>"
    root["Auto-Submitted"] = "auto-generated"
    root["Precedence"] = "bulk"
    root["Content-Language"] = letter.lang
    root.attach(_alternative(letter, token))
    for attachment in letter.attachments:
        root.attach(_attachment_part(attachment))
    buffer = BytesIO()
    wire = policy.compat32.clone(linesep="\r\n", max_line_length=75)
    BytesGenerator(buffer, mangle_from_=False, policy=wire).flatten(root)
    data = buffer.getvalue()
    if len(data) > MAX_MESSAGE_BYTES:
        raise MessageError(f"message of {len(data)} bytes is over {MAX_MESSAGE_BYTES}; send the PDF instead of HTML")
    return data


def _check_sizes(letter: Letter) -> None:
    if len(letter.subject) > MAX_SUBJECT_CHARACTERS:
        raise MessageError(f"subject of {len(letter.subject)} characters is over {MAX_SUBJECT_CHARACTERS}")
    size = len(letter.html.encode("utf-8"))
    if size > MAX_HTML_BYTES:
        raise MessageError(f"HTML body of {size} bytes is over {MAX_HTML_BYTES}: Gmail would cut it")
