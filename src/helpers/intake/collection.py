"""All registered sources of a collection → the tables ``observations``, ``rejects``, ``corrections_applied``,
``quality``, ``service_panel``, ``life_situations``.

Published figures keep their own reader; every other file goes through :func:`helpers.intake.cleaning.clean_file`.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from helpers.intake import dating, idle_rows, overrides, published
from helpers.intake.cleaning import CleanResult, clean_file
from helpers.intake.sources import Source, read_catalog
from helpers.tables import schemas, store

ENTITY_TYPES = {"questionnaire": "regional_agency"}
MARKS = (1, 2, 3, 4, 5)
_ANSWERS = "feedback_answer"
_KEY = ["rating", "entity_id", "period", "indicator"]
RECORDS = ("service_panel", "life_situations")
"""Tables made of whole records, one row of a file each, not of single cells."""


def clean_collection(sources: Iterable[Source]) -> dict[str, pd.DataFrame]:
    """Clean every source and put the results into the tables of the project.

    Parameters
    ----------
    sources : iterable of Source
        Verified rows of the catalogue, all of one collection.

    Returns
    -------
    dict of DataFrame
        ``observations``, ``rejects``, ``corrections_applied``, ``quality``, ``service_panel``, ``life_situations`` in
        the columns of their schemas.

    Raises
    ------
    CorrectionError
        If a known source error is not there any more.
    PublishedError
        If a row of published figures cannot be read.
    """
    tables: dict[str, list[pd.DataFrame]] = {
        name: []
        for name in ("observations", "rejects", "corrections_applied", "quality", "service_panel", "life_situations")
    }
    for source in sources:
        if source.kind == "published_figures":
            found = _published(source)
            tables["observations"].append(found)
            tables["quality"].append(_quality_of_published(found))
            continue
        result = dating.dated(clean_file(source.file), source.period)
        tables["observations"].append(observations(result, source))
        tables["rejects"].append(_rejects(result, source))
        tables["corrections_applied"].append(_corrections(result, source))
        tables["quality"].append(quality(result, source))
        if len(result.panel):
            tables["service_panel"].append(result.panel.assign(is_synthetic=_flag(source), source_id=source.source_id))
        if len(result.situations):
            rows = result.situations.assign(is_synthetic=_flag(source), source_id=source.source_id)
            tables["life_situations"].append(rows)
    joined = {name: _together(name, frames) for name, frames in tables.items() if name not in RECORDS}
    for name in RECORDS:
        joined[name], repeats = _records(name, tables[name])
        if len(repeats):
            joined["rejects"] = store.conform("rejects", pd.concat([joined["rejects"], repeats], ignore_index=True))
    return joined


def idle_exceptions(sources: Iterable[Source]) -> pd.DataFrame:
    """Reviewed exceptions that changed nothing, one sentence a row: for these files, and for no file at all.

    Only files that an exception names are read again.
    """
    found = []
    for source in sources:
        exceptions = overrides.of_file(source.file.name)
        if len(exceptions.sheets) or len(exceptions.columns):
            found += [f"{source.path}: {sentence}" for sentence in clean_file(source.file).idle]
    found += idle_rows.orphans(source.file.name for source in read_catalog())
    return pd.DataFrame({"what": pd.Series(found, dtype="str")})


def _flag(source: Source) -> bool:
    return source.is_synthetic == "1"


def _together(name: str, frames: list[pd.DataFrame]) -> pd.DataFrame:
    frames = [frame for frame in frames if len(frame)]
    return store.conform(name, pd.concat(frames, ignore_index=True)) if frames else store.empty(name)


def _published(source: Source) -> pd.DataFrame:
    indicators, units = store.reference("published_indicators"), store.reference("published_units")
    return published.observations(published.read(source.file), indicators, units, source.path)


def _quality_of_published(found: pd.DataFrame) -> pd.DataFrame:
    counts = (
        found.groupby(["source_id", "region_iso", "rating", "indicator"], observed=True)
        .size()
        .rename("n_accepted")
        .reset_index()
    )
    return counts.assign(n_rejected=0, n_expected=counts["n_accepted"], coverage=1.0, is_synthetic=False)


def observations(result: CleanResult, source: Source) -> pd.DataFrame:
    """Accepted cells of one file as rows of ``observations``; single answers of applicants come as means and
    counts per region.
    """
    cells = result.cells
    is_answer = (cells["entity_type"] == _ANSWERS).to_numpy()
    plain = _plain(cells[~is_answer], source)
    return pd.concat([plain, _answers(cells[is_answer], source)], ignore_index=True) if is_answer.any() else plain


def _plain(cells: pd.DataFrame, source: Source) -> pd.DataFrame:
    text = {
        name: cells[name].astype(object).to_numpy() for name in cells.columns if name not in ("row", "col", "decimals")
    }
    is_number = (cells["decimals"] >= 0).to_numpy()
    value = pd.to_numeric(pd.Series(text["value"]).where(is_number), errors="coerce").to_numpy(dtype=float)
    low, high = bounds(value, cells["decimals"].to_numpy(), text["unit"], text["cmp"], text["rating"])
    place = zip(text["sheet"], cells["row"], cells["col"], strict=True)
    types = pd.Series(text["entity_type"]).replace(ENTITY_TYPES).to_numpy()
    return pd.DataFrame(
        {
            "rating": text["rating"], "entity_id": text["entity_id"], "period": text["period"],
            "indicator": text["indicator"],
            "source_id": source.source_id, "entity_type": types, "entity_name": text["entity_raw"],
            "region_iso": text["region_iso"],
            "value": value, "value_low": low, "value_high": high, "category": np.where(is_number, "", text["value"]),
            "unit": text["unit"], "cmp": text["cmp"], "value_before": np.nan, "value_after": np.nan,
            "observation_id": [f"{source.source_id}!{sheet}!{row}!{col}" for sheet, row, col in place],
            "file": source.path, "sheet": text["sheet"], "row": cells["row"].to_numpy(),
            "col": cells["col"].to_numpy(),
            "raw_text": text["raw"], "is_synthetic": _flag(source),
        }
    )  # fmt: skip


def bounds(
    value: np.ndarray, decimals: np.ndarray, unit: np.ndarray, cmp: np.ndarray, rating: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Interval that printed precision or wording implies.

    Rounded figures (per cent, points) are half a printed step wide on each side; counts, terms and points of
    questionnaires
    are exact; a bound («не более 7») reaches from zero to it.
    """
    is_rounded = np.isin(unit.astype(str), ["percent", "points"]) & (rating != "b_region_process")
    half = np.where(is_rounded, 10.0 ** -np.maximum(decimals, 0) / 2, 0.0)
    low, high = np.maximum(value - half, np.minimum(value, 0.0)), value + half
    high = np.where(unit == "percent", np.minimum(high, 100.0), high)
    return np.where(cmp == "<=", 0.0, low), high


