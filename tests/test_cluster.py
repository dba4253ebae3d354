"""A real Dask scheduler and two workers as separate processes on loopback; one worker is killed in the middle."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from dataclasses import replace

import batch_world
import psutil
import pytest

from helpers import paths
from helpers.batch import cluster, environment, parameters, plan, records, release, warm
from helpers.batch.options import Options

pytest.importorskip("distributed")


@pytest.fixture(scope="module", autouse=True)
def steady():
    before = dict(os.environ)
    environment.prepare()
    with warm.pinned():
        yield
    os.environ.clear()
    os.environ.update(before)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Cluster:
    """Processes started by this test, and only these."""

    def __init__(self, folder):
        self.folder = folder
        port = free_port()
        self.address = f"tcp://127.0.0.1:{port}"
        self._environment = os.environ | {
            "DASK_DISTRIBUTED__WORKER__DAEMON": "False",
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
        }
        # fmt: off
        self.scheduler = self._start("dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--no-show")
        # fmt: on
        self.workers = [self.worker(number) for number in range(2)]

    def _start(self, program, *arguments):
        command = [sys.executable, "-m", f"distributed.cli.{program}", *arguments]
        with (self.folder / f"{program}.log").open("a") as log:
            return subprocess.Popen(command, env=self._environment, cwd=self.folder, stdout=log, stderr=log)

    def worker(self, number):
        return self._start(
            "dask_worker", self.address, "--no-nanny", "--nthreads", "1", "--name", f"w{number}", "--no-dashboard",
            "--local-directory", str(self.folder),
        )  # fmt: skip

    def stop(self):
        for process in [*self.workers, self.scheduler]:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def dask(tmp_path_factory):
    running = Cluster(tmp_path_factory.mktemp("dask"))
    from distributed import Client

    with Client(running.address, timeout=60, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
    yield running
    running.stop()


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for pattern in ("*.ipynb", "*.html", "results/*.json", "tables/*/*")
        for path in folder.glob(pattern)
        if not path.name.startswith(("index", "diff"))
    }


def test_every_report_arrives_once_and_equals_a_local_run_though_a_worker_is_killed(dask, tmp_path, monkeypatch):
    monkeypatch.setenv(paths.ROOT_VARIABLE, str(tmp_path))
    batch_world.write_world(tmp_path, extra_cell="import time; time.sleep(0.5)")
    regions = (*(row["iso_3166_2"] for row in parameters.regions()[:9]), "national")
    batch_world.write_world(tmp_path, regions=regions[:-1], extra_cell="import time; time.sleep(0.5)")
    options = Options(regions=regions, jobs=2, quiet=True)
    folder = plan.resolve(options).folder
    victim = dask.workers[0]
    kernels = []

    def kill_in_the_middle():
        journal = folder / ".status.jsonl"
        deadline = time.monotonic() + 120
        while not (journal.exists() and journal.read_bytes().count(b"\n") >= 2) and time.monotonic() < deadline:
            time.sleep(0.02)
        kernels.extend(psutil.Process(victim.pid).children(recursive=True))
        victim.send_signal(signal.SIGKILL)

    killer = threading.Thread(target=kill_in_the_middle)
    killer.start()
    outcome = release.build(replace(options, scheduler=dask.address))
    killer.join()
    assert victim.wait(10) == -signal.SIGKILL
    assert outcome.exit_code == 0, outcome.summary()
    assert sorted(outcome.built) == sorted(f"{region}.ru" for region in regions)  # each exactly once
    assert psutil.wait_procs(kernels, timeout=10)[1] == []  # kernels of a dead worker do not stay
    distributed = contents(folder)
    assert len([name for name in distributed if name.endswith(".ipynb")]) == 10
    shutil.rmtree(folder)
    assert release.build(options).exit_code == 0
    assert contents(folder) == distributed
    assert all(row.status in records.BUILT for row in records.Status(folder).rows.values())


def test_a_failing_report_on_the_cluster_costs_one_report(dask, tmp_path, monkeypatch):
    monkeypatch.setenv(paths.ROOT_VARIABLE, str(tmp_path))
    batch_world.write_world(tmp_path, extra_cell="assert region != 'RU-KAM', 'нет'")
    outcome = release.build(Options(regions=("RU-CHE", "RU-KAM"), quiet=True, scheduler=dask.address))
    assert outcome.built == ("RU-CHE.ru",)
    assert "AssertionError: нет" in outcome.failed["RU-KAM.ru"]


def test_workers_with_other_code_are_refused(dask, monkeypatch):
    monkeypatch.setattr(cluster, "fingerprint", lambda: "other")
    with pytest.raises(cluster.ClusterError, match="another version of the code"):
        from distributed import Client

        with Client(dask.address, timeout=20, set_as_default=False) as client:
            client.run = lambda _function: {"tcp://w": "theirs"}
            cluster._compare(client, dask.address)


def test_a_cluster_without_workers_is_refused():
    class Empty:
        def run(self, _function):
            return {}

    with pytest.raises(cluster.ClusterError, match="has no workers; start some with: dask worker"):
        cluster._compare(Empty(), "tcp://127.0.0.1:1")


def test_no_scheduler_is_a_clear_error(monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with pytest.raises(cluster.ClusterError, match="no Dask scheduler answers at .* start one with: dask scheduler"):
        next(cluster.distributed([], f"tcp://127.0.0.1:{free_port()}", print))


def test_a_task_that_kills_its_workers_is_a_failed_report():
    class Lost(Future):
        def exception(self, timeout=None):
            return RuntimeError("Attempted to run task on 2 workers\nall of which died")

    product = cluster._product(Lost(), "RU-CHE.ru")
    assert product.error == "RuntimeError: Attempted to run task on 2 workers"
