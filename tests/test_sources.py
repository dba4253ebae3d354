"""The register of raw files: complete, true, and clear when it is not."""

import pytest

from helpers import paths
from helpers.intake import published, sources
from helpers.tables import store


def test_repository_catalogue_is_complete_and_true():
    assert sources.problems("real") == []
    for source in sources.read_catalog(paths.raw() / sources.CATALOG):
        assert source.publisher and source.licence and source.accessed_date and source.address


def register(world, name="a.csv", text="x"):
    file = world / "data" / "raw" / name
    file.write_text(text, encoding="utf-8")
    return sources.add(file, "2026-01-01", publisher="ministry", title="title")


def test_add_registers_once(world):
    source = register(world)
    assert source.path == "a.csv" and source.sha256 == sources.sha256(world / "data/raw/a.csv")
    assert sources.problems() == []
    (world / "b.csv").write_text("x", encoding="utf-8")
    with pytest.raises(sources.SourceError, match=r"registered already.*data/raw/a\.csv"):
        sources.add(world / "b.csv", "2026-01-01")


def test_add_copies_files_from_elsewhere_and_never_overwrites(world):
    (world / "new.csv").write_text("one", encoding="utf-8")
    assert sources.add(world / "new.csv", "2026-01-01").path == "files/new.csv"
    assert (world / "data/raw/files/new.csv").read_text(encoding="utf-8") == "one"
    (world / "new.csv").write_text("two", encoding="utf-8")
    with pytest.raises(sources.SourceError, match="rename"):
        sources.add(world / "new.csv", "2026-01-01")
    assert (world / "data/raw/files/new.csv").read_text(encoding="utf-8") == "one"


def test_same_stem_gets_an_id_of_its_own(world):
    (world / "data/raw/sub").mkdir()
    assert register(world, "a.csv", "1").source_id == "a"
    assert register(world, "sub/a.csv", "2").source_id == "a_2"


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda raw: (raw / "a.csv").write_text("changed"), "a.csv changed: sha256"),
        (lambda raw: (raw / "a.csv").unlink(), "registered but missing"),
        (lambda raw: (raw / "stray.xlsx").write_text("?"), "stray.xlsx is not registered; run: reports add"),
    ],
)
def test_changed_missing_and_unregistered_files_are_clear_errors(world, break_it, says):
    register(world)
    break_it(world / "data" / "raw")
    with pytest.raises(sources.SourceError) as error:
        sources.of_collection("real")
    assert says in str(error.value)


def test_one_collection_never_stops_the_other(world):
    register(world)
    (world / "data/raw/demo").mkdir()
    (world / "data/raw/demo/stray.csv").write_text("x", encoding="utf-8")
    assert len(sources.of_collection("real")) == 1
    with pytest.raises(sources.SourceError, match="demo/stray"):
        sources.of_collection("demo")


@pytest.mark.parametrize("content", ["", None])
def test_empty_and_missing_files_are_refused(world, content):
    if content is not None:
        (world / "e.csv").write_text(content, encoding="utf-8")
    with pytest.raises(sources.SourceError):
        sources.add(world / "e.csv", "2026-01-01")


def test_an_empty_file_is_told_so(world):
    (world / "e.csv").touch()
    with pytest.raises(sources.SourceError, match=r"e\.csv is empty; ask for it again"):
        sources.add(world / "e.csv", "2026-01-01")


def test_a_period_in_words_is_registered_as_tables_write_it(world):
    (world / "e.csv").write_text("x", encoding="utf-8")
    assert sources.add(world / "e.csv", "2026-01-01", period="III квартал 2024 года").period == "2024-Q3"
    assert [source.period for source in sources.read_catalog()] == ["2024-Q3"]


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("period", "осень 2024", "period is «осень 2024»; write 2024, 2024-H1"),
        ("period", "III квартал", "period is «III квартал»"),
        ("published_date", "15.10.2024", "published_date is «15.10.2024»; write 2024-10-15, or unknown"),
        ("published_date", "2024-13-45", "published_date is «2024-13-45»; write 2024-10-15"),
        ("is_synthetic", "yes", "is_synthetic is «yes»; write 0, or 1"),
    ],
)
def test_a_field_that_cannot_be_read_is_refused_when_added_and_in_the_catalogue(world, field, value, says):
    (world / "e.csv").write_text("x", encoding="utf-8")
    with pytest.raises(sources.SourceError) as caught:
        sources.add(world / "e.csv", "2026-01-01", **{field: value})
    assert says in str(caught.value) and not (world / "data/raw/files").exists()
    row = sources.Source(**{**vars(register(world)), field: value})
    sources.write_catalog(world / "data/raw/catalog.csv", [row])
    with pytest.raises(sources.SourceError, match=r"catalog\.csv, line 2 \(a\.csv\)") as caught:
        sources.read_catalog()
    assert says in str(caught.value)


