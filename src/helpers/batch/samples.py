"""``reports/sample/``: four executed reports in two languages, kept in git; `make test` re-runs and compares them."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from helpers import paths
from helpers.batch import check, files, locking, records, release
from helpers.batch.options import Options, Outcome
from helpers.batch.plan import NATIONAL_ID
from helpers.batch.rehearsal import RESULT_MIME as RESULT_MIME

PATIENCE = 300  # seconds to wait for another run
# One region with rich data, one with little, one with none, and the country.
SAMPLES = ("RU-CHE", "RU-KAM", "RU-MAG", NATIONAL_ID)
LANGUAGES = ("ru", "en")


class SampleError(Exception):
    """The samples could not be made; the message says why."""


def folder() -> Path:
    """Where the samples are kept."""
    return paths.root() / "reports" / "sample"


def make(options: Options | None = None) -> tuple[Path, ...]:
    """Build and check the sample reports of the real collection and copy notebook and page to ``reports/sample``.

    Raises
    ------
    SampleError
        If one of them is not built or does not re-run with the same result: the old samples stay.
    """
    wanted = replace(options or Options(), collection="real", regions=SAMPLES, langs=LANGUAGES, check=True)
    outcome: Outcome = release.build(wanted)
    if outcome.exit_code:
        raise SampleError(outcome.summary())
    rows = records.Status(outcome.folder).rows
    made = []
    for name in (f"{region}.{lang}" for region in SAMPLES for lang in LANGUAGES):
        if not rows[name].is_checked:
            raise SampleError(f"{name} has not been checked")
        for column in ("notebook_sha256", "html_sha256"):
            source = records.part_path(outcome.folder, name, column)
            files.write(folder() / source.name, source.read_bytes())
            made.append(folder() / source.name)
    return tuple(made)


def notebooks() -> tuple[Path, ...]:
    """The sample notebooks that are there."""
    return tuple(sorted(folder().glob("*.ipynb")))


def revalidate(samples: Sequence[Path] = (), jobs: int = 2, pictures: bool = False) -> list[check.Verdict]:
    """Re-run samples strictly through nbval.

    Parameters
    ----------
    samples
        Notebooks; default all of ``reports/sample``.
    pictures
        Also compare pictures byte for byte; only true on the platform that drew them.

    Returns
    -------
    list of Verdict

    Raises
    ------
    SampleError
        If the tables that they read cannot be made.
    """
    outcome = _prepared()
    if outcome.exit_code:
        raise SampleError(outcome.summary())
    return check.validate(list(samples) or list(notebooks()), jobs=jobs, pictures=pictures)


def _prepared() -> Outcome:
    """The tables of the real collection, made if they are missing or old; waits for another run to end."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return release.prepare(Options(collection="real", quiet=True))
        except locking.Busy:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)
