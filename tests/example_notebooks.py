"""Executed report notebooks made from result objects without a kernel: what papermill would leave behind.

The cells are those of the template notebooks; the outputs are what the blocks display.
"""

import copy
from unittest import mock

import nbformat
from nbformat.v4 import new_output

from helpers import paths
from helpers.presentation import blocks, pages
from helpers.presentation.results import NationalResult


def captured(function, *arguments):
    """Outputs that a call would add to its cell."""
    outputs = []

    def display(thing, raw=False, metadata=None):
        data = thing if raw else {"text/html": thing.data, "text/plain": "<IPython.core.display.HTML object>"}
        outputs.append(new_output("display_data", data=data, metadata=metadata or {}))

    with mock.patch("IPython.display.display", display):
        function(*arguments)
    return outputs


def notebook(result, with_description=True):
    """The template notebook of the result with the outputs of its blocks, as papermill leaves it."""
    name = "06_national_report" if isinstance(result, NationalResult) else "05_region_report"
    template = nbformat.read(paths.notebooks() / f"{name}.ipynb", as_version=4)
    node = copy.deepcopy(template)
    for number, cell in enumerate(node.cells):
        if cell.cell_type != "code":
            continue
        block = pages.block_of(cell)
        if block:
            cell.outputs = captured(blocks.show, result, block)
        elif "blocks.embed" in cell.source:
            cell.outputs = captured(blocks.embed, result)
        elif "parameters" in cell.metadata.get("tags", []):
            injected = copy.deepcopy(cell)
            injected.metadata["tags"] = ["injected-parameters"]
            injected["id"] = f"injected-{number}"
            injected.outputs = [new_output("stream", name="stdout", text="injected parameters")]
            node.cells.insert(number + 1, injected)
            cell.metadata["tags"] = ["parameters"]
    nbformat.validate(node)
    if with_description:
        node.metadata["report"] = pages.metadata(result, "other.html")
    return node
