"""One report: run its notebook through papermill in its own kernel, export it, hand back finished bytes.

`produce` is the same function for local threads and for Dask workers. It writes nothing but its own scratch folder; the
driver alone writes the release.
"""

import json
import logging
import os
import shutil
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import nbformat
import papermill
import psutil
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError

from helpers import paths
from helpers.batch import environment, files, provisioner
from helpers.batch.jobs import Job, Product

try:
    import resource
except ImportError:  # Windows: no bound on memory
    resource = None  # type: ignore[assignment]

RESULT_MIME = "application/vnd.client-centricity.result+json"
ENGINE = "client-centricity"
KERNELS = {"warm": environment.WARM_KERNEL, "plain": environment.PLAIN_KERNEL}
_THREAD = threading.local()  # what the papermill engine and the kernel manager of this thread work for
_LIVE: dict[int, "ReportKernelManager"] = {}


class KernelTrouble(Exception):
    """The kernel died or hung; the message says how and what to do."""


class ReportKernelManager(AsyncKernelManager):
    """Kernel manager of a report: socket files instead of ports, own folder, bounded memory, counted CPU."""

    cpu_seconds = 0.0

    async def _async_pre_start_kernel(self, **kw: Any) -> Any:
        job, scratch = _THREAD.job, _THREAD.scratch
        self._sockets = provisioner.use_sockets(self) if job.engine == "plain" else None
        kw.setdefault("cwd", str(scratch))
        return await super()._async_pre_start_kernel(**kw)

    async def _async_post_start_kernel(self, **kw: Any) -> None:
        job, pid = _THREAD.job, self.provisioner.pid  # type: ignore[union-attr]
        if job.memory_mb and hasattr(resource, "prlimit"):  # Linux
            limit = job.memory_mb * 2**20
            try:
                resource.prlimit(pid, resource.RLIMIT_AS, (limit, limit))
            except ProcessLookupError:
                logging.getLogger("helpers.batch").warning("%s: the kernel ended at once", job.report_id)
        _LIVE[pid] = self
        _THREAD.manager = self
        await super()._async_post_start_kernel(**kw)

    async def _async_shutdown_kernel(self, now: bool = False, restart: bool = False) -> None:
        pid = getattr(self.provisioner, "pid", None)
        self.cpu_seconds += cpu_of(self.provisioner)
        try:
            await super()._async_shutdown_kernel(now=now, restart=restart)
        finally:
            _LIVE.pop(pid, None)  # type: ignore[arg-type]
            if self._sockets is not None:
                shutil.rmtree(self._sockets, ignore_errors=True)

    shutdown_kernel = _async_shutdown_kernel  # type: ignore[assignment]
    pre_start_kernel = _async_pre_start_kernel  # type: ignore[assignment]
    post_start_kernel = _async_post_start_kernel  # type: ignore[assignment]


def cpu_of(kernel: Any) -> float:
    """CPU seconds of a running kernel (its provisioner) and of the children it has waited for."""
    try:
        times = psutil.Process(kernel.pid).cpu_times()
    except (AttributeError, psutil.Error):
        return 0.0
    return times.user + times.system + times.children_user + times.children_system


def end_all_kernels() -> None:
    """Kill every kernel of this process: their threads see a dead kernel and end."""
    for pid in list(_LIVE):
        provisioner.end_group(pid)


class ReportEngine(NBClientEngine):
    """papermill's own engine; it keeps the notebook of a broken run, and leaves out what differs from run to run."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> Any:
        """Run the cells."""
        _THREAD.notebook = nb_man.nb
        return super().execute_managed_notebook(
            nb_man,
            kernel_name,
            kernel_manager_class=ReportKernelManager,
            record_timing=False,
            **kwargs,
        )

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, **kwargs: Any) -> Any:
        """Run the notebook; tidied before papermill's one save."""
        return tidy(super().execute_notebook(nb, kernel_name, **kwargs), _THREAD.job)


papermill_engines.register(ENGINE, ReportEngine)


def tidy(notebook: Any, job: Job) -> Any:
    """Remove times, machine paths and random ids, so that equal runs give equal bytes.

    papermill's record of versions and parameters stays; times are in ``status.csv``.
    """
    record = notebook.metadata.get("papermill", {})
    for name in ("start_time", "end_time", "duration"):
        record.pop(name, None)
    record["input_path"] = job.template.name
    record["output_path"] = f"{job.report_id}.ipynb"
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = "injected-parameters"
    notebook.metadata["client_centricity"] = {"report_id": job.report_id, "content_key": job.content_key}
    return notebook


