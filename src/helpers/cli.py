"""The ``reports`` command. Every verb is a few lines: parse, call a room, print, exit with the truth.

Rooms are imported inside the verbs, because most of them take longer to import than a short verb takes to run.
"""

import datetime
import shlex
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from helpers import paths

_HELP = "Files of ministries to reports: add and clean files, build and check reports, send them, trace a number."
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=_HELP)

Collection = Annotated[str, typer.Option(help="real: registered sources; demo: synthetic demonstration files")]
Period = Annotated[str, typer.Option(help="period of the release, 2024-H1; default from params.toml")]
Regions = Annotated[str, typer.Option(help="comma-separated codes or official names; default: all that a rating lists")]
Lang = Annotated[str, typer.Option(help="ru, en or ru,en; default from params.toml")]


def main() -> None:
    """Run the command; expected errors become one clear line instead of a traceback."""
    app()


def _fail(message: object) -> typer.Exit:
    typer.secho(f"error: {message}", err=True, fg=typer.colors.RED)
    return typer.Exit(2)


def parameters() -> dict[str, Any]:
    """Contents of ``params.toml``."""
    try:
        with (paths.root() / "params.toml").open("rb") as handle:
            return tomllib.load(handle)
    except (OSError, ValueError) as error:
        raise _fail(f"params.toml cannot be read ({error})") from None


def _today() -> str:
    return datetime.datetime.now(tz=datetime.UTC).date().isoformat()


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


Jobs = Annotated[int, typer.Option(help="reports at a time; 0 = one per processor")]
Engine = Annotated[str, typer.Option(help="warm: kernels from one warm process; plain: an ordinary kernel each")]
LogFormat = Annotated[str, typer.Option(help="bar, log (lines for cron) or json (JSON lines)")]
Timeout = Annotated[int, typer.Option(help="seconds that one cell may take")]
Quiet = Annotated[bool, typer.Option("--quiet", help="only the summary")]


def _run_batch(verb: str, **values: Any) -> None:
    """Call a verb of the batch; expected errors become one line, the exit code tells the truth."""
    from helpers.batch import locking, options, parameters, release

    expected = (options.OptionError, parameters.ParameterError, locking.Busy)
    try:
        outcome = getattr(release, verb)(options.Options(**values))
    except expected as error:
        raise _fail(error) from None
    typer.echo(outcome.summary())
    raise typer.Exit(outcome.exit_code)


def _heat(engine: str, scheduler: str) -> None:
    """Let the warm process import what kernels need while the demonstration files are written."""
    if engine == "warm" and not scheduler:
        from helpers.batch import environment, warm

        environment.prepare()
        warm.heat()


@app.command()
def build(
    collection: Collection = "real",
    period: Period = "",
    regions: Regions = "",
    lang: Lang = "",
    jobs: Jobs = 0,
    force: Annotated[bool, typer.Option("--force", help="rebuild reports that have not changed")] = False,
    only: Annotated[str, typer.Option(help="failed: only what failed last time")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="print the plan and do nothing")] = False,
    check: Annotated[bool, typer.Option("--check", help="validate every report with nbval afterwards")] = False,
    pdf: Annotated[bool, typer.Option("--pdf", help="make a PDF of each report too")] = False,
    engine: Engine = "warm",
    scheduler: Annotated[str, typer.Option(help="run on a Dask cluster: tcp://host:8786")] = "",
    timeout: Timeout = 300,
    quiet: Quiet = False,
    log_format: LogFormat = "bar",
) -> None:
    """Clean, audit, rate, estimate, then make every report that changed, its page and the index."""
    if only not in ("", "failed"):
        raise _fail(f"--only {only}: the one valid value is failed")
    if collection == "demo" and not dry_run and not (paths.raw() / "demo" / "catalog.csv").exists():
        _heat(engine, scheduler)
        _write_demo(DEMO_SEED)
    _run_batch(
        "build", collection=collection, period=period, regions=tuple(_split(regions)), langs=tuple(_split(lang)),
        jobs=jobs, force=force, only_failed=only == "failed", dry_run=dry_run, check=check, pdf=pdf, engine=engine,
        scheduler=scheduler, timeout=timeout, quiet=quiet, log_format=log_format,
    )  # fmt: skip


