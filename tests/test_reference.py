"""Region register, districts and participation."""

import pytest

from helpers.tables import store

SPLIT = {
    "Центральный федеральный округ": 18, "Северо-Западный федеральный округ": 11, "Южный федеральный округ": 8,
    "Северо-Кавказский федеральный округ": 7, "Приволжский федеральный округ": 14, "Уральский федеральный округ": 6,
    "Сибирский федеральный округ": 10, "Дальневосточный федеральный округ": 11,
}  # fmt: skip


@pytest.fixture(scope="module")
def regions():
    return store.reference("regions")


def test_register_has_89_unique_rows(regions):
    assert len(regions) == 89
    for column in ("code", "iso_3166_2", "oktmo", "name_ru", "label_ru", "genitive_ru", "prepositional_ru", "name_en"):
        assert regions[column].is_unique and (regions[column] != "").all(), column


def test_85_regions_are_in_eight_districts(regions):
    placed = regions[regions["federal_district"] != ""]
    assert len(placed) == 85 and placed["federal_district"].value_counts().to_dict() == SPLIT


def test_no_two_tiles_are_alike(regions):
    tiles = regions[["tile_row", "tile_column"]].astype(int)
    assert not tiles.duplicated().any() and tiles.min().min() == 1


def test_labels_are_short_and_free_of_latin_letters(regions):
    assert regions["label_ru"].str.len().max() <= 6
    assert not regions["label_ru"].str.contains("[A-Za-z]").any()


def test_preposition_is_vo_only_for_vladimir(regions):
    vo = regions.loc[regions["prepositional_ru"].str.startswith("во "), "iso_3166_2"]
    assert vo.tolist() == ["RU-VLA"] and regions["prepositional_ru"].str.match(r"во? [А-ЯЁ]").all()


@pytest.mark.parametrize(
    ("iso", "genitive", "prepositional"),
    [
        ("RU-CHE", "Челябинской области", "в Челябинской области"),
        ("RU-KEM", "Кемеровской области — Кузбасса", "в Кемеровской области — Кузбассе"),
        ("RU-KHM", "Ханты-Мансийского автономного округа — Югры", "в Ханты-Мансийском автономном округе — Югре"),
        ("RU-SE", "Республики Северная Осетия — Алания", "в Республике Северная Осетия — Алания"),
        ("RU-CU", "Чувашской Республики — Чувашии", "в Чувашской Республике — Чувашии"),
        ("RU-KB", "Кабардино-Балкарской Республики", "в Кабардино-Балкарской Республике"),
        ("RU-KAM", "Камчатского края", "в Камчатском крае"),
        ("RU-MOW", "Москвы", "в Москве"),
        ("UA-14", "Донецкой Народной Республики", "в Донецкой Народной Республике"),
    ],
)
def test_cases(regions, iso, genitive, prepositional):
    row = regions.set_index("iso_3166_2").loc[iso]
    assert (row["genitive_ru"], row["prepositional_ru"]) == (genitive, prepositional)


def test_districts_have_validity_dates():
    districts = store.reference("federal_districts")
    moved = districts[districts["region_iso"].isin(["RU-BU", "RU-ZAB"])]
    assert sorted(moved["valid_to"]) == ["", "", "2018-11-03", "2018-11-03"]
    current = districts[districts["valid_to"] == ""].set_index("region_iso")["federal_district"]
    regions = store.reference("regions").set_index("iso_3166_2")["federal_district"]
    assert current.to_dict() == regions[regions != ""].to_dict()


def test_participation_by_rating_and_year():
    counts = store.reference("participation").groupby(["rating", "year"])["region_iso"].nunique()
    assert counts["c_mfc", "2023"] == 85 and counts["c_mfc", "2025"] == 89


def test_every_form_of_a_name_resolves_back_to_its_own_region(regions):
    from helpers.intake.entities import match_region

    for row in regions.to_dict("records"):
        forms = [row["name_ru"], row["name_ru_official"], row["genitive_ru"], row["prepositional_ru"].partition(" ")[2]]
        codes = {form: match_region(form).code for form in forms}
        assert set(codes.values()) <= {row["iso_3166_2"], None}, codes
        assert codes[row["name_ru"]] == codes[row["name_ru_official"]] == row["iso_3166_2"], codes
        assert codes[row["genitive_ru"]] == row["iso_3166_2"], codes
