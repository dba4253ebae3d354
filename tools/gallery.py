"""Pictures of the sample and demonstration reports for docs/gallery: phone, desktop, dark, forced dark, grey, print.

usage: python tools/gallery.py [folder with executed report notebooks] [folder for the pictures]

The notebooks (``reports/sample`` by default, and the demonstration release where ``make reports`` has built it) are
turned into pages as a batch does it, opened in Debian's chromium by ``tests/node/shots.mjs`` and printed by the
project's own PDF; nothing is retouched. ``make gallery`` calls this.
"""

import base64
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from PIL import Image

from helpers import paths
from helpers.presentation import figures, messages, pages
from helpers.presentation.results import NationalResult, Result

ROOT = Path(__file__).resolve().parents[1]
SHOTS = ROOT / "tests" / "node" / "shots.mjs"
PHONE: dict[str, Any] = {"width": 360, "scale": 1.5, "height": 760, "scheme": "light"}
SCREENS = 3  # of a phone, side by side
# picture: (kind of report, language, what is different from a phone in the light)
PICTURES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "desktop": ("rich", "ru", {"width": 800, "scale": 1, "height": 1400}),
    "desktop-dark": ("rich", "ru", {"width": 800, "scale": 1, "height": 1400, "scheme": "dark"}),
    "phone": ("rich", "ru", {}),
    "phone-dark": ("rich", "ru", {"scheme": "dark"}),
    "phone-forced-dark": ("rich", "ru", {"forced": True}),
    "phone-grey": ("rich", "ru", {"grey": True}),
    "phone-english": ("rich", "en", {}),
    "phone-little-data": ("poor", "ru", {}),
    "phone-no-data": ("empty", "ru", {}),
    "phone-national": ("national", "ru", {}),
    "demo-phone": ("demo rich", "ru", {}),
    "demo-desktop": ("demo rich", "ru", {"width": 900, "scale": 1, "height": 1900}),
    "demo-index": ("demo index", "ru", {"width": 1120, "scale": 1, "height": 900}),
    "mail-phone": ("rich mail", "ru", {}),
    "mail-desktop": ("rich mail", "ru", {"width": 700, "scale": 1, "height": 1300}),
    "mail-dark": ("rich mail", "ru", {"scheme": "dark"}),
    "mail-forced-dark": ("rich mail", "ru", {"forced": True}),
}
PRINTS = {"print": ("rich", "ru"), "print-no-data": ("empty", "ru"), "demo-print": ("demo rich", "ru")}
DEMO = "RU-CHE.ru"  # the demonstration report that shows every block
COLOURS = 160
MOST_BYTES = 160_000


def main(arguments: list[str]) -> int:
    """Make every picture whose report is there; exit code 1 if there is no report or no browser."""
    source = Path(arguments[0]) if arguments else paths.root() / "reports" / "sample"
    target = Path(arguments[1]) if len(arguments) > 1 else ROOT / "docs" / "gallery"
    if not shutil.which("node") or not (SHOTS.parent / "node_modules").is_dir():
        print("node or its packages are absent: run tools/install_system.sh", file=sys.stderr)
        return 1
    notebooks = find(source)
    if not notebooks:
        print(f"no executed report notebook under {source}: run `make sample` first", file=sys.stderr)
        return 1
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        made = {key: page_file(notebook, Path(folder)) for key, notebook in notebooks.items()}
        made |= demonstration(Path(folder)) if not arguments else {}
        made |= {(f"{kind} mail", lang): mail_file(nb, Path(folder)) for (kind, lang), nb in notebooks.items()}
        for name in shoot(made, Path(folder), target) + printed(made, Path(folder), target):
            print(name)
    return 0


def kind_of(result: Result) -> str:
    """``national``, or how much data the region has."""
    return "national" if isinstance(result, NationalResult) else result.data_class


