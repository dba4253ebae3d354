"""``reports status``: the disk compared with the records and with what a build would make today."""

import json
import platform
from dataclasses import dataclass
from pathlib import Path

from helpers.batch import files, keys, parameters, plan, records
from helpers.batch.options import Options

STATES = {
    "ok": "built, whole, re-run with the same result",
    "unchecked": "built and whole, not checked yet: reports check (needed before sending)",
    "differs": "built and whole, but a re-run gave another result",
    "stale": "built and whole, but its content has changed since",
    "damaged": "files are missing or were changed since the build",
    "failed": "the last build of it failed",
    "absent": "never built",
    "stray": "file of no known report",
}


@dataclass(frozen=True)
class Line:
    """State of one report (or stray file)."""

    name: str
    state: str  # one of STATES
    details: str = ""


@dataclass(frozen=True)
class Truth:
    """State of a release."""

    folder: Path
    lines: tuple[Line, ...]
    problems: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 when every report of the release is as it was built, checked or not yet."""
        return int(bool(self.problems) or any(line.state not in ("ok", "unchecked") for line in self.lines))

    def counts(self) -> dict[str, int]:
        """Number of reports by state, in the order of `STATES`."""
        found = {state: sum(line.state == state for line in self.lines) for state in STATES}
        return {state: count for state, count in found.items() if count}

    def summary(self) -> str:
        """Counts with their meaning, then everything that is not in order."""
        lines = [f"{count:5} {state:9} {STATES[state]}" for state, count in self.counts().items()]
        lines += [
            f"{line.name}: {line.state}{f' – {line.details}' if line.details else ''}"
            for line in self.lines
            if line.state not in ("ok", "unchecked", "absent")
        ]
        return "\n".join([str(self.folder), *lines, *self.problems])


def status(options: Options) -> Truth:
    """Look, change nothing, start no kernel.

    Raises
    ------
    OptionError, ParameterError
        Something asked for is not valid.
    """
    release = plan.resolve(options)
    recorded = records.Status(release.folder)
    current = _current_keys(release)
    wanted = [f"{region}.{lang}" for lang in release.langs for region in release.regions]
    lines = [_line(release.folder, name, recorded.rows.get(name), current) for name in wanted]
    lines += [Line(name, "stray") for name in _strays(release.folder, recorded)]
    return Truth(release.folder, tuple(lines), tuple(_problems(release.folder)))


def _current_keys(release: plan.Release) -> dict[str, str]:
    """Content keys of today; empty when the notebooks cannot be read (then nothing can be called stale)."""
    try:
        jobs = plan.report_jobs(release, keys.base(), keys.Inputs(release.collection))
    except parameters.ParameterError:
        return {}
    return {job.report_id: job.content_key for job in jobs}


def _line(folder: Path, name: str, row: records.Row | None, current: dict[str, str]) -> Line:
    if row is None:
        return Line(name, "absent")
    if row.status not in records.BUILT:
        return Line(name, "failed", row.error)
    if faults := records.faults(folder, row):
        return Line(name, "damaged", "; ".join(faults))
    if name in current and current[name] != row.content_key:
        return Line(name, "stale", "run: reports build")
    if row.checked == "failed":
        return Line(name, "differs", row.error)
    return Line(name, "ok" if row.is_checked else "unchecked")


def _strays(folder: Path, recorded: records.Status) -> list[str]:
    """Files that look like reports and that no row stands for."""
    own = {"index.html", "diff.html"}
    known = {
        records.part_path(folder, row.report_id, column)
        for row in recorded.rows.values()
        for column in records.PARTS
        if getattr(row, column)
    }
    candidates = [
        *folder.glob("*.html"),
        *folder.glob("*.ipynb"),
        *folder.glob("*.pdf"),
        *folder.glob("results/*.json"),
    ]
    return sorted(
        path.relative_to(folder).as_posix() for path in candidates if path not in known and path.name not in own
    )


def _problems(folder: Path) -> list[str]:
    """Whether the record of the last run still describes the folder."""
    try:
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ["run.json: missing or unreadable; run: reports build"]
    found = []
    if run.get("state") == "running":
        is_here = run.get("host") == platform.node()
        if is_here and not files.is_alive(int(run.get("pid") or 0)):
            found.append(f"the last run (process {run.get('pid')}) was killed; run: reports build")
        else:
            found.append(f"a run (process {run.get('pid')} on {run.get('host')}) is at work")
    for name, column in (("status.csv", "status_sha256"), ("index.html", "index_sha256")):
        if run.get("state") != "running" and run.get(column) != files.digest_file(folder / name):
            found.append(f"{name} is not the one that the last run wrote; run: reports build")
    return found
