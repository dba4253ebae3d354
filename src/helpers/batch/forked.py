"""The kernel's side of a warm start: turn a fork of the warm process into an ordinary IPython kernel."""

import atexit
import os
import random
import signal
import sys
import threading
import time
from dataclasses import dataclass
from multiprocessing import forkserver, process, reduction, resource_tracker
from multiprocessing.connection import Connection
from typing import Any

PRELOAD = "helpers.batch.preload"
INLINE_BACKEND = "module://matplotlib_inline.backend_inline"


class SharedFile:
    """An open file of the client that the kernel gets as its standard output or error."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, (reduction.DupFd(self.descriptor),)


def _received(duplicate: Any) -> int:
    """Number of the descriptor in the child."""
    return int(duplicate.detach())


@dataclass(frozen=True)
class KernelRequest:
    """Everything a kernel is started with: what ``Popen`` would get."""

    arguments: tuple[str, ...]
    environment: dict[str, str]
    folder: str
    stdout: Any = None
    stderr: Any = None


def reason_to_refuse() -> str:
    """Why this process must not become a kernel, or an empty text."""
    preload = sys.modules.get(PRELOAD)
    if preload is None:
        return "the warm process did not import its preload module"
    if preload.STATE.threads != 1:
        return f"the warm process has {preload.STATE.threads} threads; a fork of it could hang"
    if not preload.STATE.backend_is_free:
        return "the warm-up has fixed a matplotlib backend"
    return ""


def run_kernel(request: KernelRequest, gate: Connection) -> None:
    """Become a kernel (the target of the forked process).

    Parameters
    ----------
    request
        Arguments, environment and folder as a plain kernel would get them.
    gate
        One text goes through it: empty when the kernel is about to start, otherwise the reason why it is not.
    """
    refusal = reason_to_refuse()
    client = process.parent_process()
    if not refusal:
        os.setsid()  # own process group: interrupts and kills reach the kernel with everything it started
        _forget_multiprocessing()
        _enter(request)
        _reset_libraries(request.environment)
    gate.send(refusal)  # an exception above closes the gate unanswered, and the client starts a plain kernel
    gate.close()
    if refusal:
        return
    threading.Thread(target=_die_with, args=(client,), daemon=True, name="die-with-client").start()
    try:
        _serve(list(request.arguments))
    finally:
        atexit._run_exitfuncs()


def _forget_multiprocessing() -> None:
    """Look like a main process again, so that pools inside a notebook behave as they do in a plain kernel."""
    inherited: Any = forkserver._forkserver  # type: ignore[attr-defined]
    for owner, name in ((inherited, "_forkserver_alive_fd"), (resource_tracker._resource_tracker, "_fd")):
        descriptor = getattr(owner, name)
        if descriptor is not None:
            os.close(descriptor)  # else the warm process would live as long as its last kernel
        setattr(owner, name, None)
    inherited._forkserver_address = None
    inherited._preload_modules = ["__main__"]
    process._parent_process = None  # type: ignore[attr-defined]
    process._children = set()  # type: ignore[attr-defined]
    main_process = sys.modules[PRELOAD].STATE.main_process
    main_process.name = "MainProcess"  # the preparation of a child renames it
    process._current_process = main_process  # type: ignore[attr-defined]


def _enter(request: KernelRequest) -> None:
    """Environment, folder, files, path and arguments of the request."""
    os.environ.clear()
    os.environ.update(sys.modules[PRELOAD].STATE.variables | request.environment)
    os.environ["JPY_PARENT_PID"] = str(os.getppid())
    time.tzset()
    os.chdir(request.folder)
    for number, descriptor in ((1, request.stdout), (2, request.stderr)):
        if descriptor is not None:
            os.dup2(descriptor, number)
            os.close(descriptor)
    sys.path[:] = sys.modules[PRELOAD].STATE.plain_path
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _reset_libraries(environment: dict[str, str]) -> None:
    """Undo what a fork shares and a fresh process would not: random state and the drawing backend."""
    import matplotlib
    import numpy as np

    random.seed()
    np.random.seed(int.from_bytes(os.urandom(4), "little"))  # noqa: NPY002 - the legacy global state is what a fork shares
    backend = environment.get("MPLBACKEND") or INLINE_BACKEND
    matplotlib.rcParams["backend"] = backend
    matplotlib.rcParamsOrig["backend"] = backend
    sys.modules.pop("matplotlib_inline.backend_inline", None)  # it hooks into the shell of the process that imports it


def _die_with(client: Any) -> None:
    """End the whole group when the client is gone, however it went."""
    if client is None:
        return
    client.join()
    os.killpg(os.getpgid(0), signal.SIGKILL)


def _serve(arguments: list[str]) -> None:
    """The ordinary kernel application, with ordinary arguments."""
    import ipykernel_launcher
    from ipykernel.kernelapp import IPKernelApp

    sys.argv = [str(ipykernel_launcher.__file__), *arguments]
    # The default of this trait was read from the environment of the warm process when the class was made.
    IPKernelApp.launch_instance(argv=[*arguments, f"--IPKernelApp.parent_handle={os.getppid()}"])
