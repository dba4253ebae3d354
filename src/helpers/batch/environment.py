"""What the batch sets in the environment of its own process, so that both engines start kernels in the same one."""

import contextlib
import importlib
import os
import sys
from pathlib import Path

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
WARM_KERNEL = "client-centricity-warm"
PLAIN_KERNEL = "python3"

# Read by Python, by the loader or by libraries while they are imported: a fork cannot follow a later change of them.
READ_AT_IMPORT = ("PYTHON", "LD_", "LC_", "LANG", "OMP_", "OPENBLAS_", "MKL_", "MPLCONFIGDIR", "MATPLOTLIBRC")


def kernelspecs() -> Path:
    """Folder to add to ``JUPYTER_PATH`` so that every Jupyter client finds the warm kernel by name."""
    return Path(__file__).parent / "share" / "jupyter"


def prepare() -> None:
    """Make the warm kernel known and give every kernel one arithmetic thread (reports are parallel, not their parts).

    The same environment goes to plain and warm kernels: sums over several threads may differ in the last digit.
    """
    folder = str(kernelspecs())
    known = os.environ.get("JUPYTER_PATH", "")
    if folder not in known.split(os.pathsep):
        os.environ["JUPYTER_PATH"] = os.pathsep.join(part for part in (folder, known) if part)
    os.environ.update(ONE_THREAD)
    os.environ["PYTHONUTF8"] = "1"  # notebooks and sanitise files hold Russian text, whatever the locale of cron


def import_jsonschema() -> None:
    """Import jsonschema, which papermill and nbformat need, without its optional grammar of IRIs.

    That grammar is compiled at import and costs more than all the rest together (jsonschema#1428). Nothing here checks
    IRIs; whoever imports the grammar later gets it.
    """
    name = "rfc3987_syntax"
    if name in sys.modules or "jsonschema" in sys.modules:
        return
    sys.modules[name] = None  # type: ignore[assignment]  # its import fails now, which jsonschema expects
    try:
        with contextlib.suppress(ImportError):
            importlib.import_module("jsonschema")
    finally:
        del sys.modules[name]


def import_time(variables: dict[str, str] | os._Environ[str]) -> dict[str, str]:
    """The variables that a forked kernel cannot change any more."""
    return {name: value for name, value in variables.items() if name.startswith(READ_AT_IMPORT)}
