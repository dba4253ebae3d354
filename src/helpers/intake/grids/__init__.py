"""Any file → grids of cells. A file is recognised by its content first, by its extension second."""

import re
import zipfile
from pathlib import Path

from helpers.intake.grids import answers_xml, delimited, ods, pages, web, word, xls, xlsx
from helpers.intake.grids.archives import open_archive
from helpers.intake.grids.model import MAX_BYTES, Grid, GridError, spread

__all__ = ["Grid", "GridError", "format_of", "read", "read_bytes", "spread"]

_READERS = {
    "xlsx": xlsx.read, "xls": xls.read, "ods": ods.read, "docx": word.read, "pdf": pages.read, "html": web.read,
    "xml": answers_xml.read, "text": delimited.read,
}  # fmt: skip
_TEXT_SUFFIXES = {".csv", ".tsv", ".txt", ".tab", ".dat", ""}


def read(path: Path) -> list[Grid]:
    """Grids of a file.

    Parameters
    ----------
    path : Path
        Workbook (xlsx, xls, ods), text (csv, tsv, txt), page (html), document (docx, pdf) or «Ваш контроль» XML.

    Raises
    ------
    GridError
        If the file is missing, too large, encrypted, damaged, a scan, or of a kind that holds no tables.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise GridError(f"{path.name}: {size:,} bytes, more than {MAX_BYTES:,}. Split the file.")
        data = path.read_bytes()
    except OSError as error:
        raise GridError(f"{path.name}: the file cannot be opened ({error.strerror or error}).") from error
    return read_bytes(data, path.name)


def read_bytes(data: bytes, name: str) -> list[Grid]:
    """Grids of a file that is in memory already; see :func:`read`."""
    if not data.strip(b"\x00 \t\r\n"):
        raise GridError(f"{name}: the file is empty. Ask the sender for it again.")
    try:
        return _READERS[format_of(data, name)](data, name)
    except (RecursionError, MemoryError) as error:
        raise GridError(
            f"{name}: the file is nested too deeply or too large to read ({type(error).__name__})."
        ) from error


def format_of(data: bytes, name: str) -> str:
    """Format by content; the extension only tells text files apart from everything else.

    Raises
    ------
    GridError
        For encrypted workbooks and for kinds that hold no tables.
    """
    head = data[:4096]
    if head.startswith(b"PK"):
        return _zipped_format(data, name)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise GridError(f"{name}: the workbook is encrypted. Ask the sender for a copy without a password.")
        if "WordDocument".encode("utf-16-le") in data:
            raise GridError(f"{name}: a document of Word 97–2003. Save it as docx.")
        return "xls"
    if re.match(rb"[\x00-\x20]*%PDF-", head):
        return "pdf"
    if head[:2] in (b"\x09\x08", b"\x09\x04", b"\x09\x02"):
        return "xls"
    if head.startswith(b"{\\rtf"):
        raise GridError(f"{name}: an RTF document. Save it as docx.")
    return _text_format(head, name)


def _zipped_format(data: bytes, name: str) -> str:
    archive: zipfile.ZipFile = open_archive(data, name)
    names = set(archive.namelist())
    if any(entry.startswith("xl/") for entry in names):
        return "xlsx"
    if any(entry.startswith("word/") for entry in names):
        return "docx"
    if "content.xml" in names:
        return "ods"
    raise GridError(f"{name}: an archive, not a table. Unpack it and give the files inside.")


def _text_format(head: bytes, name: str) -> str:
    plain = head.replace(b"\x00", b"").lower()
    start = re.sub(rb"^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*", b"", plain)
    if start.startswith((b"<!doctype html", b"<html")) or (
        re.search(rb"<(?:table|html|body)\b", plain) and start.startswith(b"<")
    ):
        return "html"
    if start.startswith(b"<"):
        return "xml"
    suffix = Path(name).suffix.lower()
    if suffix in (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".gif", ".zip", ".rar", ".7z", ".exe"):
        raise GridError(
            f"{name}: a {suffix[1:]} file holds no table that can be read. Ask the sender for the original table."
        )
    if suffix in (".xlsx", ".ods", ".docx", ".pdf") or (suffix == ".xls" and b"\x00" in head):
        raise GridError(
            f"{name}: the content is not that of a {suffix[1:]} file; it is damaged. Ask the sender for it again."
        )
    return "text"
