"""Files of a release: whole or not there. Temporary name, flush to the disk, rename."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

PREFIX = "cc-"


def write(path: Path, content: bytes) -> str:
    """Write a file so that a reader, a crash or a power cut never meets half of it; return its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return digest(content)


def digest(content: bytes) -> str:
    """SHA-256 of bytes."""
    return hashlib.sha256(content).hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 of a file, empty text when it is not there."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except (FileNotFoundError, IsADirectoryError):
        return ""


def sweep(folder: Path) -> int:
    """Remove temporary files that a killed run left; the caller holds the lock. Returns their number."""
    leftovers = list(folder.rglob(".*.tmp")) if folder.is_dir() else []
    for path in leftovers:
        path.unlink(missing_ok=True)
    return len(leftovers)


def private_folder(kind: str) -> Path:
    """Fresh private folder with a short absolute name that tells which process made it.

    Short, because the path of a socket in it must stay under about 100 bytes.
    """
    base = tempfile.gettempdir()
    if len(base) > 50:
        base = "/tmp"  # noqa: S108 - mkdtemp makes a private folder there
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{kind}-{os.getpid()}-", dir=base))


def sweep_private() -> int:
    """Remove private folders of processes that are gone (killed ones cannot); return their number."""
    swept = 0
    for base in {tempfile.gettempdir(), "/tmp"}:  # noqa: S108 - see private_folder
        for folder in Path(base).glob(f"{PREFIX}*-*-*"):
            owner = folder.name.split("-")[2]
            if owner.isdigit() and not is_alive(int(owner)):
                shutil.rmtree(folder, ignore_errors=True)
                swept += 1
    return swept


def is_alive(pid: int) -> bool:
    """Whether a process of this machine has that number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # another user's
    return True
