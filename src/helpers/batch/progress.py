"""What a run shows while it works: a bar for people, lines for cron, JSON for machines; the JSON log is always kept."""

import datetime
import json
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

FORMATS = ("bar", "log", "json", "quiet")


@dataclass
class Counts:
    """How far a phase is."""

    total: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    current: dict[str, float] = field(default_factory=dict)


class Progress:
    """Counts, rate, remaining time and current reports of one run.

    Parameters
    ----------
    log
        File of JSON lines, one event each; rewritten by each run. None keeps no log.
    style
        ``bar`` (falls back to ``log`` without a terminal), ``log``, ``json`` or ``quiet``.
    """

    def __init__(self, log: Path | None, style: str = "bar", stream: Any = None) -> None:
        self._stream = stream or sys.stderr
        if style == "bar" and not self._stream.isatty():
            style = "log"
        self._style = style
        self._path = log
        self._file: Any = None
        self._bar: Any = None
        self._task: Any = None
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self.phase = ""
        self.counts = Counts()

    def __enter__(self) -> Self:
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("w", encoding="utf-8")
        if self._style == "bar":
            self._bar = _rich_bar(self._stream)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        if self._file is not None:
            self._file.close()

    def begin(self, phase: str, total: int, skipped: int = 0) -> None:
        """A new phase: steps, reports, checks."""
        with self._lock:
            self.phase, self.counts, self._began = phase, Counts(total=total, skipped=skipped), time.monotonic()
            if self._bar is not None:
                if self._task is not None:
                    self._bar.remove_task(self._task)
                self._task = self._bar.add_task(phase, total=total, detail="")
            self._event("begin", total=total, skipped=skipped)

    def started(self, name: str) -> None:
        """One item has begun."""
        with self._lock:
            self.counts.current[name] = time.monotonic()
            self._draw()

    def skip(self, number: int) -> None:
        """So many items of the phase turned out to be up to date."""
        with self._lock:
            self.counts.total -= number
            self.counts.skipped += number
            self._draw()

    def finished(self, name: str, error: str = "", seconds: float = 0.0) -> None:
        """One item has ended, well or with an error."""
        with self._lock:
            self.counts.current.pop(name, None)
            self.counts.done += not error
            self.counts.failed += bool(error)
            self._event("failed" if error else "done", item=name, seconds=round(seconds, 3), error=error)
            self._draw()

    def note(self, text: str) -> None:
        """Something the operator should read."""
        with self._lock:
            self._event("note", text=text)

    def remaining(self) -> float:
        """Seconds until the phase ends at the present rate; 0 before the first item."""
        finished = self.counts.done + self.counts.failed
        if not finished:
            return 0.0
        return (time.monotonic() - self._began) / finished * (self.counts.total - finished)

    def line(self) -> str:
        """The state in words: ``reports 12/89 · 1 failed · 3 skipped · 2.1/s · 0:37 left · RU-CHE.ru``."""
        counts = self.counts
        finished = counts.done + counts.failed
        rate = finished / max(time.monotonic() - self._began, 1e-9)
        parts = [f"{self.phase} {finished}/{counts.total}"]
        parts += [f"{counts.failed} failed"] if counts.failed else []
        parts += [f"{counts.skipped} skipped"] if counts.skipped else []
        parts += [f"{rate:.2f}/s", f"{datetime.timedelta(seconds=round(self.remaining()))} left"] if finished else []
        parts += [", ".join(sorted(counts.current))] if counts.current else []
        return " · ".join(parts)

    def _draw(self) -> None:
        if self._bar is not None:
            finished = self.counts.done + self.counts.failed
            self._bar.update(self._task, completed=finished, detail=self.line())

    def _event(self, kind: str, **values: Any) -> None:
        now = datetime.datetime.now(tz=datetime.UTC).isoformat(timespec="milliseconds")
        counts = self.counts
        record = {"time": now, "phase": self.phase, "event": kind, **values}
        record |= {"done": counts.done, "failed": counts.failed, "total": counts.total}
        text = json.dumps(record, ensure_ascii=False)
        if self._file is not None:
            self._file.write(text + "\n")
            self._file.flush()
        if self._style == "json":
            self._stream.write(text + "\n")
        elif self._style == "log":
            item = f"{values['item']}: {values['error'] or 'done'}" if "item" in values else values.get("text", "")
            self._stream.write(f"{now} {self.line()}{' – ' if item else ''}{item}\n")
        elif self._style == "bar" and values.get("error"):
            self._bar.console.print(f"{values['item']}: {values['error']}", markup=False, highlight=False)


def _rich_bar(stream: Any) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    return Bar(
        BarColumn(), TimeElapsedColumn(),
        TextColumn("{task.fields[detail]}", markup=False),
        console=Console(file=stream),
    )  # fmt: skip
