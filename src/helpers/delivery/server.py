"""The mail server as the environment describes it; user and password come from there only and are never shown."""

import base64
import ipaddress
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from helpers.delivery.mime import MessageError, check_address

SECURITY = ("starttls", "tls", "none")


class SettingsError(ValueError):
    """The mail server is not described, or described unsafely; names the environment variable."""


@dataclass(frozen=True)
class Settings:
    """Mail server.

    Attributes
    ----------
    per_minute : float
        At most so many messages a minute; 0 for no limit.
    timeout : float
        Seconds to wait for any answer of the server but the last.
    final_timeout : float
        Seconds to wait for the answer to the final dot: RFC 5321 asks for ten minutes, because a server that is
        given up too early has the letter although nobody knows.
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
    final_timeout: float = 600.0

    def hide(self, text: str) -> str:
        """The text without the password in any form in which a server could repeat it."""
        secrets = [self.password, f"\0{self.user}\0{self.password}"] if self.password else []
        encoded = [base64.b64encode(secret.encode()).decode() for secret in secrets]
        for secret in sorted([*secrets, *encoded], key=len, reverse=True):
            text = text.replace(secret, "***")
        return text


def settings_from(environment: Mapping[str, str], default_sender: str) -> Settings:
    """Settings of ``SMTP_HOST, SMTP_PORT, SMTP_SECURITY, SMTP_USER, SMTP_PASSWORD, SMTP_CA_FILE`` and others.

    Raises
    ------
    SettingsError
        If the host is missing, a number is none or out of bounds, an address is none, the login cannot be sent, or an
        unencrypted connection would leave this machine.
    """
    host = environment.get("SMTP_HOST", "").strip()
    if not host:
        raise SettingsError(
            "SMTP_HOST is not set; set SMTP_HOST, SMTP_PORT, SMTP_USER and SMTP_PASSWORD, or leave out --send"
        )
    if not re.fullmatch(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*|[0-9A-Fa-f:.]{2,45}", host):
        raise SettingsError(f"SMTP_HOST={host!r}; write a host name (a Cyrillic one in its xn-- form) or an IP address")
    security = environment.get("SMTP_SECURITY", "starttls").strip().lower()
    if security not in SECURITY:
        raise SettingsError(f"SMTP_SECURITY={security!r}; choose one of: {', '.join(SECURITY)}")
    if security == "none" and not _is_loopback(host):
        raise SettingsError(f"SMTP_SECURITY=none is allowed on this machine only, not for {host}; use starttls or tls")
    user, password = environment.get("SMTP_USER", ""), environment.get("SMTP_PASSWORD", "")
    _check_login(user, password)
    return Settings(
        host,
        int(_number(environment, "SMTP_PORT", 465 if security == "tls" else 587, 1, 65535)),
        security,
        user,
        password,
        environment.get("SMTP_CA_FILE", ""),
        _sender(environment, default_sender),
        _number(environment, "MAIL_PER_MINUTE", 60, 0, 6000),
        _number(environment, "SMTP_TIMEOUT", 30, 0.1, 3600),
        _number(environment, "SMTP_FINAL_TIMEOUT", 600, 0.1, 3600),
    )


def _number(environment: Mapping[str, str], name: str, default: float, low: float, high: float) -> float:
    text = environment.get(name, "").strip() or str(default)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise SettingsError(f"{name}={text!r}; write a number from {low:g} to {high:g}")
    return value


def _check_login(user: str, password: str) -> None:
    """Refuse what the protocol cannot carry, without repeating it."""
    if not (user.isascii() and password.isascii()):
        raise SettingsError("SMTP_USER and SMTP_PASSWORD must be ASCII; ask for a password without other letters")
    if user and not password:
        raise SettingsError("SMTP_USER is set and SMTP_PASSWORD is not; set both or neither")


def _sender(environment: Mapping[str, str], default: str) -> str:
    try:
        return check_address(environment.get("MAIL_ENVELOPE_FROM", "").strip() or default)
    except MessageError as error:
        raise SettingsError(f"MAIL_ENVELOPE_FROM: {error}") from None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
