"""Small comma-separated files that people edit: read as text, or refused with what to save and where.

Spreadsheet programs save them in another encoding, with another separator, or drop the last fields of a row.
"""

import csv
import io
from pathlib import Path

SAVE = "save it as CSV UTF-8 with commas between fields"


class CsvError(Exception):
    """A file is not what it should be; the message names file, row and fix."""


def read(path: Path) -> str:
    """Text of a file, without a byte-order mark, once it was seen to be a table of equal rows.

    Raises
    ------
    CsvError
        For another encoding than UTF-8, another separator than the comma, or a row with more or fewer fields than the
        header; rows count from 1, the header.
    FileNotFoundError
        If there is no such file.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CsvError(f"{path.name} is not in UTF-8 (byte {error.start + 1}); {SAVE}") from error
    rows = csv.reader(io.StringIO(text, newline=""))
    header = next(rows, [])
    if len(header) < 2 and any(sign in text.partition("\n")[0] for sign in ";\t|"):
        raise CsvError(f"{path.name} has no commas between fields: «{header[0]}»; {SAVE}")
    for number, row in enumerate(rows, start=2):
        if row and len(row) != len(header):
            raise CsvError(
                f"{path.name}, row {number} («{row[0]}»): {len(row)} fields where the header has {len(header)};"
                ' an empty field is an empty place between commas, a text with a comma stands in "quotes"'
            )
    return text
