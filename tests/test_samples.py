"""The sample reports in git give the same outputs when they are run again, and one changed number is noticed."""

import json
import os
import re
import shutil

import nbformat
import pytest
from conftest import on_ci

from helpers.batch import environment, samples

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def books():
    before = dict(os.environ)
    environment.prepare()
    found = samples.notebooks()
    if not found and not on_ci():
        pytest.skip("reports/sample is empty; run: make sample")
    yield found
    os.environ.clear()
    os.environ.update(before)


def test_there_is_a_rich_a_poor_an_empty_and_a_national_sample_with_outputs(books):
    made = {f"{region}.{lang}.ipynb" for region in samples.SAMPLES for lang in samples.LANGUAGES}
    assert {path.name for path in books} == made
    classes = []
    for path in books:
        book = nbformat.read(path, as_version=4)
        code = [cell for cell in book.cells if cell.cell_type == "code"]
        assert all(cell.execution_count for cell in code)
        assert path.with_suffix(".html").read_text(encoding="utf-8").rstrip().endswith("</html>")
        results = [
            output["data"][samples.RESULT_MIME]
            for cell in code
            for output in cell.outputs
            if samples.RESULT_MIME in output.get("data", {})
        ]
        assert len(results) == 1
        classes += [results[0]["data_class"]] if path.name[:3] == "RU-" else []
    assert sorted(set(classes)) == ["empty", "poor", "rich"]


def test_samples_run_again_with_the_same_outputs_and_a_changed_number_does_not(books, tmp_path):
    rich = next(path for path in books if path.name.startswith("RU-CHE"))
    altered = tmp_path / rich.name
    shutil.copy(rich, altered)
    content = json.loads(altered.read_text(encoding="utf-8"))
    texts = [
        output["data"]["text/html"]
        for cell in content["cells"]
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    ]
    lines = next(lines for lines in texts if re.search(r"\d", re.sub(r"<[^>]*>", "", "".join(lines))))
    number = next(n for n, line in enumerate(lines) if re.search(r">[^<]*\d", line))
    lines[number] = re.sub(r"(>[^<]*?)(\d)", lambda m: f"{m[1]}{(int(m[2]) + 1) % 10}", lines[number], count=1)
    altered.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    verdicts = samples.revalidate([*books, altered])
    assert [verdict.message for verdict in verdicts[:-1] if not verdict.passed] == []
    assert not verdicts[-1].passed
    assert "text/html" in verdicts[-1].message
