"""The order of steps: tables, reports, pages, results, overview; and the truth about them."""

import datetime
import json
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from helpers import paths
from helpers.batch import (
    environment,
    files,
    issues,
    keys,
    locking,
    overview,
    plan,
    publishing,
    records,
    steps,
    warm,
    workers,
)
from helpers.batch.jobs import Job, Product
from helpers.batch.options import OptionError, Options, Outcome, Planned, reach
from helpers.batch.progress import Progress

Runner = Callable[[list[Job], Callable[[str], None]], Iterator[Product]]


@dataclass
class Run:
    """A run in progress."""

    release: plan.Release
    status: records.Status
    progress: Progress
    stopper: workers.Stopper
    base: dict[str, str]
    inputs: keys.Inputs
    built: list[str]
    failed: dict[str, str]
    skipped: list[str]
    cpu_seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


def build(options: Options) -> Outcome:
    """Make or complete a release.

    Raises
    ------
    OptionError, ParameterError
        Something asked for is not valid; nothing was started.
    Busy
        Another run works on this collection.
    """
    release = plan.resolve(options)
    environment.prepare()
    if options.dry_run:
        return dry_run(release)
    if options.scheduler:
        reach(options.scheduler)
    return _locked(release, _build)


def check(options: Options) -> Outcome:
    """Re-run every built report through nbval and record the verdicts.

    Raises
    ------
    OptionError, ParameterError, Busy
        As `build` does; an OptionError also when there is no release to check.
    """
    release = plan.resolve(options)
    if not records.Status(release.folder).rows:
        raise OptionError(f"no report in {release.folder}; run: reports build --collection {release.collection}")
    environment.prepare()
    return _locked(release, _check)


def prepare(options: Options) -> Outcome:
    """Only the steps that make tables. Raises as `build` does."""
    release = plan.resolve(options)
    environment.prepare()
    return _locked(release, _steps)


def _locked(release: plan.Release, work: Callable[[Run], Outcome]) -> Outcome:
    """Do the work under the lock, with signals handled, status saved and the run recorded whatever happens."""
    began, started, cpu = time.perf_counter(), now(), own_cpu()
    stopper = workers.Stopper()
    log = release.folder / "run.jsonl"
    with locking.exclusive(release.collection, started), stopper.installed(), warm.pinned():
        publishing.sweep(release.folder)
        with Progress(log, release.options.style) as progress:
            run = Run(
                release, records.Status(release.folder), progress, stopper, keys.base(),
                keys.Inputs(release.collection), [], {}, [],
            )  # fmt: skip
            record(run, started, "running", 0.0)
            outcome = Outcome(release.collection, release.period, release.folder)
            try:
                outcome = work(run)
            except workers.Stopped as stopped:
                outcome = replace(_outcome(run), signal=stopped.number)
            except steps.StepFailed:
                outcome = _outcome(run)
            finally:
                run.status.save()
                run.inputs.remember()
        outcome = replace(outcome, seconds=time.perf_counter() - began, cpu_seconds=run.cpu_seconds + own_cpu() - cpu)
        record(run, started, "stopped" if outcome.signal else "finished", outcome.seconds, outcome)
    return outcome


def own_cpu() -> float:
    """CPU seconds of this process and of its warm process (kernels are counted one by one)."""
    return time.process_time() + warm.cpu_seconds()


def now() -> str:
    """Time of day in UTC, to the second."""
    return datetime.datetime.now(tz=datetime.UTC).isoformat(timespec="seconds")


def _outcome(run: Run) -> Outcome:
    release = run.release
    return Outcome(
        release.collection, release.period, release.folder, tuple(run.built), dict(run.failed), tuple(run.skipped),
        notes=tuple(run.notes),
    )  # fmt: skip


def _build(run: Run) -> Outcome:
    _steps(run)
    _reports(run)
    _overview(run)
    return _check(run) if run.release.options.check else _outcome(run)


