"""Numbers, dates, plurals and ranges: every trap of the specification, and properties over many values."""

import re
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.presentation import formats as f

N, M = "\u00a0", "\u2212"


@pytest.mark.parametrize(
    ("value", "lang", "decimals", "expected"),
    [
        (0.25, "ru", 1, "0,3"),
        (-0.25, "en", 1, f"{M}0.3"),
        (2.675, "en", 2, "2.68"),
        (0.35, "ru", 1, "0,4"),
        (-0.04, "ru", 1, "0,0"),
        (-0.04, "en", 1, "0.0"),
        (-1.5, "ru", 1, f"{M}1,5"),
        (12345.6, "ru", 1, f"12{N}345,6"),
        (1234, "ru", 0, f"1{N}234"),
        (12345.6, "en", 1, "12,345.6"),
        (99.95, "ru", 1, "100,0"),
        (None, "ru", 1, "н/д"),
        (float("nan"), "en", 1, "n/a"),
        (float("inf"), "en", 1, "n/a"),
        (np.float64(61.34), "ru", 1, "61,3"),
        (np.int64(7), "en", 0, "7"),
        (Decimal("0.05"), "en", 1, "0.1"),
        (Decimal("NaN"), "ru", 1, "н/д"),
    ],
)
def test_number(value, lang, decimals, expected):
    assert f.number(value, lang, decimals) == expected


def test_sign_of_a_change():
    assert f.number(2.4, "ru", sign=True) == "+2,4"
    assert f.number(-0.04, "ru", sign=True) == "0,0"
    assert f.quantity(2.4, "pp", "ru", sign=True) == f"+2,4{N}п.{N}п."
    assert f.quantity(-2.4, "pp", "en") == f"{M}2.4{N}pp"
    assert f.quantity(61.3, "percent", "ru") == f"61,3{N}%"
    assert f.quantity(61.3, "percent", "en") == "61.3%"


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [(1, 0, "услуга"), (2, 0, "услуги"), (5, 0, "услуг"), (21, 0, "услуга"), (101, 0, "услуга"), (11, 0, "услуг"),
     (0, 0, "услуг"), (1.5, 1, "услуги"), (1.0, 1, "услуги"), (12, 0, "услуг"), (22, 0, "услуги")],
)  # fmt: skip
def test_russian_plural(value, decimals, expected):
    assert f.noun(value, "service", "ru", decimals) == expected


def test_plural_of_the_printed_text():
    assert f.count(1.04, "day", "ru", 1) == f"1,0{N}дня"
    assert f.count(1, "day", "en") == f"1{N}day"
    assert f.count(1.0, "day", "en", 1) == f"1.0{N}days"
    assert f.count(None, "day", "en") == "n/a"


def test_genitive():
    assert f.count(41, "service", "ru", case="genitive") == f"41{N}услуги"
    assert f.count(96, "service", "ru", case="genitive") == f"96{N}услуг"
    assert f.quantity(1.9, "day", "ru", case="genitive") == f"1,9{N}дня"


def test_ranges_have_equal_decimals():
    assert f.span(57.85, 64.7, "ru") == "57,9–64,7"
    assert f.change_span(-0.6, 7.25, "ru") == f"от{N}{M}0,6 до{N}7,3"
    assert f.change_span(-0.6, 7.2, "en") == f"{M}0.6 to 7.2"
    assert f.span(-1, 2, "en") == f"{M}1.0 to 2.0"
    assert f.span(None, 2, "ru") == "н/д"
    assert f.change_span(1, None, "en") == "n/a"


def test_dates_and_periods():
    assert f.date("2026-11-22", "ru") == f"22{N}ноября{N}2026{N}г."
    assert f.date("2026-11-22", "en") == f"22{N}November{N}2026"
    assert f.date("неизвестно", "ru") == "неизвестно"
    assert [f.period(p, "ru") for p in ("2024", "2024-H1", "2024-Q3", "2024-06")] == [
        f"2024{N}год", f"I{N}полугодие 2024{N}г.", f"III{N}квартал 2024{N}г.", f"июнь 2024{N}г.",
    ]  # fmt: skip
    assert [f.period(p, "en") for p in ("2024", "2024-H2", "2024-Q3", "2024-06")] == [
        "2024", "second half of 2024", f"Q3{N}2024", f"June{N}2024",
    ]  # fmt: skip
    assert f.period_in_text("2024-H1", "en") == "the first half of 2024"
    assert f.period_in_text("2024-H1", "ru") == f"I{N}полугодие 2024{N}г."
    assert f.period("", "ru") == "дата не указана"
    assert f.period("2017-01/2017-08", "en") == f"January{N}2017 – August{N}2017"
    assert f.period("2025-06-25", "en") == f"25{N}June{N}2025"


def test_ordinals_do_not_break():
    assert f.ordinal(31, "ru") == "31\u2011е"
    assert f.ordinal(18, "ru", "genitive") == "18\u2011го"
    assert f.ordinal(18, "en") == "18"
    assert f.rank_span(18, 47, "ru") == f"с{N}18\u2011го по{N}47\u2011е"
    assert f.rank_span(18, 47, "en") == "18 to 47"


def test_units_and_quotes():
    assert f.unit_name("percent", "ru") == "%"
    assert f.unit_name("pp", "ru") == f"п.{N}п."
    assert f.unit_name("working_day", "ru") == "рабочих дней"
    assert f.unit_name("rank", "en") == "rank"
    assert f.unit_name("unheard", "en") == "unheard"
    assert f.unit_code("percentage_point") == "pp"
    assert f.quantity(5, "unheard", "en") == "5"
    assert f.quantity(None, "percent", "ru") == "н/д"
    assert f.quoted("Имя", "ru") == "«Имя»"
    assert f.quoted("Имя", "ru", inner=True) == "„Имя“"
    assert f.quoted("Name", "en") == "“Name”"
    assert f.too_few("ru") == "мало данных"


def test_printed_precision_is_kept():
    assert f.printed(47, "ru") == "47"
    assert f.printed(64.54, "ru") == "64,54"
    assert f.printed(72.0, "en") == "72"
    assert f.printed(None, "en") == "n/a"
    assert f.decimals_of(None) == 0


@settings(max_examples=150, deadline=None)
@given(st.floats(-1e15, 1e15), st.sampled_from(["ru", "en"]), st.integers(0, 3))
def test_number_reads_back(value, lang, decimals):
    text = f.number(value, lang, decimals)
    assert " " not in text and "-" not in text
    plain = text.replace(N, "").replace(M, "-")
    plain = plain.replace(",", ".") if lang == "ru" else plain.replace(",", "")
    assert abs(Decimal(plain) - f.exact(value)) <= Decimal(1).scaleb(-decimals) / 2
    assert not re.fullmatch(r"-0(\.0+)?", plain)


@settings(max_examples=100, deadline=None)
@given(st.integers(-(10**6), 10**6), st.integers(0, 2))
def test_rounding_is_half_away_from_zero(number, decimals):
    half = Decimal(number) + Decimal("0.5")
    scaled = half.scaleb(-decimals)
    expected = (abs(half) + Decimal("0.5")).to_integral_value().scaleb(-decimals)
    assert abs(f.rounded(scaled, decimals)) == expected
