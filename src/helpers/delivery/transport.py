"""One SMTP conversation, stage by stage, because what a failure means depends on the stage it happens in."""

import re
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from helpers.delivery.server import Settings


class RunStoppedError(RuntimeError):
    """The server refuses everybody (EHLO, TLS, AUTH, MAIL FROM): the run stops, nothing is marked refused."""


class ServerBusyError(RuntimeError):
    """The server cannot talk just now (4xx, a drop or silence before any letter): worth trying again later."""


@dataclass(frozen=True)
class Outcome:
    """What became of one message: ``sent``, ``deferred``, ``refused`` or ``unknown``, and the server's last words.

    Attributes
    ----------
    reconnect : bool
        The conversation is over or cannot be trusted: the next letter needs a new one.
    """

    state: str
    reply: str
    reconnect: bool = False


def connect(settings: Settings) -> smtplib.SMTP:
    """Open, encrypt and log in; an unfinished conversation is closed.

    Raises
    ------
    RunStoppedError
        If the server does not offer verified TLS, refuses the login or the greeting for good: nobody was refused.
    ServerBusyError
        If it cannot be reached, hangs up, is silent, or asks to come later.
    """
    kind: type[smtplib.SMTP] = smtplib.SMTP_SSL if settings.security == "tls" else smtplib.SMTP
    smtp: smtplib.SMTP | None = None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file or None)
        more = {"context": context} if settings.security == "tls" else {}
        smtp = kind(settings.host, settings.port, timeout=settings.timeout, **more)  # type: ignore[arg-type]
        smtp.ehlo_or_helo_if_needed()
        if settings.security == "starttls":
            smtp.starttls(context=context)
            smtp.ehlo_or_helo_if_needed()
        if settings.user:
            smtp.login(settings.user, settings.password)
    except (smtplib.SMTPException, OSError) as error:
        if smtp is not None:
            smtp.close()
        raise _verdict(error, settings) from None
    return smtp


def _verdict(error: OSError, settings: Settings) -> RunStoppedError | ServerBusyError:
    """What a failure before the first letter means."""
    kind = ServerBusyError if _is_temporary(error) else RunStoppedError
    if isinstance(error, smtplib.SMTPAuthenticationError):  # its text may repeat what was sent
        return kind(f"the server refuses the login (code {error.smtp_code}); check SMTP_USER and SMTP_PASSWORD")
    words = settings.hide(_words(error))
    return kind(f"no safe conversation with {settings.host}:{settings.port} ({words}); nothing was sent in this try")


def _is_temporary(error: OSError) -> bool:
    if isinstance(error, smtplib.SMTPResponseException):  # its text is str where smtplib itself gave up reading
        return error.smtp_code < 500 or isinstance(error.smtp_error, str)
    if isinstance(error, smtplib.SMTPServerDisconnected | ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return True
    # A missing file of certificates or a server without STARTTLS does not mend itself; a lost network does.
    return not isinstance(error, smtplib.SMTPException | ssl.SSLError | FileNotFoundError | PermissionError)


def _words(error: BaseException) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return _text(str(error)) or type(error).__name__


def _text(reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+", " ", text)[:200]


def send(
    smtp: smtplib.SMTP,
    sender: str,
    recipient: str,
    message: bytes,
    before_data: Callable[[], None],
    final_timeout: float | None = None,
) -> Outcome:
    """Send the very bytes of a message; ``before_data`` is called (and must commit) before DATA.

    Parameters
    ----------
    final_timeout : float, optional
        Seconds to wait for the answer to the final dot, when a server may be looking for viruses.

    Raises
    ------
    RunStoppedError
        If MAIL FROM is refused for good for a reason other than the size of this message.
    """
    try:
        early = _envelope(smtp, sender, recipient, len(message))
    except OSError as error:  # every error of smtplib is one
        return Outcome("deferred", f"connection lost before DATA: {_words(error)}", reconnect=True)
    if early is not None:
        return early
    before_data()
    return _data(smtp, message, final_timeout)


def _envelope(smtp: smtplib.SMTP, sender: str, recipient: str, size: int) -> Outcome | None:
    options = [f"size={size}"] if smtp.has_extn("size") else []
    code, reply = smtp.mail(sender, options)
    if code >= 500 and code != 552:
        raise RunStoppedError(f"the server refuses the sender {sender}: {code} {_text(reply)}")
    if code != 250:
        return _over(smtp, code, reply)
    code, reply = smtp.rcpt(recipient)
    return None if code in (250, 251) else _over(smtp, code, reply)


def _over(smtp: smtplib.SMTP, code: int, reply: bytes) -> Outcome:
    """End of a transaction before the final dot: nothing was accepted; 5xx is for good, anything else is not."""
    is_lost = code == 421 or not _is_reset(smtp)
    return Outcome("refused" if code >= 500 else "deferred", f"{code} {_text(reply)}", reconnect=is_lost)


def _is_reset(smtp: smtplib.SMTP) -> bool:
    """Clear the server's mind for the next letter; without it the next MAIL FROM would be called nested."""
    try:
        return smtp.rset()[0] == 250
    except OSError:
        return False


def _data(smtp: smtplib.SMTP, message: bytes, final_timeout: float | None) -> Outcome:
    """DATA in two steps: before the final dot nothing can have been accepted; after it, only an answer tells."""
    try:
        smtp.putcmd("data")
        code, reply = smtp.getreply()
        if code != 354:
            return _over(smtp, code, reply)
        stuffed = re.sub(rb"(?m)^\.", b"..", message)
        smtp.send(stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n")
    except OSError as error:
        return Outcome("deferred", f"connection lost before the final dot: {_words(error)}", reconnect=True)
    try:
        if final_timeout is not None and smtp.sock is not None:
            smtp.sock.settimeout(final_timeout)
        smtp.send(b".\r\n")
        code, reply = smtp.getreply()
        if smtp.sock is not None:
            smtp.sock.settimeout(smtp.timeout)
    except OSError as error:
        return Outcome("unknown", f"connection lost after the final dot: {_words(error)}", reconnect=True)
    return _final(code, reply)


def _final(code: int, reply: bytes) -> Outcome:
    """An answer to the final dot: only a clear no allows another try, anything unclear is unknown."""
    states = {2: "sent", 4: "deferred", 5: "refused"}
    state = states.get(code // 100, "unknown")
    return Outcome(state, f"{code} {_text(reply)}", reconnect=code == 421 or state == "unknown")


def close(smtp: smtplib.SMTP | None) -> None:
    """Say goodbye; a server that is gone already is no error."""
    if smtp is None:
        return
    try:
        smtp.quit()
    except OSError:
        smtp.close()
