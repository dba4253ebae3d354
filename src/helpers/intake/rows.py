"""What every row below a header is: data, section, total, footnote, repeated header, column numbers or blank."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.intake.entities import match_entity
from helpers.intake.headers import Header, Sheet
from helpers.intake.text import key_text

DATA, BLANK, SECTION, TOTAL, FOOTNOTE, HEADER, COLUMN_NUMBERS, TITLE, METADATA, FORMAT, NAVIGATION, HIDDEN = range(12)
NAMES = (
    "data", "blank_row", "section_row", "total_row", "footnote_row", "header_row", "column_number_row",
    "title_row", "metadata_row",
    "format_row", "navigation_table", "hidden_sheet",
)  # fmt: skip
_TOTAL = re.compile(
    r"^(?:всего|итого|итог\b|общий итог|в целом|средн(?:ее|ий|яя|ие)\b|в среднем|среднероссийск|медиана"
    r"|сумма по|по россии|по стране|по рф|российская федерация|россия$|рф$|справочно: рф|максимум$"
    r"|минимум$"
    r"|количество (?:субъектов|регионов|органов|услуг)|число (?:субъектов|регионов))"
    r"|^(?:высок|средн|низк)\w*\b(?!.*эффективности).*(?:числ|колич|кол-во|субъект|регион)|^(?:число"
    r"|количество|кол-во)\b.*(?:высок|средн|низк)"
)
_FOOTNOTE = re.compile(
    r"^\*|^\d\)|^(?:примечани|источник|сноск|условные обозначения|легенда|расшифровка|пояснени|справочно"
    r"|демонстрационн|исп\.|исполнитель|сформирован|дата (?:формирования|печати|выгрузки))"
)
_LEGEND = re.compile(r"^[«\"]?[\w+]{1,6}[»\"]?\s*(?:-|=|:)\s*\w")
LEGEND_ITEM = re.compile(r"[«\"]?\b([\w+]{1,3})[»\"]?\s*(?:-|=|:)\s*(высок|средн|низк)")
SECTION_HINT = re.compile(
    r"уров(?:ень|ня) эффективности|федеральный округ|^процесс\b|^раздел\b|^группа\b|^(?:высок|средн"
    r"|низк)\w+ (?:уровень|группа|эффективность)|^блок\b|^направление\b|квартал|полугодие"
)
_CODE = re.compile(r"^[^\s*]*\d[^\s)]*\Z")  # an identifier: digits, no blanks
_METADATA = re.compile(
    r"сформирован|дата (?:печати|выгрузки|формирования)|утвержд|приказ|распоряжени|исполнитель|^приложение"
    r"|по состоянию на|письмо"
)


@dataclass(frozen=True)
class Rows:
    """Rows of a block, from the one below the header to the last: kind, and the section each stands under (-1:
    none).
    """

    start: int
    kinds: np.ndarray
    section: np.ndarray
    section_texts: tuple[str, ...]
    legend: dict[str, str]


def classify(
    sheet: Sheet, header: Header, end: int, id_columns: list[int], name_columns: list[int], entity_type: str
) -> Rows:
    """Kinds of the rows (header.last, end) of a block.

    Parameters
    ----------
    sheet : Sheet
        The prepared grid.
    header : Header
        Of the block.
    end : int
        Row behind the last one.
    id_columns, name_columns : list of int
        Absolute columns that name the record, and columns with names that only count where the identifier is blank.
    entity_type : str
        What the table rates; a lone text that resolves to it is a record, not a section.
    """
    start = header.last + 1
    own = sheet.own[start:end, header.left : header.right]
    texts = sheet.texts[start:end, header.left : header.right]
    kinds = np.full(len(own), DATA, dtype=np.int8)
    filled_own, filled = own != "", texts != ""
    count = filled_own.sum(axis=1)
    kinds[~filled.any(axis=1)] = BLANK
    if len(own):
        kinds[_repeated(texts, filled, sheet, header)] = HEADER
        _mark_by_text(kinds, sheet, start, end, count, id_columns, name_columns)
        _mark_numbers(kinds, own, count)
        _mark_lone(kinds, own, count, sheet, header, id_columns, entity_type)
    section, section_texts = _sections(kinds, own, filled_own)
    return Rows(start, kinds, section, section_texts, _legend(own, kinds))


def _repeated(texts: np.ndarray, filled: np.ndarray, sheet: Sheet, header: Header) -> np.ndarray:
    hits = np.zeros(texts.shape, dtype=bool)
    for column in range(texts.shape[1]):
        labels = {key_text(text) for text in sheet.texts[header.first : header.last + 1, header.left + column] if text}
        codes, distinct = pd.factorize(texts[:, column])
        is_label = np.array(
            [bool(text) and len(text) < 300 and key_text(text) in labels for text in distinct], dtype=bool
        )
        hits[:, column] = is_label[codes]
    return (hits.sum(axis=1) >= 2) & (hits | ~filled).all(axis=1)


def _mark_by_text(
    kinds: np.ndarray, sheet: Sheet, start: int, end: int, count: np.ndarray, ids: list[int], names: list[int]
) -> None:
    blank_id = np.ones(len(kinds), dtype=bool)
    for place, column in enumerate(dict.fromkeys([*ids, *names])):
        codes, distinct = pd.factorize(sheet.texts[start:end, column])
        found = np.array([_kind_of_text(text) for text in distinct], dtype=np.int8)[codes]
        if place >= len(set(ids)):
            found = np.where(blank_id, found, DATA)
        else:
            blank_id &= np.array([not text for text in distinct], dtype=bool)[codes]
        kinds[(found != DATA) & (kinds == DATA)] = found[(found != DATA) & (kinds == DATA)]
    first = [
        next((text for text in sheet.own[row] if text), "")
        for row in np.flatnonzero((count == 1) & (kinds == DATA)) + start
    ]
    for row, text in zip(np.flatnonzero((count == 1) & (kinds == DATA)), first, strict=True):
        kinds[row] = _kind_of_text(text, is_alone=True)


def _kind_of_text(text: str, *, is_alone: bool = False) -> int:
    if _CODE.match(text):
        return DATA
    if not text or len(text) > 2000:
        return DATA if not text else FOOTNOTE if is_alone else DATA
    plain = re.sub(r"^\W*(?:\d+[.)]\s+)?", "", key_text(text)) if not text.lstrip().startswith("*") else key_text(text)
    if _TOTAL.match(plain):
        return TOTAL
    if _FOOTNOTE.match(key_text(text)):
        return FOOTNOTE
    return FOOTNOTE if is_alone and (_LEGEND.match(key_text(text)) and not SECTION_HINT.search(plain)) else DATA


def _mark_numbers(kinds: np.ndarray, own: np.ndarray, count: np.ndarray) -> None:
    """1, 2, 3 … (or А, Б, 1, 2 …) over the whole width, with no number missing."""
    first = np.array([next((text for text in row if text), "") for row in own[:50]], dtype=object)
    for row in np.flatnonzero((count[:50] >= 2) & np.isin(first, ["1", "А", "A", "а"])):
        cells = [text.strip() for text in own[row] if text]
        letters = [text for text in cells if text.upper() in {"А", "Б", "В", "Г", "A", "B"}]
        numbers = cells[len(letters) :]
        is_run = (
            numbers
            and all(text.isdigit() for text in numbers)
            and [int(text) for text in numbers] == list(range(int(numbers[0]), int(numbers[0]) + len(numbers)))
        )
        if (
            is_run
            and cells[: len(letters)] == letters
            and int(numbers[0]) in (1, len(letters) + 1)
            and len(cells) >= min(3, own.shape[1])
        ):
            kinds[row] = COLUMN_NUMBERS


def _mark_lone(
    kinds: np.ndarray,
    own: np.ndarray,
    count: np.ndarray,
    sheet: Sheet,
    header: Header,
    ids: list[int],
    entity_type: str,
) -> None:
    data_rows = np.flatnonzero((kinds == DATA) & (count > 1))
    last_data = data_rows[-1] if len(data_rows) else -1
    for row in np.flatnonzero((kinds == DATA) & (count == 1)):
        column = int(np.flatnonzero(own[row] != "")[0])
        text = own[row, column]
        if not re.search(r"[^\W\d_]", text):
            continue
        if header.left + column in ids and _names_record(text, entity_type) and not SECTION_HINT.search(key_text(text)):
            continue
        named = [sheet.texts[header.last + 1 + row, ident] for ident in ids]  # its own text where it is merged
        if header.left + column not in ids and any(name not in ("", text) for name in named):
            continue
        kinds[row] = SECTION if row < last_data else FOOTNOTE


def _names_record(text: str, entity_type: str) -> bool:
    match = match_entity(text, entity_type)
    return (
        (bool(match.entity_id) and entity_type in ("region", "federal_agency"))
        or (bool(match.suggestion) and ":" in match.suggestion[:40])
        or (match.reason in ("federal_district", "ambiguous_entity", "aggregate_entity"))
    )


def _sections(kinds: np.ndarray, own: np.ndarray, filled: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    rows = np.flatnonzero(kinds == SECTION)
    texts = tuple(str(own[row][filled[row]][0]) for row in rows)
    return np.searchsorted(rows, np.arange(len(kinds)), side="right") - 1, texts


def _legend(own: np.ndarray, kinds: np.ndarray) -> dict[str, str]:
    """Letters of the table's legend: «В – высокий, С – средний, Н – низкий»."""
    found: dict[str, str] = {}
    for row in np.flatnonzero(kinds == FOOTNOTE):
        for text in own[row]:
            for letter, word in LEGEND_ITEM.findall(key_text(text)) if text else ():
                found[letter] = {"высок": "high", "средн": "medium", "низк": "low"}[word]
    return found


def title_kind(text: str) -> int:
    """Kind of a row above the header: a title, or a note about the file itself."""
    return METADATA if _METADATA.search(key_text(text)) else TITLE
