"""The data dictionary, written from the schemas so that it cannot lie."""

from helpers.tables.schemas import TABLES, Column

HEADER = """# Data dictionary

Generated from `src/helpers/tables/schemas*.py` by `reports dictionary`; a test holds it true. Tables live in
`data/processed/<collection>/<table>.parquet`. Text is never null (absent text is empty); a missing number is null.
"""


def _allowed(column: Column) -> str:
    parts = []
    if column.values:
        parts.append(", ".join(f"`{value}`" if value else "(empty)" for value in column.values))
    if column.low is not None or column.high is not None:
        low = "" if column.low is None else f"≥ {column.low:g}"
        high = "" if column.high is None else f"≤ {column.high:g}"
        parts.append(" and ".join(part for part in (low, high) if part))
    if column.nullable:
        parts.append("may be missing")
    return "; ".join(parts)


def markdown() -> str:
    """The dictionary as Markdown: for each table what it holds, its grain, and every column with type and meaning."""
    lines = [HEADER]
    for table in TABLES.values():
        lines += [
            f"## {table.name}",
            "",
            table.about,
            "",
            f"Grain (key): {' × '.join(f'`{k}`' for k in table.key)}",
            "",
        ]
        lines += ["| column | type | meaning and unit | values |", "|---|---|---|---|"]
        for name, column in table.columns.items():
            about, allowed = column.about.replace("|", "\\|"), _allowed(column).replace("|", "\\|")
            lines.append(f"| `{name}` | {column.dtype} | {about} | {allowed} |")
        lines.append("")
    return "\n".join(lines)
