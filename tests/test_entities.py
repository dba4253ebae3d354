"""Names → codes: the recipe in its order. A wrong code is worse than none, on thousands of generated spellings."""

import csv
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.intake.entities import (
    find_region,
    match_agency,
    match_entity,
    match_region,
    region_name,
    region_of_okato,
)
from helpers.tables import store

REGIONS = store.reference("regions").to_dict("records")
OFFICIAL = {row["iso_3166_2"]: row["name_ru_official"] for row in REGIONS}
REFUSED = store.reference("refused_names").to_dict("records")
TWINS = dict(zip("АВЕКМНОРСТХаеорсух", "ABEKMHOPCTXaeopcyx", strict=True))
SHORT_TYPES = (
    ("автономный округ", ("АО", "авт. окр.", "а.о.", "авт.округ")),
    ("автономная область", ("авт. обл.", "Аобл")),
    ("область", ("обл.", "обл", "ОБЛАСТЬ")),
    ("край", ("кр.", "край")),
    ("Республика", ("Респ.", "Респ", "респ.")),
)
NOISE = ("{}", "  {} ", "{}*", "{}¹", "7. {}", "12) {}", "«{}»", "в том числе {}", "{}:", "\u00a0{}", "{}**", "№ 3 {}")
codes = st.sampled_from(sorted(OFFICIAL))


def spelling(name: str, rng: random.Random) -> str:
    """One of the many ways in which a file may write a name."""
    for full, short in SHORT_TYPES:
        if full in name and rng.random() < 0.6:
            name = name.replace(full, rng.choice(short))
            break
    if rng.random() < 0.4:
        name = "".join(TWINS.get(c, c) if rng.random() < 0.3 else c for c in name)
    name = rng.choice((name, name, name.upper(), name.lower()))
    name = name.replace(" — ", rng.choice((" — ", " - ", "-", " – ", " ‑ ")))
    name = name.replace("ё", rng.choice("ёе")).replace(" ", rng.choice((" ", " ", "\u00a0", "  ")))
    return rng.choice(NOISE).format(name)


def test_sample_of_names(outside_data):
    with (outside_data / "sample_raw" / "region_names_sample.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    for row in rows:
        match = match_region(row["raw"])
        assert (match.code or "", match.reason) == (row["expected_iso"], row["refuse_reason"]), row


def test_generated_spellings_give_no_wrong_code_and_nearly_all_codes():
    rng = random.Random(7)
    hits = total = 0
    for _ in range(60):
        for code, name in OFFICIAL.items():
            written = spelling(name, rng)
            match = match_region(written)
            assert match.code in (code, None), (written, match)
            hits, total = hits + (match.code == code), total + 1
    assert total > 5000 and hits / total > 0.93, hits / total


@pytest.mark.parametrize("column", ["name_ru_official", "name_ru_short", "name_ru", "genitive_ru", "prepositional_ru"])
def test_every_name_of_the_register_in_every_case(column):
    for row in REGIONS:
        assert match_region(row[column]).code == row["iso_3166_2"], row[column]


def test_bodies_of_regions():
    for row in REGIONS:
        for body in ("Правительство", "Министерство труда и занятости", "Департамент здравоохранения"):
            match = match_region(f"{body} {row['genitive_ru']}")
            assert match.code == row["iso_3166_2"] and match.how == "body_of_region", row["genitive_ru"]


def test_former_names_are_refused():
    for row in REGIONS:
        for name in filter(None, row["former_names_ru"].split(";")):
            assert match_region(name).code is None, name


def test_refusal_lists():
    for row in REFUSED:
        match = match_region(row["name"])
        assert match.code is None and match.reason == row["refuse_reason"], row


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(REFUSED), st.integers(0, 10**6))
def test_no_spelling_of_a_refused_name_gives_a_code(row, seed):
    assert match_region(spelling(row["name"], random.Random(seed))).code is None


@settings(max_examples=400, deadline=None)
@given(codes, codes, st.sampled_from([", ", "; ", " и ", "/", " + ", "\n", ",", " , "]))
def test_two_subjects_in_one_cell_are_an_aggregate(first, second, joint):
    if first != second:
        assert match_region(OFFICIAL[first] + joint + OFFICIAL[second]).code is None


