"""Tables of a few rows for tests: what a row leaves out is empty."""

import pandas as pd

from helpers.tables import schemas, store


def frame(name, *rows):
    """A table with these rows in the columns and types of its schema."""
    columns = schemas.TABLES[name].columns
    blank = {column: "" if spec.dtype == "str" else 0 for column, spec in columns.items()}
    return store.conform(name, pd.DataFrame([blank | row for row in rows], columns=list(columns)))
