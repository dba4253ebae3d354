"""What has to run: the steps that make tables, then one job per report, each with its content key."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from helpers import paths
from helpers.batch import files, keys, parameters, records
from helpers.batch.jobs import Job
from helpers.batch.options import COLLECTIONS, ENGINES, LANGUAGES, LOG_FORMATS, OptionError, Options, Planned, one_of
from helpers.batch.options import parameters as release_parameters

REGIONAL = "05_region_report"
NATIONAL = "06_national_report"
NATIONAL_ID = "national"


@dataclass(frozen=True)
class Step:
    """A notebook that makes tables; it reads the tables of the steps it comes after, the first one raw files.

    Steps of which neither comes after the other run side by side.
    """

    name: str
    writes: tuple[str, ...]
    after: tuple[str, ...] = ()
    section: str = ""  # part of params.toml whose keys are parameters of the notebook


STEPS = (
    Step("01_clean", ("observations", "service_panel", "life_situations", "rejects", "corrections_applied", "quality")),
    Step("02_claims", ("claims",), after=("01_clean",)),
    Step(
        "03_ratings",
        ("scores", "ranks", "groups", "transitions", "targets"),
        after=("01_clean", "02_claims"),  # its charts mark figures that a claim contradicts
        section="ratings",
    ),
    Step(
        "04_effects",
        ("effects", "event_study", "region_effects", "rtm", "next_services", "diagnostics", "situation_totals"),
        after=("01_clean",),
        section="effects",
    ),
)


@dataclass(frozen=True)
class Release:
    """Options with everything resolved: period, languages, regions, folder."""

    options: Options
    period: str
    langs: tuple[str, ...]
    regions: tuple[str, ...]  # ISO codes, and NATIONAL_ID
    folder: Path
    edition: str = "preliminary"

    @property
    def collection(self) -> str:
        """``real`` or ``demo``."""
        return self.options.collection


def resolve(options: Options) -> Release:
    """Check every option before anything starts.

    Raises
    ------
    OptionError, parameters.ParameterError
        Naming the valid values.
    """
    collection = one_of("collection", options.collection, COLLECTIONS)
    one_of("engine", options.engine, ENGINES)
    one_of("log format", options.log_format, LOG_FORMATS)
    if options.jobs < 0 or options.timeout < 1:
        raise OptionError("--jobs is 0 (one per processor) or more, --timeout a second or more")
    declared = release_parameters()
    own = declared.get(collection, {})
    period = options.period or own.get("period", "")
    if not period:
        raise OptionError(f"no period: give --period, or [{collection}] period in params.toml")
    langs = options.langs or tuple(declared.get("report", {}).get("languages", ["ru"]))
    for lang in langs:
        one_of("language", lang, LANGUAGES)
    period = parameters.period_text(period)
    named = [text if text == NATIONAL_ID else parameters.region_code(text) for text in options.regions]
    everything = [row["iso_3166_2"] for row in parameters.regions()] + [NATIONAL_ID]
    regions = tuple(dict.fromkeys(named or everything))
    folder, edition = paths.reports(collection, period), own.get("edition", "preliminary")
    return Release(options, period, tuple(dict.fromkeys(langs)), regions, folder, edition)


def step_job(release: Release, step: Step) -> Job:
    """The run of one step's notebook."""
    template = paths.notebooks() / f"{step.name}.ipynb"
    known = {parameter.name for parameter in parameters.schema(template)}
    chosen = release_parameters().get(step.section, {}) if step.section else {}
    values = {**chosen, "collection": release.collection, "period": release.period}
    given = parameters.check(template, {name: value for name, value in values.items() if name in known})
    return _with_limits(release, Job(step.name, template, given, export=False))


def step_key(step: Step, job: Job, base: dict[str, str], inputs: keys.Inputs) -> str:
    """Content key of a step."""
    earlier = [name for other in STEPS if other.name in step.after for name in other.writes]
    raw = [keys.raw_files(inputs.collection), keys.cleaning_lists()]
    read: Any = {name: inputs.table(name) for name in earlier} if earlier else raw
    return keys.combine([base, keys.notebook(job.template), job.parameters, read])


class StepMemory:
    """Which steps ran for which content, and what they left: ``.steps.json`` in the release folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / ".steps.json"
        self._folder = folder
        try:
            self._steps: dict[str, dict[str, Any]] = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self._steps = {}

    def is_current(self, step: Step, key: str, inputs: keys.Inputs) -> bool:
        """The step ran for this content, and its tables and notebook are as it left them."""
        known = self._steps.get(step.name, {})
        return (
            known.get("key") == key
            and known.get("tables") == {name: inputs.table(name) for name in step.writes}
            and known.get("notebook") == files.digest_file(self._folder / "analysis" / f"{step.name}.ipynb")
        )

    def is_new(self, step: Step) -> bool:
        """The step never ran for this release."""
        return step.name not in self._steps

    def put(self, step: Step, key: str, inputs: keys.Inputs, notebook: str) -> None:
        """Remember a finished step."""
        tables = {name: inputs.table(name) for name in step.writes}
        self._steps[step.name] = {"key": key, "tables": tables, "notebook": notebook}
        files.write(self._path, json.dumps(self._steps, indent=1, sort_keys=True).encode())


def report_jobs(release: Release, base: dict[str, str], inputs: keys.Inputs) -> list[Job]:
    """One job per region and language, in the order of the register, with content keys.

    Raises
    ------
    parameters.ParameterError
        If a notebook does not declare what a report needs.
    """
    jobs = []
    for lang in release.langs:
        for region in release.regions:
            job = _report_job(release, region, lang)
            content = [
                base,
                keys.notebook(job.template),
                job.parameters,
                job.other_href,
                inputs.of_report(job.region_iso),
            ]
            jobs.append(_with_limits(release, replace(job, content_key=keys.combine(content))))
    return jobs


def _report_job(release: Release, region: str, lang: str) -> Job:
    national = region == NATIONAL_ID
    template = paths.notebooks() / f"{NATIONAL if national else REGIONAL}.ipynb"
    values = {"collection": release.collection, "period": release.period, "lang": lang}
    if not national:
        values["region"] = region
    other = next((name for name in release.langs if name != lang), "")
    return Job(
        f"{region}.{lang}",
        template,
        parameters.check(template, values),
        lang,
        "" if national else region,
        other_href=f"{region}.{other}.html" if other else "",
    )


def _with_limits(release: Release, job: Job) -> Job:
    options = release.options
    return replace(
        job, engine=options.engine, timeout=options.timeout, memory_mb=options.memory_mb, pdf=options.pdf and job.export
    )


def decide(release: Release, jobs: list[Job], status: records.Status) -> list[Planned]:
    """Which reports to run and why; the same order as ``jobs``."""
    return [_decision(release.options, release.folder, job, status.rows.get(job.report_id)) for job in jobs]


def _decision(options: Options, folder: Path, job: Job, row: records.Row | None) -> Planned:
    failed = row is not None and row.status == "failed"
    if options.only_failed and not failed:
        return Planned(job.report_id, "skip", "did not fail")
    if options.force:
        return Planned(job.report_id, "run", "forced")
    if row is None:
        return Planned(job.report_id, "run", "new")
    if failed:
        return Planned(job.report_id, "run", "failed last time")
    if row.content_key != job.content_key:
        return Planned(job.report_id, "run", "content changed")
    if faults := records.faults(folder, row):
        return Planned(job.report_id, "run", "; ".join(faults))
    if options.pdf and not row.pdf_sha256:
        return Planned(job.report_id, "run", "PDF wanted")
    return Planned(job.report_id, "skip", "unchanged")
