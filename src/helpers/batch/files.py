"""Files of a release: whole or not there. Temporary name, flush to the disk, rename."""

import hashlib
import os
from pathlib import Path


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
