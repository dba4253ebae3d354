"""Executed notebook → one self-contained HTML page → PDF; other pages from contexts, with the same head and style.

A page has no script and asks the network for nothing; it carries its pictures, its style and a content policy that
forbids everything else. What breaks the promises of a page (a picture without alternative text, a script, an address
that loads something, a failed cell) is an error, never a silently worse page.

Cells are chosen by tags: ``parameters``, ``injected-parameters`` and ``remove-cell`` disappear, code never shows,
``block-<name>`` puts the outputs of a cell into the section of that block. Markdown speaks to who runs the notebook and
stays out of the page unless tagged ``page``.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from traitlets.config import Config

from helpers.presentation import formats
from helpers.presentation.pages_check import PageError, check
from helpers.presentation.results import MIME, NationalResult, Result, from_dict
from helpers.presentation.wording.terms import INTERFACE, term

__all__ = ["Exporter", "PageError", "embedded", "metadata", "render", "to_pdf"]
TEMPLATES = Path(__file__).parent / "templates"
HIDDEN_CELLS = {"parameters", "injected-parameters", "remove-cell"}
REQUIRED = ("lang", "title", "description", "edition", "is_synthetic", "heading", "period_label")
BLOCK_TAG = "block-"
LANGUAGES = ("ru", "en")
MOST_PAGES = 4
SHORTER = (
    "brief",
    "brief least",
    "brief least last",
)  # classes of the print style for a report that would be longer, in this order
LONGEST_TITLE = 70  # characters
PDF_VARIANT = "pdf/ua-1"


def metadata(result: Result, other_href: str = "") -> dict[str, Any]:
    """What the page says about itself: the value of ``nb.metadata["report"]``.

    Parameters
    ----------
    result
        Result of the report.
    other_href
        Relative address of the same report in the other language; empty in attachments.
    """
    national = isinstance(result, NationalResult)
    country = "Россия" if result.lang == "ru" else "Russia"
    if isinstance(result, NationalResult):
        heading = country
    else:
        heading = result.region.name if result.lang == "ru" else result.region.name_en
    kicker = result.masthead.split(" · ")[0] if " · " in result.masthead else ""
    return {
        "report_id": result.report_id,
        "lang": result.lang,
        "title": short_title(heading, result),
        "full_title": " · ".join(x for x in (result.title, result.edition_label, result.banner) if x),
        "description": result.description,
        "kicker": kicker,
        "heading": heading,
        "period_label": result.period_label,
        "edition": result.edition_label,
        "is_synthetic": result.is_synthetic,
        "banner": result.banner,
        "made": formats.date(result.colophon.made_date, result.lang) if result.colophon.made_date else "",
        "foot": result.masthead,
        "provenance": provenance(result),
        "other_lang": "en" if result.lang == "ru" else "ru",
        "other_href": other_href,
        "national": national,
    }


def provenance(result: Result) -> str:
    """Commit and run of the page, empty where they are not known."""
    known = (("revision", result.colophon.commit), ("run", result.colophon.run_id))
    return "; ".join(f"{term(INTERFACE, key, result.lang)} {text}" for key, text in known if text)


def short_title(heading: str, result: Result) -> str:
    """Title of the page, unique per report: the first of the wordings that browsers do not cut."""
    short = f"{heading}, {result.period_label}"
    wordings = [result.title, short]
    if result.banner:
        wordings = [f"{result.title} · {result.banner}", f"{result.banner}: {short}", *wordings]
    return next((text for text in wordings if len(text) <= LONGEST_TITLE), short[:LONGEST_TITLE])


def embedded(notebook: NotebookNode) -> Result | None:
    """The result object that the executed notebook carries, None if it carries none.

    Raises
    ------
    PageError
        If the notebook carries more than one.
    """
    found = [
        output["data"][MIME]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.get("outputs", [])
        if output.output_type in ("display_data", "execute_result") and MIME in output["data"]
    ]
    if len(found) > 1:
        raise PageError(f"the notebook carries {len(found)} result objects instead of one")
    return from_dict(found[0]) if found else None


class Exporter:
    """Reusable converter of executed report notebooks; one per thread, because Jinja environments keep state.

    Parameters
    ----------
    lang
        Language of the pages: ``ru`` or ``en``.

    Raises
    ------
    ValueError
        If there are no words for this language.
    """

    def __init__(self, lang: str) -> None:
        if lang not in LANGUAGES:
            raise ValueError(f"language {lang!r}: one of {', '.join(LANGUAGES)}")
        self.lang = lang
        config = Config()
        config.TagRemovePreprocessor.enabled = True
        config.TagRemovePreprocessor.remove_cell_tags = HIDDEN_CELLS
        config.TagRemovePreprocessor.remove_all_outputs_tags = {"remove-output"}
        self._exporter = HTMLExporter(
            config=config,
            template_name="report",
            extra_template_basedirs=[str(TEMPLATES)],
            exclude_input=True,
            exclude_anchor_links=True,
            language_code=lang,
        )

    def export(self, notebook: NotebookNode) -> str:
        """Page of an executed notebook.

        ``notebook.metadata["report"]`` describes the page (see `metadata`); where it is missing it is made from the
        result object that the notebook carries. The notebook itself is not changed.

        Raises
        ------
        PageError
            If a cell failed, the description is incomplete or in another language, or the page breaks a promise.
        """
        report = self._description(notebook)
        copy = NotebookNode(notebook)
        copy.metadata = NotebookNode({**notebook.metadata, "report": NotebookNode(report)})
        for cell in notebook.cells:
            if any(output.output_type == "error" for output in cell.get("outputs", [])):
                raise PageError("a cell of the notebook failed: a report is made of whole notebooks only")
        body, _ = self._exporter.from_notebook_node(copy, resources={"block_of": block_of})
        page = re.sub(r"\n{2,}", "\n", body).strip() + "\n"
        check(page)
        return page

    def _description(self, notebook: NotebookNode) -> dict[str, Any]:
        report = dict(notebook.metadata.get("report", {}))
        if not report:
            result = embedded(notebook)
            report = metadata(result) if result else {}
        missing = [key for key in REQUIRED if key not in report or report[key] in ("", None)]
        if missing:
            raise PageError(f"the notebook does not say its {', '.join(missing)} (metadata.report)")
        if report["lang"] != self.lang:
            raise PageError(f"the notebook is in {report['lang']!r}, this exporter makes pages in {self.lang!r}")
        if report["is_synthetic"] and not report.get("banner"):
            raise PageError("synthetic data without a banner")
        return report


def block_of(cell: NotebookNode) -> str:
    """Name of the block that the cell's tags give, empty if none."""
    tags = cell.metadata.get("tags", [])
    return next((tag.removeprefix(BLOCK_TAG) for tag in tags if tag.startswith(BLOCK_TAG)), "")


