"""nbval for many notebooks at the price of their cells: real nbval, warm kernels, as many threads as workers.

nbval collects the notebooks and compares the cells as in ``pytest --nbval``; only the loop over the collected cells is
ours: one thread per notebook instead of one notebook after another, in this process, so that all share one warm
process.
Strict: every text, table and error output is compared; in addition the pictures, byte for byte (nbval leaves them
out, but
equal input gives equal bytes here). Only object addresses are masked.
"""

import contextlib
import io
import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from helpers.batch import environment, execute, files, plan, records, warm
from helpers.batch.progress import Progress

SANITIZE = "regex: 0x[0-9a-f]+\nreplace: 0xADDRESS\n"
PICTURES = ("image/png", "image/jpeg")
_ONE_SESSION = threading.Lock()  # pytest.main changes global state while it configures itself


@dataclass(frozen=True)
class Verdict:
    """What nbval said about one notebook."""

    name: str
    passed: bool
    message: str = ""
    seconds: float = 0.0
    kernel_seconds: float = 0.0


def _ignore(*_values: Any) -> None:
    """Default callback."""


def validate(
    notebooks: Sequence[Path],
    jobs: int = 1,
    engine: str = "warm",
    timeout: float = 300,
    pictures: bool = True,
    started: Callable[[str], None] = _ignore,
    finished: Callable[[Verdict], None] = _ignore,
) -> list[Verdict]:
    """Re-run executed notebooks and compare their outputs with the stored ones.

    Parameters
    ----------
    jobs
        Notebooks at a time.
    pictures
        Compare pictures too (on the platform that drew them).
    started, finished
        Called as notebooks begin and end, from worker threads.

    Returns
    -------
    list of Verdict
        In the order of ``notebooks``; a notebook that cannot be read, was never executed or loses its kernel is a
        failed
        verdict, not an exception.
    """
    environment.prepare()
    verdicts = {path: verdict for path in notebooks if (verdict := _unfit(path))}
    fit = [path for path in notebooks if path not in verdicts]
    loop = _Loop(jobs, pictures, started, finished)
    if fit:
        with _ONE_SESSION, warm.pinned(), tempfile.TemporaryDirectory() as folder, _quiet() as said:
            if engine == "warm":
                warm.heat()
            sanitize = Path(folder, "sanitize.cfg")
            sanitize.write_text(SANITIZE, encoding="ascii")
            empty = Path(folder, "pytest.ini")
            empty.write_text("[pytest]\n", encoding="ascii")
            # fmt: off
            pytest.main(
                [
                    "--nbval", "--nbval-kernel-name", execute.KERNELS[engine], "--nbval-cell-timeout", str(timeout),
                    "--nbval-sanitize-with", str(sanitize), "--disable-plugin-autoload", "-p", "nbval.plugin",
                    "-p", "no:cacheprovider", "-p", "no:logging", "-p", "no:faulthandler",
                    "-p", "no:unraisableexception",
                    "-p", "no:threadexception", "--noconftest", "-c", str(empty), "--rootdir", folder, "-vv", "-s",
                    "--color", "no", *[str(path) for path in fit],
                ],
                plugins=[loop],
            )
            # fmt: on
        verdicts |= loop.verdicts
        for path in fit:
            verdicts.setdefault(path, Verdict(path.stem, False, f"nbval did not run: {said.getvalue()[-500:]}"))
    return [verdicts[path] for path in notebooks]


def _unfit(path: Path) -> Verdict | None:
    """A failed verdict for a file that nbval would pass over in silence."""
    import nbformat

    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises many kinds for a damaged file
        return Verdict(path.stem, False, f"cannot be read: {error}")
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    if not code or any(cell.execution_count is None for cell in code):
        return Verdict(path.stem, False, "has cells that were never run: nothing to compare with")
    return None


@contextlib.contextmanager
def _quiet() -> Any:
    """Keep pytest's own words out of ours, and the caller's pytest settings out of it and of the kernels."""
    names = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_CURRENT_TEST")  # the last one changes how a kernel captures
    kept = {name: os.environ.pop(name) for name in names if name in os.environ}
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            yield said
    finally:
        os.environ.update(kept)


