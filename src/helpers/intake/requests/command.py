"""What `reports panel` does: progress on the screen, its files in the folder, one summary."""

from datetime import date
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from helpers.intake.requests import panel
from helpers.intake.requests.columns import LogError

PERIODS = ("month", "week")
SHARES = ("in_term_share", "online_share", "refusal_share")


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
        For a bad day, period, list of services or log, or a full disk; no half-written panel is left.
    """
    if period not in PERIODS:
        raise LogError(f"--period {period}: choose one of {', '.join(PERIODS)}")
    try:
        day = date.fromisoformat(as_of)
    except ValueError:
        raise LogError(f"--as-of {as_of!r} is not a day; write 2024-12-31") from None
    services = _services(services_file)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("rows", total=None, rate="")

        def progress(rows: int) -> None:
            bar.advance(task, rows)
            speed = bar.tasks[0].speed
            bar.update(task, rate=f"{speed:,.0f} rows/s" if speed else "")

        result = panel.make(
            logs, out / "staging", day, services, is_synthetic=is_synthetic, period=period,
            by_municipality=by_municipality, memory_limit=memory, say=bar.console.print, progress=progress,
        )  # fmt: skip
    name = "service_panel" if period == "month" and not by_municipality else f"panel_by_{period}"
    frames = {f"{name}.parquet": result.panel, f"{name}_detail.parquet": result.detail}
    try:
        for file, frame in frames.items():
            temporary = out / f".{file}.tmp"
            frame.to_parquet(temporary, index=False)
            temporary.replace(out / file)
        if name == "service_panel":  # what `reports add` takes: a monthly file of services
            monthly_file(result.panel).to_csv(out / "service_panel.csv", index=False, encoding="utf-8")
        result.counts.to_csv(out / "counts.csv", index=False)
        _harmless(result.samples).to_csv(out / "refused_sample.csv", index=False, encoding="utf-8-sig")
    except OSError as error:
        raise LogError(f"cannot write to {out} ({error.strerror or error}); free space and run again") from error
    text = summary(result, out)
    if name != "service_panel":
        return text
    return f"{text}\nnext: reports add {out / 'service_panel.csv'}{' --synthetic' if is_synthetic else ''}"


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
        raise LogError(f"{file}: no column service_id; known columns: {', '.join(panel.SERVICE_COLUMNS)}")
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
    lines.append(f"panel: {len(result.panel):,} rows in {out}; refused rows with file and record: refused_sample.csv")
    return "\n".join(lines)
