"""What every reader returns: a grid of cells with positions, kinds, merged ranges and the words around it."""

from dataclasses import dataclass, field

import numpy as np

TEXT, NUMBER, PERCENT, DATE, EMPTY_FORMULA, ERROR = range(6)
MAX_BYTES = 300 * 1024 * 1024
MAX_UNPACKED_BYTES = 600 * 1024 * 1024
MAX_RATIO = 200
MAX_ROWS = 3_000_000
MAX_COLUMNS = 2_000
MAX_CELLS = 40_000_000
MAX_SHEETS = 500
MAX_COLLECTED = 10_000_000  # non-blank cells kept one by one: about 2.5 GB
MAX_MERGED = 2_000_000  # cells under merged ranges of one sheet


class GridError(Exception):
    """A file cannot be read as tables; the message names the file and says what to do.

    ``reason`` is ``unreadable_file`` or ``undecodable_text``.
    """

    def __init__(self, message: str, reason: str = "unreadable_file"):
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Grid:
    """One sheet, table or text file as a rectangle of cells; array position (0, 0) is row 1, column 1 of the source.

    Attributes
    ----------
    sheet : str
        Sheet name; ``table1`` … for html, docx, pdf; empty for text files.
    texts : ndarray of object, shape (rows, columns)
        Text of each cell on its own position, "" where blank. Numbers carry a decimal point and as many
        decimals as the format
        shows; a cell with a % format is already in percent units; dates are ISO 8601.
    kinds : ndarray of int8 or None
        ``TEXT``, ``NUMBER``, ``PERCENT``, ``DATE``, ``EMPTY_FORMULA`` (a formula without a stored value),
        ``ERROR``; ``None``: all text.
    spans : tuple of (row, column, last_row, last_column)
        Merged ranges, 0-based, inclusive; the text stands in the first cell.
    is_hidden : bool
        A hidden sheet: skipped and listed.
    hidden_rows, hidden_columns : frozenset of int
        0-based; read and flagged.
    titles : tuple of str
        Headings, captions and paragraphs above the table, nearest last.
    general_numbers : frozenset of (row, column)
        Fractional numbers without a number format: an identifier there may have lost a trailing zero.
    notes : tuple of str
        What the reader wants to tell: encoding, separator, flags.
    is_flat : bool
        A text file whose rows are records (no merged cells, no formats).
    """

    sheet: str
    texts: np.ndarray
    kinds: np.ndarray | None = None
    spans: tuple[tuple[int, int, int, int], ...] = ()
    is_hidden: bool = False
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    titles: tuple[str, ...] = ()
    general_numbers: frozenset[tuple[int, int]] = frozenset()
    notes: tuple[str, ...] = ()
    is_flat: bool = False


@dataclass
class GridBuilder:
    """Cells collected one by one, then frozen into the smallest rectangle that holds them."""

    sheet: str
    cells: dict[tuple[int, int], str] = field(default_factory=dict)
    kinds: dict[tuple[int, int], int] = field(default_factory=dict)
    spans: list[tuple[int, int, int, int]] = field(default_factory=list)
    general: set[tuple[int, int]] = field(default_factory=set)

    def put(self, row: int, column: int, text: str, kind: int = TEXT) -> None:
        """Place a non-blank cell (0-based).

        Raises
        ------
        GridError
            If there are more cells than fit into memory.
        """
        if text.strip() or kind != TEXT:
            if len(self.cells) >= MAX_COLLECTED:
                raise GridError(f"sheet «{self.sheet[:100]}»: more than {MAX_COLLECTED:,} cells. Split the file.")
            self.cells[row, column] = text
            if kind != TEXT:
                self.kinds[row, column] = kind

    def build(self, name: str, **more: object) -> Grid:
        """Freeze.

        Raises
        ------
        GridError
            If the rectangle would be larger than the limits.
        """
        spans = [span for span in self.spans if (span[0], span[1]) in self.cells and span[:2] != span[2:]]
        last_rows = [row for row, _ in self.cells] + [span[2] for span in spans if span[2] - span[0] < 10_000]
        last_columns = [column for _, column in self.cells] + [span[3] for span in spans if span[3] - span[1] < 1_000]
        rows, columns = (max(last_rows, default=-1) + 1), (max(last_columns, default=-1) + 1)
        check_size(name, rows, columns)
        texts = np.full((rows, columns), "", dtype=object)
        kinds = np.zeros((rows, columns), dtype=np.int8)
        for (row, column), text in self.cells.items():
            texts[row, column] = text
        for (row, column), kind in self.kinds.items():
            kinds[row, column] = kind
        clipped = tuple((a, b, min(c, rows - 1), min(d, columns - 1)) for a, b, c, d in sorted(set(spans)))
        check_merged(name, sum((c - a + 1) * (d - b + 1) for a, b, c, d in clipped))
        return Grid(self.sheet, texts, kinds, clipped, general_numbers=frozenset(self.general), **more)  # type: ignore[arg-type]


def check_size(name: str, rows: int, columns: int) -> None:
    """Refuse a rectangle beyond the limits.

    Raises
    ------
    GridError
        Naming the file, its size and the limit.
    """
    if rows > MAX_ROWS or columns > MAX_COLUMNS or rows * max(columns, 1) > MAX_CELLS:
        raise GridError(
            f"{name}: the table spans {rows:,} rows × {columns:,} columns, more than {MAX_ROWS:,} × {MAX_COLUMNS:,}"
            f" or {MAX_CELLS:,} cells. Delete stray cells far from the data, or save the table as several files."
        )


def check_merged(name: str, cells: int) -> None:
    """Refuse merged ranges that together cover more cells than any table has.

    Raises
    ------
    GridError
        Naming the file and the limit.
    """
    if cells > MAX_MERGED:
        raise GridError(
            f"{name}: merged cells cover {cells:,} cells, more than {MAX_MERGED:,}."
            " Undo merges of whole rows and columns, or save the table as csv."
        )


def spread(grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Texts and kinds with every merged cell repeated over its range, for reading labels and context."""
    texts = grid.texts.copy() if grid.spans else grid.texts
    kinds = np.zeros(texts.shape, dtype=np.int8) if grid.kinds is None else grid.kinds
    if grid.spans:
        kinds = kinds.copy()
    for row, column, last_row, last_column in grid.spans:
        texts[row : last_row + 1, column : last_column + 1] = texts[row, column]
        kinds[row : last_row + 1, column : last_column + 1] = kinds[row, column]
    return texts, kinds
