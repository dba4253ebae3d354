"""What the warm process does once so that no kernel pays for it: first uses, which cost far more than second ones.

Nothing here may start a thread (so no table is read), choose a pyplot backend, or print. A rehearsal that fails is
noted and costs only speed: the report that meets the same fault says so in its own words.
"""

import io
import json
from collections.abc import Callable
from typing import Any

from helpers import paths

RESULT_MIME = "application/vnd.client-centricity.result+json"


def rehearse(skipped: list[str]) -> None:
    """Walk through everything; faults are added to ``skipped``."""
    for part in (drawing, templates_and_frames, tables, reports):
        _attempt(part, skipped)


def _attempt(part: Callable[[], None], skipped: list[str]) -> None:
    try:
        part()
    except Exception as error:  # the warm process must stand, whatever is wrong with the data
        skipped.append(f"rehearsal of {part.__name__}: {type(error).__name__}: {error}")


def drawing() -> None:
    """Fonts, text layout in two weights, markers, PNG; by the object interface of matplotlib alone."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4, 3))
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot([1.0, 2.0, 3.0], [0.5, 0.2, 0.9], marker="o", label="Российская Федерация")
    axes.errorbar([1.0, 2.0], [0.1, 0.2], yerr=[[0.1, 0.1], [0.1, 0.1]])
    axes.barh([0, 1], [0.3, 0.4])
    axes.set_title("Индекс, %, п. п. — «да»")
    axes.text(1, 0.5, "жирный", weight="bold")
    axes.legend()
    figure.savefig(io.BytesIO(), format="png", dpi=100)


def templates_and_frames() -> None:
    """A template, a group-by, a merge, a table as HTML."""
    import jinja2
    import pandas as pd

    jinja2.Environment(autoescape=True).from_string("{% for x in xs %}{{ x }}{% endfor %}").render(xs=["<", ">"])
    frame = pd.DataFrame({"region": ["а", "б", "а"], "value": [1.0, 2.0, 3.0]})
    frame.groupby("region", observed=True)["value"].mean().reset_index().to_html()
    frame.merge(frame, on="region").sort_values("value_x")


def tables() -> None:
    """The validators of all tables (the first use of the library costs most) and the reference tables."""
    from helpers.tables import schemas, store

    for name in schemas.TABLES:
        store.validate(name, store.empty(name))
    for path in sorted(paths.reference().glob("*.csv")):
        store.reference(path.stem)


def reports() -> None:
    """The words of a report without data, and every chart of the sample results that are kept in git."""
    from helpers.presentation.results import context as results_context
    from helpers.presentation.results import national as results_national
    from helpers.presentation.results import regional as results_regional
    from helpers.tables import schemas, store

    frames = {name: store.empty(name) for name in results_context.TABLES if name in schemas.TABLES}
    for name in results_context.REFERENCES:
        if (paths.reference() / f"{name}.csv").exists():
            frames[f"reference_{name}"] = store.reference(name)
    frames["reference_sources"] = store.sources("real")
    release = results_context.release_of("real")
    results_regional.regional(frames, "RU-CHE", "2024-H1", "ru", release)
    results_national.national(frames, "2024-H1", "ru", release)
    for result in _sample_results():
        _draw(result)


def _draw(result: dict[str, Any]) -> None:
    from helpers.presentation import blocks, figures, results

    whole = results.from_dict(result)
    for name in blocks.CHARTS:
        for chart in blocks.charts_of(whole, name):
            blocks.table_html(blocks.TABLES[chart](whole), whole.lang)
            figure = figures.draw(whole, chart)
            if figure is not None:
                figures.encode(figure)
                figures.alt(whole, chart)


def _sample_results() -> list[dict[str, Any]]:
    """Result objects inside the sample notebooks."""
    found = []
    for path in sorted((paths.root() / "reports" / "sample").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                if RESULT_MIME in output.get("data", {}):
                    found.append(output["data"][RESULT_MIME])
    return found
