"""Contract of every table in ``data/processed``: grain, columns, types, units and ranges.

One declaration serves three purposes: validation on save and load (`store`), the data dictionary
(`dictionary`), and the agreement between the wings, which meet in these tables only. Tables are declared by the wing
that makes them: `cleaned`, `rated`, `effects`.
"""

import pandera.pandas as pa

from helpers.tables.columns import DAY_UNITS, ENTITY_TYPES, INTERVAL_KINDS, REJECT_REASONS, Column, Table
from helpers.tables.schemas import cleaned as schemas_cleaned
from helpers.tables.schemas import effects as schemas_effects
from helpers.tables.schemas import rated as schemas_rated

__all__ = [
    "DAY_UNITS", "ENTITY_TYPES", "INTERVAL_KINDS", "KEYS", "REJECT_REASONS", "SCHEMAS", "TABLES", "Column",
    "Table", "schema",
]  # fmt: skip

TABLES: dict[str, Table] = {
    table.name: table for table in (*schemas_cleaned.TABLES, *schemas_rated.TABLES, *schemas_effects.TABLES)
}


def _pandera_column(column: Column) -> pa.Column:
    checks = []
    if column.values:
        checks.append(pa.Check.isin(column.values, error=f"one of: {', '.join(v or '(empty)' for v in column.values)}"))
    if column.low is not None:
        checks.append(pa.Check.ge(column.low, error=f"at least {column.low:g}"))
    if column.high is not None:
        checks.append(pa.Check.le(column.high, error=f"at most {column.high:g}"))
    if column.pattern:
        checks.append(pa.Check.str_matches(rf"^(?:{column.pattern}|)$", error=f"text of the form {column.pattern}"))
    return pa.Column(column.dtype, checks=checks, nullable=column.nullable, description=column.about)


def schema(name: str) -> pa.DataFrameSchema:
    """Pandera schema of a table: all columns present and in order, types, ranges, unique key.

    Raises
    ------
    KeyError
        If no such table is declared.
    """
    table = TABLES[name]
    return pa.DataFrameSchema(
        {column: _pandera_column(spec) for column, spec in table.columns.items()},
        unique=list(table.key),
        strict=True,
        name=name,
    )


SCHEMAS: dict[str, pa.DataFrameSchema] = {name: schema(name) for name in TABLES}
KEYS: dict[str, tuple[str, ...]] = {name: table.key for name, table in TABLES.items()}
