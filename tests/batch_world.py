"""A small world for the batch: six tiny notebooks of the real shape, three regions with data, one raw file."""

import shutil
from dataclasses import replace
from pathlib import Path

import example_results
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers.presentation import results

REPOSITORY = Path(__file__).resolve().parents[1]
REGIONS = ("RU-CHE", "RU-KAM", "RU-ORL", "RU-AD")

CLEAN = """
import pandas as pd
from helpers import paths
panel = pd.read_csv(paths.raw() / "panel.csv")
folder = paths.processed(collection)
folder.mkdir(parents=True, exist_ok=True)
panel.to_parquet(folder / "service_panel.parquet")
pd.DataFrame({"region_iso": [""], "mean": [panel["value"].mean() if share_mean else 0.0]}).to_parquet(
    folder / "observations.parquet")
print(len(panel), "rows")
"""

REPORT_READ = """
import pandas as pd
from helpers import paths
panel = pd.read_parquet(paths.processed(collection) / "service_panel.parquet", filters=[("region_iso", "=", region)])
panel
"""

REPORT_DRAW = """
import matplotlib.pyplot as plt
figure, axes = plt.subplots(figsize=(4, 3), dpi=72)
axes.plot(panel["month"], panel["value"], marker="o")
axes.set_title(f"{region}: {panel['value'].sum():.1f}")
display(figure, metadata={"image/png": {"alt": f"Линия: {region}, сумма {panel['value'].sum():.1f}", "width": 288, "height": 216}})
plt.close(figure)
"""

RESULT = """
import json
from IPython.display import display
kind = "rich" if len(panel) else "empty"
result = json.loads((paths.root() / "data" / f"{kind}.{lang}.json").read_text())
result["collection"], result["period"] = collection, period
result["region"]["code"] = region
if result["headline"]["estimate"]:
    result["headline"]["estimate"]["value"] = float(panel["value"].mean())
display({"application/vnd.client-centricity.result+json": result, "text/plain": "result"}, raw=True)
"""

NATIONAL = """
import json
from helpers import paths
result = json.loads((paths.root() / "data" / f"national.{lang}.json").read_text())
result["collection"], result["period"] = collection, period
display({"application/vnd.client-centricity.result+json": result, "text/plain": "result"}, raw=True)
"""


def notebook(parameters, *cells):
    """An unexecuted notebook with a parameters cell."""
    body = [new_markdown_cell("# Question"), new_code_cell(parameters.strip(), metadata={"tags": ["parameters"]})]
    body += [new_code_cell(cell.strip()) for cell in cells]
    for number, cell in enumerate(body):
        cell["id"] = f"cell-{number}"
    spec = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    return new_notebook(cells=body, metadata={"kernelspec": spec})


STEP = 'collection: str = "real"  # real or demo\nperiod: str = "2024-H1"  # release\n'
REGION = STEP + 'lang: str = "ru"  # ru or en\nregion: str = "RU-CHE"  # ISO code or name\n'


def write_world(root, extra_cell="", share_mean=False, regions=REGIONS):
    """Fill ``root`` and return it."""
    (root / "data" / "raw").mkdir(parents=True, exist_ok=True)
    (root / "notebooks").mkdir(exist_ok=True)
    if not (root / "data" / "reference").exists():
        shutil.copytree(REPOSITORY / "data" / "reference", root / "data" / "reference")
    (root / "params.toml").write_text('[real]\nperiod = "2024-H1"\n[report]\nlanguages = ["ru"]\n', encoding="utf-8")
    rows = [f"{region},{month},{n + month / 10}" for n, region in enumerate(regions) for month in range(1, 7)]
    (root / "data" / "raw" / "panel.csv").write_text(
        "region_iso,month,value\n" + "\n".join(rows) + "\n", encoding="utf-8"
    )
    for lang in ("ru", "en"):
        for kind in ("rich", "empty", "national"):
            result = replace(getattr(example_results, kind)(lang), is_synthetic=False, banner="")
            (root / "data" / f"{kind}.{lang}.json").write_text(results.to_json(result), encoding="utf-8")
    books = {
        "01_clean": notebook(STEP + f"share_mean: bool = {share_mean}  # also a national figure\n", CLEAN),
        "02_claims": notebook(STEP, "print('claims')"),
        "03_ratings": notebook(STEP, "print('ratings')"),
        "04_effects": notebook(STEP, "print('effects')"),
        "05_region_report": notebook(REGION, REPORT_READ, *([extra_cell] if extra_cell else []), REPORT_DRAW, RESULT),
        "06_national_report": notebook(STEP + 'lang: str = "ru"  # ru or en\n', NATIONAL),
    }  # fmt: skip
    for name, book in books.items():
        nbformat.write(book, root / "notebooks" / f"{name}.ipynb")
    return root