@lru_cache(maxsize=1)
def environment() -> jinja2.Environment:
    """Jinja environment of all pages that are not notebooks: escapes everything, refuses unknown names."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([TEMPLATES, TEMPLATES / "report"]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, context: Mapping[str, Any]) -> str:
    """Page from a template of ``presentation/templates``, such as ``index.html.j2``, checked like a report.

    A template that extends ``page.html.j2`` needs ``page`` in the context: lang, title, description, heading,
    period_label, edition, foot, and where they apply banner, kicker, made, other_href, other_lang, wide.

    Raises
    ------
    PageError
        If the page breaks a promise.
    jinja2.UndefinedError
        If the context lacks a name.
    """
    values = dict(context)
    if isinstance(values.get("page"), Mapping):
        optional = {"banner": "", "kicker": "", "made": "", "other_href": "", "other_lang": "", "wide": False}
        values["page"] = {**optional, **values["page"]}
    page = environment().get_template(template).render(values)
    check(page)
    return page


def to_pdf(html: str) -> bytes:
    """Tagged PDF (declared PDF/UA-1) of a page, made by its print style, with every table of data open.

    Tables of more than about thirty rows are not printed, and a report that would not fit four pages loses the folded
    tables beside charts too, each with a sentence in its place; the page and the table files have them all.
    The bytes are the same for the same page, fonts and versions.
    """
    from weasyprint import HTML
    from weasyprint.urls import URLFetcher

    fetcher = URLFetcher(allowed_protocols={"data"})  # a page carries all it shows; nothing of the machine or network
    opened = re.sub(r"<details(?! open)", "<details open", html)
    full = re.search(r'<meta(?=[^>]*name="dcterms\.title")[^>]*content="([^"]*)"', opened)
    if full:
        opened = re.sub(r"<title>[^<]*</title>", lambda _: f"<title>{full[1]}</title>", opened, count=1)
    document = HTML(string=opened, url_fetcher=fetcher).render(pdf_variant=PDF_VARIANT)
    for shorter in SHORTER:
        if len(document.pages) > MOST_PAGES:
            page = opened.replace("<body", f'<body class="{shorter}"', 1)
            document = HTML(string=page, url_fetcher=fetcher).render(pdf_variant=PDF_VARIANT)
    data = document.write_pdf(pdf_variant=PDF_VARIANT)
    if not isinstance(data, bytes):
        raise PageError("no PDF was made")
    return data