def test_a_catalogue_saved_by_a_spreadsheet_says_how_to_save_it(world):
    register(world)
    catalog = world / "data/raw/catalog.csv"
    text = catalog.read_text(encoding="utf-8")
    catalog.write_bytes(text.replace("title", "название").encode("cp1251"))
    with pytest.raises(sources.SourceError, match=r"catalog\.csv is not in UTF-8"):
        sources.read_catalog()
    catalog.write_text(text.replace(",", ";"), encoding="utf-8")
    with pytest.raises(sources.SourceError, match=r"catalog\.csv has no commas between fields"):
        sources.read_catalog()


def test_unknown_field_is_refused(world):
    (world / "e.csv").write_text("x", encoding="utf-8")
    with pytest.raises(sources.SourceError, match="publsher"):
        sources.add(world / "e.csv", "2026-01-01", publsher="typo")


def test_broken_catalogues_name_the_line(world):
    register(world)
    catalog = world / "data/raw/catalog.csv"
    catalog.write_text(catalog.read_text(encoding="utf-8").replace("ministry", ""), encoding="utf-8")
    with pytest.raises(sources.SourceError, match=r"line 2 .*publisher"):
        sources.read_catalog()
    catalog.write_text("path\n", encoding="utf-8")
    with pytest.raises(sources.SourceError, match="columns"):
        sources.read_catalog()


def test_a_path_registered_twice_is_refused(world):
    source = register(world)
    sources.write_catalog(world / "data/raw/catalog.csv", [source, source])
    with pytest.raises(sources.SourceError, match="registered twice"):
        sources.read_catalog()


# ---- published figures --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def observations():
    file = "published/published_facts.csv"
    facts = published.read(paths.raw() / file)
    frame = published.observations(
        facts, store.reference("published_indicators"), store.reference("published_units"), file
    )
    return store.validate("observations", frame).set_index("observation_id")


def test_every_published_figure_becomes_one_observation(observations):
    assert len(observations) == 252 and observations.index.is_unique
    assert not observations["is_synthetic"].any()


@pytest.mark.parametrize(
    ("fact", "low", "high"),
    [
        ("F025", 46.5, 47.5),  # 47 % printed as a whole number
        ("F031", 64.535, 64.545),
        ("F001", 74.55, 74.65),
        ("F033", 70, 100),  # «более 70»
        ("F013", 5700, 6300),  # about 6,000
        ("F044", 63, 63),  # a count is exact
    ],
)
def test_printed_precision_is_kept_as_an_interval(observations, fact, low, high):
    assert observations.loc[fact, ["value_low", "value_high"]].tolist() == [low, high]


def test_open_ends_stay_open(observations):
    assert observations.loc["F065", "value_low"] == 4500 and observations.loc["F065", "cmp"] == ">"
    assert observations.isna().loc["F065", "value_high"]


def test_indicators_categories_and_changes_are_mapped(observations):
    che = observations.loc["F025"]
    assert (che["rating"], che["indicator"], che["entity_id"], che["unit"]) == (
        "b_region_index", "index", "RU-CHE", "percent",
    )  # fmt: skip
    assert observations.loc["F026", "category"] == "продвинутый"
    assert observations.loc["F054", ["rating", "indicator", "category"]].tolist() == ["c_mfc", "level", "high"]
    assert observations.loc["F022", ["value_before", "value_after", "unit"]].tolist() == [4, 2, "day"]
    assert observations.loc["F248", "category"] == "2025-06-25"
    assert observations.loc["F142", ["value_high"]].tolist() == [55]


def one_fact(**change):
    row = dict.fromkeys(published.REQUIRED, "")
    row |= {"fact_id": "F1", "source_id": "S", "entity_type": "country", "entity_ru": "Россия", "indicator": "x"}
    row |= {"period": "2024", "value": "1", "unit": "%", "qualifier": "exact"} | change
    import pandas as pd

    return published.observations(
        pd.DataFrame([row]), store.reference("published_indicators"), store.reference("published_units"), "f.csv"
    )


@pytest.mark.parametrize("change", [{"value": "12x"}, {"qualifier": "roughly"}, {"before_value": "?"}])
def test_a_bad_published_figure_names_row_column_and_value(change):
    with pytest.raises(published.PublishedError, match=r"f\.csv, row 2 \(F1\), column"):
        one_fact(**change)


def test_less_than_has_only_an_upper_bound():
    frame = one_fact(value="3", qualifier="less_than")
    assert frame["value_high"].item() == 3 and frame["value_low"].isna().all()


def test_published_file_without_columns_or_with_repeats_is_refused(tmp_path):
    (tmp_path / "f.csv").write_text("a\n1\n", encoding="utf-8")
    with pytest.raises(published.PublishedError, match="missing"):
        published.read(tmp_path / "f.csv")
    (tmp_path / "g.csv").write_text(",".join(published.REQUIRED) + "\n" + "F1,,,,,,,,,,,,,\n" * 2, encoding="utf-8")
    with pytest.raises(published.PublishedError, match="repeated"):
        published.read(tmp_path / "g.csv")
