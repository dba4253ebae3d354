"""House style of charts in one place: palette, sizes, text set to a measured width, and the frame around every chart.

Lengths are CSS pixels (1/96 inch) as the reader sees them, font sizes are points on the screen. Pictures are drawn at
twice the pixels. Nothing here asks matplotlib for an automatic layout: the frame is computed from measured text, which
draws once instead of twice and never clips.

References: WCAG 2.2, success criteria 1.4.3 and 1.4.11 (contrast); Government Analysis Function, charts checklist.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font, LoadFlags
from matplotlib.text import Text

from helpers.presentation import formats

WIDTH = 400.0  # of a chart: a phone shows it almost at its own size
WIDE = 592.0  # of the map
PRINT_WIDTH, PRINT_WIDE = 329.0, 654.0  # printed in a column of 87 mm, the map 173 mm wide (style.css)
STEP = 16.5  # between lines of one label
DROP = 5.0  # from the middle of a line to its base
LEAST_PRINTED = 9.0  # points of the smallest printed text
SCALE, WIDE_SCALE = 1.4, 1.4  # picture pixels per CSS pixel: sharp on a phone, small in a message
MARGIN = 8.0
FONT = "DejaVu Sans"  # comes with matplotlib, has Cyrillic: the same picture on every machine

TITLE, TEXT, SMALL = 13.0, 11.0, 11.0  # points on the screen: nearly as large as the text of the page
INK = "#0b0c0c"
MUTED = "#505a5f"  # text, 7.1 : 1 on white
BLUE = "#12436D"
ORANGE = "#F46A25"
GREY = "#6f777b"  # marks, 4.5 : 1 on white
PALE = "#d5d9db"  # grid and leaders, no information
WASH = "#eef1f3"  # background of a band
CIVIDIS = ("#f3db42", "#b5a86f", "#7c7b78", "#49536c", "#002b62")  # light to dark
ON_CIVIDIS = ("#000000", "#000000", "#000000", "#ffffff", "#ffffff")
SERIES = {  # colour, marker, dash: told apart without colour
    "region": (INK, "o", "-"),
    "district": (BLUE, "s", (0, (5, 2.5))),
    "country": (ORANGE, "^", (0, (1.2, 1.8))),
    "peer": (GREY, "o", "-"),
}

# Pictures have these sixteen colours only: half a byte a pixel, exact house colours, the rest for smooth edges.
PALETTES = {
    "chart": (
        "#ffffff", WASH, PALE, "#b5b9bb", "#93999c", GREY, MUTED, "#34393b", INK, BLUE, "#4d719a", "#8aa1b8",
        "#a9bdd3", "#b9cbe0", ORANGE, "#f9b592",
    ),
    "map": (
        "#ffffff", *CIVIDIS, "#000000", "#b7a532", "#7a6e21", "#5b5438", "#3e3e3c", "#a4a9b5", "#8095b0", MUTED,
        "#9a9fa2", "#d0d3d5",
    ),
}  # fmt: skip


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb`` (WCAG 2.2), 0–1."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two colours, 1–21."""
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luma(colour: str) -> int:
    """Grey level 0–255 as a black-and-white printer shows it (ITU-R 601, as Pillow converts)."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return round(0.299 * red + 0.587 * green + 0.114 * blue)


def _face(bold: bool) -> FT2Font:
    """Face from matplotlib's own cache, which is emptied after a fork: a face kept across forks shares its file."""
    properties = font_manager.FontProperties(family=FONT, weight="bold" if bold else "normal")
    return font_manager.get_font(font_manager.findfont(properties))


@lru_cache(maxsize=4096)
def text_width(text: str, size: float, bold: bool = False) -> float:
    """Width of one line in CSS pixels."""
    face = _face(bold)
    face.set_size(size, 96)
    face.set_text(text, 0.0, flags=LoadFlags.NO_HINTING)
    return face.get_width_height()[0] / 64


def line_height(size: float) -> float:
    """Distance of base lines in CSS pixels."""
    return size * 96 / 72 * 1.28