@app.command()
def check(
    collection: Collection = "real",
    period: Period = "",
    regions: Regions = "",
    lang: Lang = "",
    jobs: Jobs = 0,
    force: Annotated[bool, typer.Option("--force", help="again for reports that have a verdict already")] = False,
    engine: Engine = "warm",
    timeout: Timeout = 300,
    quiet: Quiet = False,
    log_format: LogFormat = "bar",
) -> None:
    """Run built reports again through nbval and record whether they give the same result."""
    _run_batch(
        "check", collection=collection, period=period, regions=tuple(_split(regions)), langs=tuple(_split(lang)),
        jobs=jobs, force=force, engine=engine, timeout=timeout, quiet=quiet, log_format=log_format,
    )  # fmt: skip


@app.command()
def sample() -> None:
    """Refresh reports/sample: a rich, a poor and an empty region and the national report, built and checked."""
    from helpers.batch import locking, options, parameters, samples

    expected = (options.OptionError, parameters.ParameterError, locking.Busy, samples.SampleError)
    try:
        made = samples.make()
    except expected as error:
        raise _fail(error) from None
    typer.echo(f"{len(made)} files in reports/sample")


@app.command()
def status(collection: Collection = "real", period: Period = "", regions: Regions = "", lang: Lang = "") -> None:
    """Compare the records of a release with the files on disk and with today's inputs, and say what is true."""
    from helpers.batch import options, parameters, truth

    try:
        asked = options.Options(collection, period, tuple(_split(regions)), tuple(_split(lang)))
        found = truth.status(asked)
    except (options.OptionError, parameters.ParameterError) as error:
        raise _fail(error) from None
    if not found.folder.is_dir():
        raise _fail(f"no release in {found.folder}; run: reports build --collection {collection}")
    typer.echo(found.summary())
    raise typer.Exit(found.exit_code)


@app.command()
def add(
    file: Path,
    publisher: Annotated[str, typer.Option(help="who published it")] = "",
    title: Annotated[str, typer.Option(help="title of the document")] = "",
    address: Annotated[str, typer.Option(help="web address, or letter number and date")] = "",
    published: Annotated[str, typer.Option(help="date of publication, 2024-07-15")] = "",
    licence: Annotated[str, typer.Option(help="terms of use")] = "",
    period: Annotated[str, typer.Option(help="period the file is about, if it does not say itself: 2024-H1")] = "",
    note: Annotated[str, typer.Option(help="anything a reader should know")] = "",
    synthetic: Annotated[bool, typer.Option("--synthetic", help="invented data, never shown as real")] = False,
) -> None:
    """Register a raw file as it was sent: copied into data/raw, checksummed, listed in the catalogue."""
    from helpers.intake import sources

    known = {"publisher": publisher, "title": title, "address": address, "published_date": published}
    known |= {"licence": licence, "period": period, "note": note, "is_synthetic": "1" if synthetic else "0"}
    try:
        source = sources.add(file, _today(), **known)
    except sources.SourceError as error:
        raise _fail(error) from None
    typer.echo(f"registered data/raw/{source.path} as {source.source_id} (sha256 {source.sha256[:12]}…)")
    missing = [name for name in ("publisher", "address", "licence") if getattr(source, name) == "unknown"]
    if missing:
        typer.echo(f"unknown for now: {', '.join(missing)}; fill them in data/raw/catalog.csv when you know them")
    typer.echo(f"next: reports clean {shlex.quote(f'data/raw/{source.path}')} --explain, then reports build")


