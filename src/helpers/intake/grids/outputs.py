"""Writing what cleaning made of a file: two UTF-8 csv files, in which no text can act as a formula."""

import csv
import re
from pathlib import Path

import pandas as pd

_FORMULA = re.compile(r"^[=+@\t\r]|^-(?!\d*[.,]?\d*$)")
FREE_TEXT = ("entity_raw", "entity_id", "raw", "suggestion", "sheet", "file")


def harmless(text: str) -> str:
    """Text that a spreadsheet will not run: a leading sign of a formula gets an apostrophe."""
    return f"'{text}" if _FORMULA.match(text) else text


def write_tables(tidy: pd.DataFrame, rejects: pd.DataFrame, file: str, out_dir: Path) -> tuple[Path, Path]:
    """Write ``<file>.tidy.csv`` and ``<file>.rejects.csv``.

    Parameters
    ----------
    tidy, rejects : DataFrame
        Frames of one file.
    file : str
        Name of the raw file.
    out_dir : Path
        Folder; made if absent.

    Returns
    -------
    tuple of Path
        The two files.
    """
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    paths = (out_dir / f"{file}.tidy.csv", out_dir / f"{file}.rejects.csv")
    for frame, path in zip((tidy, rejects), paths, strict=True):
        temporary = path.with_name(f".{path.name}.tmp")
        _safe(frame).to_csv(temporary, index=False, lineterminator="\n", encoding="utf-8", quoting=csv.QUOTE_MINIMAL)
        temporary.replace(path)
    return paths


def _safe(frame: pd.DataFrame) -> pd.DataFrame:
    """Free texts made harmless, once per distinct text; a refusal of a whole row has no column number."""
    result = {}
    for name in frame.columns:
        column = frame[name]
        if name in FREE_TEXT:
            categories = column.astype("category").cat
            mapping = {text: harmless(str(text)) for text in categories.categories}
            column = column.map(mapping)
        if name == "col":
            column = column.astype("object").where(column != 0, "")
        result[name] = column
    return pd.DataFrame(result)
