"""Growth between two periods: points, per cent and logits as three columns, and what moved a weighted mean.

Grain in: one entity per row with both ends (for changes), or one body per row and period (for the decomposition).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.tables import periods

ENDS = ("before", "before_low", "before_high", "after", "after_low", "after_high")


@dataclass(frozen=True)
class Decomposition:
    """Change of a weighted mean split into four parts, in the unit of the values.

    ``within + between + entry - exit_`` equals ``total`` up to rounding of floats; ``bodies`` has one row per body.
    """

    total: float
    within: float
    between: float
    entry: float
    exit_: float
    bodies: pd.DataFrame


def changes(frame: pd.DataFrame) -> pd.DataFrame:
    """Change of every row as points, per cent and logits, each with the interval that both printed ends allow.

    Parameters
    ----------
    frame
        Columns ``before, before_low, before_high, after, after_low, after_high`` in per cent (0–100).

    Returns
    -------
    pandas.DataFrame
        The frame with ``points, percent, logit`` and their ``_low`` and ``_high``, and ``is_beyond_rounding``:
        the interval of points excludes zero. Logits are missing at 0 and 100.

    Raises
    ------
    ValueError
        For a missing column or a value outside 0–100.

    *Assumes* the two ends are not rounded together: the widest interval is kept.
    """
    missing = [column for column in ENDS if column not in frame]
    if missing:
        raise ValueError(f"changes need the columns {', '.join(missing)}")
    ends = frame[list(ENDS)].astype(float)
    if ((ends < 0) | (ends > 100)).any(axis=None):
        raise ValueError("values must lie between 0 and 100")
    first, first_low, first_high, last, last_low, last_high = (ends[column].to_numpy() for column in ENDS)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = {
            "points": (last - first, last_low - first_high, last_high - first_low),
            "percent": tuple(
                100 * (np.where(base > 0, top / base, np.nan) - 1)
                for top, base in ((last, first), (last_low, first_high), (last_high, first_low))
            ),
            "logit": (
                logit(last) - logit(first),
                logit(last_low) - logit(first_high),
                logit(last_high) - logit(first_low),
            ),
        }
    columns = {
        f"{name}{end}": values
        for name, triple in parts.items()
        for end, values in zip(("", "_low", "_high"), triple, strict=True)
    }
    result = frame.assign(**columns)
    result["is_beyond_rounding"] = (result["points_low"] > 0) | (result["points_high"] < 0)
    return result


def logit(percent: np.ndarray | pd.Series | float) -> np.ndarray:
    """Log odds of a percentage; missing at and beyond 0 and 100."""
    share = np.asarray(percent, dtype=float) / 100
    inside = (share > 0) & (share < 1)
    safe = np.where(inside, share, 0.5)
    return np.where(inside, np.log(safe / (1 - safe)), np.nan)


def noise_test(
    change: pd.Series, std_error_before: pd.Series, std_error_after: pd.Series, level_z: float = 1.96
) -> pd.DataFrame:
    """Change with a sampling interval (grain as given): ``change, change_low, change_high, is_beyond_noise``.

    *Assumes* independent errors of the two periods; errors that the periods share make the interval too wide.
    """
    error = np.sqrt(std_error_before**2 + std_error_after**2)
    low, high = change - level_z * error, change + level_z * error
    return pd.DataFrame(
        {"change": change, "change_low": low, "change_high": high, "is_beyond_noise": (low > 0) | (high < 0)}
    )


def yearly_rate(change: float, period_from: str, period_to: str) -> float:
    """The change if it may be called yearly, otherwise missing.

    A half-year value against a full-year value is not a yearly rate, and no factor makes it one.
    """
    return change if periods.is_comparable(period_from, period_to) else float("nan")


def decompose(before: pd.DataFrame, after: pd.DataFrame) -> Decomposition:
    """Split the change of a weighted mean R = Σ w x into within, between, entry and exit.

    Parameters
    ----------
    before, after
        One row per body: ``body, weight, value``. Weights are normalised to one in each period.

    Returns
    -------
    Decomposition
        With m = (R₀ + R₁)/2 and C bodies in both periods: within = Σ_C ½(w₀ + w₁)(x₁ − x₀);
        between = Σ_C (½(x₀ + x₁) − m)(w₁ − w₀); entry = Σ w₁(x₁ − m); exit = Σ w₀(x₀ − m), subtracted.

    Raises
    ------
    ValueError
        If a body is repeated, a value or weight missing, or weights do not add up to a positive number.

    *Assumes* that a renamed body carries one name in both tables; otherwise it counts as an exit and an entry.
    """
    first, last = _normalised(before, "before"), _normalised(after, "after")
    joined = first.add_suffix("_before").join(last.add_suffix("_after"), how="outer")
    w0, w1 = joined["weight_before"].fillna(0.0), joined["weight_after"].fillna(0.0)
    x0, x1 = joined["value_before"], joined["value_after"]
    mean_before, mean_after = float((w0 * x0).sum()), float((w1 * x1).sum())
    middle = (mean_before + mean_after) / 2
    in_both = x0.notna() & x1.notna()
    bodies = pd.DataFrame(
        {
            "status": np.select([in_both, x1.notna()], ["both", "entered"], "left"),
            "within": ((w0 + w1) / 2 * (x1 - x0)).where(in_both, 0.0),
            "between": (((x0 + x1) / 2 - middle) * (w1 - w0)).where(in_both, 0.0),
            "entry": (w1 * (x1 - middle)).where(x0.isna(), 0.0),
            "exit": (w0 * (x0 - middle)).where(x1.isna(), 0.0),
        }
    )
    sums = bodies[["within", "between", "entry", "exit"]].sum()
    return Decomposition(
        mean_after - mean_before,
        float(sums["within"]),
        float(sums["between"]),
        float(sums["entry"]),
        float(sums["exit"]),
        bodies.reset_index(),
    )


def _normalised(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    if frame["body"].duplicated().any():
        raise ValueError(f"a body stands twice in the table {name}")
    table = frame.set_index("body")[["weight", "value"]].astype(float)
    if table.isna().any(axis=None) or (table["weight"] < 0).any() or table["weight"].sum() <= 0:
        raise ValueError(f"weights and values of the table {name} must be known, weights not negative")
    return table.assign(weight=table["weight"] / table["weight"].sum())
