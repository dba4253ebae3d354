"""Recognisers: layouts of the same spirit as the samples, in other shapes, orders and formats."""

import io

import openpyxl
import pytest
import weasyprint

from helpers.intake import grids
from helpers.intake.cleaning import clean_grids

MFC = "Рейтинг МФЦ за III квартал 2023 года"


def cleaned(data, name="a.csv"):
    data = data.encode() if isinstance(data, str) else data
    result = clean_grids(grids.read_bytes(data, name), name)
    counts = result.counts
    assert counts.accepted + counts.rejected + counts.structural + counts.not_kept == counts.total
    return result


def values(result):
    columns = ["row", "col", "entity_id", "period", "indicator", "value"]
    return [tuple(row) for row in result.tidy[columns].astype(object).itertuples(index=False)]


def short(result):
    return {(row.entity_id, row.period, row.indicator): row.value for row in result.tidy.itertuples()}


def refused(result):
    return {(row.row, row.col, row.reason) for row in result.rejects.itertuples()}


def xlsx(sheets, merges=(), formats=None):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        for area in merges:
            sheet.merge_cells(area)
        for cell, number_format in (formats or {}).items():
            sheet[cell].number_format = number_format
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("gap", [";", ""])
def test_side_by_side_blocks(gap):
    text = (
        f"{MFC};;;;;;\n№;Субъект;Баллы;{gap}№;Субъект;Баллы\n1;Тульская область;90,1;{gap}3;Томская обл.;70,2\n"
        f"2;Калужская область;88,0;{gap}4;Омская область;н/д\n"
    )
    result = cleaned(text)
    right = 7 if gap else 6
    assert values(result) == [
        (3, 3, "RU-TUL", "2023-Q3", "total", "90.1"),
        (4, 3, "RU-KLU", "2023-Q3", "total", "88.0"),
        (3, right, "RU-TOM", "2023-Q3", "total", "70.2"),
    ]
    assert refused(result) == {(4, right, "missing_value")}


def test_long_table_with_a_column_of_indicators():
    result = cleaned(
        "Субъект РФ;Период;Показатель;Значение;Ед. изм.\nТульская область;I квартал 2024 г.;Доступность;22,4;балл\n"
        "Тульская область;I квартал 2024 г.;Итого баллов;91,4;балл\nТульская область;I квартал 2024 г.;Уровень эффективности МФЦ;высокий;\n"
        "Тульская область;I квартал 2024 г.;Температура;36,6;\n"
    )
    assert short(result) == {
        ("RU-TUL", "2024-Q1", "access"): "22.4",
        ("RU-TUL", "2024-Q1", "total"): "91.4",
        ("RU-TUL", "2024-Q1", "level"): "high",
    }
    assert refused(result) == {(5, 4, "unknown_indicator")}


def test_one_region_on_a_sheet():
    result = cleaned(
        xlsx(
            {
                "Тульская область": [
                    ["Рейтинг МФЦ"],
                    ["Показатель", "I квартал 2024", "II квартал 2024"],
                    ["Доступность", 20.1, 21],
                    ["Итого баллов", 90, 92],
                ]
            }
        ),
        "a.xlsx",
    )
    assert short(result)["RU-TUL", "2024-Q2", "total"] == "92" and len(result.tidy) == 4


def test_entities_across_are_turned_and_positions_turned_back():
    result = cleaned(
        f"{MFC};;\nПоказатель;Тульская область;Мангистауская область;Омская область\nДоступность;20,1;5;19,0\nИтого баллов;90;1;н/д\n"
    )
    assert values(result) == [
        (3, 2, "RU-TUL", "2023-Q3", "access", "20.1"), (3, 4, "RU-OMS", "2023-Q3", "access", "19.0"), (4, 2, "RU-TUL", "2023-Q3", "total", "90"),
    ]  # fmt: skip
    assert (4, 4, "missing_value") in refused(result) and any(
        reason == "unknown_entity" for *_, reason in refused(result)
    )


