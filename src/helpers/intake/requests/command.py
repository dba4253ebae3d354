"""What `reports panel` does: progress on the screen, its files in the folder, one summary."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from helpers.intake.requests import panel
from helpers.intake.requests.columns import LogError
from helpers.intake.requests.services import SERVICE_COLUMNS

PERIODS = ("month", "week")
SHARES = ("in_term_share", "online_share", "refusal_share")


@dataclass(frozen=True)
class Order:
    """What `reports panel` was asked for: texts as typed."""

    logs: list[Path]
    out: Path
    as_of: str
    services_file: Path | None = None
    period: str = "month"
    by_municipality: bool = False
    memory: str = panel.MEMORY_LIMIT
    is_synthetic: bool = False


def run(
    logs: list[Path],
    out: Path,
    as_of: str,
    services_file: Path | None,
    period: str,
    by_municipality: bool,
    memory: str,
    is_synthetic: bool,
) -> str:
    """Make the panel of logs and write it to ``out``; returns the summary.

    Raises
    ------
    LogError
        For a bad day, period, amount of memory, list of services or log, or a full disk; no half-written panel is
        left.
    """
    order = Order(logs, out, as_of, services_file, period, by_municipality, memory, is_synthetic)
    day = _checked(order)
    services = _services(services_file)
    try:
        out.mkdir(parents=True, exist_ok=True)
        result = _make(order, day, services)
        name = "service_panel" if period == "month" and not by_municipality else f"panel_by_{period}"
        _write(out, name, result)
    except OSError as error:
        raise LogError(f"cannot write to {out} ({error.strerror or error}); free space and run again") from error
    text = summary(result, out)
    if name != "service_panel":
        return text
    last = f"next: reports add {out / 'service_panel.csv'}"
    return f"{text}\n{last} --synthetic (the real release leaves it out)" if is_synthetic else f"{text}\n{last}"


def _checked(order: Order) -> date:
    if order.period not in PERIODS:
        raise LogError(f"--period {order.period}: choose one of {', '.join(PERIODS)}")
    if not re.fullmatch(r"\d+(\.\d+)?\s*[KMGT]i?B", order.memory, re.IGNORECASE):
        raise LogError(f"--memory {order.memory}: write an amount such as 400MB or 2GB")
    try:
        return date.fromisoformat(order.as_of)
    except ValueError:
        raise LogError(f"--as-of {order.as_of!r} is not a day; write 2024-12-31") from None


def _make(order: Order, day: date, services: pd.DataFrame) -> panel.PanelResult:
    with bar_of(Console(stderr=True)) as bar:
        total = sum(log.stat().st_size for log in order.logs if log.is_file())
        options = panel.Options(
            period=order.period, by_municipality=order.by_municipality, memory_limit=order.memory,
            say=bar.console.print, progress=listener(bar, total),
        )  # fmt: skip
        return panel.make(
            order.logs, order.out / "staging", day, services, is_synthetic=order.is_synthetic, options=options
        )


def bar_of(console: Console) -> Progress:
    """A bar of the bytes read, with rows a second and the time that remains."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(), console=console, transient=True,
    )  # fmt: skip


def listener(bar: Progress, total: int) -> Callable[[int, int], None]:
    """What moves the bar: bytes of all logs read so far, and rows so far."""
    task = bar.add_task("reading", total=total, rate="")

    def progress(position: int, rows: int) -> None:
        seconds = bar.tasks[0].elapsed or 0.0
        rate = f"{rows:,} rows, {rows / seconds:,.0f} rows/s" if seconds else ""
        name = "aggregating" if position >= total else "reading"
        bar.update(task, completed=position, rate=rate, description=name)

    return progress


def _write(out: Path, name: str, result: panel.PanelResult) -> None:
    """All files, or none: each is written beside its place first."""
    writers: dict[str, Callable[[Path], object]] = {
        f"{name}.parquet": lambda file: result.panel.to_parquet(file, index=False),
        f"{name}_detail.parquet": lambda file: result.detail.to_parquet(file, index=False),
        "counts.csv": lambda file: result.counts.to_csv(file, index=False),
        "refused_sample.csv": lambda file: _harmless(result.samples).to_csv(file, index=False, encoding="utf-8-sig"),
    }
    if name == "service_panel":  # what `reports add` takes: a monthly file of services
        writers["service_panel.csv"] = lambda file: monthly_file(result.panel).to_csv(file, index=False)
    temporary = {file: out / f".{file}.tmp" for file in writers}
    try:
        for file, write in writers.items():
            write(temporary[file])
        for file, place in temporary.items():
            place.replace(out / file)
    finally:
        for place in temporary.values():
            place.unlink(missing_ok=True)


def monthly_file(panel: pd.DataFrame) -> pd.DataFrame:
    """The panel as a monthly file of services is published: shares in per cent, and their labels say so."""
    percent = {f"{name}, %": 100 * panel[name] for name in SHARES}
    return panel.drop(columns=[*SHARES, "is_synthetic"]).assign(**percent)


def _services(file: Path | None) -> pd.DataFrame:
    if file is None:
        return pd.DataFrame({"service_id": pd.Series(dtype="str")})
    try:
        services = pd.read_csv(file, dtype="str", keep_default_na=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise LogError(f"{file}: the list of services cannot be read ({error}); save it as CSV UTF-8") from error
    if "service_id" not in services:
        raise LogError(f"{file}: no column service_id; known columns: {', '.join(SERVICE_COLUMNS)}")
    return services


def _harmless(samples: pd.DataFrame) -> pd.DataFrame:
    """Texts that a spreadsheet would run as a formula get an apostrophe."""
    text = samples["text"].astype("str")
    return samples.assign(text=text.where(~text.str.match(r"[=+\-@\t\r]"), "'" + text))


def summary(result: panel.PanelResult, out: Path) -> str:
    """Counts by outcome, and where everything lies."""
    totals = result.counts.groupby("outcome")["rows"].sum()
    read, accepted = int(totals.sum()), int(totals.get("accepted", 0))
    lines = [f"read {read:,}, accepted {accepted:,}, refused {read - accepted:,} (accepted + refused = read)"]
    lines += [f"  {reason}: {rows:,}" for reason, rows in totals.items() if reason != "accepted"]
    lines += [
        f"{log}: columns not used: {', '.join(labels)}" for log, labels in result.unknown_columns.items() if labels
    ]
    lines.append(f"panel: {len(result.panel):,} rows in {out}; refused rows with file and line: refused_sample.csv")
    return "\n".join(lines)