class _Loop:
    """pytest plugin: runs the collected notebooks in threads."""

    def __init__(
        self, jobs: int, pictures: bool, started: Callable[[str], None], finished: Callable[[Verdict], None]
    ) -> None:
        self.verdicts: dict[Path, Verdict] = {}
        self._jobs, self._pictures = jobs, pictures
        self._started, self._finished = started, finished

    def pytest_runtestloop(self, session: Any) -> bool:
        """Take the place of pytest's own loop."""
        notebooks: dict[Any, list[Any]] = {}
        for cell in session.items:
            notebooks.setdefault(cell.parent, []).append(cell)
        pool = ThreadPoolExecutor(max_workers=self._jobs, thread_name_prefix="nbval")
        try:
            futures = [pool.submit(self._one, notebook, cells) for notebook, cells in notebooks.items()]
            for future in futures:
                future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        return True

    def _one(self, notebook: Any, cells: list[Any]) -> None:
        path, began = Path(str(notebook.path)), time.perf_counter()
        self._started(path.stem)
        if self._pictures:
            notebook.skip_compare = tuple(key for key in notebook.skip_compare if key not in PICTURES)
        message, spent = "", 0.0
        try:
            notebook.setup()
            for cell in cells:
                message = _failure(cell)
                if message:
                    break
            spent = execute.cpu_of(getattr(getattr(notebook.kernel, "km", None), "provisioner", None))
        except Exception as error:  # a kernel that does not start or answer is this notebook's verdict
            message = f"{type(error).__name__}: {error}"
        finally:
            with contextlib.suppress(Exception):  # the kernel may be dead already; the verdict stands
                notebook.teardown()
        verdict = Verdict(path.stem, not message, message, time.perf_counter() - began, spent)
        self.verdicts[path] = verdict
        self._finished(verdict)


def _failure(cell: Any) -> str:
    """Why a cell's outputs differ, or an empty text."""
    try:
        cell.runtest()
    except Exception as error:  # nbval's own error, or whatever it met while it talked to the kernel
        return _words(cell, error)
    except BaseException as error:  # pytest's outcomes (a timeout makes nbval call pytest.xfail)
        if type(error).__module__.startswith("_pytest."):
            return _words(cell, error)
        raise
    return ""


def _words(cell: Any, error: BaseException) -> str:
    text = str(cell.repr_failure(pytest.ExceptionInfo.from_exception(error)))
    lines = [line for line in text.splitlines() if line.strip()]
    return f"cell {cell.cell_num + 1}: {error}\n" + "\n".join(lines)


def check_rows(
    release: plan.Release, status: records.Status, wanted: Sequence[records.Row], progress: Progress
) -> list[Verdict]:
    """Validate built reports and record the verdicts."""
    progress.begin("checks", len(wanted))
    by_name = {row.report_id: row for row in wanted}

    def finished(verdict: Verdict) -> None:
        record(release.folder, status, by_name[verdict.name], verdict)
        progress.finished(verdict.name, "" if verdict.passed else verdict.message.splitlines()[0], verdict.seconds)

    notebooks = [records.part_path(release.folder, row.report_id, "notebook_sha256") for row in wanted]
    verdicts = validate(
        notebooks, release.options.workers, release.options.engine, release.options.timeout,
        started=progress.started, finished=finished,
    )  # fmt: skip
    for verdict in verdicts:
        if status.rows[verdict.name] is by_name[verdict.name]:  # unreadable ones never reached a thread
            finished(verdict)
    return verdicts


def record(folder: Path, status: records.Status, row: records.Row, verdict: Verdict) -> None:
    """Write a verdict into the status; the full comparison of a failed one goes to ``failed/``."""
    page = folder / "failed" / f"{row.report_id}.check.txt"
    if verdict.passed:
        page.unlink(missing_ok=True)
        error = "" if row.error.startswith("check: ") else row.error
    else:
        files.write(page, verdict.message.encode())
        error = f"check: {verdict.message.splitlines()[0]}"[:300]
    status.change(
        row.report_id, checked="passed" if verdict.passed else "failed", checked_at_key=row.content_key, error=error
    )