@settings(max_examples=500, deadline=None)
@given(
    codes,
    st.integers(0, 100),
    st.sampled_from("абвгдежзиклмнопрстуфхцчшщыьэюя"),
    st.sampled_from(["swap", "drop", "put", "change"]),
)
def test_a_slip_of_the_keyboard_gives_the_code_or_none(code, place, letter, slip):
    name = OFFICIAL[code]
    place %= len(name) - 1
    if slip == "swap":
        spoilt = name[:place] + name[place + 1] + name[place] + name[place + 2 :]
    elif slip == "drop":
        spoilt = name[:place] + name[place + 1 :]
    elif slip == "put":
        spoilt = name[:place] + letter + name[place:]
    else:
        spoilt = name[:place] + letter + name[place + 1 :]
    if spoilt.lower() not in {other.lower() for other in OFFICIAL.values()}:  # «Томская» without its Т is «омская»
        assert match_region(spoilt).code in (code, None), spoilt


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40))
def test_any_text_gives_an_answer(text):
    match = match_region(text)
    assert (match.code is None) == bool(match.reason) and len(match.suggestions) <= 3


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("РТ", "ambiguous"), ("Алтай", "ambiguous"), ("область", "ambiguous"), ("Тульский край", "no_such_subject"),
        ("Алтайская область", "no_such_subject"), ("Тюменская область с ХМАО и ЯНАО", "aggregate_of_subjects"),
        ("Архангельская область, в том числе Ненецкий автономный округ", "aggregate_of_subjects"),
        ("Тульская и Калужская области", "aggregate_of_subjects"), ("Ошская область", "foreign"), ("г. Сочи", "city_not_subject"),
        ("Администрация Тульского района Тульской области", "municipal_not_subject"), ("Администрация города Тулы", "city_not_subject"),
        ("Управление Росреестра по Тульской области", "federal_body"), ("Министерство финансов Российской Федерации", "federal_body"),
        ("Министерство здравоохранения Тульской и Калужской областей", "no_such_subject"), ("Белградская область", "foreign"),
        ("ЦФО", "federal_district"), ("Итого по Российской Федерации", "total_or_country"), ("12", "blank_or_not_a_name"),
        ("Луганская область", "foreign"), ("MOCKBA", "no_such_subject"), ("Донецкая", "no_such_subject"),
    ],
)  # fmt: skip
def test_refusals(text, reason):
    match = match_region(text)
    assert match.code is None and match.reason == reason


@pytest.mark.parametrize(
    ("text", "code", "how"),
    [
        ("Архангельская область (без Ненецкого автономного округа)", "RU-ARK", "alias"), ("RU-CR", "UA-43", "alias"),
        ("ХМАО — Югра", "RU-KHM", "exact"), ("Ярослваская область", "RU-YAR", "fuzzy"), ("Нижегородкая область", "RU-NIZ", "fuzzy"),
        ("Òóëüñêàÿ îáëàñòü", "RU-TUL", "mended_encoding"), ("Мэрия Москвы", "RU-MOW", "body_of_region"), ("RU-TUL", "RU-TUL", "code"),
        ("в Республике Татарстан", "RU-TA", "case"), ("Татарстан Респ", "RU-TA", "exact"), ("Еврейская АО", "RU-YEV", "exact"),
    ],
)  # fmt: skip
def test_codes(text, code, how):
    match = match_region(text)
    assert (match.code, match.how) == (code, how)


def test_mojibake_of_two_kinds():
    for source, target in (("utf-8", "cp1251"), ("cp1251", "latin-1")):
        assert match_region("Калужская область".encode(source).decode(target, "ignore")).code in ("RU-KLU", None)


def test_suggestions_are_for_people():
    assert "Томская область" in match_region("Томкая область").suggestions


def test_running_text_and_okato():
    assert find_region("Анкета: Министерство здравоохранения Тульской области, 2024") == "RU-TUL"
    assert find_region("Тульская область и Калужская область") is None and find_region("Рейтинг МФЦ") is None
    assert region_of_okato("70401000000") == "RU-TUL" and region_of_okato("11100000000") == "RU-NEN"
    assert region_of_okato("99") is None and region_name("RU-TUL") == "Тульская область"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ФССП России", "ФССП России"), ("ФССП", "ФССП России"), ("Федеральная служба государственной статистики (Росстат)", "Росстат"),
        ("Росстат (Федеральная служба государственной статистики)", "Росстат"), ("Минтруд", "Минтруд России"), ("РОСРЕЕСТР", "Росреестр"),
        ("Министерство труда и социальной защиты РФ", "Минтруд России"), ("Рocстат", "Росстат"), ("1. Росстат*", "Росстат"),
        ("Федеральное агентство по делам молодежи", "Росмолодёжь"), ("Агентство стратегического развития регионов", None),
        ("Роструд (Росстат)", None), ("Управление Росреестра по Тульской области", None), ("Росстатт", None), ("", None),
    ],
)  # fmt: skip
def test_federal_bodies(text, name):
    match = match_agency(text)
    assert match.name == name and (match.name is not None or match.reason in ("unknown_entity", "ambiguous_entity"))


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(store.reference("agencies").to_dict("records")), st.integers(0, 60), st.sampled_from("абвгдеклмн")
)
def test_a_misspelt_body_is_never_another_body(row, place, letter):
    at = place % len(row["full_name"])
    assert match_agency(row["full_name"][:at] + letter + row["full_name"][at + 1 :]).name in (row["short_name"], None)


def test_entities_by_type():
    assert match_entity("Тульская обл.", "region").region_iso == "RU-TUL"
    assert match_entity("Приволжский ФО", "region").reason == "federal_district"
    assert match_entity("Мангистауская область", "region").suggestion.startswith("foreign")
    assert match_entity("Всего", "region").reason == "total_row"
    assert match_entity("н/д", "region").reason == "missing_id"
    assert match_entity("Роструд", "federal_agency").entity_id == "Роструд"
    assert (
        match_entity("ТО-001", "service").entity_id == "ТО-001" and match_entity("—", "service").reason == "missing_id"
    )
    assert match_entity("Минздрав Тульской области", "regional_agency").region_iso == "RU-TUL"