def produce(job: Job) -> Product:
    """Run one job to its finished bytes; every failure becomes a product with an error, never an exception."""
    started, cpu = time.perf_counter(), time.thread_time()
    environment.prepare()
    if job.root:
        os.environ[paths.ROOT_VARIABLE] = job.root
    scratch = files.private_folder("report")
    _THREAD.job, _THREAD.scratch, _THREAD.notebook, _THREAD.manager = job, scratch, None, None
    parts: dict[str, Any] = {}
    try:
        run(job, scratch / "report.ipynb")
        parts = {"notebook": (scratch / "report.ipynb").read_bytes()}
        if job.export:
            parts |= export(job, nbformat.reads(parts["notebook"].decode(), as_version=4))
    except Exception as error:  # one report's failure is that report's alone, whatever it is
        parts = {"notebook": _partial(job), "error": explain(error), "details": details(error)}
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    manager = _THREAD.manager
    kernel = manager.cpu_seconds if manager else 0.0
    spent = time.thread_time() - cpu + kernel
    return Product(
        job.report_id,
        seconds=time.perf_counter() - started,
        cpu_seconds=spent,
        kernel_seconds=kernel,
        **parts,
    )


def run(job: Job, output: Path) -> None:
    """Execute the notebook and save it once.

    Raises
    ------
    PapermillExecutionError
        A cell failed.
    KernelTrouble
        The kernel died or a cell took too long.
    """
    for library in ("papermill", "asyncio"):  # their errors come back as exceptions
        logging.getLogger(library).setLevel(logging.CRITICAL)
    try:
        papermill.execute_notebook(
            str(job.template),
            str(output),
            parameters=job.parameters,
            engine_name=ENGINE,
            kernel_name=KERNELS[job.engine],
            progress_bar=False,
            request_save_on_cell_execute=False,
            autosave_cell_every=0,
            execution_timeout=job.timeout,
            start_timeout=max(job.timeout, 60),
        )
    except DeadKernelError as error:
        raise KernelTrouble(
            f"the kernel died in {_cell_at_work()}: out of memory, a crash in a library, or killed from outside"
            f" (it may use {job.memory_mb} MB)"
        ) from error
    except CellTimeoutError as error:
        raise KernelTrouble(
            f"{_cell_at_work()} took longer than {job.timeout} s and was stopped (--timeout allows more)"
        ) from error


def _cell_at_work() -> str:
    """The cell that was started last, as its number in the notebook."""
    cells = _THREAD.notebook.cells if _THREAD.notebook is not None else []
    started = [n for n, cell in enumerate(cells, 1) if cell.metadata.get("papermill", {}).get("start_time")]
    return f"cell {started[-1]}" if started else "its first cell"


def explain(error: BaseException) -> str:
    """One line for status.csv and the summary."""
    if isinstance(error, PapermillExecutionError):
        return f"cell {error.cell_index + 1}: {error.ename}: {error.evalue}".splitlines()[0].rstrip(": ")[:300]
    text = str(error).strip().splitlines()
    kind = "" if isinstance(error, KernelTrouble) else f"{type(error).__name__}: "
    return f"{kind}{text[0] if text else ''}"[:300]


def details(error: BaseException) -> str:
    """What a person needs to mend it: the cell with its traceback, else where this program was."""
    if isinstance(error, PapermillExecutionError):
        return str(error).strip()
    return "".join(traceback.format_exception(error))


def _partial(job: Job) -> bytes:
    """The notebook as far as it got."""
    notebook = _THREAD.notebook
    return nbformat.writes(tidy(notebook, job)).encode() if notebook is not None else b""


def export(job: Job, notebook: Any) -> dict[str, Any]:
    """Page, result and, if wanted, PDF of an executed notebook.

    Raises
    ------
    ValueError
        If the notebook shows no result object.
    """
    from helpers.presentation import pages, results
    from helpers.presentation.tables import out as tables_out

    stored = result_of(notebook)
    result = results.with_run(results.from_dict(json.loads(stored)), job.commit, job.content_key)
    stored = json.dumps(results.to_dict(result), ensure_ascii=False, sort_keys=True, indent=1).encode()
    notebook.metadata["report"] = pages.metadata(result, job.other_href)
    page = exporter(job.lang).export(notebook)
    return {
        "page": page.encode(),
        "result": stored,
        "pdf": pages.to_pdf(page) if job.pdf else b"",
        "tables": tables_out.files(result),
    }


def result_of(notebook: Any) -> bytes:
    """The result object that the notebook displays, as JSON.

    Raises
    ------
    ValueError
        If there is none.
    """
    for cell in reversed(notebook.cells):
        for output in cell.get("outputs", []):
            data = output.get("data", {}).get(RESULT_MIME)
            if data is not None:
                return json.dumps(data, ensure_ascii=False, sort_keys=True, indent=1).encode()
    raise ValueError(f"the notebook displays no {RESULT_MIME}")


def exporter(lang: str) -> Any:
    """The page exporter of this thread: making one costs twice an export."""
    from helpers.presentation import pages

    kept = _THREAD.__dict__.setdefault("exporters", {})
    if lang not in kept:
        kept[lang] = pages.Exporter(lang)
    return kept[lang]
