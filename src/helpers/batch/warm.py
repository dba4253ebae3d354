"""The client's side of a warm start: one forkserver per client process, asked for one kernel at a time."""

import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psutil

from helpers.batch import environment, forked

LOG = logging.getLogger("helpers.batch")
START_SECONDS = 300.0  # the first kernel of a batch waits for the imports of the warm process


class ColdStart(Exception):
    """The warm process cannot give a kernel; the text says why and the plain way is taken."""


@dataclass
class _Warm:
    """What this client process knows about its warm process."""

    signature: tuple[Any, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    kernels: list["ForkedKernel"] = field(default_factory=list)
    pinned: bool = False


# Guards `Process.start` (it looks at `__main__`) and the reading of exit codes (two readers would lose one).
_LOCK = threading.RLock()
_WARM = _Warm()


class ForkedKernel:
    """A forked kernel with the part of the ``subprocess.Popen`` interface that provisioners use."""

    stdin = stdout = stderr = None

    def __init__(self, process: BaseProcess) -> None:
        self._process = process
        self.pid = int(process.pid or 0)
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Exit code, negative for a signal, or None while the kernel lives."""
        if self.returncode is None:
            with _LOCK:
                self.returncode = self._process.exitcode
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        """Exit code once the kernel has ended; None when it has not within ``timeout`` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None and (deadline is None or time.monotonic() < deadline):
            time.sleep(0.02)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Signal the kernel process alone."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask the kernel to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the kernel."""
        self.send_signal(signal.SIGKILL)


def available() -> str:
    """Why this process cannot use warm kernels at all, or an empty text."""
    if sys.platform != "linux":
        return f"warm kernels are for Linux, this is {sys.platform}"
    if multiprocessing.current_process().daemon:
        return "a daemonic process may not have children (for a Dask worker set distributed.worker.daemon: False)"
    return ""


def heat() -> None:
    """Start the warm process now, without waiting for it: it imports while the first steps run."""
    if available():
        return
    with _LOCK, contextlib.suppress(ColdStart):
        _ensure_current()
        with _blank_main():
            forkserver.ensure_running()


@contextmanager
def pinned() -> Iterator[None]:
    """Keep the warm process of the beginning for the whole block, whatever happens to the source files meanwhile.

    A batch computes its content keys once, so all its kernels must run the code of that moment.
    """
    with _LOCK, contextlib.suppress(ColdStart):
        if server_pid() is not None:
            _ensure_current()
    before, _WARM.pinned = _WARM.pinned, True
    try:
        yield
    finally:
        _WARM.pinned = before


def start(request: forked.KernelRequest) -> ForkedKernel:
    """Fork a kernel.

    Raises
    ------
    ColdStart
        With the reason, when a plain kernel should be started instead.
    """
    reason = available()
    if reason:
        raise ColdStart(reason)
    with _LOCK:
        _ensure_current()
        if environment.import_time(request.environment) != _WARM.variables:
            raise ColdStart("the kernel wants other import-time variables than the warm process has")
        process, gate = _spawn(request)
        kernel = ForkedKernel(process)  # known at once: nobody may stop the warm process between here and its answer
        _WARM.kernels = [known for known in _WARM.kernels if known.poll() is None] + [kernel]
    try:
        refusal = gate.recv() if gate.poll(START_SECONDS) else "the warm process did not answer in time"
    except EOFError:
        refusal = "the forked process died before it became a kernel"
    finally:
        gate.close()
    if refusal:
        kernel.kill()
        raise ColdStart(refusal)
    return kernel


def _spawn(request: forked.KernelRequest) -> tuple[BaseProcess, Any]:
    """Start the child; the caller holds the lock."""
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe(duplex=False)
    # Daemonic: a client that ends in the ordinary way takes its kernels along instead of waiting for them.
    process = context.Process(target=forked.run_kernel, args=(request, theirs), daemon=True, name="kernel")
    try:
        with _blank_main():
            process.start()
    except (OSError, EOFError) as error:
        ours.close()
        raise ColdStart(f"the warm process is gone ({error!r})") from error
    finally:
        theirs.close()
    return process, ours


def stop() -> None:
    """End the warm process of this client; the next start makes a new one."""
    with _LOCK:
        server: Any = forkserver._forkserver  # type: ignore[attr-defined]
        if server._forkserver_pid is not None:
            server._stop()
        _WARM.signature = ()


def server_pid() -> int | None:
    """Process number of the warm process, if there is one."""
    return getattr(forkserver._forkserver, "_forkserver_pid", None)  # type: ignore[attr-defined]


def cpu_seconds() -> float:
    """CPU seconds that the warm process itself has used (its kernels not counted)."""
    try:
        times = psutil.Process(server_pid() or 0).cpu_times() if server_pid() else None
    except psutil.Error:
        return 0.0
    return times.user + times.system if times else 0.0


def _ensure_current() -> None:
    """A warm process that has imported the code and the variables of today; the caller holds the lock."""
    if _WARM.pinned and server_pid() is not None:
        return
    signature = source_signature()
    if _WARM.signature == signature:
        return
    if server_pid() is not None:
        if any(kernel.poll() is None for kernel in _WARM.kernels):
            raise ColdStart("the code changed since the warm process started, and kernels of it still run")
        stop()
    forkserver.set_forkserver_preload([forked.PRELOAD])
    _WARM.signature = signature
    _WARM.variables = environment.import_time(os.environ)


def source_signature() -> tuple[Any, ...]:
    """What changes when the package or its installation changes: path, size and time of every source file."""
    package = Path(__file__).resolve().parents[1]
    files = sorted(path for path in package.rglob("*") if path.suffix in {".py", ".j2", ".css", ".json"})
    stats = [(str(path), path.stat()) for path in files]
    return (sys.version, sys.prefix, *((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats))


@contextmanager
def _blank_main() -> Iterator[None]:
    """Hide the caller's ``__main__`` from multiprocessing, which would run that script again in each child."""
    main = sys.modules["__main__"]
    kept = {name: getattr(main, name) for name in ("__spec__", "__file__") if hasattr(main, name)}
    main.__spec__ = None
    if "__file__" in kept:
        del main.__file__
    try:
        yield
    finally:
        for name, value in kept.items():
            setattr(main, name, value)