def test_two_tables_on_one_sheet_keep_their_own_periods():
    rows = [
        ["Рейтинг МФЦ, 1 квартал 2024 года"],
        ["№", "Субъект", "Баллы"],
        [1, "Тульская область", 90.1],
        [],
        ["Рейтинг МФЦ, 2 квартал 2024 года"],
        ["№", "Субъект", "Баллы"],
        [1, "Тульская область", 91.1],
    ]
    result = cleaned(xlsx({"Лист1": rows}), "a.xlsx")
    assert short(result) == {("RU-TUL", "2024-Q1", "total"): "90.1", ("RU-TUL", "2024-Q2", "total"): "91.1"}


def test_quarters_over_indicators():
    rows = [
        ["Субъект РФ", "I квартал 2024 г.", "", "II квартал 2024 г.", ""],
        ["", "Баллы", "Уровень", "Баллы", "Уровень"],
        ["Тульская область", 90.1, "высокий", "91,5", "С"],
    ]
    result = cleaned(xlsx({"Свод": rows}, ["A1:A2", "B1:C1", "D1:E1"]), "мфц.xlsx")
    assert (
        short(result)["RU-TUL", "2024-Q2", "level"] == "medium"
        and short(result)["RU-TUL", "2024-Q1", "total"] == "90.1"
    )


def test_index_of_two_years_with_places_and_formats():
    rows = [
        ["Индекс клиентоцентричности ФОИВ"],
        ["Наименование федерального органа", "2023 год", "", "2024 год", ""],
        ["", "Индекс", "Место", "Индекс", "Место"],
        ["Росреестр", 0.746, 1, "81,2 %", 1],
        ["ФНС России", 0.735, 2, 0.6, 3],
    ]
    result = cleaned(xlsx({"Лист1": rows}, ["B2:C2", "D2:E2", "A2:A3"], {"B4": "0.0%", "B5": "0.00%"}), "a.xlsx")
    assert short(result) == {
        ("Росреестр", "2023", "index"): "74.6",
        ("ФНС России", "2023", "index"): "73.50",
        ("Росреестр", "2024", "index"): "81.2",
    }
    assert refused(result) == {(5, 4, "ambiguous_unit")}


def test_a_lone_stage_belongs_to_the_latest_period_or_to_none():
    head = "Наименование субъекта;за 2023 год;1-е полугодие 2024 года;Этап\n"
    result = cleaned(head + "Тульская область;37,4;59,1;базовый\n", "индекс.csv")
    assert short(result)["RU-TUL", "2024-H1", "stage"] == "базовый"
    first = cleaned(
        "Наименование субъекта;Этап;1-е полугодие 2024 года;за 2023 год\nТульская область;базовый;59,1;37,4\n",
        "индекс.csv",
    )
    assert short(first)["RU-TUL", "2024-H1", "stage"] == "базовый"
    between = cleaned(
        "Наименование субъекта;за 2023 год;Этап;1-е полугодие 2024 года\nТульская область;37,4;базовый;59,1\n",
        "индекс.csv",
    )
    assert (2, 3, "bad_period") in refused(between) and len(between.tidy) == 2


def test_grades_wide_and_long_with_the_unit_in_the_label():
    wide = cleaned(
        "Ведомство;Код услуги;Наименование государственной услуги;До оптимизации;;;После оптимизации;;\n;;;Оценка;Срок, рабочих дней;Визиты;Оценка;Срок, рабочих дней;Визиты\n"
        "Минздрав;71-001;Лицензия;В;10;2;Б;до 5;0\nМинздрав;71-003;Справка;Д;5-10;1;А;1 час;нет\n"
    )
    long = cleaned(
        "Код;Наименование услуги;Период;Оценка;Срок, рабочих дней;Количество визитов\n71-001;Лицензия;до;В;10;2\n71-001;Лицензия;после;Б;до 5;0\n"
    )
    assert (
        short(long) == {key: value for key, value in short(wide).items() if key[0] == "71-001"} and len(long.tidy) == 6
    )
    assert set(wide.tidy.loc[wide.tidy["indicator"] == "term", "cmp"]) == {"=", "<="}
    assert {(4, 4, "bad_grade"), (4, 5, "range_value"), (4, 9, "missing_value")} == refused(wide)


