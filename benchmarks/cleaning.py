"""How long cleaning takes: a long csv of a million records, and the sample files where they are at hand.

    python benchmarks/cleaning.py [RECORDS]

Prints seconds of wall clock and of processor, peak memory of the process, and the heaps that the cells ended in.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from helpers import paths
from helpers.intake.cleaning import CleanResult, clean_many
from helpers.tables import store

RECORDS = 1_000_000
HEAD = "Код услуги;Субъект;Наименование услуги;Период;Оценка;Срок предоставления;Количество документов\n"
GRADES = ("А", "Б+", "Б", "«В»", "Г", "B")


def write_long_file(path: Path, records: int, seed: int = 1) -> None:
    """Services before and after in long form: two records a service, names of all regions, six columns kept or not."""
    names = store.reference("regions")["name_ru_official"].tolist()
    rng = np.random.default_rng(seed)
    grades = rng.integers(0, len(GRADES), records)
    days, documents = rng.integers(1, 60, records), rng.integers(0, 13, records)
    with path.open("w", encoding="utf-8") as handle:
        handle.write(HEAD)
        for row in range(records):
            when = "до" if row % 2 == 0 else "после"
            handle.write(
                f"У-{row // 2:06d};{names[row % 89]};Услуга {row // 2 % 4000};{when};{GRADES[grades[row]]};"
                f"{days[row]} р.д.;{documents[row]} док.\n"
            )


def measure(name: str, files: list[Path]) -> list[CleanResult]:
    """Clean the files in this process and print what it cost."""
    wall, cpu = time.perf_counter(), time.process_time()
    results = clean_many(files)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    accepted = sum(result.counts.accepted for result in results)
    refused = sum(result.counts.rejected for result in results)
    cost = f"{wall:.1f} s wall, {cpu:.1f} s processor, peak {peak:,.0f} MiB"
    print(f"{name}: {cost}, {accepted:,} accepted, {refused:,} refused")
    return results


def main() -> None:
    records = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    samples = sorted((paths.shared() / "data" / "sample_raw").glob("s0*"))
    if samples:
        measure(f"{len(samples)} sample files", samples)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "услуги.csv"
        write_long_file(path, records)
        (result,) = measure(f"csv of {records:,} records ({path.stat().st_size / 1e6:.0f} MB)", [path])
    if result.counts.accepted != 3 * records:
        raise SystemExit(f"expected {3 * records:,} accepted values, got {result.counts.accepted:,}")


if __name__ == "__main__":
    main()
