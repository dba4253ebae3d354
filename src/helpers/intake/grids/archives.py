"""Zipped formats opened within bounds: sizes checked before anything is unpacked, document types and entities
refused.
"""

import io
import re
import zipfile
from collections.abc import Callable

from helpers.intake.grids.model import MAX_RATIO, MAX_UNPACKED_BYTES, GridError

_RATIO_FLOOR = 20 * 1024 * 1024


def open_archive(data: bytes, name: str) -> zipfile.ZipFile:
    """A zip archive whose unpacked size stays within the limits.

    Raises
    ------
    GridError
        For a damaged or encrypted archive and for a compressed bomb.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise GridError(f"{name}: the file is damaged ({error}). Ask the sender for it again.") from error
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED_BYTES or (unpacked > _RATIO_FLOOR and unpacked > MAX_RATIO * max(len(data), 1)):
        raise GridError(
            f"{name}: {len(data):,} bytes unpack to {unpacked:,}. The file was not opened; check who "
            f"sent it, or save the table as csv."
        )
    if any(entry.flag_bits & 1 for entry in entries):
        raise GridError(f"{name}: the file is encrypted. Ask the sender for a copy without a password.")
    return archive


def read_member(archive: zipfile.ZipFile, member: str, name: str) -> bytes:
    """One file of the archive, never more bytes than it declares; no document type, no entities.

    Raises
    ------
    GridError
        If it is missing, damaged, larger than declared, or declares entities.
    """
    try:
        declared = archive.getinfo(member).file_size
        with archive.open(member) as handle:
            content = handle.read(declared + 1)
    except (KeyError, zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise GridError(
            f"{name}: part «{member}» cannot be read ({error}). Ask the sender for the file again."
        ) from error
    except Exception as error:  # zlib.error and lzma errors have no common ancestor
        raise GridError(f"{name}: part «{member}» is damaged ({error}). Ask the sender for the file again.") from error
    if len(content) > declared:
        raise GridError(
            f"{name}: part «{member}» is larger than it declares. The file was not opened; check who sent it."
        )
    refuse_entities(content, name)
    return content


def check_members(
    archive: zipfile.ZipFile, name: str, inspect: Callable[[bytes, str], None] = lambda content, name: None
) -> None:
    """Read every XML part once within bounds, so that a library may parse the archive afterwards.

    Parameters
    ----------
    inspect : callable, optional
        Called with each part and the name of the file; refuses what the library would choke on.
    """
    for entry in archive.infolist():
        if entry.filename.lower().endswith((".xml", ".rels", ".vml")):
            inspect(read_member(archive, entry.filename, name), name)


def refuse_entities(content: bytes, name: str) -> None:
    """Refuse XML that declares a document type or entities.

    Raises
    ------
    GridError
        Always on such a declaration: no rating file needs one, and it is how files attack a parser.
    """
    plain = content.replace(b"\x00", b"") if b"\x00" in content[:200] else content  # UTF-16 and UTF-32
    if re.search(rb"<!\s*(?:DOCTYPE|ENTITY)", plain):
        raise GridError(
            f"{name}: the XML declares a document type or entities, which rating files never need. It was not opened."
        )
