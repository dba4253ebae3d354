"""One run at a time per collection: an advisory lock that the system releases however the run ends."""

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from helpers import paths

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


class Busy(Exception):
    """Another run works on the same collection; the message says which and what to do."""


@contextmanager
def exclusive(collection: str, started: str) -> Iterator[None]:
    """Hold the lock of a collection (its processed tables and all its releases).

    Raises
    ------
    Busy
        At once, when somebody else holds it.
    """
    folder = paths.reports(collection)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ".lock"
    with path.open("a+", encoding="utf-8") as stream:
        if not _try_lock(stream):
            raise Busy(_message(path, collection))
        stream.seek(0)
        stream.truncate()
        json.dump({"pid": os.getpid(), "host": platform.node(), "started": started}, stream)
        stream.flush()
        try:
            yield
        finally:
            stream.seek(0)
            stream.truncate()  # the file stays: removing it would let two later runs lock two different files


def _try_lock(stream: TextIO) -> bool:
    try:
        if fcntl is not None:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt

            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError:
        return False
    return True


def _message(path: Path, collection: str) -> str:
    try:
        holder: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        who = f"process {holder['pid']} on {holder['host']}, since {holder['started']}"
    except (OSError, ValueError, KeyError):
        who = "another process"
    return (
        f"collection '{collection}' is being built by {who}. Wait until it ends, or stop it (kill -TERM) and run again:"
        " finished reports are kept"
    )