def find(source: Path) -> dict[tuple[str, str], nbformat.NotebookNode]:
    """The first notebook, by name, of every kind and language; synthetic ones first: they show every block."""
    found: dict[tuple[str, str], nbformat.NotebookNode] = {}
    loaded = []
    for path in sorted(source.rglob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        result = pages.embedded(notebook)
        if result is not None:
            loaded.append((not result.is_synthetic, path.name, kind_of(result), result.lang, notebook))
    for _, _, kind, lang, notebook in sorted(loaded, key=lambda item: item[:2]):
        found.setdefault((kind, lang), notebook)
    return found


def demonstration(folder: Path) -> dict[tuple[str, str], Path]:
    """Page and index of the latest demonstration release; nothing where it is not built, and its pictures stay."""
    releases = sorted(paths.reports("demo").glob(f"*/{DEMO}.ipynb"))
    if not releases:
        return {}
    made = {("demo rich", "ru"): page_file(nbformat.read(releases[-1], as_version=4), folder)}
    index = releases[-1].parent / "index.html"
    return made | ({("demo index", "ru"): index} if index.is_file() else {})


def page_file(notebook: nbformat.NotebookNode, folder: Path) -> Path:
    """Page of one notebook as a file of its own name."""
    result = pages.embedded(notebook)
    if result is None:
        raise ValueError("the notebook carries no result")
    path = folder / f"{result.collection}.{result.report_id}.{kind_of(result)}.html"
    path.write_text(pages.Exporter(result.lang).export(notebook), encoding="utf-8")
    return path


def mail_file(notebook: nbformat.NotebookNode, folder: Path) -> Path:
    """Body of the letter of one report, its picture inside, as a file of its own name."""
    result = pages.embedded(notebook)
    if result is None:
        raise ValueError("the notebook carries no result")
    figure = figures.draw(result, "comparison")
    alt = figures.alt(result, "comparison") if figure is not None else ""
    body = messages.body(result, "comparison" if figure is not None else "", alt).html
    if figure is not None:
        picture = base64.b64encode(figures.encode(figure)[0]).decode("ascii")
        body = body.replace("cid:comparison", f"data:image/png;base64,{picture}")
    path = folder / f"{result.report_id}.{kind_of(result)}.mail.html"
    path.write_text(body, encoding="utf-8")
    return path


def shoot(made: dict[tuple[str, str], Path], folder: Path, target: Path) -> list[str]:
    """Pictures of the screen; a phone shows the first screens of the page side by side."""
    jobs, names = [], []
    for name, (kind, lang, options) in PICTURES.items():
        if (kind, lang) not in made:
            continue
        names.append(name)
        job = {**PHONE, "file": str(made[kind, lang]), **options}
        screens = SCREENS if job["width"] == PHONE["width"] else 1
        for screen in range(screens):
            jobs.append({**job, "top": screen * job["height"], "out": str(folder / f"{name}.{screen}.png")})
    (folder / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")
    subprocess.run(["node", str(SHOTS), str(folder / "jobs.json")], check=True)
    for name in names:
        save(beside(sorted(folder.glob(f"{name}.[0-9].png"))), target / f"{name}.png")
    return [f"{name}.png" for name in names]


def printed(made: dict[tuple[str, str], Path], folder: Path, target: Path) -> list[str]:
    """All sheets of the PDF side by side."""
    names = []
    for name, (kind, lang) in PRINTS.items():
        if (kind, lang) not in made:
            continue
        document = folder / f"{name}.pdf"
        document.write_bytes(pages.to_pdf(made[kind, lang].read_text(encoding="utf-8")))
        subprocess.run(["pdftoppm", "-r", "70", "-png", str(document), str(folder / f"{name}-sheet")], check=True)
        save(beside(sorted(folder.glob(f"{name}-sheet*.png"))), target / f"{name}.png")
        names.append(f"{name}.png")
    return names


def beside(files: list[Path], gap: int = 24) -> Image.Image:
    """Pictures in a row on grey."""
    images = [Image.open(file).convert("RGB") for file in files]
    wide = sum(image.width for image in images) + gap * (len(images) - 1)
    sheet = Image.new("RGB", (wide, max(image.height for image in images)), "#b5b9bb" if len(images) > 1 else "#ffffff")
    left = 0
    for image in images:
        sheet.paste(image, (left, 0))
        left += image.width + gap
    return sheet


def save(image: Image.Image, path: Path) -> None:
    """Palette PNG; made smaller if it would be larger than a page needs."""
    for _ in range(8):
        image.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size <= MOST_BYTES:
            return
        image = image.resize((image.width * 9 // 10, image.height * 9 // 10), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
