"""Warm kernels behave like plain ones, cost less, and give way to plain ones wherever they cannot be honest."""

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import psutil
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook

from helpers.batch import environment, forked, provisioner, rehearsal, warm

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="warm kernels are for Linux; elsewhere kernels are plain"
)
WARM, PLAIN = environment.WARM_KERNEL, environment.PLAIN_KERNEL

TRIALS = {
    "text": "print('да', 1 + 1)",
    "descriptor": "import os; os.write(1, b'below python\\n'); import time; time.sleep(0.4)",
    "error_descriptor": "import os; os.write(2, b'below python\\n'); import time; time.sleep(0.4)",
    "shell": "!echo from the shell",
    "standard_input": "import subprocess; subprocess.run(['cat'], capture_output=True).stdout",
    "input": "input('name? ')",
    "figure_shown": "import matplotlib.pyplot as plt; plt.plot([1, 3, 2]); plt.show()",
    "figure_not_shown": "import matplotlib.pyplot as plt; plt.plot([1, 3, 2]);",
    "two_figures": "import matplotlib.pyplot as plt\nfor n in (1, 2):\n    plt.figure(figsize=(2, 1)); plt.plot([n, 1])",
    "figure_object": "import matplotlib.pyplot as plt\nf, a = plt.subplots(); a.bar(['а', 'б'], [1, 2]); display(f); plt.close(f)",
    "inline_magic": "%matplotlib inline\nimport matplotlib.pyplot as plt; plt.plot([2, 1]);",
    "backend": "import matplotlib.pyplot as plt, matplotlib; (plt.get_backend(), matplotlib.rcParams['figure.figsize'])",
    "styles": "import matplotlib as m; sorted((k, str(v)) for k, v in m.rcParams.items() if 'backend' not in k)[:60]",
    "seaborn": "import seaborn; seaborn.heatmap([[1, 2], [3, 4]]);",
    "blas": "import numpy as np; a = np.arange(40000.).reshape(200, 200) / 7; float((a @ a.T).sum())",
    "blas_threads": "import os; [os.environ.get(n) for n in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS')]",
    "arrow_threads": "import pyarrow as pa, pyarrow.compute as pc; pc.sum(pa.chunked_array([range(9999)] * 8)).as_py(), pa.cpu_count() > 0",
    "frame": "import pandas as pd; pd.DataFrame({'а': [1, 2], 'b': [0.5, None]})",
    "thread_pool": "from concurrent.futures import ThreadPoolExecutor as P\nwith P(4) as p: print(list(p.map(abs, [-1, -2])))",
    "fork_pool": "import multiprocessing as m\ndef f(x): return x * 2\nwith m.get_context('fork').Pool(2) as p: print(p.map(f, [1, 2]))",
    "spawn_pool": "import multiprocessing as m\nwith m.get_context('spawn').Pool(1) as p: print(p.map(abs, [-1, -2]))",
    "forkserver_pool": "import multiprocessing as m\nwith m.get_context('forkserver').Pool(1) as p: print(p.map(abs, [-1, -2]))",
    "process": "import multiprocessing as m; (m.current_process().name, m.current_process().daemon, m.parent_process(), m.active_children())",
    "shared_memory": "from multiprocessing.shared_memory import SharedMemory as S; s = S(create=True, size=8); s.buf[0] = 7; v = s.buf[0]; s.close(); s.unlink(); v",
    "await": "import asyncio\nawait asyncio.sleep(0.01)\nawait asyncio.gather(*[asyncio.sleep(0, n) for n in range(3)])",
    "arguments": "import sys; (len(sys.argv), sys.argv[0].rsplit('/')[-1], sys.argv[1], sys.argv[3:])",
    "path": "import sys; sys.path",
    "main": "import sys, __main__; (__name__, __main__.__name__, hasattr(__main__, '__file__'), sys.modules['__main__'] is __main__, '__mp_main__' in sys.modules)",
    "flags": "import sys, gc; (sys.flags, gc.isenabled(), gc.get_threshold(), sys.getrecursionlimit(), sys.stdin.read())",
    "environment": "import os; sorted((k, v) for k, v in os.environ.items() if not k.startswith(('JPY_PARENT_PID', 'PYTEST_CURRENT', 'SPARK_', 'PYARROW_')))",
    "folder": "import os; (os.getcwd(), os.umask(0o22), os.getsid(0) == os.getpid() == os.getpgid(0))",
    "signals": "import signal; [str(signal.getsignal(s)) for s in (signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP, signal.SIGPIPE)], signal.set_wakeup_fd(-1) >= 0",
    "clock": "import time, locale; (time.tzname, locale.getlocale(), locale.getpreferredencoding())",
    "warning": "import warnings; warnings.warn('careful')",
    "error": "def f(): raise ValueError('нет')\nf()",
    "syntax": "def f(:",
    "exit": "import sys; sys.exit(3)",
    "logging": "import logging; logging.getLogger('x').warning('said'); logging.root.handlers",
    "subprocess": "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(5)'], capture_output=True, text=True).stdout",
    "html": "from IPython.display import HTML, Markdown; display(HTML('<b>ж</b>')); Markdown('**m**')",
    "history": "get_ipython().history_manager.hist_file, In[1][:5]",
    "bash": "%%bash\necho $((2 + 3))",
    "traitlets": "from ipykernel.kernelapp import IPKernelApp as A; a = A.instance(); (a.parent_handle > 1, a.transport)",
    "data": "import statsmodels.api as sm, numpy as np; x = np.arange(20.); print(sm.OLS(x ** 2, sm.add_constant(x)).fit().params.round(6))",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def prepared():
    """The batch's environment for this module, and no warm process left behind."""
    before = dict(os.environ)
    environment.prepare()
    with warm.pinned():  # colleagues and editors may touch source files while the tests run
        yield
    os.environ.clear()
    os.environ.update(before)


def run(kernel, sources, **options):
    """Outputs of the cells, as plain data."""
    book = new_notebook(cells=[new_code_cell(source) for source in sources])
    client = NotebookClient(book, kernel_name=kernel, allow_errors=True, record_timing=False, timeout=20, **options)
    kept = os.environ.pop("PYTEST_CURRENT_TEST", "")  # with it ipykernel leaves file descriptors alone
    try:
        client.execute()
    finally:
        os.environ["PYTEST_CURRENT_TEST"] = kept
    return [[dict(output) for output in cell.outputs] for cell in book.cells]


class Sockets(KernelManager):
    """A plain kernel over sockets, as the batch starts them."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._folder = provisioner.use_sockets(self)


@pytest.fixture(scope="module")
def both(prepared):
    """All trials in one kernel of each kind."""
    from jupyter_client.manager import AsyncKernelManager

    class AsyncSockets(AsyncKernelManager):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            provisioner.use_sockets(self)

    return {
        WARM: dict(zip(TRIALS, run(WARM, TRIALS.values()), strict=True)),
        PLAIN: dict(zip(TRIALS, run(PLAIN, TRIALS.values(), kernel_manager_class=AsyncSockets), strict=True)),
    }


def without_process_number(outputs):
    """IPython names the folder of a cell's source after the process."""
    return re.sub(r"ipykernel_\d+", "ipykernel_N", repr(outputs))


@pytest.mark.parametrize("trial", TRIALS)
def test_parity(both, trial):
    warm_outputs, plain_outputs = both[WARM][trial], both[PLAIN][trial]
    assert without_process_number(warm_outputs) == without_process_number(plain_outputs)
    if trial.startswith(("figure", "two", "inline", "seaborn")):
        assert any("image/png" in output.get("data", {}) for output in warm_outputs)  # equal, and not equally empty
    if trial in {"descriptor", "shell", "bash", "text"}:
        assert warm_outputs[0]["text"]


@pytest.fixture
def kernel(prepared):
    """A warm kernel with its client."""
    manager = KernelManager(kernel_name=WARM)
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield manager, client
    client.stop_channels()
    if manager.has_kernel:
        manager.shutdown_kernel(now=True)


def value(client, code):
    """Printed text of a cell."""
    said = []
    client.execute_interactive(
        code,
        timeout=30,
        output_hook=lambda m: said.append(m["content"].get("text", "") or m["content"].get("ename", "")),
    )
    return "".join(said).strip()


def test_the_kernel_is_a_fork_of_the_warm_process(kernel):
    manager, client = kernel
    assert manager.provisioner.is_warm
    assert value(client, "import os; print(os.getppid())") == str(warm.server_pid())
    assert (
        value(client, "import sys; print('pandas' in sys.modules, 'matplotlib.pyplot' in sys.modules)") == "True True"
    )


def test_the_warm_process_has_one_thread_and_no_backend(kernel):
    _, client = kernel
    state = value(
        client,
        "import sys; s = sys.modules['helpers.batch.preload'].STATE; print(s.threads, s.backend_is_free, s.skipped)",
    )
    assert state == "1 True []"


def test_sockets_are_files_with_short_names_and_are_removed(kernel):
    manager, _ = kernel
    assert manager.transport == "ipc"
    assert len(f"{manager.ip}-5".encode()) < 100
    folder = Path(manager.ip).parent
    assert folder.is_dir()
    assert folder.stat().st_mode & 0o77 == 0
    manager.shutdown_kernel()
    assert not folder.exists()


def test_interrupt_reaches_the_cell_and_spares_the_kernel(kernel):
    manager, client = kernel
    client.execute("import time; time.sleep(30)")
    time.sleep(0.5)
    began = time.monotonic()
    manager.interrupt_kernel()
    assert client.get_shell_msg(timeout=10)["content"]["ename"] == "KeyboardInterrupt"
    assert time.monotonic() - began < 5
    time.sleep(0.5)  # after an error a kernel drops what arrives at once
    assert value(client, "print(1 + 1)") == "2"


def test_restart_gives_a_fresh_warm_kernel(kernel):
    manager, client = kernel
    value(client, "x = 1")
    before = manager.provisioner.pid
    manager.restart_kernel()
    client.wait_for_ready(timeout=60)
    assert value(client, "print(x)") == "NameError"
    assert manager.provisioner.is_warm
    assert manager.provisioner.pid != before


def test_shutdown_is_quick_quiet_and_runs_exit_handlers(kernel, tmp_path, capfd):
    manager, client = kernel
    value(client, f"import atexit, pathlib; atexit.register(pathlib.Path({str(tmp_path / 'bye')!r}).touch)")
    began = time.monotonic()
    manager.shutdown_kernel()
    # It left by itself, before the client would have killed it.
    assert time.monotonic() - began < manager.shutdown_wait_time
    assert (tmp_path / "bye").exists()
    assert "KeyboardInterrupt" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("code", "returncode"),
    [("import os; os._exit(3)", 3), ("import ctypes; ctypes.string_at(0)", -signal.SIGSEGV), ("import os; os.kill(os.getpid(), 9)", -9)],
)  # fmt: skip
def test_a_dying_kernel_is_noticed(code, returncode):
    with pytest.raises(DeadKernelError):
        run(WARM, [code])
    kernel = warm._WARM.kernels[-1]
    assert kernel.wait(5) == returncode


