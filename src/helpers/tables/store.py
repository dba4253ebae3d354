"""The only door to ``data/processed`` and ``data/reference``: validated both ways, written atomically.

On the way in every row is examined; on the way out the file must be, to the last byte, the one that was examined
(`stamps`), or it is examined again.
"""

import functools
import io
import os
import tomllib
from pathlib import Path

import pandas as pd
import pandera.errors
import pyarrow as pa
import pyarrow.parquet as pq

from helpers import paths
from helpers.tables import csv_files, schemas, stamps

COLLECTIONS = ("real", "demo")
_SHOWN_FAILURES = 10
_LARGE = 16 * 2**20  # bytes from which decoding in several threads pays


class StoreError(Exception):
    """A table cannot be read or written; the message names file, row, column, value and the fix."""


def table_path(name: str, collection: str) -> Path:
    """File of a table.

    Raises
    ------
    StoreError
        If the table or the collection is not declared.
    """
    if name not in schemas.TABLES:
        raise StoreError(f"no table '{name}'; declared tables: {', '.join(schemas.TABLES)}")
    if collection not in COLLECTIONS:
        raise StoreError(f"no collection '{collection}'; choose one of: {', '.join(COLLECTIONS)}")
    return paths.processed(collection) / f"{name}.parquet"


def empty(name: str) -> pd.DataFrame:
    """A table with its columns, their types and no rows."""
    return _empty(name).copy()


@functools.cache
def _empty(name: str) -> pd.DataFrame:
    dtypes = {"str": "str", "float": "float64", "int": "int64", "bool": "bool"}
    columns = schemas.TABLES[name].columns
    return pd.DataFrame({column: pd.Series(dtype=dtypes[spec.dtype]) for column, spec in columns.items()})


