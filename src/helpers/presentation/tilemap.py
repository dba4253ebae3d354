"""Tile-grid map: one equal tile for every participant, its value written in it, five fixed classes.

The tiles are placed by the row and column that the register gives to the region, and coloured by the class that the
result carries; the order of rows in the result changes nothing. The map shows no certainty: its subtitle says so.

References: cividis (Nuñez, Anderton, Renslow 2018, doi:10.1371/journal.pone.0199239), reversed: dark is more.
"""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from helpers.presentation import style
from helpers.presentation.results import Result
from helpers.presentation.results.parts import Tile, TileClass

LEGEND_TEXT = 9.5
TILE_TEXT = 8.2  # points on the screen; the map is printed 654/592 as large: 9.06 points
TALL = 31.0  # height of a tile in pixels
GAP = 0.045  # between tiles, in tiles
WORDS = {
    "no_certainty": ("карта не показывает точность", "the map shows no certainty"),
    "regions": ("число регионов", "number of regions"),
    "missing": ("н/д", "n/a"),
    "own": ("регион отчёта", "region of the report"),
}


def word(key: str, lang: str) -> str:
    """One of the few words that the map adds to the words of the result."""
    return WORDS[key][0 if lang == "ru" else 1]


def classify(value: float, cuts: tuple[float, ...]) -> int:
    """Class of a value, 0 for the lowest; a value on a cut belongs to the upper class.

    Raises
    ------
    ValueError
        If the cuts are not in rising order.
    """
    if list(cuts) != sorted(set(cuts)):
        raise ValueError(f"cuts must rise: {cuts}")
    return sum(value >= cut for cut in cuts)


def label_of(tile: Tile, lang: str) -> str:
    """Short label: of the register in Russian; in English the letters of the ISO code, or the start of the name."""
    if lang == "ru":
        return tile.label
    country, _, letters = tile.code.partition("-")
    if country == "RU" and letters.isalpha():
        return letters
    return next(word for word in tile.name.split() if word not in ("Republic", "of"))[:3].upper()


def tiles(result: Result) -> Figure:
    """Block 10. Raises ValueError if there is no map, or if two tiles share a place."""
    block = result.tiles
    if block is None or not block.tiles:
        raise ValueError("the result has no map: show its sentence of absence instead")
    ordered = sorted(block.tiles, key=lambda tile: tile.code)
    places = {(tile.row, tile.column) for tile in ordered}
    if len(places) < len(ordered):
        raise ValueError("two regions share a tile: check tile_row and tile_column of the register")
    first_row, last_row = min(t.row for t in ordered), max(t.row for t in ordered)
    first, last = min(t.column for t in ordered), max(t.column for t in ordered)
    columns, rows = max(last - first + 1, 8), max(last_row - first_row + 1, 6)
    lang = result.lang
    framed = style.frame(
        block.text.title,
        f"{block.text.subtitle}; {word('no_certainty', lang)}",
        block.text.source,
        rows * TALL,
        width=style.WIDE,
        small=9.5,
        below=6,
    )
    axes = framed.axes
    axes.set(xlim=(0, columns), ylim=(rows, 0), xticks=[], yticks=[])
    for tile in sorted(ordered, key=lambda t: t.is_own):
        _tile(axes, tile, tile.column - first, tile.row - first_row, lang)
    _borders(axes, ordered, first, first_row)
    taken = {(t.row - first_row, t.column - first) for t in ordered}
    _legend(framed, block.classes, any(t.value is None for t in ordered), lang, _corner(taken, rows, columns))
    return framed.figure


def _tile(axes: Axes, tile: Tile, x: float, y: float, lang: str) -> None:
    number = tile.class_number
    fill = "#ffffff" if number is None else style.CIVIDIS[number]
    ink = "#000000" if number is None else style.ON_CIVIDIS[number]
    missing = {"edgecolor": style.MUTED, "linestyle": (0, (3, 2)), "linewidth": 0.9}
    shape = missing if number is None else {"linewidth": 0}
    axes.add_patch(Rectangle((x + GAP, y + GAP), 1 - 2 * GAP, 1 - 2 * GAP, facecolor=fill, **shape))
    if tile.is_own:  # black outside, white inside: seen on every class and in grey
        for away, colour, wide in ((0.05, "#000000", 2.25), (0.0, "#ffffff", 1.5)):
            outline = Rectangle((x - away, y - away * 1.2), 1 + 2 * away, 1 + 2.4 * away, fill=False, zorder=6)
            outline.set(edgecolor=colour, linewidth=wide)
            axes.add_patch(outline)
    axes.text(
        x + 0.5, y + 0.5, f"{label_of(tile, lang)}\n{tile.value_text}", ha="center", va="center", color=ink,
        fontsize=TILE_TEXT,
        fontfamily=style.FONT, linespacing=0.98, parse_math=False,
        zorder=7,
    )  # fmt: skip


def _borders(axes: Axes, ordered: list[Tile], first: int, first_row: int) -> None:
    """Thin outline between tiles of different districts."""
    district = {(t.row - first_row, t.column - first): t.district for t in ordered}
    across: list[tuple[float, float, float]] = []
    down: list[tuple[float, float, float]] = []
    for (row, column), name in district.items():
        if district.get((row, column + 1), name) != name:
            down.append((column + 1, row, row + 1))
        if district.get((row + 1, column), name) != name:
            across.append((row + 1, column, column + 1))
    if across:
        ys, starts, stops = zip(*across, strict=True)
        axes.hlines(ys, starts, stops, color=style.MUTED, linewidth=1.0, zorder=5)
    if down:
        xs, starts, stops = zip(*down, strict=True)
        axes.vlines(xs, starts, stops, color=style.MUTED, linewidth=1.0, zorder=5)


def _corner(taken: set[tuple[int, int]], rows: int, columns: int) -> tuple[float, float]:
    """Top left corner of the free block for the legend: the right side under the last tile there."""
    left = columns - 5.4
    last = max((row for row, column in taken if column + 1 > left), default=-1)
    return left, min(last + 1.5, rows - 4.0)


def _legend(
    framed: style.Frame, classes: tuple[TileClass, ...], has_missing: bool, lang: str, corner: tuple[float, float]
) -> None:
    """Ranges of the classes with the count of regions in each, «65–80: 12»."""
    axes = framed.axes
    x, y = corner
    step = 0.6
    entries = [(style.CIVIDIS[i], f"{c.label}: {c.count}") for i, c in enumerate(classes)][::-1]
    _words(axes, x, y - 0.1, word("regions", lang), style.MUTED)
    for k, (fill, text) in enumerate(entries):
        top = y + 0.25 + k * step
        axes.add_patch(Rectangle((x, top), 0.6, step * 0.82, facecolor=fill, linewidth=0))
        _words(axes, x + 0.75, top + step * 0.41, text)
    if has_missing:
        top = y + 0.25 + len(entries) * step
        axes.add_patch(
            Rectangle(
                (x, top),
                0.6,
                step * 0.82,
                facecolor="white",
                edgecolor=style.MUTED,
                linestyle=(0, (3, 2)),
                linewidth=0.9,
            )
        )
        _words(axes, x + 0.75, top + step * 0.41, word("missing", lang))


def _words(axes: Axes, x: float, y: float, text: str, colour: str = style.INK) -> None:
    axes.text(x, y, text, va="center", color=colour, fontsize=LEGEND_TEXT, fontfamily=style.FONT, parse_math=False)