def test_road_map_points_under_section_rows_and_lost_zeros():
    rows = [
        ["Исполнение дорожных карт в 2024 году"], ["№ п/п", "Номер КТ", "Наименование КТ", "Плановая дата", "Фактическая дата", "Статус"], ["Росреестр"],
        [1, "12.1", "А", "01.03.2024", "28.02.2024", "выполнено"], [2, "12.10", "Б", "IV квартал 2024", "", "срок не наступил"], ["ФНС России"],
        [1, 12.1, "М", "01.03.2024", "", "не выполнено"], [2, 12.3, "М", "15.04.24", "20.04.24", "исполнено с нарушением срока"],
        ["Неизвестное ведомство"], [1, "1.1", "М", "01.03.2024", "", "не выполнено"],
    ]  # fmt: skip
    result = cleaned(xlsx({"КТ": rows}, formats={"B8": "0.00"}), "a.xlsx")
    assert set(result.tidy["entity_id"]) == {"Росреестр / 12.1", "Росреестр / 12.10", "ФНС России / 12.30"}
    assert refused(result) == {(5, 4, "imprecise_date"), (7, 0, "missing_id"), (10, 0, "unknown_entity")}
    assert short(result)["ФНС России / 12.30", "2024", "status"] == "done_late"


def test_road_map_body_named_once_above_blank_cells_and_summary():
    points = cleaned(
        "Ведомство;№ КТ;Контрольная точка;Срок;Дата исполнения;Статус\nРосреестр;1.1;А;01.02.2024;01.02.2024;исполнено\n;1.2;Б;01.03.2024;-;не исполнено\n"
    )
    assert set(points.tidy["entity_id"]) == {"Росреестр / 1.1", "Росреестр / 1.2"} and not len(points.rejects)
    summary = cleaned(
        "Исполнение дорожных карт за 2024 год;;;;\nВедомство;Всего КТ;из них срок наступил;исполнено;не исполнено\nРосреестр;120;60;58;2\nИтого;120;60;58;2\n"
    )
    assert short(summary) == {
        ("Росреестр", "2024", f"points_{name}"): value
        for name, value in (("total", "120"), ("due", "60"), ("done", "58"), ("not_done", "2"))
    }


def questionnaire(sheet="Минздрав"):
    rows = [
        ["Анкета по внедрению клиентоцентричности"], ["Министерство здравоохранения Тульской области, 1 полугодие 2024 года"], [],
        ["№ п/п", "Вопрос", "Ответ", "Баллы", "Макс. балл", "Примечание"], ["Процесс 1. Услуги"], ["1.1", "Опрос?", "да", 2, 2, ""],
        ["1.2", "Стандарт?", "частично", "1", 2, "приказ"], ["1.3", "Обучены?", "не применимо", "н/п", 3, ""], ["", "Итого по процессу 1", "", 3, 4],
        ["Процесс 2. Жалобы"], ["2.1", "В срок?", "нет", 0, 1], ["2.2", "Анализ?", "да", 5, 3], ["1.9", "Чужой", "да", 1, 1], [None, "Итого", None, 8, 8],
    ]  # fmt: skip
    return xlsx({sheet: rows}), "анкета.xlsx"


def test_questionnaire_one_sheet_per_body():
    result = cleaned(*questionnaire())
    found = short(result)
    assert set(result.tidy["entity_id"]) == {"Минздрав"} and set(result.tidy["region_iso"]) == {"RU-TUL"}
    assert (
        found["Минздрав", "2024-H1", "process 1 question 1.2: points"] == "1"
        and found["Минздрав", "2024-H1", "process 2 question 2.1: max_points"] == "1"
    )
    assert refused(result) == {(8, 4, "not_applicable"), (12, 4, "out_of_range"), (13, 0, "missing_id")}


def test_questionnaire_with_a_column_of_processes_and_a_nameless_sheet():
    rows = [
        ["Анкета. Орган: Минсоц"],
        ["Процесс", "№ вопроса", "Вопрос", "Ответ", "Набранные баллы", "Максимальный балл"],
        ["Процесс 1", "1", "А?", "да", 2, 2],
        ["Процесс 2", "1", "Б?", "да", 1, 2],
    ]
    result = cleaned(xlsx({"Лист1": rows}), "анкета.xlsx")
    assert set(result.tidy["entity_id"]) == {"Минсоц"} and "process 2 question 2.1: points" in set(
        result.tidy["indicator"]
    )


