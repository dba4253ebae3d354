"""What several test files share: a small world of its own, outside data, and honest skips."""

import os
import shutil
from pathlib import Path

import pytest

from helpers import paths

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture
def world(tmp_path, monkeypatch):
    """An empty repository folder: reference data and notebooks as they are, no raw files, nothing processed."""
    monkeypatch.setenv(paths.ROOT_VARIABLE, str(tmp_path))
    shutil.copytree(REPOSITORY / "data" / "reference", tmp_path / "data" / "reference")
    (tmp_path / "data" / "raw").mkdir(parents=True)
    shutil.copytree(
        REPOSITORY / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints")
    )
    return tmp_path


@pytest.fixture(scope="session")
def outside_data():
    """Folder of outside data (golden values, sample files); its absence is a visible skip."""
    folder = paths.shared() / "data"
    if not folder.is_dir():
        pytest.skip("the folder ../shared with outside data is absent")
    return folder


def on_ci() -> bool:
    """Whether a missing system package is a failure instead of a skip."""
    return os.environ.get("CI", "").lower() == "true"
