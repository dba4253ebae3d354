"""Charts of the reports: drawn from the result object, shown with an alternative text, small and the same every time.

Each drawing function takes a result and returns a matplotlib `Figure` made without pyplot; it raises ValueError where
the result has no data, because an empty chart is never shown. `block` does everything a notebook cell needs.
"""

import base64
import io
import sys
from collections.abc import Callable
from functools import lru_cache

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from helpers.presentation import style
from helpers.presentation.figures.alternatives import LONGEST, SHORTEST, alt
from helpers.presentation.figures.bars import facts, groups
from helpers.presentation.figures.league import rank
from helpers.presentation.figures.rows import agencies, comparison, effect, gaps, targets
from helpers.presentation.figures.time import events, trend
from helpers.presentation.results import Result
from helpers.presentation.tilemap import tiles

__all__ = [
    "BLOCKS", "agencies", "alt", "block", "comparison", "draw", "effect", "encode", "events", "facts", "gaps", "groups",
    "rank", "show", "targets", "tiles", "trend",
]  # fmt: skip
BLOCKS: dict[str, Callable[..., Figure]] = {
    "comparison": comparison,
    "trend": trend,
    "effect": effect,
    "events": events,
    "rank": rank,
    "tiles": tiles,
    "agencies": agencies,
    "gaps": gaps,
    "groups": groups,
    "targets": targets,
}
COLOURS = 64
LEVEL = 7  # of zlib; 9 takes ten times as long for two per cent
WIDEST = 1184  # picture pixels
MOST_BYTES = 40_000
LEAST_DPI = 96  # below it text would blur


def draw(result: Result, name: str) -> Figure | None:
    """The chart of a block of `BLOCKS`, or None where the result has nothing to draw."""
    try:
        return BLOCKS[name](result)
    except ValueError:
        return None


def encode(figure: Figure) -> tuple[bytes, int, int]:
    """PNG on white with the width and height at which it is shown, in CSS pixels.

    Charts of this room have the sixteen colours of the house; another figure gets at most 64 of its own. The bytes
    depend on the figure and the versions of matplotlib and Pillow only.
    """
    if figure.get_figwidth() * figure.dpi > WIDEST + 1:
        figure.set_dpi(WIDEST / figure.get_figwidth())
    canvas = figure.canvas if isinstance(figure.canvas, FigureCanvasAgg) else FigureCanvasAgg(figure)
    canvas.draw()
    size = canvas.get_width_height()
    picture = Image.frombuffer("RGBA", size, canvas.buffer_rgba(), "raw", "RGBA", 0, 1).convert("RGB")
    name = figure.get_gid()
    if name in style.PALETTES:
        small = picture.quantize(palette=_palette(name), dither=Image.Dither.NONE)
    else:
        small = picture.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    small.save(buffer, format="PNG", compress_level=LEVEL, bits=4 if name in style.PALETTES else 8)
    if buffer.tell() > MOST_BYTES and figure.dpi > LEAST_DPI:
        figure.set_dpi(figure.dpi * 0.9)
        return encode(figure)
    shown = min(figure.get_figwidth() * 96, WIDEST / 2)
    return buffer.getvalue(), round(shown), round(shown * size[1] / size[0])


@lru_cache(maxsize=4)
def _palette(name: str) -> Image.Image:
    """Picture that carries the sixteen colours, as Pillow wants them."""
    colours = style.PALETTES[name]
    image = Image.new("P", (1, 1))
    image.putpalette([int(colour[i : i + 2], 16) for colour in colours for i in (1, 3, 5)])
    return image


def show(figure: Figure, alt: str, data_table_html: str = "") -> None:
    """Display a chart as PNG with its alternative text, then the table with the same data, and close the figure.

    Parameters
    ----------
    figure
        Of this module, or of pyplot or seaborn in an exploring notebook.
    alt
        60 to 400 characters that say what the chart shows, with a number.
    data_table_html
        Escaped HTML; shown under the picture.

    Raises
    ------
    ValueError
        If the alternative text is empty, too short or too long.
    """
    text = " ".join(alt.split(" ")).strip()
    if not SHORTEST <= len(text) <= LONGEST:
        raise ValueError(
            f"alternative text of {len(text)} characters: write {SHORTEST} to {LONGEST}, with a number of the data"
        )
    from IPython.display import HTML, display

    data, width, height = encode(figure)
    display(
        {"image/png": base64.b64encode(data).decode("ascii"), "text/plain": text},
        raw=True,
        metadata={"image/png": {"alt": text, "width": width, "height": height}},
    )
    if data_table_html:
        display(HTML(data_table_html))
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close(figure)


def block(result: Result, name: str, data_table_html: str = "") -> None:
    """Draw and show the chart of a block with its alternative text; without data only the table, if any, is shown."""
    figure = draw(result, name)
    if figure is not None:
        show(figure, alt(result, name), data_table_html)
    elif data_table_html:
        from IPython.display import HTML, display

        display(HTML(data_table_html))
