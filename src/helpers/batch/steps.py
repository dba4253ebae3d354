"""The notebooks that make tables: each runs when its content changed, as soon as the ones before it are done."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from helpers import paths
from helpers.batch import files, keys, plan, publishing, workers
from helpers.batch.jobs import Job, Product
from helpers.batch.progress import Progress

UNREADABLE = ("unreadable_file", "undecodable_text")


class StepFailed(Exception):
    """A notebook that makes tables failed: nothing after it can be trusted."""

    def __init__(self, name: str, error: str) -> None:
        super().__init__(f"{name}: {error}")
        self.name, self.error = name, error


def refusals(collection: str) -> list[str]:
    """What the cleaning refused, in one line; nothing where it refused nothing."""
    import pyarrow.parquet as pq

    path = paths.processed(collection) / "rejects.parquet"
    rows = pq.read_table(path, columns=["file", "reason"]).to_pylist() if path.exists() else []
    broken = sorted({row["file"] for row in rows if row["reason"] in UNREADABLE})
    if not rows:
        return []
    files_said = f", {len(broken)} files unreadable ({', '.join(broken[:5])})" if broken else ""
    told = f"{len(rows) - len(broken)} values or rows refused{files_said}"
    return [f"01_clean: {told}: see analysis/01_clean.ipynb, or reports clean FILE --explain"]


@dataclass
class Steps:
    """Which steps of a run are done and which may start."""

    release: plan.Release
    base: dict[str, str]
    inputs: keys.Inputs
    done: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._memory = plan.StepMemory(self.release.folder)
        self._started: dict[str, tuple[Job, str]] = {}  # with their content keys

    def ready(self) -> list[Job]:
        """Jobs of the steps that can start now; steps that are up to date are done without one."""
        found = []
        for step in plan.STEPS:
            if step.name in self._started or step.name in self.done or not self.done.issuperset(step.after):
                continue
            job = plan.step_job(self.release, step)
            key = plan.step_key(step, job, self.base, self.inputs)
            if not self.release.options.force and self._memory.is_current(step, key, self.inputs):
                self.done.add(step.name)
            else:
                self._started[step.name] = (job, key)
                found.append(job)
        return found

    def take(self, product: Product) -> None:
        """Keep what a step made.

        Raises
        ------
        StepFailed
            If its notebook failed; the notebook as far as it got and an explanation are in ``failed/``.
        """
        job, key = self._started[product.report_id]
        if product.error:
            publishing.keep_failure(self.release.folder, job, product)
            raise StepFailed(job.report_id, product.error)
        publishing.clear_failure(self.release.folder, job.report_id)
        notebook = files.write(self.release.folder / "analysis" / f"{job.report_id}.ipynb", product.notebook)
        self.inputs = keys.Inputs(self.release.collection)
        step = next(step for step in plan.STEPS if step.name == job.report_id)
        self._memory.put(step, key, self.inputs, notebook)
        self.done.add(step.name)


def run(steps: Steps, progress: Progress, heat: Callable[[], None]) -> Iterator[Product]:
    """Run what is not up to date, independent steps side by side; each product when it is kept.

    Raises
    ------
    StepFailed
        At the first failed step; those that run beside it are stopped.
    """
    waiting = steps.ready()
    if not waiting:
        return
    progress.begin("steps", len(plan.STEPS) - len(steps.done), len(steps.done))
    heat()
    with workers.Pool(steps.release.options.workers, progress.started) as pool:
        for job in waiting:
            pool.submit(job)
        for product in pool.products():
            progress.finished(product.report_id, product.error, product.seconds)
            steps.take(product)
            yield product
            known = len(steps.done)
            for job in steps.ready():
                pool.submit(job)
            progress.skip(len(steps.done) - known)