@app.command()
def clean(
    files: list[Path],
    out: Annotated[Path | None, typer.Option(help="folder for <file>.tidy.csv and <file>.rejects.csv")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="print which row was taken for what, and why")] = False,
) -> None:
    """Clean raw files, registered or not: tidy cells, and a list of everything refused with the reason."""
    from helpers.intake import cleaning, dating, idle_rows, sources
    from helpers.intake import explain_text as words
    from helpers.intake.override_rules import OverrideError
    from helpers.tables import store

    if absent := [str(file) for file in files if not file.is_file()]:
        raise _fail(f"{', '.join(absent)}: no such file; name files, not folders")
    try:
        registered = {source.file.resolve(): source for source in sources.read_catalog()}
    except sources.SourceError as error:
        raise _fail(error) from None
    worst = 0
    for file in files:
        source = registered.get(file.resolve())
        try:
            result = cleaning.clean_file(file)
            result = dating.dated(result, source.period) if source else result
            if out is not None:
                cleaning.write_result(result, out)
        except (OverrideError, store.StoreError) as error:
            raise _fail(error) from None
        except OSError as error:
            raise _fail(f"cannot write into {out}: {error.strerror or error}; choose another folder") from None
        for line in words.report(result, is_explained=explain, is_listed=explain or out is None):
            typer.echo(line)
        worst = max(worst, int(words.is_unreadable(result.rejects)))
    for sentence in idle_rows.orphans(file.name for file in (*registered, *files)):
        typer.echo(sentence)
    raise typer.Exit(worst)


DEMO_SEED = 2024


@app.command()
def demo(seed: Annotated[int, typer.Option(help="seed of the synthetic world")] = DEMO_SEED) -> None:
    """Write the synthetic demonstration files (collection demo) under data/raw/demo."""
    _write_demo(seed)


def _write_demo(seed: int) -> None:
    from helpers.intake import sources as register
    from helpers.synthetic import demo as demonstration

    rows = demonstration.write(paths.raw(), seed=seed, truth_folder=paths.processed("demo") / "truth")
    sources = [register.Source(**row) for row in rows]
    register.write_catalog(paths.raw() / register.DEMO_FOLDER / register.CATALOG, sources)
    typer.echo(f"wrote {len(sources)} demonstration files, all registered as synthetic")


@app.command()
def panel(
    logs: list[Path],
    out: Annotated[Path, typer.Option(help="folder for the panel, its detail, counts and refused rows")],
    as_of: Annotated[str, typer.Option(help="day on which the logs were taken: 2024-12-31")],
    services: Annotated[Path | None, typer.Option(help="csv: service_id, statutory_days, day_unit, …")] = None,
    period: Annotated[str, typer.Option(help="month or week of receipt")] = "month",
    by_municipality: Annotated[bool, typer.Option("--by-municipality", help="one row a municipality too")] = False,
    memory: Annotated[str, typer.Option(help="memory that the aggregation may take before it spills")] = "200MB",
    synthetic: Annotated[bool, typer.Option("--synthetic", help="invented logs")] = False,
) -> None:
    """Make the monthly service panel from logs of applications, one row each."""
    from helpers.intake.requests import command
    from helpers.intake.requests.columns import LogError
    from helpers.tables.store import StoreError

    try:
        text = command.run(logs, out, as_of, services, period, by_municipality, memory, synthetic)
    except (LogError, StoreError) as error:
        raise _fail(error) from None
    typer.echo(text)


@app.command()
def dictionary() -> None:
    """Rewrite docs/data_dictionary.md from the schemas."""
    from helpers.tables import dictionary as data_dictionary

    (paths.root() / "docs" / "data_dictionary.md").write_text(data_dictionary.markdown(), encoding="utf-8")
    typer.echo("docs/data_dictionary.md is what the schemas say")


