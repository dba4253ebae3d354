"""Parsers of values, periods and working days: tables of texts and what they must become."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.intake import values
from helpers.intake.periods import Mention, combine, find_mentions, parse_period, period_of_file_name
from helpers.intake.text import is_missing, key_text, mend_look_alikes, normalise
from helpers.intake.workdays import add_working_days, is_working_day, moved_working_days, working_days_between

MOVED = moved_working_days()


@pytest.mark.parametrize(
    ("parser", "text", "expected"),
    [
        (values.parse_number, "22,4", "22.4"),
        (values.parse_number, "1 234,5", "1234.5"),
        (values.parse_number, "8l,4", "not_a_number"),
        (values.parse_number, "1.234,5", "not_a_number"),
        (values.parse_number, "12 34", "not_a_number"),
        (values.parse_points, "96,8 б.", "96.8"),
        (values.parse_points, "90,1 балла", "90.1"),
        (values.parse_points, "88,0\u00a0", "88.0"),
        (values.parse_points, "54,5¹", "54.5"),
        (values.parse_points, "54,5**", "54.5"),
        (values.parse_points, "-12,0", "out_of_range"),
        (values.parse_points, "95%", "ambiguous_unit"),
        (values.parse_points, "участие с 2024 г.", "missing_value"),
        (values.parse_points, "н/п", "not_applicable"),
        (values.parse_points, "#REF!", "missing_value"),
        (values.parse_points, "не более 7", "censored_value"),
        (values.parse_percent, "54,5 %", "54.5"),
        (values.parse_percent, "0,5 %", "0.5"),
        (values.parse_percent, "0,72", "ambiguous_unit"),
        (values.parse_percent, "0", "0"),
        (values.parse_percent, "146,3%", "out_of_range"),
        (values.parse_percent, "более 40%", "censored_value"),
        (values.parse_percent, "около 50", "censored_value"),
        (values.parse_percent, "10–15 %", "range_value"),
        (values.parse_percent, "10,5 п.п.", "ambiguous_unit"),
        (values.parse_count, "3 (три)", "3"),
        (values.parse_count, "25 (двадцать пять)", "25"),
        (values.parse_count, "3 (четыре)", "contradictory_number"),
        (values.parse_count, "4 док.", "4"),
        (values.parse_count, "6 шт.", "6"),
        (values.parse_count, "3 документа", "3"),
        (values.parse_count, "не требуются", "0"),
        (values.parse_count, "3,0", "3"),
        (values.parse_count, "2,5", "out_of_range"),
        (values.parse_count, "-1", "out_of_range"),
        (values.parse_count, "3 дня", "not_a_number"),
        (values.parse_count, "—", "missing_value"),
        (values.parse_date, "04.05.2024", "2024-05-04"),
        (values.parse_date, "05.06.24", "2024-06-05"),
        (values.parse_date, "03/01/2024", "2024-01-03"),
        (values.parse_date, "5 мая 2024 г.", "2024-05-05"),
        (values.parse_date, "45404", "2024-04-22"),
        (values.parse_date, "45664", "2025-01-07"),
        (values.parse_date, "31.02.2024", "bad_date"),
        (values.parse_date, "60000", "bad_date"),
        (values.parse_date, "04.05.1924", "bad_date"),
        (values.parse_date, "IV кв. 2024", "imprecise_date"),
        (values.parse_date, "май 2024", "imprecise_date"),
        (values.parse_date, "2024", "imprecise_date"),
        (values.parse_date, "…", "missing_value"),
        (values.parse_grade, "«В»", "В"),
        (values.parse_grade, "Б +", "Б+"),
        (values.parse_grade, "B", "В"),
        (values.parse_grade, "A", "А"),
        (values.parse_grade, "в", "В"),
        (values.parse_grade, "Д", "bad_grade"),
        (values.parse_grade, "Б/В", "bad_grade"),
        (values.parse_grade, "b", "bad_grade"),
        (values.parse_grade, "А+", "bad_grade"),
    ],
)
def test_one_text(parser, text, expected):
    parsed = parser(text)
    assert (parsed.reason or parsed.text()) == expected
    assert (parsed.value is None) == bool(parsed.reason)


@pytest.mark.parametrize(
    ("text", "header", "expected"),
    [
        ("2 рабочих дня", "", ("2", "working_day", "=")),
        ("5 р.д.", "", ("5", "working_day", "=")),
        ("4\u00a0рабочих\u00a0дня", "", ("4", "working_day", "=")),
        ("30 календарных дней", "", ("30", "calendar_day", "=")),
        ("15 мин.", "", ("15", "minute", "=")),
        ("1 час", "", ("1", "hour", "=")),
        ("1 месяц", "", ("1", "month", "=")),
        ("в день обращения", "", ("0", "at_request", "=")),
        ("до 7 рабочих дней", "", ("7", "working_day", "<=")),
        ("не позднее 3 (трёх) рабочих дней", "", ("3", "working_day", "<=")),
        ("5", "Срок, рабочих дней", ("5", "working_day", "=")),
        ("5 календарных дней", "Срок, рабочих дней", ("5", "calendar_day", "=")),
        ("5", "Срок, дней", "bad_term"),
        ("5 дней", "", "bad_term"),
        ("по мере готовности", "", "bad_term"),
        ("10-15 рабочих дней", "", "range_value"),
        ("от 5 до 10 рабочих дней", "", "range_value"),
        ("более 5 рабочих дней", "", "censored_value"),
        ("не менее 5 рабочих дней", "", "censored_value"),
        ("3 (четыре) рабочих дня", "", "contradictory_number"),
        ("н/д", "", "missing_value"),
        ("не применимо", "", "not_applicable"),
    ],
)
def test_terms_keep_their_unit(text, header, expected):
    parsed = values.parse_term(text, header=header)
    assert (parsed.reason or (parsed.text(), parsed.unit, parsed.cmp)) == expected


def test_a_percent_format_settles_a_small_number():
    assert values.parse_percent("0.4%", is_percent_cell=True).value == 0.4
    assert values.parse_percent("0.4", is_percent_cell=False).reason == "ambiguous_unit"


@settings(max_examples=300, deadline=None)
@given(
    st.floats(0, 100).map(lambda x: round(x, 2)),
    st.sampled_from([".", ","]),
    st.sampled_from(["", " %", "%", "\u00a0%"]),
)
def test_percent_round_trip(number, mark, sign):
    if number <= 1 and not sign.strip():
        return
    parsed = values.parse_percent(f"{number:.2f}".replace(".", mark) + sign)
    assert parsed.value == pytest.approx(number) and parsed.decimals == 2


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=30))
def test_no_parser_fails_or_answers_without_digits(text):
    for parser in (
        values.parse_number,
        values.parse_points,
        values.parse_percent,
        values.parse_count,
        values.parse_term,
    ):
        parsed = parser(text)
        assert (parsed.value is None) == bool(parsed.reason)
        if parsed.value is not None:
            assert any(sign.isdigit() for sign in text)
    assert values.parse_date(text).reason or any(sign.isdigit() for sign in text)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from("lOоoбзЗIіI|"))
def test_letters_inside_numbers_are_never_repaired(number, letter):
    text = str(number)
    spoilt = text[: len(text) // 2] + letter + text[len(text) // 2 :] + ",5"
    assert values.parse_points(spoilt).value is None


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("2023", "2023"), ("2023 год", "2023"), ("за 2023 год", "2023"), ("по итогам 2024 года", "2024"), ("1 кв. 2023", "2023-Q1"),
        ("1 квартал 2023 года", "2023-Q1"), ("I квартал 2023 г.", "2023-Q1"), ("IV кв. 2023", "2023-Q4"), ("ІV кв. 2023", "2023-Q4"),
        ("ІІІ кв. 2023", "2023-Q3"), ("1-е полугодие 2024 года", "2024-H1"), ("I пг 2024", "2024-H1"), ("июнь 2024", "2024-06"),
        ("первое полугодие 2024 года", "2024-H1"), ("2023 г. I кв.", "2023-Q1"), ("2024-Q3", "2024-Q3"), ("2024-06", "2024-06"),
        ("06.2024", "2024-06"), ("III кв 2023г", "2023-Q3"), ("2-й квартал 2024", "2024-Q2"),
    ],
)  # fmt: skip
def test_periods(text, period):
    mention = parse_period(text)
    assert mention is not None and mention.text() == period


@pytest.mark.parametrize(
    "text",
    ["5 кв. 2023", "IV квартал", "9 месяцев 2024 года", "2023–2024 годы", "январь-июнь 2024", "3 полугодие 2024"],
)
def test_not_a_period(text):
    mention = parse_period(text)
    assert mention is None or not mention.text()


@pytest.mark.parametrize(
    "text", ["01.02.2024", "на 1 июля 2024 г.", "участие с 2024 г.", "до 2030 года", "146,3%", "2024,5", "12.2023.4"]
)
def test_dates_and_numbers_are_no_periods(text):
    assert find_mentions(text)[0] == ()


def test_a_quarter_takes_its_year_from_above_and_contradictions_are_refused():
    quarter, year, other = Mention(None, "quarter", 2), Mention(2023, "year"), Mention(2024, "year")
    assert combine([quarter, None, year]) == ("2023-Q2", "")
    assert combine([quarter]) == ("", "bad_period")
    assert combine([quarter, year, other]) == ("", "bad_period")
    assert combine([Mention(2024, "half", 1), Mention(2024, "quarter", 2)]) == ("2024-Q2", "")
    assert combine([Mention(2024, "half", 1), Mention(2024, "quarter", 3)]) == ("", "bad_period")
    assert combine([]) == ("", "")


def test_file_names():
    assert period_of_file_name("mfc_2024q1.xls") == Mention(2024, "quarter", 1)
    assert period_of_file_name("мфц_2024_1_полугодие.csv") == Mention(2024, "half", 1)
    assert period_of_file_name("report_20240115.csv") is None and period_of_file_name("a_2023_2024.csv") is None


def test_text_is_normalised_once():
    assert normalise("«54,5¹»") == "54,5" and normalise("№ п/п") == "№ п/п"
    assert normalise("a\u00ad\u200bb — c\u2009d") == "ab - c d"
    assert mend_look_alikes("Mосковcкая") == "Московская" and mend_look_alikes("MOCKBA") == "MOCKBA"
    assert key_text(" Орёл ") == "орел"
    assert is_missing("…") and is_missing(" — ") and not is_missing("0")


def test_working_days_follow_the_russian_calendar():
    assert not is_working_day(date(2024, 5, 9)) and not is_working_day(date(2024, 5, 10))
    assert is_working_day(date(2024, 4, 27), MOVED) and not is_working_day(date(2024, 4, 27))
    assert working_days_between(date(2024, 4, 26), date(2024, 5, 13), MOVED) == 7
    assert working_days_between(date(2024, 12, 27), date(2025, 1, 9), MOVED) == 2
    assert add_working_days(date(2024, 12, 27), 2, MOVED) == date(2025, 1, 9)
    with pytest.raises(ValueError, match="forward"):
        working_days_between(date(2024, 5, 2), date(2024, 5, 1))
    with pytest.raises(ValueError, match="negative"):
        add_working_days(date(2024, 5, 2), -1)


def test_the_year_has_the_working_days_of_the_production_calendar():
    # Production calendar of 2024: 248 working days; of 2023: 247; of 2025: 247.
    for year, count in ((2023, 247), (2024, 248), (2025, 247)):
        assert working_days_between(date(year - 1, 12, 31), date(year, 12, 31), MOVED) == count