def test_children_of_a_kernel_go_with_it(kernel):
    manager, client = kernel
    child = int(value(client, "import subprocess; p = subprocess.Popen(['sleep', '60']); print(p.pid)"))
    assert psutil.pid_exists(child)
    manager.shutdown_kernel(now=True)
    deadline = time.monotonic() + 5
    while psutil.pid_exists(child) and psutil.Process(child).status() != "zombie" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie"


def test_random_numbers_differ_between_kernels():
    code = "import random, numpy as np; (random.random(), np.random.rand(), np.random.default_rng().random())"
    first, second = (run(WARM, [code])[0][0]["data"]["text/plain"] for _ in range(2))
    assert all(a != b for a, b in zip(first.strip("()").split(","), second.strip("()").split(","), strict=True))


def test_nothing_leaks_from_kernel_to_kernel(monkeypatch):
    dirty = "import os, sys, matplotlib, pandas as pd\nos.environ['LEAK'] = '1'; sys.path.append('/leak'); matplotlib.rcParams['font.size'] = 33; pd.set_option('display.precision', 1)"
    run(WARM, [dirty])
    monkeypatch.setenv("SEEN", "now")
    clean = "import os, sys, matplotlib, pandas as pd; (os.environ.get('LEAK'), os.environ.get('SEEN'), '/leak' in sys.path, matplotlib.rcParams['font.size'], pd.get_option('display.precision'))"
    assert run(WARM, [clean])[0][0]["data"]["text/plain"] == "(None, 'now', False, 10.0, 6)"


