"""Kernel provisioner that forks ordinary kernels from a warm process; registered as ``warm-provisioner``.

The kernelspec ``client-centricity-warm`` names it, so papermill, nbclient, nbval and JupyterLab use it like any other
kernel. Wherever a warm kernel is impossible (another system, a daemonic caller, a warm process with threads, changed
variables) it starts the plain kernel with the same arguments, and says so once in the log ``helpers.batch``.
"""

import asyncio
import os
import shutil
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from helpers.batch import files, forked, warm

# Starting blocks for some milliseconds, the first time for seconds: never in the event loop of a server.
_STARTERS = ThreadPoolExecutor(max_workers=4, thread_name_prefix="kernel-start")
_SAID: set[str] = set()


def use_sockets(manager: Any) -> Path | None:
    """Let kernel and client talk through files instead of TCP ports (no port races, nothing listens on the network)."""
    if sys.platform != "linux" or manager.transport != "tcp" or manager.shell_port:
        return None  # a restart, or somebody has chosen a transport: theirs stays
    folder = files.private_folder("kernel")
    manager.transport = "ipc"
    manager.ip = str(folder / "k")
    return folder


class WarmProvisioner(LocalProvisioner):
    """Launches kernels as forks of a warm process, else as the plain provisioner does."""

    sockets: Path | None = None
    is_warm = False

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Choose the transport before the connection file is written."""
        if self.parent is not None:
            self.sockets = use_sockets(self.parent) or self.sockets
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork, or launch plainly."""
        self.is_warm = False
        try:
            request = _request(cmd, kwargs)
            kernel = await asyncio.get_running_loop().run_in_executor(_STARTERS, warm.start, request)
        except warm.ColdStart as reason:
            _say_once(str(reason))
            return await super().launch_kernel(cmd, **kwargs)
        self.is_warm = True
        self.process = kernel  # type: ignore[assignment]
        self.pid = self.pgid = kernel.pid  # type: ignore[assignment]
        self.cwd = request.folder  # type: ignore[assignment]
        return self.connection_info

    async def send_signal(self, signum: int) -> None:
        """Signal the kernel's group; an interrupt on the way to a shutdown is left out.

        The shutdown request itself does that work, and an idle kernel would print that it caught a KeyboardInterrupt.
        """
        if signum == signal.SIGINT and self.is_warm and getattr(self.parent, "shutting_down", False):
            return
        await super().send_signal(signum)

    async def cleanup(self, restart: bool = False) -> None:
        """Remove what is left of the kernel: processes it started, socket files."""
        if self.is_warm and self.pgid:
            end_group(self.pgid)
        await super().cleanup(restart=restart)
        if self.sockets is not None and not restart:
            shutil.rmtree(self.sockets, ignore_errors=True)


def end_group(group: int) -> None:
    """Kill what remains of a process group; an empty group is no error."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _request(cmd: list[str], kwargs: dict[str, Any]) -> forked.KernelRequest:
    """The launch in words that a fork understands."""
    if Path(cmd[0]) != Path(sys.executable) or cmd[1:3] != ["-m", "ipykernel_launcher"]:
        raise warm.ColdStart(f"not an IPython kernel of this interpreter: {' '.join(cmd[:3])}")
    if kwargs.get("stdin") is not None:
        raise warm.ColdStart("the kernel wants its own standard input")
    return forked.KernelRequest(
        arguments=tuple(cmd[3:]),
        environment=dict(kwargs.get("env") or os.environ),
        folder=str(Path(kwargs.get("cwd") or Path.cwd()).resolve()),
        stdout=_shared(kwargs.get("stdout")),
        stderr=_shared(kwargs.get("stderr")),
    )


def _shared(target: Any) -> forked.SharedFile | None:
    """A file that the kernel shall write to."""
    if target is None:
        return None
    number = target if isinstance(target, int) else target.fileno()
    if number < 0:
        raise warm.ColdStart("the kernel wants a pipe to its client")
    return forked.SharedFile(number)


def _say_once(reason: str) -> None:
    if reason not in _SAID:
        _SAID.add(reason)
        warm.LOG.warning("plain kernel instead of a warm one: %s", reason)
