"""CPU and wall per report: command-line loop, papermill API, this batch, and a pure function drawing the same page.

    python benchmarks/batch.py ways --reports 4           # interleaved; --collection demo for reports full of charts
    python benchmarks/batch.py check --reports 89         # nbval: ours on all of them, plain on --sample of them
    python benchmarks/batch.py kernel                     # start + imports + shutdown of one kernel
    python benchmarks/batch.py flat --sizes 3,89,300      # cost per report as their number grows (invented places)
    python benchmarks/batch.py again --reports 89         # a whole run, its peak memory, and a second run

All of it works in a temporary copy. CPU seconds are those of the whole process tree; ratios inside one run mean more
than the seconds.
"""

import argparse
import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

REPOSITORY = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
PERIODS, LANG = {"real": "2024-H1", "demo": "2025-H1"}, "ru"


def world(base: Path, collection: str) -> Path:
    """A copy of data, tables and notebooks; the repository's own reports stay untouched."""
    root, other = base / "world", () if collection == "demo" else ("demo*",)
    for name in ("data", "notebooks", "reports/sample"):
        shutil.copytree(REPOSITORY / name, root / name, ignore=shutil.ignore_patterns(*other, ".ipynb_checkpoints"))
    shutil.copy(REPOSITORY / "params.toml", root)
    return root


