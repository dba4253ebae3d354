"""Import this only inside the warm process: it pays, once, for everything a report kernel needs.

The warm process is a ``multiprocessing`` forkserver. Every kernel is a fork of it, so whatever is imported or
computed here is
free for the kernels. Two rules keep a fork honest: **one thread** (a fork of a threaded process can deadlock) and
**no pyplot
backend** (a figure in the warm-up would fix it, and every figure of every report would vanish). Both are recorded in
`STATE`; a kernel child reads them and refuses to start when one is broken.
"""

import gc
import importlib
import json
import multiprocessing
import os
import pkgutil
import subprocess
import sys
import threading
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from helpers.batch import environment, rehearsal

os.environ.update(
    environment.ONE_THREAD
)  # before numpy and Arrow are imported: their pools are sized, or started, at import
os.environ["JE_ARROW_MALLOC_CONF"] = "background_thread:false"
os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # the debugger that ipykernel imports would print a hint
os.environ.pop("MPLBACKEND", None)  # matplotlib reads it at import; a child sets its own

LIBRARIES = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.zmqshell",
    "ipykernel.debugger",
    "debugpy.server",
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.core.logger",
    "IPython.utils.wildcard",
    "multiprocessing.shared_memory",
    "sqlite3",
    "tornado.platform.asyncio",
    "IPython.core.magics",
    "IPython.extensions.storemagic",
    "comm",
    "nbformat",
    "numpy",
    "pandas",
    "pyarrow",
    "pyarrow.parquet",
    "pyarrow.dataset",
    "scipy.stats",
    "matplotlib.figure",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_agg",
    "matplotlib_inline.config",
    "PIL.Image",
    "PIL.PngImagePlugin",
    "pandera.pandas",
    "jinja2",
    "babel.numbers",
    "babel.dates",
)
ROOMS = ("helpers.tables", "helpers.presentation", "helpers.analysis", "helpers.intake")
# Rooms that import an engine which starts threads (DuckDB): a notebook that needs them pays for its own import.
THREADED_ROOMS = ("helpers.intake.requests", "helpers.analysis.effects.scale")


@dataclass
class State:
    """What a kernel child must know about the process it was forked from."""

    threads: int = 0
    backend_is_free: bool = False
    plain_path: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    main_process: object = None
    variables: dict[str, str] = field(default_factory=dict)


STATE = State()


def _import(name: str) -> None:
    """Import one module, or note that it could not be: the notebook that needs it will say so in its own words."""
    try:
        importlib.import_module(name)
    except Exception as error:  # a fault of one room must not cost all kernels their warm process
        STATE.skipped.append(f"{name}: {type(error).__name__}: {error}")


def _import_rooms() -> None:
    for package_name in ROOMS:
        _import(package_name)
        package = sys.modules.get(package_name)
        if package is None:
            continue
        for module in pkgutil.walk_packages(package.__path__, f"{package_name}.", onerror=lambda _name: None):
            if not module.name.startswith(THREADED_ROOMS):
                _import(module.name)


def _plain_path() -> list[str]:
    """``sys.path`` of a kernel started the ordinary way: asked of a fresh interpreter, hence right."""
    code = "import json, sys; print(json.dumps([entry for entry in sys.path if entry]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout))


def thread_count() -> int:
    """Threads of this process as the system sees them, those of C libraries included."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.is_dir() else threading.active_count()


def warm_up() -> State:
    """Import, rehearse, freeze; return what the children check."""
    STATE.plain_path = _plain_path()
    STATE.main_process = multiprocessing.current_process()
    before = dict(os.environ)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of imports; a kernel shows the warnings of its own cells
        environment.import_jsonschema()
        for name in LIBRARIES:
            _import(name)
        _import_rooms()
        rehearsal.rehearse(STATE.skipped)
    # Variables that libraries set while they are imported: a kernel must have them as if it had imported them itself.
    STATE.variables = {name: value for name, value in os.environ.items() if before.get(name) != value}
    pyplot = sys.modules["matplotlib.pyplot"]
    STATE.backend_is_free = getattr(pyplot, "_backend_mod", None) is None
    gc.collect()
    gc.freeze()  # the collector of a child does not touch, and so does not copy, the pages of the parent
    STATE.threads = thread_count()
    return STATE


warm_up()