@app.command()
def send(
    collection: Collection = "real",
    period: Period = "",
    recipients: Annotated[Path, typer.Option(help="list of recipients, see recipients.example.csv")] = Path(
        "recipients.csv"
    ),
    send_now: Annotated[
        bool, typer.Option("--send", help="really send; without it only .eml files are written")
    ] = False,
    correction: Annotated[
        bool, typer.Option("--correction", help="a corrected edition: sent again, marked so")
    ] = False,
    resolve: Annotated[list[str] | None, typer.Option(help="'<Message-ID>=sent' or '=resend' for unknown ones")] = None,
) -> None:
    """Write the outbox (default), or send every checked report to its recipients, once."""
    from helpers.delivery import command
    from helpers.tables import store

    known = parameters()
    if collection not in ("real", "demo") or collection not in known:
        raise _fail(f"collection {collection!r}: choose one of real, demo")
    chosen = period or known[collection]["period"]
    file = recipients if recipients.is_absolute() else paths.root() / recipients
    try:
        outcome = command.deliver(
            paths.reports(collection, chosen), paths.reports("ledger.sqlite"), file, store.reference("regions"),
            known.get("mail", {}), is_real_send=send_now, is_correction=correction, resolutions=resolve or [],
        )  # fmt: skip
    except command.DeliveryError as error:
        raise _fail(error) from None
    typer.echo(outcome.text)
    if send_now:
        from helpers.batch import options, overview

        overview.after_sending(options.Options(collection=collection, period=chosen))
    raise typer.Exit(outcome.exit_code)


def _pages_of(collection: str, *owners: str) -> dict[str, str]:
    """Text of the newest release's pages about the first owner that has one, else of the national page."""
    folder = paths.reports(collection)
    for owner in (*filter(None, owners), "national"):
        if found := sorted(folder.glob(f"*/{owner}.*.html")):
            newest = [page for page in found if page.parent == found[-1].parent]
            return {page.relative_to(paths.root()).as_posix(): page.read_text(encoding="utf-8") for page in newest}
    return {}


def _entity_of(text: str) -> str:
    """Code of a region or short name of a federal body that a text names; any other text as it is."""
    from helpers.intake import agencies, regions

    found = regions.judge_region(text)
    named = found.code if found.how in ("code", "exact", "alias", "case") else None
    return named or agencies.judge_agency(text).name or text


@app.command()
def trace(
    entity: Annotated[str, typer.Argument(help="RU-CHE, a region's name, a federal body, or another entity")],
    indicator: Annotated[
        str, typer.Argument(help="index, level, total, 'process 1', or an outcome of an effect: days")
    ],
    period: Annotated[str, typer.Argument(help="2024-H1; default: the period of the release")] = "",
    collection: Collection = "real",
) -> None:
    """Print a number's way: report → table row → observation → source cell → checksum and public reference."""
    import pandas as pd

    from helpers.intake import published, sources
    from helpers.tables import store
    from helpers.tables.trace import TABLES, TraceError
    from helpers.tables.trace import trace as find

    entity, period = _entity_of(entity), period or parameters().get(collection, {}).get("period", "")
    try:
        tables = store.read_release(collection, TABLES, entity)
        registered = sources.read_catalog()
        catalog = pd.DataFrame([vars(source) for source in registered])
        facts = [published.read(source.file) for source in registered if source.kind == "published_figures"]
        owners = tables["observations"].query("entity_id == @entity")["region_iso"].unique()
        pages = _pages_of(collection, entity, *owners)
        ways = find(entity, indicator, period, tables, catalog, pd.concat(facts) if facts else None, pages)
    except (TraceError, store.StoreError, sources.SourceError) as error:
        raise _fail(error) from None
    for number, way in enumerate(ways, start=1):
        typer.echo(f"{entity} · {indicator} · {period} – way {number} of {len(ways)}")
        for depth, step in enumerate(way):
            typer.echo(f"{'  ' * depth}└ {step.name}: {step.place}\n{'  ' * depth}    {step.content}")


if __name__ == "__main__":
    main()
