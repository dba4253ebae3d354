"""Local execution: threads of one process, each driving one kernel at a time; and the way to stop all of it."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from types import FrameType
from typing import Self

from helpers.batch import environment
from helpers.batch.jobs import Job, Product

STOPS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """A signal asked the run to end; not an Exception, so that no report can swallow it."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by signal {number}")
        self.number = number


class Stopper:
    """Turns SIGINT and SIGTERM into `Stopped`, but never in the middle of publishing a report."""

    def __init__(self) -> None:
        self._inside = False
        self._waiting = 0

    @contextmanager
    def installed(self) -> Iterator["Stopper"]:
        """Handle the signals inside the block (only the main thread can; elsewhere nothing changes)."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before = {number: signal.signal(number, self._handle) for number in STOPS}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._inside:
            self._waiting = number
        else:
            raise Stopped(number)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Finish the block first; a signal that came meanwhile is raised at its end."""
        self._inside = True
        try:
            yield
        finally:
            self._inside = False
        if self._waiting:
            number, self._waiting = self._waiting, 0
            raise Stopped(number)


class Pool:
    """Threads that each drive one kernel at a time; jobs may be added while others run.

    Threads, not processes: the work is in the kernels, and one process means one warm process. Leaving the block
    (a signal, an error of the caller) kills the running kernels and forgets what is not finished.
    """

    def __init__(
        self, count: int, started: Callable[[str], None], work: Callable[[Job], Product] | None = None
    ) -> None:
        environment.import_jsonschema()
        from helpers.batch import execute  # papermill takes seconds to import: not for a run with nothing to do

        self._work, self._started, self._kill = work or execute.produce, started, execute.end_all_kernels
        self._stop = threading.Event()
        self._threads = ThreadPoolExecutor(max_workers=count, thread_name_prefix="report")
        self._futures: set[Future[Product | None]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._threads.shutdown(wait=False, cancel_futures=True)
        while self._futures and not all(future.done() for future in self._futures):
            self._kill()
            wait(self._futures, timeout=0.2)

    def submit(self, job: Job) -> None:
        """Run a job as soon as a thread is free."""
        self._futures.add(self._threads.submit(self._one, job))

    def products(self) -> Iterator[Product]:
        """Products as they are finished, those of jobs submitted meanwhile included."""
        while self._futures:
            done, self._futures = wait(self._futures, return_when=FIRST_COMPLETED)
            for future in done:
                product = future.result()
                if product is not None:
                    yield product

    def _one(self, job: Job) -> Product | None:
        if self._stop.is_set():
            return None
        self._started(job.report_id)
        return self._work(job)


def local(
    jobs: Sequence[Job], count: int, started: Callable[[str], None], work: Callable[[Job], Product] | None = None
) -> Iterator[Product]:
    """Products of the jobs as they are finished."""
    with Pool(count, started, work) as pool:
        for job in jobs:
            pool.submit(job)
        yield from pool.products()
