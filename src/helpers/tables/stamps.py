"""What a saved table was found valid by, so that the same bytes need not be examined again by every report.

Beside ``scores.parquet`` stands ``.scores.validated``: the SHA-256 of the file as `store.save` validated it, and the
digest of the contract (this package, versions of the libraries that read and check). Both must match, to the last
byte; in all other cases (no stamp, an edited or foreign file, another schema, another pandas) the reader validates.
"""

import functools
import hashlib
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pandera
import pyarrow as pa


@functools.cache
def contract() -> str:
    """Digest of everything that decides whether a table is valid and how it is read."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(source.read_bytes())
    digest.update(" ".join((pd.__version__, pandera.__version__, pa.__version__)).encode())
    return digest.hexdigest()


def stamp_path(table: Path) -> Path:
    """File of a table's stamp."""
    return table.with_name(f".{table.stem}.validated")


def put(table: Path, validated: Path) -> None:
    """Write the stamp of a table whose valid content stands in the file ``validated``.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    with validated.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    path = stamp_path(table)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(f"{digest} {contract()}\n", encoding="ascii")
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def matches(table: Path, source: Any) -> bool:
    """Whether the open file ``source``, read from its beginning, is what was validated by today's contract."""
    try:
        known = stamp_path(table).read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError):
        return False
    return known == [hashlib.file_digest(source, "sha256").hexdigest(), contract()]