def script(body, tmp_path, **variables):
    """Start a client program."""
    file = tmp_path / "client.py"
    file.write_text(textwrap.dedent(body), encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, str(file)], stdout=subprocess.PIPE, text=True, env=os.environ | variables, cwd=tmp_path
    )


CLIENT = """
    from helpers.batch import environment, warm
    environment.prepare()
    print("script runs", flush=True)          # no __main__ guard on purpose
    from jupyter_client.manager import KernelManager
    manager = KernelManager(kernel_name=environment.WARM_KERNEL)
    manager.start_kernel()
    print(manager.provisioner.pid, warm.server_pid(), manager.provisioner.is_warm, flush=True)
"""


def test_a_killed_client_takes_its_kernel_and_warm_process_along(tmp_path):
    process = script(CLIENT + "    import time; time.sleep(60)\n", tmp_path)
    assert process.stdout.readline() == "script runs\n"
    kernel, server, is_warm = process.stdout.readline().split()
    assert is_warm == "True"
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while any(psutil.pid_exists(int(pid)) for pid in (kernel, server)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not psutil.pid_exists(int(kernel))
    assert not psutil.pid_exists(int(server))


def test_the_callers_script_is_not_run_again_and_ends_with_its_kernel(tmp_path):
    process = script(CLIENT, tmp_path)
    said, _ = process.communicate(timeout=60)
    assert said.count("script runs") == 1
    assert process.returncode == 0
    kernel = int(said.split()[2])
    assert not psutil.pid_exists(kernel)


def test_nbval_uses_the_warm_kernel_by_name(tmp_path):
    book = new_notebook(cells=[new_code_cell("import sys; 'helpers.batch.preload' in sys.modules")])
    NotebookClient(book, kernel_name=WARM, record_timing=False).execute()
    assert book.cells[0].outputs[0]["data"]["text/plain"] == "True"
    nbformat.write(book, tmp_path / "one.ipynb")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--nbval",
        "--nbval-kernel-name",
        WARM,
        "-p",
        "no:cacheprovider",
        "one.ipynb",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


# Fall-backs: the reason is said, the kernel is plain, the result the same.


def is_warm_kernel(**start):
    manager = KernelManager(kernel_name=WARM)
    manager.start_kernel(**start)
    try:
        return manager.provisioner.is_warm
    finally:
        manager.shutdown_kernel(now=True)


def test_changed_import_time_variables_mean_a_plain_kernel(monkeypatch, caplog):
    run(WARM, ["1"])
    provisioner._SAID.clear()
    assert not is_warm_kernel(env=dict(os.environ) | {"PYTHONHASHSEED": "5"})
    assert "import-time variables" in caplog.text


def test_another_system_means_a_plain_kernel(monkeypatch):
    monkeypatch.setattr(warm.sys, "platform", "darwin")
    assert "Linux" in warm.available()
    assert not is_warm_kernel()


def test_a_daemonic_caller_gets_a_plain_kernel():
    script = "import multiprocessing as m; from helpers.batch import warm\nm.current_process()._config['daemon'] = True\nprint(warm.available())"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "distributed.worker.daemon" in said


def test_a_foreign_command_means_a_plain_kernel():
    with pytest.raises(warm.ColdStart, match="not an IPython kernel"):
        provisioner._request(["/usr/bin/R", "--slave"], {})
    with pytest.raises(warm.ColdStart, match="standard input"):
        provisioner._request([sys.executable, "-m", "ipykernel_launcher"], {"stdin": subprocess.PIPE})
    with pytest.raises(warm.ColdStart, match="pipe"):
        provisioner._request([sys.executable, "-m", "ipykernel_launcher"], {"stderr": subprocess.PIPE})


@pytest.mark.parametrize(
    ("preload", "reason"),
    [
        (None, "did not import"),
        (SimpleNamespace(STATE=SimpleNamespace(threads=3, backend_is_free=True)), "3 threads"),
        (SimpleNamespace(STATE=SimpleNamespace(threads=1, backend_is_free=False)), "backend"),
        (SimpleNamespace(STATE=SimpleNamespace(threads=1, backend_is_free=True)), ""),
    ],
)
def test_a_fork_that_would_not_be_honest_is_refused(monkeypatch, preload, reason):
    monkeypatch.setitem(sys.modules, forked.PRELOAD, preload)
    assert reason in forked.reason_to_refuse()
    assert bool(reason) == bool(forked.reason_to_refuse())


def test_a_refusing_child_means_a_plain_kernel(monkeypatch, caplog):
    gate = SimpleNamespace(poll=lambda _seconds: True, recv=lambda: "on purpose", close=lambda: None)
    process = SimpleNamespace(pid=None, exitcode=0)
    monkeypatch.setattr(warm, "_spawn", lambda _request: (process, gate))
    provisioner._SAID.clear()
    assert not is_warm_kernel()
    assert "on purpose" in caplog.text


def test_a_child_that_dies_before_it_answers_means_a_plain_kernel(monkeypatch, caplog):
    monkeypatch.setattr(forked, "run_kernel", os._exit)  # called with arguments that it does not take
    provisioner._SAID.clear()
    assert not is_warm_kernel()
    assert "died before" in caplog.text


def test_changed_code_means_a_new_warm_process_but_not_while_its_kernels_live(monkeypatch):
    run(WARM, ["1"])
    first = warm.server_pid()
    manager = KernelManager(kernel_name=WARM)
    manager.start_kernel()
    monkeypatch.setattr(warm._WARM, "pinned", False)
    monkeypatch.setattr(warm, "source_signature", lambda: ("edited",))
    assert not is_warm_kernel()  # a kernel of the old code lives: this one is plain
    manager.shutdown_kernel(now=True)
    assert is_warm_kernel()
    assert warm.server_pid() != first
    monkeypatch.undo()
    warm.stop()
    assert warm.server_pid() is None


def test_a_restarted_manager_keeps_its_transport():
    manager = SimpleNamespace(transport="tcp", shell_port=5000, ip="127.0.0.1")
    assert provisioner.use_sockets(manager) is None
    assert manager.transport == "tcp"


def test_marginal_cost_of_a_warm_kernel_is_a_fraction():
    """Start + the imports of a report + shutdown: CPU of kernels, by the system's accounts."""
    code = (
        "import pandas, matplotlib.pyplot, pyarrow.parquet, scipy.stats, os; t = os.times(); print(t.user + t.system)"
    )

    def cost(kernel):
        return min(float(run(kernel, [code])[0][0]["text"]) for _ in range(2))

    assert cost(WARM) < 0.35 * cost(PLAIN)


def main_of_the_client():
    return {name: getattr(sys.modules["__main__"], name, "absent") for name in ("__spec__", "__file__")}


MAIN = main_of_the_client()  # as it was before any kernel started: test runners in parallel have none of their own


def test_multiprocessing_of_the_client_is_left_as_it_was():
    assert multiprocessing.current_process().name == "MainProcess"
    assert main_of_the_client() == MAIN


def test_the_rehearsal_walks_through_everything_and_a_fault_in_it_costs_only_speed(monkeypatch):
    skipped = []
    rehearsal.rehearse(skipped)
    assert skipped == []

    def drawing():
        raise ValueError("no font")

    monkeypatch.setattr(rehearsal, "drawing", drawing)
    rehearsal.rehearse(skipped)
    assert skipped == ["rehearsal of drawing: ValueError: no font"]
