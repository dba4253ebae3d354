"""Which ways to calculate the index from questionnaires are tried: the rows of ``method_choices.csv``.

A row taken out is not tried any more; a row that no function serves is refused. Which way is the nominal one, the
parameters of notebook 03 say.
"""

from dataclasses import dataclass

import pandas as pd

from helpers.analysis.composite import MAX_WINSORISED
from helpers.analysis.composite.uncertainty import WEIGHT_SPREAD

NORMALISATIONS = ("goalposts", "min_max", "z", "rank")
SERVED = {
    "normalisation": NORMALISATIONS,
    "aggregation": ("arithmetic", "geometric"),
    "weights": ("equal_body", "size_weighted", "perturbed"),
    "treatment": ("none", "winsorise"),
    "left_out": ("none", "one_body"),
}
WITH_PARAMETER = {"goalposts": "low;high", "perturbed": "a share between 0 and 1", "winsorise": "a number of points"}


@dataclass(frozen=True)
class MethodChoices:
    """Ways to calculate that are tried; the defaults are all that there are.

    Attributes
    ----------
    normalisations : tuple of str
        Of :data:`NORMALISATIONS`.
    aggregations : tuple of str
        ``arithmetic`` (equal bodies), ``size_weighted``, ``geometric``.
    is_treated_too : bool
        Whether outliers are treated in some draws.
    leaves_one_out : bool
        Whether one body is left out in some draws.
    weight_spread : float
        Share by which weights of processes move either way; 0 for fixed weights.
    goalposts : tuple of float
        Ends of the fixed scale, per cent.
    winsorised : int
        Points that a treatment moves at most.
    """

    normalisations: tuple[str, ...] = NORMALISATIONS
    aggregations: tuple[str, ...] = ("arithmetic", "size_weighted", "geometric")
    is_treated_too: bool = True
    leaves_one_out: bool = True
    weight_spread: float = WEIGHT_SPREAD
    goalposts: tuple[float, float] = (0.0, 100.0)
    winsorised: int = MAX_WINSORISED


def read(table: pd.DataFrame) -> MethodChoices:
    """Choices of the reference table ``method_choices`` (``choice, option, parameter``, all text).

    Raises
    ------
    ValueError
        For a choice or option that no function serves, or a parameter that is not what the option needs.
    """
    for row in table.to_dict("records"):
        if row["choice"] not in SERVED:
            raise ValueError(f"method_choices.csv: no choice {row['choice']!r}; there is: {', '.join(SERVED)}")
        if row["option"] not in SERVED[row["choice"]]:
            known = ", ".join(SERVED[row["choice"]])
            raise ValueError(f"method_choices.csv: {row['choice']} has no option {row['option']!r}; there is: {known}")
    given = {(row["choice"], row["option"]): row["parameter"] for row in table.to_dict("records")}
    aggregations = {
        "arithmetic": ("aggregation", "arithmetic"), "size_weighted": ("weights", "size_weighted"),
        "geometric": ("aggregation", "geometric"),
    }  # fmt: skip
    ends = _numbers(given, ("normalisation", "goalposts"), "0;100")
    return MethodChoices(
        normalisations=tuple(name for name in NORMALISATIONS if ("normalisation", name) in given),
        aggregations=tuple(name for name, key in aggregations.items() if key in given),
        is_treated_too=("treatment", "winsorise") in given,
        leaves_one_out=("left_out", "one_body") in given,
        weight_spread=_numbers(given, ("weights", "perturbed"), "0")[0],
        goalposts=(ends[0], ends[-1]),
        winsorised=int(_numbers(given, ("treatment", "winsorise"), str(MAX_WINSORISED))[0]),
    )


def _numbers(given: dict[tuple[str, str], str], key: tuple[str, str], default: str) -> list[float]:
    """Parameter of an option, numbers separated by semicolons; the default where the option is not tried."""
    option, text = key[1], given.get(key, default)
    try:
        numbers = [float(part) for part in text.split(";")]
    except ValueError:
        numbers = []
    fits = {
        "goalposts": len(numbers) == 2 and numbers[0] < numbers[-1],
        "perturbed": len(numbers) == 1 and 0 <= numbers[0] < 1,
        "winsorise": len(numbers) == 1 and numbers[0] >= 1 and numbers[0] % 1 == 0,
    }  # fmt: skip
    if not fits[option]:
        raise ValueError(f"method_choices.csv: {option} needs {WITH_PARAMETER[option]}, not {text!r}")
    return numbers