def _answers(cells: pd.DataFrame, source: Source) -> pd.DataFrame:
    """Mean mark, number of answers and answers per mark, by region, period and question."""
    frame = pd.DataFrame(
        {
            "region_iso": cells["region_iso"].astype(object), "indicator": cells["indicator"].astype(object),
            "period": source.period or cells["period"].astype(object).map(_half_year),
            "mark": pd.to_numeric(cells["value"].astype(object)),
            "row": cells["row"], "sheet": cells["sheet"].astype(object),
        }
    )  # fmt: skip
    groups = frame.groupby(["region_iso", "period", "indicator"], sort=True)
    rows = []
    for (region, period, name), group in groups:
        figures = [(name, group["mark"].mean(), "points"), (f"{name} answers", float(len(group)), "count")]
        figures += [(f"{name} mark {mark}", float((group["mark"] == mark).sum()), "count") for mark in MARKS]
        rows += [_figure(source, region, period, group, *figure) for figure in figures]
    return pd.DataFrame(rows)


def _figure(source: Source, region: str, period: str, group: pd.DataFrame, name: str, value: float, unit: str) -> dict:
    return {
        "rating": "h_feedback", "entity_id": region, "period": period, "indicator": name,
        "source_id": source.source_id,
        "entity_type": "region", "entity_name": region, "region_iso": region, "value": value, "value_low": value,
        "value_high": value,
        "category": "", "unit": unit, "cmp": "=", "value_before": np.nan, "value_after": np.nan,
        "observation_id": f"{source.source_id}!{group['sheet'].iloc[0]}!{region}!{period}!{name}",
        "file": source.path,
        "sheet": group["sheet"].iloc[0], "row": int(group["row"].min()), "col": 0, "raw_text": f"{len(group)} answers",
        "is_synthetic": _flag(source),
    }  # fmt: skip