def _runner(run: Run) -> Runner:
    options = run.release.options
    if options.scheduler:
        environment.import_jsonschema()
        from helpers.batch import cluster

        return lambda jobs, started: cluster.distributed(jobs, options.scheduler, started)
    return lambda jobs, started: workers.local(jobs, options.workers, started)


def _steps(run: Run) -> Outcome:
    """Run the steps whose content changed."""
    todo = steps.Steps(run.release, run.base, run.inputs)
    try:
        for product in steps.run(todo, run.progress, lambda: _heat(run)):
            run.cpu_seconds += product.kernel_seconds
            if product.report_id == plan.STEPS[0].name:
                run.notes += steps.refusals(run.release.collection)
    except steps.StepFailed as failure:
        run.failed[failure.name] = failure.error
        raise
    finally:
        run.inputs = todo.inputs
    return _outcome(run)


def _heat(run: Run) -> None:
    """Let the warm process import while the first notebook is read."""
    if run.release.options.engine == "warm" and not run.release.options.scheduler:
        warm.heat()


def _reports(run: Run) -> None:
    """Run the reports whose content changed, longest first, and publish each as soon as it is whole."""
    release, status = run.release, run.status
    if issues.carry(release, run.base):
        run.inputs = keys.Inputs(release.collection)
    jobs = plan.report_jobs(release, run.base, run.inputs)
    decisions = plan.decide(release, jobs, status)
    chosen = [job for job, decision in zip(jobs, decisions, strict=True) if decision.action == "run"]
    run.skipped += [decision.name for decision in decisions if decision.action == "skip"]
    if not chosen:
        return
    overview.remember_previous(release)
    code = commit()
    chosen = [replace(job, commit=code) for job in chosen]
    by_id = {job.report_id: job for job in chosen}
    run.progress.begin("reports", len(chosen), len(run.skipped))
    _heat(run)
    for product in _runner(run)(_longest_first(chosen, status), run.progress.started):
        _take(run, by_id[product.report_id], product)


def _take(run: Run, job: Job, product: Product) -> None:
    """Publish one product and count it."""
    try:
        with run.stopper.held():
            row = publishing.publish(run.release, job, product, run.status)
    except OSError as error:  # a full disk, missing rights: this report is not there, what was there before is
        run.failed[job.report_id] = f"cannot be written: {error.strerror or error}"
        run.progress.finished(job.report_id, run.failed[job.report_id], product.seconds)
        return
    run.cpu_seconds += product.kernel_seconds
    run.progress.finished(job.report_id, row.error, product.seconds)
    if row.status == "failed":
        run.failed[job.report_id] = row.error
    else:
        run.built.append(job.report_id)


def _overview(run: Run) -> None:
    """Index and differences; a fault of theirs is said and costs no report."""
    try:
        overview.write(run.release, run.status, run.base, run.stopper)
    except Exception as error:  # the reports stand, whatever is wrong with the page about them
        run.failed["index.html"] = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        run.progress.note(f"index.html: {run.failed['index.html']}")


def _longest_first(jobs: list[Job], status: records.Status) -> list[Job]:
    """Long reports at the end would leave the other workers idle; unknown ones count as long."""

    def seconds(job: Job) -> float:
        row = status.rows.get(job.report_id)
        return float(row.seconds) if row and row.seconds else float("inf")

    return sorted(jobs, key=seconds, reverse=True)


def _check(run: Run) -> Outcome:
    """Re-run built reports that were not yet checked at their present content."""
    release, rows = run.release, run.status.rows
    names = [f"{region}.{lang}" for lang in release.langs for region in release.regions]
    built = [rows[name] for name in names if name in rows and rows[name].status in records.BUILT]
    wanted = [row for row in built if release.options.force or not row.is_checked]
    before = len(built) - len(wanted)
    if not wanted:
        return replace(_outcome(run), checked_before=before)
    environment.import_jsonschema()
    from helpers.batch import check as checking

    verdicts = checking.check_rows(release, run.status, wanted, run.progress)
    run.cpu_seconds += sum(verdict.kernel_seconds for verdict in verdicts)
    _overview(run)
    return replace(
        _outcome(run),
        checked_before=before,
        checked=tuple(verdict.name for verdict in verdicts if verdict.passed),
        check_failed={verdict.name: verdict.message.splitlines()[0] for verdict in verdicts if not verdict.passed},
    )