def cost(command: list[str], root: Path) -> tuple[float, float]:
    """CPU and wall seconds of a command with everything it started and waited for."""
    before, began = os.times(), time.perf_counter()
    environment = os.environ | {
        "CLIENT_CENTRICITY_ROOT": str(root),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    subprocess.run(command, cwd=root, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = os.times()
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    return cpu, time.perf_counter() - began


def child(root: Path, code: str, *arguments: str) -> dict[str, float]:
    """Run a piece of Python in a process of its own; it prints its figures as JSON on the last line."""
    environment = os.environ | {"CLIENT_CENTRICITY_ROOT": str(root)}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    return json.loads(done.stdout.splitlines()[-1])


def region_codes(root: Path, number: int) -> list[str]:
    with (root / "data" / "reference" / "regions.csv").open(encoding="utf-8-sig", newline="") as stream:
        codes = [row["iso_3166_2"] for row in csv.DictReader(stream)]
    first = ["RU-CHE", "RU-KAM", "RU-YAN", "RU-MAG"]
    return (first + [code for code in codes if code not in first])[:number]


def loop(root: Path, region: str, collection: str) -> tuple[float, float]:
    """What a user would write: one papermill and one nbconvert command per region."""
    template, target = root / "notebooks" / "05_region_report.ipynb", root / f"{region}.ipynb"
    run = [str(BIN / "papermill"), str(template), str(target), "-p", "region", region]
    more = ["-p", "period", PERIODS[collection], "-p", "lang", LANG, "-p", "collection", collection]
    first = cost([*run, *more, "--no-progress-bar"], root)
    convert = [str(BIN / "jupyter"), "nbconvert", "--to", "html", "--no-input", str(target)]
    second = cost(convert, root)
    return first[0] + second[0], first[1] + second[1]


API = """
import json, os, sys, time
import papermill
from nbconvert import HTMLExporter
regions, collection, period, out = sys.argv[1].split(","), *sys.argv[2:5]
exporter = HTMLExporter(exclude_input=True)
costs = []
for region in regions:
    before, began = os.times(), time.perf_counter()
    book = papermill.execute_notebook("notebooks/05_region_report.ipynb", f"{out}/{region}.api.ipynb",
        parameters=dict(region=region, period=period, lang="ru", collection=collection), progress_bar=False)
    exporter.from_notebook_node(book)
    after = os.times()
    costs.append([sum(after[:4]) - sum(before[:4]), time.perf_counter() - began])
print(json.dumps({"cpu": [c for c, _ in costs], "wall": [w for _, w in costs]}))
"""

OURS = """
import json, sys
from dataclasses import replace
from helpers.batch import records, release
from helpers.batch.options import Options
regions, collection, period, force = tuple(sys.argv[1].split(",")), *sys.argv[2:5]
wanted = Options(
    collection, period, regions=regions, langs=("ru",), jobs=2, quiet=True, force=force == "force",
)
outcome = release.build(wanted)
assert outcome.exit_code == 0, outcome.summary()
rows = records.Status(outcome.folder).rows
cpu = [float(rows[f"{region}.ru"].cpu_seconds) for region in regions]
print(json.dumps({"cpu": cpu, "whole": outcome.cpu_seconds, "wall": outcome.seconds}))
"""

PURE = """
import json, os, sys, time
import nbformat
from IPython.core.formatters import DisplayFormatter
import IPython.display
from IPython.core.interactiveshell import InteractiveShell
from helpers.presentation import blocks, pages, results
from helpers.presentation.results import context as results_context, regional as results_regional
from helpers.presentation.tables import out as tables_out
import matplotlib
matplotlib.use("agg")
shell = InteractiveShell.instance()
from IPython.utils.capture import capture_output
template = nbformat.read("notebooks/05_region_report.ipynb", as_version=4)
exporter = pages.Exporter("ru")

def draw(region):
    '''The cells as one plain function: no kernel, no messages, no papermill.'''
    names = dict(region=region, period=period, lang="ru", collection=collection)
    book = nbformat.v4.new_notebook(metadata=dict(template.metadata))
    for cell in template.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type != "code" or "parameters" in tags:
            continue
        with capture_output() as seen:
            exec(compile(cell.source, "cell", "exec"), names)
        made = nbformat.v4.new_code_cell(cell.source, metadata={"tags": tags}, execution_count=1)
        made.outputs = [
            nbformat.v4.new_output("display_data", data=o.data, metadata=o.metadata or {}) for o in seen.outputs
        ]
        book.cells.append(made)
    page = exporter.export(book)
    tables_out.files(names["result"])
    results.to_json(names["result"])
    return page

regions, collection, period = sys.argv[1].split(","), *sys.argv[2:4]
pages_made = [draw(regions[0])]      # the warm-up
costs = []
for region in regions:
    before, began = time.process_time(), time.perf_counter()
    page = draw(region)
    costs.append([time.process_time() - before, time.perf_counter() - began])
    assert len(page) > 5000
print(json.dumps({"cpu": [c for c, _ in costs], "wall": [w for _, w in costs]}))
"""

STEPS = """
import json, sys
from helpers.batch import release
from helpers.batch.options import Options
outcome = release.prepare(Options(sys.argv[1], sys.argv[2], quiet=True))
assert outcome.exit_code == 0, outcome.summary()
print(json.dumps({}))
"""


def ways(root: Path, asked: argparse.Namespace) -> None:
    """Four ways, interleaved region by region."""
    collection, reports = asked.collection, asked.reports
    where = (collection, PERIODS[collection])
    child(root, STEPS, *where)
    regions = region_codes(root, reports)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ("loop", "api", "ours", "pure")}
    whole = []
    for _ in range(asked.rounds):
        for region in regions:
            found["loop"].append(loop(root, region, collection))
            for name, code, more in (("api", API, (str(root),)), ("pure", PURE, ())):
                figures = child(root, code, region, *where, *more)
                found[name] += zip(figures["cpu"], figures["wall"], strict=True)  # type: ignore[call-overload]
        # The first report of each thread pays for imports of papermill and nbconvert: two more go ahead, uncounted.
        ahead = [region for region in region_codes(root, reports + 2) if region not in regions]
        shutil.rmtree(root / "reports" / collection / where[1] / "results", ignore_errors=True)  # so all are made again
        figures = child(root, OURS, ",".join([*ahead, *regions]), *where, "force" if collection == "real" else "")
        figures["cpu"] = figures["cpu"][2:]  # type: ignore[index]
        found["ours"] += [(cpu, figures["wall"] / (reports + 2)) for cpu in figures["cpu"]]  # type: ignore[attr-defined]
        whole.append(figures["whole"])
    base = statistics.median(cpu for cpu, _ in found["loop"])
    pure = statistics.median(cpu for cpu, _ in found["pure"])
    print(
        f"{'way':6} {'CPU s':>7} {'wall s':>7} {'/ loop':>7} {'/ pure':>7}"
        f"   {collection}, medians per report, {len(found['loop'])} runs"
    )
    for name, values in found.items():
        cpu, wall = (statistics.median(column) for column in zip(*values, strict=True))
        print(f"{name:6} {cpu:7.2f} {wall:7.2f} {cpu / base:7.3f} {cpu / pure:7.2f}")
    ours = statistics.mean(cpu for cpu, _ in found["ours"])
    machinery = statistics.median(cpu for cpu, _ in found["ours"]) - pure
    print(f"papermill, kernel, messages: {machinery:.2f} CPU s a report more than the pure function")
    if collection == "real":
        fixed = statistics.median(whole) - ours * (reports + 2)
        print(f"ours, fixed part of a run (steps, warm process, index): {fixed:.1f} CPU s")
        print(f"89 reports of this mixture: {89 * ours:.0f} CPU s, with the fixed part {89 * ours + fixed:.0f} CPU s,"
              f" {(89 * ours + fixed) / 89 / base:.3f} of the loop")  # fmt: skip


CHECK = """
import json, os, sys, time
from pathlib import Path
from helpers.batch import check, warm
began, cpu = time.perf_counter(), time.process_time()
verdicts = check.validate([Path(p) for p in sys.argv[2:]], jobs=2, engine=sys.argv[1])
assert all(v.passed for v in verdicts), verdicts
used = time.process_time() - cpu + warm.cpu_seconds() + sum(v.kernel_seconds for v in verdicts)
print(json.dumps({"cpu": used, "warm": warm.cpu_seconds(), "wall": time.perf_counter() - began}))
"""


def check(root: Path, asked: argparse.Namespace) -> None:
    """Nbval of the same notebooks: the plain command on a sample, ours on all."""
    regions = region_codes(root, asked.reports)
    child(root, OURS, ",".join(regions), "real", PERIODS["real"], "")
    books = [str(root / "reports" / "real" / PERIODS["real"] / f"{region}.ru.ipynb") for region in regions]
    step = max(1, len(books) // asked.sample)
    sample = books[::step][: asked.sample]
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-kernel-name", "python3"]
    plain, wall = cost([*command, "-p", "no:cacheprovider", *sample], root)
    ours = child(root, CHECK, "warm", *books)
    each, own = plain / len(sample), ours["cpu"] / len(books)
    print(f"plain nbval, {len(sample)} notebooks: {each:.2f} CPU s each ({wall:.0f} s wall)")
    print(f"ours, {len(books)} notebooks: {own:.2f} CPU s each, the warm process ({ours['warm']:.1f} s) included"
          f" ({ours['wall']:.0f} s wall); ratio {own / each:.2f}")  # fmt: skip


KERNEL = """
import json, os, sys, time
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from helpers.batch import environment
environment.prepare()
code = "from helpers.presentation import blocks\\nfrom helpers.presentation.results import context, regional\\n"
code += "import os; t = os.times(); print(t.user + t.system)"
found = []
for _ in range(5):
    book = new_notebook(cells=[new_code_cell(code)])
    before = time.process_time()
    NotebookClient(book, kernel_name=sys.argv[1]).execute()
    found.append([float(book.cells[0].outputs[0].text), time.process_time() - before])
print(json.dumps({"kernel": min(k for k, _ in found), "client": min(c for _, c in found)}))
"""


def kernel(root: Path, _asked: argparse.Namespace) -> None:
    """One kernel with the imports of a report."""
    plain, warm = (child(root, KERNEL, name) for name in ("python3", "client-centricity-warm"))
    for name, figures in (("plain", plain), ("warm", warm)):
        print(f"{name}: kernel {figures['kernel']:.2f} CPU s, its client {figures['client']:.2f}")
    print(f"ratio of the kernels {warm['kernel'] / plain['kernel']:.3f}")


PLACES = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import os
import batch_world
from helpers.batch import records, release
from helpers.batch.options import Options
root, number = Path(os.environ["CLIENT_CENTRICITY_ROOT"]), int(sys.argv[2])
names = tuple(f"RU-M{n:04}" for n in range(number))
batch_world.write_world(root, regions=names)
register = root / "data" / "reference" / "regions.csv"
head, first = register.read_text(encoding="utf-8-sig").splitlines()[:2]
rows = [first.replace("RU-AD", name).replace("Адыге", f"Адыге{name}") for name in names]
register.write_text("\\n".join([head, *rows]) + "\\n", encoding="utf-8")
began = time.perf_counter()
release.build(Options(dry_run=True))
planned = time.perf_counter() - began
if len(sys.argv) > 3:
    print(json.dumps({"planned": planned}))
    raise SystemExit
release.prepare(Options(quiet=True, jobs=2))
outcome = release.build(Options(regions=names, quiet=True, jobs=2))
assert len(outcome.built) == number, outcome.summary()[:2000]
events = [json.loads(line) for line in (outcome.folder / "run.jsonl").read_text().splitlines()]
order = [event["item"] for event in events if event["event"] == "done"]
rows = records.Status(outcome.folder).rows
cpu = [float(rows[name].cpu_seconds) for name in order]
later = cpu[2:] or cpu  # the first report of each thread imports papermill and nbconvert
print(json.dumps({"cpu": sum(later) / len(later), "all": sum(cpu) / number, "planned": planned,
                  "whole": outcome.cpu_seconds / number}))
"""


def flat(base: Path, sizes: list[int]) -> None:
    """Cost per report from a handful to many; planning alone for 2 300."""
    tests = str(REPOSITORY / "tests")
    for size in sizes:
        root = base / f"places{size}"
        root.mkdir()
        figures = child(root, PLACES, tests, str(size))
        print(
            f"{size:5} reports: {figures['cpu']:.3f} CPU s each after the first of a thread"
            f" ({figures['all']:.3f} with it), {figures['whole']:.3f} with index and records",
            flush=True,
        )
        shutil.rmtree(root)
    root = base / "places2300"
    root.mkdir()
    print(f" 2300 reports: planned in {child(root, PLACES, tests, '2300', 'plan')['planned']:.1f} s")


def peak_memory(pid: int, stop: threading.Event) -> float:
    """Largest sum of proportional set sizes of a process tree, MB."""
    highest = 0.0
    while not stop.wait(0.2):
        total = 0
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            try:
                total += process.memory_full_info().pss
            except (psutil.Error, AttributeError):
                continue
        highest = max(highest, total / 2**20)
    return highest


def again(root: Path, asked: argparse.Namespace) -> None:
    """A first run, its memory, and a second run with nothing changed, as a command."""
    regions = ",".join(region_codes(root, asked.reports))
    stop, highest = threading.Event(), [0.0]
    watcher = threading.Thread(target=lambda: highest.append(peak_memory(os.getpid(), stop)))
    watcher.start()
    first = child(root, OURS, regions, "real", PERIODS["real"], "")
    stop.set()
    watcher.join()
    command = [str(BIN / "reports"), "build", "--regions", regions, "--lang", LANG, "--quiet"]
    second, wall = cost(command, root)
    record = json.loads((root / "reports" / "real" / PERIODS["real"] / "run.json").read_text())
    print(f"first run of {asked.reports} reports with everything: {first['whole']:.1f} CPU s in {first['wall']:.0f} s,"
          f" {statistics.mean(first['cpu']):.2f} each ({statistics.median(first['cpu']):.2f} median),"  # type: ignore[arg-type]
          f" peak memory {max(highest):.0f} MB")  # fmt: skip
    print(f"second run: {second:.2f} CPU s in {wall:.1f} s, {record['skipped']} up to date,"
          f" {len(record['built'])} built; second / first {second / first['whole']:.4f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["ways", "check", "kernel", "flat", "again"])
    parser.add_argument("--collection", choices=list(PERIODS), default="real")
    parser.add_argument("--reports", type=int, default=4)
    parser.add_argument("--sample", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--sizes", default="3,24,89")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="batch-benchmark-") as folder:
        if asked.what == "flat":
            flat(Path(folder), [int(size) for size in asked.sizes.split(",")])
            return
        sections: dict[str, Callable[[Path, argparse.Namespace], None]] = {
            "ways": ways, "check": check, "kernel": kernel, "again": again,
        }  # fmt: skip
        sections[asked.what](world(Path(folder), asked.collection), asked)


if __name__ == "__main__":
    main()
