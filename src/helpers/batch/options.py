"""What a run is asked for and what came of it."""

import os
import socket
import tomllib
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers import paths

ENGINES = ("warm", "plain")
COLLECTIONS = ("real", "demo")
LANGUAGES = ("ru", "en")
LOG_FORMATS = ("bar", "log", "json")
CONNECT_SECONDS = 20


class OptionError(ValueError):
    """An option has a value that nothing can be built with; the message names the valid ones."""


@dataclass(frozen=True)
class Options:
    """One call of ``reports build`` or ``reports check``.

    Attributes
    ----------
    regions : tuple of str
        ISO codes or official spellings, ``national`` for the national report; empty for all of them.
    jobs : int
        Reports at a time; 0 for one per processor.
    timeout : int
        Seconds that one cell may take.
    memory_mb : int
        Address space of one kernel; 0 for no bound.
    """

    collection: str = "real"
    period: str = ""
    regions: tuple[str, ...] = ()
    langs: tuple[str, ...] = ()
    jobs: int = 0
    force: bool = False
    only_failed: bool = False
    dry_run: bool = False
    check: bool = False
    engine: str = "warm"
    scheduler: str = ""
    pdf: bool = False
    quiet: bool = False
    log_format: str = "bar"
    timeout: int = 300
    memory_mb: int = 6144

    @property
    def style(self) -> str:
        """Style of the progress display."""
        return "quiet" if self.quiet else self.log_format

    @property
    def workers(self) -> int:
        """Reports at a time on this machine."""
        return self.jobs or len(
            os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
        )


@dataclass(frozen=True)
class Planned:
    """One line of the plan: what would be done with a step or a report, and why."""

    name: str
    action: str  # run | skip
    reason: str


@dataclass(frozen=True)
class Outcome:
    """What a run did."""

    collection: str
    period: str
    folder: Path
    built: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    checked: tuple[str, ...] = ()
    checked_before: int = 0
    check_failed: dict[str, str] = field(default_factory=dict)
    plan: tuple[Planned, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    signal: int = 0

    @property
    def exit_code(self) -> int:
        """0 when all is well, 1 when a report or a check failed, 128 + signal when the run was stopped."""
        if self.signal:
            return 128 + self.signal
        return 1 if self.failed or self.check_failed else 0

    def summary(self) -> str:
        """A few lines for the end of a run or for the plan."""
        if self.plan:
            lines = [f"{item.action:4}  {item.name:16}  {item.reason}" for item in self.plan]
            runs = sum(item.action == "run" for item in self.plan)
            return "\n".join([*lines, f"{runs} to run, {len(self.plan) - runs} up to date; nothing was done (dry run)"])
        lines = [*self.notes, *(f"{name}: {error}" for name, error in {**self.failed, **self.check_failed}.items())]
        cost = f"{self.seconds:.1f} s, {self.cpu_seconds:.1f} CPU s"
        lines.append(f"{self.collection} {self.period}: {'; '.join([*self._counts(), cost])}")
        if self.signal:
            lines.append("stopped before the end; finished reports are kept, the next run makes the rest")
        if self.failed or self.check_failed:
            lines.append(f"explanations: {self.folder / 'failed'}; after mending: reports build --only failed")
        return "\n".join(lines)

    def _counts(self) -> list[str]:
        """Reports built, reports checked: whichever the run was about."""
        reports = f"{len(self.built)} built, {len(self.failed)} failed, {len(self.skipped)} up to date"
        checks = f"{len(self.checked)} re-run with the same result, {len(self.check_failed)} with another"
        checks += f", {self.checked_before} checked before" if self.checked_before else ""
        is_check = bool(self.checked or self.check_failed or self.checked_before)
        is_build = bool(self.built or self.failed or self.skipped) or not is_check
        return [text for text, is_said in ((reports, is_build), (checks, is_check)) if is_said]


def parameters() -> dict[str, Any]:
    """Contents of ``params.toml``.

    Raises
    ------
    OptionError
        If the file is missing or not TOML.
    """
    path = paths.root() / "params.toml"
    try:
        with path.open("rb") as stream:
            return tomllib.load(stream)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise OptionError(f"params.toml cannot be read: {error}") from error


def one_of(name: str, value: str, valid: tuple[str, ...]) -> str:
    """The value, if it is valid.

    Raises
    ------
    OptionError
        Otherwise.
    """
    if value not in valid:
        raise OptionError(f"{name} '{value}': choose one of {', '.join(valid)}")
    return value


def reach(scheduler: str) -> None:
    """Make sure that somebody listens at the scheduler's address, before hours of work are begun for it.

    Raises
    ------
    OptionError
        If the address is none, or nobody answers there.
    """
    parts = urllib.parse.urlsplit(scheduler)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if parts.scheme not in ("tcp", "tls") or not host or not port:
        raise OptionError(f"scheduler '{scheduler}': write tcp://host:8786")
    try:
        socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        raise OptionError(
            f"no Dask scheduler answers at {scheduler} ({error}); start one with: dask scheduler"
        ) from error
