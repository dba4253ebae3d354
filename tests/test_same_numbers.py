"""The headline's number, interval, unit and period are the same in every product of one report.

A report is made from contract tables as the batch makes it, without a kernel: notebook with the result object, page,
PDF, mail in both forms, files of tables, index and status.
"""

import csv
import io
import re
import shutil
import subprocess
from dataclasses import asdict, dataclass

import conftest
import example_notebooks
import nbformat
import openpyxl
import pandas as pd
import pytest
import test_results
import world_tables

from helpers.batch import publishing, records
from helpers.presentation import index, messages, pages
from helpers.presentation.results import Release, to_dict
from helpers.presentation.results import regional as results_regional
from helpers.presentation.tables import out as tables_out
from helpers.tables import store

LANGS = ("ru", "en")
PERIODS = {
    "2025-H1": ("I полугодие 2025 г.", "first half of 2025"),
    "2024-H1": ("I полугодие 2024 г.", "first half of 2024"),
}
real = test_results.real


def plain(text):
    """Text with ordinary spaces and minus, one space between words."""
    return " ".join(re.sub("[\u00a0\u202f]", " ", text).replace("\u2212", "-").split())


def words_of(html):
    """What a reader sees of a page."""
    body = re.sub(r"(?s)<(style|head|title)\b.*?</\1>", " ", html)
    text = re.sub(r"<[^>]+>", " ", body)
    for entity, sign in (
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", '"'),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ):
        text = text.replace(entity, sign)
    return plain(text)


@dataclass(frozen=True)
class Told:
    """The headline as numbers, and as a reader must find it."""

    value: float | None
    low: float | None
    high: float | None
    unit: str
    period: str

    def shown(self, lang):
        """Value with unit, and the ends of the interval, as the language writes them; published figures as printed."""
        places = len(repr(self.value).partition(".")[2]) if self.is_rounded else 1
        ends = places + 1 if self.is_rounded else places
        texts = [f"{self.value:.{places}f}", f"{self.low:.{ends}f}", f"{self.high:.{ends}f}"]
        return [text.replace(".", ",") for text in texts] if lang == "ru" else texts

    @property
    def is_rounded(self):
        return self.high - self.low < 0.5


def told(data):
    """From the JSON of a result object."""
    estimate = data["headline"]["estimate"]
    if estimate is None:
        return Told(None, None, None, "", data["period"])
    return Told(*(estimate[key] for key in ("value", "low", "high", "unit", "period")))


def sure(text, number):
    """Whether the number stands alone in the text, not inside another one."""
    return re.search(rf"(?<![\d.,-]){re.escape(number)}(?!\d|[.,]\d)", text) is not None


def assert_says(text, expected, lang):
    """The text shows the number with its unit, both ends of its interval and the period."""
    value, low, high = expected.shown(lang)
    assert expected.unit == "percent"
    assert sure(text, value + (" %" if lang == "ru" else "%")), (value, text[:400])
    assert sure(text, low) and sure(text, high), (low, high, text[:400])
    assert PERIODS[expected.period][LANGS.index(lang)] in text


def assert_says_nothing(text, headline):
    """The text has the words of the sentence that there are no data, and no index of the region."""
    assert set(plain(headline).replace(".", " ").split()) <= set(text.replace(".", " ").split())


def worlds(demo, facts):
    """Kind → tables, region, period, collection."""
    one = dict.fromkeys(demo)
    for name, table in demo.items():
        one[name] = table if name.startswith("reference_") else table.head(0)
    scores = demo["scores"]
    one["scores"] = scores[(scores["entity_id"] == "RU-ORL") & (scores["period"] == "2025-H1")]
    return {
        "rich": (demo, "RU-CHE", "2025-H1", "demo"),
        "poor": (one, "RU-ORL", "2025-H1", "demo"),
        "printed": (facts, "RU-CHE", "2024-H1", "real"),
        "empty": (facts, "RU-MAG", "2024-H1", "real"),
    }


@pytest.fixture(scope="module")
def made(real, tmp_path_factory):
    """Kind and language → all products of a report."""
    found = {}
    exporters = {lang: pages.Exporter(lang) for lang in LANGS}
    for kind, (tables, code, period, collection) in worlds(world_tables.tables(), real).items():
        for lang in LANGS:
            result = results_regional.regional(tables, code, period, lang, Release(collection=collection))
            path = tmp_path_factory.mktemp(kind) / f"{result.report_id}.ipynb"
            nbformat.write(example_notebooks.notebook(result), path)
            found[kind, lang] = products(path, exporters[lang])
    return found


def products(path, exporter):
    """Everything that is made from one executed notebook."""
    notebook = nbformat.read(path, as_version=4)
    result = pages.embedded(notebook)
    data = to_dict(result)
    status = records.Row(
        report_id=result.report_id, region_iso=result.region.code, lang=result.lang, period=result.period,
        collection=result.collection, status="no_data" if result.data_class == "empty" else "built",
        **publishing.facts(data),
    )  # fmt: skip
    buffer = io.StringIO()
    pd.DataFrame([asdict(status)]).to_csv(buffer, index=False)
    rows = pd.read_csv(io.StringIO(buffer.getvalue()), dtype=str, keep_default_na=False)
    page = exporter.export(notebook)
    return {
        "result": result, "json": data, "html": page, "pdf": pages.to_pdf(page), "mail": messages.body(result),
        "files": tables_out.files(result), "status": rows.iloc[0],
        "index": index.page(rows, {result.report_id: result}, store.reference("regions"), result.lang),
    }  # fmt: skip


KINDS = pytest.mark.parametrize("kind", ["rich", "poor", "printed", "empty"])
BOTH = pytest.mark.parametrize("lang", LANGS)


@KINDS
@BOTH
def test_page_and_mail_say_what_the_notebook_holds(made, kind, lang):
    report = made[kind, lang]
    expected = told(report["json"])
    mail = report["mail"]
    for text in (words_of(report["html"]), words_of(mail.html), plain(mail.text)):
        if kind == "empty":
            assert expected.value is None
            assert_says_nothing(text, report["json"]["headline"]["sentence"])
        else:
            assert_says(text, expected, lang)


@KINDS
@BOTH
def test_pdf_says_what_the_notebook_holds(made, kind, lang, tmp_path):
    if shutil.which("pdftotext") is None and not conftest.on_ci():
        pytest.skip("pdftotext absent: run tools/install_system.sh")
    report = made[kind, lang]
    path = tmp_path / "report.pdf"
    path.write_bytes(report["pdf"])
    done = subprocess.run(["pdftotext", "-layout", str(path), "-"], capture_output=True, timeout=60, check=True)
    text = plain(done.stdout.decode("utf-8"))
    if kind == "empty":
        assert_says_nothing(text, report["json"]["headline"]["sentence"])
    else:
        assert_says(text, told(report["json"]), lang)
    info = subprocess.run(["pdfinfo", str(path)], capture_output=True, text=True, timeout=60, check=True).stdout
    assert int(re.search(r"Pages:\s+(\d+)", info)[1]) <= 4


def headline_row(rows):
    header, *body = rows
    found = [dict(zip(header, row, strict=True)) for row in body]
    nothing = dict.fromkeys(header, "") if all(row["key"] != "index" for row in found) else None
    return next((row for row in found if row["key"] == "index"), nothing)


@KINDS
@BOTH
def test_tables_and_status_have_the_same_numbers(made, kind, lang):
    report = made[kind, lang]
    expected = told(report["json"])
    prefix = "demo_" if report["result"].is_synthetic else ""
    text = report["files"][f"{prefix}kpis.csv"].decode("utf-8-sig")
    of_csv = headline_row(csv.reader(io.StringIO(text)))
    book = openpyxl.load_workbook(io.BytesIO(report["files"][f"{prefix}tables.xlsx"]))
    of_xlsx = headline_row([[cell.value for cell in row] for row in book["kpis"].iter_rows()])
    status = report["status"]
    numbers = {
        "csv": [of_csv[key] for key in ("value", "low", "high")],
        "xlsx": [of_xlsx[key] for key in ("value", "low", "high")],
        "status": [status[key] for key in ("value", "value_low", "value_high")],
    }
    for name, found in numbers.items():
        values = [None if cell in ("", None) else float(cell) for cell in found]
        assert values == [expected.value, expected.low, expected.high], name
    for unit in (of_csv["unit"], of_xlsx["unit"] or "", status["unit"]):
        assert unit == expected.unit
    assert status["period"] == expected.period
    assert (of_csv["key"], of_xlsx["key"]) == (("", "") if kind == "empty" else ("index", "index"))
    if kind != "empty":
        assert of_csv["period"] == of_xlsx["period"] == expected.period


@KINDS
@BOTH
def test_index_has_the_same_numbers(made, kind, lang):
    report = made[kind, lang]
    expected = told(report["json"])
    row = re.search(r'<tr[^>]*><th scope="row">.*?</tr>', report["index"])[0]
    cells = [words_of(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]
    head = [words_of(cell) for cell in re.findall(r'<th scope="col"[^>]*>(.*?)</th>', report["index"])]
    assert all(text.endswith("%") for text in head[2:4])
    missing = "н/д" if lang == "ru" else "n/a"
    if kind == "empty":
        assert cells[1:3] == [missing, missing]
    else:
        value, low, high = expected.shown(lang)
        assert cells[1:3] == [value, f"{low}–{high}"]
    assert PERIODS[expected.period][LANGS.index(lang)] in words_of(report["index"])


def test_kinds_are_what_they_are_called(made):
    assert made["rich", "ru"]["result"].data_class == "rich" and made["empty", "ru"]["result"].data_class == "empty"
    assert told(made["printed", "ru"]["json"]).is_rounded and not told(made["poor", "ru"]["json"]).is_rounded
    assert made["poor", "ru"]["result"].effect is None and made["poor", "ru"]["result"].rank is None


def test_another_number_is_noticed(made):
    report = made["rich", "ru"]
    expected = told(report["json"])
    value = expected.shown("ru")[0]
    changed = words_of(report["html"]).replace(value, "12,3")
    with pytest.raises(AssertionError):
        assert_says(changed, expected, "ru")
    assert not sure("161,3 %", "61,3 %") and not sure("-61,3 %", "61,3 %") and sure("(61,3 %)", "61,3 %")