def wrap(text: str, width: float, size: float, bold: bool = False, most: int = 99) -> list[str]:
    """Lines no wider than ``width`` pixels, broken at ordinary spaces only; ``most`` lines, the rest ends in «…»."""
    lines: list[str] = []
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(joined, size, bold) <= width:
            lines[-1] = joined
        else:
            lines.append(word)
    if len(lines) > most:
        lines = [*lines[: most - 1], f"{lines[most - 1]}…"]
    return [_cut(line, width, size, bold) for line in lines]


def _cut(line: str, width: float, size: float, bold: bool) -> str:
    """A single word wider than the room loses its end rather than run over its neighbour."""
    if text_width(line, size, bold) <= width:
        return line
    while len(line) > 1 and text_width(f"{line}…", size, bold) > width:
        line = line[:-1]
    return f"{line}…"


@dataclass(frozen=True)
class Frame:
    """A figure whose pixel coordinates start at the top left, with one axes for the data."""

    figure: Figure
    axes: Axes
    width: float
    height: float

    def write(self, x: float, y: float, text: str, size: float = TEXT, **options: Any) -> Text:
        """One line of text at pixel ``x``, base line ``y``, measured from the top left of the figure."""
        options.setdefault("color", INK)
        options.setdefault("va", "baseline")
        return self.figure.text(
            x / self.width, 1 - y / self.height, text, fontsize=size, fontfamily=FONT, parse_math=False, **options
        )


def frame(
    title: str,
    subtitle: str,
    source: str,
    body: float,
    left: float = MARGIN,
    right: float = MARGIN,
    above: float = 0.0,
    below: float = 0.0,
    notes: tuple[str, ...] = (),
    width: float = WIDTH,
    small: float = SMALL,
) -> Frame:
    """Figure with its words around a body of ``body`` pixels; ``left`` … ``below`` are kept free inside for labels.

    Title (the finding) on top, subtitle (quantity, unit, period) under it, notes and source line at the bottom.
    """
    room = width - 2 * MARGIN
    large = TITLE if small == SMALL else small + 2.5
    blocks = [
        (wrap(title, room, large, True), large, INK, True),
        (wrap(subtitle, room, small), small, MUTED, False),
    ]
    feet = [line for text in (*notes, source) if text for line in wrap(text, room, small)]
    head = sum(len(lines) * line_height(size) for lines, size, _, _ in blocks) + 2 * MARGIN
    height = round(head + above + body + below + len(feet) * line_height(small) + MARGIN + 4)
    scale, palette = (SCALE, "chart") if width <= WIDTH else (WIDE_SCALE, "map")
    figure = Figure(figsize=(width / 96, height / 96), dpi=96 * scale, facecolor="white")
    figure.set_gid(palette)
    FigureCanvasAgg(figure)
    top = head + above
    axes = figure.add_axes((left / width, 1 - (top + body) / height, (width - left - right) / width, body / height))
    result = Frame(figure, axes, width, height)
    y = MARGIN - 2.0
    for lines, size, colour, bold in blocks:
        for line in lines:
            y += line_height(size)
            result.write(MARGIN, y - 4, line, size, color=colour, fontweight="bold" if bold else "normal")
    y = height - MARGIN - len(feet) * line_height(small) + 2
    for line in feet:
        y += line_height(small)
        result.write(MARGIN, y - 2, line, small, color=MUTED)
    plain(axes)
    return result


def plain(axes: Axes) -> None:
    """No box, no ticks, grid behind the data."""
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0, labelsize=SMALL, labelcolor=MUTED, pad=4, labelfontfamily=FONT)
    axes.set_axisbelow(True)
    axes.patch.set_alpha(0)


def nice_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers inside ``[low, high]``, at most ``most`` of them: steps of 1, 2, 2.5 or 5 times a power of ten."""
    if not high > low:
        return [low]
    exponent = -6
    while True:
        for factor in (1.0, 2.0, 2.5, 5.0):
            step = factor * 10.0**exponent
            first = -(-low // step)
            count = int(high // step - first) + 1
            if count <= most:
                return [round((first + i) * step, 10) for i in range(count)]
        exponent += 1


def tick_texts(values: list[float], lang: str) -> list[str]:
    """Tick labels with equal decimals, written as everywhere else (decimal comma in Russian, U+2212)."""
    decimals = max((formats.decimals_of(value, 4) for value in values), default=0)
    return [formats.number(value, lang, decimals) for value in values]