def test_regional_bodies():
    result = cleaned(
        "Индекс клиентоцентричности органов Тульской области, 1 полугодие 2024 года;;\nРОИВ;Индекс, %;Этап\nМинистерство труда;60;продвинутый\n"
    )
    assert (
        set(result.tidy["region_iso"]) == {"RU-TUL"} and short(result)["Министерство труда", "2024-H1", "index"] == "60"
    )


def test_curators_life_situations_and_feedback_tables():
    curators = cleaned(
        "Охват услуг кураторами, 2024 год;;;\nСубъект;Услуг всего;Услуг с куратором;Доля услуг с куратором, %\nТульская область;150;120;80,0\nВсего;150;120;80\n"
    )
    assert short(curators) == {
        ("RU-TUL", "2024", "services_total"): "150",
        ("RU-TUL", "2024", "services_with_curator"): "120",
        ("RU-TUL", "2024", "curator_share"): "80.0",
    }
    situations = cleaned(
        "Код;Жизненная ситуация;Дата запуска;Количество услуг;Количество документов;\n;;;;до;после\nЖС-1;Рождение ребёнка;01.03.2024;12;8;3\n"
    )
    assert (
        short(situations)["ЖС-1", "after", "documents"] == "3"
        and short(situations)["ЖС-1", "", "launch_date"] == "2024-03-01"
    )
    feedback = cleaned(
        "Ваш контроль, 2024 год;;;\nСубъект;Время предоставления услуги;Вежливость и компетентность;Количество оценок\nТульская область;4,8;4,9;1 200\n"
    )
    assert (
        short(feedback)["RU-TUL", "2024", "politeness"] == "4.9"
        and short(feedback)["RU-TUL", "2024", "answers"] == "1200"
    )


def test_answers_of_the_xml_form():
    answers = "".join(
        f'<answer orderNumber="{n}" okato="{okato}" receivedDate="2025-03-0{n}T10:00:00Z"><rates><rate indicator-id="9" value-id="{value}"/></rates></answer>'
        for n, okato, value in (
            (1, "70401000000", 45),
            (2, "70401000000", 41),
            (3, "00000000000", 45),
            (4, "70401000000", 99),
        )
    )
    result = cleaned(f"<answers>{answers}</answers>", "vk.xml")
    assert short(result) == {("1", "2025-03", "time"): "5", ("2", "2025-03", "time"): "1"}
    assert {reason for *_, reason in refused(result)} == {"unknown_entity", "out_of_range"}


PANEL = "Субъект;Код услуги;Месяц;Услуга;Оценка;Заявлений;Срок, медиана;Единица срока;Доля отказов, %;Доля онлайн, %\n"


def test_monthly_panel():
    result = cleaned(
        PANEL
        + "Тульская обл.;У-1;2024-06;Лицензия;«В»;120;5,5;р.д.;2,5;60\nТульская обл.;У-1;июль 2024;Лицензия;;н/д;5;к.д.;101;60\nАлтай;У-1;2024-06;Л;;1;5;р.д.;1;1\n"
    )
    first, second = result.panel.to_dict("records")
    assert (
        first["grade"] == "В" and first["day_unit"] == "working_day" and first["refusal_share"] == pytest.approx(0.025)
    )
    assert second["month"] == "2024-07" and second["day_unit"] == "calendar_day" and second["grade"] == ""
    assert refused(result) == {(3, 6, "missing_value"), (3, 9, "out_of_range"), (4, 0, "ambiguous_entity")}
    assert not len(result.tidy) and result.counts.accepted == 18


def test_monthly_panel_refuses_contradictions():
    row = "Тульская обл.;У-1;2024-06;Лицензия;В;120;5,5;р.д.;2,5;60\n"
    result = cleaned(PANEL + row + row + row.replace("У-1", "У-2") + row.replace("У-1", "У-2").replace("120", "121"))
    assert (
        refused(result) == {(3, 0, "duplicate_exact"), (4, 0, "duplicate_conflict"), (5, 0, "duplicate_conflict")}
        and len(result.panel) == 1
    )


