"""The recipes of the analyst's guide: a new rating, year, region, label or recipient is rows, and they are enough."""

import shutil

import conftest
import pandas as pd
import pytest

from helpers import cli, paths
from helpers.delivery import recipients
from helpers.intake import cleaning, regions, sources
from helpers.intake.collection import clean_collection
from helpers.tables import store
from helpers.tables.trace import trace


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A repository of its own, without raw files."""
    root = tmp_path_factory.mktemp("recipes")
    shutil.copytree(conftest.REPOSITORY / "data" / "reference", root / "data" / "reference")
    (root / "data" / "raw").mkdir(parents=True)
    shutil.copy(conftest.REPOSITORY / "params.toml", root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(paths.ROOT_VARIABLE, str(root))
        yield root


def add(name, **cells):
    """One more row, put before the others: the first row that fits counts."""
    path = paths.reference() / f"{name}.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert set(cells) <= set(table.columns), f"{name}.csv has the columns {list(table.columns)}"
    pd.concat([pd.DataFrame([cells]), table]).fillna("").to_csv(path, index=False)


def test_a_new_rating_and_its_indicator_are_two_rows(folder):
    add(
        "ratings",
        rating="k_contact",
        entity_types="region",
        title_pattern="колл-центр",
        file_pattern="contact",
        note="n",
    )
    add("indicators", rating="k_contact", indicator="answered", kind="percent", unit="percent", pattern="отвечен",
        minimum="0", maximum="100")  # fmt: skip
    file = folder / "contact_2024.csv"
    file.write_text(
        "Колл-центры субъектов за 2024 год;\nСубъект;Отвечено звонков, %\nТульская область;91,5\nОмская область;88\n",
        encoding="utf-8",
    )
    source = sources.add(file, "2025-02-01", publisher="М", licence="л", address="а")
    tables = clean_collection([source])
    store.save("observations", tables["observations"], "real")
    found = store.load("observations", "real").set_index("entity_id")["value"].to_dict()
    assert found == {"RU-TUL": 91.5, "RU-OMS": 88.0} and tables["rejects"].empty
    (way,) = trace("RU-TUL", "answered", "2024", tables, pd.DataFrame([vars(source)]))
    assert [step.name for step in way] == ["table observations", "source cell", "source file", "published by"]


def test_a_new_year_is_three_keys_of_the_parameters(folder):
    path = folder / "params.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace('period = "2024-H1"', 'period = "2024"').replace('"preliminary"', '"final"'), encoding="utf-8"
    )
    assert cli.parameters()["real"]["period"] == "2024"
    assert store.release_settings("real")["edition"] == "final"


def test_a_new_region_resolves_by_its_row(folder):
    known = store.reference("regions").iloc[0].to_dict()
    new = {"code": "99", "iso_3166_2": "RU-NEW", "oktmo": "99", "okato": "99000000000", "name_ru": "Новая область"}
    add(
        "regions",
        **known | new | {"name_ru_official": "Новая область", "name_ru_short": "Новая область", "aliases_ru": ""},
    )
    regions._register.cache_clear()
    regions._match.cache_clear()
    assert (
        regions.match_region("Новая обл.").code == "RU-NEW" and regions.match_region("Новой области").code == "RU-NEW"
    )
    add("region_aliases", alias="Новый край света", region_iso="RU-NEW")
    regions._register.cache_clear()
    regions._match.cache_clear()
    assert regions.match_region("Новый край света").code == "RU-NEW"


def test_an_outcome_under_an_unusual_label_is_one_row(folder):
    add("panel_columns", column="in_term_share", kind="share", pattern="^вовремя")
    file = folder / "monthly.csv"
    file.write_text(
        "Субъект;Код услуги;Месяц;Услуга;Оценка;Заявлений;Срок, медиана;Единица срока;Вовремя, %\n"
        "Тульская обл.;У-1;2024-06;Л;В;3;5,5;р.д.;95\n",
        encoding="utf-8",
    )
    assert cleaning.clean_file(file).panel["in_term_share"].tolist() == [0.95]


def test_a_new_recipient_is_a_row_of_a_copy_of_the_example(folder):
    example = (conftest.REPOSITORY / "recipients.example.csv").read_text(encoding="utf-8")
    file = folder / "recipients.csv"
    file.write_text(example + "new@tula.example,Новый,RU-TUL,ru,html,yes,no\n", encoding="utf-8")
    assert "new@tula.example" in {one.address for one in recipients.read(file, store.reference("regions"))}


def test_every_recipe_of_the_guide_is_tried_here():
    guide = (conftest.REPOSITORY / "docs" / "guide_analyst.ru.md").read_text(encoding="utf-8")
    recipes = [
        line for line in guide.partition("## Рецепты")[2].partition("\n## ")[0].splitlines() if line.startswith("### ")
    ]
    for word in ("Новый год", "Новый рейтинг", "Новый субъект", "исход", "Новый получатель"):
        assert any(word in recipe for recipe in recipes), word
    assert {command.callback.__name__ for command in cli.app.registered_commands} >= {"add", "clean", "build"}
