"""The file that says what life situations are made of: region, situation, launch, services and their documents."""

import numpy as np
import pandas as pd

from helpers.synthetic import spelling
from helpers.synthetic.grid import BANNER, Draft, Sheet
from helpers.synthetic.situations import Situations
from helpers.synthetic.spelling import MONTHS
from helpers.synthetic.world import World

HEAD = (
    "Субъект РФ", "Код ЖС", "Жизненная ситуация", "Запущена с", "Код услуги", "Услуга", "Шаг", "Код документа",
    "Документ", "Отменён после запуска",
)  # fmt: skip
NOMINATIVE = dict(
    zip(
        MONTHS,
        ("январь", "февраль", "март", "апрель", "май", "июнь", "июль", "август", "сентябрь", "октябрь", "ноябрь",
         "декабрь"),
        strict=True,
    )
)  # fmt: skip
_SITUATION, _LAUNCH, _SERVICE = (1, 2, 3), 4, (5, 6, 7)


def composition(
    world: World, situations: Situations, file: str, rng: np.random.Generator
) -> tuple[Draft, pd.DataFrame]:
    """Workbook with a row a document, merged over the services and situations that it belongs to.

    Returns
    -------
    tuple
        The file, and the rows of ``life_situations`` as they must be read: situations that lose a row at the
        end of the list are incomplete.
    """
    draft = Draft(file)
    sheet = draft.sheet("Состав ЖС")
    sheet.add(BANNER)
    sheet.add("Состав жизненных ситуаций: услуги, документы и запуск по субъектам")
    sheet.merges += [(1, 1, 1, len(HEAD)), (2, 1, 2, len(HEAD))]
    sheet.add(*HEAD)
    sheet.add(*(str(number) for number in range(1, len(HEAD) + 1)))
    names = world.regions.set_index("region_iso")["name"]
    for (region, _), group in situations.composition.groupby(["region_iso", "situation_id"], sort=False):
        _situation(sheet, spelling.region(rng, names[region]), group, rng)
    spoilt = _spoilt(draft, sheet, names)
    sheet.add(f"Итого жизненных ситуаций: {situations.composition.groupby(['region_iso', 'situation_id']).ngroups}")
    sheet.add("Примечание: документы названы по единому перечню")
    rows = pd.concat([situations.composition, spoilt], ignore_index=True)
    # a row that lost the code of its situation spoils every situation of its region: nobody knows which one
    rows.loc[rows["region_iso"] == names.index[0], "is_complete"] = False
    return draft, rows


def _launch(rng: np.random.Generator, month: str) -> str:
    """A month as some clerk writes it; a dash where there is none."""
    if not month:
        return spelling.one_of(rng, ("—", "", "-"))
    year, number = month.split("-")
    name = NOMINATIVE[MONTHS[int(number) - 1]]
    return spelling.one_of(rng, (month, f"{name} {year}", f"{name} {year} г.", f"01.{number}.{year}"))


def _situation(sheet: Sheet, region: str, group: pd.DataFrame, rng: np.random.Generator) -> None:
    """Rows of one situation in one region; what does not change is merged downwards."""
    first = len(sheet.rows) + 1
    launch = _launch(rng, str(group["launched"].iloc[0]))
    for _, documents in group.groupby("service_id", sort=False):
        start = len(sheet.rows) + 1
        for row in documents.itertuples():
            head = (region, row.situation_id, row.situation, launch) if len(sheet.rows) + 1 == first else (None,) * 4
            step = "" if pd.isna(row.step) else str(int(row.step))
            service = (row.service_id, row.service_name, step) if len(sheet.rows) + 1 == start else (None,) * 3
            flag = (
                spelling.one_of(rng, ("да", "Да", "+")) if row.is_abolished else spelling.one_of(rng, ("нет", "", "—"))
            )
            sheet.add(*head, *service, row.document_id, row.document, flag)
        for col in _SERVICE:
            sheet.merge_down(col, start, len(sheet.rows))
    for col in (*_SITUATION, _LAUNCH):
        sheet.merge_down(col, first, len(sheet.rows))


def _spoilt(draft: Draft, sheet: Sheet, names: pd.Series) -> pd.DataFrame:
    """Rows that must be refused, and the incomplete situations that are left of theirs."""
    first, second, third = (str(code) for code in names.index[:3])
    one = ("ЖС-02", "Многодетная семья", "2024-05")
    two = ("ЖС-07", "Выход на пенсию", "2024-05")
    three = ("ЖС-09", "Уход за больным близким", "2024-05")
    passport, pension = ("Д01", "паспорт"), ("Д02", "СНИЛС")

    def add(region: str, situation: tuple[str, str, str], service: str, document: tuple[str, str], flag: str) -> int:
        return sheet.add(region, *situation, service, "Услуга комплекса", "", *document, flag)

    def refuse(row: int, raw: str, reason: str, col: int | None = None) -> None:
        draft.refuse(sheet, row, col, raw, reason)

    refuse(add("Приволжский федеральный округ", one, "РУ-90-1", passport, "нет"), "РУ-90-1", "federal_district")
    refuse(add("Уральская губерния", one, "РУ-90-2", passport, "нет"), "РУ-90-2", "unknown_entity")
    refuse(add(names[first], ("", "Многодетная семья", "2024-05"), "РУ-90-3", passport, "нет"), "РУ-90-3", "missing_id")
    # a service without a code: what is left of the situation is no sum
    add(names[second], one, "РУ-90-4", passport, "нет")
    refuse(add(names[second], one, "—", pension, "да"), "—", "missing_id")
    # a mark that says neither yes nor no, and an exact repeat, which costs nothing
    row = add(names[second], two, "РУ-90-5", passport, "частично")
    refuse(row, "частично", "bad_status", len(HEAD))
    add(names[second], two, "РУ-90-5", pension, "да")
    refuse(add(names[second], two, "РУ-90-5", pension, "да"), "РУ-90-5", "duplicate_exact")
    # a launch that is no month, and one document with two marks
    refuse(add(names[third], (*two[:2], "IV кв. 2024"), "РУ-90-6", passport, "нет"), "РУ-90-6", "bad_period")
    for flag in ("да", "нет"):
        refuse(add(names[third], three, "РУ-90-7", passport, flag), "РУ-90-7", "duplicate_conflict")
    add(names[third], three, "РУ-90-7", pension, "нет")
    kept = [
        (second, *one, "РУ-90-4", *passport, False),
        (second, *two, "РУ-90-5", *passport, False),
        (second, *two, "РУ-90-5", *pension, True),
        (third, *three, "РУ-90-7", *pension, False),
    ]
    columns = [
        "region_iso",
        "situation_id",
        "situation",
        "launched",
        "service_id",
        "document_id",
        "document",
        "is_abolished",
    ]
    table = pd.DataFrame(kept, columns=columns)
    return table.assign(
        service_name="Услуга комплекса", step=np.nan, bundle_service="", is_complete=False, is_synthetic=True
    )
