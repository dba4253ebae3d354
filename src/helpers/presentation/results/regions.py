"""Regions of the register with all forms of their names."""

import pandas as pd

from helpers.presentation.results.estimates import Region
from helpers.presentation.wording.terms import GENITIVE_DISTRICTS


def register(regions: pd.DataFrame) -> dict[str, Region]:
    """Regions by ISO code, in the order of the register.

    Parameters
    ----------
    regions : DataFrame
        Reference table ``regions``: one row a region, all text.
    """
    return {row["iso_3166_2"]: _region(row) for row in regions.to_dict("records")}


def _region(row: dict) -> Region:
    return Region(
        code=row["iso_3166_2"],
        number=row["code"],
        name=row["name_ru"],
        genitive=row["genitive_ru"],
        prepositional=row["prepositional_ru"],
        label=row["label_ru"],
        name_en=row["name_en"],
        district=row["federal_district"],
        district_en=row["federal_district_en"],
        district_genitive=GENITIVE_DISTRICTS.get(row["federal_district"], ""),
        tile_row=int(row["tile_row"]),
        tile_column=int(row["tile_column"]),
    )


def by_district(regions: dict[str, Region], lang: str = "ru") -> list[Region]:
    """Regions sorted by district, then name, in the language of the page; regions without a district come last."""
    if lang == "en":
        return sorted(regions.values(), key=lambda item: (not item.district, item.district_en, item.name_en))
    return sorted(regions.values(), key=lambda item: (not item.district, item.district, item.name))