def test_pdf_table_with_a_two_row_header_over_pages():
    names = [
        "Волгоградская",
        "Калининградская",
        "Нижегородская",
        "Новосибирская",
        "Астраханская",
        "Белгородская",
        "Ленинградская",
        "Оренбургская",
    ]
    rows = "".join(
        f"<tr><td>{n + 1}<td>{name} область<td>{20 + n},1<td>{90 - n},5<td>высокий</tr>" for n, name in enumerate(names)
    )
    head = '<thead><tr><td rowspan=2>№<td rowspan=2 style="width:1.9cm;word-break:break-all">Субъект РФ<td colspan=2>Баллы<td rowspan=2>Уровень</tr><tr><td>доступность<td>всего</tr></thead>'
    page = f"<meta charset=utf-8><style>@page{{size:18cm 9cm}}table,td{{border:1px solid;border-collapse:collapse}}</style><h3>Рейтинг МФЦ за IV квартал 2023 года</h3><table>{head}{rows}</table>"
    result = cleaned(weasyprint.HTML(string=page).write_pdf(), "a.pdf")
    assert len(result.tidy) == 24 and set(result.tidy["period"]) == {"2023-Q4"} and not len(result.rejects)
    assert short(result)["RU-ORE", "2023-Q4", "total"] == "83.5"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Рейтинг МФЦ за 1 квартал 2024 года;\nСубъект;II квартал 2024 г.\nТульская область;90,1\n", "bad_period"),
        ("Рейтинг МФЦ;\nСубъект;II квартал\nТульская область;90,1\n", "bad_period"),
        ("Субъект;Температура\nТульская область;90,1\n", "unknown_indicator"),
        ("Тульская область;90,1\nОмская область;80\n", "unknown_indicator"),
        ("Рейтинг МФЦ;\nСубъект;Баллы\nМангистауская область;90,1\n", "unknown_entity"),
    ],
)
def test_what_is_not_understood_is_refused_and_listed(text, reason):
    result = cleaned(text)
    assert not len(result.tidy) and {row.reason for row in result.rejects.itertuples()} == {reason}


def test_two_columns_of_one_indicator_are_refused_where_they_differ():
    result = cleaned(
        "Рейтинг МФЦ за 2023 год;;\nСубъект;Баллы;Итого баллов\nТульская область;90;90\nОмская область;80;81\n"
    )
    assert short(result) == {("RU-TUL", "2023", "total"): "90"}
    assert refused(result) == {(3, 3, "duplicate_exact"), (4, 2, "duplicate_conflict"), (4, 3, "duplicate_conflict")}


def test_the_same_region_on_two_sheets():
    def rows(value):
        return [["Рейтинг МФЦ за 2023 год"], ["Субъект", "Баллы"], ["Тульская область", value]]

    assert len(cleaned(xlsx({"А": rows(90), "Б": rows(90)}), "a.xlsx").tidy) == 1
    assert not len(cleaned(xlsx({"А": rows(90), "Б": rows(91)}), "a.xlsx").tidy)


def test_explanation_names_rows_and_columns():
    lines = cleaned(f"{MFC};;\nСубъект;Баллы;Место\nТульская область;90;1\nИтого;90;\n* примечание;;\n").explanation
    found = set(zip(lines["rows"], lines["taken_for"], strict=True))
    assert {
        ("1", "title_row"),
        ("2", "header of c_mfc"),
        ("3", "data"),
        ("4", "total_row"),
        ("5", "footnote_row"),
        ("", "not_kept (place)"),
    } <= found
    assert "value: total" in set(lines["taken_for"])


def test_totals_are_recomputed_and_disagreements_told():
    text = "Охват услуг кураторами, 2024 год;;\nСубъект;Услуг всего;Доля услуг с куратором, %\nТульская область;100;80,0\nОмская область;50;70,0\n"
    notes = {
        rows: [line for line in cleaned(text + total).explanation["why"] if "printed total" in line]
        for rows, total in (
            ("right", "Всего;150;\nСреднее значение;;75,0\n"),
            ("wrong", "Всего;100;\nСреднее значение;;76,0\n"),
        )
    }
    assert notes["right"] == []
    assert len(notes["wrong"]) == 2 and "is 100, the sum of the 2 values above it is 150.00" in notes["wrong"][0]


