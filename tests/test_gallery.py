"""The gallery: its pictures exist, are described and compressed, and the tool that makes them works."""

import importlib.util
import re
import sys
from pathlib import Path

import conftest
import example_notebooks
import example_results as examples
import nbformat
import pytest
from PIL import Image
from test_accessibility import need_browser

ROOT = Path(__file__).resolve().parents[1]
GALLERY = ROOT / "docs" / "gallery"


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("gallery_tool", ROOT / "tools" / "gallery.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["gallery_tool"] = module
    spec.loader.exec_module(module)
    return module


def shown():
    text = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    return re.findall(r"!\[([^\]]*)\]\(gallery/([\w-]+)\.png\)", text)


def test_every_picture_of_the_page_can_be_made_and_is_described(tool):
    names = [name for _, name in shown()]
    assert set(names) <= set(tool.PICTURES) | set(tool.PRINTS)
    assert len(set(names)) == len(names)
    assert all(len(alt) > 25 for alt, _ in shown())


def test_pictures_are_there_and_small(tool):
    missing = [name for _, name in shown() if not (GALLERY / f"{name}.png").exists()]
    if missing and not conftest.on_ci():
        pytest.skip(f"pictures not made yet ({len(missing)}): make sample, then make gallery")
    assert not missing
    for _, name in shown():
        path = GALLERY / f"{name}.png"
        assert path.stat().st_size <= tool.MOST_BYTES
        picture = Image.open(path)
        assert picture.mode == "P" and len(picture.getcolors(256)) > 3, f"{name} is empty"


@pytest.fixture
def samples(tmp_path):
    folder = tmp_path / "sample" / "real"
    folder.mkdir(parents=True)
    for kind in ("poor", "empty"):
        result = examples.ALL[kind]("ru")
        nbformat.write(example_notebooks.notebook(result), folder / f"{kind}.{result.report_id}.ipynb")
    (folder / "01_clean.ipynb").write_text(nbformat.writes(nbformat.v4.new_notebook()), encoding="utf-8")
    return tmp_path / "sample"


def test_notebooks_are_found_by_the_result_they_carry(tool, samples):
    assert sorted(tool.find(samples)) == [("empty", "ru"), ("poor", "ru")]


@pytest.mark.browser
@pytest.mark.slow
def test_pictures_are_made_from_notebooks(tool, samples, tmp_path, monkeypatch, capsys):
    need_browser()
    target = tmp_path / "pictures"
    assert tool.main([str(samples), str(target)]) == 0
    made = {path.stem for path in target.glob("*.png")}
    assert made == {"phone-little-data", "phone-no-data", "print-no-data"}
    for path in target.glob("*.png"):
        assert path.stat().st_size <= tool.MOST_BYTES
        assert len(Image.open(path).convert("RGB").getcolors(1 << 20)) > 10
    assert "phone-no-data.png" in capsys.readouterr().out


def test_without_reports_the_tool_says_what_to_do(tool, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(tool.shutil, "which", lambda name: None)
    assert tool.main([str(tmp_path)]) == 1
    assert "install_system.sh" in capsys.readouterr().err
