"""How much of a rank is method: Monte Carlo over choices with every draw logged, and Sobol shares of the rank shift.

Grain in: a function from choices to scores. Grain out: one unit per row (ranks), one draw per row (log), one factor per
row (sensitivity). A choice that cannot be applied stops the run and names itself; nothing is skipped.

References
----------
Saisana, Saltelli, Tarantola (2005), Uncertainty and sensitivity analysis techniques as tools for the quality assessment
of composite indicators, JRSS-A 168. Saltelli et al. (2010), Variance based sensitivity analysis of model output,
Computer Physics Communications 181. SALib: Herman, Usher (2017), Journal of Open Source Software 2.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from SALib.analyze import sobol as sobol_analyze
from SALib.sample import sobol as sobol_sample

from helpers.analysis.composite import aggregate, check_tree, normalise, rank, to_positive, treat_outliers
from helpers.analysis.composite.whatif import without

WEIGHT_SPREAD = 0.25


@dataclass(frozen=True)
class Choice:
    """One way to calculate the index; the defaults are the nominal way."""

    normalisation: str = "goalposts"
    aggregation: str = "arithmetic"
    is_treated: bool = False
    left_out: str = ""
    rounding_seed: int = -1
    weight_factors: Mapping[tuple[int, str], float] = field(default_factory=dict)


@dataclass(frozen=True)
class Space:
    """What may vary. The first option of each is the nominal one; a single option keeps the factor fixed.

    ``left_out`` lists nodes (or bodies) that may be dropped, besides nobody; ``weights`` the (level, code) keys whose
    weights move within ±``weight_spread``; ``with_rounding`` moves values within their printed rounding.
    """

    normalisations: tuple[str, ...] = ("goalposts",)
    aggregations: tuple[str, ...] = ("arithmetic",)
    treatments: tuple[bool, ...] = (False,)
    left_out: tuple[str, ...] = ()
    weights: tuple[tuple[int, str], ...] = ()
    weight_spread: float = WEIGHT_SPREAD
    with_rounding: bool = False

    @property
    def factors(self) -> tuple[str, ...]:
        """Factors that really vary."""
        present = {
            "normalisation": len(self.normalisations) > 1,
            "aggregation": len(self.aggregations) > 1,
            "treatment": len(self.treatments) > 1,
            "left_out": bool(self.left_out),
            "rounding": self.with_rounding,
            "weights": bool(self.weights),
        }
        return tuple(name for name, varies in present.items() if varies)


@dataclass(frozen=True)
class RankUncertainty:
    """Ranks over method choices.

    Attributes
    ----------
    ranks
        Grain: unit. ``nominal, median, low, high`` (5 and 95 per cent of the draws), ``best, worst``.
    log
        Grain: draw. Every choice made, and ``mean_rank_shift`` against the nominal ranks.
    """

    ranks: pd.DataFrame
    log: pd.DataFrame


Model = Callable[[Choice], pd.Series]


def rank_uncertainty(model: Model, space: Space, draws: int = 1_000, seed: int = 0) -> RankUncertainty:
    """Ranks of all units over random choices.

    Parameters
    ----------
    model
        Choice → scores, larger is better, the same units every time.
    space
        What may vary.
    draws, seed
        A thousand or more; the seed of all choices.

    Raises
    ------
    ValueError
        If the model refuses a choice: the message holds the draw and the choice.
    """
    rng = np.random.default_rng(seed)
    choices = [_draw(space, rng) for _ in range(draws)]
    nominal = rank(_run(model, nominal_choice(space), "nominal"))
    ranks = np.stack([_shifted(model, choice, nominal, number) for number, choice in enumerate(choices)])
    low, median, high = np.nanquantile(ranks, [0.05, 0.5, 0.95], axis=0)
    table = pd.DataFrame(
        {
            "nominal": nominal,
            "median": median,
            "low": low,
            "high": high,
            "best": np.nanmin(ranks, axis=0),
            "worst": np.nanmax(ranks, axis=0),
        }
    )
    shift = np.nanmean(np.abs(ranks - nominal.to_numpy()), axis=1)
    return RankUncertainty(table, _log(choices, shift))


def nominal_choice(space: Space) -> Choice:
    """First option of everything, all weights as given, values as printed."""
    return Choice(space.normalisations[0], space.aggregations[0], space.treatments[0])


def sensitivity(model: Model, space: Space, base: int = 64, seed: int = 0) -> pd.DataFrame:
    """First-order and total Sobol shares of the mean absolute rank shift, by factor.

    Parameters
    ----------
    base
        Size of the base sample, a power of two; base · (factors + 2) evaluations.

    Returns
    -------
    pandas.DataFrame
        Columns ``factor, S1, S1_error, ST, ST_error`` (95 % half-widths), largest total first.

    Raises
    ------
    ValueError
        If fewer than two factors vary, ``base`` is no power of two, or nothing changes any rank.
    """
    if len(space.factors) < 2:
        raise ValueError("a sensitivity analysis needs two factors that vary")
    columns = [(name, key) for name in space.factors for key in (space.weights if name == "weights" else ("",))]
    nominal = rank(_run(model, nominal_choice(space), "nominal"))

    def shift(row: np.ndarray) -> float:
        choice = _from_uniform(space, dict(zip(columns, row, strict=True)))
        return float(np.nanmean(np.abs(_shifted(model, choice, nominal, "sensitivity") - nominal.to_numpy())))

    problem = {
        "num_vars": len(columns),
        "names": [f"{name}{key}" for name, key in columns],
        "bounds": [[0.0, 1.0]] * len(columns),
        "groups": [name for name, _ in columns],
    }
    return _sobol(problem, shift, base, seed)


def sobol_indices(
    function: Callable[[np.ndarray], float],
    bounds: Sequence[tuple[float, float]],
    base: int = 1_024,
    seed: int = 0,
) -> pd.DataFrame:
    """Sobol shares of any function of independent uniform variables (columns of :func:`sensitivity`).

    Raises
    ------
    ValueError
        As :func:`sensitivity`.
    """
    problem = {
        "num_vars": len(bounds),
        "names": [f"x{number}" for number in range(1, len(bounds) + 1)],
        "bounds": [list(pair) for pair in bounds],
    }
    return _sobol(problem, function, base, seed)


def indicator_model(data: pd.DataFrame, tree: pd.DataFrame, half_widths: pd.Series | None = None) -> Model:
    """Model of an indicator table: treat, normalise, aggregate; scores of the top node.

    Parameters
    ----------
    data
        Units × indicators.
    tree
        Tree of the index; columns ``low`` and ``high`` give the goalposts.
    half_widths
        Indicator → half of the printed step, for values within their rounding.
    """
    tree = check_tree(tree)
    indicators = tree[tree["level"] == 1].set_index("code")
    top = tree.loc[tree["level"] == tree["level"].max(), "code"].iloc[0]

    def scores(choice: Choice) -> pd.Series:
        values = data[list(indicators.index)]
        if choice.rounding_seed >= 0 and half_widths is not None:
            noise = np.random.default_rng(choice.rounding_seed).uniform(-1, 1, values.shape)
            values = values + noise * half_widths.reindex(values.columns).to_numpy()
        changed = _reweighted(tree, choice.weight_factors)
        if choice.left_out:
            changed = without(changed, *_node(changed, choice.left_out))
        kept = changed.loc[changed["level"] == 1, "code"]
        normalised = pd.DataFrame({code: _one(values[code], indicators.loc[code], choice) for code in kept})
        if choice.aggregation == "geometric":
            normalised = to_positive(normalised)
        return aggregate(normalised, changed, choice.aggregation)[top]

    return scores


def _one(values: pd.Series, indicator: pd.Series, choice: Choice) -> pd.Series:
    treated = treat_outliers(values).values if choice.is_treated else values
    low, high = indicator.get("low"), indicator.get("high")
    return normalise(treated, choice.normalisation, int(indicator["direction"]), low, high)


def _reweighted(tree: pd.DataFrame, factors: Mapping[tuple[int, str], float]) -> pd.DataFrame:
    keys = zip(tree["level"], tree["code"], strict=True)
    return tree.assign(weight=tree["weight"] * [factors.get(key, 1.0) for key in keys])


def _node(tree: pd.DataFrame, code: str) -> tuple[int, str]:
    levels = tree.loc[(tree["code"] == code) & (tree["level"] < tree["level"].max()), "level"]
    if levels.empty:
        raise ValueError(f"no node {code!r} below the top to leave out")
    return int(levels.min()), code


def _draw(space: Space, rng: np.random.Generator) -> Choice:
    columns = [(name, key) for name in space.factors for key in (space.weights if name == "weights" else ("",))]
    return _from_uniform(space, dict(zip(columns, rng.random(len(columns)), strict=True)))


def _from_uniform(space: Space, u: Mapping[tuple, float]) -> Choice:
    """Choice from numbers between 0 and 1: a category is the u-th part of its list, a weight factor is 1 ± spread."""

    def pick(options: Sequence, name: str):  # type: ignore[no-untyped-def]
        return options[min(int(u.get((name, ""), 0.0) * len(options)), len(options) - 1)]

    factors = {key: 1 + space.weight_spread * (2 * u["weights", key] - 1) for key in space.weights}
    return Choice(
        normalisation=pick(space.normalisations, "normalisation"),
        aggregation=pick(space.aggregations, "aggregation"),
        is_treated=pick(space.treatments, "treatment"),
        left_out=pick(("", *space.left_out), "left_out"),
        rounding_seed=int(u["rounding", ""] * 2**31) if space.with_rounding else -1,
        weight_factors=factors,
    )


def _run(model: Model, choice: Choice, name: object) -> pd.Series:
    try:
        return model(choice)
    except ValueError as error:
        raise ValueError(f"draw {name} cannot be calculated: {error}; choice: {choice}") from error


def _shifted(model: Model, choice: Choice, nominal: pd.Series, name: object) -> np.ndarray:
    return rank(_run(model, choice, name)).reindex(nominal.index).to_numpy(dtype=float)


def _log(choices: Sequence[Choice], shift: np.ndarray) -> pd.DataFrame:
    rows = [
        {
            "draw": number,
            "normalisation": choice.normalisation,
            "aggregation": choice.aggregation,
            "is_treated": choice.is_treated,
            "left_out": choice.left_out,
            "rounding_seed": choice.rounding_seed,
            **{f"weight_{level}_{code}": factor for (level, code), factor in choice.weight_factors.items()},
        }
        for number, choice in enumerate(choices)
    ]
    return pd.DataFrame(rows).assign(mean_rank_shift=shift)


def _sobol(problem: dict, function: Callable[[np.ndarray], float], base: int, seed: int) -> pd.DataFrame:
    if base < 2 or base & (base - 1):
        raise ValueError(f"base must be a power of two, got {base}")
    sample = sobol_sample.sample(problem, base, calc_second_order=False, seed=seed)
    results = np.array([function(row) for row in sample])
    if np.ptp(results) == 0:
        raise ValueError("nothing changes: the variance to share out is zero")
    found = sobol_analyze.analyze(problem, results, calc_second_order=False, seed=seed)
    names = list(dict.fromkeys(problem.get("groups") or problem["names"]))
    table = pd.DataFrame(
        {
            "factor": names,
            "S1": found["S1"],
            "S1_error": found["S1_conf"],
            "ST": found["ST"],
            "ST_error": found["ST_conf"],
        }
    )
    return table.sort_values("ST", ascending=False, kind="stable", ignore_index=True)
