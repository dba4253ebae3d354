"""The same jobs on a Dask distributed cluster: right for several machines, no gain on one.

The workers need this package at the same version and the project folder at the same path (a shared file system). They
write nothing: products come back as bytes and the driver publishes them, so a task that Dask runs twice does no harm.
Start workers with ``DASK_DISTRIBUTED__WORKER__DAEMON=False``, otherwise they may not have a warm process and use plain
kernels; bound the retries after dying workers with ``DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES=1``
on the scheduler.
"""

import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from helpers import paths
from helpers.batch import execute, keys
from helpers.batch.jobs import Job, Product
from helpers.batch.options import CONNECT_SECONDS, OptionError


class ClusterError(OptionError):
    """The cluster cannot be used; the message says what to do."""


def fingerprint() -> str:
    """What driver and workers must have in common: the rooms and the versions."""
    here = Path(__file__).resolve().parents[1]
    return keys.combine([keys.folder(here, ("delivery", "cli.py")), keys.versions()])


def distributed(jobs: Sequence[Job], address: str, started: Callable[[str], None]) -> Iterator[Product]:
    """Products as they are finished, each exactly once.

    Raises
    ------
    ClusterError
        If there is no scheduler at the address, it has no workers, or a worker runs other code.
    """
    from distributed import Client, as_completed

    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"no Dask scheduler answers at {address} ({error}); start one with: dask scheduler"
        ) from error
    with client:
        _compare(client, address)
        run = uuid.uuid4().hex[:8]
        rooted = [replace(job, root=os.environ.get(paths.ROOT_VARIABLE, "")) for job in jobs]
        futures = {
            client.submit(execute.produce, job, key=f"{job.report_id}-{run}", pure=False): job.report_id
            for job in rooted
        }
        for job in jobs[: len(client.nthreads())]:
            started(job.report_id)
        try:
            for future in as_completed(futures, loop=client.loop):
                yield _product(future, futures[future])
                future.release()
        finally:
            client.cancel([future for future in futures if not future.done()])


def _product(future: Any, report_id: str) -> Product:
    """The task's product; a task that killed its workers, or was lost with them, is a failed report."""
    error = future.exception()
    if error is None:
        return future.result()
    return Product(report_id, error=f"{type(error).__name__}: {error}".splitlines()[0][:300], details=str(error))


def _compare(client: Any, address: str) -> None:
    """Refuse workers with other code: their reports would carry our keys."""
    found = client.run(fingerprint)
    if not found:
        raise ClusterError(f"the scheduler at {address} has no workers; start some with: dask worker {address}")
    strangers = [worker for worker, value in found.items() if value != fingerprint()]
    if strangers:
        raise ClusterError(f"workers with another version of the code or its libraries: {', '.join(strangers)}")
