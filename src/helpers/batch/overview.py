"""The pages above the reports: index and difference to the run before."""

from helpers.batch import records, workers
from helpers.batch.plan import Release


def write(release: Release, status: records.Status, stopper: workers.Stopper) -> None:
    """Bring ``status.csv``, ``index.html`` and ``diff.html`` up to date with the files."""
    with stopper.held():
        status.save()