def conform(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame in the table's column order and types; text is never null.

    Raises
    ------
    StoreError
        If a column is missing or unknown, or a value does not fit its type.
    """
    columns = schemas.TABLES[name].columns
    missing, unknown = [c for c in columns if c not in frame], [c for c in frame if c not in columns]
    if missing or unknown:
        raise StoreError(f"table '{name}': missing columns {missing}, unknown columns {unknown}")
    if frame.empty:
        return empty(name)
    result = {}
    for column, spec in columns.items():
        series = frame[column]
        try:
            if spec.dtype == "str":
                result[column] = series.astype("str").where(series.notna(), "").astype("str")
            elif spec.dtype == "float":
                result[column] = pd.to_numeric(series).astype("float64")
            else:
                result[column] = series.astype({"int": "int64", "bool": "bool"}[spec.dtype])
        except (TypeError, ValueError) as error:
            raise StoreError(f"table '{name}', column '{column}': {error}") from error
    return pd.DataFrame(result).reset_index(drop=True)


def validate(name: str, frame: pd.DataFrame, where: str = "") -> pd.DataFrame:
    """The conformed frame, if every row keeps the schema.

    Raises
    ------
    StoreError
        Listing up to ten failures with row, column, value and rule.
    """
    conformed = conform(name, frame)
    try:
        return schemas.SCHEMAS[name].validate(conformed, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        raise StoreError(_failure_text(name, conformed, errors, where)) from None


def _failure_text(name: str, frame: pd.DataFrame, errors: pandera.errors.SchemaErrors, where: str) -> str:
    cases = errors.failure_cases
    lines = [f"table '{name}'{f' ({where})' if where else ''}: {len(cases)} values break the schema"]
    for case in cases.head(_SHOWN_FAILURES).itertuples():
        row = "" if pd.isna(case.index) else f"row {int(case.index)}, "
        origin = ""
        if row and {"file", "row", "col"} <= set(frame.columns):
            source = frame.loc[int(case.index)]
            origin = f" [from {source['file']} {source['sheet']} row {source['row']} col {source['col']}]"
        lines.append(f"  {row}column '{case.column}': {case.failure_case!r} – must be: {case.check}{origin}")
    if len(cases) > _SHOWN_FAILURES:
        lines.append(f"  … and {len(cases) - _SHOWN_FAILURES} more")
    return "\n".join(lines)


def save(name: str, frame: pd.DataFrame, collection: str) -> Path:
    """Validate and write a table as Parquet, sorted by its key; a reader never sees half a file.

    Tables with a region are written in one row group per region, so that a report reads its own slice only.

    Raises
    ------
    StoreError
        If the frame breaks the schema, mixes synthetic and real rows, or cannot be written (for example a full
        disk); the earlier file stays.
    """
    path = table_path(name, collection)
    valid = validate(name, frame, "before saving").sort_values(
        list(schemas.KEYS[name]), kind="stable", ignore_index=True
    )
    _check_collection(name, valid, collection)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(valid, temporary)
        stamps.put(path, temporary)  # before the table: a stamp of other bytes only makes the reader examine them
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StoreError(
            f"cannot write table '{name}' to {path}: {error.strerror or error}. Free space or rights, then re-run."
            " The earlier table, if any, is untouched."
        ) from error
    return path


def _check_collection(name: str, frame: pd.DataFrame, collection: str) -> None:
    if "is_synthetic" not in frame:
        return
    wrong = frame.index[frame["is_synthetic"] != (collection == "demo")]
    if len(wrong):
        kind = "synthetic" if collection == "real" else "real"
        raise StoreError(
            f"table '{name}', collection '{collection}': {len(wrong)} {kind} rows, first:"
            f" {frame.loc[wrong[0]].to_dict()}."
            " Real and synthetic data never meet: check is_synthetic in data/raw/catalog.csv."
        )


def _write(frame: pd.DataFrame, path: Path) -> None:
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    if "region_iso" not in frame or len(frame) < 5_000:
        pq.write_table(arrow, path)
        return
    with pq.ParquetWriter(path, arrow.schema) as writer:
        ordered = frame.sort_values(["region_iso", *schemas.KEYS[path.name.split(".")[1]]], kind="stable")
        for _, part in ordered.groupby("region_iso", sort=True):
            writer.write_table(pa.Table.from_pandas(part, schema=arrow.schema, preserve_index=False))


def load(
    name: str, collection: str, columns: list[str] | None = None, filters: list[tuple] | None = None
) -> pd.DataFrame:
    """Read a table, or some columns and rows of it.

    Parameters
    ----------
    columns : list of str, optional
        Columns to read; validation against the schema happens only when all are read, and only when the file is not
        the very one that was validated when it was saved.
    filters : list of tuple, optional
        ``("region_iso", "=", "RU-CHE")``-like conditions, all of which must hold.

    Raises
    ------
    StoreError
        If the table was not made yet (naming the notebook that makes it), is damaged, or breaks the schema.
    """
    path = table_path(name, collection)
    if not path.exists():
        raise StoreError(
            f"table '{name}' of collection '{collection}' is not there yet ({path.name});"
            f" run: reports build --collection {collection}"
        )
    try:
        with pa.OSFile(str(path)) as source:  # one open file: what is compared with the stamp is what is read
            is_known = columns is None and stamps.matches(path, source)
            source.seek(0)
            frame = _read(source, columns, filters)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(
            f"{path} cannot be read ({error}); delete it and run: reports build --collection {collection}"
        ) from error
    return frame if columns or is_known else validate(name, frame, str(path.name))


def _read(source: pa.NativeFile, columns: list[str] | None, filters: list[tuple] | None) -> pd.DataFrame:
    """Rows of an open Parquet file; a small one by this thread alone, which is cheaper."""
    is_large = source.size() > _LARGE
    if filters is None:
        read = pq.ParquetFile(source, pre_buffer=is_large).read(columns, use_threads=is_large)
    else:
        read = pq.read_table(
            source, columns=columns, filters=filters, partitioning=None, use_threads=is_large, pre_buffer=is_large
        )
    return read.to_pandas(use_threads=is_large)


def exists(name: str, collection: str) -> bool:
    """Whether the table was made."""
    return table_path(name, collection).exists()


def reference(name: str) -> pd.DataFrame:
    """A reference table: all columns text, absent values the empty string.

    Raises
    ------
    StoreError
        If there is no such file in ``data/reference``, or it is not UTF-8 with commas and equal rows.
    """
    path = paths.reference() / f"{name}.csv"
    try:
        return _read_reference(path, path.stat().st_mtime_ns).copy()
    except FileNotFoundError as error:
        raise StoreError(f"no reference table {path.name} in data/reference") from error
    except csv_files.CsvError as error:
        raise StoreError(f"data/reference/{error}") from error


@functools.lru_cache(maxsize=64)
def _read_reference(path: Path, modified: int) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(csv_files.read(path)), dtype="str", keep_default_na=False)


def read_release(collection: str, names: tuple[str, ...], region: str = "") -> dict[str, pd.DataFrame]:
    """The tables a report needs, by name; tables that were not made come empty.

    Parameters
    ----------
    region : str
        Keep only this region's rows of the large ``service_panel`` (the report reads its own slice).
    """
    frames = {}
    for name in names:
        if not exists(name, collection):
            frames[name] = empty(name)
        elif region and name == "service_panel":
            frames[name] = load(name, collection, filters=[("region_iso", "=", region)])
        else:
            frames[name] = load(name, collection)
    return frames


def outside(name: str) -> pd.DataFrame:
    """Outside data kept beside the repository (``../shared/data/<name>.csv``); an empty frame where it is absent.

    Such data never enter a table: a notebook shows them in a section of its own, or says that they are not there.
    """
    path = paths.shared() / "data" / f"{name}.csv"
    return pd.read_csv(path) if path.is_file() else pd.DataFrame()


def sources(collection: str) -> pd.DataFrame:
    """Registered raw files of a collection and the publications that they cite, all text.

    Returns
    -------
    DataFrame
        Columns source_id, publisher, title, address, published_date, sha256; a publication has the checksum of the
        file that holds its figures. Empty if nothing is registered.
    """
    folder = paths.raw() / "demo" if collection == "demo" else paths.raw()
    columns = ["source_id", "publisher", "title", "address", "published_date", "sha256"]
    try:
        path = folder / "catalog.csv"
        catalog = _read_reference(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return pd.DataFrame(columns=columns, dtype="str")
    except csv_files.CsvError as error:
        raise StoreError(f"data/raw/{error}") from error
    files = catalog[catalog["is_synthetic"] == ("1" if collection == "demo" else "0")]
    try:
        cited = reference("publications").merge(files[["path", "sha256"]], left_on="file", right_on="path")
    except StoreError:
        cited = pd.DataFrame(columns=columns, dtype="str")
    return pd.concat([files, cited.assign(publisher="")], ignore_index=True)[columns]


def release_settings(collection: str) -> dict[str, str | float]:
    """What ``params.toml`` says about the release and the reports of a collection; empty without the file."""
    try:
        with (paths.root() / "params.toml").open("rb") as handle:
            settings = tomllib.load(handle)
    except FileNotFoundError:
        return {}
    return {**settings.get("report", {}), **settings.get(collection, {})}