def dry_run(release: plan.Release) -> Outcome:
    """The plan of a build; nothing is written, no kernel started."""
    base, inputs = keys.base(), keys.Inputs(release.collection)
    memory, status = plan.StepMemory(release.folder), records.Status(release.folder)
    lines = []
    changed: dict[str, str] = {}  # step → the first step whose change makes it run
    for step in plan.STEPS:
        job = plan.step_job(release, step)
        current = memory.is_current(step, plan.step_key(step, job, base, inputs), inputs)
        if release.options.force or not current:
            changed[step.name] = step.name
        cause = next((changed[name] for name in (*step.after, step.name) if name in changed), "")
        if cause:
            changed[step.name] = cause
        reason = "forced" if release.options.force else f"content changed at {cause}" if cause else "unchanged"
        reason = "new" if memory.is_new(step) else reason
        lines.append(Planned(step.name, "run" if cause else "skip", reason))
    stale = next(iter(changed.values()), "")
    for line in plan.decide(release, plan.report_jobs(release, base, inputs), status):
        unsure = stale and line.action == "skip" and line.reason == "unchanged"
        lines.append(replace(line, reason=f"unchanged, unless {stale} changes its tables") if unsure else line)
    return Outcome(release.collection, release.period, release.folder, plan=tuple(lines))


def record(run: Run, started: str, state: str, seconds: float, outcome: Outcome | None = None) -> None:
    """Write ``run.json``: parameters, inputs, versions, commit, cost and result of the run."""
    release = run.release
    before = recorded(release.folder)
    previous = before.get("state", "") if state == "running" else before.get("previous_state", "")
    content: dict[str, Any] = {
        "state": state,
        "previous_state": previous,
        "pid": os.getpid(),
        "collection": release.collection,
        "period": release.period,
        "langs": release.langs,
        "regions": len(release.regions),
        "options": {name: value for name, value in vars(release.options).items() if value not in ("", (), False)},
        "started": started,
        "ended": "" if state == "running" else now(),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(outcome.cpu_seconds, 2) if outcome else 0.0,
        "commit": commit(),
        "host": platform.node(),
        "versions": keys.versions(),
        "keys": run.base,
        "raw": keys.raw_files(release.collection),
        "tables": {name: run.inputs.table(name) for name in run.inputs.tables()},
        "status_sha256": files.digest_file(release.folder / "status.csv"),
        "index_sha256": files.digest_file(release.folder / "index.html"),
    }
    if outcome is not None:
        content |= {
            "built": outcome.built, "failed": outcome.failed, "skipped": len(outcome.skipped),
            "checked": len(outcome.checked), "check_failed": outcome.check_failed, "exit_code": outcome.exit_code,
        }  # fmt: skip
    files.write(release.folder / "run.json", (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode())


def recorded(folder: Path) -> dict[str, Any]:
    """What ``run.json`` says, nothing when it is not there."""
    try:
        return dict(json.loads((folder / "run.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def commit() -> str:
    """Commit of the code, with ``+`` when files were changed since; empty outside git."""
    git = shutil.which("git")
    if git is None:
        return ""
    folder = Path(__file__).resolve().parents[3]
    head = subprocess.run([git, "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=False)
    if head.returncode:
        return ""
    changed = subprocess.run(
        [git, "status", "--porcelain", "-uno"], cwd=folder, capture_output=True, text=True, check=False
    )
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")


def release_folder(options: Options) -> Path:
    """Folder of the release that the options name."""
    return paths.reports(options.collection, plan.resolve(options).period)
