"""CPU seconds and bytes of each chart of a full-sized report: drawn, rendered and compressed, the median of some runs.

usage: python benchmarks/figures.py [runs]        (about ten seconds)

The aim is about 0.2 s of CPU and 40 kB per chart; it is measured here and not in a timed test, because a shared machine
would make such a test fail now and then for no fault of the code.
"""

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import example_full

from helpers.presentation import figures


def seconds(result, name):
    started = time.process_time()
    figure = figures.draw(result, name)
    data, _, _ = figures.encode(figure)
    return time.process_time() - started, len(data)


def main(runs):
    result = example_full.rich("ru")
    regional = [name for name in figures.BLOCKS if figures.draw(result, name) is not None]
    seconds(result, regional[0])  # fonts and caches
    total_time, total_bytes = 0.0, 0
    print(f"{'chart':<12}{'CPU s':>8}{'bytes':>9}")
    for name in regional:
        measured = [seconds(result, name) for _ in range(runs)]
        middle, size = statistics.median(t for t, _ in measured), measured[0][1]
        total_time, total_bytes = total_time + middle, total_bytes + size
        print(f"{name:<12}{middle:>8.3f}{size:>9}")
    print(f"{'all':<12}{total_time:>8.3f}{total_bytes:>9}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
