"""One SMTP conversation, stage by stage, because what a failure means depends on the stage it happens in."""

import ipaddress
import re
import smtplib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

SECURITY = ("starttls", "tls", "none")


class SettingsError(ValueError):
    """The mail server is not described, or described unsafely; names the environment variable."""


class RunStoppedError(RuntimeError):
    """The server refuses everybody (EHLO, TLS, AUTH, MAIL FROM): the run stops, nothing is marked refused."""


@dataclass(frozen=True)
class Settings:
    """Mail server; user and password come from the environment only and are never shown.

    Attributes
    ----------
    per_minute : float
        At most so many messages a minute; 0 for no limit.
    timeout : float
        Seconds to wait for any answer of the server.
    """

    host: str
    port: int
    security: str = "starttls"
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    ca_file: str = ""
    envelope_from: str = ""
    per_minute: float = 60.0
    timeout: float = 30.0


def settings_from(environment: Mapping[str, str], default_sender: str) -> Settings:
    """Settings of ``SMTP_HOST, SMTP_PORT, SMTP_SECURITY, SMTP_USER, SMTP_PASSWORD, SMTP_CA_FILE`` and others.

    Raises
    ------
    SettingsError
        If the host is missing, a number is none, or an unencrypted connection would leave this machine.
    """
    host = environment.get("SMTP_HOST", "").strip()
    if not host:
        raise SettingsError(
            "SMTP_HOST is not set; set SMTP_HOST, SMTP_PORT, SMTP_USER and SMTP_PASSWORD, or leave out --send"
        )
    security = environment.get("SMTP_SECURITY", "starttls").strip().lower()
    if security not in SECURITY:
        raise SettingsError(f"SMTP_SECURITY={security!r}; choose one of: {', '.join(SECURITY)}")
    if security == "none" and not _is_loopback(host):
        raise SettingsError(f"SMTP_SECURITY=none is allowed on this machine only, not for {host}; use starttls or tls")
    try:
        port = int(environment.get("SMTP_PORT", "465" if security == "tls" else "587"))
        per_minute = float(environment.get("MAIL_PER_MINUTE", "60"))
        timeout = float(environment.get("SMTP_TIMEOUT", "30"))
    except ValueError as error:
        raise SettingsError(f"SMTP_PORT, MAIL_PER_MINUTE and SMTP_TIMEOUT must be numbers ({error})") from None
    return Settings(
        host, port, security, environment.get("SMTP_USER", ""), environment.get("SMTP_PASSWORD", ""),
        environment.get("SMTP_CA_FILE", ""), environment.get("MAIL_ENVELOPE_FROM", default_sender), per_minute, timeout,
    )  # fmt: skip


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Outcome:
    """What became of one message: ``sent``, ``deferred``, ``refused`` or ``unknown``, and the server's last words."""

    state: str
    reply: str
    reconnect: bool = False


def connect(settings: Settings) -> smtplib.SMTP:
    """Open, encrypt and log in.

    Raises
    ------
    RunStoppedError
        If the server cannot be reached, does not offer verified TLS, or refuses the login: then nobody was refused.
    """
    context = ssl.create_default_context(cafile=settings.ca_file or None)
    try:
        if settings.security == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=settings.timeout, context=context
            )
        else:
            smtp = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout)
        smtp.ehlo_or_helo_if_needed()
        if settings.security == "starttls":
            smtp.starttls(context=context)
            smtp.ehlo()
        if settings.user:
            smtp.login(settings.user, settings.password)
    except smtplib.SMTPAuthenticationError as error:
        raise RunStoppedError(
            f"the server refuses the login (code {error.smtp_code}); check SMTP_USER and SMTP_PASSWORD"
        ) from None
    except (smtplib.SMTPException, ssl.SSLError, OSError) as error:
        raise RunStoppedError(
            f"no safe conversation with {settings.host}:{settings.port} ({_words(error)}); nothing was sent in this try"
        ) from None
    return smtp


def _words(error: BaseException) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return str(error) or type(error).__name__


def _text(reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text)[:200]


def send(smtp: smtplib.SMTP, sender: str, recipient: str, message: bytes, before_data: Callable[[], None]) -> Outcome:
    """Send the very bytes of a message; ``before_data`` is called (and must commit) before DATA.

    Raises
    ------
    RunStoppedError
        If MAIL FROM is refused for good for a reason other than the size of this message.
    """
    try:
        early = _envelope(smtp, sender, recipient, len(message))
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        return Outcome("deferred", f"connection lost before DATA: {_words(error)}", reconnect=True)
    if early is not None:
        return early
    before_data()
    return _data(smtp, message)


def _envelope(smtp: smtplib.SMTP, sender: str, recipient: str, size: int) -> Outcome | None:
    options = [f"size={size}"] if smtp.has_extn("size") else []
    code, reply = smtp.mail(sender, options)
    if code == 552:
        smtp.rset()
        return Outcome("refused", f"{code} {_text(reply)}")
    if code >= 500:
        raise RunStoppedError(f"the server refuses the sender {sender}: {code} {_text(reply)}")
    if code != 250:
        return _temporary(smtp, code, reply)
    code, reply = smtp.rcpt(recipient)
    if code >= 500:
        smtp.rset()
        return Outcome("refused", f"{code} {_text(reply)}")
    if code not in (250, 251):
        return _temporary(smtp, code, reply)
    return None


def _temporary(smtp: smtplib.SMTP, code: int, reply: bytes) -> Outcome:
    if code != 421:
        smtp.rset()
    return Outcome("deferred", f"{code} {_text(reply)}", reconnect=code == 421)


def _data(smtp: smtplib.SMTP, message: bytes) -> Outcome:
    """DATA in two steps: before the final dot nothing can have been accepted; after it, only an answer tells."""
    try:
        smtp.putcmd("data")
        code, reply = smtp.getreply()
        if code != 354:
            state = "refused" if code >= 500 else "deferred"
            return Outcome(state, f"{code} {_text(reply)}", reconnect=code == 421)
        stuffed = re.sub(rb"(?m)^\.", b"..", message)
        smtp.send(stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n")
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        return Outcome("deferred", f"connection lost before the final dot: {_words(error)}", reconnect=True)
    try:
        smtp.send(b".\r\n")
        code, reply = smtp.getreply()
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        return Outcome("unknown", f"connection lost after the final dot: {_words(error)}", reconnect=True)
    if code == 250:
        return Outcome("sent", f"{code} {_text(reply)}")
    if code >= 500:
        return Outcome("refused", f"{code} {_text(reply)}")
    return Outcome("deferred", f"{code} {_text(reply)}", reconnect=code == 421)


def close(smtp: smtplib.SMTP | None) -> None:
    """Say goodbye; a server that is gone already is no error."""
    if smtp is None:
        return
    try:
        smtp.quit()
    except (smtplib.SMTPException, OSError):
        smtp.close()