def _half_year(period: str) -> str:
    """Half-year of a month; any other period as it is."""
    return f"{period[:4]}-H{1 if int(period[5:7]) <= 6 else 2}" if period[5:7].isdigit() else period


def _rejects(result: CleanResult, source: Source) -> pd.DataFrame:
    frame = result.refusals
    columns = ("file", "sheet", "row", "col", "raw", "reason", "suggestion", "region_iso")
    text = {name: frame[name].astype(object).to_numpy() for name in columns}
    rejects = pd.DataFrame(text).assign(source_id=source.source_id, file=source.path, is_synthetic=_flag(source))
    return rejects.drop_duplicates(["source_id", "file", "sheet", "row", "col", "reason"])


def _corrections(result: CleanResult, source: Source) -> pd.DataFrame:
    return pd.DataFrame(list(result.corrections)).assign(file=source.path, is_synthetic=_flag(source))


def quality(result: CleanResult, source: Source) -> pd.DataFrame:
    """Accepted and refused values of one file by region, rating and indicator; a refused row counts once, under no
    indicator.
    """
    names = ["region_iso", "rating", "indicator"]
    accepted = _count(result.cells, names, "n_accepted")
    for name, records in (("service_panel", result.panel), ("life_situations", result.situations)):
        if len(records):
            accepted = pd.concat([accepted, _record_counts(name, records)], ignore_index=True)
    frame = accepted.merge(_count(result.refusals, names, "n_rejected"), on=names, how="outer").fillna(
        {"n_accepted": 0, "n_rejected": 0}
    )
    frame["n_expected"] = frame["n_accepted"] + frame["n_rejected"]
    frame["coverage"] = frame["n_accepted"] / frame["n_expected"]
    return frame.assign(source_id=source.source_id, is_synthetic=_flag(source))


def _count(frame: pd.DataFrame, names: list[str], name: str) -> pd.DataFrame:
    text = frame[names].astype(object)
    return text.groupby(names).size().rename(name).reset_index()


def _record_counts(name: str, records: pd.DataFrame) -> pd.DataFrame:
    """Records of a table by region."""
    counts = records.groupby("region_iso").size().rename("n_accepted").reset_index()
    return counts.assign(rating="", indicator=name)


def _records(name: str, frames: list[pd.DataFrame]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Records of several files as one table; a record that two files give differently is refused in both."""
    if not frames:
        return store.empty(name), store.empty("rejects")
    table = pd.concat(frames, ignore_index=True)
    key = list(schemas.KEYS[name])
    figures = [column for column in table.columns if column != "source_id"]
    table = table.drop_duplicates(figures)
    conflict = table.duplicated(key, keep=False)
    gone = table[conflict]
    repeats = pd.DataFrame(
        {
            "source_id": gone["source_id"], "file": gone["source_id"], "sheet": "",
            "row": np.arange(1, len(gone) + 1), "col": 0,
            "reason": "duplicate_conflict", "raw": gone[key].astype(str).agg(" / ".join, axis=1) if len(gone) else "",
            "suggestion": "two files give this record differently; keep one of them",
            "region_iso": gone["region_iso"],
            "is_synthetic": gone["is_synthetic"],
        }
    )  # fmt: skip
    return store.conform(name, table[~conflict].drop(columns="source_id")), repeats