def test_a_value_merged_over_two_measures_is_refused():
    rows = [
        ["Рейтинг МФЦ за 2023 год"],
        ["Субъект", "Доступность", "Итого баллов"],
        ["Тульская область", 20, None],
        ["Омская область", 21, 90],
    ]
    result = cleaned(xlsx({"Лист1": rows}, ["B3:C3"]), "a.xlsx")
    assert set(result.tidy["entity_id"]) == {"RU-OMS"} and refused(result) == {
        (3, 2, "ambiguous_unit"),
        (3, 3, "ambiguous_unit"),
    }


def test_a_column_of_districts_is_not_taken_for_the_region():
    result = cleaned(
        "Рейтинг МФЦ за 2023 год;;\nФедеральный округ;Наименование;Баллы\nЦФО;Тульская область;90\nСФО;Омская область;80\n"
    )
    assert set(result.tidy["entity_id"]) == {"RU-TUL", "RU-OMS"} and not len(result.rejects)


MISSPELT = (
    MFC + ";\nСубъект;Баллы\nСвердловская область;80,1\nОмская область;81\nСвердловкая область;{}\nОмская область;82\n"
)


def said(result):
    return result.explanation.query("taken_for == 'note'")["why"].tolist()


def test_a_name_read_by_likeness_is_said_and_a_contradiction_names_both_rows():
    result = cleaned(MISSPELT.format("70,1"))
    assert any(note.startswith("row 5: «Свердловкая область» read as Свердловская область") for note in said(result))
    hints = dict(zip(result.rejects["row"], result.rejects["suggestion"], strict=True))
    assert refused(result) == {(row, 0, "duplicate_conflict") for row in (3, 4, 5, 6)}
    both = "rows 3 «Свердловская область», 5 «Свердловкая область» (nearest spelling only) are one record (RU-SVE)"
    assert hints[3] == hints[5] == both
    assert hints[4] == hints[6] == "rows 4 «Омская область», 6 «Омская область» are one record (RU-OMS)"


def test_names_that_a_list_holds_are_not_said():
    assert not any(
        "read as" in note for note in said(cleaned(f"{MFC};\nСубъект;Баллы\nг. Москва;80\nОмская обл.;81\n"))
    )


def test_values_on_two_sheets_name_each_other():
    rows = [[MFC], ["Субъект", "Баллы"], ["Омская область", 80]]
    other = [[MFC], ["Субъект", "Баллы"], ["Тульская область", 70], ["Омская область", 81]]
    result = cleaned(xlsx({"А": rows, "Б": other}), "a.xlsx")
    places = "RU-OMS elsewhere too: sheet «А», row 3 «Омская область»; sheet «Б», row 4 «Омская область»"
    assert set(result.rejects["suggestion"]) == {f"the file gives {places}"} and len(result.rejects) == 2


def test_a_monthly_file_says_a_name_read_by_likeness():
    result = cleaned(PANEL + "Свердловкая область;У-1;2024-06;Л;В;120;5,5;р.д.;2,5;60\n")
    assert [note for note in said(result) if note.startswith("row 2: «Свердловкая область» read as")]


def test_a_total_says_which_of_its_values_are_in_refused_rows():
    rows = "Омская область;80\nТульская область;10\nТульская область;20\nИтого;300\n"
    (note,) = (note for note in said(cleaned(f"{MFC};\nСубъект;Баллы\n{rows}")) if "printed total" in note)
    assert "the sum of the 3 values above it, 2 of them in refused rows, is 110.00" in note


def test_a_value_with_a_footnote_mark_is_taken_and_its_mark_is_said():
    text = f"{MFC};\nСубъект;Баллы\nТульская область;15,0**\nОмская область;81¹\nТомская область;70\n** данные уточняются;\n"
    result = cleaned(text)
    assert [note for note in said(result) if "footnote" in note] == [
        "row 3, column 2: «15,0**» accepted as 15.0 with a footnote mark: «данные уточняются»",
        "row 4, column 2: «81¹» accepted as 81 with a footnote mark",
    ]
    assert result.cells["raw"].tolist()[0] == "15,0**"
