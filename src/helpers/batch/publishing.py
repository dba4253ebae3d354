"""From a product to files under their final names, and one row that says so."""

import html
import json
from pathlib import Path
from typing import Any

from helpers.batch import files, records
from helpers.batch.jobs import Job, Product
from helpers.batch.plan import Release


def publish(release: Release, job: Job, product: Product, status: records.Status) -> records.Row:
    """Put a whole report under its final name, or a broken one into ``failed/``; record which.

    The row is written after the files: a run that ends in between leaves files that do not match the old row, and the
    next run makes them again.
    """
    if product.error:
        return _publish_failure(release, job, product, status)
    result = json.loads(product.result)
    digests = {}
    for column, content in (
        ("result_sha256", product.result),
        ("html_sha256", product.page),
        ("pdf_sha256", product.pdf),
        ("notebook_sha256", product.notebook),
    ):
        path = records.part_path(release.folder, job.report_id, column)
        if content:
            digests[column] = files.write(path, content)
        else:
            path.unlink(missing_ok=True)
    tables = write_tables(records.tables_folder(release.folder, job.report_id), product.tables)
    clear_failure(release.folder, job.report_id)
    row = records.Row(
        report_id=job.report_id,
        region_iso=job.region_iso,
        lang=job.lang,
        period=release.period,
        collection=release.collection,
        status="no_data" if result.get("data_class") == "empty" else "built",
        content_key=job.content_key,
        seconds=f"{product.seconds:.2f}",
        cpu_seconds=f"{product.cpu_seconds:.2f}",
        bytes_html=str(len(product.page)),
        tables_sha256=tables,
        **digests,
        **facts(result),
    )
    status.put(row)
    return row


def facts(result: dict[str, Any]) -> dict[str, str]:
    """What ``status.csv`` repeats from the result object: the headline with its interval, and the rank's."""
    estimate = (result.get("headline") or {}).get("estimate") or {}
    rank = result.get("rank") or {}
    return {
        "edition": str(result.get("edition", "")),
        "is_synthetic": str(bool(result.get("is_synthetic"))),
        "data_class": str(result.get("data_class", "")),
        "value": text(estimate.get("value")),
        "value_low": text(estimate.get("low")),
        "value_high": text(estimate.get("high")),
        "unit": str(estimate.get("unit") or ""),
        "rank_low": text(rank.get("rank_low")),
        "rank_high": text(rank.get("rank_high")),
    }


def text(value: Any) -> str:
    """A number in machine notation, nothing for none."""
    return "" if value is None else repr(value)


def write_tables(folder: Path, tables: dict[str, bytes]) -> str:
    """Write the files of a report's tables, and no others; their checksum."""
    digests = {name: files.write(folder / name, content) for name, content in tables.items()}
    for path in folder.glob("*") if folder.is_dir() else ():
        if path.name not in tables:
            path.unlink()
    return records.tables_digest(digests)


def _publish_failure(release: Release, job: Job, product: Product, status: records.Status) -> records.Row:
    """Nothing stays under the final name: an earlier report moves beside the explanation."""
    for column in records.PARTS:
        path = records.part_path(release.folder, job.report_id, column)
        if path.exists():
            kept = release.folder / "failed" / f"previous.{path.name}"
            kept.parent.mkdir(parents=True, exist_ok=True)
            path.replace(kept)
    write_tables(records.tables_folder(release.folder, job.report_id), {})
    keep_failure(release.folder, job, product)
    row = records.Row(
        report_id=job.report_id,
        region_iso=job.region_iso,
        lang=job.lang,
        period=release.period,
        collection=release.collection,
        edition=release.edition,
        is_synthetic=str(release.collection == "demo"),
        status="failed",
        content_key=job.content_key,
        seconds=f"{product.seconds:.2f}",
        cpu_seconds=f"{product.cpu_seconds:.2f}",
        error=product.error,
    )
    status.put(row)
    return row


def keep_failure(folder: Path, job: Job, product: Product) -> None:
    """The partial notebook and a one-page explanation."""
    failed = folder / "failed"
    if product.notebook:
        files.write(failed / f"{job.report_id}.ipynb", product.notebook)
    files.write(failed / f"{job.report_id}.html", failure_page(job, product).encode())


def clear_failure(folder: Path, report_id: str) -> None:
    """Forget an earlier failure of a report that is whole now."""
    for path in (folder / "failed").glob(f"*{report_id}.*"):
        if path.name.removeprefix("previous.").startswith(f"{report_id}."):
            path.unlink()


def sweep(folder: Path) -> int:
    """Remove what a killed run left; the caller holds the lock. Returns the number of leftovers."""
    return files.sweep(folder) + files.sweep_private()


def failure_page(job: Job, product: Product) -> str:
    """One page for the operator: what failed, where, what to do."""
    rows = {
        "Report": job.report_id,
        "Notebook": job.template.name,
        "Parameters": json.dumps(job.parameters, ensure_ascii=False),
        "Error": product.error,
        "Seconds": f"{product.seconds:.1f}",
    }
    table = "".join(
        f"<tr><th scope='row'>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>"
        for name, value in rows.items()
    )
    return (
        "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
        f"<title>{html.escape(job.report_id)} was not built</title></head><body><main>"
        f"<h1>{html.escape(job.report_id)} was not built</h1><table>{table}</table>"
        "<p>The notebook as far as it got is beside this page; open it in JupyterLab. Mend the cause, then run"
        " <code>reports build --only failed</code>. An earlier version of the report, if there was one, is kept here as"
        f" <code>previous.*</code>.</p><h2>Traceback</h2>"
        f"<pre>{html.escape(product.details)}</pre></main></body></html>\n"
    )
