"""Ranks of regions over ways to add up questionnaires: a model for the Monte Carlo over choices.

Grain in: processes of bodies of one period. Grain out: one region per row (ranks) and one draw per row (log).
"""

import numpy as np
import pandas as pd

from helpers.analysis.composite import normalise, treat_outliers, weighted_mean
from helpers.analysis.composite.uncertainty import (
    Choice,
    Model,
    RankUncertainty,
    Space,
    rank_uncertainty,
    sensitivity,
)
from helpers.analysis.ratings.choices import NORMALISATIONS, MethodChoices

EVERY_CHOICE = MethodChoices()
AGGREGATIONS = EVERY_CHOICE.aggregations


def aggregation_of(aggregation: str, weights: str) -> str:
    """Name of the way to aggregate from two parameters of a notebook: ``aggregation`` and ``weights``.

    Raises
    ------
    ValueError
        For an unknown value, or a geometric mean with weights by size, which is not calculated.
    """
    if aggregation not in ("arithmetic", "geometric"):
        raise ValueError(f"aggregation {aggregation!r}: use arithmetic or geometric")
    if weights not in ("equal_body", "size_weighted"):
        raise ValueError(f"weights {weights!r}: use equal_body or size_weighted")
    if weights == "equal_body":
        return aggregation
    if aggregation == "geometric":
        raise ValueError("weights size_weighted go with the arithmetic mean only")
    return "size_weighted"


def questionnaire_space(
    processes: pd.DataFrame,
    normalisation: str = "goalposts",
    aggregation: str = "arithmetic",
    choices: MethodChoices = EVERY_CHOICE,
) -> Space:
    """Choices that can be applied to these questionnaires; the given two are the nominal way, tried always.

    One body is left out only if every region has two or more; which one is its number in the order of names.

    Raises
    ------
    ValueError
        For a normalisation or aggregation that is not one of the choices.
    """
    if normalisation not in NORMALISATIONS:
        raise ValueError(f"normalisation {normalisation!r}: use one of {', '.join(NORMALISATIONS)}")
    if aggregation not in AGGREGATIONS:
        raise ValueError(f"aggregation {aggregation!r}: use one of {', '.join(AGGREGATIONS)}")
    bodies = processes.groupby("region_iso")["body"].nunique()
    codes = sorted(processes["process"].unique())
    can_leave_out = choices.leaves_one_out and bodies.min() > 1
    return Space(
        normalisations=(normalisation, *(option for option in choices.normalisations if option != normalisation)),
        aggregations=(aggregation, *(option for option in choices.aggregations if option != aggregation)),
        treatments=(False, True) if choices.is_treated_too else (False,),
        left_out=tuple(str(number) for number in range(1, int(bodies.max()) + 1)) if can_leave_out else (),
        weights=tuple((1, str(code)) for code in codes) if choices.weight_spread else (),
        weight_spread=choices.weight_spread,
    )


def questionnaire_model(
    processes: pd.DataFrame, weights: pd.Series | None = None, choices: MethodChoices = EVERY_CHOICE
) -> Model:
    """Choice → score of every region.

    Parameters
    ----------
    processes
        Result of ``process_scores`` for one period.
    weights
        Nominal weights of processes, keyed by ("process", code).
    choices
        For the ends of the fixed scale and the points that a treatment may move.

    Raises
    ------
    ValueError
        If the rows are of several periods.
    """
    if len(processes["period"].unique()) != 1:
        raise ValueError("the model needs one period: scales within a period are not comparable over time")
    keys = ["region_iso", "body"]
    wide = processes.pivot_table(index=keys, columns="process", values="score").sort_index()
    size = processes.groupby(keys)["size"].sum().reindex(wide.index).to_numpy(dtype=float)
    names = wide.index.get_level_values("region_iso")
    regions, codes = np.unique(names.to_numpy(dtype=str), return_inverse=True)
    order = wide.groupby("region_iso").cumcount().to_numpy()
    counts = np.bincount(codes)
    nominal = np.array([1.0 if weights is None else weights.get(("process", c), 1.0) for c in wide.columns])
    scaled: dict[tuple[str, bool], pd.DataFrame] = {}

    def scores(choice: Choice) -> pd.Series:
        key = (choice.normalisation, choice.is_treated)
        if key not in scaled:
            scaled[key] = wide.apply(lambda column: _one(column, *key, choices))
        is_geometric = choice.aggregation == "geometric"
        values = 1 + 0.99 * scaled[key] if is_geometric else scaled[key]
        factors = [choice.weight_factors.get((1, str(code)), 1.0) for code in wide.columns]
        share = pd.Series(nominal * factors, index=wide.columns)
        bodies = weighted_mean(values, share, "geometric" if is_geometric else "arithmetic").to_numpy()
        kept = np.isfinite(bodies)
        if choice.left_out:
            kept &= order != (int(choice.left_out) - 1) % counts[codes]
        weight = np.where(kept, size if choice.aggregation == "size_weighted" else 1.0, 0.0)
        amounts = np.log(np.where(kept, bodies, 1.0)) if is_geometric else np.where(kept, bodies, 0.0)
        total = np.bincount(codes, weight)
        if (total == 0).any():
            raise ValueError(f"no body is left in {regions[total == 0][0]}")
        mean = np.bincount(codes, weight * amounts) / total
        return pd.Series(np.exp(mean) if is_geometric else mean, index=regions)

    return scores


def method_ranks(
    processes: pd.DataFrame,
    draws: int = 1_000,
    seed: int = 0,
    weights: pd.Series | None = None,
    normalisation: str = "goalposts",
    aggregation: str = "arithmetic",
    choices: MethodChoices = EVERY_CHOICE,
) -> RankUncertainty:
    """Ranks of regions of one period over method choices, every draw logged."""
    space = questionnaire_space(processes, normalisation, aggregation, choices)
    return rank_uncertainty(questionnaire_model(processes, weights, choices), space, draws, seed)


def method_sensitivity(
    processes: pd.DataFrame, base: int = 256, seed: int = 0, choices: MethodChoices = EVERY_CHOICE
) -> pd.DataFrame:
    """Which choice moves places most: Sobol shares of the mean rank shift, one period (grain: factor).

    Empty where fewer than two regions have questionnaires, or fewer than two choices vary.
    """
    several = len(processes["region_iso"].unique()) > 1
    space = questionnaire_space(processes, choices=choices) if several else Space()
    if len(space.factors) < 2:
        return pd.DataFrame(columns=["factor", "S1", "S1_error", "ST", "ST_error"])
    return sensitivity(questionnaire_model(processes, None, choices), space, base, seed)


def _one(column: pd.Series, normalisation: str, is_treated: bool, choices: MethodChoices) -> pd.Series:
    treated = treat_outliers(column, choices.winsorised).values if is_treated else column
    low, high = choices.goalposts
    return (
        normalise(treated, normalisation, 1, low=low, high=high)
        if normalisation == "goalposts"
        else normalise(treated, normalisation)
    )
